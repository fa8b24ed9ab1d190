"""A second opinion on faces that the detector is not sure of: gravel, lanterns, shoes and text score as small faces do.

What tells them apart is not the score but whether it stands: a face is found again when it is cut out, enlarged to
other sizes and mirrored, a texture mostly is not. The mean score of those looks decides. Of what the network makes of
the cut, the heatmaps say less (it draws a face into anything), and what they say is another with each network.

Of 17 false faces at YuNet's threshold (textures, text, noise, stars, leaves, and what has no face in 180 general
photographs) 3 stand. Of true ones fall 2 of 245 in drawn-up crowds (9 to 45 px, some as JPEG 50), 3 of 624 in group
photos of all sizes and qualities, and 3 of 40 in the general photographs: under a hat, from behind, a silhouette. The
looks and the threshold were chosen on these same faces.
`benchmarks/false_faces.py` prints it for folders of one's own.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from ..face.frame import Frame
from .boxes import Detection, overlaps
from .cut import cut

SURE = 0.9  # of the detector: hardly any false face scores as much, and most true ones do
LOOKS = ((60, False), (60, True))  # the face's side in pixels of the cut, whether mirrored
AROUND = 3  # the cut, in sides of the face
SAME = 0.35  # intersection over union with what was found
LEAST = 0.7  # mean score over the looks

Tile = Callable[[np.ndarray], np.ndarray]  # uint8 (H, W, 3) -> (N, 15), boxes of any score first, the score last


def stands(rgb: np.ndarray, face: Detection, tile: Tile) -> bool:
    """Whether a face found in a photo, uint8 (H, W, 3), is found again. tile: the detector with a low threshold."""
    return face.score >= SURE or opinion(rgb, face, tile) >= LEAST


def opinion(rgb: np.ndarray, face: Detection, tile: Tile) -> float:
    """The mean score, 0..1, over cuts in which the face has other sizes, as it lies and mirrored."""
    return float(np.mean([_score(rgb, face, size, mirrored, tile) for size, mirrored in LOOKS]))


def _score(rgb: np.ndarray, face: Detection, size: int, mirrored: bool, tile: Tile) -> float:
    x, y, w, h = face.box
    side = float(np.sqrt(w * h))
    pixels = -(-AROUND * size // 32) * 32  # what the network of the detector takes without padding
    angle = np.radians(90 * face.turn)
    right = (float(np.cos(angle).round()), float(np.sin(angle).round()))
    frame = Frame((x + w / 2 - 0.5, y + h / 2 - 0.5), right, side * pixels / size)
    smooth = Image.Resampling.BICUBIC if frame.side < pixels else Image.Resampling.LANCZOS
    patch = cut(rgb, frame, pixels, smooth)
    rows = tile(np.ascontiguousarray(patch[:, ::-1]) if mirrored else patch)
    if not len(rows):
        return 0.0
    w, h = (h, w) if face.turn % 2 else (w, h)  # as it stands in the cut
    w, h = w * size / side, h * size / side
    union, _ = overlaps(np.array([(pixels - w) / 2, (pixels - h) / 2, w, h]), rows[:, :4])
    return float(rows[union > SAME, 14].max(initial=0.0))
