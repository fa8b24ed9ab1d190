"""What is evaluated: one interface for floors, models of ours and of others."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..dataset.pairs import Pairs

HR_SIZE = 128


@dataclass
class Restored:
    """What a model makes of N faces. `heatmaps` and `transforms` are None where it has no such thing."""

    images: np.ndarray  #                     uint8 (N, 128, 128, 3), RGB, upright
    heatmaps: np.ndarray | None = None  #     float32 (N, 4, R, R)
    transforms: np.ndarray | None = None  #   float32 (N, 2, 3), upright -> unaligned
    frame: np.ndarray | None = None  #        the same where a model estimates none


class Restorer(Protocol):
    """A model under evaluation. `name` stands in the table, `sha256` is its file's, None where it has none."""

    name: str
    sha256: str | None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        """LR uint8 (N, h, h, 3), h of the protocol. `pairs` is the batch: for floors that may know the truth."""
        ...
