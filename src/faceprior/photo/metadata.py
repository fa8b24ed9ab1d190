"""What a file says besides its pixels, and how it goes into the file of the result.

Kept: date taken, description, authors, copyright, camera and exposure (EXIF), XMP, IPTC, resolution (times the scale,
so that the photo prints as large as before), comments, the texts of a PNG. Not kept: the orientation (it is applied),
thumbnails (of the old picture), maker notes (bound to places in the old file), gain maps (they fit the old pixels), and
where the photo was taken, unless asked for (`with_place`).
"""

import io
import math
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from PIL import ExifTags, Image, PngImagePlugin

from .tiff import add_directories

# Of the first directory: what describes the photo. The rest describes how the file holds its pixels.
_BASE = {
    *(0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C),  # description, make, model, software, date, artist, host
    *(0x4746, 0x4749, 0x8298),  # rating, rating in percent, copyright
    *range(0x9C9B, 0x9CA0),  #    title, comment, author, keywords, subject of Windows
}
_RESOLUTION = (0x011A, 0x011B, 0x0128)
# Of the photo's directory: all but maker notes, the size in pixels, and the directory of thumbnails and file pairs.
_NOT = {0x927C, 0xA002, 0xA003, 0xA005}
LONGEST = 16_384  # bytes of one value
MARKER = 65_533  #  bytes that a JPEG marker holds, its own length included

_EXIF = "http://ns.adobe.com/exif/1.0/"
_ORIENTATION = "{http://ns.adobe.com/tiff/1.0/}Orientation"
_DROPPED = (  # of XMP: bound to the old pixels
    "{http://ns.adobe.com/hdr-gain-map/1.0/}",
    "{http://ns.apple.com/HDRGainMap/1.0/}",
    "{http://ns.google.com/photos/1.0/container/}",
    "{http://ns.adobe.com/xap/1.0/}Thumbnails",
    "{http://ns.adobe.com/xmp/note/}HasExtendedXMP",
    _ORIENTATION,
)
_GAIN_MAPS = (b"hdr-gain-map", b"HDRGainMap", b"hdrgainmap")


