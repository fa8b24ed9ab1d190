"""Whether what the network made of a cut face can be trusted, and in words why not."""

import numpy as np

from ..face.similarity import similarity_parameters
from ..face.trained import TrainedRange

# Mean of the four heatmaps' peaks, by the network's pixels. On 300 validation faces, tilted and off centre (protocol
# `wide`), it is above this for 100 and 99.7 %, of rough ones (JPEG, noise, blur) for 98.7 and 99.7 %; on 300 squares of
# photographs without faces for 0.7 and 0 %. Their transforms say nothing. `benchmarks/clear.py` measures it.
CLEAR = {16: 0.70, 32: 0.75}


def doubt_of(transform: np.ndarray, heatmaps: np.ndarray, trained: TrainedRange, size: int) -> str | None:
    """transform (2, 3), heatmaps (4, R, R), finite, of a network of `size` px -> the reason for a doubt, or None."""
    if not trained.holds(transform):
        angle, scale, tx, ty = (float(v) for v in similarity_parameters(transform))
        return (
            f"the network saw it turned by {angle:.0f} degrees, {1 / scale:.2f} times as large and "
            f"{max(abs(tx), abs(ty)):.0%} off, outside of what it was trained on"
        )
    clear = clearness(heatmaps)
    if heatmaps.any() and clear < CLEAR[size]:
        return f"the network saw eyes, nose, mouth and chin faintly ({clear:.2f}, of a face {CLEAR[size]} and more)"
    return None


def clearness(heatmaps: np.ndarray) -> float:
    """Mean of the peaks of (4, R, R): how sure the network is of its components."""
    return float(heatmaps.reshape(len(heatmaps), -1).max(1).mean())
