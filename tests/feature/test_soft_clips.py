"""Clips that are soft, and faces of clips that are: seen as if they were not, and as they come into focus."""

from itertools import pairwise

import numpy as np
import pytest
from reduced_faces import portrait, reduced  # noqa: F401  a fixture

import faceprior.video.undone as module
from faceprior.face.frame import Frame
from faceprior.photo.options import PhotoOptions
from faceprior.photo.sharpened import Sharpening
from faceprior.photo.softened import Softness
from faceprior.photo.unsharpen import unsharpened
from faceprior.video.undone import EVERY, Undoing

SOFT, SOFTER = Softness(1.5, 0.5, 2.0), Softness(2.5, 0.8, 4.0)


def change(undoing: Undoing, rgb: np.ndarray, seconds: float, square: Frame) -> float:
    """By how much a frame is changed for the networks."""
    return float(np.abs(undoing(rgb, seconds, {1: square}).astype(int) - rgb).mean())


@pytest.fixture
def scene(portrait):  # noqa: F811
    """A frame whose face is soft, the same where it is not, and the face's square."""
    (soft, where), sharp = reduced(portrait, 44, 0.7), reduced(portrait, 44)[0]
    y, x = (w.start + 21.5 for w in where)
    return soft, sharp, Frame((x, y), (1.0, 0.0), 44.0)


@pytest.fixture
def told(monkeypatch) -> list:
    """What is found of the scene, the last of these; and that no face says anything."""
    found = [None]
    monkeypatch.setattr(module, "response_of", lambda rgb, quality=None: found[-1])
    monkeypatch.setattr(module.CutState, "of", lambda squares, file: None)
    return found


def test_a_soft_face_is_seen_as_if_it_were_not(scene, monkeypatch):
    soft, sharp, square = scene
    monkeypatch.setattr(module, "response_of", lambda rgb, quality=None: None)
    made = Undoing(PhotoOptions(2), 2)(soft, 0.0, {1: square})
    (x, y), half = square.centre, 22
    inner = slice(int(y) - half, int(y) + half), slice(int(x) - half, int(x) + half)
    off = [np.mean((one[inner].astype(float) - sharp[inner]) ** 2) for one in (made, soft)]
    assert off[0] < 0.4 * off[1]
    assert (Undoing(PhotoOptions(2), 2)(sharp, 0.0, {1: square}) == sharp).all()
    assert (Undoing(PhotoOptions(2, keep_softness=True), 2)(soft, 0.0, {1: square}) == soft).all()


def test_it_comes_and_goes_by_and_by(scene, monkeypatch):
    soft, sharp, square = scene
    monkeypatch.setattr(module, "response_of", lambda rgb, quality=None: None)
    undoing = Undoing(PhotoOptions(2), 2)
    first = change(undoing, soft, 0.0, square)
    after = [change(undoing, sharp, i / 25, square) for i in range(1, 20)]
    assert first > 0 and after[-1] == 0
    assert all(b <= a + 0.05 for a, b in pairwise(after)) and after[0] > 0


def test_a_scene_is_measured_now_and_then_and_followed(scene, told):
    rgb, _, square = scene
    told.append(SOFT)
    undoing = Undoing(PhotoOptions(2), 2)
    wanted = unsharpened(rgb, SOFT)
    made = undoing(rgb, 0.0, {1: square})
    inner = slice(int(square.centre[1]) - 20, int(square.centre[1]) + 20)
    assert np.abs(made[inner, 40:60].astype(int) - wanted[inner, 40:60]).max() <= 1
    told.append(SOFTER)
    before = change(undoing, rgb, EVERY / 2, square)
    steps = [change(undoing, rgb, EVERY + i / 25, square) for i in range(20)]
    assert steps == sorted(steps) and before < steps[0] < 1.3 * before and steps[-1] > 1.3 * before
    told.append(None)
    later = [change(undoing, rgb, 3 * EVERY + i / 25, square) for i in range(40)]
    assert later == sorted(later, reverse=True) and later[-1] == 0


def test_a_cut_begins_anew(scene, told):
    rgb, _, square = scene
    told.append(SOFT)
    undoing = Undoing(PhotoOptions(2), 2)
    assert change(undoing, rgb, 0.0, square) > 0
    told.append(None)
    undoing.new_scene()
    assert change(undoing, rgb, 0.04, square) == 0


@pytest.mark.parametrize("how", [{"keep_softness": True}, {"consistent": True}, {"scale": 1}])
def test_where_it_stays(scene, told, how):
    rgb, _, square = scene
    told.append(SOFT)
    scale = how.get("scale", 2)
    assert change(Undoing(PhotoOptions(**{"scale": 2} | how), scale), rgb, 0.0, square) == 0


def test_sharpening_is_still_taken_out_where_softness_is_kept(scene, told):
    rgb, _, square = scene
    told.append(Sharpening(1.0, 1.0))
    assert change(Undoing(PhotoOptions(2, keep_softness=True), 2), rgb, 0.0, square) > 0
    assert change(Undoing(PhotoOptions(2, keep_sharpening=True), 2), rgb, 0.0, square) == 0
