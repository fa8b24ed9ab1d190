"""What the validation's figures are without a network: said beside them, and drawn under the curves."""

import numpy as np
import torch
from torch import Tensor

from ..dataset.bicubic import enlarge, set_upright
from ..dataset.pairs import PairMaker
from ..face.similarity import similarity_parameters

CHUNK = 64


def floors(maker: PairMaker) -> dict[str, float]:
    """Means over the maker's faces at their fixed test transforms, as of `validate`.

    psnr_bicubic: dB of the LR enlarged as it lies; psnr_bicubic_true: set upright by the true transform;
    angle (degrees), scale, shift: the errors of an STN that leaves every face as it is.
    """
    sums, count = np.zeros(5), 0
    for index in torch.arange(len(maker.store)).split(CHUNK):
        pairs = maker.test(index)
        hr, large = _eight_bit(pairs.hr), enlarge(_eight_bit(pairs.lr))
        angle, scale, tx, ty = similarity_parameters(pairs.transform.cpu().numpy())
        sums += (
            _psnr(large, hr).sum(),
            _psnr(set_upright(large, pairs.transform), hr).sum(),
            np.abs((angle + 180) % 360 - 180).sum(),
            np.abs(1 / scale - 1).sum(),
            np.hypot(tx, ty).sum(),
        )
        count += len(index)
    names = ("psnr_bicubic", "psnr_bicubic_true", "angle", "scale", "shift")
    return dict(zip(names, (sums / max(1, count)).tolist(), strict=True))


def _eight_bit(x: Tensor) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3)."""
    return ((x.cpu() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()


def _psnr(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """uint8 (N, H, W, 3) twice -> (N,) dB."""
    error = ((a.astype(np.float32) - b) ** 2).reshape(len(a), -1).mean(1)
    return 10 * np.log10(255**2 / np.maximum(error, 1e-10))
