"""What some comparators take from the training faces besides gradients: patches, neighbours, the mean face's prior."""

from collections.abc import Callable, Iterable
from typing import Protocol

from torch import Tensor


class Faces(Protocol):
    """A batch of training faces; `dataset.pairs.Pairs` is one."""

    lr: Tensor  #         (B, 3, 16, 16) in [-1, 1], unaligned
    hr: Tensor  #         (B, 3, 128, 128) in [-1, 1], upright
    landmarks: Tensor  #  (B, 68, 2), HR pixels


Batches = Callable[[], Iterable[Faces]]  # each call goes over the faces anew


class Learner(Protocol):
    """A network with such a part. `passes` says how often each face is wanted, each time moved differently."""

    def learn(self, batches: Batches) -> None:
        """Fill the network's buffers. Called once, before the first update; not on resumption."""
        ...
