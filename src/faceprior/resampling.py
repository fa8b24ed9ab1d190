"""Pillow's anti-aliased BICUBIC as a matrix: for tensors (the reduction of the protocol) and for small arrays."""

import functools

import numpy as np


@functools.lru_cache(512)
def pillow_bicubic(size: int, target: int) -> np.ndarray:
    """float32 (target, size): the weights of Pillow's anti-aliased BICUBIC (a = -0.5), rows summing to 1."""
    factor = size / target
    centres = (np.arange(target) + 0.5) * factor
    x = np.abs((np.arange(size)[None] + 0.5 - centres[:, None]) / max(factor, 1))
    w = np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, 0))
    return (w / w.sum(1, keepdims=True)).astype(np.float32)
