"""A second tail of a network, trained for perceived sharpness on all that the first one was trained on (`--sharp`).

Both pictures are there at once, so how sharp a face becomes is chosen when the network is used.
"""

from typing import Self

from torch import Tensor, nn
from torch.nn import functional as F


class SharpTail(nn.Module):
    """What a network with `tail` gets from its `sharp_tail`, of the same parameters; None: it has none."""

    tail: nn.Module
    sharp_tail: nn.Module | None

    def train(self, mode: bool = True) -> Self:
        """With a sharp tail it alone is in training: the statistics of what is frozen stay as they are."""
        super().train(mode and self.sharp_tail is None)
        if self.sharp_tail is not None:
            self.sharp_tail.train(mode)
        self.training = mode
        return self

    def take_weights(self, other: "SharpTail") -> None:
        """Start from a trained network. Where that has no sharp tail and this one has, from its tail twice."""
        state = other.state_dict()
        if self.sharp_tail is None:
            state = {key: value for key, value in state.items() if not key.startswith("sharp_tail.")}
        elif other.sharp_tail is None:
            state |= {f"sharp_{key}": value for key, value in state.items() if key.startswith("tail.")}
        self.load_state_dict(state)


class SmoothShuffle(nn.PixelShuffle):
    """A pixel shuffle, then [1 2 1] / 4 across and down: (B, 4C, H, W) -> (B, C, 2H, 2W).

    The four pixels that a shuffle makes of one come of different weights. What differs between them by the weights
    alone is a grid of two pixels, which losses of sharpness do not punish; this filter is blind to it.
    """

    def __init__(self):
        super().__init__(2)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(super().forward(x), (1, 1, 1, 1), mode="replicate")
        return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1), 2, stride=1)
