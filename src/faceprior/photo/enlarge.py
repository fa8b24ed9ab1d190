"""The photo enlarged by Lanczos, a strip at a time: beside input and output it needs a few megabytes."""

import math

import numpy as np
from PIL import Image

STRIP = 128  # rows of the photo
REACH = 8  #   rows beyond a strip that the filter may look at (Lanczos enlarging: 3)


def fitting_scale(width: int, height: int, scale: float, max_pixels: int) -> float:
    """`scale`, or the largest whole one below it whose result has at most `max_pixels`; at least 1."""
    while scale > 1 and width * height * scale * scale > max_pixels:
        scale = math.ceil(scale) - 1
    return scale


def brought_to(image: Image.Image, width: int, height: int, scale: float) -> Image.Image:
    """What was made of a photo of width x height at the next whole scale, reduced to a scale between two."""
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=None)


def enlarge(image: np.ndarray, scale: int) -> Image.Image:
    """uint8 (H, W, 3) or (H, W) -> RGB or L, `scale` times as large; the same as Lanczos in one piece."""
    height, width = image.shape[:2]
    mode = "RGB" if image.ndim == 3 else "L"
    out = Image.new(mode, (width * scale, height * scale))
    for y in range(0, height, STRIP):
        out.paste(enlarged_rows(image, scale, y, min(y + STRIP, height)), (0, y * scale))
    return out


def enlarged_rows(image: np.ndarray, scale: int, y: int, end: int) -> Image.Image:
    """Rows y to end of it, enlarged."""
    height, width = image.shape[:2]
    top = max(0, y - REACH)
    strip = Image.fromarray(np.ascontiguousarray(image[top : min(end + REACH, height)]))
    box = (0, y - top, width, end - top)
    if scale == 1:
        return strip.crop(box)
    return strip.resize((width * scale, (end - y) * scale), Image.Resampling.LANCZOS, box=box)
