"""The optimisers, their parameter groups, and the average of the weights."""

import copy

import torch
from torch import Tensor, nn

from .config import OptimiserConfig
from .muon import Muon, hidden_weights


def make_optimiser(
    module: nn.Module, config: OptimiserConfig, *, lr: float = 1.0, slow: list[nn.Parameter] | None = None
) -> torch.optim.Optimizer:
    """The optimiser of a network; `slow` are the STN's localisation parameters.

    STNs learn slowly and break under a high rate, so they get their own. Each group keeps its base rate under
    "base_lr"; `set_rates` multiplies it by the schedule's factor. Vectors (biases, BatchNorm) are not decayed.
    """
    slow_ids = {id(p) for p in slow or ()}
    muon = hidden_weights(module) if config.name == "muon" else set()
    groups: dict[tuple[float, float, bool], list[nn.Parameter]] = {}
    for parameter in module.parameters():
        if not parameter.requires_grad:  # a frozen STN0
            continue
        rate = config.lr * lr * (config.localisation_lr if id(parameter) in slow_ids else 1.0)
        decay = config.weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate, decay, id(parameter) in muon), []).append(parameter)
    listed = [
        {"params": parameters, "lr": rate, "base_lr": rate, "weight_decay": decay, **({"muon": True} if turned else {})}
        for (rate, decay, turned), parameters in groups.items()
    ]
    if config.name == "rmsprop":
        return torch.optim.RMSprop(listed, alpha=config.smoothing, eps=config.eps, foreach=True)
    if config.name == "muon":
        return Muon(listed, betas=config.betas, eps=config.eps, fused=True)
    return torch.optim.AdamW(listed, betas=config.betas, eps=config.eps, fused=True)


def set_rates(optimiser: torch.optim.Optimizer, factor: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = group["base_lr"] * factor


class Average:
    """The exponential moving average of a network's weights and BatchNorm statistics.

    It is what is validated and exported. The decay warms up as (1 + n) / (10 + n), so that a short run is not
    an average with its random start. With decay 0 it is the network itself.
    """

    def __init__(self, module: nn.Module, decay: float):
        self.decay = decay
        self.module = copy.deepcopy(module).requires_grad_(False).eval() if decay else module
        mine = [*self.module.parameters(), *self.module.buffers()]
        pairs = list(zip(mine, [*module.parameters(), *module.buffers()], strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After the `step`-th update."""
        if not self.decay:
            return
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_([mine for mine, _ in self._averaged], [live for _, live in self._averaged], weight)
        for mine, live in self._copied:
            mine.copy_(live)


class Buffers:
    """A copy of a network's buffers, to undo what a refused step did to BatchNorm's running statistics."""

    def __init__(self, module: nn.Module):
        self.live: list[Tensor] = list(module.buffers())
        self.kept = [buffer.clone() for buffer in self.live]

    @torch.no_grad()
    def keep(self) -> None:
        if self.live:
            torch._foreach_copy_(self.kept, self.live)

    @torch.no_grad()
    def restore(self) -> None:
        if self.live:
            torch._foreach_copy_(self.live, self.kept)
