"""How strongly a picture was compressed is found where no file says it, and not where nothing was."""

import io
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from faceprior.photo.boxes import Detection
from faceprior.photo.compressed import LEAST, compression_of, describe
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.quality import told, told_quality
from faceprior.runtime.upscaler import load

BICUBIC = Image.Resampling.BICUBIC


def kept(rgb: np.ndarray, format: str, quality: int, **more) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, format, quality=quality, **more)
    return np.asarray(Image.open(stream).convert("RGB"))


def test_of_what_nobody_compressed_nothing_is_said(group, small):
    assert compression_of(small, 0.0) == 0
    for kernel in (BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BOX):
        for factor in (0.4, 0.6):
            size = round(group.width * factor), round(group.height * factor)
            assert compression_of(np.asarray(group.resize(size, kernel)), 0.0) == 0
    assert told(small, None) == (0, 0)


def test_more_is_found_of_more(small):
    found = [compression_of(kept(small, "WEBP", quality), 0.0) for quality in (60, 25, 10)]
    assert found == sorted(found) and 0.1 < found[0] < found[2] <= 1
    assert told(kept(small, "WEBP", 60), None)[0] == pytest.approx(found[0], abs=1 / 32)


def test_faces_gain_by_it(monkeypatch):
    """The portrait at a quarter, out of a WebP file: its face, enlarged, is nearer to what it was."""
    portrait = Image.open(files("faceprior") / "assets/astronaut.jpg").convert("RGB")
    rough = kept(np.asarray(portrait.resize((80, 80), BICUBIC)), "WEBP", 40)
    face, network = Detection((26.0, 12.0, 27.0, 34.0), 1.0), load(threads=1)

    def error() -> float:
        made = upscale_photo(rough, network, [face], PhotoOptions(4, canvas="network"))
        off = np.asarray(made.photo, float) - np.asarray(portrait)
        return float(np.mean(off[48:184, 104:212] ** 2))

    found = error()
    monkeypatch.setattr("faceprior.photo.quality.compression_of", lambda rgb, file: 0.0)
    assert found < 0.9 * error()


def test_what_the_file_says_is_never_taken_back(small):
    for quality in (90, 80, 60):
        assert told(kept(small, "JPEG", quality), quality)[0] >= told_quality(quality)
        assert told(small, quality)[0] >= told_quality(quality)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    seed=st.integers(0, 99),
    spread=st.sampled_from((0, 1, 9, 90)),
)
def test_any_picture_gives_a_number(height, width, seed, spread):
    rng = np.random.default_rng(seed)
    rgb = np.clip(rng.normal(128, spread, (height, width, 3)), 0, 255).astype(np.uint8)
    found = compression_of(rgb, 0.0)
    assert 0 <= found <= 1
    assert min(height, width) >= LEAST or (found == 0 and describe(rgb, 0.0) is None)
