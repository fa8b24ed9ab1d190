"""A pan carries faces beyond their own boxes: the picture's motion is measured, and the tracks go with it. At a cut all
begins anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from textures import texture

from faceprior.photo.boxes import Detection
from faceprior.runtime.weights import ASSETS
from faceprior.video.convert import chunks
from faceprior.video.motion import Camera, Cuts, shift_between
from faceprior.video.track import Tracker

PHOTO = Image.open(ASSETS / "astronauts.jpg").convert("RGB")


def view(x: float, y: float, size=(320, 240)) -> np.ndarray:
    box = (x, y, x + size[0], y + size[1])
    return np.asarray(PHOTO.resize(size, Image.Resampling.BICUBIC, box=box))


@settings(max_examples=30, deadline=None)
@given(st.integers(-40, 40), st.integers(-30, 30))
def test_a_pan_is_measured(right, down):
    camera = Camera()
    assert camera(view(80, 70)) == (0, 0)
    found = camera(view(80 - right, 70 - down))
    assert found == pytest.approx((right, down), abs=2.0)  # in steps of 320 / 256 pixels


def test_large_frames_are_measured_in_their_own_pixels():
    camera = Camera()
    for x, expected in ((0, (0, 0)), (64, (-64 * 2.5, 0))):
        large = Image.fromarray(view(x, 60)).resize((800, 600), Image.Resampling.BICUBIC)
        assert camera(np.asarray(large)) == pytest.approx(expected, abs=4.0)


def test_what_is_no_pan_is_none():
    still = view(80, 70).astype(np.float32).mean(2)
    other = np.asarray(Image.fromarray(texture(240, 320)).convert("L"), np.float32)
    moved = still.copy()
    moved[100:130, 100:130] = still[100:130, 112:142]  # somebody moves, the camera does not
    flat = np.full_like(still, 90)
    grainy = still + np.random.default_rng(0).normal(0, 3, still.shape).astype(np.float32)
    for after in (still, other, moved, flat, grainy, still + 20, 255 - still):
        assert shift_between(still, after) == (0, 0)
    assert shift_between(flat, still) == (0, 0)


def test_frames_of_another_shape_begin_anew():
    camera = Camera()
    camera(view(80, 70))
    assert camera(view(60, 70, (240, 320))) == (0, 0)
    assert camera(np.zeros((1, 1, 3), np.uint8)) == (0, 0)
    assert camera(np.zeros((1, 1, 3), np.uint8)) == (0, 0)


def faces_at(shift: float) -> list[Detection]:
    """Three in a row, as near to each other as in a group."""
    points = ((3.0, 3.0), (7.0, 3.0), (5.0, 5.0), (3.0, 8.0), (7.0, 8.0))
    found = []
    for x in (40.0, 60.0, 80.0):
        at = tuple((x + shift + px, 50 + py) for px, py in points)
        found.append(Detection((x + shift, 50.0, 10.0, 12.0), 0.9, at))
    return found


def test_faces_keep_their_numbers_in_a_pan():
    tracker, lost = Tracker(), Tracker()
    for look in range(6):
        here = tracker.look(faces_at(20.0 * look), 0.2 * look, (20.0, 0.0) if look else (0.0, 0.0))
        there = lost.look(faces_at(20.0 * look), 0.2 * look)
    assert sorted(here) == [1, 2, 3]
    for number, x in zip(here, (40, 60, 80), strict=True):
        assert here[number].box[0] == pytest.approx(x + 100, abs=0.5)
        assert here[number].points[0] == pytest.approx((x + 103, 53), abs=0.5)
    assert sorted(there) != [1, 2, 3]  # each would be taken for its neighbour


def test_a_face_that_is_missed_goes_with_the_picture():
    tracker = Tracker()
    tracker.look(faces_at(0), 0.0)
    here = tracker.look(faces_at(20)[:1], 0.2, (20.0, 0.0))
    assert [round(here[n].box[0]) for n in sorted(here)] == [60, 80, 100]


def test_cuts():
    china = np.asarray(Image.fromarray(texture(240, 320)).convert("RGB"))
    one, other = view(80, 70), view(180, 150)
    bright, dark = (np.clip(one.astype(float) * f, 0, 255).astype(np.uint8) for f in (1.8, 0.3))
    grainy = np.clip(one + np.random.default_rng(0).normal(0, 20, one.shape), 0, 255).astype(np.uint8)
    black = np.zeros_like(one)
    cuts = Cuts()
    frames = [one, one, bright, dark, grainy, view(86, 70), china, china, other, black, black, one]
    assert [cuts(frame) for frame in frames] == [False] * 6 + [True, False, True, False, False, False]
    steps_in, flat = Cuts(), np.full_like(one, 100)
    somebody = flat.copy()
    somebody[60:, 40:180] = (50, 50, 200)
    assert [steps_in(frame) for frame in (flat, somebody, somebody, flat)] == [False] * 4
    pan = Cuts()
    assert not any(pan(view(x, 70)) for x in range(0, 180, 16))
    night = Cuts()
    grain = np.random.default_rng(1).normal(20, 20, (6, *one.shape))
    assert not any(night(np.clip(frame, 0, 255).astype(np.uint8)) for frame in grain)
    deep = Cuts()
    assert [deep(frame.astype(np.uint16) * 257) for frame in (one, grainy, china)] == [False, False, True]
    tiny = Cuts()
    assert [tiny(np.full((h, w, 3), 9, np.uint8)) for h, w in ((1, 1), (1, 40), (40, 1))] == [False] * 3


def test_a_chunk_ends_before_a_cut():
    def told(numbers, *at):
        return [(c, after, cut) for c, after, cut in chunks(numbers, 5, lambda n: n in at)]

    assert told(range(12)) == [([0, 1, 2, 3, 4], 5, False), ([5, 6, 7, 8, 9], 10, False), ([10, 11], None, False)]
    assert told(range(8), 3) == [([0, 1, 2], 3, True), ([3, 4, 5, 6, 7], None, False)]
    assert told(range(7), 5, 6) == [([0, 1, 2, 3, 4], 5, True), ([5], 6, True), ([6], None, False)]
    assert told(range(3), 0) == [([0, 1, 2], None, False)]
    assert told([]) == []
