"""TIFF of 16 bits a channel (Pillow writes grey alone): everything but the pixels is from a TIFF that Pillow wrote."""

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from .tiff import directory_of, entries_of

LEVEL = 6
MOST = 2**32 - 2**16  # bytes of a file: its offsets have 32 bits
_SHORT, _LONG = 3, 4
_SIZES = {_SHORT: "H", _LONG: "L"}
_DEFLATE, _DIFFERENCES = 8, 2


class TooLarge(Exception):
    """More than a file of this format holds."""


def write_tiff(file: BinaryIO, model: bytes, size: tuple[int, int], strips: Iterable[np.ndarray]) -> None:
    """model: a TIFF of 8 bits a channel, of any size, with the channels and all that is to be said of the picture;
    strips: its rows from the top, uint16 (h, W, channels), all but the last as many; file: seekable"""
    order, entries = entries_of(model)
    at = file.write(model + bytes(len(model) % 2))
    places: list[int] = []
    lengths: list[int] = []
    rows, channels = 0, 1
    for strip in strips:
        rows, channels = max(rows, len(strip)), strip.shape[2]
        part = zlib.compress(_differences(strip).astype(f"{order}u2").tobytes(), LEVEL)
        places.append(at)
        lengths.append(len(part))
        at += file.write(part + bytes(len(part) % 2))  # all begins at whole words
        if at > MOST:
            raise TooLarge("a TIFF holds 4 GB at most; name a .png")
    tags = {
        256: (_LONG, [size[0]]), 257: (_LONG, [size[1]]), 258: (_SHORT, [16] * channels), 259: (_SHORT, [_DEFLATE]),
        273: (_LONG, places), 277: (_SHORT, [channels]), 278: (_LONG, [rows]), 279: (_LONG, lengths),
        317: (_SHORT, [_DIFFERENCES]), 339: (_SHORT, [1] * channels),
    }  # fmt: skip
    for tag, (kind, values) in tags.items():
        data = struct.pack(f"{order}{len(values)}{_SIZES[kind]}", *values)
        head = struct.pack(f"{order}HHL", tag, kind, len(values))
        if len(data) > 4:
            file.write(data + bytes(len(data) % 2))
            data, at = struct.pack(f"{order}L", at), at + len(data) + len(data) % 2
        entries[tag] = head + data.ljust(4, b"\0")
    file.write(directory_of(order, entries))
    file.seek(4)
    file.write(struct.pack(f"{order}L", at))


def _differences(strip: np.ndarray) -> np.ndarray:
    """Each pixel less the one to its left, modulo 65536."""
    out = strip.copy()
    out[:, 1:] -= strip[:, :-1]
    return out
