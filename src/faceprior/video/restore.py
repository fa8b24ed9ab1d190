"""One frame after the other -> enlarged, its faces restored; nothing pops in or out.

A face is pasted where the STN sees it in that very frame. To smooth its place in its box over time was worse in nearly
all that `benchmarks/moving.py` prints, faces at rest included: boxes wander, and the smoothed place did not follow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..face.trained import PAPER, TrainedRange
from ..photo.around import Place
from ..photo.blend import face_strength, is_rough
from ..photo.boxes import Detection
from ..photo.choice import size_of, suited
from ..photo.consistency import enforce
from ..photo.cut import cut_lr, face_frame
from ..photo.detail import effective_side
from ..photo.enlarge import enlarge
from ..photo.judge import clearness
from ..photo.looks import believable
from ..photo.options import PhotoOptions
from ..photo.own import SHARP, own_size, own_square
from ..photo.paste import Canvas, Restored, paste
from ..photo.pipeline import Network, NetworkResult
from ..photo.quality import conditions, noise_level, told
from ..photo.restraint import restraint
from ..photo.warp import compose, inverse
from .undone import Undoing

FOLLOWS = 0.3  # of what a frame says of a face's detail: focus comes and goes, and what moves is blurred
STICKS = 1.08  # times the detail at which another network, or other pixels, would be as good: less changes nothing
STAYS = 0.06  # of its pixels, or one and a half: a face that grows or shrinks by less is seen in as many as before
FEWEST = 16  # pixels of its own: smaller faces, which compression has spoilt most, lose 0.25 dB in theirs at 12
KEPT = 0.6  # of the heatmaps of the frame before: they are upright, so they lie on each other
FADE = 5  # frames that a face takes to come into a scene and to go
NOISE_EVERY = 10.0  # seconds between two measurements of the clip's grain, where sharpness asks for it


@dataclass
class Face:
    """What is remembered of a tracked face.

    place: (4,) c, n, x, y: the similarity [[c, n, x], [-n, c, y]] from the upright face to its box's square
    """

    place: np.ndarray | None = None
    heatmaps: np.ndarray | None = None
    image: np.ndarray | None = None
    network: Network | None = None
    pixels: int | None = None  # of its own in which the network last saw it; None: as many as the network has
    share: float | None = None  # of its square's pixels that hold detail, over the last frames
    whole: bool = True  #  it holds about as much detail as pixels, so it is seen in all of them
    details: tuple[float, float] = (np.inf, 0.0)  # pixels of detail across its square: least and most so far
    weight: float = 0.0  # 0..1, on its way in or out
    frames: int = 0  #      in which it was pasted

    def measure(self, rgb: np.ndarray, square: Frame, model: Network) -> None:
        """How much detail it holds in this frame, and so which network it goes to: `model` or its larger one."""
        now = max(effective_side(rgb, square) / square.side, 1e-3)
        self.share = now if self.share is None else self.share ** (1 - FOLLOWS) * now**FOLLOWS
        detail = self.detail_now(square)
        self.details = min(self.details[0], detail), max(self.details[1], detail)
        less, more = suited(model, detail / STICKS), suited(model, detail * STICKS)
        if self.network is None or less is more:
            self.network = suited(model, detail)

    def detail_now(self, square: Frame) -> float:
        """Pixels of detail across its square."""
        return self.share * square.side

    def leave(self) -> None:
        """It does not come back, but with another number: what it was counts still, not how it looked."""
        self.place = self.heatmaps = self.image = self.network = None

    def own_now(self, square: Frame, cut: Frame) -> int | None:
        """Pixels in which it is seen. They stay while it hardly changes: it would twinkle else."""
        self.whole = self.share >= (SHARP / STICKS if self.whole else min(SHARP * STICKS, 1.0))
        own = own_size(self.network, cut, cut.side if self.whole else min(self.share, SHARP) * cut.side)
        if own is None or self.pixels is None or not _alike(own, self.pixels):
            self.pixels = None if own is None or own < FEWEST else own
        return self.pixels


class FrameRestorer:
    """painter: enlarges a frame by `scale`; None: Lanczos. One that has `around` paints what is around the faces, too.
    quality: of JPEG as which the clip is told (`lossy.py`)."""

    def __init__(
        self,
        network: Network,
        options: PhotoOptions,
        scale: int,
        painter: Callable[[np.ndarray], Image.Image] | None = None,
        *,
        quality: float | None = None,
    ):
        self.network, self.options, self.scale, self.quality = network, options, scale, quality
        self._paint = painter or (lambda rgb: enlarge(rgb, scale))
        self._condition = getattr(painter, "condition", None)
        self._around = getattr(painter, "around", None)
        self.faces: dict[int, Face] = {}
        self._here: set[int] = set()  # those of the frame before: of others nothing large is kept
        self.seen_as = (0, 0)  # height and width of the frames
        self._noise: tuple[float, float] | None = None  # when it was measured, in seconds, and the grey levels
        self._arrived = False  # whether the scene's first frame was seen: who is in that does not fade in
        self._rough: tuple[float, float] | None = None  # the condition of the scene, for networks that are told
        self._undoing = Undoing(options, scale, quality)

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
        self.seen_as = rgb.shape[:2]
        most = self.options.most(*self.seen_as)
        plain, rgb = rgb, self._undoing(rgb, seconds, squares)
        shown = {n: square for n, square in squares.items() if self._known(rgb, n, square, most)}
        for number in self._here - found.keys():
            self.faces[number].leave()
        self._here = set(shown)
        self._measure_noise(rgb, seconds, shown)
        # A first look at a face tells where it is; for that the STN is enough.
        self._look(rgb, shown, [n for n in shown if self.faces[n].place is None], found=None)
        cuts = self._look(rgb, shown, list(shown), found=found)

        canvas = self._paint(plain) if canvas is None else canvas
        ready: list[tuple[Face, Frame, np.ndarray, float]] = []
        for number in sorted(shown, key=lambda n: shown[n].side):
            face = self.faces[number]
            going = number in leaving or not self._fits(number, shown[number], most) or not self._clear(face)
            face.weight = float(np.clip(face.weight + self._step(going), 0, 1))
            if face.image is None or face.weight == 0:
                continue
            cut, square = cuts[number], shown[number]
            ready.append((face, cut, _transform(face.place, square, cut), min(cut.side, face.detail_now(square))))
        if self._around is not None and self.options.strength > 0:
            self._around(canvas, rgb, [Place.of(cut, transform, face.weight) for face, cut, transform, _ in ready])
        for face, cut, transform, detail in ready:
            seen = face.pixels or size_of(face.network)
            restored = Restored(cut, face.image, face.heatmaps, transform, detail, seen)
            strength = self.options.strength * face.weight * face_strength(detail, cut.side, None, self._condition)
            keep = 1.0 if self.options.consistent else None
            trusted = is_rough(self._condition) and not self.options.consistent
            photo = rgb if exact is None else exact
            how = {"strength": strength, "keep_detail": keep, "trust_canvas": trusted}
            if paste(canvas, photo, restored, self.scale, **how) is not None:
                face.frames += 1
        self._arrived = True
        return canvas

    def new_scene(self) -> None:
        """What comes now has nothing to do with what came before."""
        self._arrived, self._noise, self._rough = False, None, None
        self._undoing.new_scene()

    def _step(self, going: bool) -> float:
        """By how much a face's weight changes with a frame."""
        return -1 / FADE if going else 1 / FADE if self._arrived else 1.0

    def _known(self, rgb: np.ndarray, number: int, square: Frame, most: float) -> bool:
        """Whether a face is to be looked at; its network and its detail are known then."""
        if self.options.faces is not None and number not in self.options.faces:
            return False
        face = self.faces.get(number)
        if square.side >= self.options.min_size:
            face = self.faces.setdefault(number, Face())
            face.measure(rgb, square, self.network)
        return face is not None and (face.weight > 0 or self._fits(number, square, most))

    def _fits(self, number: int, square: Frame, most: float) -> bool:
        return square.side >= self.options.min_size and self.faces[number].detail_now(square) <= most

    def _clear(self, face: Face) -> bool:
        """Whether the network sees eyes, nose, mouth and chin there, by and large over the last frames."""
        least = getattr(face.network, "no_face", 0.0)
        return not least or face.heatmaps is None or clearness(face.heatmaps) >= least

    def _measure_noise(self, rgb: np.ndarray, seconds: float, shown: Mapping[int, Frame]) -> None:
        wanted = bool(shown) and getattr(self.network, "sharpness", 0) > 0
        if wanted and (self._noise is None or abs(seconds - self._noise[0]) >= NOISE_EVERY):
            self._noise = seconds, noise_level(rgb)

    def _look(
        self,
        rgb: np.ndarray,
        squares: Mapping[int, Frame],
        numbers: list[int],
        found: Mapping[int, Detection] | None,
    ) -> dict[int, Frame]:
        """Cuts those faces where they are thought to be, and learns from the network where they are: from its STN alone
        where `found`, their boxes, is None."""
        cuts: dict[int, Frame] = {}
        alike: dict[tuple[int, int], tuple[Network, dict[int, np.ndarray]]] = {}  # as a call wants them
        for n in numbers:
            face = self.faces[n]
            cut = _cut(face.place, squares[n], getattr(face.network, "trained", PAPER))
            pixels = None if found is None else face.own_now(squares[n], cut)
            if pixels is not None and _alike(cut.side, pixels):
                lr, cuts[n] = own_square(rgb, cut, pixels)
            else:
                lr, cuts[n] = cut_lr(rgb, cut, pixels or size_of(face.network)), cut
            alike.setdefault((id(face.network), len(lr)), (face.network, {}))[1][n] = lr
        for network, members in alike.values():
            self._run(network, members, squares, cuts, rgb, found)
        return cuts

    def _run(
        self,
        network: Network,
        members: Mapping[int, np.ndarray],
        squares: Mapping[int, Frame],
        cuts: Mapping[int, Frame],
        rgb: np.ndarray,
        found: Mapping[int, Detection] | None,
    ) -> None:
        """members: the LRs of those cuts, of one size."""
        lr = np.stack(list(members.values()))
        locate = getattr(network, "locate", None)
        if found is None and locate is not None:
            result, transforms = None, locate(lr)
        else:
            if getattr(network, "told", False) and self._rough is None:
                self._rough = self._condition or told(rgb, self.quality)
            result = self._through(network, lr, [(found or {}).get(n) for n in members], [cuts[n] for n in members])
            transforms = result.transforms
        for i, n in enumerate(members):
            face, transform = self.faces[n], np.asarray(transforms[i], np.float64)
            if not believable(transform, getattr(network, "trained", PAPER)):
                continue  # it stays where it was, with the picture that it had
            total = compose(_between(cuts[n], squares[n]), transform)
            face.place = _similarity(total)
            if result is None:
                continue
            heatmaps = result.heatmaps[i]
            face.heatmaps = heatmaps if face.heatmaps is None else KEPT * face.heatmaps + (1 - KEPT) * heatmaps
            consistent = self.options.consistent
            face.image = enforce(result.images[i], lr[i], transform) if consistent else result.images[i]

    def _through(
        self, network: Network, lr: np.ndarray, boxes: list[Detection | None], cuts: list[Frame]
    ) -> NetworkResult:
        """The whole network; where it is sharp, less so for turned faces and grainy clips, as in photos."""
        more = {}
        if self._noise is not None:
            part = [1.0 if box is None else restraint(box, self._noise[1]) for box in boxes]
            more["restraint"] = np.array(part, np.float32)
        if self._rough is not None and getattr(network, "told", False):
            more["condition"] = conditions(self._rough, cuts, len(lr[0]))
        return network(lr, **more)


def _alike(side: float, pixels: int) -> bool:
    """Whether a face fills about so many pixels."""
    return abs(side - pixels) <= max(1.5, STAYS * pixels)


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
    """Its place, as a transform of this cut."""
    return compose(inverse(_between(cut, square)), _matrix(place))
