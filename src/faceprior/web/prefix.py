"""The sub-path of a proxy in front (https://example.org/faces/): given by --root-path, or by each request's
X-Forwarded-Prefix. The proxy may take it off the paths that it passes on, or leave it there."""

import re
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from typing import Any

from ..errors import FacepriorError

HEADER, FORWARDED = b"x-forwarded-prefix", b"x-forwarded-host"
SHAPE = re.compile(r"(/[A-Za-z0-9_.~-]+)+")
_current: ContextVar[str] = ContextVar("prefix", default="")


def checked(path: str) -> str:
    """/faces/ -> /faces; FacepriorError where it is no sub-path."""
    path = path.rstrip("/")
    if path and not _is_prefix(path):
        raise FacepriorError(f"--root-path {path}: expected a path such as /faces")
    return path


def current() -> str:
    """That of the request being answered, without a slash at its end; empty where there is none."""
    return _current.get()


class Prefix:
    """ASGI middleware, in front of the guard."""

    def __init__(self, app: Callable[..., Awaitable[None]], root: str = ""):
        self.app, self.root = app, root

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        root = self.root
        told = dict(scope["headers"]).get(HEADER, b"").decode("latin-1").split(",")[0].strip().rstrip("/")
        if _is_prefix(told):
            root = told
        path = scope["path"]
        if root:
            scope = {**scope, "headers": _named(scope["headers"], root), "root_path": root}
        if root and (path == root or path.startswith(f"{root}/")):
            scope["path"] = path[len(root) :] or "/"
            raw = scope.get("raw_path") or b""
            if raw.startswith(root.encode()):
                scope["raw_path"] = raw[len(root) :] or b"/"
        token = _current.set(root)
        try:
            return await self.app(scope, receive, send)
        finally:
            _current.reset(token)


def _named(headers: Iterable[tuple[bytes, bytes]], root: str) -> list[tuple[bytes, bytes]]:
    """The headers with X-Forwarded-Host as example.org/faces: Gradio makes its addresses of that header (but for the
    page itself, which wants ASGI's root_path), also those of what its queue makes after the request."""
    found = dict(headers)
    host = found.get(FORWARDED, found.get(b"host", b"localhost")).split(b",")[0].strip()
    return [*(pair for pair in headers if pair[0] != FORWARDED), (FORWARDED, host + root.encode())]


def _is_prefix(path: str) -> bool:
    return SHAPE.fullmatch(path) is not None and not any(part in (".", "..") for part in path.split("/"))
