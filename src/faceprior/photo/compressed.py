"""How strongly a picture was compressed where its file does not say: a still of a clip, a screenshot of a page.

Networks that are told how rough a photo is do much better than those that are not: a face of 32 px out of x264 at crf
23, kept as a PNG, gains 0.7 dB over Lanczos, and 1.9 where it is told as a JPEG of quality 88. Compression takes the
fine from most blocks and leaves it in some, the more so of colours. A small regression reads that
(`benchmarks/compressed.py --fit`), in the terms of the JPEG file that would be as far from the picture before.
"""

import numpy as np

from .bands import block_energies, blocks_of
from .regression import regression

LEAST = 64  # pixels a side: in less too little is seen
MOST = 800  # pixels a side of the middle that is looked at
BLOCK = 16  # pixels
BLOCKS = 1500  # that are looked at, at most
FLOOR = 0.1  # grey levels squared: what rounding leaves in a band
BUSY = 1.0  # the same: blocks of less are plain
FEWEST = 8  # busy blocks
FINE, COARSE = 4, slice(5, 8)  # bands: so many of the finest, and those by which they are judged
GONE = 0.3  # grey levels squared: a band of less holds nothing
QUARTILES = (10, 30, 50, 70, 90)
# BT.601: luma, and two differences of colours.
PLANES = np.array([[0.299, 0.587, 0.114], [-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)
DRAWN = 0.5  # of neighbours in busy blocks: where more are alike to the last level, it is a drawing or a screen
# Told, of 1: as much is found in pictures that nobody compressed; and beyond what a JPEG file says itself.
NOTHING, BEYOND = 0.1, 0.15


def compression_of(rgb: np.ndarray, file: float) -> float:
    """uint8 (H, W, 3) -> 0..1, as `told_quality` of the JPEG that would be as far from what it was; 0 where nothing
    is sure. file: what its own file says, as `told_quality` has it."""
    seen = describe(rgb, file)
    if seen is None:
        return 0.0
    found = float(regression("compressed", seen)[0])
    return min(found, 1.0) if found > (file + BEYOND if file else NOTHING) else 0.0


def describe(rgb: np.ndarray, file: float) -> np.ndarray | None:
    """What the regression sees of uint8 (H, W, 3), float32 (48,); None where there is too little to see.

    Of busy blocks: quantiles of how far each fine band of luma lies below the coarse ones, in octaves, how many hold
    nothing in it, and quantiles of the coarse ones; what the quietest tenth of all blocks holds; of each difference of
    colours in fewer words how far the fine lies below the coarse, and how many blocks have any; how often neighbours
    are alike, at all and beside a step; and `file`.
    """
    if min(rgb.shape[:2]) < LEAST:
        return None
    top, left = (max(0, (size - MOST) // 2) for size in rgb.shape[:2])
    part = rgb[top : top + MOST, left : left + MOST].astype(np.float32)
    planes = [blocks_of(part @ plane, BLOCK, BLOCKS) for plane in PLANES]
    luma, *colours = map(block_energies, planes)
    coarse = luma[:, COARSE].mean(1)
    busy = coarse > BUSY
    if busy.sum() < FEWEST or np.mean(np.diff(planes[0][busy], axis=2) == 0) > DRAWN:
        return None
    fine, coarse = luma[busy, :FINE], np.log2(coarse[busy] + FLOOR)
    below = np.log2(fine + FLOOR) - coarse[:, None]
    words = [*np.percentile(below, QUARTILES, axis=0), (fine < GONE).mean(0), np.percentile(coarse, QUARTILES)]
    words.append(np.log2(np.percentile(luma[:, :FINE], 10, axis=0) + FLOOR))
    for energy in colours:
        there = energy[:, COARSE].mean(1)
        coloured = there > GONE
        if coloured.sum() < FEWEST:
            words.append(np.zeros(6))
            continue
        under = np.log2(energy[coloured, :3].mean(1) + FLOOR) - np.log2(there[coloured] + FLOOR)
        middle = np.log2(energy[coloured, 3:5].mean(1) + FLOOR) - np.log2(there[coloured] + FLOOR)
        words.append([*np.percentile(under, (20, 50, 80)), *np.percentile(middle, (20, 80)), coloured.mean()])
    y = part @ PLANES[0]
    step = np.abs(np.diff(y, axis=1))
    words.append([np.mean(step < 0.5), np.mean(step[:, 1:][step[:, :-1] > 8] < 1) if (step[:, :-1] > 8).any() else 0])
    words.append([file])
    return np.concatenate(words).astype(np.float32)