@dataclass(frozen=True)
class Metadata:
    """exif, photo, place: values by tag of the three directories; iptc: IIM records; dpi: across and down, upright."""

    exif: Mapping[int, Any] = field(default_factory=dict)
    photo: Mapping[int, Any] = field(default_factory=dict)
    place: Mapping[int, Any] = field(default_factory=dict)
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comment: bytes | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    gain_map: bool = False  # the file had one
    colours: Mapping[str, bytes] = field(default_factory=dict)  # what they mean besides a profile, as chunks of PNG

    def without_place(self) -> "Metadata":
        """Without where the photo was taken."""
        texts = {key: text for key, text in self.texts.items() if "gps" not in key.lower()}
        return replace(self, place={}, xmp=_cleaned(self.xmp, place=False), texts=texts)

    def save(
        self,
        image: Image.Image,
        file: BinaryIO,
        format: str,
        scale: float,
        *,
        size: tuple[int, int] | None = None,
        **options: Any,
    ) -> None:
        """Pillow's `image.save(file, format, **options)` with all this, `scale` times as large as the photo was.

        size: of the picture that `image` stands for, where it is not its own
        """
        size = size or image.size
        arguments = {**options, **self._saving(format, size, scale)}
        directories = self._directories(size) if format == "TIFF" else {}
        if not directories:
            image.save(file, format, **arguments)
            return
        image.save(stream := io.BytesIO(), format, **arguments)
        file.write(add_directories(stream.getvalue(), directories))

    def _saving(self, format: str, size: tuple[int, int], scale: float) -> dict[str, Any]:
        """Arguments of Pillow's `save`."""
        dpi = None
        if self.dpi is not None:
            dpi = tuple(min(value * scale, 65_535.0) for value in self.dpi)
        exif = self._exif(size, dpi, self._directories(size) if format != "TIFF" else {})
        out: dict[str, Any] = {}
        if dpi is not None and format in ("JPEG", "PNG", "TIFF"):
            out["dpi"] = dpi
        if exif is not None and not (format == "JPEG" and len(exif) > MARKER - 8):
            out["exif"] = exif
        if format == "JPEG":
            extra = _marker(0xE1, b"http://ns.adobe.com/xap/1.0/\0", self.xmp)
            extra += _marker(0xED, b"Photoshop 3.0\0", _photoshop(self.iptc))
            out |= {"extra": extra} if extra else {}
            out |= {"comment": self.comment} if self.comment else {}
        elif format == "PNG":
            texts = PngImagePlugin.PngInfo()
            for key, text in self.texts.items():
                texts.add_itxt(key, text) if not text.isascii() else texts.add_text(key, text)
            if self.xmp:
                texts.add_itxt("XML:com.adobe.xmp", self.xmp.decode("utf-8", "replace"))
            if self.iptc:
                texts.add_text("Raw profile type iptc", _raw_profile("iptc", _photoshop(self.iptc)), zip=True)
            for name, data in self.colours.items():
                texts.add(name.encode(), data)
            out["pnginfo"] = texts
        elif format == "TIFF":
            info = _loaded(exif) if exif is not None else Image.Exif()
            out.pop("exif", None)
            if self.xmp:
                info[700] = self.xmp
            if self.iptc:
                info[33723] = self.iptc
            out |= {"exif": info} if len(info) else {}
        elif format == "WEBP" and self.xmp:
            out["xmp"] = self.xmp
        return out

    def _exif(
        self, size: tuple[int, int], dpi: tuple[float, float] | None, directories: Mapping[int, dict[int, Any]]
    ) -> bytes | None:
        if not (self.exif or directories):
            return None
        exif = Image.Exif()
        for tag, value in self.exif.items():
            _put(exif, tag, value)
        if dpi is not None:
            for tag, value in zip(_RESOLUTION, (*dpi, 2), strict=True):
                exif[tag] = value
        for pointer, values in directories.items():
            exif[pointer] = values
        return exif.tobytes()

    def _directories(self, size: tuple[int, int]) -> dict[int, dict[int, Any]]:
        """By the tags that point to them: of the photo, with its new size, and of the place; where there are any."""
        sized = {**self.photo, 0xA002: size[0], 0xA003: size[1]} if self.photo else {}
        found = {}
        for pointer, values in ((int(ExifTags.IFD.Exif), sized), (int(ExifTags.IFD.GPSInfo), self.place)):
            kept = {tag: value for tag, value in values.items() if _encodes(pointer, {tag: value})}
            if kept:
                found[pointer] = kept
        return found


def read_metadata(image: Image.Image, turn: int = 1, data: bytes = b"") -> Metadata:
    """Of an opened image. Whatever is broken is left out: it is no reason to lose the picture.

    turn: its EXIF orientation; data: bytes of the file in which a gain map is looked for.
    """
    info = image.info
    base: dict[int, Any] = {}
    photo: dict[int, Any] = {}
    place: dict[int, Any] = {}
    try:
        exif = image.getexif()
        base = {tag: value for tag, value in exif.items() if tag in _BASE and _short(value)}
        photo = {t: v for t, v in exif.get_ifd(ExifTags.IFD.Exif).items() if t not in _NOT and _short(v)}
        place = {t: v for t, v in exif.get_ifd(ExifTags.IFD.GPSInfo).items() if _short(v)}
    except Exception:
        exif = {}
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp")
    xmp = xmp.encode() if isinstance(xmp, str) else xmp
    xmp = xmp if isinstance(xmp, bytes) and len(xmp) < 2**22 else None
    gain_map = any(mark in data or mark in (xmp or b"") for mark in _GAIN_MAPS)
    texts = {}
    if image.format == "PNG":
        texts = {k: str(v) for k, v in getattr(image, "text", {}).items() if _is_text(k, v)}
    comment = info.get("comment") if image.format in ("JPEG", "MPO") else None
    return Metadata(
        base, photo, place, _cleaned(xmp), _iptc(image), _dpi(image, exif, turn),
        comment if isinstance(comment, bytes) and len(comment) <= LONGEST else None, texts, gain_map,
    )  # fmt: skip


