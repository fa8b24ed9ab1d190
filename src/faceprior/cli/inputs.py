"""From what was typed (files, folders, globs) to a list of files, and a name of its own for each one's output."""

import glob
from collections.abc import Iterable
from pathlib import Path

from ..photo.decode import SUFFIXES


def find_files(inputs: Iterable[str], *, recursive: bool = False) -> tuple[list[Path], list[tuple[str, str]]]:
    """Files in the order given (folders and globs sorted), each once; and what gave none, with the reason.

    A folder gives what ends like an image, its sub-folders too when `recursive`. A file named outright is taken
    whatever its ending. A pattern with `*`, `?` or `[` is a glob (`**` reaches into sub-folders) unless a file
    of exactly that name exists.
    """
    files: dict[Path, Path] = {}  # resolved -> as named
    missing = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in (path.rglob("*") if recursive else path.iterdir()) if _is_image(p))
            reason = "no image in this folder" + ("" if recursive else " (--recursive looks into sub-folders)")
        elif path.exists() or not glob.has_magic(text):
            found, reason = [path] if path.exists() else [], "no such file"
        else:
            # glob.glob rather than Path.glob: it takes absolute patterns.
            found = [Path(p) for p in sorted(glob.glob(text, recursive=True)) if Path(p).is_file()]  # noqa: PTH207
            reason = "nothing matches this pattern"
        if not found:
            missing.append((text, reason))
        for p in found:
            files.setdefault(p.resolve(), p)
    return list(files.values()), missing


def unique_stems(files: Iterable[Path], reserved: Iterable[str] = (), ending: str = "") -> list[str]:
    """A stem for each file: its own, or with -2, -3, ... where another has it (also but for upper case).

    `stem + ending` is kept free as well, for a second output of each file.
    """
    taken = {name.casefold() for name in reserved}
    stems = []
    for file in files:
        stem, n = file.stem, 1
        while taken & {stem.casefold(), (stem + ending).casefold()}:
            n += 1
            stem = f"{file.stem}-{n}"
        taken |= {stem.casefold(), (stem + ending).casefold()}
        stems.append(stem)
    return stems


def _is_image(path: Path) -> bool:
    # Hidden files are left out: macOS puts "._photo.jpg" beside every photo on a foreign disk.
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
