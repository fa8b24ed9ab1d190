"""Photos that a lens or a scanner left soft: found, and enlarged as if they were not."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceprior import upscale
from faceprior.dataset.rough import blur, jpeg, noise, sharpen
from faceprior.photo.quality import grain
from faceprior.photo.sharpened import FINE, MIDDLE, Sharpening
from faceprior.photo.softened import GRAIN, MOST, Softness, response_of
from faceprior.photo.unsharpen import unsharpened

BICUBIC = Image.Resampling.BICUBIC


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2)))


def softened(group: Image.Image, size: tuple[int, int], sigma: float) -> np.ndarray:
    """Through a lens that blurs by `sigma` of the result's pixels, then reduced."""
    soft = blur(np.asarray(group), sigma * group.width / size[0])
    return np.asarray(Image.fromarray(soft).resize(size, BICUBIC))


@pytest.fixture(scope="module")
def soft(group, small) -> np.ndarray:
    return softened(group, small.shape[1::-1], 0.7)


def test_what_was_reduced_and_nothing_else_is_left(group, small):
    assert response_of(small) is None and response_of(jpeg(small, 90), 90) is None
    for factor in (0.4, 0.7):
        assert response_of(np.asarray(group.resize([round(v * factor) for v in group.size], BICUBIC))) is None


def test_more_is_found_of_more(group, small):
    found = [response_of(softened(group, small.shape[1::-1], sigma)) for sigma in (0.5, 0.6, 0.75)]
    assert all(isinstance(one, Softness) for one in found)
    sigmas = [one.sigma for one in found]
    assert sigmas == sorted(sigmas) and abs(sigmas[0] - 0.5) < 0.15 and abs(sigmas[2] - 0.75) < 0.15


def test_what_is_sharpened_is_still_found(small):
    assert isinstance(response_of(sharpen(small, 1.2)), Sharpening)


@pytest.mark.parametrize("sigma", [0.4, 0.7, 1.0])
def test_a_gaussian_is_undone_as_one(sigma):
    waves = np.linspace(0, 0.5, 30)
    lost = lambda frequency: 2 * (np.pi * sigma * frequency) ** 2 / np.log(2)  # noqa: E731
    found = Softness(lost(FINE), lost(MIDDLE), 2.0**12)
    assert found.sigma == pytest.approx(sigma)
    assert np.log2(found.gain(waves)) == pytest.approx(-lost(waves), abs=1e-9)
    assert found.to_dict() == {"sigma": sigma}
    bounded = Softness(found.fine, found.middle, 2.0).gain(np.linspace(0, 0.71, 30))
    assert bounded.min() >= 0.5 and bounded.max() == 1


@settings(max_examples=40, deadline=None)
@given(st.floats(0.7, 5), st.floats(0, 3), st.floats(1.2, 4))
def test_no_wave_is_lowered_nor_raised_beyond_the_bound(fine, middle, most):
    gain = Softness(fine, middle, most).gain(np.linspace(0, 0.75, 60))
    assert np.isfinite(gain).all() and (gain <= 1).all() and (gain >= 1 / most - 1e-9).all()


def test_it_is_made_good(small, soft):
    found = response_of(soft)
    assert psnr(unsharpened(soft, found), small) > psnr(soft, small) + 3


def test_compressed_and_grainy_ones_are_raised_less(soft):
    by = [response_of(jpeg(soft, quality), quality).most for quality in (95, 85, 70)]
    assert MOST[0] > by[0] > by[1] > by[2] > 1
    rough = noise(soft, 4.0, np.random.default_rng(0))
    found = response_of(rough)
    assert found is None or found.most * grain(rough) <= GRAIN + 1e-6
    assert response_of(jpeg(soft, 30), 30) is None


def test_a_soft_photo_comes_out_nearer_to_the_truth(group, small, soft):
    truth = np.asarray(group.resize((small.shape[1] * 2, small.shape[0] * 2), BICUBIC))

    def made(photo: np.ndarray, **more):
        return upscale(photo, scale=2, detector="embedded", canvas="network", **more)

    good, kept, plain = made(soft), made(soft, keep_softness=True), made(small)
    assert psnr(good.image, truth) > psnr(kept.image, truth) + 1.5
    assert good.softness is not None and good.sharpening is None
    assert kept.softness is None and plain.softness is None
    (said,) = [note for note in good.notes if "soft" in note]
    assert "keep_softness" in said and not any("soft" in note for note in (*kept.notes, *plain.notes))
    assert (good.before == soft).all()


def test_where_it_stays(soft):
    boxes = [[100, 60, 20, 24]]
    for more in ({"scale": 1}, {"consistent": True}, {"keep_softness": True}):
        assert upscale(soft, boxes=boxes, **more).softness is None
    plain = upscale(soft, scale=2, canvas="lanczos", boxes=[])
    assert plain.softness is None
    assert (plain.image == np.asarray(Image.fromarray(soft).resize(plain.photo.size, Image.Resampling.LANCZOS))).all()
    assert upscale(soft, scale=2, canvas="network", boxes=[], keep_sharpening=True).softness is not None


def test_the_json_says_it(soft, tmp_path):
    result = upscale(soft, scale=2, boxes=[[100, 60, 20, 24]], canvas="network")
    result.save(tmp_path, "group.png")
    written = json.loads((tmp_path / "group.json").read_text("utf-8"))
    assert written["softness"] == {"sigma": round(result.softness.sigma, 2)} and "sharpening" not in written
