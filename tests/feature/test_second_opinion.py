"""What the detector is not sure of is looked at again, enlarged and mirrored: no texture is found again, a face is."""

import os

import numpy as np
import pytest
from PIL import Image

from faceprior.photo.boxes import Detection
from faceprior.photo.opinion import LEAST, LOOKS, SURE, opinion, stands

YUNET = os.environ.get("FACEPRIOR_DETECTOR_WEIGHTS", "")
needs_yunet = pytest.mark.skipif(not YUNET, reason="FACEPRIOR_DETECTOR_WEIGHTS is not set")


def photo(turn: int = 0) -> np.ndarray:
    """Grey, with a bright block of 12x16 at (40, 30), the picture then turned clockwise."""
    rgb = np.full((90, 120, 3), 60, np.uint8)
    rgb[30:46, 40:52] = 220
    rgb[30:36, 40:52] = 140  # darker above: the block has an upright
    return np.ascontiguousarray(np.rot90(rgb, -turn))


def face(turn: int, score: float = 0.75) -> Detection:
    x, y, w, h = 40.0, 30.0, 12.0, 16.0
    height, width = 90, 120
    for _ in range(turn):
        x, y, w, h, height, width = height - y - h, x, h, w, width, height
    return Detection((x, y, w, h), score, None, turn)


class Tile:
    """Sees the bright block, upright, with a score; or nothing."""

    def __init__(self, score: float = 0.9, mirrored: float | None = None):
        self.scores, self.shapes = (score, score if mirrored is None else mirrored), []

    def __call__(self, patch):
        self.shapes.append(patch.shape)
        bright = patch[..., 0].astype(int) > 100
        ys, xs = np.nonzero(bright)
        box = (xs.min(), ys.min(), np.ptp(xs) + 1, np.ptp(ys) + 1)
        upper = patch[ys.min() : ys.min() + max(1, len(np.unique(ys)) // 4), xs.min() : xs.max() + 1].mean()
        score = self.scores[(len(self.shapes) - 1) % 2]
        upright = upper < 190  # the darker part is above
        return np.array([[*box, *[0.0] * 10, score if upright else 0.0]])


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_it_is_looked_for_where_it_was_found_and_as_it_lies(turn):
    tile = Tile(0.9)
    assert opinion(photo(turn), face(turn), tile) == pytest.approx(0.9)
    assert len(tile.shapes) == len(LOOKS) and all(h == w and h % 32 == 0 for h, w, _ in tile.shapes)
    wrong = Detection(face(turn).box, 0.75, None, (turn + 2) % 4)
    assert opinion(photo(turn), wrong, Tile(0.9)) == 0


def test_the_mean_decides_and_the_sure_are_not_asked():
    rgb = photo()
    assert stands(rgb, face(0), Tile(LEAST + 0.05)) and not stands(rgb, face(0), Tile(LEAST - 0.05))
    assert not stands(rgb, face(0), Tile(0.9, mirrored=0.3))  # found as it is, not mirrored
    nothing = Tile()
    assert stands(rgb, face(0, SURE), nothing) and nothing.shapes == []
    assert not stands(rgb, face(0), lambda patch: np.empty((0, 15)))
    elsewhere = Detection((80.0, 60.0, 12.0, 16.0), 0.75)
    assert opinion(rgb, elsewhere, lambda patch: np.array([[0, 0, 20, 20, *[0] * 10, 0.9]])) == 0


@needs_yunet
def test_a_real_face_of_each_size_stands():
    from test_turned import portrait

    from faceprior.photo.yunet import YuNet

    asked, plain = (YuNet(YUNET, threads=1, second_opinion=flag) for flag in (True, False))
    for side in (40, 60, 100, 200):
        assert len(asked(portrait(side))) == len(plain(portrait(side))) == 1


@needs_yunet
@pytest.mark.data
def test_gravel_is_no_face(data_folder):
    from faceprior.photo.yunet import YuNet

    case = data_folder.parent / "cases" / "texture-gravel.png"
    if not case.exists():
        pytest.skip("no folder of cases beside the data")
    with Image.open(case) as image:
        rgb = np.asarray(image.convert("RGB"))
    assert YuNet(YUNET, threads=1, second_opinion=False)(rgb) and not YuNet(YUNET, threads=1)(rgb)


@needs_yunet
@pytest.mark.data
def test_a_group_loses_nobody(data_folder):
    from faceprior.photo.yunet import YuNet

    with Image.open(data_folder / "photos" / "astronauts.jpg") as image:
        rgb = np.asarray(image.convert("RGB"))
    assert len(YuNet(YUNET, threads=1)(rgb)) == 23
