"""The floors that every model must beat: interpolation alone, and interpolation that is told the alignment."""

import numpy as np

from ..dataset.bicubic import enlarge, set_upright
from ..dataset.pairs import Pairs
from .models import Restored


class Bicubic:
    """The LR as it lies, x8 by Pillow's BICUBIC (Table 1's row aligns first; see the registry's STN0 rows)."""

    name, sha256 = "bicubic", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(enlarge(lr))


class BicubicTrue:
    """The LR x8 by Pillow's BICUBIC, then set upright by the *true* transform, bicubic, edges replicated.

    In an aligned protocol it equals `Bicubic`.
    """

    name, sha256 = "bicubic-true", None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        return Restored(set_upright(enlarge(lr), pairs.transform))
