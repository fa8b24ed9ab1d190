"""Cut faces and tiny photos that a program sharpened or compressed: told by the faces' own pixels."""


import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from cut_faces import said_of
from hypothesis import given, settings
from hypothesis import strategies as st
from reduced_faces import portrait, reduced  # noqa: F401  a fixture

from faceprior import load, upscale
from faceprior.dataset.rough import jpeg, sharpen
from faceprior.face.frame import Frame
from faceprior.photo.cutstate import LEAST, MOST, CutState, describe, squares_of
from faceprior.photo.sharpened import AMOUNTS

SIZES = (24, 32, 48, 96)


def face(portrait, size: int, amount: float = 0.0) -> np.ndarray:  # noqa: F811
    small, where = reduced(portrait, size)
    return np.ascontiguousarray((sharpen(small, amount) if amount else small)[where])


@pytest.mark.parametrize("size", SIZES)
def test_sharpened_faces_are_told_from_others(portrait, size):  # noqa: F811
    plain = face(portrait, size)
    assert CutState.of([plain], 0.0).sharpening is None
    assert CutState.of([jpeg(plain, 92)], 8 / 60).sharpening is None
    found = [CutState.of([face(portrait, size, amount)], 0.0).sharpening for amount in (1.2, 2.0)]
    assert all(f is not None for f in found)
    assert 0.4 < found[0].amount < found[1].amount < 2.9


def test_compression_is_told_of_a_few_pixels(portrait):  # noqa: F811
    plain = face(portrait, 48)
    assert CutState.of([plain], 0.0).compression == 0
    assert all(0.2 < CutState.of([jpeg(plain, quality)], 0.0).compression <= 1 for quality in (75, 50))
    assert CutState.of([jpeg(plain, 75)], 25 / 60).compression == 0  # its file says as much itself


@settings(max_examples=20, deadline=None)
@given(st.integers(LEAST, MOST), st.integers(0, 2**16), st.sampled_from((0, 1, 40, 255)))
def test_any_square_gives_numbers(side, seed, spread):
    rng = np.random.default_rng(seed)
    square = np.clip(rng.normal(128, spread, (side, side, 3)), 0, 255).astype(np.uint8)
    seen = describe(square, 0.3)
    assert seen.shape == (37,) and np.isfinite(seen).all()
    found = CutState.of([square], 0.0).sharpening
    assert found is None or 0 < found.amount <= AMOUNTS[-1]
    assert 0 <= CutState.of([square], 0.0).compression <= 1


def test_sizes_of_which_nothing_is_told():
    squares = [np.zeros((side, side, 3), np.uint8) for side in (LEAST - 1, LEAST, MOST, MOST + 1)]
    assert [CutState.of([square], 0.0) is not None for square in squares] == [False, True, True, False]
    assert CutState.of([], 0.0) is None and CutState.of(squares, 0.0).side == MOST


@settings(max_examples=30, deadline=None)
@given(st.floats(-50, 250), st.floats(-50, 250), st.floats(1, 400), st.integers(1, 180), st.integers(1, 180))
def test_the_squares_of_a_photo_lie_in_it(x, y, side, height, width):
    rgb = np.arange(height * width, dtype=np.uint32).reshape(height, width)
    rgb = np.stack([rgb & 255, rgb >> 8, rgb * 0], 2).astype(np.uint8)
    for square in squares_of(rgb, [Frame((x, y), (1.0, 0.0), side)]):
        number = square[..., 0] + 256 * square[..., 1].astype(int)  # of each pixel of the photo: none comes twice
        assert len(np.unique(number)) == number.size and square.shape[0] == square.shape[1]


def test_a_sharpened_cut_face_comes_out_as_one_that_is_not(portrait):  # noqa: F811
    model = load()
    plain, sharp = face(portrait, 32), face(portrait, 32, 1.2)
    wanted = model.restore(plain)
    taken, kept = model.restore(sharp), model.restore(sharp, keep_sharpening=True)
    assert wanted.sharpening is None and kept.sharpening is None and taken.sharpening.amount > 0.5
    far = [np.mean((result.image.astype(float) - wanted.image) ** 2) for result in (taken, kept)]
    assert far[0] < 0.6 * far[1]


def test_the_command_says_so(portrait, faceprior, tmp_path):  # noqa: F811
    plain, sharp = face(portrait, 48), face(portrait, 48, 1.5)
    assert said_of(faceprior, tmp_path, plain, sharp, "sharpened", "sharpening")["amount"] > 0.5


def test_a_tiny_photo_is_told_by_its_face(portrait):  # noqa: F811
    picture, where = reduced(portrait, 40)
    box = [where[1].start, where[0].start, 40, 40]
    plain = upscale(picture, boxes=[box], scale=2)
    sharp = upscale(sharpen(picture, 1.5), boxes=[box], scale=2)
    kept = upscale(sharpen(picture, 1.5), boxes=[box], scale=2, keep_sharpening=True)
    assert min(picture.shape[:2]) < 200 and plain.sharpening is None and sharp.sharpening.amount > 0.5
    assert any("keep_sharpening keeps it" in note for note in sharp.notes)
    far = [np.mean((np.asarray(r.photo, float) - np.asarray(plain.photo)) ** 2) for r in (sharp, kept)]
    assert far[0] < 0.6 * far[1]
