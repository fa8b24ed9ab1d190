"""The effective resolution of faces: textures with the spectrum that faces have, and real faces."""

import io
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

import faceprior
from faceprior.face.frame import Frame
from faceprior.photo.detail import LOWEST, effective_side

BICUBIC, LANCZOS = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
ASTRONAUT = Path(faceprior.__file__).parent / "assets" / "astronaut.jpg"
PHOTO = 1.75  # photo / frame


@lru_cache(maxsize=16)
def texture(seed: int, size: int = 448) -> Image.Image:
    """Grey-brown, with the spectrum and contrast of a real face (median of CelebA), its frame size / PHOTO wide:
    energies fall with the third power of the frequency from 4 waves a frame on."""
    rng, frame = np.random.default_rng(seed), size / PHOTO
    waves = frame * np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * 23.1 * frame * np.maximum(waves, 4) ** -1.5
    y = 128 + np.fft.irfft2(spectrum, (size, size))
    return Image.fromarray(np.clip(y[..., None] + (12, 0, -12), 0, 255).round().astype(np.uint8))


def photo(seed: int, side: float, *, held: float | None = None, kernel=BICUBIC, sigma: float = 0.0) -> np.ndarray:
    """A photo whose central frame is `side` pixels wide, enlarged from one of `held`, or blurred."""
    image = texture(seed).resize((round(PHOTO * (held or side)),) * 2, BICUBIC)
    if held:
        image = image.resize((round(PHOTO * side),) * 2, kernel)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(sigma)) if sigma else image)


def middle(rgb: np.ndarray, side: float | None = None) -> Frame:
    centre = ((rgb.shape[1] - 1) / 2, (rgb.shape[0] - 1) / 2)
    return Frame(centre, (1.0, 0.0), side or rgb.shape[1] / PHOTO)


def median(make, count: int = 8, noise: float = 0.0) -> float:
    return float(np.median([effective_side(rgb, middle(rgb), noise) for rgb in map(make, range(count))]))


@pytest.mark.parametrize("side", [16, 32, 64, 100])
def test_sharp_ones_hold_what_they_have(side):
    assert median(lambda seed: photo(seed, side)) > 0.85 * side


@pytest.mark.parametrize("kernel", [BICUBIC, LANCZOS])
@pytest.mark.parametrize(("side", "held"), [(64, 21), (64, 32), (96, 32), (96, 64), (48, 16), (300, 40)])
def test_enlarged_ones_hold_what_they_had(side, held, kernel):
    assert median(lambda seed: photo(seed, side, held=held, kernel=kernel)) == pytest.approx(held, rel=0.2)


@pytest.mark.parametrize(("side", "held"), [(200, 100), (400, 160)])
def test_large_ones_enlarged_are_told_from_sharp_ones(side, held):
    assert median(lambda seed: photo(seed, side, held=held), 3) == pytest.approx(held, rel=0.35)


@pytest.mark.parametrize(("side", "sigma"), [(64, 1.5), (64, 3), (96, 2), (300, 6), (120, 6)])
def test_blurred_ones_hold_what_a_reduction_would_leave(side, sigma):
    assert median(lambda seed: photo(seed, side, sigma=sigma)) == pytest.approx(side / (2.2 * sigma), rel=0.25)


def test_the_more_it_was_enlarged_the_less_it_holds():
    found = [median(lambda seed, held=held: photo(seed, 96, held=held)) for held in (80, 56, 40, 28, 20, 14)]
    assert all(a > b for a, b in pairwise(found))


def test_noise_and_blocks_are_no_detail():
    def noisy(seed):
        rgb = photo(seed, 64, held=21)
        return np.clip(rgb + np.random.default_rng(seed).normal(0, 8, rgb.shape), 0, 255).round().astype(np.uint8)

    def blocks(seed):
        stream = io.BytesIO()
        Image.fromarray(photo(seed, 64, held=21)).save(stream, "JPEG", quality=50)
        return np.asarray(Image.open(stream))

    assert median(noisy) == pytest.approx(21, rel=0.3)
    assert median(noisy, noise=5.3) == pytest.approx(21, rel=0.3)
    assert median(blocks) == pytest.approx(21, rel=0.3)


