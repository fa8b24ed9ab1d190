"""Muon (Jordan et al. 2024): for the weights of convolutions the step's direction is made orthogonal.

A gradient's matrix has few large singular values, so few directions learn; made orthogonal, all learn alike.
The step has the size that AdamW's would have ("match_rms": 0.2 x sqrt of the larger side, arXiv 2502.16982), so its
rate and decay are AdamW's, and everything that is no hidden convolution's weight is AdamW's.
"""

import torch
from torch import Tensor, nn

STEPS = 5
QUINTIC = (3.4445, -4.7750, 2.0315)  # Newton-Schulz: the singular values come to lie in about 0.7..1.2
LEAST = 16  # the smaller side of a weight's matrix from which on it is a hidden one: not the maps or the colours' layer


def hidden_weights(module: nn.Module) -> set[int]:
    """`id`s of the parameters that Muon is for: convolutions' weights with both sides of their matrix >= `LEAST`."""
    return {
        id(layer.weight)
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d) and layer.groups == 1 and min(layer.weight.flatten(1).shape) >= LEAST
    }


def orthogonal(matrix: Tensor) -> Tensor:
    """(m, n) -> (m, n) float32, its singular values brought near 1 by Newton and Schulz's iteration in bfloat16."""
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / x.norm().clamp(min=1e-7)
    a, b, c = QUINTIC
    for _ in range(STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).float()


class Muon(torch.optim.AdamW):
    """AdamW, but in groups with "muon": True every parameter is a matrix (all but its first dimension flattened) and
    moves by momentum (Nesterov's) made orthogonal. A step takes the gradients of those away."""

    def __init__(self, groups: list[dict], momentum: float = 0.95, **adamw):
        super().__init__([{"muon": False, "momentum": momentum, **group} for group in groups], **adamw)

    @torch.no_grad()
    def step(self, closure=None):
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            if group["muon"]:
                for parameter in group["params"]:
                    if parameter.grad is not None:
                        self._turn(parameter, group)
        return super().step()

    def _turn(self, parameter: Tensor, group: dict) -> None:
        gradient, parameter.grad = parameter.grad, None
        state = self.state[parameter]
        if "muon_momentum" not in state:
            state["step"] = torch.zeros(())  # AdamW asks for it where a state is loaded
            state["muon_momentum"] = torch.zeros_like(gradient)
        momentum = state["muon_momentum"].lerp_(gradient, 1 - group["momentum"])
        direction = gradient.lerp(momentum, group["momentum"]).flatten(1)
        size = 0.2 * max(direction.shape) ** 0.5
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        parameter.add_(orthogonal(direction).view(parameter.shape), alpha=-group["lr"] * size)
