"""An input of an ONNX file made a constant, on the bytes alone: the light install has no package for ONNX.

A runtime folds all that depends on constants alone when it loads a file, so a network that is told something about a
whole photo runs as fast as one that is not told.
"""

import numpy as np

from .wire import bytes_field, fields, number

# Fields of the protocol buffers of ONNX.
_MODEL_GRAPH, _GRAPH_INITIALIZER, _GRAPH_INPUT, _VALUE_NAME = 7, 5, 11, 1
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _FLOAT = 1, 2, 8, 9, 1


def fix_input(model: bytes, name: str, value: np.ndarray) -> bytes:
    """`model` with its input `name` replaced by a float32 constant. ValueError where it has no such input."""
    tensor = b"".join(number(_TENSOR_DIMS, size) for size in value.shape)
    tensor += number(_TENSOR_TYPE, _FLOAT) + bytes_field(_TENSOR_NAME, name.encode())
    tensor += bytes_field(_TENSOR_RAW, np.ascontiguousarray(value, "<f4").tobytes())
    parts, found = [], False
    for field, whole, content in fields(model):
        if field != _MODEL_GRAPH:
            parts.append(whole)
            continue
        graph = [bytes_field(_GRAPH_INITIALIZER, tensor)]
        for inner, piece, described in fields(content):
            if inner == _GRAPH_INPUT and _name_of(described) == name.encode():
                found = True
            else:
                graph.append(piece)
        parts.append(bytes_field(_MODEL_GRAPH, b"".join(graph)))
    if not found:
        raise ValueError(f"no input {name!r}")
    return b"".join(parts)


def _name_of(value_info: bytes) -> bytes | None:
    return next((bytes(content) for field, _, content in fields(value_info) if field == _VALUE_NAME), None)
