"""What the page shows of a result, as files in the server's private folder."""

from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from ..photo.boxes import Detection
from ..photo.result import PhotoResult
from .closeup import closeup
from .outcome import BOXED, MOST, before_after, boxed, face_strip

Pair = tuple[str, str]  # files: before, after


@dataclass
class Shown:
    """photo: the upload; any_turn: how it was searched; found: every face; numbers: of those near `pairs`, in order;
    whole: the photo before and after; boxes: the photo with numbers; strips: a picture and a caption a face."""

    photo: str
    any_turn: bool
    found: list[Detection]
    size: tuple[int, int]
    whole: Pair = ("", "")
    boxes: str = ""
    numbers: list[int] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    strips: list[tuple[str, str]] = field(default_factory=list)

    def face_at(self, x: float, y: float) -> int | None:
        """The number of the face at a point of the picture with boxes; the smallest where several are."""
        factor = BOXED / max(self.size)
        best: tuple[float, int] | None = None
        for number, face in enumerate(self.found, 1):
            left, top, width, height = (v * factor for v in face.box)
            near = 12.0  # a finger is not as exact as a mouse
            if left - near <= x <= left + width + near and top - near <= y <= top + height + near:
                best = min(best or (width * height, number), (width * height, number))
        return None if best is None else best[1]


def show(result: PhotoResult, folder: Path, photo: str, any_turn: bool) -> Shown:
    folder.mkdir(parents=True)
    found = [face.detection for face in result.faces]
    height, width = result.before.shape[:2]
    shown = Shown(photo, any_turn, found, (width, height))
    before, after = before_after(result)
    shown.whole = (_save(before, folder / "before.jpg"), _save(after, folder / "after.jpg"))
    shown.boxes = _save(boxed(result), folder / "boxes.jpg")
    for face in result.restored[:MOST]:
        near = closeup(result, face)
        names = (f"{face.number:03d}-before.jpg", f"{face.number:03d}-after.jpg")
        shown.numbers.append(face.number)
        shown.pairs.append((_save(near[0], folder / names[0]), _save(near[1], folder / names[1])))
        strip = _save(face_strip(face, result.before), folder / f"{face.number:03d}.png")
        shown.strips.append((strip, f"{face.number}: {face.size:.0f} px"))
    return shown


def _save(picture: Image.Image, path: Path) -> str:
    picture.save(path, quality=92) if path.suffix == ".jpg" else picture.save(path)
    return str(path)
