"""Files with bytes changed, cut out, doubled: from the decoder to the result, an answer or one line; nothing grows."""

import io
import resource
import sys
import time

import numpy as np
from crafted_images import GOOD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from faceprior import FacepriorError
from faceprior.photo.boxes import Detection
from faceprior.photo.cropped import face_to_lr
from faceprior.photo.decode import read_stream
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo

SEEDS = [case.data for case in GOOD.values() if len(case.data) < 20_000]
LIMIT = 4_000_000  # pixels here: what is looked for is a crash, not the time to fill 179 million
SECONDS = 10
FACE = [Detection((8.0, 6.0, 16.0, 18.0), 0.9)]


class Network:
    """As an `Upscaler`, without a model: a grey face, upright."""

    def __call__(self, lr):
        self.images = np.full((len(lr), 128, 128, 3), 127, np.uint8)
        self.heatmaps = np.zeros((len(lr), 4, 64, 64), np.float32)
        self.transforms = np.repeat(np.array([[[1, 0, 0], [0, 1, 0]]], np.float32), len(lr), 0)
        return self


def through(data: bytes) -> str:
    """Decoder, LR of a cropped face, the whole photo, a file again; "ok" or "refused"."""
    try:
        image = read_stream(data, "x")
    except FacepriorError as error:
        assert len(str(error).splitlines()) == 1
        return "refused"
    height, width = image.rgb.shape[:2]
    assert image.rgb.dtype == np.uint8 and height and width
    lr = face_to_lr(image.over())
    assert lr.shape == (16, 16, 3) and lr.dtype == np.uint8
    result = upscale_photo(image, Network(), FACE, PhotoOptions(scale=2, max_pixels=2_000_000))
    assert result.photo.size[0] % width == 0
    result.with_alpha().crop((0, 0, 64, 64)).save(io.BytesIO(), "PNG")
    return "ok"


@st.composite
def broken(draw) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        # Headers decide most: half of the changes fall into the first 120 bytes.
        at = draw(st.one_of(st.integers(0, min(120, len(data) - 1)), st.integers(0, len(data) - 1)))
        how = draw(st.sampled_from(["byte", "word", "cut", "drop", "double", "zero"]))
        if how == "byte":
            data[at] = draw(st.integers(0, 255))
        elif how == "word":
            data[at : at + 4] = draw(st.sampled_from([b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\1\0\0\0"]))
        elif how == "cut":
            del data[max(at, 1) :]
        elif how == "drop":
            del data[at : at + draw(st.integers(1, 64))]
        elif how == "double":
            data[at:at] = data[at : at + draw(st.integers(1, 64))]
        else:
            data[at : at + 16] = bytes(len(data[at : at + 16]))
        if not data:
            return b"\0"
    return bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=broken())
def test_broken_files_are_decoded_or_refused(data):
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, LIMIT // 2
    began = time.process_time()
    try:
        through(data)
    finally:
        Image.MAX_IMAGE_PIXELS = before
    assert time.process_time() - began < SECONDS


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes(data):
    assert through(data) in ("ok", "refused")


def test_memory_does_not_grow():
    """Every small crafted file, whole and cut, five times over: the peak is reached in the first round."""
    _all_once()
    first = _peak()
    for _ in range(4):
        _all_once()
    assert _peak() - first < 40_000_000


def _all_once() -> None:
    for data in SEEDS:
        through(data)
        through(data[: len(data) * 2 // 3])


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
