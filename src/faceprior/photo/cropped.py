"""One face that is already cut out: its LR, and what is said of its result."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ..face.frame import Frame
from ..face.similarity import similarity_parameters
from ..runtime.backends.base import LR_SIZE
from .cut import cut_lr
from .mask import components

if TYPE_CHECKING:
    from .cutface import CutFace

HEATMAPS = ".heatmaps"  # <stem>.heatmaps.png: the components over the face
IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def central_square(rgb: np.ndarray) -> Frame:
    height, width = rgb.shape[:2]
    return Frame(((width - 1) / 2, (height - 1) / 2), (1.0, 0.0), float(min(height, width)))


def face_to_lr(rgb: np.ndarray, size: int = LR_SIZE) -> np.ndarray:
    """The central square, brought to uint8 (size, size, 3) as the training protocol does."""
    return rgb if rgb.shape[:2] == (size, size) else cut_lr(rgb, central_square(rgb), size)


def describe(name: str, stem: str, note: str | None, face: "CutFace", *, overlays: bool) -> dict[str, Any]:
    """One entry of the JSON; positions in pixels of the 128x128 output, pixel centres at whole numbers.

    overlays: <stem>.heatmaps.png is written as well.
    """
    angle, scale, tx, ty = (float(value) for value in similarity_parameters(face.transform))
    entry: dict[str, Any] = {"input": name, "image": f"{stem}.png", "status": "doubtful" if face.doubt else "restored"}
    if face.doubt:
        entry["reason"] = face.doubt
    if overlays:
        entry["heatmaps"] = f"{stem}{HEATMAPS}.png"
    if note:
        entry["note"] = note
    if face.response is not None:
        entry[face.response.NAME] = face.response.to_dict()
    entry["looks"] = face.looks
    entry["transform"] = [[round(float(v), 5) for v in row] for row in face.transform]
    entry["alignment"] = {"angle": round(angle, 2), "scale": round(scale, 4), "shift": [round(tx, 4), round(ty, 4)]}
    entry["components"] = {
        c.name: {
            "visible": c.visible,
            "peak": round(c.peak, 3),
            "position": None if c.position is None else [round(v, 2) for v in c.position],
        }
        for c in components(face.heatmaps, IDENTITY)
    }
    return entry
