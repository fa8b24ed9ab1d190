"""The models of this project under evaluation."""

import numpy as np

from ..dataset.bicubic import enlarge
from ..dataset.pairs import Pairs
from ..dataset.rough import condition, reduced_condition
from ..errors import FacepriorError
from ..runtime.upscaler import load
from .restorer import Restored


def _has_heatmaps(header: dict) -> bool:
    config = header.get("config", {})
    if header.get("model", "mtun") == "unet":
        return bool(config.get("heatmaps", True))
    return header.get("model", "mtun") == "mtun" and config.get("heb", True) != 0


class Ours:
    """A model of this project, called exactly as a user calls it."""

    def __init__(self, spec: str, device: str, *, name: str | None = None, sharp: bool = False):
        self.upscaler = load(spec, device=device, sharp=sharp)
        self.name, self.sha256 = name or spec, self.upscaler.info.sha256
        header = self.upscaler.backend.header
        # Without an HEB ("w/o Lh", comparators) the maps are zeros that keep the interface, not a prediction.
        self.maps = _has_heatmaps(header)

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        lr = self._fitting(lr)
        result = self.upscaler(lr, condition=self._told(lr, pairs))
        return Restored(result.images, result.heatmaps if self.maps else None, result.transforms)

    def _told(self, lr: np.ndarray, pairs: Pairs | None) -> np.ndarray | None:
        """What a user's photo would tell: the quality of its JPEG file."""
        if pairs is None or pairs.jpeg is None:
            return None
        part = lr.shape[1] / pairs.lr.shape[-1]
        return np.tile(np.array(reduced_condition(condition(pairs.jpeg), part), np.float32), (len(lr), 1))

    def _fitting(self, lr: np.ndarray) -> np.ndarray:
        """The LR at a size that the model was trained on: a larger one is reduced as the protocol reduces, a smaller
        one refused."""
        (least, most), given = self.upscaler.sizes, lr.shape[1]
        if given < least:
            raise FacepriorError(
                f"model '{self.name}': takes faces of {least} px, the protocol gives {given}; name one with -{least}"
            )
        return enlarge(lr, most) if given > most else lr
