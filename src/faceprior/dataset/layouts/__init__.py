"""Layouts of face data sets: each file reads one, and yields `Face` or `Skip` records in a fixed order."""

from collections.abc import Iterator
from pathlib import Path

from ...errors import FacepriorError
from . import celeba, pts, table
from .files import in_utf8
from .record import Face, Skip

__all__ = ["LAYOUTS", "Face", "Skip", "detect", "read"]

# In this order: CelebA's folder also has tables, and a folder of .pts may carry a table of something else.
LAYOUTS = {"celeba": celeba, "pts": pts, "table": table}


def detect(folder: Path) -> str:
    """The layout's name. Raises FacepriorError where none fits."""
    if not folder.is_dir():
        raise FacepriorError(f"{folder}: no such folder")
    for name, layout in LAYOUTS.items():
        if layout.matches(folder):
            return name
    raise FacepriorError(
        f"{folder}: no landmarks found; expected image.jpg + image.pts, or a *landmark*.csv (see faceprior prepare -h)"
    )


def read(
    folder: Path, *, layout: str = "auto", persons: str = "auto", source: str | None = None
) -> Iterator[Face | Skip]:
    """Every item of a source. `source` names it (default: the folder's name)."""
    if layout not in ("auto", *LAYOUTS):
        raise FacepriorError(f"layout {layout!r} is not known; use auto, {', '.join(LAYOUTS)}")
    if not folder.is_dir():
        raise FacepriorError(f"{folder}: no such folder")
    chosen = LAYOUTS[detect(folder) if layout == "auto" else layout]
    yield from chosen.faces(folder, source or in_utf8(folder.resolve().name), persons)
