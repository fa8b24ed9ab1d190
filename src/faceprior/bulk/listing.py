"""From a folder to chunks of images still to do, a folder at a time: nobody holds all names of a large tree."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ..errors import FacepriorError
from ..photo.kinds import SUFFIXES
from .names import marks, stems
from .places import LARGEST, Entry, Place, reason

STATE = "_faceprior"  # what the engine keeps of a run, in the output; Spark and PyArrow pass over such names
CHUNK = 256  # images of the largest chunk: what a killed worker may have to look at again


@dataclass(frozen=True)
class Source:
    """Part of the input. `folder` of `place`, and what is below it where `deep`; or only the files `only`, of any
    ending. Results go to `below` in the output, then along the same path."""

    place: Place
    folder: str = ""
    deep: bool = False
    only: tuple[str, ...] = ()
    below: str = ""


@dataclass
class Chunk:
    """Images of one folder. files: (name, stem, bytes, ns); skipped: done before; failed: (name, reason)."""

    place: Place
    folder: str
    below: str
    files: list[tuple[str, str, int, int]] = field(default_factory=list)
    skipped: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    def source(self, name: str) -> str:
        return _join(self.folder, name)

    def target(self, name: str) -> str:
        return _join(self.below, self.folder, name)

    def as_dict(self) -> dict[str, Any]:
        return {**self.__dict__, "place": self.place.text}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Chunk":
        return cls(**{**data, "place": Place(data["place"]), "files": [tuple(f) for f in data["files"]]})


def spread(source: Source) -> list[Source]:
    """A tree as its top folders, each listed by a task of its own."""
    if not source.deep:
        return [source]
    tops = [e.name for e in source.place.list(source.folder) if e.folder and _wanted(e.name)]
    below = [Source(source.place, _join(source.folder, top), True, (), source.below) for top in tops]
    return [Source(source.place, source.folder, False, source.only, source.below), *below]


def chunks(source: Source, out: Place, kind: str, since: int, workers: int) -> Iterator[Chunk]:
    """What is to do in `source`. since: results older than this (ns) do not count, see `run.prepare`."""
    waiting = [source.folder]
    while waiting:
        folder = waiting.pop()
        chunk = Chunk(source.place, folder, source.below)
        try:
            if source.only:  # not the whole folder for the sake of one file
                found = source.place.stat(_join(folder, name) for name in source.only)
                entries = [entry for entry in found if entry is not None]
            else:
                entries = source.place.list(folder)
            if source.deep:
                below = [_join(folder, e.name) for e in entries if e.folder and _wanted(e.name)]
                waiting += reversed(below)
            yield from _of_folder(chunk, entries, source.only, out, kind, since, workers)
        except (OSError, FacepriorError, ValueError) as error:  # the rest of the tree goes on
            chunk.failed.append(("", f"cannot list this folder ({reason(error)})"))
            yield chunk


def _of_folder(
    chunk: Chunk, entries: list[Entry], only: tuple[str, ...], out: Place, kind: str, since: int, workers: int
) -> Iterator[Chunk]:
    wanted = [e for e in entries if not e.folder and (e.name in only if only else _is_image(e.name))]
    found = []
    for entry in wanted:
        if not _is_text(entry.name):
            chunk.failed.append((entry.name, "its name is not UTF-8; the local engine takes it"))
        elif entry.size > LARGEST:
            chunk.failed.append((entry.name, "larger than 2 GiB"))
        else:
            found.append(entry)
    folders = [e.name for e in entries if e.folder] if kind != "cropped" else []
    done = {e.name for e in out.list(chunk.target("")) if not e.folder and e.modified >= since} if found else set()
    todo = []
    for entry, stem in zip(found, stems([e.name for e in found], folders), strict=True):
        if done.isdisjoint(marks(entry.name, stem, kind)):
            todo.append((entry.name, stem, entry.size, entry.modified))
        else:
            chunk.skipped += 1
    del entries, wanted, found, done
    size = max(8, min(CHUNK, -(-len(todo) // (4 * workers))))
    if kind != "cropped":  # photos take seconds each
        size = max(1, size // 8)
    for start in range(0, len(todo), size):
        chunk.files = todo[start : start + size]
        yield chunk
        chunk = Chunk(chunk.place, chunk.folder, chunk.below)
    if not todo and (chunk.skipped or chunk.failed):
        yield chunk


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES and not name.startswith(".")


def _wanted(folder: str) -> bool:
    return not folder.startswith(".") and folder != STATE


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def _join(*parts: str) -> str:
    return "/".join(os.fspath(part) for part in parts if part)
