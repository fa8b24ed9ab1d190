"""Colour profiles: of which kind of picture one is, and greys by their own profile -> greys of sRGB."""

import io

import numpy as np
from PIL import Image, ImageCms

from .made_profile import grey_of_srgb

GREY, RGB = "GRAY", "RGB"
_SIGNATURE, _SPACE = slice(36, 40), slice(16, 20)
_EXACT = ImageCms.Flags.NOOPTIMIZE  # lcms goes through each value, not through a table of few: below a level of 16 bits


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
        source, goal = (ImageCms.ImageCmsProfile(io.BytesIO(data)) for data in (icc, grey_of_srgb()))
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
