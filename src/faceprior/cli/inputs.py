"""From what was typed (files, folders, globs) to a list of files, and a name of its own for each one's output."""

import glob
import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ..errors import FacepriorError
from ..photo.kinds import SUFFIXES
from ..photo.targets import own_stem
from ..photo.write import KEPT

DEAD_LINK = "a symbolic link to nothing, or to itself"


def find_files(inputs: Iterable[str], *, recursive: bool = False) -> tuple[list[Path], list[tuple[str, str]]]:
    """Files in the order given (folders and globs sorted), each once; and what gave none, with the reason.

    A folder gives what ends like an image, its sub-folders too when `recursive`. A file named outright is taken
    whatever its ending. A pattern with `*`, `?` or `[` is a glob (`**` reaches into sub-folders) unless a file
    of exactly that name exists.
    """
    files: dict[Path, Path] = {}  # resolved -> as named
    missing = []
    for text in inputs:
        try:
            found, reason = _find(text, recursive)
        except OSError as error:
            found, reason = [], error.strerror or str(error)
        if not found:
            missing.append((text, reason))
        for p in found:
            files.setdefault(p.resolve(), p)
    return list(files.values()), missing


def left_in_folders(
    inputs: Iterable[str], endings: Collection[str], taken: Iterable[Path], *, recursive: bool = False
) -> list[Path]:
    """Files with such endings that lie in the folders among `inputs`, of which `find_files` gives the images alone;
    those that are `taken`, since they are named as well, are no part of it."""
    left: set[Path] = set()
    for text in filter(None, inputs):
        try:
            if Path(text).is_dir():
                found = Path(text).rglob("*") if recursive else Path(text).iterdir()
                visible = (path for path in found if path.suffix.lower() in endings and path.name[0] != ".")
                left |= {path for path in visible if path.is_file()}
        except OSError:  # `find_files` says it
            continue
    named = {path.resolve() for path in taken} if left else set()
    return sorted(path for path in left if path.resolve() not in named)


def check_output(out: Path, *, one_photo: bool, clips: Collection[str] = ()) -> None:
    """FacepriorError where `out` is no place for results: said before the work rather than after it.

    one_photo: it may name the file of a photo; clips: endings of clips
    """
    ending = out.suffix.lower()
    to_file = one_photo and ending in KEPT
    try:
        above = out.parents if to_file else (out, *out.parents)  # a file takes the place of a link
        if (dead := next(filter(is_dead_link, above), None)) is not None:
            raise FacepriorError(f"{dead}: {DEAD_LINK}; -o names another place")
        found = next((path for path in (out, *out.parents) if path.exists()), Path())
    except OSError as error:  # a name that is too long, a folder that may not be looked into
        raise FacepriorError(f"{out}: {error.strerror or error}; -o names another place") from None
    if to_file and found == out:
        return
    more = ", or a file for one photo: result.jpg" if one_photo else ""
    if not found.is_dir():
        raise FacepriorError(f"{found}: is a file; -o names a folder{more}")
    if found != out and not to_file and (ending in SUFFIXES or ending in clips):
        kinds = f" ({', '.join(KEPT)})" if one_photo else ""
        raise FacepriorError(f"{out}: names a file; -o names a folder{more}{kinds}")


def is_dead_link(path: Path) -> bool:
    return path.is_symlink() and not path.exists()


def _find(text: str, recursive: bool) -> tuple[list[Path], str]:
    """What one input names, and the reason to give where that is nothing. OSError where it may not be looked at."""
    if not text:
        return [], "an empty name (a variable of the shell that is not set?)"
    path = Path(text)
    if path.is_dir():
        found = sorted(p for p in (path.rglob("*") if recursive else path.iterdir()) if _is_image(p))
        return found, "no image in this folder" + ("" if recursive else " (--recursive looks into sub-folders)")
    if path.exists() or not glob.has_magic(text):
        if is_dead_link(path):
            return [], DEAD_LINK
        return [path] if path.exists() else [], "no such file"
    return sorted({p for p in map(Path, _matching(text)) if p.is_file()}), "nothing matches this pattern"


def _matching(pattern: str) -> Iterator[str]:
    """`glob.glob`, but `**` does not follow links: two links to their own folder would make it run for ever."""
    head, deep, tail = re.sub(r"(^|/)\*\*$", r"\1**/*", pattern).partition("**/")
    if not deep or (head and not head.endswith("/")):
        yield from glob.iglob(pattern)  # noqa: PTH207  Path.glob takes no absolute patterns
        return
    for root in glob.iglob(head) if head else ["."]:  # noqa: PTH207
        for folder, below, _ in os.walk(root):
            below[:] = [name for name in below if not name.startswith(".")]
            yield from _matching(glob.escape(str(Path(folder))) + "/" + tail)


def unique_stems(files: Iterable[Path], reserved: Iterable[str] = (), ending: str = "") -> list[str]:
    """A stem for each file: its own, or with -2, -3, ... where another has it, also but for upper case and for how
    Unicode writes an accent: there are file systems that take both for one name.

    `stem + ending` is kept free as well, for a second output of each file.
    """
    taken = {_same(name) for name in reserved}
    stems = []
    for file in files:
        stem = own = own_stem(file)
        n = 1
        while taken & {_same(stem), _same(stem + ending)}:
            n += 1
            stem = f"{own}-{n}"
        taken |= {_same(stem), _same(stem + ending)}
        stems.append(stem)
    return stems


def _same(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _is_image(path: Path) -> bool:
    # Hidden files are left out: macOS puts "._photo.jpg" beside every photo on a foreign disk.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
