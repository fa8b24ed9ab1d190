"""LR faces as photos bring them: the face in a photo of some size, what photos go through, cut and reduced again.

An augmentation of training. Nothing is moved, so the transform of a face stays true. It is done on CPUs, a face at a
time, and takes longer than a GPU's step: there other processes do it, for batches of steps to come.
"""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from contextlib import suppress

import torch
from torch import Tensor

from .spoil import spoil

Spoilt = tuple[Tensor, Tensor]


def rough_lr(frames: Tensor, size: int, seed: int) -> Spoilt:
    """(B, 3, 128, 128) frames, 8-bit values on the 0..255 scale -> (B, 3, size, size), alike, each spoilt its way, and
    the `condition` (B, 2) of each."""
    return begin_rough_lr(frames, size, seed, None)()


def begin_rough_lr(frames: Tensor, size: int, seed: int, pool: Executor | None) -> Callable[[], Spoilt]:
    """`rough_lr`, begun in a process of `pool`; what comes back waits for it. None: done when it is asked for, and so
    it is where the pool's processes have died (a system out of memory kills some)."""
    pixels, device = frames.round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy(), frames.device
    future = None
    with suppress(BrokenExecutor):
        future = None if pool is None else pool.submit(spoil, pixels, size, seed)

    def finish() -> Spoilt:
        found = None
        with suppress(BrokenExecutor):
            found = None if future is None else future.result()
        faces, conditions = spoil(pixels, size, seed) if found is None else found
        spoilt = torch.from_numpy(faces).to(device).permute(0, 3, 1, 2).float()
        return spoilt, torch.from_numpy(conditions).to(device)

    return finish
