"""The floors that every model must beat: interpolation alone, and interpolation that is told the alignment."""

import numpy as np
from PIL import Image

from ..dataset.bicubic import enlarge, set_upright
from ..dataset.pairs import Pairs
from .restorer import HR_SIZE, Restored


class Bicubic:
    """The LR as it lies, x8 by Pillow's BICUBIC (Table 1's row aligns first; see the registry's STN0 rows)."""

    name, sha256 = "bicubic", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(enlarge(lr), frame=as_it_lies(len(lr)))


class Lanczos:
    """The LR as it lies, enlarged by Pillow's LANCZOS: what a photo's enlargement gives."""

    name, sha256 = "lanczos", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(enlarge(lr, HR_SIZE, Image.Resampling.LANCZOS), frame=as_it_lies(len(lr)))


class BicubicTrue:
    """The LR x8 by Pillow's BICUBIC, then set upright by the *true* transform, bicubic, edges replicated.

    In an aligned protocol it equals `Bicubic`.
    """

    name, sha256 = "bicubic-true", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(set_upright(enlarge(lr), pairs.transform), frame=pairs.transform.cpu().numpy())


def as_it_lies(count: int) -> np.ndarray:
    """The frame of what sets nothing upright, float32 (N, 2, 3)."""
    return np.repeat(np.eye(2, 3, dtype=np.float32)[None], count, 0)
