"""A SHA-256 at the end of an ONNX file, over all that lies before it: a bit that flipped later is found on loading.

Protocol buffers may be appended to, so the seal is one more entry of the model's metadata and any reader of ONNX
passes over it. A file that was written by another program has none, and none is asked for.
"""

import hashlib

_KEY = b"faceprior.sha256"
_HEX = 64
# Field 14 of a ModelProto, `metadata_props`: a key (field 1) and a value (field 2), each with its length.
_START = bytes([14 << 3 | 2, 4 + len(_KEY) + _HEX, 1 << 3 | 2, len(_KEY)]) + _KEY + bytes([2 << 3 | 2, _HEX])


def sealed(model: bytes) -> bytes:
    """A serialised ONNX model with its seal behind."""
    return model + _START + hashlib.sha256(model).hexdigest().encode()


def unsealed(data: bytes) -> bytes:
    """The model without the seal behind it: a tool that rewrites it would keep the seal, of other bytes."""
    rest = data[: -len(_START) - _HEX]
    return rest if data[len(rest) : -_HEX] == _START else data


def is_broken(data: bytes) -> bool:
    """Whether there is a seal at the end and it is not that of the rest."""
    rest = data[: -len(_START) - _HEX]
    return data[len(rest) : -_HEX] == _START and hashlib.sha256(rest).hexdigest().encode() != data[-_HEX:]
