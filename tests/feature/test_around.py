"""The canvas network around the faces alone: which tiles, how they fade into Lanczos, when they are painted."""

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import faceprior
from faceprior.errors import FacepriorError
from faceprior.face.frame import Frame
from faceprior.photo import canvas as painting
from faceprior.photo import canvas_tiles
from faceprior.photo.around import FADED, FULL, Place, tiles_around
from faceprior.photo.canvas import FacePainter, paint
from faceprior.photo.enlarge import enlarge
from faceprior.runtime.canvas import load_canvas
from faceprior.video.canvas import FrameCanvas, Raster
from faceprior.video.colour import Colour

BT709 = Colour(matrix=1, full=False, primaries=1, transfer=1, bits=8)
IDENTITY = np.array([[1.0, 0, 0], [0, 1.0, 0]])


@pytest.fixture(scope="module")
def network():
    return load_canvas(threads=1)


def kinds(rgb, scale, network, faces) -> list[np.ndarray]:
    """The photo by the network, around the faces alone, and by Lanczos."""
    made = (paint(rgb, scale, kind, lambda: network, faces=faces)[0] for kind in ("network", "faces", "lanczos"))
    return [np.asarray(picture).astype(int) for picture in made]


def distance(place: Place, scale: int, shape: tuple[int, ...]) -> np.ndarray:
    """Of each pixel of the enlarged photo from a face's middle, in sides of that."""
    rows, columns = ((np.arange(n) + 0.5) / scale - 0.5 for n in shape[:2])
    return np.hypot(rows[:, None] - place.y, columns - place.x) / place.side


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_face_is_the_network_s_and_what_is_far_is_lanczos_s(small, network, scale):
    place = Place(92.3, 80.6, 15.2)
    whole, around, plain = kinds(small, scale, network, [place])
    far = distance(place, scale, whole.shape)
    assert np.abs(around - whole)[far < FULL].max() <= 1
    np.testing.assert_array_equal(around[far > FADED], plain[far > FADED])
    low, high = np.minimum(whole, plain) - 1, np.maximum(whole, plain) + 1
    assert ((around >= low) & (around <= high)).all()  # no seam: between the two everywhere


def test_the_place_of_a_face_is_that_of_its_upright_square():
    turned = np.array([[0.0, -0.5, 0.2], [0.5, 0.0, -0.4]])
    assert np.allclose(Place.of(Frame((50.0, 60.0), (1.0, 0.0), 20.0), IDENTITY), (50, 60, 20, 1))
    assert np.allclose(Place.of(Frame((50.0, 60.0), (1.0, 0.0), 20.0), turned, 0.3), (52, 56, 10, 0.3))


numbers = st.floats(-60, 900, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.builds(Place, numbers, numbers, st.floats(0.1, 500), st.just(1.0)), max_size=12),
    st.integers(1, 800), st.integers(1, 800),
)  # fmt: skip
def test_tiles_hold_all_of_the_faces_and_are_bounded(places, height, width):
    covered = np.zeros((height, width), bool)
    for tile in tiles_around(places, height, width):
        left, top, right, bottom = tile.outer
        assert max(right - left, bottom - top) <= canvas_tiles.TILE + 2 * canvas_tiles.MARGIN
        assert 0 <= left <= tile.left < tile.right <= right <= width and 0 <= top <= tile.top < tile.bottom <= bottom
        assert bottom <= height
        covered[tile.top : tile.bottom, tile.left : tile.right] = True
    for place in places:
        assert covered[distance(place, 1, (height, width)) < FADED].all()


def test_neighbours_are_one_tile_and_strangers_are_not():
    near, far = [Place(100, 100, 20), Place(118, 100, 20)], [Place(100, 100, 20), Place(700, 500, 20)]
    assert [len(tiles_around(places, 800, 900)) for places in (near, far)] == [1, 2]
    assert tiles_around([Place(np.nan, 3, 20), Place(-500, 3, 20)], 800, 900) == []


def test_grey_stays_grey(small, network):
    grey = np.repeat(small[..., 1:2], 3, 2)
    _, around, _ = kinds(grey, 4, network, [Place(92, 80, 15)])
    assert (around == around[..., :1]).all()


