"""Files appear under their names only when they are whole, also where the power fails or the process is killed."""

import functools
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import FacepriorError

_PART = re.compile(r"\.(\d+)-[0-9a-f]{8}\.part")  # the writer's process, a random number
ABANDONED = 3600.0  # seconds without a byte from a process that is gone


def can_be_named(path: Path) -> bool:
    """Whether a file can have this name: no zero byte, no half of a surrogate pair."""
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def write_atomically(target: Path, write: Callable[[Any], Any]) -> None:
    """`write` gets an open file beside the target, which takes its place when all is written."""
    if not can_be_named(target):
        raise FacepriorError(f"{target}: no name that a file can have")
    try:
        with beside(target) as part:
            with part.open("wb") as file:
                write(file)
            settle(part, target)
    except OSError as error:
        raise FacepriorError(f"{target}: cannot write ({error.strerror or error})") from None


def write_text(target: Path, text: str) -> None:
    """`write_atomically` for UTF-8."""
    write_atomically(target, lambda file: file.write(text.encode()))


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A name for a file to be written in the target's folder, for `settle`; what is left of it is removed at the end.
    The first time in a folder, what killed processes have left there is removed, too."""
    _sweep_once(target.parent)
    # Not the target's own name with something added: that may be as long as a name can be.
    part = target.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
    _unfinished.add(part)
    if _ending:
        raise SystemExit(1)  # of its thread
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)
        _unfinished.discard(part)


_unfinished: set[Path] = set()
_ending = False


def remove_unfinished() -> None:
    """What this process is still writing: for one that ends at once, without waiting for its threads. They begin
    nothing more; what one was just about to open is found by a second look."""
    global _ending
    _ending = True
    for pause in (0, 0.02, 0.05):
        time.sleep(pause)
        for part in list(_unfinished):
            with suppress(OSError):
                part.unlink(missing_ok=True)


def settle(part: Path, target: Path) -> None:
    """Force a written file to the disk, then give it its name. Raises OSError."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)


@functools.lru_cache(maxsize=256)
def _sweep_once(folder: Path) -> None:
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what `beside` named and a killed process has left: old, and of a process that is gone."""
    with suppress(OSError):
        for path in folder.iterdir():
            match = _PART.fullmatch(path.name)
            if match and time.time() - path.lstat().st_mtime > ABANDONED and not process_lives(int(match[1])):
                path.unlink(missing_ok=True)


def process_lives(number: int) -> bool:
    """Whether there is such a process on this machine; False where that cannot be asked."""
    if sys.platform == "win32":
        return False  # there, `os.kill` would end it
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
