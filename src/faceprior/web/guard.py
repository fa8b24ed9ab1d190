"""In front of everything: only the routes that the page needs, bodies bounded in size and time, no addresses.

Gradio answers far more than this page uses (a proxy, fetching of URLs that a client names, recordings). What is not
on the list below does not exist here.
"""

import asyncio
import json
import logging
import math
import re
import time
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.requests import ClientDisconnect

from ..errors import one_line
from .folder import PrivateFolder
from .http import METHODS, refusal
from .limits import Limits, Refused

Scope = Message = MutableMapping[str, Any]
Receive, Send = Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger("faceprior.web")
API = "/gradio_api"
ROUTES = re.compile(
    r"/|/upscale|/health|/docs|/openapi\.json|/config/?|/theme\.css|/favicon\.ico|/manifest\.json|/robots\.txt|/(static|assets|svelte)/.*"
    rf"|{API}/(info/?|startup-events|app_id/?|upload|upload_progress|queue/join|queue/data|cancel|reset/?"
    r"|file=.*|heartbeat/[\w-]+|call/upscale(/[\w-]+)?)"
)
FORMS = f"{API}/upload"
UPLOADS = ("/upscale", FORMS)
SMALL = 2**18  # bytes of any other body
SLOWEST = 2**13  # bytes a second of an upload, on the average
INTERNAL = "internal error; the server's log says more"
FORM = 2**14  # what a form adds to the file in it

# The page needs nothing from elsewhere, and no other page may show it in a frame.
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; "
        b"worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """ASGI middleware."""

    def __init__(self, app: App, limits: Limits, folder: PrivateFolder, hosts: Collection[str] | None = None):
        """hosts: the names by which this server may be asked, lower case; None: by any."""
        self.app, self.limits, self.folder, self.hosts = app, limits, folder, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1003})
        answer = _Answer(send)
        try:
            incoming = await self._checked(scope, receive, answer)
            await self.app(scope, incoming, answer)
            if answer.refused is not None:
                raise answer.refused
        except ClientDisconnect:
            pass  # nobody is there to be told
        except Refused as error:
            if not answer.started:
                answer.refused = None
                await refusal(error.status, str(error), error.headers)(scope, receive, answer)
        except Exception as error:
            answer.failed = True
            if scope["path"] != FORMS:  # a defect, Gradio's or ours: the client learns that alone, the log all of it
                log.error("%s", one_line(f"{scope['method']} {scope['path'][:100]}"), exc_info=error)
        if answer.failed and not answer.started:
            answer.failed, answer.ours = False, True
            # What Gradio's parser of forms stumbles over is the form.
            status, words = (400, "not a form with a file in it") if scope["path"] == FORMS else (500, INTERNAL)
            await refusal(status, words)(scope, receive, answer)
        return None

    async def _checked(self, scope: Scope, receive: Receive, answer: "_Answer") -> Receive:
        """What the application reads from; Refused where the request is not to reach it."""
        headers = dict(scope["headers"])
        self._check_origin(headers)
        path = unquote(scope["path"])
        if not ROUTES.fullmatch(path):
            raise Refused(404, "there is nothing here")
        if scope["method"] not in METHODS.get(path, (scope["method"],)):
            raise Refused(405, f"{path} takes {' and '.join(METHODS[path])}", {"allow": ", ".join(METHODS[path])})
        if f"{API}/file=" in path and not self.folder.holds(path.split("file=", 1)[1]):
            raise Refused(403, "this file is not served")
        most = self.limits.max_upload if path in UPLOADS else SMALL
        body = Body(receive, most, self.limits, answer)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit():
            raise Refused(400, "content-length is not a number")
        if int(length) > body.limit:
            raise body.too_large()
        if scope["method"] == "POST" and path not in UPLOADS:
            data = await body.whole()
            self._check_json(data)
            return _replay(data, receive)
        return body

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        """A page from elsewhere, open in the user's browser, asks this server nothing: neither under its own name,
        which its owner has led to this machine (DNS rebinding), nor under ours."""
        if self.hosts is not None and b"host" in headers and host_name(headers[b"host"]) not in self.hosts:
            raise Refused(403, "this server has another name; --allow-host NAME lets it be asked by this one")
        if headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site") and (
            headers.get(b"sec-fetch-mode") != b"navigate"  # a link to the page is none of that
        ):
            raise Refused(403, "pages of other sites may not use this server")

    def _check_json(self, data: bytes) -> None:
        try:
            value = json.loads(data, parse_constant=_finite, parse_float=_finite) if data else {}
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise Refused(400, "the body is not a JSON object")
        for path in _paths(value):
            if not isinstance(path, str) or "://" in path or "\0" in path:
                raise Refused(400, "addresses are not fetched: upload the photo itself")
            if not self.folder.holds(path):
                raise Refused(403, "this file was not uploaded here")


class Body:
    """A request's body: counted, and within a time, whoever reads it."""

    def __init__(self, receive: Receive, most: int, limits: Limits, answer: "_Answer"):
        """most: bytes, besides those that a form adds."""
        self.receive, self.most, self.limits, self.answer = receive, most, limits, answer
        self.limit = most + FORM
        self.count, self.ended, self.began = 0, False, time.monotonic()

    @property
    def deadline(self) -> float:
        """One that crawls holds its place for `patience` alone, one that flows for the whole time."""
        return self.began + min(self.limits.timeout, self.limits.patience + self.count / SLOWEST)

    def too_large(self) -> Refused:
        return Refused(413, f"the upload is larger than {self.most} bytes")

    async def __call__(self) -> Message:
        if self.ended:
            return await self.receive()  # waits for the client to go away
        try:
            message = await asyncio.wait_for(self.receive(), max(0.01, self.deadline - time.monotonic()))
        except TimeoutError:
            self.answer.refused = Refused(408, f"the upload took more than {self.deadline - self.began:.3g} seconds")
            raise self.answer.refused from None
        self.count += len(message.get("body", b""))
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        if self.count > self.limit:
            self.answer.refused = self.too_large()
            raise self.answer.refused
        return message

    async def whole(self) -> bytes:
        parts = []
        while not self.ended:
            message = await self()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the connection was closed")
            parts.append(message.get("body", b""))
        return b"".join(parts)


class _Answer:
    """What is sent: with our headers, and nothing of the application's once the body was refused."""

    def __init__(self, send: Send):
        self.send, self.started = send, False
        self.failed, self.ours = False, False  # the application failed; what comes now are our words on it
        self.refused: Refused | None = None

    async def __call__(self, message: Message) -> None:
        if self.refused is not None and not self.started:
            return  # the application's own words on the error that it was given
        if not (self.started or self.ours) and (self.failed or message.get("status") == 500):
            self.failed = True  # our words follow
            return
        if message["type"] == "http.response.start":
            self.started = True
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await self.send(message)


def host_name(header: bytes) -> str:
    """`Host: [::1]:7860` -> ::1; what is no host gives nothing that is allowed."""
    try:
        return urlsplit(f"//{header.decode('latin-1')}").hostname or ""
    except ValueError:
        return ""


def _finite(text: str) -> float:
    """JSON has no infinity; Python reads one from "Infinity" and 1e999, and Gradio's answer to it fails."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _replay(data: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": data, "more_body": False}

    return again


def _paths(value: Any) -> list[Any]:
    """Every "path" in a JSON value: what Gradio takes for a file."""
    found, todo = [], [value]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "path" in item:
                found.append(item["path"])
            todo.extend(item.values())
        elif isinstance(item, list):
            todo.extend(item)
    return found
