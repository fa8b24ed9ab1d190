"""Which network a face is given to: by the detail that the photo holds of it, not by its pixels."""

from typing import Any

import numpy as np

from ..face.frame import Frame
from ..runtime.backends.base import LR_SIZE
from .detail import effective_side

# Pixels of detail across the cut square from which on the network of 32 px is the better one (`benchmarks/blend.py`
# with either of them): of networks of any size, where at 22 px it is behind by 0.1 dB and at 24 px equal; and of
# those that take 16 and 32 px alone, where at 18 px it is behind by 0.1 dB and at 22 px ahead by as much.
LARGER_FROM, LARGER_FROM_CUT = 24.0, 20.5


def network_for(network: Any, rgb: np.ndarray, frame: Frame) -> tuple[Any, float]:
    """A model, a photo uint8 (H, W, 3), a cut -> the model, or its `larger` one where it has one (`Upscaler.larger`),
    and the pixels of detail across the cut."""
    detail = effective_side(rgb, frame)
    return suited(network, detail), detail


def suited(network: Any, detail: float) -> Any:
    """The model, or its `larger` one, for a cut of so many pixels of detail."""
    limit = LARGER_FROM if getattr(network, "any_size", False) else LARGER_FROM_CUT
    larger = getattr(network, "larger", None)
    return larger if detail >= limit and larger is not None else network


def size_of(network: Any) -> int:
    """Pixels of the faces that it takes."""
    return getattr(network, "size", LR_SIZE)
