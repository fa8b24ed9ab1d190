"""Every kind of picture a user has comes out as upright 8-bit RGB."""

import io
import struct
import zlib

import numpy as np
import PIL
import pytest
from PIL import Image, ImageCms

from faceprior import FacepriorError
from faceprior.photo.decode import DecodedImage, read_image, read_stream

# 6 x 4, so that turns show; blocks of one colour, so that JPEG keeps them.
RGB = np.array([[[250, 10, 10], [10, 250, 10], [10, 10, 250]], [[10, 10, 10], [250, 250, 250], [250, 250, 10]]])
RGB = RGB.astype(np.uint8).repeat(16, 0).repeat(16, 1)
GREY = np.linspace(0, 255, 48, dtype=np.uint8).reshape(6, 8)


def decoded(image: Image.Image, format: str = "PNG", **options) -> DecodedImage:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return read_stream(stream.getvalue(), "test")


TURNED = {  # what the stored pixels are, for each orientation tag, so that upright is RGB
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNED[orientation](RGB)))
    lossless = {"WEBP": {"lossless": True}, "JPEG": {"quality": 95, "subsampling": 0}}.get(format, {})
    rgb = decoded(stored, format, exif=exif, **lossless).rgb
    assert rgb.shape == RGB.shape
    assert np.abs(rgb.astype(int) - RGB)[8::16, 8::16].max() <= (8 if format == "JPEG" else 0)


def test_alpha_turns_with_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba = np.dstack([RGB, RGB[..., 0]])
    out = decoded(Image.fromarray(np.ascontiguousarray(np.rot90(rgba, 1))), "PNG", exif=exif)
    np.testing.assert_array_equal(out.alpha, RGB[..., 0])


# Pillow before 13 does not read the uncompressed YCbCr TIFF that it writes.
YCBCR = pytest.param("YCbCr", marks=pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="old Pillow"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", YCBCR, "LAB"])
def test_colour_modes(mode):
    grey = Image.fromarray(GREY)
    image = grey.convert("1") if mode == "1" else grey.convert("RGB")
    if mode == "P":
        image = image.quantize(256)
    elif mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(image, *profiles, outputMode="LAB")
    else:
        image = image.convert(mode)
    out = decoded(image, "TIFF")
    assert out.rgb.dtype == np.uint8
    assert out.alpha is None
    if mode == "1":
        assert set(np.unique(out.rgb)) == {0, 255}
    else:
        assert np.abs(out.rgb.astype(int) - GREY[..., None]).max() <= (4 if mode in ("LAB", "YCbCr") else 1)


@pytest.mark.parametrize(("dtype", "format"), [("<u2", "PNG"), ("<u2", "TIFF"), (">u2", "TIFF"), ("<i4", "TIFF")])
def test_sixteen_bits_are_scaled_not_clipped(dtype, format):
    out = decoded(Image.fromarray((GREY.astype(np.uint16) * 257).astype(dtype)), format)
    np.testing.assert_array_equal(out.rgb, np.repeat(GREY[..., None], 3, 2))


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floats(top):
    out = decoded(Image.fromarray(GREY.astype(np.float32) * np.float32(top / 255)), "TIFF")
    np.testing.assert_array_equal(out.rgb[..., 0], GREY)
    assert out.note == f"float pixels taken as 0..{top:g} and rounded to 8 bits"


def test_sixteen_bit_colour_png():
    """Pillow writes none, so: the bytes of a 2x1 picture, 65535 0 32896 and 0 65535 257."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    pixels = b"\0" + np.array([65535, 0, 32896, 0, 65535, 257], ">u2").tobytes()
    header = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")
    np.testing.assert_array_equal(read_stream(png).rgb, [[[255, 0, 128], [0, 255, 1]]])


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_apart(mode):
    alpha = np.tile(np.array([0, 100, 255], np.uint8), (2, 1))
    image = Image.fromarray(RGB[8::16, 8::16]).convert("L" if mode == "LA" else "RGB")
    colour = np.array(image.convert("RGB"))
    image.putalpha(Image.fromarray(alpha))
    out = decoded(image)
    np.testing.assert_array_equal(out.alpha, alpha)
    np.testing.assert_array_equal(out.rgb, colour)  # straight, also where it is transparent
    over = out.over((0, 0, 0)).astype(float)
    assert np.abs(over - colour * (alpha[..., None] / 255)).max() <= 0.51


def test_palette_transparency():
    image = Image.fromarray(RGB[8::16, 8::16]).quantize(6)
    index = int(np.array(image)[0, 0])
    for format in ("PNG", "GIF"):
        out = decoded(image, format, transparency=index)
        assert out.alpha[0, 0] == 0
        assert out.alpha.ravel()[1:].min() == 255


def test_one_transparent_colour():
    out = decoded(Image.fromarray(RGB), transparency=(250, 10, 10))
    assert (out.alpha == np.where((RGB == [250, 10, 10]).all(-1), 0, 255)).all()


def test_rgb_profile_is_handed_on_and_others_are_not():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decoded(Image.fromarray(RGB), icc_profile=profile).icc == profile
    assert decoded(Image.fromarray(GREY), icc_profile=profile).icc is None


def test_animation_gives_its_first_frame_and_says_so():
    frames = [Image.fromarray(np.full((8, 8, 3), v, np.uint8)) for v in (0, 128, 255)]
    for format, word in (("GIF", "frames"), ("WEBP", "frames"), ("TIFF", "pages")):
        out = decoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert out.rgb.max() <= 2
        assert out.note == f"first of 3 {word}"


def test_a_wrong_ending_does_not_matter(tmp_path):
    path = tmp_path / "really-a-png.jpg"
    Image.fromarray(RGB).save(path, "PNG")
    np.testing.assert_array_equal(read_image(path).rgb, RGB)


def of_chunks(*chunks: tuple[bytes, bytes, int]) -> bytes:
    """A PNG of 2x1 pixels. chunks: name, content, and what is wrong with the checksum, before the pixels."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0), 0), *chunks]
    parts += [(b"IDAT", zlib.compress(b"\0" + bytes(range(6))), 0), (b"IEND", b"", 0)]
    made = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d) ^ wrong) for k, d, wrong in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


def test_side_chunks_of_a_wrong_checksum_are_left_out():
    texts = [(b"tEXt", b"Title\0A", 0), (b"tEXt", b"Author\0B", 2), (b"tEXt", b"a\0b", 3)]
    data = of_chunks((b"gAMA", bytes(4), 1), (b"pHYs", b"cut", 1), *texts)
    found = read_stream(data, "a.png")
    assert (found.rgb.ravel() == range(6)).all() and found.metadata.texts == {"Title": "A"}
    assert found.note == "damaged parts of the file are left out: gAMA, pHYs, tEXt" and not found.metadata.colours
    for wrong in (
        of_chunks((b"PLTE", bytes(6), 1)),  # which the picture needs
        of_chunks(*[(b"tEXt", b"a\0b", 1)] * 101),
        of_chunks((b"tEXt", b"a\0b", 1))[:60],
        of_chunks((b"tEXt", b"a\0b", 1)).replace(struct.pack(">I4s", 3, b"tEXt"), struct.pack(">I4s", 2**31, b"tEXt")),
    ):
        with pytest.raises(FacepriorError, match=r"^a.png: damaged image"):
            read_stream(wrong, "a.png")
