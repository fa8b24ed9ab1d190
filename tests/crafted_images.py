"""Real files of every kind that a decoder meets, made here, each with what is promised of it.

`CASES`: name -> `Case`. A file is either decoded to `rgb` (and `alpha`) within `tolerance`, or refused with a reason
that matches `refused`.
"""

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms
from tiffs import tiff, tiff_of, twelve_bits

W, H = 40, 30
_X, _Y = np.meshgrid(np.arange(W), np.arange(H))
RGB = np.stack([_X * 255 // (W - 1), _Y * 255 // (H - 1), 255 - _X * 200 // (W - 1)], -1).astype(np.uint8)
GREY = RGB[..., 0]
GREY_RGB = np.repeat(GREY[..., None], 3, -1)
ALPHA = np.where(_Y < H // 2, 255, 64).astype(np.uint8)
DEEP = GREY.astype(np.uint16) * 257  # 16 bits that are GREY at 8
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Case:
    name: str  # of the file
    data: bytes
    rgb: np.ndarray | None = None
    alpha: np.ndarray | None = None
    tolerance: float = 0  # mean absolute difference, grey levels
    refused: str = ""  # a regular expression


def saved(image: Image.Image | np.ndarray, format: str, **options) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(stream, format, **options)
    return stream.getvalue()


# 3x3, black in its last row, in the order of Adam7: (0, 0); (2, 0); (0, 2), (2, 2); (1, 0); (1, 2); then row 1.
LACED_GREY = np.array([[10, 20, 30], [40, 50, 60], [0, 0, 0]], np.uint8)
LACED_3 = b"\0\x0a" + b"\0\x1e" + b"\0\0\0" + b"\0\x14" + b"\0\0" + b"\0\x28\x32\x3c"


def png(
    width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes], interlaced: bytes = b""
) -> bytes:
    """A PNG by hand. rows: the samples, without filter bytes; colour: 0 grey, 2 RGB, 3 palette, 4 LA, 6 RGBA;
    interlaced: the passes of Adam7, with filter bytes, instead of rows."""
    line = -(-max(1, width) * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] // 8)
    raw = b"".join(b"\0" + rows[i : i + line] for i in range(0, len(rows), line))
    raw = interlaced or raw
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(bool(interlaced)))
    parts = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b"")]
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def cmyk_profile() -> bytes:
    """The smallest CMYK profile there is: to Lab by a table of two points an ink, ink = 0 white, ink = 1 black."""
    corners = [[255 * (not any((i >> k) & 1 for k in range(4))), 128, 128] for i in range(16)]
    lut = struct.pack(">4s4xBBBB9i", b"mft1", 4, 3, 2, 0, *(65536 * (i % 4 == 0) for i in range(9)))
    lut += bytes(range(256)) * 4 + bytes(v for corner in corners for v in corner) + bytes(range(256)) * 3
    text = b"desc" + struct.pack(">4xI", 5) + b"test\0" + bytes(78)
    white = b"XYZ " + struct.pack(">4x3i", 63190, 65536, 54061)
    tags, blobs, offset = b"", b"", 128 + 4 + 12 * 3
    for name, blob in ((b"desc", text), (b"wtpt", white), (b"A2B0", lut)):
        blob += bytes(-len(blob) % 4)
        tags += name + struct.pack(">II", offset + len(blobs), len(blob))
        blobs += blob
    size = offset + len(blobs)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp")
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + tags + blobs


