"""Photos that lie on their side as a whole are noticed: by scores, with a stand-in for a detector and the real ones."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import faceprior
from faceprior.photo.boxes import Detection
from faceprior.photo.cut import face_frame
from faceprior.photo.hog import HogDetector
from faceprior.photo.pipeline import turned_as_a_whole
from faceprior.photo.turned import Scores, find

ASTRONAUT = Path(faceprior.__file__).parent / "assets" / "astronaut.jpg"
YUNET = os.environ.get("FACEPRIOR_DETECTOR_WEIGHTS", "")
needs_yunet = pytest.mark.skipif(not YUNET, reason="FACEPRIOR_DETECTOR_WEIGHTS is not set")
SCORES = Scores(sure=0.9, least=0.85, none=0.6)


def looking(scores: dict[int, list[float]]):
    """A look that finds faces apart from each other, with these scores by turn; and the list of what was asked."""
    asked = []

    def look(turn: int, zoom: int | None) -> list[Detection]:
        asked.append((turn, zoom))
        found = scores.get(turn, [])
        return [Detection((40.0 * i, 40.0 * turn, 20.0, 20.0), s, None, turn) for i, s in enumerate(found)]

    return look, asked


def turns(found: list[Detection]) -> set[int]:
    return {face.turn for face in found}


@pytest.mark.parametrize(
    ("scores", "taken", "tried"),
    [
        ({0: [0.94, 0.92, 0.7]}, {0}, False),  # most are sure: nothing else is asked
        ({0: [0.78, 0.75], 1: [0.93, 0.92, 0.91], 2: [0.8]}, {1}, True),  # a scan on its side
        ({0: [0.86, 0.85], 2: [0.94, 0.93]}, {2}, True),  # on its head
        ({0: [], 3: [0.92]}, {3}, True),  # none is found as it lies
        ({0: [0.88, 0.87, 0.86], 1: [0.89]}, {0}, True),  # small upright faces are less sure, and more
        ({0: [0.75], 1: [0.78]}, {0}, True),  # textures: no turn has a face that scores as one
        ({0: [], 1: [0.8]}, set(), True),
    ],
)
def test_the_turn_of_a_whole_photo(scores, taken, tried):
    look, asked = looking(scores)
    assert turns(find(look, SCORES, any_turn=False, auto_turn=True)) == taken
    assert (len(asked) > 1) == tried
    look, asked = looking(scores)
    assert turns(find(look, SCORES, any_turn=False, auto_turn=False)) <= {0} and asked == [(0, None)]


def test_a_large_photo_is_tried_quickly_and_searched_wholly_where_it_lies():
    look, asked = looking({0: [0.75], 1: [0.92]})
    assert turns(find(look, SCORES, any_turn=False, auto_turn=True, quick=1)) == {1}
    assert asked == [(0, None), (1, 1), (3, 1), (2, 1), (1, None)]


def test_every_turn_in_one_photo_where_asked():
    look, asked = looking({0: [0.94], 1: [0.93], 2: [0.92]})
    found = find(look, SCORES, any_turn=True, auto_turn=True)
    assert turns(found) == {0, 1, 2} and len(asked) == 4
    assert turned_as_a_whole(found) is None


def test_how_it_lies_is_said():
    assert turned_as_a_whole([Detection((0, 0, 9, 9), turn=2)] * 3) == "on their head"
    assert turned_as_a_whole([Detection((0, 0, 9, 9))]) is None and turned_as_a_whole([]) is None


def portrait(side: int) -> np.ndarray:
    with Image.open(ASTRONAUT) as image:
        return np.asarray(image.convert("RGB").resize((side, side), Image.Resampling.LANCZOS))


def detectors():
    yield HogDetector()
    if YUNET:
        from faceprior.photo.yunet import YuNet

        yield YuNet(YUNET, threads=1)


@pytest.mark.skipif(not ASTRONAUT.exists(), reason="no example picture in this build")
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_real_portrait_on_its_side(turn):
    """Turned clockwise, as a scanner gives it: the face is found where it lies, and cut as it lies."""
    upright = portrait(160)
    lying = np.ascontiguousarray(np.rot90(upright, -turn))
    for detector in detectors():
        (straight,), (found,) = detector(upright), detector(lying)
        assert found.turn == turn
        frame, wanted = face_frame(found), face_frame(straight)
        for _ in range(turn):  # a quarter turn clockwise of the picture
            x, y = wanted.centre
            right = (-wanted.right[1], wanted.right[0])
            wanted = type(wanted)((159 - y, x), right, wanted.side)
        assert frame.centre == pytest.approx(wanted.centre, abs=0.05 * wanted.side)
        assert frame.right == pytest.approx(wanted.right, abs=1e-6) and frame.side == pytest.approx(
            wanted.side, rel=0.05
        )


@needs_yunet
@pytest.mark.data
@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_scanned_group_is_found_as_it_lies(turn, data_folder):
    from faceprior.photo.yunet import YuNet

    with Image.open(data_folder / "photos" / "astronauts.jpg") as image:
        upright = np.asarray(image.convert("RGB"))
    found = YuNet(YUNET, threads=1)(np.ascontiguousarray(np.rot90(upright, -turn)))
    assert len(found) >= 22 and {face.turn for face in found} == {turn}
