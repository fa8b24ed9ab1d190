"""How many pixels across a face hold detail, whatever its number of pixels: its effective resolution.

A face that was enlarged, blurred or stored too small has no energy at the fine frequencies where sharp faces have some:
theirs falls with the 3.2nd power of the frequency, at every size alike, and eight of ten faces lie within a factor of
five, against a factor of hundreds beyond the cut of an enlargement. So what is looked at are the energies of the luma's
cosine transform in bands of half an octave, counted from the finest. A small regression reads the cut from them, since
noise and JPEG fill and empty the same bands. It was fitted on real faces made worse in known ways
(`benchmarks/detail.py --fit`); what it is worth is in docs/results/photos.md.

The scale of the answer: a face enlarged from c pixels holds c; one blurred by a Gaussian of sigma s pixels holds
side / max(1, 2.2 s), the size whose reduction and enlargement (bicubic) loses as much of the face (squared error; 2.16
to 2.21 for sides of 32 to 96 px and s of 1 to 3).
"""

import numpy as np
from PIL import Image

from ..face.frame import Frame
from .bands import BANDS, LARGEST, cosine_bands
from .regression import regression
from .warp import separable

LOWEST = 4.0  # pixels: less is not told apart
SMALLEST = 8  # pixels a side of what is looked at, LARGEST at most
FLOOR = 0.2  # grey levels squared: what rounding to 8 bit leaves in every band
LOOKS = 4
NARROW = (0.55, 0.35)  # an answer of less than this part is looked at again, reduced: at first, and later
ROOM = 1.5  # to this many times the answer
FULL, SURE = 0.8, 0.95  # parts of what was looked at: from the first on there may be more than fits, from the second is
DULL, MOST_GAIN = 40.0, 4.0  # grey levels (standard deviation): nine of ten faces have more; times
NOTHING = -5.0  # log2 of 4 of 128 pixels
LAW = 1.6  # the logarithm by which faces' energy grows from each half octave to the next coarser one
BLUR = 2.2  # 1 / BLUR pixels: the sigma of a Gaussian below which nothing is lost


def effective_side(rgb: np.ndarray, frame: Frame, noise: float = 0.0) -> float:
    """Pixels across the frame that hold detail, 4.0 .. frame.side.

    rgb: uint8 (H, W, 3) the photo; frame: along its axes or not, it may reach over the edges, which are repeated;
    noise: of the photo in grey levels, standard deviation, where it is known (`quality.noise_level`)
    """
    side = max(LOWEST, frame.side)
    if side < SMALLEST:
        return side
    whole = luma_square(rgb, frame)
    found = _held(whole, side, noise)
    if side > LARGEST and found > FULL * LARGEST:
        # More than fits: the middle of the face, at most half of it, so fine as there are pixels.
        part = max(0.5, LARGEST / side)
        half = luma_square(rgb, frame.grown(part))
        fine = _held(half, side * part, noise) / part
        most = LARGEST / part
        sure = (fine / most - FULL) / (SURE - FULL)
        found = fine + (side - most) * float(np.clip(sure, 0, 1))
    return float(np.clip(found, LOWEST, side))


def luma_square(rgb: np.ndarray, frame: Frame) -> Image.Image:
    """Mode L, at most LARGEST pixels a side: the frame's square along the photo's axes, its pixels as they are, and
    reduced only where there are more."""
    n = max(SMALLEST, round(frame.side))
    top, left = (round(frame.centre[axis] + 0.5 - n / 2) for axis in (1, 0))
    rows, columns = _within(top, n, rgb.shape[0]), _within(left, n, rgb.shape[1])
    luma = Image.fromarray(np.ascontiguousarray(rgb[rows, columns])).convert("L")
    if luma.size != (n, n):  # edges repeated
        down = np.clip(np.arange(top, top + n) - rows.start, 0, luma.height - 1)
        across = np.clip(np.arange(left, left + n) - columns.start, 0, luma.width - 1)
        luma = Image.fromarray(np.asarray(luma)[down[:, None], across])
    return _reduced(luma, LARGEST) if n > LARGEST else luma


def _within(start: int, count: int, size: int) -> slice:
    """What of `count` rows or columns lies within an image; at least its nearest one."""
    return slice(min(max(0, start), size - 1), max(1, min(size, start + count)))


def _reduced(image: Image.Image, size: int) -> Image.Image:
    return image.resize((size, size), Image.Resampling.BICUBIC, reducing_gap=1.0)


def _held(image: Image.Image, side: float, noise: float) -> float:
    """Pixels across an image of mode L, `side` wide in the photo, that hold detail."""
    found = side
    for look in range(LOOKS):
        size = image.width
        y = np.asarray(image, np.float32)
        # Dim or hazy photos have the contrast of others first, or they would have less detail.
        gain = float(np.clip(DULL / max(1.0, y.std()), 1.0, MOST_GAIN))
        share = 2.0 ** share_held(y * gain, gain * noise * min(1.0, size / side))
        found = share * min(side, size)
        if share >= NARROW[look > 0] or size <= SMALLEST:
            break
        image = _reduced(image, max(SMALLEST, round(ROOM * found)))
    return found


def describe(y: np.ndarray, noise: float) -> np.ndarray | None:
    """What the regression sees of luma, float32 (N, N), SMALLEST <= N <= LARGEST; None where it is all one grey.

    float32 (BANDS + 3,): the logarithms (base 2) of the mean energy of its cosine transform in each band, the finest
    first, less the noise that is known; then those of N and of the noise.
    """
    size = len(y)
    cosines, bands, counts = cosine_bands(size)
    energy = separable(cosines, y, cosines) ** 2
    known = np.bincount(bands, energy.ravel(), BANDS + 2)[: BANDS + 1]
    there = counts > 0
    mean = known[there] / counts[there]
    if mean.max() <= FLOOR:
        return None
    levels = np.log2(np.maximum(mean - noise**2, mean / 8) + FLOOR)
    # A small picture has no bands so low: each is like the one above it, by the law.
    levels = np.concatenate([levels, levels[-1] + LAW * np.arange(1, BANDS + 2 - len(levels))])
    return np.array([*levels, np.log2(size), np.log2(noise**2 + FLOOR)], np.float32)


def share_held(y: np.ndarray, noise: float) -> float:
    """log2 of the part of the size of luma (N, N) that holds detail: 0 where all does. By two layers of tanh."""
    features = describe(y, noise)
    if features is None:
        return NOTHING
    return np.clip(regression("detail", features), NOTHING, 0).item()
