"""A photo as it was before it was sharpened: its waves divided by what sharpening multiplied them by."""

import numpy as np

from .sharpened import Sharpening

REACH = 24  # pixels: what lies further away changes nothing
ROWS = 256  # of the photo, at a time


def unsharpened(rgb: np.ndarray, by: Sharpening) -> np.ndarray:
    """uint8 (H, W, 3) -> the same shape. A sharpening's gain is 1 or more, so noise and blocks shrink, too; what was
    clipped stays lost. Strip by strip, so the memory is that of a strip."""
    height = len(rgb)
    out = np.empty_like(rgb)
    for top in range(0, height, ROWS):
        end = min(top + ROWS, height)
        rows = np.clip(np.arange(top - REACH, end + REACH), 0, height - 1)
        out[top:end] = _whole(rgb[rows], by)[REACH : REACH + end - top]
    return out


def _whole(rgb: np.ndarray, by: Sharpening) -> np.ndarray:
    """All of an array, edges repeated at its sides (above and below they are given)."""
    x = np.pad(rgb, ((0, 0), (REACH, REACH), (0, 0)), "edge").astype(np.float32)
    down, across = np.fft.fftfreq(x.shape[0]), np.fft.rfftfreq(x.shape[1])
    part = (1 / by.gain(np.hypot(down[:, None], across))).astype(np.float32)
    planes = [np.fft.irfft2(np.fft.rfft2(x[..., c]) * part, x.shape[:2])[:, REACH:-REACH] for c in range(3)]
    return np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8)
