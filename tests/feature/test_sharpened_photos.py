"""Photos that a camera or a program sharpened: found, and enlarged as if nobody had."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from faceprior import upscale
from faceprior.dataset.rough import jpeg, sharpen
from faceprior.photo import unsharpen
from faceprior.photo.sharpened import AMOUNTS, FINE, MIDDLE, RADII, Sharpening, describe, fitting, sharpening_of
from faceprior.photo.unsharpen import unsharpened

BICUBIC = Image.Resampling.BICUBIC


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2)))


def test_what_nobody_sharpened_is_left(group, small):
    assert sharpening_of(small) is None
    for factor in (0.4, 0.7):
        size = round(group.width * factor), round(group.height * factor)
        assert sharpening_of(np.asarray(group.resize(size, BICUBIC))) is None
    assert sharpening_of(jpeg(small, 90), 90) is None


def test_more_is_found_of_more(small):
    found = [sharpening_of(sharpen(small, amount, 1.0)) for amount in (0.7, 1.2, 2.0)]
    amounts = [f.amount for f in found]
    assert amounts == sorted(amounts) and amounts[0] < amounts[-1]
    assert all(0.4 < a < 2.8 and 0.4 <= f.radius <= 1.6 for a, f in zip(amounts, found, strict=True))
    assert sharpening_of(jpeg(sharpen(small, 1.2, 1.0), 90), 90) is not None


def test_drawings_and_plain_or_tiny_pictures_are_left(small):
    picture = Image.new("RGB", (400, 300), (240, 240, 235))
    draw = ImageDraw.Draw(picture)
    for i in range(12):
        draw.rectangle((30 * i, 20 * i, 30 * i + 80, 20 * i + 40), outline=(20, 20, 60), fill=(200, 20 * i, 90))
        draw.text((10, 22 * i), "Letters have hard edges", (10, 10, 10))
    assert sharpening_of(np.asarray(picture)) is None
    assert describe(np.full((200, 200, 3), 128, np.uint8)) is None
    assert sharpening_of(np.ascontiguousarray(sharpen(small, 2.0)[:63, :200])) is None


@settings(max_examples=15, deadline=None)
@given(st.integers(64, 90), st.integers(64, 90), st.integers(0, 2**16), st.sampled_from((0, 1, 40, 255)))
def test_any_picture_gives_numbers(height, width, seed, spread):
    rng = np.random.default_rng(seed)
    rgb = np.clip(rng.normal(128, spread, (height, width, 3)), 0, 255).astype(np.uint8)
    seen = describe(rgb)
    assert seen is None or (seen.shape == (25,) and np.isfinite(seen).all())
    found = sharpening_of(rgb)
    assert found is None or (0 < found.amount <= AMOUNTS[-1] and RADII[0] <= found.radius <= RADII[-1])


@pytest.mark.parametrize("truth", [Sharpening(0.5, 1.0), Sharpening(2.0, 0.7), Sharpening(1.0, 1.4)])
def test_gains_are_those_of_the_sharpening_that_has_them(truth):
    found = fitting(*(float(np.log2(truth.gain(frequency))) for frequency in (FINE, MIDDLE)))
    waves = np.linspace(0, 0.5, 20)
    assert np.abs(np.log2(found.gain(waves)) - np.log2(truth.gain(waves))).max() < 0.12
    assert fitting(-0.3, -0.2).amount == 0


def test_it_is_taken_out(small):
    photo = np.clip(small, 60, 190)  # nothing is clipped by it
    for amount, radius in ((0.5, 1.0), (1.5, 0.7)):
        sharp = sharpen(photo, amount, radius)
        back = unsharpened(sharp, Sharpening(amount, radius))
        assert psnr(back, photo) > 42 > 36 > psnr(sharp, photo)


def test_strips_leave_no_seams(small, monkeypatch):
    by = Sharpening(1.5, 1.2)
    whole = unsharpened(small, by)
    monkeypatch.setattr(unsharpen, "ROWS", 31)
    assert np.abs(unsharpened(small, by).astype(int) - whole).max() <= 1
    grey = np.repeat(small[..., :1], 3, 2)
    back = unsharpened(grey, by)
    assert (back[..., 0] == back[..., 1]).all() and (back[..., 1] == back[..., 2]).all()


def test_a_sharpened_photo_comes_out_as_one_that_is_not(group, small):
    sharp = sharpen(small, 1.0, 1.0)
    truth = np.asarray(group.resize((small.shape[1] * 2, small.shape[0] * 2), BICUBIC))

    def made(photo: np.ndarray, **more):
        return upscale(photo, scale=2, detector="embedded", canvas="network", **more)

    taken, kept, plain = made(sharp), made(sharp, keep_sharpening=True), made(small)
    assert psnr(taken.image, truth) > psnr(kept.image, truth) + 2
    assert psnr(taken.image, truth) > psnr(plain.image, truth) - 3
    assert taken.sharpening is not None and kept.sharpening is None and plain.sharpening is None
    (said,) = [note for note in taken.notes if "sharpened" in note]
    assert "keep_sharpening" in said and not any("sharpened" in note for note in (*kept.notes, *plain.notes))
    assert (taken.before == sharp).all()


def test_where_it_stays(small):
    """At scale 1 all but the faces stays as it is; what is to agree with the photo's pixels does; so does Lanczos."""
    sharp, boxes = sharpen(small, 1.5, 1.0), [[100, 60, 20, 24]]
    for more in ({"scale": 1}, {"consistent": True}, {"keep_sharpening": True}):
        assert upscale(sharp, boxes=boxes, **more).sharpening is None
    plain = upscale(sharp, scale=2, canvas="lanczos", boxes=[])
    assert plain.sharpening is None
    assert (plain.image == np.asarray(Image.fromarray(sharp).resize(plain.photo.size, Image.Resampling.LANCZOS))).all()


def test_on_lanczos_only_faces_come_without_it(small):
    sharp = sharpen(small, 1.5, 1.0)
    result = upscale(sharp, scale=2, boxes=[[100, 60, 20, 24]], canvas="lanczos")
    plain = np.asarray(Image.fromarray(sharp).resize(result.photo.size, Image.Resampling.LANCZOS))
    assert (result.image[:, :100] == plain[:, :100]).all() and (result.image != plain).any()
    assert any("its faces are restored without that" in note for note in result.notes)


def test_the_json_says_what_was_taken_out(small, tmp_path):
    result = upscale(sharpen(small, 1.5, 1.0), scale=2, boxes=[[100, 60, 20, 24]], canvas="network")
    result.save(tmp_path, "group.png")
    written = json.loads((tmp_path / "group.json").read_text("utf-8"))["sharpening"]
    assert written == {"amount": round(result.sharpening.amount, 2), "radius": round(result.sharpening.radius, 2)}
