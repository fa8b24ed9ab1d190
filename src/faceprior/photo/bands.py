"""Where a picture's energy lies: its cosine transform in bands of half an octave, counted from the finest."""

from functools import lru_cache

import numpy as np

BANDS = 8  # half octaves below the finest frequency along an axis; one more beyond it, in the corner
LARGEST = 128  # pixels a side, of which so many matrices are kept


@lru_cache(maxsize=LARGEST)
def cosine_bands(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The cosine transform's matrix (size, size), the band of each coefficient (size^2,), how many are in each band.

    Bands 0 (the corner), 1 .. BANDS from the finest on, and one for what is not looked at: coarser ones, and the first
    of every row and column, where the jump between opposite edges' slopes and JPEG's blocks leave most.
    """
    k = np.arange(size)
    cosines = np.sqrt(2 / size) * np.cos((2 * k + 1) * k[:, None] * np.pi / (2 * size))
    cosines[0] /= np.sqrt(2)
    radius = np.hypot(k, k[:, None]) / size  # 1 = the finest along an axis
    with np.errstate(divide="ignore"):
        band = np.clip(np.floor(-2 * np.log2(radius)) + 1, 0, BANDS + 1)
    band[0] = band[:, 0] = BANDS + 1
    band = band.astype(np.int64).ravel()
    return cosines.astype(np.float32), band, np.bincount(band, minlength=BANDS + 2)[: BANDS + 1]
