"""What kind of picture a file is by its first bytes, which kinds are read, and what is said of others."""

from typing import BinaryIO

from PIL import Image

# Formats that hold pictures of people. Left out are those that run other programs (EPS calls Ghostscript).
FORMATS = frozenset(
    {"AVIF", "BMP", "DIB", "GIF", "HEIF", "ICNS", "ICO", "JPEG", "JPEG2000", "MPO"}
    | {"PCX", "PNG", "PPM", "QOI", "SGI", "TGA", "TIFF", "WEBP"}
)

# What a search of a folder takes as an image (lower case). A file named outright may have any ending.
SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm"}
    | {".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp"}
)

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_BEGINNINGS = (
    *((start, "TIFF") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP"), (b"PF", "PFM"), (b"P7", "PAM"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"), (b"\0\0\0\x0cjP  ", "JPEG 2000"), (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
)  # fmt: skip


def formats() -> list[str]:
    Image.init()
    return sorted(FORMATS & Image.OPEN.keys())


def is_heif(stream: BinaryIO) -> bool:
    """By its first bytes, whatever it is called. AVIF is of the same family, and Pillow reads it."""
    stream.seek(0)
    head = stream.read(12)
    stream.seek(0)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def register_heif() -> None:
    """HEIC is read where the user has installed pillow-heif."""
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()


def why_not(head: bytes, heif: bool) -> str:
    """Of a file that Pillow does not know: its first 16 bytes, and whether they are HEIC's -> the reason."""
    if heif:
        return "HEIC needs pillow-heif: pip install 'faceprior[heic]'"
    if head[4:8] == b"ftyp":
        return "not an image that Pillow reads; a video's name says so: .mp4, .mov"
    kind = next((kind for start, kind in _BEGINNINGS if head.startswith(start)), None)
    if kind:
        return f"damaged image, or a kind of {kind} that Pillow does not read; save it anew, as 8-bit PNG"
    return "not an image that Pillow reads" if head else "the file is empty"
