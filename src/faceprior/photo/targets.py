"""Which files the results of a photo would be, and whether they may be written."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import FacepriorError

LONGEST = 220  # bytes of a stem: a name has 255 at most, and endings are added


def own_stem(name: str | Path) -> str:
    """What the results of a file of this name are called: party of party.jpg. Never dots alone ("...png": a folder ".."
    would be somebody else's), and whole characters, so many that the endings have room."""
    stem = Path(name).stem
    stem = stem if stem.strip(".") else "dots"
    while len(os.fsencode(stem)) > LONGEST:
        stem = stem[:-1]
    return stem


@dataclass(frozen=True)
class Job:
    """A photo, the folder under the output that takes its files, and what they are called."""

    photo: Path
    folder: Path
    stem: str


def check_targets(job: Job, folder: Path, inputs: set[Path], overwrite: bool) -> None:
    """FacepriorError where a file of this job would replace an input, or an earlier result unasked."""
    endings = {job.photo.suffix, ".png", ".sheet.png", ".json"}
    existing = [path for ending in sorted(endings) if (path := folder / f"{job.stem}{ending}").exists()]
    faces = folder / job.stem  # which faces it will get is not known yet: anything in there counts
    existing += sorted(path for path in faces.iterdir() if path.is_file()) if faces.is_dir() else []
    check_files(existing, inputs, overwrite)
    if faces.exists() and not faces.is_dir():
        raise FacepriorError(f"{faces}: is a file where a folder of faces may have to be; -o names another place")


def check_files(existing: Sequence[Path], inputs: set[Path], overwrite: bool) -> None:
    for path in existing:
        if path.resolve() in inputs:
            raise FacepriorError(f"{path}: is an input and would be overwritten; -o names another place")
        if path.is_dir():
            raise FacepriorError(f"{path}: is a folder where a result goes; -o names another place")
    if existing and not overwrite:
        raise FacepriorError(f"{existing[0]}: exists; --overwrite replaces, --resume skips what is done")
