"""How rough a photo is, for networks that are told: the JPEG quality of its file, or that of a file it was before, and
its noise. All of it read or measured."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

import numpy as np

from ..face.frame import Frame
from .compressed import compression_of

# ITU-T T.81, table K.1 (luminance), which nearly every encoder scales; row by row.
STANDARD = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)
BLOCK = 8
LOW = [(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (1, 2), (2, 1)]  # coefficients that photos have many of
COARSEST, FINEST = 20, 90  # qualities looked for: steps of a level or two do not show, nor do they harm
FEWEST_VALUES = 60  # coefficients that are not nought
AGREED = 0.6  # the mean cosine of multiples, up to rounding, is 0.8 and more; of others about 0
WORST_QUALITY, MOST_NOISE = 40, 25.0  # as `dataset/rough.py`: told as 1
STEPS = 32
PATCH, PATCHES = 6, 50_000  # pixels a side, how many at most
CLIPPED = 6.0  # grey levels from black and white
QUIET = 0.3  # of the patches
FINE = 75  # a file of this quality or less is as rough as it says; of a finer one, an earlier file may show
FEWEST = 6  # eigenvalues
PART = 128  # patches in one product
TEXTURE = (3.0, 6.0)  # grey levels: below the first nothing is told, from the second on all
SCALED = (0.9, 1.3)  # what of it is left at half the size: of noise a half, of textures all or more
SAMPLE = 1024  # pixels: the largest part of a photo that is measured, from its middle
_COSINES = np.array(
    [
        [np.sqrt((1 if k == 0 else 2) / BLOCK) * np.cos((2 * i + 1) * k * np.pi / (2 * BLOCK)) for i in range(BLOCK)]
        for k in range(BLOCK)
    ],
    np.float32,
)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def quality_of_tables(tables: Mapping[int, Sequence[int]] | None) -> float | None:
    """The quality 1..100 whose luminance table is as coarse as the file's; None without tables.

    Encoders of the IJG's kind scale the standard table, others (Photoshop, cameras) have tables of their own; the
    sums are compared, which holds for both.
    """
    if not tables:
        return None
    percent = 100 * float(np.sum(tables[min(tables)])) / float(STANDARD.sum())
    quality = (200 - percent) / 2 if percent <= 100 else 5000 / percent
    return float(np.clip(quality, 1, 100))


@lru_cache(100)
def table_of_quality(quality: int) -> np.ndarray:
    """int (8, 8): the luminance table of the IJG's encoder."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((STANDARD * percent + 50) // 100, 1, 255)


