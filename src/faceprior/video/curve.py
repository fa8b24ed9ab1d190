"""What 16 bits of a frame's signal look like to a detector and a network that know pictures of 8 bits.

A signal of HLG is made to look right on ordinary screens, and SDR is what they know: these are taken as they are.
One of PQ spends most of its range on light that few scenes have; as 8 bits it is grey and flat. It is seen through
the curve that turns it into HLG of a screen of 1000 cd/m2 (BT.2408, 6.2; for each channel), which has an inverse,
so that what is restored goes back into PQ.
"""

from functools import lru_cache

import numpy as np

from .colour import PQ

WHITE = 65535.0
_PEAK, _GAMMA = 1000.0, 1.2  # cd/m2 of HLG's peak, and its system gamma there (BT.2100)
# BT.2100, table 4 and table 5
_M1, _M2, _C1, _C2, _C3 = 2610 / 16384, 2523 / 4096 * 128, 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A, _B, _C = 0.17883277, 0.28466892, 0.55991073


@lru_cache(maxsize=2)
def seen_as(transfer: int) -> np.ndarray:
    """float32 (65536,): for each value of the signal, what is seen, where 255 is white; above that for PQ's lights."""
    signal = np.arange(65536) / WHITE
    return (255 * (pq_to_hlg(signal) if transfer == PQ else signal)).astype(np.float32)


def signal_of(seen: np.ndarray, transfer: int) -> np.ndarray:
    """The way back: what is to be seen, float (...,) about 0..255 -> uint16 of the signal."""
    value = np.asarray(seen, np.float64) / 255
    signal = hlg_to_pq(value) if transfer == PQ else value
    return np.rint(np.clip(signal, 0, 1) * WHITE).astype(np.uint16)


def pq_to_hlg(signal: np.ndarray) -> np.ndarray:
    """Signals, 0..1; the result goes to 1.35 (10,000 cd/m2)."""
    root = np.power(np.clip(signal, 0, 1), 1 / _M2)
    light = 10_000 * np.power(np.maximum(root - _C1, 0) / (_C2 - _C3 * root), 1 / _M1)
    scene = np.power(light / _PEAK, 1 / _GAMMA)
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), _A * np.log(np.maximum(12 * scene - _B, 1e-9)) + _C)


def hlg_to_pq(signal: np.ndarray) -> np.ndarray:
    """The inverse; below 0 is black."""
    value = np.maximum(signal, 0)
    scene = np.where(value <= 0.5, value * value / 3, (np.exp((value - _C) / _A) + _B) / 12)
    part = np.power(np.minimum(np.power(scene, _GAMMA) * _PEAK / 10_000, 1), _M1)
    return np.power((_C1 + _C2 * part) / (1 + _C3 * part), _M2)