def _good() -> list[Case]:
    image, noisy = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    rgba, la = np.dstack([RGB, ALPHA]), np.dstack([GREY, ALPHA])
    deep_rgb = (RGB.astype(">u2") * 257).astype(">u2")
    fine = np.random.default_rng(1).integers(0, 65536, (H, W, 4), np.uint16)  # all of the 16 bits count
    near = np.rint(fine / 257).astype(np.uint8)
    fine_clear = np.where((fine[..., :3] == fine[2, 3, :3]).all(-1), 0, 255).astype(np.uint8)
    of_inks = np.asarray(Image.fromarray(near, "CMYK").convert("RGB"))
    palette = image.quantize(32)
    of_palette = np.asarray(palette.convert("RGB"))
    clear = np.where(np.asarray(palette) == 3, 0, 255).astype(np.uint8)
    deep_clear = np.where(np.equal(DEEP, DEEP[0, 7]), 0, 255).astype(np.uint8)
    inks = np.dstack([255 - RGB, np.zeros_like(GREY)])
    black_inks = np.dstack([np.zeros_like(RGB), 255 - GREY])
    bit = (GREY > 127).astype(np.uint8)
    cases = [
        Case("plain.png", saved(RGB, "PNG"), RGB),
        Case("plain.jpg", saved(RGB, "JPEG", quality=95), RGB, tolerance=3),
        Case("progressive.jpg", saved(RGB, "JPEG", quality=95, progressive=True), RGB, tolerance=3),
        Case("grey.jpg", saved(GREY, "JPEG", quality=95), GREY_RGB, tolerance=2),
        Case("plain.webp", saved(RGB, "WEBP", lossless=True), RGB),
        Case("plain.tiff", saved(RGB, "TIFF"), RGB),
        Case("lzw.tif", saved(RGB, "TIFF", compression="tiff_lzw"), RGB),
        Case("plain.bmp", saved(RGB, "BMP"), RGB),
        Case("plain.gif", saved(palette, "GIF"), of_palette),
        Case("plain.ppm", saved(RGB, "PPM"), RGB),
        Case("plain.tga", saved(RGB, "TGA"), RGB),
        Case("plain.pcx", saved(RGB, "PCX"), RGB),
        Case("is-a-png.jpg", saved(RGB, "PNG"), RGB, tolerance=4),
        Case("is-a-jpeg.png", saved(RGB, "JPEG", quality=95), RGB, tolerance=3),
        Case("no-ending", saved(RGB, "PNG"), RGB),
        Case("another.ending", saved(RGB, "PNG"), RGB),
        Case("one-pixel.png", saved(RGB[:1, 5:6], "PNG"), RGB[:1, 5:6]),
        Case("one-wide.png", saved(np.full((10000, 1, 3), 90, np.uint8), "PNG"), np.full((10000, 1, 3), 90)),
        Case("one-high.png", saved(np.full((1, 10000, 3), 90, np.uint8), "PNG"), np.full((1, 10000, 3), 90)),
        Case("black.png", saved(RGB * 0, "PNG"), RGB * 0),
        Case("white.png", saved(RGB * 0 + 255, "PNG"), RGB * 0 + 255),
        Case("float-1.tiff", saved(GREY.astype(np.float32) / 255, "TIFF"), GREY_RGB),
        Case("float-255.tiff", saved(GREY.astype(np.float32), "TIFF"), GREY_RGB),
        Case("float-65535.tiff", saved(DEEP.astype(np.float32), "TIFF"), GREY_RGB),
        Case("grey-16.png", saved(DEEP, "PNG"), GREY_RGB),
        Case("grey-16.tiff", saved(DEEP, "TIFF"), GREY_RGB),
        Case("grey-16-big-endian.tiff", _tiff16(">"), GREY_RGB),
        Case("grey-16-negative.tiff", tiff(65535 - DEEP, 0), GREY_RGB),
        Case("grey-16-negative-turned.tiff", tiff(65535 - DEEP[::-1, ::-1], 0, tags={274: (3, [3])}), GREY_RGB),
        Case("float-negative.tiff", tiff(1 - GREY.astype(np.float32) / 255, 0), GREY_RGB),
        Case("float-negative-big-endian.tiff", tiff(255 - GREY.astype(np.float32), 0, ">"), GREY_RGB),
        Case("grey-12.tiff", tiff_of([twelve_bits(np.rint(GREY / 255 * 4095))], {256: (4, [W]), 257: (4, [H]),
             258: (3, [12]), 259: (3, [1]), 262: (3, [1]), 277: (3, [1]), 278: (4, [H])}), GREY_RGB),
        Case("rgb-16-planes.tiff", tiff(fine[..., :3], 2, planes=True), near[..., :3]),
        Case("rgb-16-planes-big-endian.tiff", tiff(fine[..., :3], 2, ">", planes=True), near[..., :3]),
        Case("rgba-16-planes.tiff", tiff(fine, 2, planes=True, tags={338: (3, [2])}), near[..., :3], near[..., 3]),
        Case("grey-16.pgm", b"P5 40 30 65535\n" + DEEP.astype(">u2").tobytes(), GREY_RGB),
        Case("integers-32.tiff", saved(DEEP.astype(np.int32), "TIFF"), GREY_RGB),
        Case("rgb-16.png", png(W, H, 16, 2, deep_rgb.tobytes()), RGB),
        Case("rgba-16.png", png(W, H, 16, 6, _deep(rgba)), RGB, ALPHA),
        Case("grey-alpha-16.png", png(W, H, 16, 4, _deep(la)), GREY_RGB, ALPHA),
        Case("rgb-16-fine.png", png(W, H, 16, 2, fine[..., :3].astype(">u2").tobytes()), near[..., :3]),
        Case("rgba-16-fine.png", png(W, H, 16, 6, fine.astype(">u2").tobytes()), near[..., :3], near[..., 3]),
        Case("grey-alpha-16-fine.png", png(W, H, 16, 4, fine[..., :2].astype(">u2").tobytes()),
             near[..., [0, 0, 0]], near[..., 1]),
        Case("rgb-16-one-clear.png", png(W, H, 16, 2, fine[..., :3].astype(">u2").tobytes(),
             (b"tRNS", fine[2, 3, :3].astype(">u2").tobytes())), near[..., :3], fine_clear),
        Case("rgb-16.tiff", _tiff_colours(fine[..., :3], "<"), near[..., :3]),
        Case("rgb-16-big-endian.tiff", _tiff_colours(fine[..., :3], ">"), near[..., :3]),
        Case("rgba-16-deflate.tiff", _tiff_colours(fine, "<", deflate=True, extra=2), near[..., :3], near[..., 3]),
        Case("rgb-16-deflate-big-endian.tiff", _tiff_colours(fine[..., :3], ">", deflate=True), near[..., :3]),
        Case("cmyk-16.tiff", _tiff_colours(fine, "<", photometric=5), of_inks),
        Case("grey-16-one-clear.png", png(W, H, 16, 0, DEEP.astype(">u2").tobytes(), (b"tRNS",
             struct.pack(">H", DEEP[0, 7]))), GREY_RGB, deep_clear),
        Case("rgb-one-clear.png", saved(RGB, "PNG", transparency=tuple(map(int, RGB[3, 3]))), RGB,
             np.where((RGB[3, 3] == RGB).all(-1), 0, 255).astype(np.uint8)),
        Case("alpha.png", saved(rgba, "PNG"), RGB, ALPHA),
        Case("alpha.webp", saved(rgba, "WEBP", lossless=True, exact=True), RGB, ALPHA),
        Case("alpha.tiff", saved(rgba, "TIFF"), RGB, ALPHA),
        Case("grey-alpha.png", saved(la, "PNG"), GREY_RGB, ALPHA),
        Case("palette.png", saved(palette, "PNG"), of_palette),
        Case("palette-clear.png", saved(palette, "PNG", transparency=3), of_palette, clear),
        Case("palette-alphas.png", saved(palette, "PNG", transparency=bytes([255] * 3 + [0])), of_palette, clear),
        Case("palette-clear.gif", saved(palette, "GIF", transparency=3), of_palette, clear),
        Case("one-bit.png", png(W, H, 1, 0, np.packbits(bit, axis=1).tobytes()), np.dstack([bit * 255] * 3)),
        Case("two-bits-one-clear.png", png(4, 1, 2, 0, bytes([0b00011011]), (b"tRNS", b"\0\2")),
             np.repeat([[[0], [85], [170], [255]]], 3, -1), np.array([[255, 255, 0, 255]])),
        Case("four-bits-one-clear.png", png(4, 1, 4, 0, bytes([0x07, 0xCF]), (b"tRNS", b"\0\7")),
             np.repeat([[[0], [119], [204], [255]]], 3, -1), np.array([[255, 0, 255, 255]])),
        Case("cmyk.jpg", saved(Image.fromarray(inks, "CMYK"), "JPEG", quality=95), RGB, tolerance=3),
        Case("cmyk.tiff", saved(Image.fromarray(inks, "CMYK"), "TIFF"), RGB),
        Case("cmyk-profile.tiff", saved(Image.fromarray(black_inks, "CMYK"), "TIFF", icc_profile=cmyk_profile()),
             _lab_grey(), tolerance=1.5),
        Case("cmyk-wrong-profile.tiff", saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=srgb), RGB),
        Case("cmyk-broken-profile.tiff", saved(Image.fromarray(inks, "CMYK"), "TIFF", icc_profile=b"no"), RGB),
        Case("profile.png", saved(RGB, "PNG", icc_profile=srgb), RGB),
        Case("frames.gif", saved(palette, "GIF", save_all=True, append_images=[noisy.quantize(8)]), of_palette),
        Case("frames.webp", saved(image, "WEBP", save_all=True, append_images=[noisy], lossless=True), RGB),
        Case("frames.png", saved(image, "PNG", save_all=True, append_images=[noisy]), RGB),
        Case("pages.tiff", saved(image, "TIFF", save_all=True, append_images=[noisy]), RGB),
        Case("previews.mpo", saved(image, "MPO", save_all=True, append_images=[noisy], quality=95), RGB, tolerance=3),
        Case("black-below.png", saved(RGB * (_Y < H - 1)[..., None].astype(np.uint8), "PNG"),
             RGB * (_Y < H - 1)[..., None]),
        Case("interlaced.png", png(3, 3, 8, 0, b"", interlaced=LACED_3), np.repeat(LACED_GREY[..., None], 3, -1)),
        Case("wrong-checksum-of-a-resolution.png", _flipped(saved(RGB, "PNG", dpi=(99, 99)), 45), RGB),
        Case("rubbish-behind.png", saved(RGB, "PNG") + bytes(range(256)) * 99, RGB),
        Case("broken-exif.jpg", saved(RGB, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff"), RGB, tolerance=3),
    ]  # fmt: skip
    for turn, stored in enumerate(_turned(), 1):
        exif = Image.Exif()
        exif[0x0112] = turn
        cases.append(Case(f"exif-{turn}.png", saved(np.ascontiguousarray(stored), "PNG", exif=exif), RGB))
    for turn in (0, 9):
        exif = Image.Exif()
        exif[0x0112] = turn
        cases.append(Case(f"exif-{turn}.png", saved(RGB, "PNG", exif=exif), RGB))
    return cases


def _turned() -> list[np.ndarray]:
    """What a file stores whose upright picture is RGB, for EXIF orientations 1-8."""
    t = RGB.transpose(1, 0, 2)
    return [RGB, RGB[:, ::-1], RGB[::-1, ::-1], RGB[::-1], t, t[::-1], t[::-1, ::-1], t[:, ::-1]]


def _deep(values: np.ndarray) -> bytes:
    return (values.astype(">u2") * 257).astype(">u2").tobytes()


def _tiff16(order: str) -> bytes:
    """Grey, 16 bits, one strip, of either byte order."""
    tags = [(256, 4, W), (257, 4, H), (258, 3, 16), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 4, H)]
    tags.append((279, 4, 2 * W * H))
    entry = lambda tag, kind, value: struct.pack(f"{order}HHI", tag, kind, 1) + (  # noqa: E731
        struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
    )
    body = DEEP.astype(f"{order}u2").tobytes()
    head = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8 + len(body))
    return head + body + struct.pack(f"{order}H", len(tags)) + b"".join(entry(*tag) for tag in tags) + bytes(4)


