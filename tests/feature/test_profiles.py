"""Colour profiles of greys are applied, whatever their depth and alpha; one of another kind of picture is left out."""

import struct
import zlib

import numpy as np
import pytest
from crafted_images import ALPHA, DEEP, GREY, H, W, cmyk_profile, png, saved
from crafted_images import RGB as COLOURS
from PIL import Image, ImageCms
from tiffs import tiff

from faceprior.photo.decode import read_bytes

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
CLEAR = np.where(np.equal(GREY, GREY[0, 7]), 0, 255).astype(np.uint8)


def grey_profile(gamma: float) -> bytes:
    """The smallest: a white point and a curve."""
    white = b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061)
    curve = b"curv" + struct.pack(">4xIH2x", 1, int(gamma * 256))
    size = 156 + len(white + curve)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, len(white), b"kTRC", 156 + len(white), len(curve))
    head = struct.pack(">I4x4s4s4s4s12x4s", size, b"\x02\x40\0\0", b"mntr", b"GRAY", b"XYZ ", b"acsp")
    return (head + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + tags + white + curve


def of_linear(values: np.ndarray) -> np.ndarray:
    """Linear light of 0..1 as sRGB, in levels of 8 bits."""
    return 255 * np.where(values <= 0.0031308, 12.92 * values, 1.055 * np.maximum(values, 1e-9) ** (1 / 2.4) - 0.055)


LINEAR = grey_profile(1)
IN_PNG = (b"iCCP", b"grey\0\0" + zlib.compress(LINEAR))
DEEP_ALPHA = np.dstack([DEEP, ALPHA.astype(np.uint16) * 257]).astype(">u2").tobytes()
GREYS = {
    "8.png": (saved(GREY, "PNG", icc_profile=LINEAR), None),
    "8.jpg": (saved(GREY, "JPEG", quality=100, icc_profile=LINEAR), None),
    "8-alpha.png": (saved(np.dstack([GREY, ALPHA]), "PNG", icc_profile=LINEAR), ALPHA),
    "8-clear.png": (saved(GREY, "PNG", icc_profile=LINEAR, transparency=int(GREY[0, 7])), CLEAR),
    "16.png": (png(W, H, 16, 0, DEEP.astype(">u2").tobytes(), IN_PNG), None),
    "16-clear.png": (
        png(W, H, 16, 0, DEEP.astype(">u2").tobytes(), IN_PNG, (b"tRNS", struct.pack(">H", DEEP[0, 7]))), CLEAR
    ),
    "16-alpha.png": (png(W, H, 16, 4, DEEP_ALPHA, IN_PNG), ALPHA),
    "16.tif": (tiff(DEEP, 1, tags={34675: (7, LINEAR)}), None),
    "16-negative.tif": (tiff(65535 - DEEP, 0, tags={34675: (7, LINEAR)}), None),
    "float.tif": (tiff((GREY / 255).astype(np.float32), 1, tags={34675: (7, LINEAR)}), None),
}  # fmt: skip


@pytest.mark.parametrize("name", GREYS)
def test_a_grey_profile_is_applied(name):
    data, alpha = GREYS[name]
    picture = read_bytes(data, name)
    assert picture.mode == "L" and picture.icc is None and (picture.rgb == picture.rgb[..., :1]).all()
    wanted = of_linear(GREY / 255)
    assert np.abs(picture.rgb[..., 0] - wanted).max() <= (12 if name.endswith(".jpg") else 0.51)
    assert (picture.alpha is None) == (alpha is None) and (alpha is None or (picture.alpha == alpha).all())
    if name.startswith("16"):
        assert np.abs(picture.deep[..., 0] - wanted * 257).max() <= 2


def test_the_16_bits_of_a_grey_profile_all_count():
    ramp = np.arange(20000, 20000 + W * H, dtype=np.uint16).reshape(H, W)
    picture = read_bytes(tiff(ramp, 1, tags={34675: (7, grey_profile(2))}), "a.tif")
    assert np.abs(picture.deep[..., 0] - 257 * of_linear((ramp / 65535) ** 2)).max() < 2
    assert (np.diff(picture.deep[..., 0].ravel().astype(int)) >= 0).all()
    assert len(np.unique(picture.deep)) > 0.9 * W * H


@pytest.mark.parametrize(
    ("profile", "said"), [(cmyk_profile(), "of CMYK and not of RGB"), (LINEAR, "of GRAY"), (b"rubbish" * 40, "broken")]
)
def test_a_profile_of_another_kind_is_not_handed_on(profile, said):
    for image in (Image.fromarray(COLOURS), Image.fromarray(np.dstack([COLOURS, ALPHA]))):
        picture = read_bytes(saved(image, "PNG", icc_profile=profile), "a.png")
        assert picture.icc is None and said in picture.note and "left out" in picture.note
        assert (picture.rgb == COLOURS).all()


def test_a_profile_of_rgb_is_handed_on():
    for image in (Image.fromarray(COLOURS), Image.fromarray(COLOURS).quantize(99)):
        assert read_bytes(saved(image, "PNG", icc_profile=SRGB), "a.png").icc == SRGB
    grey = read_bytes(saved(GREY, "PNG", icc_profile=SRGB), "a.png")  # as some programs write it
    assert grey.icc is None and (grey.rgb[..., 0] == GREY).all()
