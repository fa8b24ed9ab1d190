"""Clips that a camera sharpened: their faces, and the frames that the network enlarges, without that."""

from types import SimpleNamespace

import numpy as np
import pytest
from clip_boxes import box
from textures import texture

import faceprior.photo.canvas as painting
import faceprior.video.restore as restoring
import faceprior.video.undone as module
from faceprior.photo.canvas import FramePainter
from faceprior.photo.options import PhotoOptions
from faceprior.photo.sharpened import Sharpening
from faceprior.photo.unsharpen import unsharpened
from faceprior.video.restore import FrameRestorer

SHAPE = (160, 200)
BY = Sharpening(1.0, 1.0)


class Keeping:
    """Keeps what it is shown, and sees the face where its box says."""

    size, any_size = 16, True

    def __init__(self):
        self.shown: list[np.ndarray] = []

    def locate(self, lr):
        return np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))

    def __call__(self, lr):
        self.shown += list(lr)
        images, maps = np.full((len(lr), 128, 128, 3), 90, np.uint8), np.ones((len(lr), 4, 64, 64), np.float32)
        return SimpleNamespace(images=images, heatmaps=maps, transforms=self.locate(lr))


@pytest.fixture
def measured(monkeypatch) -> list:
    """The frames that are measured; each seems to be sharpened by BY."""
    kept = []
    monkeypatch.setattr(module, "response_of", lambda rgb, quality=None: kept.append(rgb) or BY)
    monkeypatch.setattr(restoring, "effective_side", lambda rgb, frame: frame.side)
    return kept


@pytest.mark.parametrize("place", [(100, 80), (14, 12), (192, 150)])
def test_a_face_is_seen_without_it(measured, place):
    photo, network, plain = texture(*SHAPE), Keeping(), Keeping()
    kept = photo.copy()
    restorer = FrameRestorer(network, PhotoOptions(2, max_size=100), 2)
    restorer(photo, 0.0, {1: box(*place, 24)})
    FrameRestorer(plain, PhotoOptions(2, max_size=100, keep_sharpening=True, keep_softness=True), 2)(
        unsharpened(photo, BY), 0.0, {1: box(*place, 24)}
    )
    assert np.abs(network.shown[0].astype(int) - plain.shown[0]).max() <= 1
    assert (photo == kept).all() and len(measured) == 1


def test_it_is_measured_once_a_scene_and_only_where_there_are_faces(measured):
    restorer = FrameRestorer(Keeping(), PhotoOptions(2, max_size=100), 2)
    photo = texture(*SHAPE)
    restorer(photo, 0.0, {})
    restorer(photo, 0.0, {1: box(100, 80, 5)})  # too small to be restored
    assert not measured
    for i in range(3):
        restorer(photo, i / 25, {1: box(100, 80, 24)})
    assert len(measured) == 1
    restorer.new_scene()
    restorer(photo, 1.0, {2: box(100, 80, 24)})
    assert len(measured) == 2


@pytest.mark.parametrize("how", [{"keep_sharpening": True, "keep_softness": True}, {"consistent": True}, {"scale": 1}])
def test_where_it_stays(measured, how):
    scale = how.get("scale", 2)
    restorer = FrameRestorer(Keeping(), PhotoOptions(**{"scale": 2, "max_size": 100} | how), scale)
    restorer(texture(*SHAPE), 0.0, {1: box(100, 80, 24)})
    assert not measured


def test_frames_that_the_network_enlarges_come_without_it(monkeypatch):
    monkeypatch.setattr(painting, "sharpening_of", lambda rgb, quality=None: BY)
    given = []

    def run(rgb):
        given.append(rgb)
        return np.repeat(np.repeat(rgb, 4, 0), 4, 1)

    network, photo = SimpleNamespace(told=lambda condition: run), texture(*SHAPE)
    FramePainter(photo, 2, network)
    FramePainter(photo, 2, network, keep_sharpening=True)
    assert (given[0] == unsharpened(photo, BY)).all() and (given[1] == photo).all()
