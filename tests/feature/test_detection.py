"""Tiles, merging and order with a detector of our own making; the embedded one; YuNet where its file is."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from faceprior.photo import tiles
from faceprior.photo.boxes import Detection, overlaps, reading_order, suppress
from faceprior.photo.hog import HogDetector, gradient_features

ASTRONAUT = Path(tiles.__file__).parents[1] / "assets" / "astronaut.jpg"
YUNET = os.environ.get("FACEPRIOR_DETECTOR_WEIGHTS")
needs_yunet = pytest.mark.skipif(not YUNET, reason="FACEPRIOR_DETECTOR_WEIGHTS names no file")


def squares(height: int, width: int, boxes: list[tuple[int, int, int]]) -> np.ndarray:
    """Black, with white squares x, y, side."""
    image = Image.new("RGB", (width, height))
    for x, y, side in boxes:
        ImageDraw.Draw(image).rectangle((x, y, x + side - 1, y + side - 1), fill=(255, 255, 255))
    return np.asarray(image)


def find_squares(tile: np.ndarray) -> np.ndarray:
    """White squares of 8 to 200 px as a detector gives them; one cut by the tile gives what is seen of it."""
    white = tile[..., 0] > 127
    rows = []
    todo = white.copy()
    while todo.any():
        y0, x0 = (int(v) for v in np.argwhere(todo)[0])
        x1 = x0 + int(np.argmin(np.append(white[y0, x0:], False)))
        y1 = y0 + int(np.argmin(np.append(white[y0:, x0], False)))
        todo[y0:y1, x0:x1] = False
        if min(x1 - x0, y1 - y0) >= 8 and max(x1 - x0, y1 - y0) <= 200:  # not what rounded corners leave
            middle = np.tile(((x0 + x1 - 1) / 2, (y0 + y1 - 1) / 2), 5)
            rows.append((x0 - 0.5, y0 - 0.5, x1 - x0, y1 - y0, *middle, min(x1 - x0, y1 - y0) / 250))
    return np.array(rows).reshape(-1, 15)


def test_each_face_is_found_once_wherever_the_tiles_are_cut():
    across = [start for start, _ in tiles.spans(1500, tiles.TILE // 2, tiles.OVERLAP // 2)]
    step = tiles.spans(1100, tiles.TILE // 2, tiles.OVERLAP // 2)[1][0]
    assert len(across) == 3
    offsets = (-60, -30, -15, 0, 15, 70)
    truth = [(across[i] + d, 40 + 50 * k, 30) for i in (1, 2) for k, d in enumerate(offsets)]
    truth += [(100, step + d, 10) for d in (-20, 5, 30)] + [(250, step - 40, 90), (650, 400, 400)]
    found = tiles.search(squares(1100, 1500, truth), find_squares, 2)
    assert len(found) == len(truth)
    for x, y, side in truth:
        near = found[np.abs(found[:, :2] - (x, y)).max(1) <= 2]
        assert len(near) == 1, (x, y, side)
        assert near[0, 2:4] == pytest.approx((side, side), abs=max(1, side / 50))
        assert near[0, 4:6] == pytest.approx((x + (side - 1) / 2, y + (side - 1) / 2), abs=1.5)


def test_spans_cover_and_overlap():
    for length, size, overlap in ((10, 20, 5), (1000, 640, 96), (2000, 640, 96), (641, 640, 96)):
        pieces = tiles.spans(length, size, overlap)
        assert pieces[0][0] == 0 and pieces[-1][1] == length
        assert all(b[0] <= a[1] - min(overlap, length) for a, b in pairwise(pieces))
        assert all(b - a <= size for a, b in pieces)
        if len(pieces) > 1:  # hardly more than they must: a pixel a piece for rounding
            assert sum(b - a for a, b in pieces) <= length + (len(pieces) - 1) * overlap + len(pieces)


def test_reducing_is_the_mean_of_blocks():
    image = np.random.default_rng(0).integers(0, 256, (1043, 22, 3), np.uint8)
    reduced = tiles.reduce(image)
    assert reduced.shape == (260, 5, 3)
    expected = image[:1040, :20].reshape(260, 4, 5, 4, 3).mean((1, 3))
    assert np.abs(reduced - expected).max() <= 0.5


def test_suppression_keeps_the_best_and_faces_within_faces():
    boxes = np.array([[0, 0, 40, 40], [2, 2, 40, 40], [0, 20, 40, 20], [15, 15, 8, 8], [100, 0, 40, 40]], float)
    assert suppress(boxes, np.array([0.9, 0.95, 0.99, 0.8, 0.7])) == [2, 3, 4]
    assert suppress(boxes, np.array([0.9, 0.95, 0.6, 0.8, 0.7])) == [1, 3, 4]
    assert suppress(np.empty((0, 4)), np.empty(0)) == []
    union, inside = overlaps(boxes[0], boxes[3:4])
    assert union == pytest.approx([64 / 1600]) and inside == pytest.approx([1.0])


def test_numbers_follow_the_rows():
    tall = [Detection((x, y, 30.0, 40.0)) for x, y in ((200, 12), (10, 100), (100, 5), (300, 20), (150, 108))]
    assert [face.box[0] for face in reading_order(tall)] == [100, 200, 300, 10, 150]
    assert reading_order([]) == []


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_a_box_on_a_turned_photo_comes_back(turn):
    photo = squares(60, 100, [(70, 10, 12)])
    row = find_squares(np.ascontiguousarray(np.rot90(photo, turn)))[0]
    row[:2] += 0.5  # a detector counts from pixel centres, `search` hands on edges
    face = tiles.turned_back(row, turn, 60, 100)
    assert face.box == pytest.approx((70, 10, 12, 12))
    assert face.points[2] == pytest.approx((75.5, 15.5))
    assert face.turn == turn


def test_gradient_features_of_an_edge():
    """A vertical step: gradients point along +x, orientation 0, in the cells of the step only."""
    image = np.zeros((80, 80), np.uint8)
    image[:, 40:] = 200
    features = gradient_features(image)
    assert features.shape == (8, 8, 31)
    assert features[4, :, 0].argmax() in (3, 4)
    assert features[4, 3, :18].argmax() == 0 and features[4, 3, 18:27].argmax() == 0
    assert (features[:, [0, 7]] == 0).all()
    assert features.min() >= 0 and features.max() <= 0.2357 * 18


def face_at(height: int) -> np.ndarray:
    """The packaged astronaut, reduced until the face's box is about `height` px high."""
    with Image.open(ASTRONAUT) as image:
        image = image.convert("RGB")
    found = HogDetector()(np.asarray(image), zoom=2)
    factor = height / found[0].box[3]
    size = (round(image.width * factor), round(image.height * factor))
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