def test_large_ones_are_not_held_for_small():
    rgb = np.asarray(texture(0, 1050))
    assert effective_side(rgb, middle(rgb)) > 500


def test_dim_ones_hold_as_much():
    def dim(seed):
        return (70 + 0.3 * (photo(seed, 64).astype(np.float32) - 128)).round().astype(np.uint8)

    assert median(dim) > 0.75 * 64


@pytest.mark.parametrize("turn", range(4))
def test_the_way_a_frame_lies_makes_no_difference(turn):
    rgb, angle = photo(3, 64, held=30), np.radians(90 * turn)
    frame = Frame(middle(rgb).centre, (float(np.cos(angle)), float(np.sin(angle))), 64.0)
    assert effective_side(rgb, frame) == effective_side(rgb, middle(rgb, 64.0))


def test_edges_are_repeated():
    rgb = photo(1, 64)[:80, :80]
    frame = Frame((60.0, 10.0), (1.0, 0.0), 64.0)
    padded = np.pad(rgb, ((50, 50), (50, 50), (0, 0)), "edge")
    moved = Frame((110.0, 60.0), (1.0, 0.0), 64.0)
    assert effective_side(rgb, frame) == effective_side(padded, moved)


@pytest.mark.parametrize("side", [3.0, 4.0, 7.9, 8.0, 33.3, 128.0, 400.0])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_grey_holds_nothing(side, level):
    rgb = np.full((90, 70, 3), level, np.uint8)
    found = effective_side(rgb, Frame((35.0, 45.0), (1.0, 0.0), side))
    # Of a handful of pixels nothing can be told: all is taken for detail.
    assert found == (LOWEST if side >= 8 else max(side, LOWEST))


def test_a_real_face():
    """The packaged astronaut: 133 px across."""
    image = Image.open(ASTRONAUT).convert("RGB")
    x, y, side = 159.643, 118.177, 133.453

    def found(wanted: float, harm=lambda image: image) -> float:
        f = wanted / side
        reduced = harm(image.resize((round(f * image.width),) * 2, BICUBIC))
        frame = Frame(((x + 0.5) * f - 0.5, (y + 0.5) * f - 0.5), (1.0, 0.0), wanted)
        return effective_side(np.asarray(reduced), frame)

    for wanted in (16, 32, 48, 64, 96):
        assert found(wanted) > 0.9 * wanted
    for half in (16, 32):
        harm = lambda image: image.resize([n // 2 for n in image.size], BICUBIC).resize(image.size, BICUBIC)  # noqa: E731
        assert found(2 * half, harm) == pytest.approx(half, rel=0.2)
    assert found(96, lambda image: image.filter(ImageFilter.GaussianBlur(2))) == pytest.approx(96 / 4.4, rel=0.25)


@pytest.mark.data
def test_real_faces(vectors):
    """The conformance faces, whose frames are large, reduced; the medians of all."""
    found = {"sharp": [], "enlarged": [], "blurred": []}
    for image, (height, width), landmarks in zip(vectors["image"], vectors["size"], vectors["landmarks"], strict=True):
        frame = Frame.from_landmarks(landmarks)
        factor = 48 / frame.side

        def sized(f, image=image[:height, :width], size=(width, height)):
            return Image.fromarray(image).resize([max(1, round(f * n)) for n in size], BICUBIC)

        reduced = sized(factor)
        centre = ((frame.centre[0] + 0.5) * factor - 0.5, (frame.centre[1] + 0.5) * factor - 0.5)
        there = Frame(centre, (1.0, 0.0), 48.0)
        found["sharp"].append(effective_side(np.asarray(reduced), there))
        found["enlarged"].append(effective_side(np.asarray(sized(factor / 2).resize(reduced.size, BICUBIC)), there))
        found["blurred"].append(effective_side(np.asarray(reduced.filter(ImageFilter.GaussianBlur(1.5))), there))
    middles = {name: np.median(values) for name, values in found.items()}
    assert middles["sharp"] > 40
    assert middles["enlarged"] == pytest.approx(24, rel=0.2)
    assert middles["blurred"] == pytest.approx(48 / 3.3, rel=0.25)
