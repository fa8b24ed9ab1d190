"""The enlarged photo in 16 bits a channel, for photos that have as many.

Detector, networks and paste see 8 bits. Here the 16-bit photo is enlarged by itself, by Lanczos, and what network and
faces changed in the 8-bit one is added: a smooth sky keeps steps that 8 bits do not have. Both are done a strip at a
time.
"""

import numpy as np
from PIL import Image, ImageFilter

from .enlarge import REACH, enlarged_rows

# Levels of 8 bits: a change of up to NONE is what rounding leaves; from ALL on it is the network's or a face's.
NONE, ALL = 1.0, 2.0
NEAR = 3  # pixels around a change in which it counts, too, and as many again in which it fades
PIXELS = 2**22  # of the result, at a time
_FINE = 64  # parts of a level in a map of 8 bits, which ends beyond ALL


def deepened(large: Image.Image, rgb: np.ndarray, deep: np.ndarray, scale: int, *, grey: bool = False) -> np.ndarray:
    """uint16 (scale H, scale W, 3): `deep` enlarged, with what `large` has beyond an enlargement of `rgb`.

    large: RGB, the result in 8 bits; rgb: uint8 (H, W, 3), the photo; deep: uint16 (H, W, 3), what that was rounded
    from; grey: all channels are the same. They are once in memory then, and the result is read-only
    """
    height, width = rgb.shape[:2]
    channels = 1 if grey else 3
    out = np.empty((height * scale, width * scale, channels), np.uint16)
    margin = -(-2 * NEAR // scale)  # rows of the photo that the weight depends on
    rows = max(1, PIXELS // (width * scale * scale))
    for y in range(0, height, rows):
        end = min(y + rows, height)
        top, bottom = max(0, y - margin), min(end + margin, height)
        after = np.asarray(large.crop((0, top * scale, width * scale, bottom * scale)), np.int16)
        change = after - np.asarray(enlarged_rows(rgb, scale, top, bottom))
        inner = np.s_[(y - top) * scale : (end - top) * scale]
        weight = change_weight(change)[inner] if change.any() else None
        for c in range(channels):
            plane = _enlarged_plane(deep[..., c], scale, y, end)
            if weight is not None:
                plane = plane + weight * (257 * change[inner][..., c].astype(np.float32))
            out[y * scale : end * scale, :, c] = np.rint(np.clip(plane, 0, 65535))
    return _three(out)


def change_weight(change: np.ndarray) -> np.ndarray:
    """int16 (H, W, 3) in levels of 8 bits -> float32 (H, W), 0..1: how much of a change is one.

    No less than the pixel's own change says, so what is left out is a level at most; alike nearby, so that it fades.
    """
    size = np.abs(change)
    most = np.maximum(np.maximum(size[..., 0], size[..., 1]), size[..., 2])
    near = _spread(_spread(np.minimum(most, 255 // _FINE).astype(np.uint8) * np.uint8(_FINE), 0), 1)
    near = np.asarray(Image.fromarray(near).filter(ImageFilter.BoxBlur(NEAR)), np.float32)
    part = np.clip((near / _FINE - NONE) / (ALL - NONE), 0, 1)
    return part * part * (3 - 2 * part)


def _spread(values: np.ndarray, axis: int) -> np.ndarray:
    """(H, W): the largest of NEAR pixels to both sides."""
    padding = [(NEAR, NEAR) if k == axis else (0, 0) for k in (0, 1)]
    padded, length = np.moveaxis(np.pad(values, padding, mode="edge"), axis, 0), values.shape[axis]
    out = padded[:length]
    for k in range(1, 2 * NEAR + 1):
        out = np.maximum(out, padded[k : k + length])
    return np.moveaxis(out, 0, axis)


def brought_to_size(deep: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint16 (H, W, 3) reduced to size = (W', H') by Lanczos, as `brought_to` does with 8 bits."""
    if deep.shape[1::-1] == size:
        return deep
    channels = 1 if deep.strides[2] == 0 else 3  # grey is once in memory
    out = np.empty((size[1], size[0], channels), np.uint16)
    for c in range(channels):
        out[..., c] = np.rint(_resized(deep[..., c].astype(np.float32), size, 0, len(deep)))
    return _three(out)


def _enlarged_plane(plane: np.ndarray, scale: int, y: int, end: int) -> np.ndarray:
    """Rows y to end of uint16 (H, W), enlarged: float32, unrounded."""
    height, width = plane.shape
    top, bottom = max(0, y - REACH), min(end + REACH, height)
    part = plane[top:bottom].astype(np.float32)
    return _resized(part, (width * scale, (end - y) * scale), y - top, end - top)


def _resized(plane: np.ndarray, size: tuple[int, int], y: int, end: int) -> np.ndarray:
    """Rows y to end of float32 (H, W) by Lanczos. Cut off at black and white after both of its passes, as Pillow does
    with 8 bits: at a white corner the two would differ by levels."""
    for goal, box in (
        ((size[0], len(plane)), (0, 0, plane.shape[1], len(plane))),
        (size, (0, y, size[0], end)),
    ):
        done = Image.fromarray(plane).resize(goal, Image.Resampling.LANCZOS, box=box, reducing_gap=None)
        plane = np.clip(np.asarray(done), 0, 65535)
    return plane


def _three(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 1 or 3) -> (H, W, 3)."""
    return pixels if pixels.shape[2] == 3 else np.broadcast_to(pixels, (*pixels.shape[:2], 3))