@pytest.mark.skipif(not ASTRONAUT.exists(), reason="no example picture in this build")
def test_the_embedded_detector_finds_a_face_of_24_px():
    photo = face_at(24)
    found = HogDetector()(photo)
    assert len(found) == 1
    assert found[0].box[3] == pytest.approx(24, rel=0.25)
    turned = HogDetector(any_turn=True)(np.ascontiguousarray(np.rot90(photo, -1)))
    assert [face.turn for face in turned] == [1]


@needs_yunet
@pytest.mark.skipif(not ASTRONAUT.exists(), reason="no example picture in this build")
@pytest.mark.parametrize("height", [12, 24, 48])
def test_yunet_finds_tiny_faces_and_agrees_with_the_embedded_one(height):
    from faceprior.photo.cut import face_frame
    from faceprior.photo.yunet import YuNet

    photo = face_at(height)
    found = YuNet(YUNET, threads=1)(photo)
    assert len(found) == 1
    if height >= 24:
        ours, theirs = face_frame(found[0]), face_frame(HogDetector()(photo)[0])
        assert np.hypot(*np.subtract(ours.centre, theirs.centre)) < 0.12 * ours.side
        assert theirs.side == pytest.approx(ours.side, rel=0.2)


@needs_yunet
@pytest.mark.parametrize("size", [(200, 320), (333, 211)])
def test_yunet_is_what_opencv_runs(size):
    cv2 = pytest.importorskip("cv2")
    from faceprior.photo.yunet import YuNet

    if not ASTRONAUT.exists():
        pytest.skip("no example picture in this build")
    with Image.open(ASTRONAUT) as image:
        photo = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    ours = YuNet(YUNET, threads=1).tile(photo)
    theirs = cv2.FaceDetectorYN.create(YUNET, "", size, 0.7, 0.3, 5000).detect(photo[..., ::-1].copy())[1]
    assert len(ours) == len(theirs) > 0
    assert ours == pytest.approx(theirs[np.argsort(-theirs[:, 14])], abs=1e-2)
