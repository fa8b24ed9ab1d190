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
* a PNG's side chunks whose checksum is wrong are left out, as browsers do; said in `note`.
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
from .colours import OF_GREY, OF_RGB, colours_of, to_rgb
from .depth import eight_bits, is_deep, is_grey_of_16, name_planes, rounded, upright
from .greys import by_table, is_deep_grey, levels_of
from .kinds import formats, is_heif, register_heif, why_not
from .lossy import quality_alike
from .metadata import Metadata, read_metadata
from .pages import is_preview, largest_page
from .png import has_all_rows, without_broken
from .process import Shared
from .profile import RGB, grey_table, space_of
from .quality import quality_of_tables

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
    quality: of a JPEG file, 1..100, from its quantisation tables; of other lossy files that as which they are told
        (`lossy.py`); None of all others
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


@contextmanager
def _without_limit() -> Iterator[None]:
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Pillow warns from half its limit on; 90 to 179 million pixels are a large photo, not an attack."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


_UNLIMITED, UNWARNED = Shared(_without_limit), Shared(_without_warnings)
_LIFTED = "; --no-pixel-limit takes it all the same"


@contextmanager
def any_number_of_pixels(wanted: bool = True) -> Iterator[None]:
    """Within, a picture may have any number of pixels: for files that one trusts. It holds for the whole process."""
    if not wanted:
        yield
        return
    with _UNLIMITED:
        yield


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
    unread = stream is not None and not stream.closed and bool(getattr(image, "tile", None))
    if 0 in image.size:
        raise FacepriorError(f"{name}: has no pixels ({image.width}x{image.height})")
    if unread and image.tell() == 0 and image.format in formats() and stream.seekable():
        place = stream.tell()
        try:
            if _is_as_opened(image, stream):
                stream.seek(0)
                return read_stream(stream, name)
        finally:
            stream.seek(place)
    try:  # its pixels are all there is
        pixels = image.copy()
        if (turned := _orientation(image)) != _orientation(pixels):  # a copy has that of the file
            pixels.getexif()[ExifTags.Base.Orientation] = turned
        return _decode(pixels, None, name, stored=image)
    except FacepriorError:
        raise
    except Exception as error:
        raise FacepriorError(f"{name}: damaged image ({_one_line(error)})") from None


def _is_as_opened(image: Image.Image, stream: BinaryIO) -> bool:
    """Whether an image that is not read yet is still as its file says: no `draft`, no other orientation."""

    def said(one: Image.Image) -> tuple:
        # The EXIF of a PNG may stand behind its pixels, which would be read; one that was asked for it is read already.
        late = one.format == "PNG" and "exif" not in one.info
        return one.size, one.mode, 1 if late else _orientation(one)

    stream.seek(0)
    try:
        with UNWARNED:
            return said(image) == said(Image.open(stream, formats=formats()))
    except Exception:  # reading it says what is wrong
        return True


def _open(path: Path) -> BinaryIO:
    # Opening a pipe would wait for somebody to write into it; a device may have no end.
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise FacepriorError(f"{path}: is a pipe or a device, not a file")
    return path.open("rb")


def read_stream(file: BinaryIO | bytes, name: str = "image", *, most: int | None = None) -> DecodedImage:
    """Decode bytes or an open file; `name` stands for it in errors. most: pixels; None: Pillow's limit."""
    stream = io.BytesIO(file) if isinstance(file, bytes) else file
    heif = is_heif(stream)
    if heif:
        register_heif()
    try:
        with UNWARNED, Image.open(stream, formats=formats()) as image:
            return _decode(image, stream, name, most)
    except FacepriorError:
        raise
    except UnidentifiedImageError:
        if (mended := _mended(stream, name, most)) is not None:
            return mended
        stream.seek(0)
        raise FacepriorError(f"{name}: {why_not(stream.read(16), heif)}") from None
    except Image.DecompressionBombError as error:
        raise TooManyPixels(f"{name}: too many pixels ({_one_line(error).rstrip('.')})") from None
    except MemoryError:
        raise FacepriorError(f"{name}: not enough memory to decode it") from None
    except Exception as error:
        # Decoders of twenty formats raise anything on broken bytes: OSError, SyntaxError, struct.error, ...
        if (mended := _mended(stream, name, most)) is not None:
            return mended
        raise FacepriorError(f"{name}: damaged image ({_one_line(error)})") from None


