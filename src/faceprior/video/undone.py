"""What of a clip's frames is undone before the networks see its faces: what a scene was sharpened by, or how soft each
face is, which changes with its focus and its motion."""

from collections.abc import Mapping

import numpy as np

from ..face.frame import Frame
from ..photo.cutstate import CutState, squares_of
from ..photo.options import PhotoOptions
from ..photo.sharpened import Sharpening, sharpening_of
from ..photo.softened import Response, Softness, raised
from ..photo.unsharpen import unsharpened_at

FOLLOWS = 0.3  # of what a frame says of a face
AROUND = 1.1, 1.3  # of a face's side, from its middle: what cuts and pasting see of a frame, and where it fades out


class Undoing:
    """quality: of JPEG as which the clip is told (`lossy.py`)"""

    def __init__(self, options: PhotoOptions, scale: int, quality: float | None = None):
        stays = scale == 1 or options.consistent
        self._keeps = {name: keep or stays for name, keep in options.keeps.items()}
        self._least, self._quality = options.min_size, quality
        self.new_scene()

    def new_scene(self) -> None:
        """What comes now has nothing to do with what came before."""
        self._sharpening: Sharpening | None = None  # of the scene, once a face was in it
        self._measured = False
        self._soft: dict[int, np.ndarray] = {}  # of faces: octaves at FINE, at MIDDLE, and to which they are raised

    def __call__(self, rgb: np.ndarray, squares: Mapping[int, Frame]) -> np.ndarray:
        """uint8 (H, W, 3) and its faces by number -> the frame as the networks are given it."""
        wanted = {number: square for number, square in squares.items() if square.side >= self._least}
        if wanted and not self._measured:
            kept = self._keeps["keep_sharpening"]
            self._sharpening, self._measured = None if kept else sharpening_of(rgb, self._quality), True
        undone: list[tuple[Frame, Response]] = []
        if self._sharpening is not None:
            undone = [(square, self._sharpening) for square in wanted.values()]
        elif not self._keeps["keep_softness"]:
            found = {number: self._softness(rgb, number, square) for number, square in wanted.items()}
            undone = [(wanted[number], one) for number, one in found.items() if one is not None]
        return unsharpened_at(rgb, undone, *AROUND) if undone else rgb

    def _softness(self, rgb: np.ndarray, number: int, square: Frame) -> Softness | None:
        """How soft a face is, over the last frames: it comes and goes so slowly that nothing flickers."""
        state = CutState.of(squares_of(rgb, [square]), 0.0)
        if state is None:
            return None
        found = state.response
        octaves = np.log2(found.most) if isinstance(found, Softness) else 0.0
        now = np.array([state.fine, state.middle, octaves])
        before = self._soft.get(number, now)
        self._soft[number] = fine, middle, octaves = before + FOLLOWS * (now - before)
        return raised(float(fine), float(middle), float(2.0**octaves))