def _short(value: Any) -> bool:
    return not isinstance(value, bytes | str | tuple) or len(value) <= LONGEST


def _is_text(key: str, text: Any) -> bool:
    ours = key.startswith("Raw profile type") or key == "XML:com.adobe.xmp"
    return isinstance(text, str) and not ours and 0 < len(key) < 80 and len(text) <= LONGEST


def _dpi(image: Image.Image, exif: Mapping[int, Any], turn: int) -> tuple[float, float] | None:
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in (1, 2) and _RESOLUTION[0] not in exif:
        return None  # Pillow says 72 where nothing is said
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    if not (math.isfinite(x) and math.isfinite(y) and 1 < x < 100_000 and 1 < y < 100_000):
        return None
    return (y, x) if turn >= 5 else (x, y)


def _iptc(image: Image.Image) -> bytes | None:
    """IIM records as they lie in the file."""
    try:
        if image.format == "TIFF":
            found = image.tag_v2.get(33723)  # type: ignore[attr-defined]
            if isinstance(found, tuple):  # Adobe writes bytes as numbers of 32 bits
                end = image.tag_v2._endian  # type: ignore[attr-defined]
                found = struct.pack(f"{end}{len(found)}{'B' if max(found) < 256 else 'L'}", *found)
        else:
            found = image.info.get("photoshop", {}).get(0x0404)
        return found if isinstance(found, bytes) and 0 < len(found) < MARKER - 64 and found[:1] == b"\x1c" else None
    except Exception:
        return None


def _cleaned(xmp: bytes | None, *, place: bool = True) -> bytes | None:
    """XMP without what is bound to the old pixels, and without the place unless `place`; None where it is broken."""
    if not xmp or b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        return None
    try:
        for _, (prefix, uri) in ElementTree.iterparse(io.BytesIO(xmp), ["start-ns"]):
            if prefix and not prefix.startswith("ns"):
                ElementTree.register_namespace(prefix, uri)
        root = ElementTree.fromstring(xmp)
    except (ElementTree.ParseError, ValueError, LookupError):
        return None

    def unwanted(name: Any) -> bool:
        if not isinstance(name, str):
            return False
        return name.startswith(_DROPPED) or (not place and name.startswith(f"{{{_EXIF}}}GPS"))

    def clean(element: ElementTree.Element) -> None:
        for name in [name for name in element.attrib if unwanted(name)]:
            del element.attrib[name]
        for child in list(element):
            if unwanted(child.tag):
                element.remove(child)
            else:
                clean(child)

    clean(root)
    return ElementTree.tostring(root, encoding="utf-8")


def _marker(code: int, head: bytes, data: bytes | None) -> bytes:
    """A JPEG marker; nothing where it does not fit into one."""
    if not data or len(head) + len(data) + 2 > MARKER:
        return b""
    return struct.pack(">BBH", 0xFF, code, len(head) + len(data) + 2) + head + data


def _photoshop(iptc: bytes | None) -> bytes:
    if not iptc:
        return b""
    return b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)


def _raw_profile(name: str, data: bytes) -> str:
    """As ImageMagick writes it, and others read it."""
    text = data.hex()
    return f"\n{name}\n{len(data):8d}\n" + "\n".join(text[i : i + 72] for i in range(0, len(text), 72)) + "\n"


def _put(exif: Image.Exif, tag: int, value: Any) -> None:
    if _encodes(None, {tag: value}):
        exif[tag] = value


def _encodes(pointer: int | None, values: dict[int, Any]) -> bool:
    """Whether Pillow can write it: files hold values of wrong types."""
    exif = Image.Exif()
    try:
        if pointer is None:
            exif.update(values)
        else:
            exif[pointer] = values
        exif.tobytes()
    except Exception:
        return False
    return True


def _loaded(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif
