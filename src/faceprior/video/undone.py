"""What of a clip's frames is undone before the networks see its faces: sharpening and softness of a scene, and softness
of single faces, which changes with focus and motion."""

from collections.abc import Mapping

import numpy as np

from ..face.frame import Frame
from ..photo.cutstate import CutState, squares_of
from ..photo.options import PhotoOptions
from ..photo.sharpened import Sharpening
from ..photo.softened import Response, Softness, raised, response_of, undone
from ..photo.unsharpen import unsharpened_at

EVERY = 1.0  # seconds between two measurements of how soft a scene is
FOLLOWS, EASED = 0.3, 0.1  # of what a frame says of a face; of what the last measurement says of a scene
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
        self._measured: float | None = None  # when, in seconds
        self._told = self._scene = np.zeros(3)  # of softness, as last measured and as it is followed, see `_numbers`
        self._soft: dict[int, np.ndarray] = {}  # the same of faces

    def __call__(self, rgb: np.ndarray, seconds: float, squares: Mapping[int, Frame]) -> np.ndarray:
        """uint8 (H, W, 3) and its faces by number -> the frame as the networks are given it."""
        wanted = {number: square for number, square in squares.items() if square.side >= self._least}
        if not wanted or all(self._keeps.values()):
            return rgb
        self._measure(rgb, seconds)
        self._scene = self._scene + EASED * (self._told - self._scene)
        scene: Response | None = self._sharpening or _softness(self._scene)
        by = {number: scene or self._of_face(rgb, number, square) for number, square in wanted.items()}
        faces = [(wanted[number], one) for number, one in by.items() if one is not None]
        return unsharpened_at(rgb, faces, *AROUND) if faces else rgb

    def _measure(self, rgb: np.ndarray, seconds: float) -> None:
        """Of sharpening once a scene, of softness now and then."""
        first = self._measured is None
        if not first and (self._sharpening is not None or abs(seconds - self._measured) < EVERY):
            return
        found = undone(response_of(rgb, self._quality), **self._keeps)
        self._measured, self._told = seconds, _numbers(found)
        if first:
            self._scene, self._sharpening = self._told, found if isinstance(found, Sharpening) else None

    def _of_face(self, rgb: np.ndarray, number: int, square: Frame) -> Softness | None:
        """How soft a face is, over the last frames: it comes and goes so slowly that nothing flickers."""
        if self._keeps["keep_softness"]:
            return None
        state = CutState.of(squares_of(rgb, [square]), 0.0)
        if state is None:
            return None
        now = _numbers(state.softness_alone)
        before = self._soft.get(number, now)
        self._soft[number] = before + FOLLOWS * (now - before)
        return _softness(self._soft[number])


def _numbers(found: Response | None) -> np.ndarray:
    """(3,): octaves that are missing at FINE and MIDDLE, and octaves by which waves are raised at most."""
    return np.array([found.fine, found.middle, np.log2(found.most)]) if isinstance(found, Softness) else np.zeros(3)


def _softness(numbers: np.ndarray) -> Softness | None:
    fine, middle, octaves = map(float, numbers)
    return raised(-fine, -middle, 2.0**octaves)
