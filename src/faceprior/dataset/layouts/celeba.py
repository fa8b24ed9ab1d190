"""Layout `celeba`: `img_align_celeba/` beside a 68-point landmark table and the identity table.

CelebA publishes five landmarks an image; 68 have to be predicted or annotated. Its own list is refused.
"""

from collections.abc import Iterator
from pathlib import Path

from ...errors import FacepriorError
from .record import Face, Skip
from .table import faces_of

IMAGES = ("img_align_celeba", "img_celeba")


def matches(folder: Path) -> bool:
    return any((folder / images).is_dir() for images in IMAGES)


def faces(folder: Path, source: str, persons: str) -> Iterator[Face | Skip]:
    images = next((folder / name for name in IMAGES if (folder / name).is_dir()), None)
    if images is None:
        raise FacepriorError(f"{folder}: no folder {IMAGES[0]}/ inside; is this CelebA?")
    yield from faces_of(folder, images, source, persons)
