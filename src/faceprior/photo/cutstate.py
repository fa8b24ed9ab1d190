"""What became of a face before it was given: sharpened, compressed. Of its few pixels alone, for no file says it.

A photo tells that by its hundreds of blocks (`sharpened.py`, `compressed.py`). A face of 16 to 140 pixels has too few,
but it is a face, and these are much alike: how much fine they hold for what is coarse in them is known. A small
regression reads it (`benchmarks/cut_state.py --fit`). So cut faces are told, and photos that are not much more than
their faces.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..face.frame import Frame
from .bands import block_energies, blocks_of
from .own import own_square
from .regression import regression
from .sharpened import FLOOR, LUMA, Sharpening, edge_profile, fitting

LEAST, MOST = 16, 140  # pixels a side: of less nothing is told, of more it was not fitted
PART = 4  # blocks along a side
SMALLEST = 8  # pixels of a block
FEWEST = 8  # edges
ENOUGH = 16  # faces of one photo
AT_ONCE = 80  # pixels a side: of larger ones the quarters, for whose products BLAS starts no threads (`warp.ALONE`)
BANDS = 7  # half octaves that are looked at, the finest first
COLOURS = np.array([[-0.169, -0.331, 0.5], [0.5, -0.419, -0.081]], np.float32)  # BT.601
# Octaves of gain at MIDDLE that are found in faces to which nothing was done, by pixels a side; the compression that
# is, and how far it has to be beyond what a JPEG file says itself.
SHARPENED, SIDES = (0.65, 0.42), (16, 24)
COMPRESSED, BEYOND = 0.2, 0.2


def may_be_told(square: np.ndarray) -> bool:
    """Whether a face is of a size of which its pixels tell something."""
    return LEAST <= len(square) <= MOST


def squares_of(rgb: np.ndarray, frames: Iterable[Frame]) -> list[np.ndarray]:
    """The faces of a photo that may be told, as far as they lie in it: uint8 (n, n, 3) each."""
    found, (height, width) = [], rgb.shape[:2]
    for frame in sorted(frames, key=lambda frame: -frame.side)[:ENOUGH]:
        side = min(round(frame.side), height, width)
        x, y = (
            float(np.clip(c, (side - 1) / 2, length - (side + 1) / 2))
            for c, length in zip(frame.centre, (width, height), strict=True)
        )
        found.append(own_square(rgb, replace(frame, centre=(x, y)), side)[0])
    return [square for square in found if may_be_told(square)]


def sharpening_of_face(square: np.ndarray, file: float) -> Sharpening | None:
    """uint8 (n, n, 3), a face that about fills it -> what it was sharpened by; None where nothing is sure. file: what
    its JPEG file says, as `told_quality` has it."""
    return sharpening_of_faces([square], file)


def sharpening_of_faces(squares: Sequence[np.ndarray], file: float) -> Sharpening | None:
    """The same of some faces of one photo, together."""
    told = [_told(square.tobytes(), len(square), file) for square in squares]
    fine, middle, _ = np.mean(told, 0) if told else (0.0, 0.0, 0.0)
    if not told or middle <= np.interp(max(map(len, squares)), SIDES, SHARPENED):
        return None
    found = fitting(float(fine), float(middle))
    return found if found.amount > 0 else None


def compression_of_face(square: np.ndarray, file: float) -> float:
    """The same -> 0..1, as `compressed.compression_of`; 0 where nothing is sure."""
    found = _told(square.tobytes(), len(square), file)[2]
    return min(found, 1.0) if found > (file + BEYOND if file else COMPRESSED) else 0.0


@lru_cache(maxsize=1)  # both are asked of one face after the other
def _told(pixels: bytes, side: int, file: float) -> tuple[float, float, float]:
    square = np.frombuffer(pixels, np.uint8).reshape(side, side, 3)
    fine, middle, rough = (float(v) for v in regression("cutstate", describe(square, file)))
    return fine, middle, rough


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
    for plane in COLOURS:
        energy = _whole(x @ plane)
        words.append([energy[:3].mean() - energy[5:].mean(), energy[3:5].mean() - energy[5:].mean(), energy[5:].mean()])
    words.append(edge_profile(y, FEWEST))
    step = np.abs(np.diff(y, axis=1))
    words.append([np.mean(step < 0.5), np.log2(len(y)), file])
    return np.concatenate(words).astype(np.float32)


def _whole(plane: np.ndarray) -> np.ndarray:
    """(BANDS,): log2 of the energy of all of a square in each band."""
    size = len(plane) if len(plane) <= AT_ONCE else len(plane) // 2
    return np.log2(block_energies(blocks_of(plane, size, 4)).mean(0)[:BANDS] + FLOOR)
