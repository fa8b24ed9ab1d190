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


def blocks_of(plane: np.ndarray, size: int, most: int) -> np.ndarray:
    """(H, W) -> (blocks, size, size), side by side; of more than `most` some, evenly spread."""
    rows, columns = (length // size for length in plane.shape)
    blocks = plane[: rows * size, : columns * size].reshape(rows, size, columns, size).swapaxes(1, 2)
    blocks = blocks.reshape(-1, size, size)
    return blocks[:: -(-len(blocks) // most)]


def block_energies(blocks: np.ndarray) -> np.ndarray:
    """(blocks, size, size) -> (blocks, BANDS + 1): the mean energy of each block in each band, the finest first."""
    cosines = cosine_bands(blocks.shape[-1])[0]
    return ((cosines @ blocks @ cosines.T) ** 2).reshape(len(blocks), -1) @ _means(blocks.shape[-1])


@lru_cache(maxsize=8)
def _means(size: int) -> np.ndarray:
    """What takes the mean of each band, (size^2, BANDS + 1); of small blocks the coarsest holds nothing."""
    _, band, counts = cosine_bands(size)
    return (band[:, None] == np.arange(BANDS + 1)).astype(np.float32) / np.maximum(counts, 1).astype(np.float32)
