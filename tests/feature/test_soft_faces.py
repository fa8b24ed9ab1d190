"""Soft faces: cut out ones, and single ones of photos that are not; found, and restored as if they were not."""

import json

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from cut_faces import said_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reduced_faces import portrait, reduced  # noqa: F401  a fixture
from textures import texture

from faceprior import load, upscale
from faceprior.dataset.rough import blur, jpeg, noise
from faceprior.face.frame import Frame
from faceprior.photo.cutstate import CutState
from faceprior.photo.quality import grain
from faceprior.photo.said import soft_note
from faceprior.photo.softened import GRAIN, Softness, response_of
from faceprior.photo.unsharpen import FADED, FULL, unsharpened, unsharpened_at

SIZES = (40, 48)


def far(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2))


def face(portrait, size: int, sigma: float = 0.0) -> np.ndarray:  # noqa: F811
    small, where = reduced(portrait, size, sigma)
    return np.ascontiguousarray(small[where])


@pytest.mark.parametrize("size", SIZES)
def test_soft_faces_are_told_from_others(portrait, size):  # noqa: F811
    plain = face(portrait, size)
    assert CutState.of([plain], 0.0).response is None
    assert CutState.of([jpeg(plain, 92)], 8 / 60).response is None
    found = [CutState.of([face(portrait, size, sigma)], 0.0).response for sigma in (0.5, 0.7)]
    assert all(isinstance(one, Softness) for one in found)
    assert 0.35 < found[0].sigma < found[1].sigma < 0.85


def test_what_no_filter_brings_back_is_left(portrait):  # noqa: F811
    small = Image.fromarray(face(portrait, 24))
    large = CutState.of([np.asarray(small.resize((48, 48), Image.Resampling.BICUBIC))], 0.0)
    assert large.response is None and large.is_enlarged and large.enlarged == pytest.approx(1, abs=0.4)
    assert not CutState.of([face(portrait, 48, 0.7)], 0.0).is_enlarged
    soft = face(portrait, 48, 0.7)
    gains = [max(CutState.of([noise(soft, level, np.random.default_rng(0))], 0.0).gains) for level in (0.5, 3.0, 9.0)]
    assert gains == sorted(gains, reverse=True) and gains[0] > gains[2] + 0.3


@pytest.mark.parametrize("size", SIZES)
def test_a_soft_cut_face_comes_out_as_one_that_is_not(portrait, size):  # noqa: F811
    model = load()
    plain, soft = face(portrait, size), face(portrait, size, 0.6)
    wanted = model.restore(plain)
    good, kept = model.restore(soft), model.restore(soft, keep_softness=True)
    assert wanted.softness is None and kept.softness is None and good.softness.sigma > 0.3
    assert good.sharpening is None and model.restore(soft, keep_sharpening=True).softness == good.softness
    assert far(good.image, wanted.image) < 0.6 * far(kept.image, wanted.image)


def test_the_command_says_so(portrait, faceprior, tmp_path):  # noqa: F811
    assert said_of(faceprior, tmp_path, face(portrait, 48), face(portrait, 48, 0.7), "soft", "softness")["sigma"] > 0.4


@pytest.fixture(scope="module")
def out_of_focus(portrait):  # noqa: F811
    """A photo whose face alone is soft, the same where it is not, and the face's box."""
    sharp, where = reduced(portrait, 40)
    soft = reduced(portrait, 40, 0.7)[0]
    (top, left), (height, width) = (w.start for w in where), sharp.shape[:2]
    down, across = np.mgrid[:height, :width]
    near = np.hypot(down - top - 20, across - left - 20) < 50
    tiles = np.tile(sharp, (3, 3, 1))  # so large that the photo tells of itself
    picture = tiles.copy()
    picture[height : 2 * height, width : 2 * width] = np.where(near[..., None], soft, sharp)
    return picture, tiles, [width + left, height + top, 40, 40]


