"""Layout `table`: a folder of images and one landmark table (`*landmark*.csv` or `.txt`).

An identity table beside it (`*identity*.csv` or `.txt`), or a column `person`, names the persons.
"""

from collections.abc import Iterator
from pathlib import Path

from ...errors import FacepriorError
from .files import image_files
from .persons import person_of
from .record import Face, Skip
from .tables import read_identities, read_landmarks


def matches(folder: Path) -> bool:
    return bool(_tables(folder, "landmark"))


def faces(folder: Path, source: str, persons: str) -> Iterator[Face | Skip]:
    """Rows of the table in the order of their names, then the images without a row."""
    yield from faces_of(folder, folder, source, persons)


def faces_of(folder: Path, images: Path, source: str, persons: str) -> Iterator[Face | Skip]:
    """As `faces`, where the images lie in `images` (the folder itself or one inside it)."""
    identities = _only(folder, "identity")
    known = read_identities(identities) if identities else {}
    landmarks = _only(folder, "landmark")
    if landmarks is None:
        raise FacepriorError(f"{folder}: no landmark table (*landmark*.csv with image,x0,y0,...,x67,y67)")
    present = {p.relative_to(images).as_posix(): p for p in image_files(images)}
    rows = {}
    for row in read_landmarks(landmarks):
        if row.image in rows:
            yield Skip(source, row.image, "an earlier row of an image that has another")
        rows[row.image] = row
    for name in sorted(rows):
        row, path = rows[name], present.pop(name, None)
        if row.points is None:
            yield Skip(source, name, row.reason)
        elif path is None:
            yield Skip(source, name, "no image")
        else:
            person = row.person or known.get(name) or person_of(name, persons)
            yield Face(path, row.points, row.visible, person, name, source)
    for name in sorted(present):
        yield Skip(source, name, "no landmarks")


def _tables(folder: Path, word: str) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".csv", ".txt") and word in p.name.lower())


def _only(folder: Path, word: str) -> Path | None:
    """The one table of that kind. CelebA's own 5-point list may lie beside a 68-point table: 68 in the name wins."""
    tables = _tables(folder, word)
    if len(tables) > 1:
        tables = [p for p in tables if "68" in p.name] or tables
    if len(tables) > 1:
        names = ", ".join(p.name for p in tables)
        raise FacepriorError(f"{folder}: more than one {word} table ({names}); leave one")
    return tables[0] if tables else None
