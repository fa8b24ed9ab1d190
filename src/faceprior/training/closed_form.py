"""The place of `Step` in a run of a system that has no training loop: nothing to update, nothing to restore."""

from typing import Any

import torch
from torch import nn

from .optim import Average


class Fitted:
    """A network that has learned all it will. A run of it has no steps: it is validated and written."""

    def __init__(self, generator: nn.Module, device: torch.device):
        self.generator = generator.to(device)
        self.average = Average(self.generator, 0.0)

    def state(self) -> dict[str, Any]:
        """Empty: the run has no middle, and its result is `model.safetensors`."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        pass