def test_a_face_out_of_focus_is_made_good_by_itself(out_of_focus):
    picture, sharp, box = out_of_focus
    good, kept, plain = (
        upscale(photo, boxes=[box], scale=2, keep_softness=keep)
        for photo, keep in ((picture, False), (picture, True), (sharp, False))
    )
    assert min(picture.shape[:2]) >= 200 and all(result.softness is None for result in (good, kept, plain))
    assert good.faces[0].softness.sigma > 0.4
    assert kept.faces[0].softness is None and plain.faces[0].softness is None
    left, top, side, _ = (2 * v for v in box)
    where = slice(top, top + side), slice(left, left + side)
    assert far(good.image[where], plain.image[where]) < 0.7 * far(kept.image[where], plain.image[where])
    assert any("1 face is soft" in note and "keep_softness keeps it" in note for note in good.notes)
    assert not any("soft" in note for note in (*kept.notes, *plain.notes))


def test_grain_around_it_is_not_raised_beyond_what_photos_allow(out_of_focus):
    picture, _, box = out_of_focus
    clean = upscale(picture, boxes=[box], scale=2, canvas="lanczos").faces[0].softness
    grainy = noise(picture, 1.5, np.random.default_rng(1))
    (x, y), side = (v + 20 for v in box[:2]), box[2]
    around = grainy[y - side : y + side, x - side : x + side]
    found = upscale(grainy, boxes=[box], scale=2, canvas="lanczos").faces[0].softness
    assert clean.most > 2
    assert found is None or found.most <= 1.1 * max(1.2, GRAIN / grain(around)) < clean.most


def test_a_photo_whose_face_is_in_focus_is_left(portrait):  # noqa: F811
    sharp, where = reduced(portrait, 40)
    soft = reduced(portrait, 40, 0.7)[0]
    (top, left), (height, width) = (w.start for w in where), sharp.shape[:2]
    picture = np.tile(soft, (3, 3, 1))
    box = [width + left, height + top, 40, 40]
    assert upscale(picture, boxes=[box], scale=2, canvas="lanczos").softness is not None
    picture[height + top : height + top + 40, width + left : width + left + 40] = sharp[where]
    assert isinstance(response_of(picture), Softness)
    result = upscale(picture, boxes=[box], scale=2, canvas="lanczos")
    assert result.softness is None and result.faces[0].softness is None


def test_its_file_says_so(out_of_focus, tmp_path):
    picture, _, box = out_of_focus
    result = upscale(picture, boxes=[box], scale=2, canvas="lanczos")
    result.save(tmp_path, "photo.png")
    written = json.loads((tmp_path / "photo.json").read_text("utf-8"))
    assert written["faces"][0]["softness"] == {"sigma": round(result.faces[0].softness.sigma, 2)}
    assert "softness" not in written


@settings(max_examples=40, deadline=None)
@given(st.floats(-60, 200), st.floats(-60, 200), st.floats(1, 120))
def test_only_what_is_around_a_face_changes(x, y, side):
    rgb = texture(90, 130)
    by, frame = Softness(1.5, 0.4, 3.0), Frame((x, y), (1.0, 0.0), side)
    made, whole = unsharpened_at(rgb, [(frame, by)]), unsharpened(rgb, by)
    down, across = np.mgrid[:90, :130]
    distance = np.hypot(down - y, across - x) / side
    assert (made[distance >= FADED] == rgb[distance >= FADED]).all()
    inner = np.abs(made[distance <= FULL].astype(int) - whole[distance <= FULL])
    assert inner.size == 0 or inner.max() <= 1  # strips and parts are rounded by themselves
    assert (unsharpened_at(rgb, []) == rgb).all()


def test_two_faces_are_raised_once_where_they_overlap():
    rgb = blur(np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8), 0.7)
    by, frame = Softness(1.5, 0.4, 3.0), Frame((40.0, 40.0), (1.0, 0.0), 30.0)
    assert (unsharpened_at(rgb, [(frame, by)] * 2) == unsharpened_at(rgb, [(frame, by)])).mean() > 0.8


def test_what_is_said_of_several():
    soft = [Softness(1.5, 0.4, 3.0), Softness(2.5, 0.8, 3.0)]
    assert soft_note(soft[:1]).startswith("1 face is soft (as if blurred by 0.5 pixels): restored as if it were not")
    assert soft_note(soft).startswith("2 faces are soft (as if blurred by 0.5 to 0.7 pixels): restored as if they were")
