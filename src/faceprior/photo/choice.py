"""Which network a face is given to: by the detail that the photo holds of it, not by its pixels."""

from typing import Any

import numpy as np

from ..face.frame import Frame
from ..runtime.backends.base import LR_SIZE
from .cut import gains_from_enlarging
from .detail import effective_side

# Pixels of detail across the cut square from which on the network of 32 px is the better one: at 18 px it is behind by
# 0.1 dB, at 20 px they are equal, at 22 px it is ahead by 0.1 dB (`benchmarks/blend.py` with either of them).
LARGER_FROM = 20.5
# ... and where the face is cut from what the canvas network enlarged, which gives it 32 px to see.
LARGER_FROM_ENLARGED = 18.5


def network_of(network: Any, detail: float, enlarged: float | None = None) -> Any:
    """A model, or its `larger` one where it has one (`Upscaler.larger`), for a face of so many pixels of detail;
    enlarged: the side of its cut, where that can be made of the photo that the canvas network enlarged."""
    larger = getattr(network, "larger", None)
    if larger is None:
        return network
    gains = enlarged is not None and gains_from_enlarging(enlarged, detail, size_of(larger))
    return larger if detail >= (LARGER_FROM_ENLARGED if gains else LARGER_FROM) else network


def network_for(network: Any, rgb: np.ndarray, frame: Frame) -> tuple[Any, float]:
    """A model, a photo uint8 (H, W, 3), a cut -> `network_of` them, and the pixels of detail across the cut."""
    detail = effective_side(rgb, frame)
    return network_of(network, detail), detail


def size_of(network: Any) -> int:
    """Pixels of the faces that it takes."""
    return getattr(network, "size", LR_SIZE)
