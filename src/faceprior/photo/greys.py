"""Greys that Pillow does not make 8 bits of as they lie in the file: of 16 and 32 bits, and floats."""

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from .depth import eight_bits, greys_of_16, is_grey_of_16, is_negative


def is_deep_grey(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def levels_of(image: Image.Image, name: str, stored: Image.Image) -> tuple[np.ndarray, Image.Image | None, str | None]:
    """Grey of 16 or 32 bits or floats -> uint16 (H, W), L alpha or None, a note where the range was guessed.

    stored: what says how the values lie in the file
    """
    note = None
    if is_grey_of_16(image):
        levels = greys_of_16(image, stored)
    else:
        levels, note = _sixteen_bits(np.asarray(image), name)
    if is_negative(stored):
        levels = 65535 - levels
    clear = image.info.get("transparency")  # one grey value, in 16-bit PNG
    if type(clear) is not int:
        return levels, None, note
    return levels, Image.fromarray(np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)), note


def _sixteen_bits(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Integers of 32 bits or floats (H, W) -> uint16 (H, W), and how they were taken."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise FacepriorError(f"{name}: NaN or infinity in the pixels")
        tops = (1.0, 255.0, 65535.0)
    else:
        tops = (65535.0,)
    low, high = float(values.min()), float(values.max())
    top = next((top for top in tops if high <= top), None)
    if low < 0 or top is None:
        known = " or ".join(f"0..{top:g}" for top in tops)
        raise FacepriorError(f"{name}: pixel values from {low:g} to {high:g}, expected {known}")
    levels = np.rint(values.astype(np.float32) * np.float32(65535 / top)).astype(np.uint16)
    kind = "float pixels" if values.dtype.kind == "f" else "integers"
    return levels, f"{kind} taken as 0..{top:g} and rounded to 8 bits"


def by_table(
    rgb: Image.Image, levels: np.ndarray | None, table: np.ndarray
) -> tuple[Image.Image, np.ndarray | None]:
    """Grey, as RGB of 8 bits and, where it has more, as uint16 (H, W): each value as the table has it."""
    if levels is None:
        return rgb.point(eight_bits(table[::257]).tolist() * 3), None
    levels = table[levels]
    return Image.fromarray(eight_bits(levels)).convert("RGB"), levels
