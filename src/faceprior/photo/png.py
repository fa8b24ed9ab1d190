"""What Pillow passes over in a PNG: rows missing from a stream that ends properly, but too soon; what colours mean. And
what it stumbles over: side chunks whose checksum is wrong."""

import struct
import zlib
from typing import BinaryIO

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_COLOURS = {b"cHRM": 32, b"cICP": 4, b"gAMA": 4, b"sRGB": 1}  # bytes
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LARGEST, _MOST_BROKEN = 2**28, 99  # bytes of a file that is looked through for side chunks, and chunks left out
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def has_all_rows(file: BinaryIO) -> bool:
    """`file`: a PNG that decodes. Reads it again, a piece at a time."""
    file.seek(8)
    stream, count, wanted = zlib.decompressobj(), 0, 1
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IHDR":
            wanted = _bytes_of(*struct.unpack(">IIBBBBB", file.read(13)))
            file.seek(length - 13, 1)
        elif kind == b"IDAT":
            while length and count < wanted and not stream.eof:
                part = file.read(min(length, 2**16))
                if not part:
                    return False
                length -= len(part)
                while part and count < wanted:
                    count += len(stream.decompress(part, 2**20))
                    part = stream.unconsumed_tail
            file.seek(length, 1)
        elif kind == b"IEND":
            break
        else:
            file.seek(length, 1)
        file.seek(4, 1)  # the checksum
    return count >= wanted


def colour_chunks(file: BinaryIO) -> dict[str, bytes]:
    """What a PNG says of its colours besides a profile, by the names of the chunks: a result has the same colours."""
    file.seek(8)
    found = {}
    while len(head := file.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        length, kind = struct.unpack(">I4s", head)
        if _COLOURS.get(kind) == length:
            found[kind.decode()] = file.read(length)
            length = 0
        file.seek(length + 4, 1)
    return found


def without_broken(file: BinaryIO) -> tuple[bytes, list[str]] | None:
    """A PNG without the side chunks before its pixels whose checksum is wrong, and their names; None where there are
    none, or it is no PNG or a very large one. Browsers pass over such chunks; what pixels need has to be whole."""
    file.seek(0)
    if file.read(8) != _SIGNATURE:
        return None
    file.seek(0)
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        return None
    view, kept, names = memoryview(data), [], []
    start, at = 0, 8  # of what is kept, and of a chunk
    while at + 12 <= len(data) and len(names) <= _MOST_BROKEN:
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data) or not kind.isalpha():
            return None
        if kind == b"IDAT":
            return (b"".join([*kept, view[start:]]), names) if names else None
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if kind[:1].islower() and zlib.crc32(view[at + 4 : end - 4]) != checksum:
            names.append(kind.decode())
            kept.append(view[start:at])
            start = end
        at = end
    return None


def _bytes_of(width: int, height: int, depth: int, colour: int, _compression: int, _filter: int, laced: int) -> int:
    """Bytes of the rows, each with the byte of its filter."""
    bits = depth * _CHANNELS[colour]
    total = 0
    for x, y, dx, dy in _ADAM7 if laced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - x) // dx), -(-(height - y) // dy)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return total
