"""PNG of 16 bits a channel (Pillow writes grey alone): everything but the pixels is from a PNG that Pillow wrote."""

import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np

SIGNATURE = 8  # bytes
LEVEL = 4  #     of zlib, as of the other PNGs


def write_png(file: BinaryIO, model: bytes, size: tuple[int, int], strips: Iterable[np.ndarray]) -> None:
    """model: a PNG of 8 bits a channel, of any size, with the channels and all that is to be said of the picture;
    strips: its rows from the top, uint16 (h, W, channels)"""
    file.write(model[:SIGNATURE])
    written = False
    for kind, data in _chunks(model):
        if kind == b"IHDR":
            data = struct.pack(">IIB", *size, 16) + data[9:]
        if kind != b"IDAT":
            file.write(_chunk(kind, data))
        elif not written:
            written = True
            for part in _compressed(strips):
                file.write(_chunk(b"IDAT", part))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = SIGNATURE
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _compressed(strips: Iterable[np.ndarray]) -> Iterator[bytes]:
    stream, above = zlib.compressobj(LEVEL), None
    for strip in strips:
        rows = strip.astype(">u2").view(np.uint8).reshape(len(strip), -1)
        above = np.zeros(rows.shape[1], np.uint8) if above is None else above
        part = stream.compress(_filtered(rows, above, 2 * strip.shape[2]).tobytes())
        above = rows[-1]
        if part:
            yield part
    yield stream.flush()


def _filtered(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """uint8 (h, n) -> (h, 1 + n): each row by the filter whose bytes are the smallest, as the specification advises.

    above: the row before the first; step: bytes of a pixel
    """
    up = np.concatenate([above[None], rows[:-1]])
    left, corner = np.zeros_like(rows), np.zeros_like(rows)
    left[:, step:], corner[:, step:] = rows[:, :-step], up[:, :-step]
    best = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    least = np.full(len(rows), np.iinfo(np.int64).max)
    for number, guess in ((1, left), (2, up), (4, _paeth(left, up, corner))):
        rest = rows - guess  # modulo 256
        cost = np.minimum(rest, np.negative(rest)).sum(1, dtype=np.int64)
        better = cost < least
        best[better, 0], best[better, 1:] = number, rest[better]
        least = np.minimum(least, cost)
    return best


def _paeth(left: np.ndarray, up: np.ndarray, corner: np.ndarray) -> np.ndarray:
    a, b, c = (v.astype(np.int16) for v in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    near = np.where(to_up <= to_corner, up, corner)
    return np.where((to_left <= to_up) & (to_left <= to_corner), left, near)
