"""Which faces a step sees, and the seed of everything it draws: functions of (seed, epoch, step, rank).

Nothing is stored and nothing runs ahead, so a run resumes at any step exactly, also within an epoch.
"""

import hashlib
import random

import numpy as np
import torch
from torch import Tensor


def seed_of(*parts: int | str) -> int:
    """A 63-bit seed from its parts, well mixed: neighbouring steps share nothing."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_everything(*parts: int | str) -> None:
    """Python's, NumPy's and PyTorch's (every device's) global generators."""
    seed = seed_of(*parts)
    random.seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    torch.manual_seed(seed)


class Sampler:
    """Each epoch a new order of all faces, cut into global batches; the rest of an epoch is dropped.

    A global batch is the same however many processes share it: process r of w takes its r-th w-th.
    """

    def __init__(self, faces: int, batch: int, seed: int):
        self.faces, self.batch, self.seed = faces, batch, seed
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    @property
    def steps_per_epoch(self) -> int:
        return self.faces // self.batch

    def at(self, step: int) -> Tensor:
        """int64 (batch,): the rows of the store for the update after `step` updates."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
            self._order, self._epoch = torch.randperm(self.faces, generator=generator), epoch
        return self._order[place * self.batch : (place + 1) * self.batch]
