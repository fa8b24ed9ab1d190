"""Grey stays grey, sepia stays sepia, with a network that draws every face in loud colours."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from textures import texture

from faceprior.photo.boxes import Detection
from faceprior.photo.decode import DecodedImage, read_image
from faceprior.photo.enlarge import enlarge
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.tint import is_grey, tint_of
from faceprior.photo.write import write_photo

FACES = [Detection((10.0, 12.0, 20.0, 24.0), 0.9), Detection((50.0, 20.0, 24.0, 28.0), 0.9)]
TO_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


class Painter:
    """Every face in red, green and blue, upright."""

    def __call__(self, lr):
        n = len(lr)
        image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
        image = np.asarray(Image.fromarray(image).resize((128, 128), Image.Resampling.BICUBIC))
        return SimpleNamespace(
            images=np.repeat(image[None], n, 0),
            heatmaps=np.zeros((n, 4, 64, 64), np.float32),
            transforms=np.repeat(np.array([[[1, 0, 0], [0, 1, 0]]], np.float32), n, 0),
        )


def scene(seed: int = 0) -> np.ndarray:
    """uint8 (H, W): brightness of all kinds."""
    return texture(72, 96, 1, seed)[..., 0]


def toned(grey: np.ndarray, dark=(40, 26, 12), light=(250, 236, 205)) -> np.ndarray:
    """A print toned and yellowed: from brown to cream."""
    part = grey[..., None] / 255
    return np.rint(np.array(dark) + part * (np.array(light) - dark)).astype(np.uint8)


def chroma(rgb) -> np.ndarray:
    return np.asarray(rgb, float) @ TO_CHROMA.T


@pytest.mark.parametrize("consistent", [False, True])
def test_grey_stays_grey_to_the_last_level(consistent):
    rgb = np.repeat(scene()[..., None], 3, -1)
    result = upscale_photo(rgb, Painter(), FACES, PhotoOptions(consistent=consistent))
    assert len(result.restored) == 2 and is_grey(np.asarray(result.photo))
    assert not (np.asarray(result.photo) == np.asarray(enlarge(rgb, 4))).all()  # the faces are in it
    assert all(is_grey(face.image) for face in result.faces)


@pytest.mark.parametrize(
    ("mode", "name"), [("L", "a.png"), ("L", "a.jpg"), ("LA", "a.png"), ("I;16", "a.tif"), ("1", "a.png")]
)
def test_a_file_of_grey_gives_a_file_of_grey(mode, name, tmp_path):
    grey = Image.fromarray(scene())
    if mode == "I;16":
        grey = Image.fromarray(scene().astype(np.uint16) * 257)
    elif mode == "LA":
        grey.putalpha(200)
    elif mode == "1":
        grey = grey.convert("1")
    grey.save(tmp_path / name)
    result = upscale_photo(read_image(tmp_path / name), Painter(), FACES)
    assert result.mode == "L" and len(result.restored) == 2
    write_photo(result, tmp_path / "out", name)
    with Image.open(tmp_path / "out" / name) as image:
        assert image.mode == (mode if mode in ("LA", "I;16") else "L") and image.size == (384, 288)


def test_equal_channels_of_a_colour_file_stay_equal_and_a_colour_file(tmp_path):
    result = upscale_photo(DecodedImage(np.repeat(scene()[..., None], 3, -1)), Painter(), FACES)
    write_photo(result, tmp_path, "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGB" and is_grey(np.asarray(image))


@pytest.mark.parametrize("quality", [None, 90, 75])
def test_a_tinted_scan_keeps_its_tint(quality, tmp_path):
    """The chroma of the output lies within that of the plain enlargement."""
    rgb = toned(scene())
    if quality is not None:
        Image.fromarray(rgb).save(tmp_path / "a.jpg", quality=quality)
        rgb = read_image(tmp_path / "a.jpg").rgb
    result = upscale_photo(rgb, Painter(), FACES, PhotoOptions(canvas="lanczos"))
    assert len(result.restored) == 2
    plain, made = chroma(enlarge(rgb, 4)), chroma(result.photo)
    assert (made.min((0, 1)) >= plain.min((0, 1)) - 1).all() and (made.max((0, 1)) <= plain.max((0, 1)) + 1).all()
    assert abs(made - plain).mean() < 1  # where it was, too
    luma = np.asarray(result.photo.convert("L"), float) - np.asarray(enlarge(rgb, 4).convert("L"), float)
    assert abs(luma).max() > 8  # the faces are in it


def test_a_colour_photo_keeps_its_colours():
    coloured = np.random.default_rng(1).integers(0, 256, (9, 12, 3), np.uint8)
    rgb = np.asarray(Image.fromarray(coloured).resize((96, 72), Image.Resampling.BICUBIC))
    assert tint_of(rgb) is None
    dull = (0.75 * rgb.mean(-1, keepdims=True) + 0.25 * rgb).astype(np.uint8)  # a faded slide
    assert tint_of(dull) is None


def test_the_tint_of_a_brightness_is_the_photos_own():
    rgb = toned(scene())
    tint = tint_of(rgb)
    steps = np.arange(30, 230, 10)
    wanted = toned(steps[None].astype(np.uint8))[0]
    loud = np.clip(wanted + np.array([30, 0, -30]), 0, 255).astype(np.uint8)  # other colours, about as bright
    assert abs(chroma(tint.apply(loud)) - chroma(wanted)).max() < 3
    assert tint_of(np.full((5, 5, 3), (90, 80, 70), np.uint8)) is not None  # one colour, few pixels
