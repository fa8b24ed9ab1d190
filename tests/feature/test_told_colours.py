"""What a PNG or AVIF says of its colours without a profile holds of results of other formats, too, as a profile."""

import io
import json
import struct
import zlib

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from crafted_images import png
from PIL import Image, ImageCms
from random_models import small_onnx
from test_tint import Painter

from faceprior.photo.decode import read_bytes
from faceprior.photo.made_profile import profile_for, said_of_lost
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.write import save_photo, write_photo

P3, PQ, BT2020, PLAIN = bytes([12, 13, 0, 1]), bytes([9, 16, 0, 1]), bytes([9, 14, 0, 1]), bytes([1, 13, 0, 1])
LINEAR = struct.pack(">I", 100_000)
ADOBE = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
COLOURS = np.array([[[200, 90, 30], [128, 128, 128], [60, 120, 90], [255, 255, 255], [0, 0, 0]]], np.uint8)
# XYZ (D65) of linear light, from the standards: Display P3 (SMPTE EG 432-1), Adobe RGB (1998), sRGB (IEC 61966-2-1).
TO_XYZ = {
    "p3": [[0.4865709, 0.2656677, 0.1982173], [0.2289746, 0.6917385, 0.0792869], [0, 0.0451134, 1.0439444]],
    "adobe": [[0.5767309, 0.1855540, 0.1881852], [0.2973769, 0.6273491, 0.0752741], [0.0270343, 0.0706872, 0.9911085]],
    "srgb": [[0.4123908, 0.3575843, 0.1804808], [0.2126390, 0.7151687, 0.0721923], [0.0193308, 0.1191948, 0.9505322]],
}


def of_srgb(values):
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_srgb(light):
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def wanted(primaries: str, curve) -> np.ndarray:
    light = curve(COLOURS / 255) @ np.array(TO_XYZ[primaries]).T @ np.linalg.inv(TO_XYZ["srgb"]).T
    return to_srgb(light)


def as_srgb(icc: bytes, image: Image.Image) -> np.ndarray:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    return np.asarray(ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"))


@pytest.mark.parametrize(
    ("colours", "primaries", "curve"),
    [
        ({"cICP": P3}, "p3", of_srgb),
        ({"cICP": P3, "gAMA": LINEAR}, "p3", of_srgb),  # cICP goes first
        ({"cICP": bytes([1, 8, 0, 1])}, "srgb", lambda v: v),
        ({"cICP": bytes([12, 4, 0, 1])}, "p3", lambda v: v**2.2),
        ({"gAMA": LINEAR}, "srgb", lambda v: v),
        ({"gAMA": struct.pack(">I", 55_556), "cHRM": ADOBE}, "adobe", lambda v: v**1.8),
    ],
)
def test_a_profile_says_the_same(colours, primaries, curve):
    icc = profile_for(colours)
    assert np.abs(as_srgb(icc, Image.fromarray(COLOURS)) - wanted(primaries, curve)).max() <= 2
    assert said_of_lost(colours, "JPEG") is None


def test_of_grey_the_curve_alone():
    icc = profile_for({"gAMA": LINEAR, "cHRM": ADOBE}, grey=True)
    grey = Image.fromarray(COLOURS[..., 0])
    found = as_srgb(icc, grey)[..., 0]
    assert icc[16:20] == b"GRAY" and np.abs(found - to_srgb(COLOURS[..., 0] / 255)).max() <= 1
    assert profile_for({"cICP": P3}, grey=True) is None


@pytest.mark.parametrize(
    "colours",
    [
        {},
        {"cICP": PLAIN},
        {"cICP": bytes([2, 2, 0, 1])},
        {"sRGB": b"\0", "gAMA": LINEAR},
        {"gAMA": struct.pack(">I", 45455)},
        {"gAMA": bytes(4)},
        {"cHRM": ADOBE},
        {"gAMA": LINEAR, "cHRM": bytes(32)},
        {"gAMA": LINEAR, "cHRM": b"\xff" * 32},
        {"gAMA": LINEAR, "cHRM": struct.pack(">8I", *range(10, 18))},
        {"gAMA": LINEAR, "cHRM": struct.pack(">8I", *[30000] * 8)},
    ],
)
def test_what_is_srgb_or_broken_needs_none(colours):
    assert profile_for(colours) is None and said_of_lost(colours, "JPEG") is None


def photo(*chunks: tuple[bytes, bytes], depth: int = 8, colour: int = 2) -> bytes:
    samples = np.random.default_rng(0).integers(0, 256, 30 * 20 * (1 + colour) * depth // 8, np.uint8)
    return png(30, 20, depth, colour, samples.tobytes(), *chunks)


def result_of(data: bytes):
    return upscale_photo(read_bytes(data, "a.png"), Painter(), [], PhotoOptions(canvas="lanczos", kind="photo"))


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.tif"])
def test_a_result_of_another_format_has_the_profile(name, depth, tmp_path):
    result = result_of(photo((b"cICP", P3), depth=depth))
    save_photo(result, tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert image.info["icc_profile"] == profile_for({"cICP": P3})
    save_photo(result, tmp_path / "a.png")
    assert b"cICP" in (tmp_path / "a.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert "icc_profile" not in image.info


def test_a_grey_result_has_a_profile_of_grey(tmp_path):
    for name, space in (("a.jpg", b"GRAY"), ("a.webp", b"RGB ")):  # WebP has no grey
        save_photo(result_of(photo((b"gAMA", LINEAR), colour=0)), tmp_path / name)
        with Image.open(tmp_path / name) as image:
            assert image.info["icc_profile"][16:20] == space
    assert read_bytes((tmp_path / "a.jpg").read_bytes(), "a.jpg").icc is None  # and it is applied


def test_hdr_is_said_to_be_lost(tmp_path):
    result = result_of(photo((b"cICP", PQ)))
    said = write_photo(result, tmp_path, "a.jpg", sheet=False)
    note = "what its colours mean (HDR, PQ) is lost in JPEG, where they look wrong; a .png keeps it"
    assert note in said["notes"] and note in json.loads((tmp_path / "a.json").read_text())["notes"]
    assert note not in write_photo(result, tmp_path, "b.png", sheet=False)["notes"]
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    both = photo((b"cICP", PQ), (b"iCCP", b"x\0\0" + zlib.compress(srgb)))
    assert note not in write_photo(result_of(both), tmp_path, "c.jpg", sheet=False)["notes"]  # its profile is kept
    assert "cICP 9-14-0-0" in said_of_lost({"cICP": bytes([9, 14, 0, 0])}, "TIFF")
    assert profile_for({"cICP": BT2020}) and said_of_lost({"cICP": BT2020}, "TIFF") is None


def test_the_command_says_it(faceprior, tmp_path):  # noqa: F811
    (tmp_path / "a.png").write_bytes(photo((b"cICP", PQ)))
    ran = faceprior(
        "upscale", tmp_path / "a.png", "--photos", "--model", small_onnx(), "--canvas", "lanczos", "--detector",
        "embedded", "-o", tmp_path / "b.jpg",
    )  # fmt: skip
    assert ran.status == 0, ran.err
    assert "HDR, PQ" in ran.out + ran.err