def _tiff_colours(
    pixels: np.ndarray, order: str, *, deflate: bool = False, photometric: int = 2, extra: int | None = None
) -> bytes:
    """uint16 (H, W, 3 or 4), one strip, of either byte order, raw or deflated."""
    height, width, channels = pixels.shape
    body = pixels.astype(f"{order}u2").tobytes()
    body = zlib.compress(body) if deflate else body
    body += bytes(len(body) % 2)
    bits = struct.pack(f"{order}{channels}H", *[16] * channels)
    tags = [(256, 4, width), (257, 4, height), (258, 3, None), (259, 3, 8 if deflate else 1), (262, 3, photometric)]
    tags += [(273, 4, 8), (277, 3, channels), (278, 4, height), (279, 4, len(body))]
    tags += [] if extra is None else [(338, 3, extra)]
    out = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8 + len(body) + len(bits)) + body + bits
    out += struct.pack(f"{order}H", len(tags))
    for tag, kind, value in tags:
        out += struct.pack(f"{order}HHI", tag, kind, channels if value is None else 1)
        if value is None:  # the bits of each channel, elsewhere
            out += struct.pack(f"{order}I", 8 + len(body))
        else:
            out += struct.pack(f"{order}HH", value, 0) if kind == 3 else struct.pack(f"{order}I", value)
    return out + bytes(4)


