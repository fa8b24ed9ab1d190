"""Which faces a step sees, and the seed of everything it draws: functions of (seed, epoch, step, rank).

Nothing is stored, so a run resumes at any step exactly, also within an epoch.
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


def how_often(yaw: Tensor, factor: int) -> Tensor:
    """Degrees (faces,) -> int (faces,): once, `factor` times from 30 degrees on, and `factor` times as often as that
    for each 15 degrees more: turned faces are few."""
    return factor ** ((yaw.abs() / 15).floor() - 1).clamp(0, 3).long()


class Sampler:
    """Each epoch a new order of all faces, cut into global batches; the rest of an epoch is dropped.

    A global batch is the same however many processes share it: process r of w takes its r-th w-th.
    """

    def __init__(self, faces: int, batch: int, seed: int, often: Tensor | None = None):
        """`often`: int (faces,), how many times an epoch sees each; None = once."""
        self.batch, self.seed = batch, seed
        rows = torch.arange(faces)
        self.rows = rows if often is None else rows.repeat_interleave(often.long())
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)

    @property
    def steps_per_epoch(self) -> int:
        return len(self.rows) // self.batch

    def at(self, step: int) -> Tensor:
        """int64 (batch,): the rows of the store for the update after `step` updates."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
            self._order, self._epoch = torch.randperm(len(self.rows), generator=generator), epoch
        return self.rows[self._order[place * self.batch : (place + 1) * self.batch]]
