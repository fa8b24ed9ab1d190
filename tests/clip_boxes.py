"""The box that a detector gives of a face, by where the face is."""

from faceprior.photo.boxes import Detection
from faceprior.photo.cut import BOX_DROP, SIDE_BOX


def box(x: float, y: float, side: float) -> Detection:
    """x, y: its centre; side: of the network's square; pixels."""
    extent = side / SIDE_BOX
    return Detection((x + 0.5 - extent / 2, y + 0.5 - BOX_DROP * side - extent / 2, extent, extent), 1.0)
