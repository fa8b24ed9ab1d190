"""What happens to the whole picture: a pan, which carries tiny faces beyond their own boxes, and a cut.

A pan is found by phase correlation (Kuglin and Hines, 1975) of the reduced luma, and believed where the moved frame is
much more like the other than the frame at rest. At a cut two frames that follow each other have hardly anything in
common.
"""

import numpy as np
from PIL import Image

SIDE = 256  # pixels of the longer side, at most
BETTER = 0.7  # of the difference at rest: with less than that left the motion is believed
NEARLY_STILL = 0.5  # grey levels of difference: nothing to explain
COARSE = 32  # pixels a side, in which frames are compared for cuts
# Two frames of different scenes have less in common than that: the correlation of their brightness, place by place (0.5
# and less for ten photos; a change of light leaves it), and the overlap of their colours' histograms (0.72 and less; a
# quick pan, by a tenth of the width, leaves 0.9).
ALIKE, SAME_COLOURS, LEVELS = 0.75, 0.85, 6
RESTS, MOSTLY = 0.02, 0.5  # of white; the part of places that change by less: whoever comes in leaves the rest as it is


class Camera:
    """Call it with each frame that is searched for faces."""

    def __init__(self) -> None:
        self._last: np.ndarray | None = None

    def __call__(self, rgb: np.ndarray) -> tuple[float, float]:
        """uint8 (H, W, 3) -> by how many of its pixels, right and down, what is seen moved since the last call."""
        factor = max(1.0, max(rgb.shape[:2]) / SIDE)
        size = tuple(max(1, round(v / factor)) for v in rgb.shape[1::-1])
        small = Image.fromarray(rgb).convert("L").resize(size, Image.Resampling.BOX, reducing_gap=1.0)
        now, last = np.asarray(small, np.float32), self._last
        self._last = now
        if last is None or last.shape != now.shape:
            return 0.0, 0.0
        right, down = shift_between(last, now)
        return right * rgb.shape[1] / size[0], down * rgb.shape[0] / size[1]


class Cuts:
    """Call it with each frame: whether another scene begins with it. Flashes and changes of light are none."""

    def __init__(self) -> None:
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def __call__(self, pixels: np.ndarray) -> bool:
        """uint8 or uint16 (H, W, 3)"""
        height, width = pixels.shape[:2]
        rows, columns = max(1, height // COARSE), max(1, width // COARSE)  # of a block
        few = pixels[:: max(1, rows // 4), :: max(1, columns // 4)] / np.float32(np.iinfo(pixels.dtype).max)
        coarse = Image.fromarray(few[..., 1]).resize((COARSE, COARSE), Image.Resampling.BOX)
        places = np.asarray(coarse).ravel()
        steps = np.minimum(few * LEVELS, LEVELS - 1).astype(np.int64).reshape(-1, 3) @ (LEVELS**2, LEVELS, 1)
        colours = np.bincount(steps, minlength=LEVELS**3) / len(steps)
        last, self._last = self._last, (places, colours)
        if last is None or np.mean(np.abs(places - last[0]) < RESTS) > MOSTLY:
            return False
        now, then = places - places.mean(), last[0] - last[0].mean()
        alike = float(now @ then) >= ALIKE * float(np.linalg.norm(now) * np.linalg.norm(then))
        return not alike and float(np.minimum(colours, last[1]).sum()) < SAME_COLOURS


def shift_between(before: np.ndarray, after: np.ndarray) -> tuple[int, int]:
    """float32 (H, W) twice -> whole pixels, right and down; (0, 0) where no motion of the whole explains the change."""
    height, width = before.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    one, other = (np.fft.rfft2((y - y.mean()) * window) for y in (before, after))
    cross = other * one.conj()
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), before.shape)
    down, right = np.unravel_index(int(peaks.argmax()), peaks.shape)
    down, right = (int(v - n) if v > n // 2 else int(v) for v, n in ((down, height), (right, width)))
    if (right, down) == (0, 0) or abs(right) > width // 2 or abs(down) > height // 2:
        return 0, 0
    still = float(np.abs(after - before).mean())
    moved = float(np.abs(_common(after, right, down) - _common(before, -right, -down)).mean())
    return (right, down) if still > NEARLY_STILL and moved < BETTER * still else (0, 0)


def _common(y: np.ndarray, right: int, down: int) -> np.ndarray:
    """What is left of a picture without the rows and columns that came in at its left and top (or, where negative, at
    its right and bottom)."""
    height, width = y.shape
    return y[max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)]
