"""Any image a user has -> upright 8-bit RGB, with its alpha and colour profile kept apart; of 16 bits those, too.

What becomes of each kind of file:

* EXIF (or XMP) orientation 1-8 is applied; what comes out is upright.
* grey, palette, 1-bit, CMYK, YCbCr, Lab -> RGB. A profile that describes another space than RGB (CMYK press
  profiles, grey of any depth) is applied, to sRGB, and not handed on; an RGB profile is handed on in `icc`,
  unapplied. One that is of another kind than the pixels, or broken, is left out; of RGB that is said in `note`.
* 16-bit is scaled (65535 -> 255) and rounded, not clipped. Of PNG and TIFF (and grey PGM) in grey or RGB, with alpha
  or without, `deep` has all 16 bits, of the alpha 8; CMYK keeps 8 bits, which is said in `note`.
* grey TIFFs whose white is zero are turned into positives, those of 12 bits scaled.
* 32-bit integers and floats are taken as 0..1 (floats only), 0..255 or 0..65535, the smallest that holds them, and
  rounded to 8 bits, which is said in `note`; NaN, infinity and other ranges are refused.
* transparency of any kind (channel, palette, one transparent colour) -> `alpha`, straight, not composited.
* animations: the first picture; files of several pages: the largest page, of equal ones the first, since scanners and
  editors put thumbnails before the photo; said in `note`.
* what else the file says (EXIF, XMP, IPTC, resolution, texts) -> `metadata`, see there.
* an image that Pillow has opened is decoded as its file is (`from_pillow`).
* more pixels than Pillow's limit against decompression bombs (about 179 million; `any_number_of_pixels` lifts
  it), truncated files, files that are no image at all, pipes and devices: `FacepriorError`, one line with the
  file and the reason.
"""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..errors import FacepriorError
from .depth import eight_bits, greys_of_16, is_deep, is_grey_of_16, is_negative, name_planes, rounded, upright
from .metadata import Metadata, read_metadata
from .png import colour_chunks, has_all_rows
from .profile import RGB, grey_table, space_of
from .quality import quality_of_tables

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

MOST_PAGES = 1000  # looked at for the largest
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_BEGINNINGS = (
    *((start, "TIFF") for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"BM", "BMP"), (b"PF", "PFM"), (b"P7", "PAM"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"), (b"\0\0\0\x0cjP  ", "JPEG 2000"), (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
)  # fmt: skip
# Codes of ITU-T H.273 that are shown as sRGB: its own, BT.709, BT.601; what says nothing is 2.
_PLAIN_PRIMARIES, _PLAIN_TRANSFERS = (1, 2, 5, 6), (1, 2, 6, 13, 14, 15)
_KIND_OF_PAGE, _PAGES_BELOW = 254, 330  # tags of TIFF
FIRST, MOST_SEARCHED = 2**16, 2**26  # bytes

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedImage:
    """An upright picture.

    rgb:   uint8 (H, W, 3)
    alpha: uint8 (H, W), 0 transparent .. 255 opaque, or None where the file has no transparency
    icc:   the embedded profile where it describes `rgb`, or None (take it as sRGB)
    note:  what the user should know (a frame of an animation, a scaled depth), or None
    quality: of a JPEG file, 1..100, from its quantisation tables; None of other files
    mode:  "L" where the file holds grey alone, whatever its depth, else "RGB"
    metadata: what else the file says, or None
    deep:  uint16 (H, W, 3), what `rgb` was rounded from, of files of 16 bits a channel; else None. May be read-only
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    icc: bytes | None = None
    note: str | None = None
    quality: float | None = None
    mode: str = "RGB"
    metadata: Metadata | None = None
    deep: np.ndarray | None = None

    def over(self, background: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
        """uint8 (H, W, 3): composited over a colour; `rgb` itself where there is no alpha."""
        if self.alpha is None:
            return self.rgb
        a = self.alpha[..., None].astype(np.uint16)
        ground = np.array(background, np.uint16)
        return ((self.rgb * a + ground * (255 - a) + 127) // 255).astype(np.uint8)


class TooManyPixels(FacepriorError):
    """More than Pillow's limit: a very large picture or a decompression bomb."""


_LIFTED = "; --no-pixel-limit takes it all the same"


@contextmanager
def any_number_of_pixels(wanted: bool = True) -> Iterator[None]:
    """Within, a picture may have any number of pixels: for files that one trusts. It holds for the whole process."""
    before = Image.MAX_IMAGE_PIXELS
    if wanted:
        Image.MAX_IMAGE_PIXELS = None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def read_image(path: str | Path) -> DecodedImage:
    """Decode a file. Every failure is a FacepriorError of one line: the file and the reason."""
    path = Path(path)
    try:
        with _open(path) as file:
            return read_stream(file, str(path))
    except TooManyPixels as error:
        raise TooManyPixels(f"{error}{_LIFTED}") from None
    except FileNotFoundError:
        raise FacepriorError(f"{path}: no such file") from None
    except ValueError:  # a name with a zero byte
        raise FacepriorError(f"{path}: no name that a file can have") from None
    except IsADirectoryError:
        raise FacepriorError(f"{path}: is a folder, not an image") from None
    except OSError as error:
        raise FacepriorError(f"{path}: {error.strerror or _one_line(error)}") from None


def read_bytes(data: bytes, name: str) -> DecodedImage:
    """`read_image` for a file that is in memory already; `name`, with its ending, stands for it in errors."""
    try:
        return read_stream(data, name)
    except TooManyPixels as error:
        raise TooManyPixels(f"{error}{_LIFTED}") from None


def from_pillow(image: Image.Image, name: str = "the image") -> DecodedImage:
    """An image of Pillow's, as its file would be decoded: orientation, depth, profile. What was done to it since it was
    opened counts. `name` stands for it in errors."""
    stream = getattr(image, "fp", None)
    unread = stream is not None and bool(getattr(image, "tile", None))
    if unread and image.tell() == 0 and image.format in _formats() and stream.seekable():
        place = stream.tell()
        try:
            stream.seek(0)
            return read_stream(stream, name)
        finally:
            stream.seek(place)
    try:  # its pixels are all there is
        return _decode(image.copy(), None, name, stored=image)
    except FacepriorError:
        raise
    except Exception as error:
        raise FacepriorError(f"{name}: damaged image ({_one_line(error)})") from None


def _open(path: Path) -> BinaryIO:
    # Opening a pipe would wait for somebody to write into it; a device may have no end.
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FacepriorError(f"{path}: is a pipe or a device, not a file")
    return path.open("rb")


def read_stream(file: BinaryIO | bytes, name: str = "image", *, most: int | None = None) -> DecodedImage:
    """Decode bytes or an open file; `name` stands for it in errors. most: pixels; None: Pillow's limit."""
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    heif = _is_heif(stream)
    if heif:
        _register_heif()
    try:
        with warnings.catch_warnings():
            # Pillow warns from half its limit on; 90 to 179 million pixels are a large photo, not an attack.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=_formats()) as image:
                return _decode(image, stream, name, most)
    except FacepriorError:
        raise
    except UnidentifiedImageError:
        stream.seek(0)
        head = stream.read(16)
        reason = "not an image that Pillow reads" if head else "the file is empty"
        kind = next((kind for start, kind in _BEGINNINGS if head.startswith(start)), None)
        if kind:
            reason = f"damaged image, or a kind of {kind} that Pillow does not read; save it anew, as 8-bit PNG"
        if head[4:8] == b"ftyp" and not heif:
            reason = "not an image that Pillow reads; a video's name says so: .mp4, .mov"
        if heif:
            reason = "HEIC needs pillow-heif: pip install 'faceprior[heic]'"
        raise FacepriorError(f"{name}: {reason}") from None
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"{name}: too many pixels ({_one_line(error).rstrip('.')})") from None
    except MemoryError:
        raise FacepriorError(f"{name}: not enough memory to decode it") from None
    except Exception as error:
        # Decoders of twenty formats raise anything on broken bytes: OSError, SyntaxError, struct.error, ...
        raise FacepriorError(f"{name}: damaged image ({_one_line(error)})") from None


