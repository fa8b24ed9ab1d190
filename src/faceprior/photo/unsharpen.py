"""A photo as it was before it was sharpened, or left soft: its waves divided by what that multiplied them by."""

import numpy as np

from .sharpened import Sharpening
from .softened import Softness

REACH = 24  # pixels: what lies further away changes nothing
ROWS = 256  # of the photo, at a time


def unsharpened(rgb: np.ndarray, by: Sharpening | Softness) -> np.ndarray:
    """uint8 (H, W, 3) -> the same shape. What was clipped stays lost. Of a sharpening noise and blocks shrink, too; of
    softness they grow, which bounds it (`softened.MOST`). Strip by strip, so the memory is that of a strip."""
    height = len(rgb)
    out = np.empty_like(rgb)
    for top in range(0, height, ROWS):
        end = min(top + ROWS, height)
        rows = np.clip(np.arange(top - REACH, end + REACH), 0, height - 1)
        out[top:end] = _whole(rgb[rows], by)[REACH : REACH + end - top]
    return out


def _whole(rgb: np.ndarray, by: Sharpening | Softness) -> np.ndarray:
    """All of an array, edges repeated at its sides (above and below they are given)."""
    x = np.pad(rgb, ((0, 0), (REACH, REACH), (0, 0)), "edge").astype(np.float32)
    down, across = np.fft.fftfreq(x.shape[0]), np.fft.rfftfreq(x.shape[1])
    part = (1 / by.gain(np.hypot(down[:, None], across))).astype(np.float32)
    planes = [np.fft.irfft2(np.fft.rfft2(x[..., c]) * part, x.shape[:2])[:, REACH:-REACH] for c in range(3)]
    return np.clip(np.rint(np.stack(planes, -1)), 0, 255).astype(np.uint8)