def _lab_grey() -> np.ndarray:
    """What `cmyk_profile` says of black inks of 255 - GREY: lightness in proportion, as sRGB."""
    y = ((GREY / 255 * 100 + 16) / 116) ** 3
    y = np.where(GREY / 255 * 100 > 8, y, GREY / 255 * 100 / 903.3)
    srgb = np.where(y <= 0.0031308, 12.92 * y, 1.055 * y ** (1 / 2.4) - 0.055)
    return np.repeat(np.rint(srgb * 255).astype(np.uint8)[..., None], 3, -1)


def _bad() -> list[Case]:
    anything = "damaged image|not an image|too many pixels"
    cases = [
        Case("empty.jpg", b"", refused="the file is empty"),
        Case("text.jpg", b"This is no photograph.\n" * 50, refused="not an image that Pillow reads"),
        Case("page.png", b"<!doctype html><img src=x>", refused="not an image"),
        Case("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(r) file\n", refused="not an image"),
        Case("clip.jpg", b"\0\0\0\x18ftypmp42" + bytes(99), refused="not an image.*a video's name says so: .mp4"),
        Case("paper.pdf", b"%PDF-1.7\n1 0 obj\n", refused="not an image"),
        Case("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", refused="not an image"),
        Case("zeros.png", bytes(5000), refused=anything),
        Case("magic.png", b"\x89PNG\r\n\x1a\n", refused=anything),
        Case("magic.jpg", b"\xff\xd8\xff", refused=anything),
        Case("magic.tiff", b"MM\0*", refused=anything),
        Case("magic.gif", b"GIF89a", refused=anything),
        Case("magic.webp", b"RIFF\x04\0\0\0WEBP", refused=anything),
        Case("floats-of-colours.tiff", tiff(RGB.astype(np.float32), 2), refused="kind of TIFF that Pillow does not"),
        Case("raw.dng", tiff(RGB, 2, tags={254: (4, [1]), 330: (4, [8])}), refused="raw file.*40x30.*develop"),
        Case("inks-of-16-apart.tiff", tiff(np.zeros((9, 9, 4), np.uint16), 5, planes=True), refused="interleaved"),
        Case("no-size.png", png(0, 0, 8, 2, b"x"), refused=anything),
        Case("bomb.png", png(20000, 20000, 1, 0, bytes(2500 * 20000)), refused="too many pixels.*--no-pixel-limit"),
        Case("header-bomb.png", png(2**31 - 1, 2**31 - 1, 8, 6, b"x"), refused="too many pixels"),
        Case("header-bomb.ppm", b"P6 100000 100000 255\n", refused="too many pixels"),
        Case("header-bomb.gif", b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02", refused="too many"),
        Case("header-bomb.bmp", _bmp_header(40000, 40000), refused="too many pixels"),
        Case("header-bomb.tga", struct.pack("<BBB5xHHHHBB", 0, 0, 2, 0, 0, 65535, 65535, 24, 0), refused="too many"),
        Case("cut-large.png", png(9000, 9000, 8, 0, bytes(9000))[:-20], refused="damaged"),
        Case("nan.tiff", _floats(np.nan), refused="NaN or infinity"),
        Case("inf.tiff", _floats(np.inf), refused="NaN or infinity"),
        Case("minus-inf.tiff", _floats(-np.inf), refused="NaN or infinity"),
        Case("negative.tiff", _floats(-0.5), refused="from -0.5"),
        Case("too-high.tiff", _floats(1e9), refused="expected 0..1 or"),
        Case("integers-too-high.tiff", saved(np.full((4, 4), 70000, np.int32), "TIFF"), refused="70000"),
        Case("rows-missing.png", png(W, H, 8, 2, RGB[: H // 2].tobytes()), refused="rows are missing"),
        Case("rows-missing-16.png", png(W, H, 16, 6, bytes(8 * W * 3)), refused="rows are missing"),
        Case("passes-missing.png", png(3, 3, 8, 0, b"", interlaced=LACED_3[:11]), refused="rows are missing"),
        Case("wrong-checksum.png", _flipped(saved(RGB, "PNG"), 20), refused=anything),
        Case("wrong-checksums.png", _flipped(_flipped(saved(RGB, "PNG", dpi=(99, 99)), 45), 20),
             refused="damaged image, or a kind of PNG.*save it anew"),
    ]
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"):
        data = saved(NOISE, format)
        for part in (0.02, 0.3, 0.9):
            name = f"cut-at-{part:g}.{format.lower()}"
            cases.append(Case(name, data[: int(len(data) * part)], refused=anything))
    return cases


def _floats(value: float) -> bytes:
    pixels = np.full((4, 4), 0.5, np.float32)
    pixels[1, 2] = value
    return saved(pixels, "TIFF")


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _bmp_header(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def _by_name(make: Callable[[], list[Case]]) -> dict[str, Case]:
    return {case.name: case for case in make()}


GOOD, BAD = _by_name(_good), _by_name(_bad)
CASES = {**GOOD, **BAD}
