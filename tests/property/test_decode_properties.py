"""Any size and mode: the decoder keeps the size, and the face it gives the network is 16x16."""

import io

import numpy as np
import PIL
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceprior.photo.cropped import face_to_lr
from faceprior.photo.decode import read_stream

SIDES = st.integers(1, 70)
MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "I", "F"]
if int(PIL.__version__.split(".")[0]) >= 13:  # before, it does not read the uncompressed YCbCr TIFF that it writes
    MODES.append("YCbCr")


@settings(max_examples=60, deadline=None)
@given(
    width=SIDES,
    height=SIDES,
    mode=st.sampled_from(MODES),
    orientation=st.integers(0, 9),
    seed=st.integers(0, 999),
)
def test_sizes_and_modes(width, height, mode, orientation, seed):
    random = np.random.default_rng(seed)
    if mode in ("I;16", "I", "F"):
        dtype = {"I;16": "<u2", "I": "<i4", "F": "f4"}[mode]
        image = Image.fromarray(random.integers(0, 65536, (height, width)).astype(dtype))
    else:
        image = Image.fromarray(random.integers(0, 256, (height, width, 4), dtype=np.uint8))
        image = image.convert("P").convert("PA") if mode == "PA" else image.convert(mode)
    format = "PNG" if mode in ("LA", "P", "RGBA") else "TIFF"
    if mode == "PA":
        image, format = image.convert("RGBA"), "PNG"
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, format, exif=exif)
    out = read_stream(stream.getvalue())
    expected = (width, height) if orientation in (5, 6, 7, 8) else (height, width)
    assert out.rgb.shape == (*expected, 3)
    assert out.rgb.dtype == np.uint8
    assert out.alpha is None or out.alpha.shape == expected
    lr = face_to_lr(out.over())
    assert lr.shape == (16, 16, 3)
    assert lr.dtype == np.uint8


@settings(max_examples=30, deadline=None)
@given(value=st.tuples(*[st.integers(0, 255)] * 3), width=SIDES, height=SIDES)
def test_one_colour_stays_that_colour(value, width, height):
    stream = io.BytesIO()
    Image.new("RGB", (width, height), value).save(stream, "PNG")
    lr = face_to_lr(read_stream(stream.getvalue()).over())
    assert np.abs(lr.astype(int) - value).max() <= 1
