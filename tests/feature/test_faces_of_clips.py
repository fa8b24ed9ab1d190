"""A face of a clip is seen in its own pixels, and pasted where the STN sees it in that very frame."""

from types import SimpleNamespace

import numpy as np
import pytest
from clip_boxes import box
from textures import texture

import faceprior.video.restore as module
from faceprior.photo.options import PhotoOptions
from faceprior.photo.own import MOST
from faceprior.photo.warp import upright_to_photo
from faceprior.video.restore import FrameRestorer

SHAPE = (160, 200)


class Knowing:
    """Sees in what it is shown (x / 200 and y / 160 as colours) where that lies, and the face at `x`, `y`, `side`."""

    size, any_size = 16, True

    def __init__(self):
        self.x = self.y = self.side = 0.0
        self.seen: list[int] = []

    def locate(self, lr):
        rows = []
        for one in lr.astype(float):
            n = len(one)
            step = (one[n // 2, -1, 0] - one[n // 2, 0, 0]) / (n - 1) / 255 * SHAPE[1]  # photo pixels a pixel
            x, y = one[..., 0].mean() / 255 * SHAPE[1], one[..., 1].mean() / 255 * SHAPE[0]
            half = step * n / 2
            scale = self.side / 2 / half
            rows.append([[scale, 0, (self.x - x) / half], [0, scale, (self.y - y) / half]])
        return np.array(rows, np.float32)

    def __call__(self, lr):
        self.seen.append(len(lr[0]))
        images = np.full((len(lr), 128, 128, 3), 90, np.uint8)
        maps = np.ones((len(lr), 4, 64, 64), np.float32)
        return SimpleNamespace(images=images, heatmaps=maps, transforms=self.locate(lr))


@pytest.fixture
def pasted(monkeypatch) -> list:
    kept = []

    def paste(canvas, rgb, face, scale, **options):
        kept.append(face)
        return 0, 0, 1, 1

    monkeypatch.setattr(module, "paste", paste)
    monkeypatch.setattr(module, "effective_side", lambda rgb, frame: frame.side)
    return kept


@pytest.fixture(scope="module")
def places() -> np.ndarray:
    """A photo that says at each pixel where that is."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.stack([x / SHAPE[1] * 255, y / SHAPE[0] * 255, x * 0], -1).round().astype(np.uint8)


def test_a_face_stays_where_it_is_though_its_box_wanders(places, pasted):
    network, random = Knowing(), np.random.default_rng(0)
    restorer = FrameRestorer(network, PhotoOptions(1, max_size=100), 1)
    for i in range(20):
        network.x, network.y, network.side = 90.0 + i, 80.0 + 5 * np.sin(i / 3), 24.0
        off = random.normal(0, 1.2, 2)
        restorer(places, i / 25, {1: box(network.x + off[0], network.y + off[1], 24 * np.exp(random.normal(0, 0.05)))})
        matrix = upright_to_photo(pasted[-1].frame, pasted[-1].transform)
        middle = matrix @ [63.5, 63.5, 1]
        assert np.hypot(*(middle - (network.x, network.y))) < 1.0  # of 24 pixels; the colours say no more
    assert len(pasted) == 20


def test_it_is_seen_in_its_own_pixels_and_they_stay(pasted):
    photo, network = texture(*SHAPE), Knowing()
    network.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    restorer = FrameRestorer(network, PhotoOptions(1, max_size=100), 1)
    for i, side in enumerate((20.0, 20.4, 20.7, 20.3, 22.0, 22.5, 60.0)):
        restorer(photo, i / 25, {1: box(100, 80, side)})
    assert network.seen == [20, 20, 20, 20, 22, 22, MOST]
    face = pasted[0]
    assert face.seen == 20 and face.frame.side == 20
    assert (np.array(face.frame.centre) % 1 == 0.5).all()  # whole pixels of the frame, of an even number
    assert pasted[-1].frame.side > 55  # reduced, not cut off


def test_a_blurred_face_and_a_network_of_one_size_keep_its_pixels(pasted, monkeypatch):
    photo, network, fixed = texture(*SHAPE), Knowing(), Knowing()
    fixed.any_size = False
    for one in (network, fixed):
        one.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    FrameRestorer(fixed, PhotoOptions(1, max_size=100), 1)(photo, 0.0, {1: box(100, 80, 24)})
    monkeypatch.setattr(module, "effective_side", lambda rgb, frame: frame.side / 2)
    FrameRestorer(network, PhotoOptions(1, max_size=100), 1)(photo, 0.0, {1: box(100, 80, 24)})
    assert fixed.seen == network.seen == [16] and {face.seen for face in pasted} == {16}


def test_a_face_goes_out_of_focus_and_comes_back(pasted, monkeypatch):
    """Once its detail was measured when it came in, and a face that came in blurred was never seen sharp again."""
    photo, network, larger = texture(*SHAPE), Knowing(), Knowing()
    network.larger, larger.size = larger, 32
    for one in (network, larger):
        one.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    restorer, part = FrameRestorer(network, PhotoOptions(1, max_size=100), 1), 1.0
    monkeypatch.setattr(module, "effective_side", lambda rgb, frame: part * frame.side)

    def seen(share: float, frames: int) -> list[tuple[str, int]]:
        """The network and the pixels of the last frame of so many that hold so much of its detail."""
        nonlocal part
        part = share
        for _ in range(frames):
            network.seen, larger.seen = [], []
            restorer(photo, 0.0, {1: box(100, 80, 40)})
        return [("larger" if one is larger else "smaller", n) for one in (network, larger) for n in one.seen]

    assert seen(0.45, 1) == [("smaller", 18)]
    assert seen(1.0, 2) == [("larger", 32)]  # it comes into focus: not at once, for one frame may err
    assert seen(1.0, 8) == [("larger", 40)]
    for shaken in (0.86, 0.95, 0.84, 0.99, 0.87):  # what the estimate shakes by changes nothing
        assert seen(shaken, 1) == [("larger", 40)]
    assert seen(0.7, 10) == [("larger", 32)]
    assert seen(0.45, 10) == [("smaller", 19)]  # a pixel more or less is no reason to change
    face = restorer.faces[1]
    assert face.details[0] == 18 and 39 < face.details[1] <= 40


def test_faces_of_several_sizes_in_one_frame(pasted):
    photo, network = texture(*SHAPE), Knowing()
    network.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    faces = {1: box(40, 80, 18), 2: box(90, 80, 30), 3: box(150, 80, 18.2), 4: box(60, 40, 12)}
    FrameRestorer(network, PhotoOptions(1, max_size=100), 1)(photo, 0.0, faces)
    assert sorted(network.seen) == [16, 18, 30]  # not 12: of a compressed clip they say too little
    assert sorted(face.seen for face in pasted) == [16, 18, 18, 30]


def test_of_faces_that_have_gone_nothing_large_is_kept(pasted):
    """A film has thousands of scenes, and each gives its faces new numbers."""
    photo, network = texture(*SHAPE), Knowing()
    network.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    restorer = FrameRestorer(network, PhotoOptions(1, max_size=100), 1)
    for scene in range(5):
        restorer.new_scene()
        for i in range(2):
            restorer(photo, scene + i / 25, {2 * scene + 1: box(60, 80, 20), 2 * scene + 2: box(140, 80, 24)})
    assert {n for n, face in restorer.faces.items() if face.image is not None} == {9, 10}
    assert [face.frames for face in restorer.faces.values()] == [2] * 10  # who was there is still told


def test_each_face_holds_its_own_detail(pasted, monkeypatch):
    """Not that of the largest, which is pasted last."""
    photo, network = texture(*SHAPE), Knowing()
    network.locate = lambda lr: np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
    monkeypatch.setattr(module, "effective_side", lambda rgb, frame: 0.6 * frame.side)
    FrameRestorer(network, PhotoOptions(1, max_size=100), 1)(photo, 0.0, {1: box(50, 60, 20), 2: box(140, 90, 40)})
    assert [face.detail for face in pasted] == pytest.approx([12, 24], rel=0.02)
