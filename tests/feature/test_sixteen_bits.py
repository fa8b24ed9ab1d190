"""A photo of 16 bits a channel keeps them: enlarged, with its faces, turned, in its own format, read back by OpenCV."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command import any_model, faceprior, upscale  # noqa: F401  fixtures
from crafted_images import _tiff_colours, png, saved
from PIL import ExifTags, Image, ImageCms
from test_metadata import XMP, told
from test_tint import FACES, Painter
from textures import texture
from tiffs import tiff, tiff_of, twelve_bits

from faceprior.errors import FacepriorError
from faceprior.photo import deep as deep_module
from faceprior.photo import deep_files, deep_tiff
from faceprior.photo.decode import DecodedImage, read_bytes, read_image
from faceprior.photo.deep import deepened
from faceprior.photo.deep_png import write_png
from faceprior.photo.enlarge import enlarge
from faceprior.photo.given import decoded
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.result import PhotoResult
from faceprior.photo.write import save_photo, write_photo

RAMP = Path(__file__).parents[3] / "shared" / "cases" / "ramp16.png"  # beside a checkout, where there is one
COLOUR = {1: 0, 2: 4, 3: 2, 4: 6}  # of PNG, by channels


def png16(pixels: np.ndarray, *extra: tuple[bytes, bytes]) -> bytes:
    """uint16 (H, W, channels), by hand."""
    height, width, channels = pixels.shape
    return png(width, height, 16, COLOUR[channels], pixels.astype(">u2").tobytes(), *extra)


def slopes(height: int = 60, width: int = 80) -> np.ndarray:
    """uint16 (H, W, 3): a sky, a few levels of 8 bits from end to end."""
    y, x = np.mgrid[:height, :width]
    return np.stack([9000 + 21 * x + 5 * y, 22000 + 13 * x + 7 * y, 40000 + 11 * x + 9 * y], -1).astype(np.uint16)


def scene(height: int = 72, width: int = 96, channels: int = 3, seed: int = 0) -> np.ndarray:
    """uint16 (H, W, channels): detail everywhere, and smooth noise below the levels of 8 bits."""
    levels = texture(height, width, channels, seed).astype(float)
    fine = texture(height, width, channels, seed + 1) / 255 - 0.5
    return np.rint(np.clip((levels + fine) * 257, 0, 65535)).astype(np.uint16)


def result_of(data: bytes, name: str = "a.png", faces=(), **options) -> PhotoResult:
    options = {"canvas": "lanczos", "kind": "photo", **options}
    return upscale_photo(read_bytes(data, name), Painter(), list(faces), PhotoOptions(**options))


def opened(path: Path) -> np.ndarray:
    """(H, W, channels) as OpenCV reads it, in the order RGBA."""
    cv2 = pytest.importorskip("cv2")
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]


@pytest.mark.parametrize("scale", [1, 2, 2.5, 4])
def test_slopes_have_no_steps(scale, tmp_path):
    result = result_of(png16(slopes()), scale=scale)
    save_photo(result, tmp_path / "a.png")
    pixels = opened(tmp_path / "a.png").astype(int)
    assert pixels.shape == (round(60 * scale), round(80 * scale), 3)
    for c in range(3):
        assert len(np.unique(pixels[..., c])) > 600 and len(np.unique(result.image[..., c])) < 15
        assert np.diff(pixels[..., c], axis=0).min() >= 0 and np.diff(pixels[..., c], axis=1).min() >= 0
    assert np.abs(pixels / 257 - result.image).max() <= 1
    assert result.image.dtype == np.uint8 and result.deep.dtype == np.uint16


def test_what_the_canvas_rounds_is_left_out_and_what_it_changes_is_in():
    noise, pixels = np.random.default_rng(0), slopes()

    def run(rgb: np.ndarray) -> np.ndarray:
        large = np.asarray(enlarge(rgb, 4)) + noise.integers(-1, 2, (rgb.shape[0] * 4, rgb.shape[1] * 4, 3))
        large[80:160, 100:200] += 40
        return large.astype(np.uint8)

    network = SimpleNamespace(told=lambda condition: run)
    options = PhotoOptions(canvas="network", kind="photo")
    result = upscale_photo(read_bytes(png16(pixels), "a.png"), Painter(), [], options, canvas=lambda: network)
    plain = deepened(
        enlarge(np.rint(pixels / 257).astype(np.uint8), 4), read_bytes(png16(pixels), "a.png").rgb, pixels, 4
    )
    change = (result.deep.astype(int) - plain) / 257
    assert (change[:60] == 0).all() and (change[:, 230:] == 0).all()  # no noise in the sky
    assert np.abs(change[80:160, 100:200] - 40).max() <= 1
    assert np.abs(result.deep / 257 - result.image).max() < 2


def test_a_photo_with_faces_is_that_of_8_bits_within_a_level_and_a_half():
    pixels = scene()
    result = result_of(png16(pixels), faces=FACES)
    assert len(result.restored) == 2
    apart = np.abs(result.deep / 257 - result.image)
    assert apart.max() < 3 and apart.mean() < 0.5 and (apart > 1.5).mean() < 0.002
    assert np.abs(result.image.astype(int) - np.asarray(enlarge(np.rint(pixels / 257).astype(np.uint8), 4))).max() > 8


def test_a_white_corner_is_cut_off_as_it_is_in_8_bits():
    pixels = np.full((40, 50, 3), 3000, np.uint16)
    pixels[10:25, 12:30] = 65535
    for scale in (4, 2.5):
        result = result_of(png16(pixels), scale=scale)
        assert np.abs(result.deep / 257 - result.image).max() < 2


@pytest.mark.parametrize("grey", [False, True])
def test_strips_are_what_one_piece_is(grey, monkeypatch):
    pixels = np.repeat(scene(channels=1), 3, -1) if grey else scene()
    rgb = np.rint(pixels / 257).astype(np.uint8)
    large = np.array(enlarge(rgb, 2))
    large[60:90, 70:120] //= 2
    made = [deepened(Image.fromarray(large), rgb, pixels, 2, grey=grey)]
    monkeypatch.setattr(deep_module, "PIXELS", 96 * 4 * 5)  # rows at a time: 5
    made.append(deepened(Image.fromarray(large), rgb, pixels, 2, grey=grey))
    assert (made[0] == made[1]).all() and made[0].shape == (144, 192, 3)


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return exif.tobytes()[6:]  # without Exif\0\0


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_as_the_8_bits_are(orientation, channels, tmp_path):
    data = png16(scene(40, 56, channels), (b"eXIf", exif_of(orientation)))
    picture = read_bytes(data, "a.png")
    assert picture.deep.shape == ((56, 40, 3) if orientation >= 5 else (40, 56, 3))
    assert (np.rint(picture.deep / 257).astype(np.uint8) == picture.rgb).all()
    save_photo(result_of(data, scale=1), tmp_path / "a.png")
    again = read_image(tmp_path / "a.png")  # nothing is turned twice
    assert (again.deep == picture.deep).all()


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_turned_tiff(orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture = read_bytes(saved(scene(40, 56, 1)[..., 0], "TIFF", exif=exif), "a.tif")
    assert picture.deep.shape == ((56, 40, 3) if orientation >= 5 else (40, 56, 3))
    assert (np.rint(picture.deep / 257).astype(np.uint8) == picture.rgb).all()


# What OpenCV and Pillow find in a file: of grey with alpha Pillow reads 8 bits, and OpenCV four channels.
FOUND = {
    (1, ".png"): (1, "I;16"), (2, ".png"): (4, "RGBA"), (3, ".png"): (3, "RGB"), (4, ".png"): (4, "RGBA"),
    (1, ".tif"): (1, "I;16"), (2, ".tif"): (4, "RGBA"), (3, ".tif"): (3, "RGB"), (4, ".tif"): (4, "RGBA"),
}  # fmt: skip


@pytest.mark.parametrize(("channels", "suffix"), FOUND)
def test_every_pixel_is_in_the_file(channels, suffix, tmp_path, monkeypatch):
    monkeypatch.setattr(deep_files, "STRIP", 192 * 8 * 7)  # seven rows at a time
    data, target = png16(scene(channels=channels)), tmp_path / f"a{suffix}"
    result = result_of(data, scale=2)
    assert result.mode == ("L" if channels < 3 else "RGB") and (result.alpha is not None) == (channels in (2, 4))
    save_photo(result, target)
    pixels, (found, mode) = opened(target), FOUND[channels, suffix]
    assert pixels.dtype == np.uint16 and pixels.shape[2] == found
    assert (pixels[..., :3] == result.deep[..., : min(found, 3)]).all()
    if result.alpha is not None:
        assert (pixels[..., 3] == np.asarray(result.alpha).astype(int) * 257).all()
    with Image.open(target) as image:
        assert image.mode == mode and image.size == (192, 144)
        image.load()
    if suffix == ".png":
        assert target.read_bytes()[24:26] == bytes([16, COLOUR[channels]])
    assert (read_image(target).deep == result.deep).all()


def test_the_pixels_of_any_width(tmp_path):
    rng = np.random.default_rng(0)
    for channels, mode in ((1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")):
        for height, width in ((1, 1), (1, 9), (7, 1), (5, 4)):
            pixels = rng.integers(0, 65536, (height, width, channels)).astype(np.uint16)
            file, model = io.BytesIO(), saved(Image.new(mode, (1, 1)), "PNG")
            write_png(file, model, (width, height), [pixels[:2], pixels[2:]] if height > 2 else [pixels])
            (tmp_path / "a.png").write_bytes(file.getvalue())
            found = opened(tmp_path / "a.png")
            assert ((found[..., [0, 3]] if mode == "LA" else found) == pixels).all()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_what_the_file_says_is_what_that_of_8_bits_says(suffix, tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    extra = [
        (b"iCCP", b"ICC\0\0" + zlib.compress(profile)),
        (b"pHYs", struct.pack(">IIB", 23622, 11811, 1)),
        (b"tEXt", b"Title\0Picnic"),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.encode()),
        (b"eXIf", told().tobytes()[6:]),
    ]
    result = result_of(png16(scene(), *extra), scale=2)
    save_photo(result, tmp_path / f"deep{suffix}")
    save_photo(replace(result, deep=None), tmp_path / f"eight{suffix}")
    with Image.open(tmp_path / f"deep{suffix}") as deep, Image.open(tmp_path / f"eight{suffix}") as eight:
        deep.load()
        eight.load()
        assert deep.size == eight.size and deep.info["icc_profile"] == eight.info["icc_profile"] == profile
        kept = {k: v for k, v in deep.info.items() if k != "compression"}
        assert kept == {k: v for k, v in eight.info.items() if k != "compression"}
        assert deep.info["dpi"] == pytest.approx((600, 1200), abs=0.1)
        of_pixels = {258, 273, 278, 279, 317, 339}
        for directory in (None, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            found = [dict(i.getexif() if directory is None else i.getexif().get_ifd(directory)) for i in (deep, eight)]
            for tags in found:
                for tag in of_pixels | {int(ExifTags.IFD.Exif)}:
                    tags.pop(tag, None)
            assert found[0] == found[1]
        assert deep.getexif()[ExifTags.Base.Copyright] == "(c) Example"


@pytest.mark.parametrize(("order", "deflate"), [("<", False), (">", False), ("<", True), (">", True)])
@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_in_tiff_out_by_the_command(order, deflate, channels, upscale, tmp_path):  # noqa: F811
    pixels = scene(70, 90, channels)
    extra = 2 if channels == 4 else None
    (tmp_path / "a.tif").write_bytes(_tiff_colours(pixels, order, deflate=deflate, extra=extra))
    ran = upscale("photos", tmp_path / "a.tif", "-o", tmp_path / "out")
    assert ran.status == 0, ran.err
    found = opened(tmp_path / "out" / "a.tif")
    assert found.dtype == np.uint16 and found.shape == pixels.shape  # `upscale` asks for scale 1
    assert (found[..., :3] == pixels[..., :3]).all()
    if channels == 4:
        assert np.abs(found[..., 3].astype(int) - pixels[..., 3]).max() <= 129  # 8 bits of it


def test_a_channel_apart_that_is_none_of_the_picture_is_passed_over():
    pixels = scene(channels=4)
    picture = read_bytes(tiff(pixels, 2, planes=True, tags={338: (3, [0])}), "a.tif")
    assert (picture.deep == pixels[..., :3]).all() and picture.alpha is None


@pytest.mark.parametrize("loaded", [False, True])
def test_a_negative_and_12_bits_that_pillow_has_opened(loaded):
    ramp = np.linspace(0, 4095, 40 * 30).reshape(30, 40).astype(np.uint16)
    tags = {256: (4, [40]), 257: (4, [30]), 258: (3, [12]), 259: (3, [1]), 262: (3, [1]), 277: (3, [1])}
    for data in (tiff(65535 - ramp, 0), tiff_of([twelve_bits(ramp)], tags)):
        with Image.open(io.BytesIO(data)) as image:
            if loaded:
                image.load()
            assert (decoded(image).deep == read_bytes(data, "a.tif").deep).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_other_formats_stay_at_8_bits(name, tmp_path):
    result = result_of(png16(scene()), scale=2)
    save_photo(result, tmp_path / name)
    save_photo(replace(result, deep=None), tmp_path / f"eight-{name}")
    assert (tmp_path / name).read_bytes() == (tmp_path / f"eight-{name}").read_bytes()
    with Image.open(tmp_path / name) as image:
        assert image.mode == "RGB"


def test_a_name_of_another_ending_gives_a_png_of_16_bits(tmp_path):
    data = write_photo(result_of(png16(scene()), scale=2), tmp_path, "a.bmp")
    assert data["files"]["photo"] == "a.png" and opened(tmp_path / "a.png").dtype == np.uint16


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_8_bits_stay_8_bits(suffix, tmp_path):
    result = upscale_photo(DecodedImage(texture(60, 70)), Painter(), [], PhotoOptions(canvas="lanczos", kind="photo"))
    assert result.deep is None
    save_photo(result, tmp_path / f"a{suffix}")
    assert opened(tmp_path / f"a{suffix}").dtype == np.uint8


def test_what_cannot_stay_at_16_bits_says_so():
    floats = read_bytes(saved(scene(channels=1)[..., 0].astype(np.float32) / 65535, "TIFF"), "a.tif")
    integers = read_bytes(saved(scene(channels=1)[..., 0].astype(np.int32), "TIFF"), "a.tif")
    inks = read_bytes(_tiff_colours(scene(channels=4), "<", photometric=5), "a.tif")
    for picture in (floats, integers, inks):
        assert picture.deep is None and "rounded to 8 bits" in picture.note and "\n" not in picture.note


def test_a_tiff_that_would_be_too_large_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(deep_tiff, "MOST", 5000)
    with pytest.raises(FacepriorError, match=r"a\.tif: a TIFF holds 4 GB at most; name a \.png$") as error:
        save_photo(result_of(png16(scene()), scale=2), tmp_path / "a.tif")
    assert "\n" not in str(error.value) and not list(tmp_path.iterdir())


def test_grey_is_once_in_memory():
    result = result_of(png16(scene(channels=1)), scale=2)
    assert result.mode == "L" and result.deep.shape == (144, 192, 3) and result.deep.strides[2] == 0


def test_a_photo_of_the_page_is_a_png_of_16_bits(tmp_path):
    outcome = pytest.importorskip("faceprior.web.outcome")
    files = outcome.write_files(result_of(png16(scene()), scale=2), tmp_path, "a-restored.png", {})
    assert files.photo.name == "a-restored.png" and opened(files.photo).dtype == np.uint16


@pytest.mark.skipif(not RAMP.exists(), reason="needs the shared cases")
def test_the_shared_ramp(tmp_path):
    data = RAMP.read_bytes()
    result = result_of(data, RAMP.name)
    save_photo(result, tmp_path / RAMP.name)
    before, after = opened(RAMP).astype(int), opened(tmp_path / RAMP.name).astype(int)
    assert after.shape == (4 * before.shape[0], 4 * before.shape[1], 1)
    assert len(np.unique(after)) > 1000 and np.abs(after[..., 0] / 257 - result.image[..., 0]).max() < 2
    for axis in (0, 1):
        if (np.diff(before, axis=axis) >= 0).all():
            assert (np.diff(after, axis=axis) >= 0).all()
