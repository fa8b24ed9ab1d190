"""Files that are no pictures: one line with the file and the reason, whatever Pillow raises."""

import io

import numpy as np
import pytest
from PIL import Image

from faceprior import FacepriorError
from faceprior.photo.decode import read_image, read_stream


def refused(path) -> str:
    with pytest.raises(FacepriorError) as error:
        read_image(path)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message


def picture(format: str) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, format)
    return stream.getvalue()


def test_missing(tmp_path):
    assert "no such file" in refused(tmp_path / "nothing.png")


def test_a_name_that_no_file_can_have(tmp_path):
    with pytest.raises(FacepriorError, match="no name that a file can have"):
        read_image(tmp_path / "a\0b.png")


def test_folder(tmp_path):
    assert "folder" in refused(tmp_path)


def test_zero_bytes(tmp_path):
    (tmp_path / "empty.jpg").touch()
    assert "empty" in refused(tmp_path / "empty.jpg")


@pytest.mark.parametrize("content", [b"hi", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"%!PS-Adobe-3.0\n", b"MM\0*"])
def test_not_an_image(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    refused(tmp_path / "x.png")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("part", [0.05, 0.5, 0.9])
def test_truncated(tmp_path, format, part):
    data = picture(format)
    (tmp_path / "cut.bin").write_bytes(data[: int(len(data) * part)])
    refused(tmp_path / "cut.bin")


def test_decompression_bomb(tmp_path, monkeypatch):
    (tmp_path / "bomb.png").write_bytes(picture("PNG"))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 64 // 2 - 1)
    assert "too many pixels" in refused(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 64 - 1)  # up to twice the limit is a large photo
    assert read_image(tmp_path / "bomb.png").rgb.shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "NaN"), (np.inf, "infinity"), (-1.0, "from -1"), (1e6, "expected 0..1 or 0..255")]
)
def test_floats_out_of_range(tmp_path, value, said):
    pixels = np.zeros((4, 4), np.float32)
    pixels[1, 2] = value
    Image.fromarray(pixels).save(tmp_path / "f.tiff")
    assert said in refused(tmp_path / "f.tiff")


def test_integers_out_of_range(tmp_path):
    Image.fromarray(np.full((4, 4), 70000, np.int32)).save(tmp_path / "i.tiff")
    assert "70000" in refused(tmp_path / "i.tiff")


def test_unreadable(tmp_path):
    import os

    path = tmp_path / "locked.png"
    path.write_bytes(picture("PNG"))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert "ermission" in refused(path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_flipped_bytes_never_raise_anything_else(format):
    data = bytearray(picture(format))
    random = np.random.default_rng(1)
    for _ in range(40):
        broken = bytearray(data)
        for at in random.integers(0, min(len(data), 400), 6):
            broken[at] = random.integers(256)
        try:
            out = read_stream(bytes(broken), "broken")
        except FacepriorError as error:
            assert "\n" not in str(error)
        else:
            assert out.rgb.dtype == np.uint8
