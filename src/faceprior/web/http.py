"""`POST /upscale`: a photo as the request's body or in a form, everything about it as the answer."""

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import FacepriorError
from ..photo.words import python_words
from . import openapi
from .form import read_upload
from .limits import Refused
from .outcome import write_files
from .prefix import current
from .repeated import each_once
from .service import Service, file_name
from .wanted import parse

METHODS = {"/upscale": ("POST",), **dict.fromkeys(("/health", "/docs", "/openapi.json"), ("GET", "HEAD"))}
log = logging.getLogger("faceprior.web")


def routes(service: Service) -> list[Route]:
    async def upscale(request: Request) -> Response:
        try:
            return await _upscale(request, service)
        except Refused as error:
            return refusal(error.status, str(error))
        except FacepriorError as error:
            return refusal(400, python_words(str(error)))
        except MemoryError:
            return refusal(413, "not enough memory for this photo; a smaller scale needs less")

    async def health(request: Request) -> Response:
        turns = service.turns
        return JSONResponse({"status": "ok", "photos": turns.taken, "places": turns.places, **service.about})

    async def described(request: Request) -> Response:
        return JSONResponse(openapi.description(service.limits, current()))

    async def docs(request: Request) -> Response:
        return HTMLResponse(openapi.page(service.limits, _address(request)))

    handlers = {"/upscale": upscale, "/health": health, "/openapi.json": described, "/docs": docs}
    return [Route(path, handler, methods=list(METHODS[path])) for path, handler in handlers.items()]


async def _upscale(request: Request, service: Service) -> Response:
    asked = each_once(request.query_params.multi_items())
    parse(asked, service.limits)  # a wrong option is said before the upload
    with service.turns.enter() as place:
        data, name, chosen = await read_upload(request)
        wanted = parse({**asked, **chosen}, service.limits)  # the form's goes first

        def work() -> Response:
            result, about = service.restore(data, wanted)
            result.notes = [python_words(note) for note in result.notes]  # options are called as in Python
            result.advice = [python_words(line) for line in result.advice]
            with tempfile.TemporaryDirectory(prefix="faceprior-http-") as folder:
                files = write_files(result, Path(folder), file_name(data, name), about, sheet=wanted.sheet)
                if wanted.answer == "json":
                    return Response(json.dumps(files.data, allow_nan=False), media_type="application/json")
                return _download(files.archive if wanted.answer == "zip" else files.photo)

        future = asyncio.wrap_future(place.submit(work))
    try:
        return await asyncio.wait_for(future, service.limits.timeout)
    except TimeoutError:
        raise Refused(504, f"not done within {service.limits.timeout:g} seconds") from None


def _address(request: Request) -> str:
    """Of this server, as the client knows it: for examples on a page."""
    headers = request.headers
    scheme = "https" if headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https" else request.url.scheme
    host = headers.get("x-forwarded-host", "").split(",")[0].strip() or request.url.netloc  # with `prefix`'s sub-path
    return f"{scheme}://{host}"


def refusal(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    headers = {"retry-after": "30"} if status == 503 else headers
    return JSONResponse({"error": message}, status, headers)


def _download(path: Path) -> Response:
    kinds = {".zip": "application/zip", ".png": "image/png", ".jpg": "image/jpeg"}
    plain = path.name.encode("ascii", "replace").decode().replace("?", "_")
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(path.name)}",
        "content-length": str(path.stat().st_size),
    }
    # In pieces, from a file without a name: a client that reads slowly holds no photo in memory.
    nameless = tempfile.TemporaryFile()  # noqa: SIM115  closed when it was sent
    with path.open("rb") as file:
        shutil.copyfileobj(file, nameless)
    nameless.seek(0)
    return StreamingResponse(_pieces(nameless), media_type=kinds[path.suffix], headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(2**18):
            yield piece
