"""Directories of EXIF put into a TIFF that is written already: libtiff, by which Pillow compresses, writes none."""

import struct
from collections.abc import Mapping
from typing import Any

from PIL import TiffImagePlugin

_ENTRY = 12  # bytes: tag, type, count, value or offset
_LONG = 4


def add_directories(data: bytes, directories: Mapping[int, Mapping[int, Any]]) -> bytes:
    """A classic TIFF of one page and {pointer's tag: {tag: value}} -> the same with these directories."""
    order, entries = entries_of(data)
    out = bytearray(data)
    for pointer, values in directories.items():
        out += b"\0" * (len(out) % 2)  # a directory begins at a whole word
        place = len(out)
        directory = TiffImagePlugin.ImageFileDirectory_v2(data[:8], group=pointer)
        for tag, value in values.items():
            directory[tag] = value
        out += directory.tobytes(place)
        entries[pointer] = struct.pack(f"{order}HHLL", pointer, _LONG, 1, place)
    out += b"\0" * (len(out) % 2)
    place = len(out)
    out += directory_of(order, entries)
    out[4:8] = struct.pack(f"{order}L", place)
    return bytes(out)


def entries_of(data: bytes) -> tuple[str, dict[int, bytes]]:
    """The byte order of a classic TIFF as `struct` writes it, and the entries of its first directory by their tags."""
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    (magic, first) = struct.unpack(f"{order}HL", data[2:8])
    if magic != 42:
        raise ValueError("not a classic TIFF")
    (count,) = struct.unpack_from(f"{order}H", data, first)
    entries = {}
    for i in range(count):
        entry = data[first + 2 + _ENTRY * i : first + 2 + _ENTRY * (i + 1)]
        entries[struct.unpack(f"{order}H", entry[:2])[0]] = entry
    return order, entries


def directory_of(order: str, entries: Mapping[int, bytes]) -> bytes:
    """The last directory of a file."""
    return struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4)