def _decode(
    image: Image.Image,
    stream: BinaryIO | None,
    name: str,
    most: int | None = None,
    stored: Image.Image | None = None,
) -> DecodedImage:
    """stream: what the image was opened from, at any place; None where there is none any more; stored: the opened image
    whose pixels `image` has, where it is another."""
    notes = []
    frames = getattr(image, "n_frames", 1) if stream is not None else 1
    page = _largest_page(image) if frames > 1 and image.format == "TIFF" else 0
    # Pillow looks at the first page alone.
    most = most or (2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else None)
    if most is not None and image.width * image.height > most:
        pixels = image.width * image.height
        raise TooManyPixels(f"{name}: too many pixels ({pixels} pixels, more than {most})")
    if image.format == "TIFF" and _is_preview(image):
        size = f"{image.width}x{image.height}"
        raise FacepriorError(f"{name}: a camera's raw file, of which only a preview ({size}) is read; develop it")
    if page:
        notes.append(f"page {page + 1} of {frames}, the largest")
    elif frames > 1 and image.format != "MPO":  # MPO: a photo and its previews, as phones write it
        notes.append(f"first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}")
    name_planes(image, name)
    halves = rounded(image, stream, _formats(), page, name) if stream is not None and is_deep(image) else None
    _scale_clear(image)
    # Before load(): TIFF turns the picture then and drops the tag, for a photo's size in dots an inch both are wanted.
    before = _orientation(image)
    image.load()
    # Only what may be missing is looked for: that takes as long as decoding.
    if stream is not None and image.format == "PNG" and not np.asarray(image)[-1].any() and not has_all_rows(stream):
        raise FacepriorError(f"{name}: damaged image (rows are missing)")
    # Asked after load(): some plugins (TIFF) turn the picture themselves and then drop the tag.
    orientation = _orientation(image)
    turn = _TURNS.get(orientation)
    icc = image.info.get("icc_profile") or None
    metadata = read_metadata(image, before, _announcing(stream, image.format))
    if stream is not None:
        metadata = replace(metadata, colours=_colours(stream, image.format, icc is not None))
    if metadata.gain_map:
        notes.append("its gain map (HDR) is left out: it fits the old pixels alone")
    shallow = halves.shallow if halves else image
    if icc is not None and shallow.mode in _OF_RGB and (space := space_of(icc)) != RGB:
        notes.append(f"its colour profile, {f'of {space} and not of RGB' if space else 'broken'}, is left out")
        icc = None
    grey = shallow.mode in _OF_GREY or _is_deep_grey(shallow)
    table = grey_table(icc) if grey else None
    levels = halves.deep if halves else None
    if _is_deep_grey(shallow):
        levels, alpha, note = _levels(image, name, stored or image)
        rgb, icc = Image.fromarray(eight_bits(levels)).convert("RGB"), None
    else:
        rgb, alpha, icc, note = _to_rgb(shallow, icc)
    if table is not None:
        rgb, levels = _by_table(rgb, levels, table)
    deep = levels if halves or is_grey_of_16(image) else None
    if halves and halves.alpha is not None:
        alpha = halves.alpha
    if halves and deep is None:
        note = "16-bit inks rounded to 8 bits"
    if note:
        notes.append(note)
    if turn is not None:
        rgb = rgb.transpose(turn)
        alpha = alpha.transpose(turn) if alpha is not None else None
    return DecodedImage(
        np.array(rgb), None if alpha is None else np.array(alpha), icc, "; ".join(notes) if notes else None,
        quality_of_tables(getattr(image, "quantization", None)), "L" if grey else "RGB", metadata,
        None if deep is None else upright(deep, orientation),
    )  # fmt: skip


def _largest_page(image: Image.Image) -> int:
    """Seeks to the page of most pixels, the first of equal ones, and returns its number from 0."""
    areas = []
    for page in range(min(image.n_frames, MOST_PAGES)):  # type: ignore[attr-defined]
        image.seek(page)
        areas.append(image.width * image.height)
    best = areas.index(max(areas))
    image.seek(best)
    return best


def _scale_clear(image: Image.Image) -> None:
    """The transparent grey of a PNG of 2 or 4 bits as Pillow scales the pixels, which it forgets. Not loaded yet."""
    clear, factor = image.info.get("transparency"), {"L;2": 85, "L;4": 17}
    args = image.tile[0][3] if getattr(image, "tile", None) else None
    mode = args if isinstance(args, str) else args[0] if args else None
    if image.format == "PNG" and type(clear) is int and mode in factor:
        image.info["transparency"] = clear * factor[mode]


def _is_preview(image: Image.Image) -> bool:
    """Whether a TIFF's largest page calls itself a reduced one of pages that lie below it: DNG, NEF, ARW."""
    tags = image.tag_v2  # type: ignore[attr-defined]
    kind = tags.get(_KIND_OF_PAGE, 0)
    return isinstance(kind, int) and bool(kind & 1) and _PAGES_BELOW in tags


def _is_heif(stream: BinaryIO) -> bool:
    """By its first bytes, whatever it is called. AVIF is of the same family, and Pillow reads it."""
    stream.seek(0)
    head = stream.read(12)
    stream.seek(0)
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def _announcing(stream: BinaryIO | None, format: str | None) -> bytes:
    """The part of a file in which gain maps are announced: its beginning, or all of one that holds several pictures."""
    if stream is None:
        return b""
    stream.seek(0)
    return stream.read(MOST_SEARCHED if format in ("MPO", "HEIF", "AVIF") else FIRST)


def _colours(stream: BinaryIO, format: str | None, profile: bool) -> dict[str, bytes]:
    """As `Metadata` keeps it. A profile goes before all but cICP."""
    if format == "PNG":
        return {name: data for name, data in colour_chunks(stream).items() if not profile or name == "cICP"}
    if profile or format not in ("AVIF", "HEIF"):
        return {}
    stream.seek(0)
    head = stream.read(FIRST)
    at = head.find(b"colrnclx") + 8
    if at < 8 or len(head) < at + 4:
        return {}
    primaries, transfer = head[at + 1], head[at + 3]
    plain = primaries in _PLAIN_PRIMARIES and transfer in _PLAIN_TRANSFERS
    return {} if plain or primaries == 2 or transfer == 2 else {"cICP": bytes([primaries, transfer, 0, 1])}


# Pillow's modes that hold RGB by themselves, and greys of 8 bits.
_OF_RGB, _OF_GREY = ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr"), ("1", "L", "LA", "La")
Converted = tuple[Image.Image, Image.Image | None, bytes | None, str | None]


def _to_rgb(image: Image.Image, icc: bytes | None) -> Converted:
    """Any mode of 8 bits -> RGB image, L alpha or None, the profile that still holds, a note or None. Of greys the
    profile is not applied."""
    mode = image.mode
    kept = icc if mode in _OF_RGB else None
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        if mode == "La":
            image = image.convert("LA")
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A"), kept, None
    if icc is not None and kept is None and mode not in _OF_GREY:
        managed = _managed(image, icc)
        if managed is not None:
            return managed, None, None, None
    return image.convert("RGB"), None, kept, None


def _is_deep_grey(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _levels(image: Image.Image, name: str, stored: Image.Image) -> tuple[np.ndarray, Image.Image | None, str | None]:
    """Grey of 16 or 32 bits or floats -> uint16 (H, W), L alpha or None, a note where the range was guessed.

    stored: what says how the values lie in the file
    """
    note = None
    if is_grey_of_16(image):
        levels = greys_of_16(image, stored)
    else:
        levels, note = _sixteen_bits(np.asarray(image), name)
    if is_negative(stored):
        levels = 65535 - levels
    clear = image.info.get("transparency")  # one grey value, in 16-bit PNG
    if type(clear) is not int:
        return levels, None, note
    return levels, Image.fromarray(np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)), note


def _sixteen_bits(values: np.ndarray, name: str) -> tuple[np.ndarray, str]:
    """Integers of 32 bits or floats (H, W) -> uint16 (H, W), and how they were taken."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise FacepriorError(f"{name}: NaN or infinity in the pixels")
        tops = (1.0, 255.0, 65535.0)
    else:
        tops = (65535.0,)
    low, high = float(values.min()), float(values.max())
    top = next((top for top in tops if high <= top), None)
    if low < 0 or top is None:
        known = " or ".join(f"0..{top:g}" for top in tops)
        raise FacepriorError(f"{name}: pixel values from {low:g} to {high:g}, expected {known}")
    levels = np.rint(values.astype(np.float32) * np.float32(65535 / top)).astype(np.uint16)
    kind = "float pixels" if values.dtype.kind == "f" else "integers"
    return levels, f"{kind} taken as 0..{top:g} and rounded to 8 bits"


def _by_table(
    rgb: Image.Image, levels: np.ndarray | None, table: np.ndarray
) -> tuple[Image.Image, np.ndarray | None]:
    """Grey, as RGB of 8 bits and, where it has more, as uint16 (H, W): each value as the table has it."""
    if levels is None:
        return rgb.point(eight_bits(table[::257]).tolist() * 3), None
    levels = table[levels]
    return Image.fromarray(eight_bits(levels)).convert("RGB"), levels


def _managed(image: Image.Image, icc: bytes) -> Image.Image | None:
    """The picture in sRGB by its own profile; None where the profile does not fit the picture."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1  # broken EXIF is common and is no reason to lose the picture


def _formats() -> list[str]:
    Image.init()
    return sorted(FORMATS & Image.OPEN.keys())


def _register_heif() -> None:
    """HEIC is read where the user has installed pillow-heif."""
    try:
        import pillow_heif
    except ImportError:
        return
    pillow_heif.register_heif_opener()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
