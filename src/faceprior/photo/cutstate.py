"""What became of a face before it was given: sharpened, left soft, compressed. Of its few pixels alone, for no file
says it.

A photo tells that by its hundreds of blocks (`sharpened.py`, `compressed.py`). A face of 16 to 140 pixels has too few,
but it is a face, and these are much alike: how much fine they hold for what is coarse in them is known. A small
regression reads it (`benchmarks/cut_state.py --fit`). Of soft ones two more (`benchmarks/soft_faces.py --fit`): by how
much it was enlarged and how grainy it is, which no filter makes good, and with that, what raising its waves gains. So
cut faces are told, and photos that are not much more than their faces.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ..face.frame import Frame
from .bands import block_energies, blocks_of, cosine_bands
from .compressed import PLANES
from .own import own_square
from .regression import regression
from .sharpened import FLOOR, LUMA, Sharpening, edge_profile, fitting
from .softened import Response, Softness, raised

LEAST, MOST = 16, 140  # pixels a side: of less nothing is told, of more it was not fitted
PART = 4  # blocks along a side
SMALLEST = 8  # pixels of a block
FEWEST = 8  # edges
ENOUGH = 16  # faces of one photo
AT_ONCE = 80  # pixels a side: of larger ones the quarters, for whose products BLAS starts no threads (`warp.ALONE`)
BANDS = 7  # half octaves that are looked at, the finest first
# Octaves of gain at MIDDLE that are found in faces to which nothing was done, by pixels a side; the compression that
# is, and how far it has to be beyond what a JPEG file says itself.
SHARPENED, SIDES = (0.65, 0.42), (16, 24)
COMPRESSED, BEYOND = 0.2, 0.2
# Octaves at FINE: where less is missing, nothing is to be gained. Times that waves are raised at most, of which it is
# told what they gain; dB: less is not worth it.
SOFT, RAISED, WORTH = -0.2, (1.6, 2.5, 4.0), 0.25
ALONE = 0.5  # dB: more is asked of a single face where its photo, which shows more, is not soft
ENLARGED = 0.5  # octaves: of faces that a lens left soft less is found, in the mean over a photo
NARROW = np.arange(0.2, 1.001, 0.08)  # of the finest frequency: where narrow bands begin and end


def squares_of(rgb: np.ndarray, frames: Iterable[Frame]) -> list[np.ndarray]:
    """The largest faces of a photo, as far as they lie in it: uint8 (n, n, 3) each."""
    found, (height, width) = [], rgb.shape[:2]
    for frame in sorted(frames, key=lambda frame: -frame.side)[:ENOUGH]:
        side = min(round(frame.side), height, width)
        x, y = (
            float(np.clip(c, (side - 1) / 2, length - (side + 1) / 2))
            for c, length in zip(frame.centre, (width, height), strict=True)
        )
        found.append(own_square(rgb, replace(frame, centre=(x, y)), side)[0])
    return found


@dataclass(frozen=True)
class CutState:
    """What faces of one picture say.

    fine, middle: octaves of gain, as `sharpened.octaves`; rough: as `compressed.compression_of`, whether it is sure or
    not; enlarged: log2 of how many times they were, as far as that shows; gains: dB that a soft one is expected to gain
    where its waves are raised RAISED times at most; side: of the largest, in pixels; file: what their JPEG file says,
    as `told_quality` has it
    """

    fine: float
    middle: float
    rough: float
    enlarged: float
    gains: tuple[float, ...]
    side: int
    file: float

    @classmethod
    def of(cls, squares: Sequence[np.ndarray], file: float) -> "CutState | None":
        """squares: uint8 (n, n, 3), each about filled by a face; None of those of which nothing can be told."""
        squares = [square for square in squares if LEAST <= len(square) <= MOST]
        if not squares:
            return None
        found = []
        for square in squares:
            state = regression("cutstate", describe(square, file))
            seen = describe_soft(square, file, state)
            causes = regression("softface", seen)
            found.append([*state, causes[0], *regression("raising", np.concatenate([seen, causes]))])
        fine, middle, rough, enlarged, *gains = map(float, np.mean(found, 0))
        return cls(fine, middle, rough, enlarged, tuple(gains), max(map(len, squares)), file)

    @property
    def sharpening(self) -> Sharpening | None:
        """What they were sharpened by; None where that is not sure."""
        if self.middle <= np.interp(self.side, SIDES, SHARPENED):
            return None
        found = fitting(self.fine, self.middle)
        return found if found.amount > 0 else None

    @property
    def response(self) -> Response | None:
        """What is to be undone; None where nothing is, or that is not sure."""
        if self.fine >= SOFT or self.sharpening is not None:
            return self.sharpening
        gained, times = max(zip(self.gains, RAISED, strict=True))
        return raised(self.fine, self.middle, times) if gained > WORTH else None

    @property
    def softness_alone(self) -> Softness | None:
        """How soft a single face of a photo is that is not."""
        found = self.response
        return found if isinstance(found, Softness) and max(self.gains) > ALONE else None

    @property
    def is_enlarged(self) -> bool:
        """Whether what they lack no filter brings back."""
        return self.enlarged > ENLARGED and max(self.gains) <= WORTH

    @property
    def may_be_soft(self) -> bool:
        """Whether a photo may be as soft as all of it seems: not where its faces are in focus, or were enlarged."""
        return self.fine < SOFT and not self.is_enlarged

    @property
    def compression(self) -> float:
        """0..1, as `told_quality` of the JPEG that would be as far from what they were; 0 where that is not sure."""
        least = self.file + BEYOND if self.file else COMPRESSED
        return min(self.rough, 1.0) if self.rough > least else 0.0


def describe(rgb: np.ndarray, file: float) -> np.ndarray:
    """What the regression sees of uint8 (n, n, 3), n from LEAST on: float32 (37,).

    How the luma's energy falls from band to band over the whole square, and in its median block; what its quietest
    blocks hold; of two differences of colours the first in fewer words; the mean profile of its edges; how often
    neighbours are alike; how large it is; and `file`, what its JPEG file says (`told_quality`).
    """
    x = rgb.astype(np.float32)
    y = x @ LUMA
    whole = _whole(y)
    blocks = block_energies(blocks_of(y, max(SMALLEST, len(y) // PART), 4 * PART**2))
    middle = np.log2(np.median(blocks, 0)[:5] + FLOOR)
    quiet = np.log2(np.percentile(blocks[:, :4], 15, axis=0) + FLOOR)
    words = [whole[:-1] - whole[-1], whole[-1:], middle[:-1] - middle[-1], middle[-1:], quiet]
    for plane in PLANES[1:]:
        energy = _whole(x @ plane)
        words.append([energy[:3].mean() - energy[5:].mean(), energy[3:5].mean() - energy[5:].mean(), energy[5:].mean()])
    words.append(edge_profile(y, FEWEST))
    step = np.abs(np.diff(y, axis=1))
    words.append([np.mean(step < 0.5), np.log2(len(y)), file])
    return np.concatenate(words).astype(np.float32)


def describe_soft(rgb: np.ndarray, file: float, state: np.ndarray) -> np.ndarray:
    """What the regressions see that tell of soft ones: float32 (27,).

    The energy of the luma in narrow bands, by the larger of a wave's two frequencies, for along either axis an
    enlargement lacks what is beyond its own pixels, where a lens takes more by and by; of each band the waves that are
    about upright and those that are aslant. What `cutstate` says (state), how large it is, and what its file says.
    """
    y = rgb.astype(np.float32) @ LUMA
    size = len(y) if len(y) <= AT_ONCE else len(y) // 2
    cosines = cosine_bands(size)[0]
    energy = ((cosines @ blocks_of(y, size, 4) @ cosines.T) ** 2).mean(0)
    bands, below = _narrow(size)
    levels = np.log2(bands @ energy.ravel() + FLOOR)
    first = levels[:2].mean()
    base = np.log2(below @ energy.ravel() + FLOOR)
    return np.array([*(levels - first), first, base, *state, np.log2(len(y)), file], np.float32)


@lru_cache(maxsize=AT_ONCE)
def _narrow(size: int) -> tuple[np.ndarray, np.ndarray]:
    """What takes the mean of each narrow band, (20, size^2), and of what is below them, (size^2,)."""
    k = np.arange(size) / size
    larger, smaller = np.maximum(k[:, None], k), np.minimum(k[:, None], k)
    masks = [
        (smaller > 0) & (larger >= low) & (larger < high) & ((smaller >= larger / 2) == aslant)
        for low, high in pairwise(NARROW)
        for aslant in (False, True)
    ]
    rows = np.array([*masks, (smaller > 0) & (larger < NARROW[0])]).reshape(len(masks) + 1, -1)
    means = (rows / np.maximum(rows.sum(1, keepdims=True), 1)).astype(np.float32)
    return means[:-1], means[-1]


def _whole(plane: np.ndarray) -> np.ndarray:
    """(BANDS,): log2 of the energy of all of a square in each band."""
    size = len(plane) if len(plane) <= AT_ONCE else len(plane) // 2
    return np.log2(block_energies(blocks_of(plane, size, 4)).mean(0)[:BANDS] + FLOOR)