def slow(monkeypatch) -> None:
    """Each look at the clock is a second later: a tile takes one, whatever the machine does."""
    clock = itertools.count()
    monkeypatch.setattr(painting.time, "perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr(canvas_tiles, "TILE", 2 * canvas_tiles.MARGIN + 30)


def test_auto_paints_the_faces_where_the_whole_would_take_too_long(small, network, monkeypatch):
    slow(monkeypatch)
    faces = [Place(92, 80, 6)]
    photo, report = paint(small, 2, "auto", lambda: network, faces=faces, patience=10.0)
    assert report.kind == "faces" and report.estimate > 10 and report.condition is not None
    assert "but for the faces and what is around them" in report.note and "--canvas network" in report.note
    np.testing.assert_array_equal(np.asarray(photo), kinds(small, 2, network, faces)[1])
    crowd = [Place(x, y, 30) for x in range(0, 250, 25) for y in range(0, 200, 25)]
    _, report = paint(small, 2, "auto", lambda: network, faces=crowd, patience=10.0)
    assert report.kind == "lanczos" and report.estimate > 10
    _, report = paint(small, 2, "auto", lambda: network, faces=(), patience=10.0)
    assert report.kind == "lanczos"


def test_without_faces_or_a_canvas(small):
    assert paint(small, 2, "faces", lambda: None)[1].kind == "lanczos"
    with pytest.raises(FacepriorError, match="--canvas faces: no canvas is packaged"):
        paint(small, 2, "faces", lambda: None, faces=[Place(50, 50, 20)])
    assert paint(small, 1, "faces", lambda: None, faces=[Place(50, 50, 20)])[1].kind == "none"


def test_faces_are_as_on_the_whole_canvas(small):
    how = {"detector": "embedded", "scale": 2, "warn": lambda text: None}
    made = {kind: faceprior.upscale(small, canvas=kind, **how) for kind in ("network", "faces")}
    assert made["faces"].canvas.kind == "faces" and made["faces"].canvas.to_dict()["condition"] is not None
    assert made["faces"].restored
    for face in made["faces"].restored:
        place = Place.of(face.frame, face.transform)
        near = distance(place, 2, (2 * small.shape[0], 2 * small.shape[1])) < 0.5
        whole, around = (np.asarray(made[kind].photo).astype(int)[near] for kind in ("network", "faces"))
        assert np.abs(whole - around).max() <= 2
    none = faceprior.upscale(small, canvas="faces", strength=0, **how)
    assert none.canvas.kind == "lanczos"


def test_frames_of_a_clip(small, network):
    painter = FacePainter(small, 2, network, 88)
    assert painter.condition[0] == pytest.approx(0.2, abs=0.05)
    plain = np.asarray(painter(small)).astype(int)
    np.testing.assert_array_equal(plain, np.asarray(enlarge(small, 2)))
    made = []
    for weight in (0.0, 0.5, 1.0):
        frame = painter(small)
        painter.around(frame, small, [Place(92, 80, 15, weight)])
        made.append(np.asarray(frame).astype(int))
    np.testing.assert_array_equal(made[0], plain)
    assert np.abs(made[1] - (made[0] + made[2]) / 2).max() <= 1.5 < np.abs(made[2] - plain).max()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_tiles_of_many_sizes_leave_no_memory_behind(network):
    """Each size once kept 2 MB for good, and a clip's faces have as many sizes as it is long."""
    run, pixels = network.told((0.0, 0.0), many_sizes=True), np.zeros((100, 100, 3), np.uint8)

    def held() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20

    for height, width in [(100, 100), (60, 90), (90, 60), (80, 80), (60, 60)]:
        run(np.ascontiguousarray(pixels[:height, :width]))
    before = held()
    for i in range(30):
        run(np.ascontiguousarray(pixels[: 60 + i, : 90 - i]))
    assert held() - before < 25


def test_frames_of_other_pixels_are_painted_alike(small, network):
    """Of a clip whose pixels are not square, or that has more than 8 bits: through its own canvas."""
    height, width = small.shape[:2]
    frame = enlarge(small, 2)
    place = Place(92, 80, 15)
    painter = FacePainter(small, 2, network)
    painter.around(frame, small, [place])
    raster = Raster(width, height, Fraction(1), BT709)
    canvas = FrameCanvas(small, raster, 2)
    painter.around(canvas, small, [place])
    assert np.abs(np.asarray(frame).astype(int) - canvas.pixels).max() <= 1
    wide = FrameCanvas(small[:, ::2], Raster(-(-width // 2), height, Fraction(2), BT709), 2)
    before = wide.pixels.copy()
    painter.around(wide, small[:, : 2 * (-(-width // 2))], [place])
    changed = np.abs(wide.pixels.astype(int) - before).max(2) > 0
    assert changed.any() and not changed[:, : int(92 - 1.3 * 15)].any()
