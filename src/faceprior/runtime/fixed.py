"""An input of an ONNX file made a constant, on the bytes alone: the light install has no package for ONNX.

A runtime folds all that depends on constants alone when it loads a file, so a network that is told something about a
whole photo runs as fast as one that is not told.
"""

from collections.abc import Iterator

import numpy as np

# Fields of the protocol buffers of ONNX, and the wire type of what holds bytes.
_MODEL_GRAPH, _GRAPH_INITIALIZER, _GRAPH_INPUT, _VALUE_NAME = 7, 5, 11, 1
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _FLOAT = 1, 2, 8, 9, 1
_BYTES = 2


def fix_input(model: bytes, name: str, value: np.ndarray) -> bytes:
    """`model` with its input `name` replaced by a float32 constant. ValueError where it has no such input."""
    tensor = b"".join(_number(_TENSOR_DIMS, size) for size in value.shape)
    tensor += _number(_TENSOR_TYPE, _FLOAT) + _bytes(_TENSOR_NAME, name.encode())
    tensor += _bytes(_TENSOR_RAW, np.ascontiguousarray(value, "<f4").tobytes())
    parts, found = [], False
    for field, whole, content in _fields(model):
        if field != _MODEL_GRAPH:
            parts.append(whole)
            continue
        graph = [_bytes(_GRAPH_INITIALIZER, tensor)]
        for inner, piece, described in _fields(content):
            if inner == _GRAPH_INPUT and _name_of(described) == name.encode():
                found = True
            else:
                graph.append(piece)
        parts.append(_bytes(_MODEL_GRAPH, b"".join(graph)))
    if not found:
        raise ValueError(f"no input {name!r}")
    return b"".join(parts)


def _name_of(value_info: bytes) -> bytes | None:
    return next((bytes(content) for field, _, content in _fields(value_info) if field == _VALUE_NAME), None)


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
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


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _encoded(field << 3) + _encoded(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _encoded(field << 3 | _BYTES) + _encoded(len(content)) + content
