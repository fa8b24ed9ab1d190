"""Grey stays grey, sepia stays sepia: a photo of one tint gives its restored faces that tint.

In such a photo the colour is a function of the brightness: nothing for a grey one, a curve for a toned or yellowed
one. The network, which knows coloured faces, draws them with some colour of its own; here that is replaced by what
the photo's curve says of each brightness.
"""

from dataclasses import dataclass

import numpy as np

LOOKED_AT = 50_000  # blocks, of a large photo spread over all of it
BLOCK, LEAST = 4, 64  # pixels a side, whose mean counts: JPEG's noise goes; photos of LEAST and more alone have enough
BINS = 32  # of the brightness
# Standard deviation of the blocks' chroma about the curve, in levels. Of 450 photos (CelebA, Helen, UTKFace) those with
# one tint, by eye, had 0.4 to 2.2 (toned by us and saved as JPEG 75: 1.0 to 2.0), those in colour 2.2 and more, half
# of them more than 9.
SPREAD = 2.1

_TO_CHROMA = np.array([[-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Tint:
    """curve: float32 (BINS, 2), Cb and Cr (BT.601, full range, about 0) by brightness; None: exactly grey."""

    curve: np.ndarray | None = None

    def apply(self, image: np.ndarray) -> np.ndarray:
        """uint8 (..., 3) -> the same brightness in this tint, uint8 (..., 3)."""
        luma = image.astype(np.float32) @ _LUMA
        if self.curve is None:
            grey = np.rint(luma).astype(np.uint8)
            return np.repeat(grey[..., None], 3, -1)
        cb, cr = (np.interp(luma, _centres(), self.curve[:, k]) for k in (0, 1))
        rgb = np.stack([luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb], -1)
        return np.rint(np.clip(rgb, 0, 255)).astype(np.uint8)


def is_grey(rgb: np.ndarray) -> bool:
    """uint8 (H, W, 3): whether its channels are equal everywhere."""
    step = max(1, 2**22 // max(1, rgb.shape[1]))  # rows at a time; a coloured photo is known by its first
    for y in range(0, rgb.shape[0], step):
        part = rgb[y : y + step]
        if (part[..., 0] != part[..., 1]).any() or (part[..., 1] != part[..., 2]).any():
            return False
    return True


def tint_of(rgb: np.ndarray) -> Tint | None:
    """uint8 (H, W, 3) -> the tint of a photo that has one alone, else None."""
    if is_grey(rgb):
        return Tint()
    values = _blocks(rgb)
    luma, chroma = (values @ _LUMA[:, None])[:, 0], values @ _TO_CHROMA.T
    index = np.clip((luma * BINS / 256).astype(int), 0, BINS - 1)
    count = np.bincount(index, minlength=BINS)
    means = np.stack([np.bincount(index, chroma[:, k], BINS) for k in (0, 1)], -1) / np.maximum(count, 1)[:, None]
    rest = chroma - means[index]
    if np.sqrt(np.mean(rest**2) * 2) > SPREAD:
        return None
    full = count > 0
    curve = np.stack([np.interp(_centres(), _centres()[full], means[full, k]) for k in (0, 1)], -1)
    return Tint(curve.astype(np.float32))


def _blocks(rgb: np.ndarray) -> np.ndarray:
    """float32 (N, 3): means of blocks on a grid over all of it; of a small picture, its pixels."""
    n = BLOCK if min(rgb.shape[:2]) >= LEAST else 1
    height, width = rgb.shape[0] // n, rgb.shape[1] // n
    blocks = rgb[: height * n, : width * n].reshape(height, n, width, n, 3)
    step = max(1, int(np.ceil(np.sqrt(height * width / LOOKED_AT))))
    blocks = blocks[step // 2 :: step, :, step // 2 :: step]
    sums = sum(blocks[:, row, :, column].astype(np.uint16) for row in range(n) for column in range(n))
    return (sums / np.float32(n * n)).reshape(-1, 3)  # NumPy's mean over two axes takes many times as long


def _centres() -> np.ndarray:
    return (np.arange(BINS) + 0.5) * (256 / BINS)
