"""The packaged portrait, reduced until its face is so many pixels wide."""

import json
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from faceprior.dataset.rough import blur
from faceprior.face.frame import Frame

Portrait = tuple[Image.Image, Frame]


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    """It, and the frame of its face."""
    assets = files("faceprior") / "assets"
    frame = json.loads((assets / "astronaut.json").read_text("utf-8"))["frame"]
    return Image.open(assets / "astronaut.jpg").convert("RGB"), Frame(**frame)


def reduced(portrait: Portrait, size: int, sigma: float = 0.0) -> tuple[np.ndarray, tuple[slice, slice]]:
    """So small that its face is `size` wide, through a lens that blurs by `sigma` of these pixels, and where it is."""
    picture, frame = portrait
    factor = size / frame.side
    picture = Image.fromarray(blur(np.asarray(picture), sigma / factor)) if sigma else picture
    small = np.asarray(picture.resize([round(v * factor) for v in picture.size], Image.Resampling.BICUBIC))
    left, top = (round(c * factor - size / 2) for c in frame.centre)
    return small, (slice(top, top + size), slice(left, left + size))
