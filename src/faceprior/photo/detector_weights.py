"""Where the detector's file comes from: an option, the environment, the cache, or fetched once and cached.

The file is opencv_zoo's `face_detection_yunet_2026may.onnx` (230 KB, MIT licence, (c) 2020 Shiqi Yu), which
takes pictures of any size. A fetched file is used only if its SHA-256 is the one pinned here.
"""

import hashlib
import os
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from .. import __version__
from ..errors import FacepriorError

NAME = "face_detection_yunet_2026may.onnx"
SHA256 = "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0"
SIZE = 229_738
_FOLDER = "models/face_detection_yunet"
# The revision that brought the file, from where GitHub keeps large files; then the repository as it stands.
URLS = (
    "https://media.githubusercontent.com/media/opencv/opencv_zoo/"
    f"26cc381e4d2594bb9f47a26eb8fd96c94a13660d/{_FOLDER}/{NAME}",
    f"https://github.com/opencv/opencv_zoo/raw/main/{_FOLDER}/{NAME}",
)
VARIABLE = "FACEPRIOR_DETECTOR_WEIGHTS"
MENDING = f"fetch {URLS[1]} elsewhere and give it with --detector-weights or {VARIABLE}, or give --boxes"


class Unavailable(FacepriorError):
    """There is no detector file here and none could be fetched (a file named and absent is another error)."""


def detector_weights(given: str | Path | None = None, *, offline: bool = False) -> Path:
    """The file to load: `given`, else $FACEPRIOR_DETECTOR_WEIGHTS, else the cached one, fetched if absent.

    A file that the user names is taken as it is. FacepriorError says what to do where there is none.
    """
    if given is not None and not isinstance(given, str | os.PathLike):
        raise FacepriorError(f"--detector-weights: expected a file, got {f'{given!r}':.80}")
    named = given or os.environ.get(VARIABLE)
    if named:
        path = Path(os.fsdecode(named)).expanduser()
        if not os.path.isfile(path):  # noqa: PTH113  False of a name that is too long; Path raises
            where = "--detector-weights" if given else VARIABLE
            raise FacepriorError(f"{path}: no such file ({where})")
        return path
    cached = cache_folder() / NAME
    if _is_right(cached):
        return cached
    if offline:
        raise Unavailable(f"the face detector is not in {cached.parent}: {MENDING}")
    return fetch(cached)


def cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("faceprior", appauthor=False))


def fetch(
    target: Path,
    urls: Sequence[str] = URLS,
    *,
    sha256: str = SHA256,
    size: int = SIZE,
    timeout: float = 20.0,
) -> Path:
    """Fetch one file of a known size and hash to `target`, whole or not at all.

    `timeout`: seconds for a connection or a read to stall, and three times that for the whole of a file.
    """
    reasons = []
    for url in urls:
        try:
            data = _download(url, size, timeout)
        except (OSError, ValueError, HTTPException) as error:
            reasons.append(_reason(error))
            continue
        if hashlib.sha256(data).hexdigest() != sha256:
            reasons.append(f"{len(data)} bytes with another SHA-256 than the release")
            continue
        try:
            _write(target, data)
        except OSError as error:
            raise Unavailable(f"{target}: cannot keep the face detector ({error.strerror}): {MENDING}") from None
        return target
    raise Unavailable(f"cannot fetch the face detector ({'; '.join(dict.fromkeys(reasons))}): {MENDING}")


def _download(url: str, size: int, timeout: float) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": f"faceprior/{__version__}"})
    deadline = time.monotonic() + 3 * timeout
    parts: list[bytes] = []
    received = 0
    with urllib.request.urlopen(request, timeout=timeout) as response:
        while part := response.read(min(1 << 16, size + 1 - received)):
            parts.append(part)
            received += len(part)
            if received > size:
                raise ValueError(f"more than the {size} bytes of the release")
            if time.monotonic() > deadline:
                raise TimeoutError("too slow")
    if received < size:
        raise ValueError(f"broke off after {received} of {size} bytes")
    return b"".join(parts)


def _write(target: Path, data: bytes) -> None:
    """Beside its place, then renamed: another run that looks at the same time sees nothing or the whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _is_right(path: Path) -> bool:
    try:
        return path.stat().st_size == SIZE and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256
    except OSError:
        return False


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"status {error.code}"
    cause = getattr(error, "reason", error)
    if isinstance(cause, (TimeoutError, socket.timeout)):
        return "timed out"
    return " ".join(str(cause).split()) or type(cause).__name__
