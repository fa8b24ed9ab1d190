"""The sub-path of a proxy in front (https://example.org/faces/): given by --root-path, or by each request's
X-Forwarded-Prefix. The proxy may take it off the paths that it passes on, or leave it there."""

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from ..errors import FacepriorError

HEADER = b"x-forwarded-prefix"
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
        if root and (path == root or path.startswith(f"{root}/")):
            scope = {**scope, "path": path[len(root) :] or "/"}
            raw = scope.get("raw_path") or b""
            if raw.startswith(root.encode()):
                scope["raw_path"] = raw[len(root) :] or b"/"
        token = _current.set(root)
        try:
            return await self.app(scope, receive, send)
        finally:
            _current.reset(token)


def follow(app: Any) -> None:
    """Let Gradio's application, which takes its root path from an attribute, take that of the request."""
    app.__class__ = type(app.__class__.__name__, (app.__class__,), {"root_path": property(_get, _ignore)})


def _get(_: Any) -> str:
    return current()


def _ignore(_: Any, value: str) -> None:
    pass  # what the constructors set


def _is_prefix(path: str) -> bool:
    return SHAPE.fullmatch(path) is not None and not any(part in (".", "..") for part in path.split("/"))
