"""`POST /upscale`: a photo as the request's body, everything about it as the answer."""

import asyncio
import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import FacepriorError
from ..photo.options import PhotoOptions
from .limits import Refused
from .outcome import write_files
from .service import Service, file_name

ANSWERS = ("zip", "photo", "json")
log = logging.getLogger("faceprior.web")


def routes(service: Service) -> list[Route]:
    async def upscale(request: Request) -> Response:
        try:
            return await _upscale(request, service)
        except Refused as error:
            return refusal(error.status, str(error))
        except FacepriorError as error:
            return refusal(400, str(error))
        except MemoryError:
            return refusal(413, "not enough memory for this photo; a smaller scale needs less")

    async def health(request: Request) -> Response:
        turns = service.turns
        return JSONResponse({"status": "ok", "photos": turns.taken, "places": turns.places, **service.about})

    return [Route("/upscale", upscale, methods=["POST"]), Route("/health", health)]


async def _upscale(request: Request, service: Service) -> Response:
    options, answer = parse(request.query_params, service)
    with service.turns.enter() as place:
        data = await request.body()

        def work() -> Response:
            result = service.restore(data, options)
            with tempfile.TemporaryDirectory(prefix="faceprior-http-") as folder:
                files = write_files(result, Path(folder), file_name(data), service.about)
                if answer == "json":
                    return Response(json.dumps(files.data, allow_nan=False), media_type="application/json")
                return _download(files.archive if answer == "zip" else files.photo)

        future = asyncio.wrap_future(place.submit(work))
    try:
        return await asyncio.wait_for(future, service.limits.timeout)
    except TimeoutError:
        raise Refused(504, f"not done within {service.limits.timeout:g} seconds") from None


def parse(query: Mapping[str, str], service: Service) -> tuple[PhotoOptions, str]:
    """?scale=4&strength=1&min_size=8&max_size=60&faces=1,3&consistent=true&canvas=network&answer=zip"""
    kinds = {
        "scale": int, "strength": float, "min_size": float, "max_size": float, "faces": _numbers, "consistent": _truth,
        "canvas": str,
    }  # fmt: skip
    chosen: dict[str, Any] = {}
    for name, text in query.items():
        if name == "answer":
            continue
        if name not in kinds:
            raise Refused(400, f"unknown option; known: {', '.join([*kinds, 'answer'])}")
        try:
            chosen[name] = kinds[name](text)
        except ValueError:
            raise Refused(400, f"{name}: not a value of this option") from None
    answer = query.get("answer", "zip")
    if answer not in ANSWERS:
        raise Refused(400, f"answer: expected {', '.join(ANSWERS)}")
    return service.options(**chosen), answer


def refusal(status: int, message: str) -> JSONResponse:
    headers = {"retry-after": "30"} if status == 503 else None
    return JSONResponse({"error": message}, status, headers)


def _download(path: Path) -> Response:
    kinds = {".zip": "application/zip", ".png": "image/png", ".jpg": "image/jpeg"}
    headers = {
        "content-disposition": f'attachment; filename="{path.name}"', "content-length": str(path.stat().st_size)
    }  # fmt: skip
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


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError(text)
    return text.lower() in ("true", "1")
