"""How much a photo was sharpened, by the camera, by a program or for the web: measured, for no file says it.

Networks learn what a photo's pixels mean from faces that were reduced and nothing else. Of sharpened ones they make
halos: a face of 32 px, sharpened by an amount of 1, comes out 1.7 dB worse than Lanczos. A sharpened photo has more
energy at its fine frequencies than its coarse ones foretell, and overshoots beside its edges. A small regression reads
both (`benchmarks/sharpened.py --fit`); `unsharpen.py` takes out what it finds.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from .bands import block_energies, blocks_of
from .quality import told_quality
from .regression import regression

LEAST = 64  # pixels a side: in less too little is seen
MOST = 1000  # pixels a side of the middle that is looked at
BLOCK = 32  # pixels
BLOCKS, EDGES = 600, 20_000  # that are looked at, at most
FLOOR = 0.2  # grey levels squared: what rounding leaves in a band
BUSY = 1.0  # the same: blocks of less are plain
QUIET = slice(1, 3)  # the bands in which noise is looked for
DRAWN = 0.5  # of neighbours in busy blocks: where more are alike to the last level, it is a drawing or a screen
REACH = 5  # pixels to each side of an edge
STEEP, STEP = 12.0, 25.0  # grey levels: of an edge's steepest step, and of all of it
CLIPPED = 4.0  # from black and white, which hide what overshoots
FEWEST = 30  # edges
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
FINE, MIDDLE = 0.44, 0.25  # cycles a pixel: where the regression tells the gain
# Octaves at MIDDLE: as much is found in photos that nobody has sharpened, of so many pixels at the shorter side.
NOTHING, SIDES = (0.45, 0.15), (64, 200)
AMOUNTS, RADII = np.linspace(0, 3, 61), np.linspace(0.4, 1.6, 25)
USUAL, UNUSUAL = 1.0, 0.02  # a radius in pixels, and how much one that is not that has to explain


@dataclass(frozen=True)
class Sharpening:
    """As of an unsharp mask: amount times what the photo differs by from itself, blurred by a Gaussian.

    amount: 0..3; radius: its standard deviation in pixels, 0.4..1.6
    """

    amount: float
    radius: float

    NAME: ClassVar[str] = "sharpening"

    def to_dict(self) -> dict[str, float]:
        return {"amount": round(self.amount, 2), "radius": round(self.radius, 2)}

    def gain(self, frequency: np.ndarray | float) -> np.ndarray | float:
        """What it multiplies waves of so many cycles a pixel by."""
        return _gain(self.amount, self.radius, frequency)


def sharpening_of(rgb: np.ndarray, quality: float | None = None) -> Sharpening | None:
    """uint8 (H, W, 3) -> what it was sharpened by, None where it is not, or too small to tell. quality: of the JPEG
    file that it comes from, whose ringing is much like it; None where that is none, or not known."""
    seen = describe(rgb, quality)
    return None if seen is None else sharpened_by(*octaves(seen), min(rgb.shape[:2]))


def sharpened_by(fine: float, middle: float, side: int) -> Sharpening | None:
    """What `octaves` says of a photo of so many pixels at its shorter side."""
    if middle <= np.interp(side, SIDES, NOTHING):
        return None
    found = fitting(fine, middle)
    return found if found.amount > 0 else None


def fitting(fine: float, middle: float) -> Sharpening:
    """That whose gains at FINE and MIDDLE, in octaves, are nearest to these."""
    at_fine, at_middle = _gains()
    off = (at_fine - max(0.0, fine)) ** 2 + 2 * (at_middle - max(0.0, middle)) ** 2
    off = off + UNUSUAL * (RADII - USUAL) ** 2 * (AMOUNTS[:, None] > 0)
    i, j = np.unravel_index(int(off.argmin()), off.shape)
    return Sharpening(float(AMOUNTS[i]), float(RADII[j]))


def describe(rgb: np.ndarray, quality: float | None = None) -> np.ndarray | None:
    """What the regression sees of uint8 (H, W, 3), float32 (25,); None where there is too little to see.

    How steeply the energy of its busy blocks falls over the finest half octaves, in the mean and for the median block;
    what its quietest blocks have there, which is noise, and how far the busy ones are above it; the mean profile of its
    edges, how far they overshoot and how steep they are; how many edges there are; and the condition of `quality`.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < LEAST:
        return None
    top, left = (max(0, (size - MOST) // 2) for size in (height, width))
    y = rgb[top : top + MOST, left : left + MOST].astype(np.float32) @ LUMA
    levels = _levels(y)
    if levels is None:
        return None
    mean, middle, noise = levels
    slopes = [mean[:4] - mean[5], mean[4:5] - mean[6], middle[:4] - middle[5], middle[4:5] - middle[6]]
    slopes.append([noise, mean[QUIET].mean() - noise])
    return np.concatenate([*slopes, edge_profile(y, FEWEST), [told_quality(quality)]]).astype(np.float32)


def octaves(seen: np.ndarray) -> tuple[float, float]:
    """What `describe` gave -> log2 of the gain at FINE and at MIDDLE, over a photo that was only reduced."""
    fine, middle = regression("sharpened", seen)
    return float(fine), float(middle)


def _levels(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float] | None:
    """log2 of the energy in each band, the finest first: of the mean over busy blocks, and of the median one; and of
    that of the fine ones in the quietest tenth of all blocks. None where there is no busy one, or no photo."""
    blocks = blocks_of(y, BLOCK, BLOCKS)
    energy = block_energies(blocks)
    busy = energy[:, 3:].mean(1) > BUSY
    if not busy.any() or np.mean(np.diff(blocks[busy], axis=2) == 0) > DRAWN:
        return None
    noise = np.log2(np.percentile(energy[:, QUIET].mean(1), 10) + FLOOR)
    energy = energy[busy]
    return np.log2(energy.mean(0) + FLOOR), np.median(np.log2(energy + FLOOR), 0), noise


def edge_profile(y: np.ndarray, fewest: int) -> np.ndarray:
    """Of luma (H, W), (12,): the mean profile from an edge outwards, the quartiles of its overshoot and of its steepest
    step, both in parts of the step; whether there are so many edges, else all that is 0; and log2 of how many."""
    found = np.concatenate([_profiles(y), _profiles(y.T)])
    many = np.log2(len(found) + 1)
    if len(found) < fewest:
        return np.array([*np.zeros(10), 0.0, many])
    middle = np.median(found, 0)
    outwards = (middle[REACH:] - middle[:REACH][::-1])[:4] / 2
    beyond = np.maximum(found[:, REACH:].max(1) - 1, -found[:, :REACH].min(1))
    steepest = found[:, REACH] - found[:, REACH - 1]
    quartiles = [np.percentile(values, [25, 50, 75]) for values in (beyond, steepest)]
    return np.concatenate([outwards, *quartiles, [1.0, many]])


def _profiles(y: np.ndarray) -> np.ndarray:
    """Luma across the upright edges of (H, W), (N, 2 REACH): rising, from 0 to 1."""
    steps = y[:, 1:] - y[:, :-1]
    steep = np.abs(steps)
    inner = steep[:, REACH:-REACH]
    peak = (inner > STEEP) & (inner >= steep[:, REACH - 1 : -REACH - 1])
    peak &= inner >= steep[:, REACH + 1 : steep.shape[1] - REACH + 1]
    rows, columns = np.nonzero(peak)
    every = -(-len(rows) // EDGES) or 1
    rows, columns = rows[::every], columns[::every] + REACH
    found = y[rows[:, None], columns[:, None] + np.arange(1 - REACH, REACH + 1)]
    seen = (found.min(1) > CLIPPED) & (found.max(1) < 255 - CLIPPED)
    found = found * np.sign(steps[rows, columns])[:, None]
    low, high = found[:, :2].mean(1), found[:, -2:].mean(1)
    step = high - low
    seen &= (step > STEP) & (step > 0.5 * np.ptp(found, axis=1))  # a line is no edge
    return (found[seen] - low[seen, None]) / step[seen, None]


@lru_cache(maxsize=1)
def _gains() -> tuple[np.ndarray, np.ndarray]:
    """log2 of the gains at FINE and MIDDLE, each (AMOUNTS, RADII)."""
    fine, middle = (np.log2(_gain(AMOUNTS[:, None], RADII, frequency)) for frequency in (FINE, MIDDLE))
    return fine, middle


def _gain(amount: np.ndarray | float, radius: np.ndarray | float, frequency: np.ndarray | float) -> np.ndarray:
    return 1 + amount * (1 - np.exp(-2 * (np.pi * radius * frequency) ** 2))
