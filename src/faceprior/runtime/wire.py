"""Protocol buffers on the bytes alone: the light install has no package for ONNX files."""

from collections.abc import Iterator

BYTES = 2  # the wire type of what holds bytes: texts, messages, arrays


def fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field of a message: its number, all its bytes, and its content where that is bytes."""
    at, view = 0, memoryview(message)
    while at < len(view):
        start = at
        key, at = _varint(view, at)
        content = view[:0]
        match key & 7:
            case 0:
                _, at = _varint(view, at)
            case 1:
                at += 8
            case 2:
                size, at = _varint(view, at)
                content, at = view[at : at + size], at + size
            case 5:
                at += 4
            case kind:
                raise ValueError(f"not a protocol buffer (wire type {kind})")
        if at > len(view):
            raise ValueError("not a protocol buffer (cut short)")
        yield key >> 3, view[start:at], content


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise ValueError("not a protocol buffer (cut short)")
        byte = view[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return encoded(field << 3) + encoded(value)


def bytes_field(field: int, content: bytes) -> bytes:
    return encoded(field << 3 | BYTES) + encoded(len(content)) + content
