"""What a network of any size is given: the pixels of a face as they lie in the photo, neither enlarged nor reduced.

On 72 clean upright validation faces that gains 0.4 to 1.0 dB at 12 to 28 px over cuts of 16 and 32 px; in a photo,
blended with the canvas, up to 0.4 (docs/results/photos.md).
"""

from typing import Any

import numpy as np

from ..face.frame import Frame
from .cut import cut_lr, quarter_turns

LEAST, MOST = 8, 48  # pixels
SHARP = 0.9  # a face fills this part of its pixels with detail, or is blurred or enlarged


def own_size(network: Any, frame: Frame, detail: float) -> int | None:
    """Pixels at which a network sees a face whose cut holds the detail of `detail` pixels: those of the photo; of one
    that is blurred or was enlarged, so many as hold its detail, and at least the network's own. None where the network
    takes faces of one size."""
    if not getattr(network, "any_size", False):
        return None
    seen = frame.side if detail >= SHARP * frame.side else max(detail, network.size)
    return int(np.clip(round(seen), LEAST, MOST))


def own_pixels(
    rgb: np.ndarray, frame: Frame, transform: np.ndarray, size: int
) -> tuple[np.ndarray, Frame, np.ndarray]:
    """uint8 (size, size, 3) of a photo, its frame along the photo's axes, and the transform (2, 3) of `frame` there.

    Where the frame is about `size` wide, these are whole pixels of the photo, edges repeated.
    """
    if abs(frame.side - size) > 0.5:
        return cut_lr(rgb, frame, size), frame, transform
    lr, cut = own_square(rgb, frame, size)
    return lr, cut, seen_from(transform, frame, cut)


def own_square(rgb: np.ndarray, frame: Frame, size: int) -> tuple[np.ndarray, Frame]:
    """uint8 (size, size, 3), whole pixels of a photo about a frame's centre, and what they are of it."""
    left, top = (round(c + 0.5 - size / 2) for c in frame.centre)
    rows, columns = (
        np.clip(np.arange(start, start + size), 0, length - 1)
        for start, length in ((top, rgb.shape[0]), (left, rgb.shape[1]))
    )
    cut = Frame((left + size / 2 - 0.5, top + size / 2 - 0.5), frame.right, float(size))
    return np.ascontiguousarray(np.rot90(rgb[rows[:, None], columns], quarter_turns(frame))), cut


def seen_from(transform: np.ndarray, here: Frame, there: Frame) -> np.ndarray:
    """A transform (2, 3) to a frame's normalised coordinates -> the same to those of another with the same axes."""
    axes = np.array([here.right, here.down])
    apart = axes @ (np.array(here.centre) - there.centre)
    moved = transform * (here.side / there.side)
    moved[:, 2] += 2 * apart / there.side
    return moved.astype(np.float32)
