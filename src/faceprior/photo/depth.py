"""Colours of 16 bits a channel (PNG, TIFF), of which Pillow keeps the high byte alone.

Its unpackers know both byte orders. Asked for the wrong one they give the low byte: a second reading with the other
order completes the first, and 65535 is rounded to 255 rather than cut off.
"""

import sys
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# What Pillow can unpack in both orders; grey with alpha is read as four channels of 8 bits, which it is as long as.
_BOTH, _GREY_ALPHA = ("RGB;16", "RGBX;16", "RGBA;16", "CMYK;16"), "LA;16B"
_ROWS = 2**20  # pixels at a time


def is_deep(image: Image.Image) -> bool:
    """Whether an image, opened and not loaded, has 16 bits a channel that Pillow will halve and `rounded` reads."""
    modes = [_raw_mode(tile) for tile in image.tile]
    return bool(modes) and all(mode[:-1] in _BOTH or mode == _GREY_ALPHA for mode in modes)


def rounded(
    image: Image.Image, file: BinaryIO, formats: list[str], page: int = 0
) -> tuple[Image.Image, Image.Image | None]:
    """The 8-bit image, and an alpha where one colour of 16 bits is transparent. `image`: deep, not loaded; `file`:
    what it was opened from; page: at which it is."""
    grey = _raw_mode(image.tile[0]) == _GREY_ALPHA
    image.load()
    file.seek(0)
    with Image.open(file, formats=formats) as again:
        if page:
            again.seek(page)
        again.tile = [_changed(tile) for tile in again.tile]
        again.load()
        high, low = np.asarray(image), np.asarray(again)
        if grey:
            high, low = low[..., ::2], low[..., 1::2]
    clear = image.info.get("transparency") if image.mode == "RGB" else None
    shallow = np.empty(high.shape, np.uint8)
    alpha = None if clear is None else np.empty(high.shape[:2], np.uint8)
    step = max(1, _ROWS // high.shape[1])
    for start in range(0, len(high), step):
        rows = slice(start, start + step)
        deep = high[rows].astype(np.uint32) << 8 | low[rows]
        shallow[rows] = (deep * 255 + 32767) // 65535
        if alpha is not None:
            alpha[rows] = np.where((deep == clear).all(-1), 0, 255)
    mode = "LA" if grey else image.mode
    return Image.fromarray(shallow, mode), None if alpha is None else Image.fromarray(alpha)


def _raw_mode(tile: Any) -> str:
    """A tile is (codec, box, offset, arguments); the raw mode is the first of the arguments, or all of them."""
    args = tile[3]
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _changed(tile: Any) -> Any:
    mode, args = _raw_mode(tile), tile[3]
    other = "RGBA" if mode == _GREY_ALPHA else mode[:-1] + _OTHER[mode[-1]]
    return type(tile)._make((*tile[:3], other if isinstance(args, str) else (other, *args[1:])))
