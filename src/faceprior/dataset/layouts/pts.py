"""Layout `pts`: images, each with a `.pts` of the same name beside it (300-W, Menpo, Helen, AFW, ...)."""

from collections.abc import Iterator
from pathlib import Path

from ...face.landmarks import read_pts
from .files import image_files
from .persons import person_of
from .record import Face, Skip


def matches(folder: Path) -> bool:
    return next(folder.rglob("*.pts"), None) is not None


def faces(folder: Path, source: str, persons: str) -> Iterator[Face | Skip]:
    """Every image, and every `.pts` without one, in the order of their names."""
    images = image_files(folder)
    annotated = {str(p.relative_to(folder).with_suffix("")): p for p in folder.rglob("*.pts")}
    for path in images:
        relative = path.relative_to(folder)
        name = relative.as_posix()
        pts = annotated.pop(str(relative.with_suffix("")), None)
        if pts is None:
            yield Skip(source, name, "no landmarks")
            continue
        try:
            landmarks, visible = read_pts(pts)
        except (ValueError, OSError) as error:
            yield Skip(source, name, str(error))
            continue
        yield Face(path, landmarks, visible, person_of(name, persons), name, source)
    for pts in sorted(annotated.values()):
        yield Skip(source, pts.relative_to(folder).as_posix(), "no image")
