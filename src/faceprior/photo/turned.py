"""Photos that lie on their side or stand on their head: scans, and pictures without the tag that says so.

A detector finds some faces in them all the same, as if they were upright, and puts the eyes where no eyes are. What
gives them away is the score: YuNet is sure of upright faces of 14 px and more (0.92 in the middle) and unsure of
turned ones (0.77 lying, 0.86 on their head), while its points and boxes say little. So where few faces score well the
other quarter turns are tried, and one of them is taken for the whole photo where it is clearly better. On 120 real
faces of 14 to 60 px, each in the four turns, 92 to 99 % of those that are found upright are found turned, up to 6 % of
those on their head are taken for upright, and no upright one for turned.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .boxes import Detection, suppress

BETTER = 1.3  # times the weight of the photo as it is

# Quarter turns counter-clockwise, enlargement (None: the detector's own) -> faces, in pixels of the photo as it is.
Look = Callable[[int, int | None], list[Detection]]


@dataclass(frozen=True)
class Scores:
    """What a detector's scores mean. sure: upright faces have it, turned ones seldom; least: the best face of another
    turn has at least that, or it is no face; none: a score that says nothing."""

    sure: float
    least: float
    none: float

    def weight(self, found: list[Detection]) -> float:
        return sum(max(0.0, face.score - self.none) ** 2 for face in found)

    def doubtful(self, found: list[Detection]) -> bool:
        """Whether few faces score well; also where there is none."""
        return 2 * sum(face.score >= self.sure for face in found) <= len(found)


def find(look: Look, scores: Scores, *, any_turn: bool, auto_turn: bool, quick: int | None = None) -> list[Detection]:
    """The faces of a photo, best first: of every turn with `any_turn`, else of the one that the photo lies in.

    quick: enlargement for a first try of the other turns, which takes them a part of the time; None: the full search
    """
    found = look(0, None)
    if any_turn:
        return _merged(found + [face for turn in (1, 2, 3) for face in look(turn, None)])
    if not auto_turn or not scores.doubtful(found):
        return _merged(found)
    tried = {turn: look(turn, quick) for turn in (1, 3, 2)}
    turn = max(tried, key=lambda turn: scores.weight(tried[turn]))
    best = max((face.score for face in tried[turn]), default=0.0)
    if best < scores.least or scores.weight(tried[turn]) <= BETTER * scores.weight(found):
        return _merged(found)
    return _merged(tried[turn] if quick is None else look(turn, None))


def _merged(found: list[Detection]) -> list[Detection]:
    boxes = np.array([face.box for face in found]).reshape(-1, 4)
    return [found[i] for i in suppress(boxes, np.array([face.score for face in found]))]
