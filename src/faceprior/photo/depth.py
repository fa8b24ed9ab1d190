"""Pixels of 16 bits a channel (PNG, TIFF): their 8-bit ones, rounded, and all of them.

Of colours Pillow keeps the high byte alone. Its unpackers know both byte orders; asked for the wrong one they give the
low byte: a second reading with the other order completes the first, and 65535 is rounded to 255 rather than cut off.
Of grey TIFFs it keeps all, but leaves negatives (white is zero) as they are, and 12 bits in 0..4095.
"""

import sys
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from PIL import Image

from ..errors import FacepriorError

_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
# What Pillow can unpack in both orders; grey with alpha is read as four channels of 8 bits, which it is as long as.
_BOTH, _GREY_ALPHA = ("RGB;16", "RGBX;16", "RGBA;16", "CMYK;16", *(f"{c};16" for c in "RGBA")), "LA;16B"
_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # tags of TIFF
_WHITE_IS_ZERO, _APART = 0, 2  # their values
_ROWS = 2**20  # pixels at a time
# By EXIF orientation: whether rows and columns are exchanged, and which of the two are reversed then.
_TURNS = {
    2: (False, 1, -1), 3: (False, -1, -1), 4: (False, -1, 1), 5: (True, 1, 1),
    6: (True, 1, -1), 7: (True, -1, -1), 8: (True, -1, 1),
}  # fmt: skip


class Halves(NamedTuple):
    """shallow: the 8-bit image; alpha: where one colour of 16 bits is transparent; deep: uint16 (H, W, 3), of grey
    (H, W); None of inks, which a profile makes colours of, in 8 bits."""

    shallow: Image.Image
    alpha: Image.Image | None
    deep: np.ndarray | None


def is_deep(image: Image.Image) -> bool:
    """Whether an image, opened and not loaded, has 16 bits a channel that Pillow will halve and `rounded` reads."""
    modes = [_raw_mode(tile) for tile in image.tile]
    return bool(modes) and all(mode[:-1] in _BOTH or mode == _GREY_ALPHA for mode in modes)


def rounded(image: Image.Image, file: BinaryIO, formats: list[str], page: int, name: str) -> Halves:
    """`image`: deep, not loaded; `file`: what it was opened from; page: at which it is; `name` stands for it."""
    grey = _raw_mode(image.tile[0]) == _GREY_ALPHA
    image.load()
    file.seek(0)
    with Image.open(file, formats=formats) as again:
        if page:
            again.seek(page)
        name_planes(again, name)
        again.tile = [_changed(tile) for tile in again.tile]
        again.load()
        high, low = np.asarray(image), np.asarray(again)
        if grey:
            high, low = low[..., ::2], low[..., 1::2]
    clear = image.info.get("transparency") if image.mode == "RGB" else None
    shallow = np.empty(high.shape, np.uint8)
    alpha = None if clear is None else np.empty(high.shape[:2], np.uint8)
    kept = None if image.mode == "CMYK" else np.empty((*high.shape[:2], 1 if grey else 3), np.uint16)
    step = max(1, _ROWS // high.shape[1])
    for start in range(0, len(high), step):
        rows = slice(start, start + step)
        deep = high[rows].astype(np.uint32) << 8 | low[rows]
        shallow[rows] = eight_bits(deep)
        if alpha is not None:
            alpha[rows] = np.where((deep == clear).all(-1), 0, 255)
        if kept is not None:
            kept[rows] = deep[..., : kept.shape[2]]
    mode = "LA" if grey else image.mode
    if grey and kept is not None:
        kept = kept[..., 0]
    return Halves(Image.fromarray(shallow, mode), None if alpha is None else Image.fromarray(alpha), kept)


def name_planes(image: Image.Image, name: str) -> None:
    """`image`: opened and not loaded. A TIFF may hold its channels one after the other, of 16 bits each and not
    compressed: Pillow takes those bytes for channels of 8 bits. `name` stands for it in errors."""
    tags = _tags(image)
    if tags.get(_PLANES) != _APART or set(tags.get(_BITS, ())) != {16} or len(_raw_mode(image.tile[0])) != 1:
        return
    if image.mode not in ("RGB", "RGBA"):  # which alone have unpackers of one channel of 16 bits
        raise FacepriorError(f"{name}: 16-bit channels that lie apart are read in RGB alone; save it anew, interleaved")
    order = "B" if tags.prefix == b"MM" else "L"
    image.tile = [
        tile._replace(args=(f"{_raw_mode(tile)};16{order}", *tile[3][1:]))
        for tile in image.tile
        if _raw_mode(tile) in image.getbands()  # others are none of the picture's
    ]


def is_negative(image: Image.Image) -> bool:
    """Whether it is grey whose white is zero, and Pillow has not changed that: of more than 8 bits it does not."""
    return image.mode.startswith(("I", "F")) and _tags(image).get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def greys_of_16(image: Image.Image, stored: Image.Image) -> np.ndarray:
    """uint16 (H, W), 0 to 65535. `image`: `is_grey_of_16`, loaded; stored: what says how many bits a value has."""
    values = np.asarray(image).astype(np.uint16)
    if _tags(stored).get(_BITS) == (12,):
        values = ((values.astype(np.uint32) * 65535 + 2047) // 4095).astype(np.uint16)
    return values


def eight_bits(levels: np.ndarray) -> np.ndarray:
    """uint16 -> uint8, rounded."""
    return ((levels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _tags(image: Image.Image) -> Any:
    return getattr(image, "tag_v2", {})


def is_grey_of_16(image: Image.Image) -> bool:
    """Whether an image is grey of 16 bits, all of which Pillow keeps."""
    # In files of PGM they come as 32 bits, of 0..65535.
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """uint16 (H, W) or (H, W, 3) as stored -> (H', W', 3) as its EXIF orientation says; grey once in memory."""
    exchanged, down, across = _TURNS.get(orientation, (False, 1, 1))
    pixels = np.ascontiguousarray((pixels.swapaxes(0, 1) if exchanged else pixels)[::down, ::across])
    return pixels if pixels.ndim == 3 else np.broadcast_to(pixels[..., None], (*pixels.shape, 3))


def _raw_mode(tile: Any) -> str:
    """A tile is (codec, box, offset, arguments); the raw mode is the first of the arguments, or all of them."""
    args = tile[3]
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""


def _changed(tile: Any) -> Any:
    mode, args = _raw_mode(tile), tile[3]
    other = "RGBA" if mode == _GREY_ALPHA else mode[:-1] + _OTHER[mode[-1]]
    return type(tile)._make((*tile[:3], other if isinstance(args, str) else (other, *args[1:])))
