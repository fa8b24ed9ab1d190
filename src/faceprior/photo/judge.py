"""Whether what the network made of a cut face can be trusted, and in words why not."""

import numpy as np

from ..face.similarity import similarity_parameters
from ..face.trained import TrainedRange

# Mean of the four heatmaps' peaks. `standard` on 360 faces of 12 to 20 px, tilted and off centre: 0.785 and more for
# 95 %, above this for 98.6 %; on 145 squares of textures, icons and text as large: above this for 16 %, and their
# transforms say nothing. To be measured anew with another network: `test_the_packaged_network_knows_a_face_...`.
CLEAR = 0.77


def doubt_of(transform: np.ndarray, heatmaps: np.ndarray, trained: TrainedRange) -> str | None:
    """transform (2, 3), heatmaps (4, R, R), finite -> the reason for a doubt, or None."""
    if not trained.holds(transform):
        angle, scale, tx, ty = (float(v) for v in similarity_parameters(transform))
        return (
            f"the network saw it turned by {angle:.0f} degrees, {1 / scale:.2f} times as large and "
            f"{max(abs(tx), abs(ty)):.0%} off, outside of what it was trained on"
        )
    clear = float(heatmaps.reshape(len(heatmaps), -1).max(1).mean())
    if heatmaps.any() and clear < CLEAR:
        return f"the network saw eyes, nose, mouth and chin faintly ({clear:.2f}, of a face {CLEAR} and more)"
    return None
