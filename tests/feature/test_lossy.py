"""Files that lost detail without being JPEGs are told as one: WebP, AVIF, nearly all clips."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, features
from textures import texture

from faceprior.photo.decode import read_stream
from faceprior.photo.lossy import ALIKE, quality_alike
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.quality import told_quality

PHOTO = Image.fromarray(texture(60, 80)).convert("RGB")


def saved(format: str, picture: Image.Image = PHOTO, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


@pytest.mark.parametrize(
    ("format", "options", "expected"),
    [
        ("WEBP", {"quality": 80}, ALIKE),
        ("WEBP", {"lossless": True}, None),
        ("WEBP", {"quality": 80, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}, ALIKE),
        ("WEBP", {"lossless": True, "icc_profile": b"x" * 201}, None),
        ("WEBP", {"quality": 80, "save_all": True, "append_images": [PHOTO.rotate(90)]}, ALIKE),
        ("WEBP", {"lossless": True, "save_all": True, "append_images": [PHOTO.rotate(90)]}, None),
        ("PNG", {}, None),
        ("TIFF", {}, None),
        ("BMP", {}, None),
    ],
)
def test_which_files(format, options, expected):
    picture = read_stream(saved(format, **options))
    assert picture.quality == expected


def test_with_alpha_too():
    clear = PHOTO.copy()
    clear.putalpha(90)
    assert read_stream(saved("WEBP", clear, quality=60)).quality == ALIKE
    assert read_stream(saved("WEBP", clear, lossless=True)).quality is None


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif():
    assert read_stream(saved("AVIF", quality=60)).quality == ALIKE


def test_a_jpeg_says_its_own():
    assert read_stream(saved("JPEG", quality=60)).quality == pytest.approx(60, abs=1)


WEBP = b"RIFF\0\0\0\0WEBP"


@pytest.mark.parametrize("data", [b"", b"RIFF", WEBP, WEBP + b"ANMF\xff\xff\xff\xff", b"x" * 2000])
def test_broken_bytes_are_no_loss(data):
    stream = io.BytesIO(data)
    stream.seek(3)
    assert quality_alike(stream, "WEBP") is None
    assert stream.tell() == 3


def test_the_networks_are_told():
    given = []

    class Told:
        size, told = 16, True

        def __call__(self, lr, condition=None):
            given.append(condition)
            maps = np.ones((len(lr), 4, 64, 64), np.float32)
            transforms = np.tile(np.eye(2, 3, dtype=np.float32), (len(lr), 1, 1))
            return SimpleNamespace(
                images=np.full((len(lr), 128, 128, 3), 90, np.uint8), heatmaps=maps, transforms=transforms
            )

    options = PhotoOptions(kind="cropped", canvas="lanczos")
    for data, expected in ((saved("WEBP", quality=80), told_quality(ALIKE)), (saved("WEBP", lossless=True), 0.0)):
        given.clear()
        upscale_photo(read_stream(data), Told(), lambda rgb: [], options)
        part = min(1.0, 16 / min(PHOTO.size))  # what a reduction leaves of it
        assert given[0][0, 0] == pytest.approx(expected * part, abs=1e-6)
