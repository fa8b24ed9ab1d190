"""The enlarged photo of 16 bits a channel as a file."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from .deep_png import write_png
from .deep_tiff import TooLarge, write_tiff

if TYPE_CHECKING:
    from .result import PhotoResult

__all__ = ["DEEP", "TooLarge", "save_deep"]

DEEP = {"PNG": write_png, "TIFF": write_tiff}
STRIP = 2**20  # bytes at a time


def save_deep(result: "PhotoResult", deep: np.ndarray, file: BinaryIO, format: str, options: dict[str, Any]) -> None:
    """deep: the result's, written with all else that its file of 8 bits would say; options: of Pillow's `save`."""
    grey, size = result.mode == "L", result.photo.size
    mode = "L" if grey else "RGB"
    if result.alpha is not None:  # of grey with alpha in TIFF Pillow reads 8 bits alone, so it is written as RGBA
        grey = grey and format == "PNG"
        mode = "LA" if grey else "RGBA"
    model = io.BytesIO()
    result.metadata.save(Image.new(mode, (1, 1)), model, format, result.scale, size=size, **options)
    DEEP[format](file, model.getvalue(), size, _strips(deep[..., : 1 if grey else 3], result.alpha))


def _strips(deep: np.ndarray, transparency: Image.Image | None) -> Iterator[np.ndarray]:
    """uint16 (h, W, channels, one more with alpha), from the top."""
    alpha = None if transparency is None else np.asarray(transparency)
    rows = max(1, STRIP // (8 * deep.shape[1]))
    for y in range(0, len(deep), rows):
        strip = deep[y : y + rows]
        if alpha is not None:
            strip = np.concatenate([strip, alpha[y : y + rows, :, None] * np.uint16(257)], -1)
        yield strip
