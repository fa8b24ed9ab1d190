"""Files appear under their names only when they are whole."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import FacepriorError


def write_atomically(target: Path, write: Callable[[Any], Any]) -> None:
    """`write` gets an open file beside the target, which takes its place when all is written."""
    # Not the target's own name with something added: that may be as long as a name can be.
    beside = target.with_name(f".{os.getpid()}-{secrets.token_hex(4)}.part")
    try:
        with beside.open("wb") as file:
            write(file)
        beside.replace(target)
    except OSError as error:
        raise FacepriorError(f"{target}: cannot write ({error.strerror or error})") from None
    finally:
        beside.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """`write_atomically` for UTF-8."""
    write_atomically(target, lambda file: file.write(text.encode()))
