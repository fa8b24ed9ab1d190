"""A picture that Pillow has opened is decoded as its file is, to the pixel."""

import io

import numpy as np
import pytest
from crafted_images import GOOD
from PIL import Image, ImageCms

from faceprior.photo.decode import read_bytes
from faceprior.photo.given import decoded

GREYS = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype(np.uint16)


def same(opened, file) -> None:
    assert (opened.rgb == file.rgb).all() and opened.mode == file.mode
    assert (opened.icc, opened.alpha is None) == (file.icc, file.alpha is None)
    assert opened.alpha is None or (opened.alpha == file.alpha).all()


NOT_PILLOW = (".heic", ".heif", "wrong-checksum-of-a-resolution.png")  # what Pillow does not open by itself


@pytest.mark.parametrize("name", [name for name in GOOD if not name.endswith(NOT_PILLOW)])
def test_every_crafted_file(name):
    data = GOOD[name].data
    with Image.open(io.BytesIO(data)) as image:
        found = decoded(image)
        same(found, read_bytes(data, name))
        again = decoded(image)  # it can be read twice, and used afterwards
        same(again, found)
        image.load()
        assert np.asarray(image).size


@pytest.mark.parametrize("loaded", [False, True])
def test_sixteen_bits_are_scaled(loaded):
    stream = io.BytesIO()
    Image.fromarray(GREYS).save(stream, "PNG")
    with Image.open(stream) as image:
        if loaded:
            image.load()
        found = decoded(image)
    assert found.rgb.min() == 0 and found.rgb.max() == 255 and len(np.unique(found.rgb)) > 200 and found.mode == "L"


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
def test_orientation(loaded, format):
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.fromarray(np.arange(20 * 40 * 3, dtype=np.uint16).reshape(20, 40, 3).astype(np.uint8)).save(
        stream, format, exif=exif
    )
    with Image.open(stream) as image:
        if loaded:
            image.load()
        assert (decoded(image).rgb == read_bytes(stream.getvalue(), "x").rgb).all()
        assert decoded(image).rgb.shape == (40, 20, 3)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_profile_of_another_space_is_not_handed_on(loaded):
    """As a press profile of CMYK; Pillow makes none of those itself, so that of Lab stands for it."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    stream = io.BytesIO()
    Image.new("CMYK", (32, 24), (10, 90, 40, 20)).save(stream, "TIFF", icc_profile=lab)
    with Image.open(stream) as image:
        if loaded:
            image.load()
        found = decoded(image)
    assert found.icc is None
    same(found, read_bytes(stream.getvalue(), "x.tif"))


def test_what_was_done_to_it_counts():
    stream = io.BytesIO()
    Image.new("RGB", (30, 20), (200, 30, 30)).save(stream, "PNG")
    with Image.open(stream) as image:
        image.paste((0, 0, 255), (0, 0, 5, 5))
        assert tuple(decoded(image).rgb[0, 0]) == (0, 0, 255)
    frames = [Image.new("L", (8, 8), v) for v in (10, 200)]
    frames[0].save(stream := io.BytesIO(), "TIFF", save_all=True, append_images=frames[1:])
    with Image.open(stream) as image:
        image.seek(1)
        assert decoded(image).rgb.max() == 200
        image.seek(0)
        assert decoded(image).rgb.max() == 10


def turned_file(format: str) -> io.BytesIO:
    """40 by 20, on its side: upright 20 by 40."""
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    exif[0x013B] = "A. Nonymous"
    ramp = np.linspace(0, 255, 40 * 20 * 3).reshape(20, 40, 3).astype(np.uint8)
    Image.fromarray(ramp).save(stream, format, exif=exif)
    return stream


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_that_was_set_counts(format, loaded):
    """As programs take it out that turn pictures themselves. It was asked of the file again."""
    for orientation, turns in ((None, 0), (1, 0), (3, 2), (8, 1), (6, -1)):
        with Image.open(turned_file(format)) as image:
            if loaded:
                image.load()
            plain = np.asarray(Image.open(turned_file(format)).convert("RGB"))
            if orientation is None:
                del image.getexif()[0x0112]
            else:
                image.getexif()[0x0112] = orientation
            found = decoded(image)
            assert (found.rgb == np.rot90(plain, turns)).all(), (format, orientation)
            assert found.metadata.exif[0x013B] == "A. Nonymous"


def test_a_draft_counts():
    stream = io.BytesIO()
    Image.new("RGB", (640, 480), (200, 30, 30)).save(stream, "JPEG")
    with Image.open(stream) as image:
        image.draft("RGB", (160, 120))
        assert decoded(image).rgb.shape == (*image.size[::-1], 3) == (120, 160, 3)
    with Image.open(stream) as image:
        image.draft("L", None)
        assert decoded(image).mode == "L"


def test_a_file_that_is_as_it_was_opened_is_decoded_as_one():
    """Its quality is told, which the pixels alone do not tell, and the image is not read for it."""
    with Image.open(turned_file("JPEG")) as image:
        image.getexif()
        assert decoded(image).quality is not None and image.tile
    with Image.open(turned_file("PNG")) as image:
        decoded(image)
        assert image.tile


def test_a_closed_or_damaged_one_is_an_error_of_one_line():
    from faceprior import FacepriorError

    stream = io.BytesIO()
    Image.effect_noise((200, 200), 90).save(stream, "JPEG")
    with Image.open(io.BytesIO(stream.getvalue()[:900])) as image, pytest.raises(FacepriorError, match="damaged"):
        decoded(image)


@pytest.mark.data
@pytest.mark.parametrize("name", ["orientation6.jpg", "ramp16.png", "cmyk-profile.tif"])
def test_the_cases(name, data_folder):
    cases = data_folder.parent / "cases"
    if not cases.exists():
        pytest.skip("no folder of cases beside the data")
    with Image.open(cases / name) as image:
        same(decoded(image), decoded(cases / name))
