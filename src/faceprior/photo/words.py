"""What the command and the Python call share speaks of flags; a caller from Python gave keywords."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import FacepriorError

# Flags whose keyword is not their own name with underscores.
KEYWORDS = {
    "--no-pixel-limit takes it all the same": "pixel_limit=False takes it all the same",
    "--overwrite replaces, --resume skips what is done": "overwrite=True replaces it",
    "choose another folder with -o": "choose another folder",
    "-o names another place": "choose another folder",
}


def python_words(text: str) -> str:
    """`--min-size 2: expected ...` -> `min_size 2: expected ...`."""
    for flag, keyword in KEYWORDS.items():
        text = text.replace(flag, keyword)
    return re.sub(r"(?<![\w-])--([a-z][a-z0-9-]*)", lambda flag: flag[1].replace("-", "_"), text)


class Line(str):
    """What a result says, for a caller from Python. It remembers how the command says it: files hold that."""

    command: str

    @classmethod
    def of(cls, text: str) -> "Line":
        line = cls(python_words(text))
        line.command = text
        return line


def as_written(text: str) -> str:
    """A line for a file: of a `Line` the command's words, any other as it is."""
    return getattr(text, "command", text)


@contextmanager
def in_python() -> Iterator[None]:
    """Within, a FacepriorError is raised on in the words of Python."""
    try:
        yield
    except FacepriorError as error:
        error.args = (python_words(str(error)),)
        raise
