"""The model of a call of `upscale`: those of the last calls are kept as long as their files are what they were; of one
that is loaded already, what the call says must not contradict it."""

import os
from functools import lru_cache
from pathlib import Path

from ..errors import FacepriorError
from ..runtime.upscaler import Upscaler, _find, check_running, checked_sharpness, load

Stamp = tuple[str, int, int]  # an absolute path, when the file was changed (ns), bytes


def model_for(
    model: Upscaler | str | Path | None,
    *,
    sharp: bool,
    sharpness: float | None,
    device: str,
    threads: int | None,
    backend: str,
    precision: str,
) -> Upscaler:
    """The arguments as of `load`; FacepriorError as there, and where an `Upscaler` is another than they say."""
    check_running(backend, device, precision)
    wanted = checked_sharpness(sharp, sharpness)
    if isinstance(model, Upscaler):
        _check_loaded(model, wanted if sharp or sharpness is not None else None, device, backend, precision)
        return model
    _, path, sha256, _ = _find(model, backend)
    stamp = None if sha256 is not None else _stamp(path)  # a packaged one is what its name says
    return _kept(None if model is None else os.fsdecode(model), stamp, wanted, device, threads, backend, precision)


@lru_cache(maxsize=2)
def _kept(
    model: str | None,
    stamp: Stamp | None,
    sharpness: float,
    device: str,
    threads: int | None,
    backend: str,
    precision: str,
) -> Upscaler:
    return load(model, sharpness=sharpness, device=device, threads=threads, backend=backend, precision=precision)


def _stamp(path: Path) -> Stamp | None:
    try:
        state = path.stat()
    except (OSError, ValueError):  # loading says what is wrong with it, and nothing is kept then
        return None
    return str(path.absolute()), state.st_mtime_ns, state.st_size


def _check_loaded(model: Upscaler, sharpness: float | None, device: str, backend: str, precision: str) -> None:
    if sharpness is not None and sharpness != model.sharpness:
        raise FacepriorError(
            f"sharpness {sharpness:g}: the model is loaded at {model.sharpness:g}; give model.at({sharpness:g})"
        )
    its = {"device": (device, ("auto", model.info.device)), "backend": (backend, ("auto", model.info.backend))}
    for name, (given, agreeing) in {**its, "precision": (precision, ("f32",))}.items():
        if given not in agreeing:
            raise FacepriorError(f"{name} {given!r}: the model is loaded already; give it to `load`")
