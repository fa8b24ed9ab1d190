"""What a network was trained on: how far off the cut may be. One place for whatever judges a predicted transform."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from .similarity import similarity_parameters


@dataclass(frozen=True)
class TrainedRange:
    """angle: degrees to either side; scale: of the cut's side; shift: to either side, parts of the side."""

    angle: float
    scale: tuple[float, float]
    shift: float

    def holds(self, transform: np.ndarray) -> bool:
        """Whether a predicted transform (2, 3) lies inside. One that is not finite, or flat, does not."""
        if not np.isfinite(transform).all() or abs(np.linalg.det(np.asarray(transform)[:, :2])) < 1e-3:
            return False
        angle, scale, tx, ty = (float(v) for v in similarity_parameters(transform))
        low, high = self.scale
        return abs(angle) <= self.angle and low <= scale <= high and max(abs(tx), abs(ty)) <= self.shift

    def widened(self) -> "TrainedRange":
        """What may still be a face: a prediction errs, and a little beyond its range a network extrapolates."""
        return TrainedRange(
            self.angle + ROLL, (self.scale[0] / SCALE, self.scale[1] * SCALE), self.shift + SHIFT
        )  # fmt: skip

    def joined(self, other: "TrainedRange") -> "TrainedRange":
        """The smallest that holds both."""
        low, high = zip(self.scale, other.scale, strict=True)
        return TrainedRange(max(self.angle, other.angle), (min(low), max(high)), max(self.shift, other.shift))


LEAST, MOST = 8, 128  # pixels of a face that a network can be trained on
ROLL, SCALE, SHIFT = 20.0, 1.2, 0.15  # by how much `widened` widens
# By the protocol's name in the model's description (dataset/protocol.py).
RANGES = {
    "paper": TrainedRange(45.0, (0.9, 1.1), 0.05),
    "wide": TrainedRange(50.0, (0.75, 1.35), 0.15),
}
PAPER = RANGES["paper"]


def trained_sizes(header: Mapping[str, Any]) -> tuple[int, int] | None:
    """The least and the most pixels of the faces that the model of this description was trained on, where they were of
    many sizes (`data.sizes`); None: of one."""
    try:
        least, most = header["provenance"]["config"]["data"]["sizes"]
    except (KeyError, TypeError, ValueError):
        return None
    whole = all(isinstance(pixels, int) and not isinstance(pixels, bool) for pixels in (least, most))
    return (least, most) if whole and LEAST <= least <= most <= MOST else None


def trained_range(header: Mapping[str, Any]) -> TrainedRange:
    """Of the model whose description this is: by the protocols that its training run names, else the paper's."""
    try:
        named = header["provenance"]["config"]["data"]["protocol"]
    except (KeyError, TypeError):
        return PAPER
    known = [RANGES[name] for name in RANGES if name in (named if isinstance(named, list) else [named])]
    return reduce(TrainedRange.joined, known) if known else PAPER
