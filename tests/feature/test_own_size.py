"""A network of any size sees a face's own pixels."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from textures import texture

from faceprior.face.frame import Frame
from faceprior.photo.boxes import Detection
from faceprior.photo.choice import network_for
from faceprior.photo.consistency import _means
from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.own import MOST, own_pixels, own_size, seen_from
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.warp import upright_to_photo

AT_REST = np.eye(2, 3, dtype=np.float32)


class AnySize:
    """Paints every face grey, and keeps what it was shown."""

    size, any_size, aligned = 16, True, True

    def __init__(self):
        self.seen, self.given = [], []

    def locate(self, lr):
        return np.tile(AT_REST, (len(lr), 1, 1))

    def __call__(self, lr, transforms=None):
        self.seen += list(lr)
        self.given += list(self.locate(lr) if transforms is None else transforms)
        images, maps = np.full((len(lr), 128, 128, 3), 90, np.uint8), np.ones((len(lr), 4, 64, 64), np.float32)
        return SimpleNamespace(
            images=images, heatmaps=maps, transforms=self.locate(lr) if transforms is None else transforms
        )


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return texture(120, 200)


@pytest.fixture
def detailed(monkeypatch):
    """What detail is there is not asked here."""
    monkeypatch.setattr("faceprior.photo.choice.effective_side", lambda rgb, frame: frame.side)


@pytest.mark.parametrize("turn", [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)])
@pytest.mark.parametrize("side", [19.6, 20.4, 21.0])
def test_whole_pixels_and_the_same_place(photo, side, turn):
    frame = Frame((60.3, 50.8), turn, side)
    transform = np.array([[0.9, -0.2, 0.1], [0.2, 0.9, -0.05]], np.float32)
    lr, cut, there = own_pixels(photo, frame, transform, round(side))
    assert lr.shape == (round(side),) * 2 + (3,)
    # Each pixel is one of the photo's, where the frame says that it lies.
    at = (np.arange(len(lr)) + 0.5) / len(lr) - 0.5
    for row, column in [(0, 0), (3, 11), (len(lr) - 1, 5)]:
        x, y = cut.centre + cut.side * (at[column] * np.array(cut.right) + at[row] * np.array(cut.down))
        assert (x % 1, y % 1) == pytest.approx((0, 0), abs=1e-6) or (x % 1, y % 1) == pytest.approx((1, 1), abs=1e-6)
        np.testing.assert_array_equal(lr[row, column], photo[round(y), round(x)])
    np.testing.assert_allclose(upright_to_photo(cut, there), upright_to_photo(frame, transform), atol=1e-3)
    np.testing.assert_allclose(seen_from(there, cut, frame), transform, atol=1e-6)


def test_beyond_the_photo_its_edge_goes_on(photo):
    lr, _, _ = own_pixels(photo, Frame((1.0, 118.0), (1.0, 0.0), 20.0), AT_REST, 20)
    assert lr.shape == (20, 20, 3)
    np.testing.assert_array_equal(lr[:, 0], lr[:, 5])
    np.testing.assert_array_equal(lr[-1], lr[-5])


def test_which_size():
    network, fixed = AnySize(), SimpleNamespace(size=32)
    frame = Frame((50.0, 50.0), (1.0, 0.0), 23.4)
    assert own_size(network, frame, 23.0) == 23
    assert own_size(network, frame, 18.2) == 18  # blurred
    assert own_size(network, frame, 12.0) == 16  # so blurred that the network's own pixels are more
    assert own_size(fixed, frame, 23.0) is None
    assert own_size(network, frame.grown(4), 90.0) == MOST


def test_which_network(photo, monkeypatch):
    """The larger one from 24 px on, from 20.5 where faces are cut at 16 or 32 px."""
    network, fixed = AnySize(), AnySize()
    fixed.any_size = False
    for one in (network, fixed):
        one.larger = AnySize()
    for side, detail, larger, larger_of_fixed in [(22, 22, False, True), (25, 25, True, True), (40, 22, False, True)]:
        monkeypatch.setattr("faceprior.photo.choice.effective_side", lambda rgb, frame, detail=detail: detail)
        for one, expected in ((network, larger), (fixed, larger_of_fixed)):
            chosen, held = network_for(one, photo, Frame((60.0, 60.0), (1.0, 0.0), float(side)))
            assert (chosen is one.larger) == expected and held == detail


def test_faces_of_a_photo_are_seen_at_their_own_size(photo, detailed):
    network = AnySize()
    sides = (12, 20, 33)
    found = [Detection((20.0 + 60 * i, 40.0, s / 1.171, s / 1.171)) for i, s in enumerate(sides)]
    result = upscale_photo(DecodedImage(photo), network, found, PhotoOptions(scale=2, canvas="lanczos"))
    assert [face.status for face in result.faces] == ["restored"] * 3
    assert sorted(len(lr) for lr in network.seen) == [12, 20, 33]
    for face in result.faces:
        assert len(face.lr) == round(face.size) and face.lr_consistency is not None
        x, y = (np.round(np.array(face.frame.centre) + 0.5 - face.size / 2)).astype(int)
        np.testing.assert_array_equal(face.lr, photo[y : y + len(face.lr), x : x + len(face.lr)])


def test_a_blurred_face_is_seen_in_as_many_pixels_as_its_detail(photo, monkeypatch):
    monkeypatch.setattr("faceprior.photo.choice.effective_side", lambda rgb, frame: 0.6 * frame.side)
    network = AnySize()
    found = [Detection((30.0 + 80 * i, 40.0, s / 1.171, s / 1.171)) for i, s in enumerate((20, 40))]
    result = upscale_photo(DecodedImage(photo), network, found, PhotoOptions(scale=2, canvas="lanczos"))
    assert [face.status for face in result.faces] == ["restored"] * 2
    assert sorted(len(lr) for lr in network.seen) == [16, 24]
    for face in result.faces:  # the whole face, reduced
        assert face.frame.side > 1.2 * len(face.lr)


def test_cut_faces_of_many_sizes_at_once(photo, detailed):
    network, fixed = AnySize(), AnySize()
    fixed.any_size = False
    pictures = [DecodedImage(np.ascontiguousarray(photo[:n, :n])) for n in (12, 21, 12, 30)]
    faces = restore_cut([Given.of(picture, network) for picture in pictures])
    assert [len(face.lr) for face in faces] == [12, 21, 12, 30]
    np.testing.assert_array_equal(faces[1].lr, photo[:21, :21])
    assert {len(face.lr) for face in restore_cut([Given.of(picture, fixed) for picture in pictures])} == {16}


@pytest.mark.parametrize("size", [12, 16, 20, 27, 48])
def test_areas_of_any_size(size):
    weights = _means(size)
    assert weights.shape == (size, 128)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    x = np.linspace(0, 1, 128, dtype=np.float32)
    whole = np.asarray(Image.fromarray(np.tile(x, (128, 1))).resize((size, size), Image.Resampling.BOX))[0]
    if 128 % size == 0:
        np.testing.assert_allclose(weights @ x, whole, atol=1e-5)
    np.testing.assert_allclose(weights @ x, (np.arange(size) + 0.5) / size * 128 / 127 - 0.5 / 127, atol=2e-3)
