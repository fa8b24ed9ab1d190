"""Faces of a clean photo are cut out of what the canvas network made of it, where their network takes but one size."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceprior.face.frame import Frame
from faceprior.photo.canvas import packaged_canvas
from faceprior.photo.cut import cut_enlarged, cut_lr, gains_from_enlarging
from faceprior.photo.decode import DecodedImage
from faceprior.photo.detect import make_detector
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.runtime.upscaler import load

ASSETS = Path(__file__).parents[2] / "src" / "faceprior" / "assets"


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    image = Image.open(ASSETS / "astronauts.jpg").convert("RGB")
    return np.asarray(image.resize((255, 201), Image.Resampling.BICUBIC))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("turn", [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)])
@pytest.mark.parametrize("centre", [(60.3, 90.7), (2.0, 4.0), (250.0, 198.5)])
def test_it_is_the_same_square(photo, scale, turn, centre):
    image = Image.fromarray(photo)
    large = image.resize((image.width * scale, image.height * scale), Image.Resampling.BICUBIC)
    frame = Frame(centre, turn, 24.0)
    here, there = cut_lr(photo, frame, 16).astype(float), cut_enlarged(large, scale, frame, 16).astype(float)
    assert there.shape == (16, 16, 3)
    apart = np.abs(here - there).mean()
    off = min(np.abs(here - np.roll(there, by, axis)).mean() for axis in (0, 1) for by in (-1, 1))
    assert apart < 6 and apart < off / 2


def test_a_frame_beside_the_photo_is_its_edge(photo):
    large = Image.fromarray(photo).resize((510, 402))
    assert cut_enlarged(large, 2, Frame((-90.0, 500.0), (1.0, 0.0), 20.0), 16).shape == (16, 16, 3)


def test_which_faces_gain():
    assert gains_from_enlarging(12.0, 12.0, 16) and gains_from_enlarging(24.0, 24.0, 32)
    assert not gains_from_enlarging(9.0, 9.0, 16)  # too few to be made up
    assert not gains_from_enlarging(60.0, 60.0, 32)  # more than the network sees as it is
    assert not gains_from_enlarging(24.0, 12.0, 16)  # blurred: its pixels hold no more


def test_a_clean_photo_gives_its_canvas_a_rough_one_itself(photo):
    """By what the network was given; the faces lie where they lay."""
    model, detector = load(threads=1), make_detector("embedded")
    model.backend.any_size = False  # as a file of one size
    found = detector(photo)

    def faces(canvas: str, quality: float | None = None, **more) -> list:
        picture, options = DecodedImage(photo, quality=quality), PhotoOptions(scale=2, canvas=canvas, **more)
        return upscale_photo(picture, model, found, options, canvas=packaged_canvas).faces

    plain, network, rough = faces("lanczos"), faces("network"), faces("network", 60.0)
    for a, b in zip(plain, faces("network", consistent=True), strict=True):
        np.testing.assert_array_equal(a.lr, b.lr)  # true to the photo's own pixels
    assert len(plain) == len(network) > 10
    changed = [not np.array_equal(a.lr, b.lr) for a, b in zip(plain, network, strict=True) if b.restored]
    assert sum(changed) >= 0.8 * len(changed)
    for a, b, c in zip(plain, network, rough, strict=True):
        assert np.abs(a.lr.astype(int) - b.lr).mean() < 12  # the same face
        np.testing.assert_array_equal(a.frame.centre, b.frame.centre)
        np.testing.assert_array_equal(a.lr, c.lr)
