"""One frame after the other -> enlarged, its faces restored: positions smoothed, nothing pops in or out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..face.trained import PAPER, TrainedRange
from ..photo.blend import face_strength
from ..photo.boxes import Detection
from ..photo.choice import network_for, size_of
from ..photo.consistency import enforce
from ..photo.cut import cut_lr, face_frame
from ..photo.enlarge import enlarge
from ..photo.looks import believable
from ..photo.options import PhotoOptions
from ..photo.paste import Canvas, Restored, paste
from ..photo.pipeline import Network
from ..photo.warp import compose, inverse
from .smooth import OneEuro

SLOWEST, QUICKENING = 1.5, 6.0  # Hz; Hz a half side a second: of where in its box a face is
OTHER = 1.3  # times the size at which its network was chosen: then it is chosen anew
KEPT = 0.6  # of the heatmaps of the frame before: they are upright, so they lie on each other
FADE = 5  # frames that a face takes to come and to go


@dataclass
class Face:
    """What is remembered of a tracked face.

    place: (4,) c, n, x, y: the similarity [[c, n, x], [-n, c, y]] from the upright face to its box's square
    """

    place: np.ndarray | None = None
    filter: OneEuro = field(default_factory=lambda: OneEuro(SLOWEST, QUICKENING))
    heatmaps: np.ndarray | None = None
    image: np.ndarray | None = None
    network: Network | None = None
    side: float = 0.0  #   of its square when the network was chosen; it stays as long as that is about the same
    detail: float = 0.0  # then, in pixels
    weight: float = 0.0  # 0..1, on its way in or out
    frames: int = 0  #      in which it was pasted


class FrameRestorer:
    """painter: enlarges a frame by `scale`; None: Lanczos."""

    def __init__(
        self,
        network: Network,
        options: PhotoOptions,
        scale: int,
        painter: Callable[[np.ndarray], Image.Image] | None = None,
    ):
        self.network, self.options, self.scale = network, options, scale
        self._paint = painter or (lambda rgb: enlarge(rgb, scale))
        self._condition = getattr(painter, "condition", None)
        self.faces: dict[int, Face] = {}

    def __call__(
        self,
        rgb: np.ndarray,
        seconds: float,
        found: Mapping[int, Detection],
        leaving: frozenset[int] = frozenset(),
        *,
        canvas: Canvas | None = None,
        exact: np.ndarray | None = None,
    ) -> Image.Image | Canvas:
        """uint8 (H, W, 3) and its faces by number -> the enlarged frame. leaving: those that fade out.

        canvas: the frame already enlarged, where that is no picture of 8 bits and square pixels; exact: float32
        (H, W, 3), `rgb` before it was rounded.
        """
        squares = {number: face_frame(detection) for number, detection in found.items()}
        shown = {n: square for n, square in squares.items() if self._wanted(n, square)}
        new = [n for n in shown if self.faces.setdefault(n, Face()).place is None]
        cuts = self._look(rgb, shown, list(shown), seconds)
        # A first look at a face tells where it is; the second sees it there.
        cuts |= self._look(rgb, shown, [n for n in new if self.faces[n].place is not None], seconds)

        canvas = self._paint(rgb) if canvas is None else canvas
        for number in sorted(shown, key=lambda n: shown[n].side):
            face = self.faces[number]
            going = number in leaving or not self._fits(shown[number])
            face.weight = float(np.clip(face.weight + (-1 if going else 1) / FADE, 0, 1))
            if face.place is None or face.weight == 0:
                continue
            cut = cuts[number]
            transform = _transform(face.place, shown[number], cut)
            detail = min(cut.side, face.detail * shown[number].side / face.side)
            restored = Restored(cut, face.image, face.heatmaps, transform, detail, size_of(face.network))
            strength = self.options.strength * face.weight * face_strength(detail, cut.side, None, self._condition)
            keep = 1.0 if self.options.consistent else None
            photo = rgb if exact is None else exact
            if paste(canvas, photo, restored, self.scale, strength=strength, keep_detail=keep) is not None:
                face.frames += 1
        return canvas

    def _wanted(self, number: int, square: Frame) -> bool:
        if self.options.faces is not None and number not in self.options.faces:
            return False
        known = self.faces.get(number)
        return self._fits(square) or (known is not None and known.weight > 0)

    def _fits(self, square: Frame) -> bool:
        return self.options.min_size <= square.side <= self.options.max_size

    def _choose(self, rgb: np.ndarray, number: int, square: Frame) -> Network:
        face = self.faces[number]
        if face.network is None or not 1 / OTHER < square.side / face.side < OTHER:
            face.network, face.detail = network_for(self.network, rgb, square)
            face.side = square.side
        return face.network

    def _look(
        self, rgb: np.ndarray, squares: Mapping[int, Frame], numbers: list[int], seconds: float
    ) -> dict[int, Frame]:
        """Cuts those faces where they are thought to be, and learns from the network where they are."""
        cuts = {}
        groups: dict[int, tuple[Network, list[int]]] = {}
        for n in numbers:
            network = self._choose(rgb, n, squares[n])
            cuts[n] = _cut(self.faces[n].place, squares[n], getattr(network, "trained", PAPER))
            groups.setdefault(id(network), (network, []))[1].append(n)
        for network, members in groups.values():
            self._run(network, rgb, squares, {n: cuts[n] for n in members}, seconds)
        return cuts

    def _run(
        self, network: Network, rgb: np.ndarray, squares: Mapping[int, Frame], cuts: Mapping[int, Frame], seconds: float
    ) -> None:
        lr = np.stack([cut_lr(rgb, cut, size_of(network)) for cut in cuts.values()])
        result = network(lr)
        for i, n in enumerate(cuts):
            face, transform = self.faces[n], np.asarray(result.transforms[i], np.float64)
            if not believable(transform, getattr(network, "trained", PAPER)):
                continue  # it stays where it was, with the picture that it had
            total = compose(_between(cuts[n], squares[n]), transform)
            face.place = face.filter(_similarity(total), seconds)
            heatmaps = result.heatmaps[i]
            face.heatmaps = heatmaps if face.heatmaps is None else KEPT * face.heatmaps + (1 - KEPT) * heatmaps
            consistent = self.options.consistent
            face.image = enforce(result.images[i], lr[i], transform) if consistent else result.images[i]


def _similarity(matrix: np.ndarray) -> np.ndarray:
    """(2, 3) -> (4,) c, n, x, y."""
    (a, b, x), (c, d, y) = matrix
    return np.array([(a + d) / 2, (b - c) / 2, x, y])


def _matrix(place: np.ndarray) -> np.ndarray:
    c, n, x, y = place
    return np.array([[c, n, x], [-n, c, y]])


def _cut(place: np.ndarray | None, square: Frame, trained: TrainedRange) -> Frame:
    """The square, moved and scaled (not turned) to where the face was in it the frame before."""
    if place is None:
        return square
    c, n, x, y = place
    step = (x * np.array(square.right) + y * np.array(square.down)) * square.side / 2
    size = float(np.clip(np.hypot(c, n), *trained.widened().scale))
    return Frame((square.centre[0] + step[0], square.centre[1] + step[1]), square.right, square.side * size)


def _between(cut: Frame, square: Frame) -> np.ndarray:
    """Normalised coordinates of the cut -> of the square, both along the same axes: (2, 3)."""
    size = cut.side / square.side
    step = (np.array(cut.centre) - square.centre) * 2 / square.side
    return np.array([[size, 0, step @ square.right], [0, size, step @ square.down]])


def _transform(place: np.ndarray, square: Frame, cut: Frame) -> np.ndarray:
    """The smoothed place, as the transform that a network without jitter would have given for this cut."""
    return compose(inverse(_between(cut, square)), _matrix(place))
