"""Pictures for people: the contact sheet of a photo, before and after."""

import io
import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from ..face.frame import Frame
from ..runtime.pictures import BACKGROUND, GAP, INK, overlay, panels
from .cut import cut
from .warp import apply, upright_to_photo

if TYPE_CHECKING:
    from .result import PhotoFace, PhotoResult

CELL, LABEL = 128, 14  # pixels
MAX_FACES = 200  # on one sheet
FAINT = (150, 150, 155)  # the ink of what was left as it was


def contact_sheet(result: "PhotoResult") -> Image.Image | None:
    """Every face: as the photo has it, as the network gives it, with heatmaps; None where there is no face."""
    faces = result.faces[:MAX_FACES]
    if not faces:
        return None
    width, height = 3 * CELL + GAP, CELL + LABEL + GAP
    columns = max(1, min(6, round(math.sqrt(len(faces) * height / width))))
    rows = -(-len(faces) // columns)
    sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    for i, face in enumerate(faces):
        x, y = GAP + i % columns * width, GAP + i // columns * height
        label = f"{face.number}  {face.size:.0f} px"
        if face.restored and face.lr_consistency is not None:
            label += f"  {face.lr_consistency:.0f} dB"
        pen.text((x, y), label if face.restored else f"{label}  {face.reason}", INK if face.restored else FAINT)
        for j, picture in enumerate(pictures(face, result.before)):
            sheet.paste(picture, (x + j * CELL, y + LABEL))
    return sheet


def pictures(face: "PhotoFace", photo: np.ndarray) -> list[Image.Image]:
    """`CELL` pixels a side: as the network saw it, as it drew it, with heatmaps; one that was left as the photo has it.

    What lies beyond the photo's edge, where its last pixels are repeated for the network, is left out.
    """
    if not face.restored:
        left = cut(photo, face.frame, CELL, Image.Resampling.BICUBIC)
        return [_within(left, np.eye(2, 3), face.frame, photo)]
    lr = Image.fromarray(face.lr).resize((CELL, CELL), Image.Resampling.NEAREST)
    drawn = face.image, overlay(face.image, face.heatmaps)
    upright = [_within(picture, face.transform, face.frame, photo) for picture in drawn]
    return [_within(np.asarray(lr), np.eye(2, 3), face.frame, photo), *upright]


def _within(picture: np.ndarray, transform: np.ndarray, frame: Frame, photo: np.ndarray) -> Image.Image:
    """uint8 (S, S, 3), upright by `transform` (2, 3), of a frame of a photo (H, W, 3), without what is none of it."""
    size, (height, width) = len(picture), photo.shape[:2]
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    x, y = np.moveaxis(apply(upright_to_photo(frame, transform, size), np.stack([columns, rows], -1)), -1, 0)
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    return Image.fromarray(np.where(inside[..., None], picture, np.uint8(BACKGROUND)))


def face_row(face: "PhotoFace") -> Image.Image:
    """A face that the network saw: its own pixels, its 128x128, its heatmaps."""
    seen = f"{face.number}  {face.size:.0f} px", face.lr
    return panels([seen, (face.status, face.image), ("heatmaps", overlay(face.image, face.heatmaps))], 192)


def before_and_after(result: "PhotoResult", width: int = 1600) -> Image.Image:
    """Side by side, `width` pixels in all at most."""
    height, full = result.before.shape[:2]
    target = (max(1, min(width // 2, round(full * result.scale))), 0)
    target = (target[0], max(1, round(height * target[0] / full)))
    before = Image.fromarray(result.before).resize(target, Image.Resampling.LANCZOS)
    after = result.photo.resize(target, Image.Resampling.LANCZOS)
    out = Image.new("RGB", (2 * target[0] + GAP, target[1]), BACKGROUND)
    out.paste(before, (0, 0))
    out.paste(after, (target[0] + GAP, 0))
    return out


def png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
