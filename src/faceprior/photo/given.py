"""What a Python caller gives for a picture: a file, its bytes, an array, an image of Pillow -> `DecodedImage`."""

import os
from typing import Any

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from .decode import DecodedImage, from_pillow, read_bytes, read_image
from .words import in_python

Picture = str | os.PathLike[str] | bytes | np.ndarray | Image.Image | DecodedImage


def decoded(picture: Picture) -> DecodedImage:
    """Arrays are uint8: (H, W) grey, (H, W, 3) RGB, (H, W, 4) RGBA; images of Pillow are turned as their EXIF says.

    FacepriorError, of one line, where it is no picture.
    """
    with in_python():
        if isinstance(picture, DecodedImage):
            return picture
        if isinstance(picture, str | os.PathLike):
            return read_image(os.fsdecode(picture))
        if isinstance(picture, bytes | bytearray | memoryview):
            return read_bytes(bytes(picture), "the bytes")
        if isinstance(picture, Image.Image):
            return from_pillow(picture)
        return _from_array(picture)


def _from_array(picture: Any) -> DecodedImage:
    try:
        pixels = np.asarray(picture)
    except Exception as error:  # rows of unequal length; or what the `__array__` of another library raises
        raise FacepriorError(f"picture: cannot be read as an array ({' '.join(str(error).split())})") from None
    shape = pixels.shape[:2] + pixels.shape[2:] * (pixels.shape[2:] != (1,))  # (H, W, 1) is grey, too
    channels = 1 if len(shape) == 2 else shape[2] if len(shape) == 3 else 0
    if pixels.dtype != np.uint8 or channels not in (1, 3, 4) or 0 in shape:
        wanted = "a file, an image of Pillow, or uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA"
        got = f"{pixels.dtype} {pixels.shape}" if isinstance(picture, np.ndarray) else type(picture).__name__
        scaled = "; bring values of 0..1 to 0..255 first" if pixels.dtype.kind == "f" and pixels.ndim in (2, 3) else ""
        raise FacepriorError(f"picture: expected {wanted}, got {got}{scaled}")
    # Copies: a caller may fill his array anew (a camera's frame), and the result keeps the picture.
    if channels == 4:
        return DecodedImage(pixels[..., :3].copy(), pixels[..., 3].copy())
    return DecodedImage(np.repeat(pixels.reshape(*shape, 1), 3, axis=2) if channels == 1 else np.array(pixels))
