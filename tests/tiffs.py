"""TIFF by hand: what Pillow does not write."""

import struct

import numpy as np

LETTERS = {1: "B", 3: "H", 4: "I", 7: "B"}


def tiff(pixels: np.ndarray, photometric: int, order: str = "<", *, planes: bool = False, tags: dict | None = None):
    """(H, W) or (H, W, channels) of any kind, not compressed; planes: a strip for each channel; tags: {tag: (type,
    values)} besides, or instead."""
    height, width = pixels.shape[:2]
    each = pixels.reshape(height, width, -1)
    parts = np.moveaxis(each, -1, 0) if planes else [each]
    strips = [np.ascontiguousarray(part).astype(each.dtype.newbyteorder(order)).tobytes() for part in parts]
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    count = each.shape[2]
    return tiff_of(
        strips,
        {
            256: (4, [width]), 257: (4, [height]), 258: (3, [each.dtype.itemsize * 8] * count), 259: (3, [1]),
            262: (3, [photometric]), 277: (3, [count]), 278: (4, [height]), 284: (3, [2 if planes else 1]),
            339: (3, [kind] * count), **(tags or {}),
        },
        order,
    )  # fmt: skip


def tiff_of(strips: list[bytes], tags: dict, order: str = "<") -> bytes:
    """One directory, whose places and lengths of strips are filled in."""
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 0))
    places = []
    for strip in strips:
        places.append(len(out))
        out += strip + bytes(len(strip) % 2)
    entries = []
    for tag, (kind, values) in sorted({**tags, 273: (4, places), 279: (4, [len(s) for s in strips])}.items()):
        data = struct.pack(f"{order}{len(values)}{LETTERS[kind]}", *values)
        if len(data) > 4:
            data, out = struct.pack(f"{order}I", len(out)), out + data + bytes(len(data) % 2)
        entries.append(struct.pack(f"{order}HHI", tag, kind, len(values)) + data.ljust(4, b"\0"))
    out[4:8] = struct.pack(f"{order}I", len(out))
    return bytes(out + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + bytes(4))


def twelve_bits(values: np.ndarray) -> bytes:
    """uint16 (H, W) of 0..4095, W even: two in three bytes."""
    a, b = values[:, ::2].astype(int), values[:, 1::2].astype(int)
    return np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], -1).astype(np.uint8).tobytes()
