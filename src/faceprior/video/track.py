"""Which face of one look of the detector is which of the next, and where it is between the two."""

from dataclasses import dataclass, field

import numpy as np

from ..photo.boxes import Detection, overlaps
from .smooth import OneEuro

GROWN = 1.5  # boxes are compared this much larger: a tiny face can leave its own box between two looks
LEAST = 0.15  # intersection over union of those
PATIENCE = 2  # looks that a face may be missed by before it is given up
SLOWEST, QUICKENING = 1.0, 2.0  # Hz; Hz a face's size a second


@dataclass
class Track:
    """A face through time. number: from 1, in order of appearance; detection: smoothed, at the last look."""

    number: int
    detection: Detection
    missed: int = 0
    filter: OneEuro = field(default_factory=lambda: OneEuro(SLOWEST, QUICKENING))


class Tracker:
    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._count = 0

    def look(
        self, found: list[Detection], seconds: float, panned: tuple[float, float] = (0.0, 0.0)
    ) -> dict[int, Detection]:
        """What the detector found at a time -> the smoothed faces by number, those just missed included. panned: by how
        many pixels, right and down, the whole picture moved since the last look."""
        if any(panned):
            for track in self.tracks:
                value = track.filter.value.copy()
                for start in (0, *range(4, len(value), 2)):  # the centre, the points
                    value[start : start + 2] += panned
                track.filter.value, track.detection = value, _from_vector(value, track.detection)
        rest = list(found)
        for track in sorted(self.tracks, key=lambda t: t.missed):
            i = _best(track.detection, rest)
            if i is None:
                track.missed += 1
                continue
            self._follow(track, rest.pop(i), seconds)
        for detection in rest:
            self._count += 1
            track = Track(self._count, detection)
            self._follow(track, detection, seconds)
            self.tracks.append(track)
        self.tracks = [track for track in self.tracks if track.missed <= PATIENCE]
        return self.faces()

    def forget(self) -> None:
        """Another scene: who is found now has a number of its own."""
        self.tracks = []

    def faces(self) -> dict[int, Detection]:
        return {track.number: track.detection for track in self.tracks}

    def found(self) -> frozenset[int]:
        """Those that the detector saw at the last look."""
        return frozenset(track.number for track in self.tracks if track.missed == 0)

    def leaving(self) -> frozenset[int]:
        """Those missed twice. Once is the detector's doing: the network still sees the face where it was."""
        return frozenset(track.number for track in self.tracks if track.missed > 1)

    def _follow(self, track: Track, found: Detection, seconds: float) -> None:
        size = float(np.sqrt(found.box[2] * found.box[3]))
        track.detection = _from_vector(track.filter(_vector(found), seconds, size), found)
        track.missed = 0


def between(a: Detection, b: Detection, part: float) -> Detection:
    """part 0 is `a`, 1 is `b`."""
    one, other = _vector(a), _vector(b)
    if one.shape != other.shape or a.turn != b.turn:
        return a if part < 0.5 else b
    return _from_vector(one + part * (other - one), b)


def _best(face: Detection, found: list[Detection]) -> int | None:
    if not found:
        return None
    union, _ = overlaps(_grown(face), np.stack([_grown(f) for f in found]))
    i = int(np.argmax(union))
    return i if union[i] >= LEAST else None


def _grown(face: Detection) -> np.ndarray:
    x, y, w, h = face.box
    return np.array([x - w * (GROWN - 1) / 2, y - h * (GROWN - 1) / 2, w * GROWN, h * GROWN])


def _vector(face: Detection) -> np.ndarray:
    """Centre, size and the points, in pixels: float64 (4,) or (14,)."""
    x, y, w, h = face.box
    points = () if face.points is None else np.ravel(face.points)
    return np.array([x + w / 2, y + h / 2, w, h, *points], np.float64)


def _from_vector(v: np.ndarray, like: Detection) -> Detection:
    x, y, w, h = (float(value) for value in v[:4])
    points = tuple((float(a), float(b)) for a, b in v[4:].reshape(-1, 2)) or None
    return Detection((x - w / 2, y - h / 2, w, h), like.score, points, like.turn)
