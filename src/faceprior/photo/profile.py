"""Colour profiles: of which kind of picture one is, and greys by their own profile -> greys of sRGB."""

import io
import struct

import numpy as np
from PIL import Image, ImageCms

GREY, RGB = "GRAY", "RGB"
_SIGNATURE, _SPACE = slice(36, 40), slice(16, 20)
_EXACT = ImageCms.Flags.NOOPTIMIZE  # lcms goes through each value, not through a table of few: below a level of 16 bits
_WHITE = (63190, 65536, 54061)  # D50, in parts of 65536
# The curve of sRGB as ICC writes it: ((x + 0.055) / 1.055) ** 2.4, below 0.04045 x / 12.92.
_SRGB = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def space_of(icc: bytes) -> str:
    """RGB, GRAY, CMYK, Lab, ...; nothing where it is no profile."""
    if icc[_SIGNATURE] != b"acsp":
        return ""
    return icc[_SPACE].decode("ascii", "replace").strip()


def grey_table(icc: bytes | None) -> np.ndarray | None:
    """uint16 (65536,): what each value of a grey picture of this profile is in sRGB; None where it is no profile of
    grey, or a broken one."""
    if not icc or space_of(icc) != GREY:
        return None
    values = Image.fromarray(np.arange(65536, dtype="<u2").reshape(256, 256))
    try:
        source, goal = (ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (icc, _grey_of_srgb()))
        change = ImageCms.buildTransform(source, goal, values.mode, values.mode, flags=_EXACT)
        return np.asarray(change.apply(values)).reshape(-1).astype(np.uint16)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def managed(image: Image.Image, icc: bytes) -> Image.Image | None:
    """The picture in sRGB by its own profile; None where the profile does not fit the picture."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _grey_of_srgb() -> bytes:
    """A grey profile with the curve of sRGB: Pillow makes none."""
    curve = b"para" + struct.pack(">4xHH5i", 3, 0, *(round(v * 65536) for v in _SRGB))
    white = b"XYZ " + struct.pack(">4x3i", *_WHITE)
    at, body = 128 + 4 + 2 * 12, white + curve
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", at, len(white), b"kTRC", at + len(white), len(curve))
    head = struct.pack(">I4x4s4s4s4s12x4s", at + len(body), b"\x04\x20\0\0", b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return (head + bytes(28) + struct.pack(">3i", *_WHITE)).ljust(128, b"\0") + tags + body
