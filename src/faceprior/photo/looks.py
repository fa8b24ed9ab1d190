"""What a look of the network at a cut says: whether there can be a face, and where a better cut lies."""

import numpy as np

from ..face.frame import Frame
from ..face.similarity import similarity_parameters
from ..face.trained import PAPER, TrainedRange
from .warp import upright_to_photo

# A detector's square is often off by more than the network was trained on. What the STN says of it, though it
# says too little there, makes a better cut: benchmarks/second_look.py prints what each look gains.
SECOND_LOOKS = 2
NEAR_SHIFT, NEAR_LOG_SCALE = 0.03, 0.05  # parts of the side; closer than this a new cut gains nothing


def believable(transform: np.ndarray, trained: TrainedRange = PAPER) -> bool:
    """Whether a predicted transform (2, 3) can be that of a face in the cut."""
    return trained.widened().holds(transform)


def is_off_centre(transform: np.ndarray) -> bool:
    """Whether the network saw the face so far from the middle of the cut, or of its size, that a new cut pays."""
    _, scale, tx, ty = (float(v) for v in similarity_parameters(transform))
    return max(abs(tx), abs(ty)) > NEAR_SHIFT or abs(np.log(scale)) > NEAR_LOG_SCALE


def centred(frame: Frame, transform: np.ndarray) -> Frame:
    """The cut, moved and scaled (not turned) to where the network saw the face."""
    matrix = upright_to_photo(frame, transform, 1)
    side = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    return Frame((float(matrix[0, 2]), float(matrix[1, 2])), frame.right, side)


def upright_turn(frame: Frame, transform: np.ndarray) -> Frame:
    """The cut, turned by the quarter turns that bring the face that the network saw nearest to upright."""
    right = upright_to_photo(frame, transform, 1)[:, 0]
    x, y = right / max(float(np.hypot(*right)), 1e-9)
    axis = (float(np.sign(x)), 0.0) if abs(x) >= abs(y) else (0.0, float(np.sign(y)))
    return Frame(frame.centre, axis, frame.side)
