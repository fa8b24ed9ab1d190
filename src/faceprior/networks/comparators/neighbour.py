"""NN (paper Fig. 1c): the training face whose aligned LR is nearest in intensity gives its HR."""

import torch
from torch import Tensor

from ..config import HR_SIZE, LR_SIZE
from .config import NNConfig
from .learning import Batches
from .stn0 import AlignedNetwork


class NearestNeighbour(AlignedNetwork):
    """No training loop: `learn` keeps up to `config.faces` faces, 8 bit, in the weights file (204 MB for 4,096).

    LR faces are kept as STN0 aligns them, as it will be asked about. Distance: Euclid's over the 768 RGB values.
    """

    closed_form = True
    passes = 1

    def __init__(self, config: NNConfig | None = None):
        super().__init__()
        self.config = c = config or NNConfig()
        self.register_buffer("lr", torch.zeros(c.faces, 3, LR_SIZE, LR_SIZE, dtype=torch.uint8))
        self.register_buffer("hr", torch.zeros(c.faces, 3, HR_SIZE, HR_SIZE, dtype=torch.uint8))
        self.register_buffer("kept", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def learn(self, batches: Batches) -> None:
        """With fewer faces than there is room for, the rest is never a neighbour."""
        kept = 0
        for batch in batches():
            aligned, _ = self.stn0.align(batch.lr.to(self.lr.device))
            part = slice(kept, kept + len(aligned))
            room = len(self.lr[part])
            self.lr[part] = levels(aligned[:room])
            self.hr[part] = levels(batch.hr[:room].to(self.hr.device))
            kept += room
        self.kept.fill_(kept)

    def restore(self, aligned: Tensor) -> Tensor:
        known = self.lr.flatten(1).float() / 127.5 - 1
        asked = aligned.float().flatten(1)
        # |a - k|^2 without |a|^2, which is the same for every k.
        distance = known.square().sum(1) - 2 * asked @ known.T
        distance = distance.masked_fill(torch.arange(len(known), device=known.device) >= self.kept, torch.inf)
        return self.hr[distance.argmin(1)].float() / 127.5 - 1


def levels(x: Tensor) -> Tensor:
    """[-1, 1] -> uint8."""
    return ((x + 1) * 127.5).round().clamp(0, 255).byte()