def _mended(stream: BinaryIO, name: str, most: int | None) -> DecodedImage | None:
    """A PNG that could not be read, without what is damaged in it and not needed; None where that is nothing."""
    found = without_broken(stream)
    if found is None:
        return None
    data, names = found
    picture = read_stream(data, name, most=most)
    left = f"damaged parts of the file are left out: {', '.join(dict.fromkeys(names))}"
    return replace(picture, note="; ".join(filter(None, [picture.note, left])))


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
    page = largest_page(image) if frames > 1 and image.format == "TIFF" else 0
    # Pillow looks at the first page alone.
    most = most or (2 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else None)
    if most is not None and image.width * image.height > most:
        pixels = image.width * image.height
        raise TooManyPixels(f"{name}: too many pixels ({pixels} pixels, more than {most})")
    if image.format == "TIFF" and is_preview(image):
        size = f"{image.width}x{image.height}"
        raise FacepriorError(f"{name}: a camera's raw file, of which only a preview ({size}) is read; develop it")
    if page:
        notes.append(f"page {page + 1} of {frames}, the largest")
    elif frames > 1 and image.format != "MPO":  # MPO: a photo and its previews, as phones write it
        notes.append(f"first of {frames} {'pages' if image.format == 'TIFF' else 'frames'}")
    name_planes(image, name)
    halves = rounded(image, stream, formats(), page, name) if stream is not None and is_deep(image) else None
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
        metadata = replace(metadata, colours=colours_of(stream, image.format, icc is not None))
    if metadata.gain_map:
        notes.append("its gain map (HDR) is left out: it fits the old pixels alone")
    shallow = halves.shallow if halves else image
    if icc is not None and shallow.mode in OF_RGB and (space := space_of(icc)) != RGB:
        notes.append(f"its colour profile, {f'of {space} and not of RGB' if space else 'broken'}, is left out")
        icc = None
    grey = shallow.mode in OF_GREY or is_deep_grey(shallow)
    table = grey_table(icc) if grey else None
    levels = halves.deep if halves else None
    if is_deep_grey(shallow):
        levels, alpha, note = levels_of(image, name, stored or image)
        rgb, icc = Image.fromarray(eight_bits(levels)).convert("RGB"), None
    else:
        rgb, alpha, icc, note = to_rgb(shallow, icc)
    if table is not None:
        rgb, levels = by_table(rgb, levels, table)
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
    quality = quality_of_tables(getattr(image, "quantization", None))
    if quality is None and stream is not None:
        quality = quality_alike(stream, image.format)
    return DecodedImage(
        np.array(rgb), None if alpha is None else np.array(alpha), icc, "; ".join(notes) if notes else None,
        quality, "L" if grey else "RGB", metadata,
        None if deep is None else upright(deep, orientation),
    )  # fmt: skip


def _scale_clear(image: Image.Image) -> None:
    """The transparent grey of a PNG of 2 or 4 bits as Pillow scales the pixels, which it forgets. Not loaded yet."""
    clear, factor = image.info.get("transparency"), {"L;2": 85, "L;4": 17}
    args = image.tile[0][3] if getattr(image, "tile", None) else None
    mode = args if isinstance(args, str) else args[0] if args else None
    if image.format == "PNG" and type(clear) is int and mode in factor:
        image.info["transparency"] = clear * factor[mode]


def _announcing(stream: BinaryIO | None, format: str | None) -> bytes:
    """The part of a file in which gain maps are announced: its beginning, or all of one that holds several pictures."""
    if stream is None:
        return b""
    stream.seek(0)
    return stream.read(MOST_SEARCHED if format in ("MPO", "HEIF", "AVIF") else FIRST)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:
        return 1  # broken EXIF is common and is no reason to lose the picture


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
