"""A `PhotoResult` for people: the boxes on the photo, before and after, the faces, a line of text, the files."""

import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import FacepriorError
from ..photo.enlarge import enlarge
from ..photo.result import PhotoFace, PhotoResult
from ..photo.said import left_faces
from ..photo.sheet import CELL, pictures
from ..photo.write import write_photo
from .labels import in_page_words

SHOWN = 2048  # pixels: the longest side of what a page shows; the downloads are whole
BOXED = 1280  # of the photo with boxes
MOST = 60  # faces shown
RESTORED, LEFT = (64, 220, 120), (170, 170, 178)


@dataclass(frozen=True)
class Files:
    """Where `write_files` put them, and what the JSON says."""

    photo: Path
    archive: Path
    table: Path
    data: dict[str, Any]


def boxed(result: PhotoResult) -> Image.Image:
    """The photo with every face's number: green where it was restored, grey where it was left."""
    height, width = result.before.shape[:2]
    factor = BOXED / max(width, height)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    picture = Image.fromarray(result.before).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for face in result.faces:
        x, y, w, h = (v * factor for v in face.detection.box)
        colour = RESTORED if face.restored else LEFT
        pen.rectangle((x, y, x + w, y + h), outline=colour, width=3)
        font = ImageFont.load_default(float(np.clip(h / 2, 22, 40)))
        text = str(face.number)
        left, top, right, bottom = pen.textbbox((x, y), text, font=font, anchor="ls")
        # On the photo even where the box begins at its very top.
        drop = max(0.0, 2 - top)
        pen.rectangle((left - 3, top + drop - 2, right + 3, bottom + drop + 2), fill=colour)
        pen.text((x, y + drop), text, (10, 12, 14), font=font, anchor="ls")
    return picture


def before_after(result: PhotoResult) -> tuple[Image.Image, Image.Image]:
    """The photo enlarged without the network, and the result; both of one size."""
    after = result.photo
    size = after.size
    if max(size) > SHOWN:
        size = tuple(max(1, round(v * SHOWN / max(size))) for v in size)
        after = after.resize(size, Image.Resampling.LANCZOS)
    factor = result.scale
    height, width = result.before.shape[:2]
    if result.kind == "photo" and size == (factor * width, factor * height):
        return enlarge(result.before, round(factor)), after
    return Image.fromarray(result.before).resize(size, Image.Resampling.LANCZOS), after


def face_strip(face: PhotoFace, photo: np.ndarray) -> Image.Image:
    """A restored face of a photo: what the network saw, what it made (128x128), its heatmaps, side by side."""
    strip = Image.new("RGB", (3 * CELL, CELL))
    for i, picture in enumerate(pictures(face, photo)):
        strip.paste(picture, (i * CELL, 0))
    return strip


def summary(result: PhotoResult) -> str:
    """2 faces restored; 1 left as found (too large: 1); 1 face is too large (72 px): ...; 480x320 is now 1920x1280."""
    n, left = len(result.restored), left_faces(result.faces)
    parts = [f"{n} face{'' if n == 1 else 's'} restored" if n else "Nothing was restored"]
    if left:
        reasons = Counter(face.kind for face in left)
        parts.append(f"{len(left)} left as found ({', '.join(f'{why}: {k}' for why, k in reasons.items())})")
    doubts = [f"doubtful: {face.reason}" for face in result.faces if face.status == "doubtful"]
    height, width = result.before.shape[:2]
    plainly = "" if n else ", plainly enlarged"
    size = f"{width}x{height} is now {result.photo.width}x{result.photo.height}{plainly}"
    return "; ".join([*parts, *doubts, *map(in_page_words, [*result.notes, *result.advice]), size]) + "."


def write_files(
    result: PhotoResult, folder: Path, name: str, about: dict[str, Any], *, sheet: bool = True
) -> Files:
    """Everything `faceprior upscale` writes, and the same as one zip. OSError where the server cannot write."""
    stem = Path(name).stem
    try:
        data = write_photo(result, folder, name, about=about, sheet=sheet)
    except FacepriorError as error:  # its message names a file of the server's and is for its log
        raise OSError(str(error)) from error
    archive = folder / f"{stem}.zip"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:  # pictures are compressed as they are
        for path in files:
            file.write(path, path.relative_to(folder))
    return Files(folder / data["files"]["photo"], archive, folder / f"{stem}.json", data)