def measured_quality(rgb: np.ndarray) -> float | None:
    """The quality of the JPEG that a picture once was, whatever its file is now, or None where none shows.

    Blocks are looked for at all 64 places where their grid can lie; there the coefficients of the cosine transform
    are multiples of the table's steps, which no picture's are by chance. Enlarged or reduced since, nothing shows.
    """
    y = _middle(rgb) @ _LUMA
    if min(y.shape) < 6 * BLOCK:
        return None
    top, left = _grid(y), _grid(y.T)
    y = y[top:, left:]
    rows, columns = (size // BLOCK for size in y.shape)
    blocks = y[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2) - 128
    coefficients = (_COSINES @ blocks @ _COSINES.T).reshape(-1, BLOCK, BLOCK)
    of_low = {at: np.ascontiguousarray(coefficients[:, *at]) for at in LOW}
    votes = cache(lambda at, step: _votes(of_low[at], step))  # many qualities share a step
    agreed = {quality: _agreement(votes, quality) for quality in range(COARSEST, FINEST + 1)}
    # Multiples of a coarse step are multiples of finer ones, too: the first to agree, or the best of its neighbours.
    first = next((quality for quality, mean in agreed.items() if mean > AGREED), None)
    if first is None:
        return None
    return float(max(range(first, min(first + 4, FINEST + 1)), key=agreed.__getitem__))


def _votes(values: np.ndarray, step: float) -> tuple[float, int]:
    """Coefficients (N,) of one kind: the sum of what they say, 1 for a multiple of the step, and how many say it."""
    values = values[np.abs(values) > step / 2]
    return float(np.cos(2 * np.pi * values / step).sum()), values.size


def _agreement(votes: Callable[[tuple[int, int], float], tuple[float, int]], quality: int) -> float:
    """About 1 where the blocks' coefficients are multiples of that quality's steps, about 0 elsewhere. votes: of each
    kind of coefficient, for a step."""
    sums, counts = zip(*(votes(at, float(table_of_quality(quality)[at])) for at in LOW), strict=True)
    return sum(sums) / sum(counts) if sum(counts) >= FEWEST_VALUES else 0.0


def _grid(y: np.ndarray) -> int:
    """0..7: the row where blocks begin, by the steps between rows that their neighbours do not foretell."""
    step = np.diff(y, axis=0)
    edge = np.abs(step[1:-1] - (step[:-2] + step[2:]) / 2).mean(1)  # between rows 1 and 2, 2 and 3, ...
    return int(np.argmax([edge[(phase - 2) % BLOCK :: BLOCK].mean() for phase in range(BLOCK)]))


def noise_level(rgb: np.ndarray) -> float:
    """Standard deviation of the noise in grey levels, 0 where a texture may as well be the cause.

    Noise is what is left in a photo's quietest patches; and it halves where four pixels become one, which gravel,
    grass and hair do not. On 30 reduced photographs it finds 0.95 of a true 8 grey levels (0.65 to 1.2 for eight of
    ten), of clean ones none; of tiny textured pictures it says less than there is.
    """
    y = _middle(rgb) @ _LUMA
    found = _quietest(y)
    if found <= TEXTURE[0]:
        return 0.0
    height, width = (size // 2 for size in y.shape)
    half = y[: height * 2, : width * 2].reshape(height, 2, width, 2).mean((1, 3))
    ratio = _quietest(half) / found
    sure = (found - TEXTURE[0]) / (TEXTURE[1] - TEXTURE[0]), (SCALED[1] - ratio) / (SCALED[1] - SCALED[0])
    return found * float(np.prod(np.clip(sure, 0, 1)))


def grain(rgb: np.ndarray) -> float:
    """What the quietest patches hold, a standard deviation in grey levels: noise, or the finest texture."""
    return _quietest(_middle(rgb) @ _LUMA)


def _quietest(y: np.ndarray) -> float:
    """What the quietest third of an image's patches hold beyond their few directions of variation: the smaller
    eigenvalues of their covariance (Chen, Zhu and Heng, ICCV 2015), as a standard deviation."""
    if min(y.shape) < 2 * PATCH:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(y, (PATCH, PATCH))
    count = windows.shape[0] * windows.shape[1]
    rows, columns = np.divmod(np.arange(0, count, max(1, count // PATCHES)), windows.shape[1])
    patches = windows[rows, columns].reshape(-1, PATCH * PATCH)
    means = np.einsum("ij->i", patches) / PATCH**2  # `mean` and `var` take NumPy three times as long
    unclipped = (means > CLIPPED) & (means < 255 - CLIPPED)  # clipped patches hold no noise
    if unclipped.sum() < 10 * PATCH * PATCH:
        return 0.0
    centred = patches - means[:, None]
    spreads = np.einsum("ij,ij->i", centred, centred)
    quiet = unclipped & (spreads <= np.quantile(spreads[unclipped], QUIET))
    values = np.linalg.eigvalsh(_covariance(patches[quiet]))  # ascending
    count = len(values)
    while count > FEWEST and values[:count].mean() > np.median(values[:count]):
        count -= 1
    return float(np.sqrt(max(0.0, values[:count].mean())))


def _covariance(rows: np.ndarray) -> np.ndarray:
    """(N, D) -> float64 (D, D), as `numpy.cov`, by parts so small that BLAS starts no threads (`warp.ALONE`)."""
    centred = rows - rows.mean(0, dtype=np.float64)
    whole = len(centred) // PART * PART
    parts = centred[:whole].reshape(-1, PART, rows.shape[1])
    products = (parts.swapaxes(1, 2) @ parts).sum(0) + centred[whole:].T @ centred[whole:]
    return products / (len(rows) - 1)


def told(rgb: np.ndarray, quality: float | None, seen: np.ndarray | None = None) -> tuple[float, float]:
    """The condition (q, n) of a photo for the canvas, as `dataset/rough.condition` makes it in training, in steps
    that are too fine to see and few enough to keep a network ready for each. quality: of the file, None if no JPEG;
    seen: the photo as the networks are given it, where that is another: its noise counts, the other's blocks."""
    measured = 0.0
    if quality is None or quality > FINE:
        before = measured_quality(rgb)
        quality = min(q for q in (quality, before, 100.0) if q is not None)
        if before is None:
            measured = compression_of(rgb, told_quality(quality))
    noise = noise_level(rgb if seen is None else seen)
    return max(told_quality(quality), _in_steps(measured)), _in_steps(noise / MOST_NOISE)


def told_quality(quality: float | None) -> float:
    """What of `told` a JPEG file's quality alone says; None: no JPEG."""
    return _in_steps(0.0 if quality is None else (100 - quality) / (100 - WORST_QUALITY))


def _in_steps(told: float) -> float:
    return round(float(np.clip(told, 0, 1)) * STEPS) / STEPS


def conditions(photo: tuple[float, float], frames: Sequence[Frame], size: int) -> np.ndarray:
    """What is left of a photo's condition in cuts of it that are brought to `size` pixels, float32 (N, 2): the pixels
    that are averaged take of noise and blocks what they take of the side (`dataset/rough.reduced_condition`)."""
    parts = np.array([min(1.0, size / frame.side) for frame in frames], np.float32)
    return parts[:, None] * np.array(photo, np.float32)


def _middle(rgb: np.ndarray) -> np.ndarray:
    """The middle of a photo, at most SAMPLE pixels wide and high, float32."""
    starts = [max(0, (size - SAMPLE) // 2) for size in rgb.shape[:2]]
    return rgb[starts[0] : starts[0] + SAMPLE, starts[1] : starts[1] + SAMPLE].astype(np.float32)
