"""What cameras and things in the way do to an LR, as an augmentation: for STNs that learn their faces by heart."""

import torch
from torch import Tensor
from torch.nn import functional as F

NOISE = 0.1  #        largest standard deviation at strength 1, where the values are 2 wide
HIDDEN = (3, 7)  #    px: sides of what is hidden, the upper one left out
CHANCE = 0.5  #       of something hidden, at strength 1


def disturb(lr: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """(B, 3, h, w) in [-1, 1] -> the same shape and range, 8-bit values. `strength` in (0, 1]; `generator` a CPU one.

    Each face is made softer or harder, gets noise of its own amount, and of some a rectangle is hidden behind one
    colour. Nothing is moved, so the transform stays true.
    """
    count, _, height, width = lr.shape

    def draw(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator).to(lr.device)

    soft = F.avg_pool2d(F.pad(lr, (1, 1, 1, 1), "replicate"), 3, 1)
    lr = lr + (soft - lr) * ((2 * draw(1, 1, 1) - 1) * strength)

    noise = torch.randn(lr.shape, generator=generator).to(lr.device)
    lr = lr + noise * (draw(1, 1, 1) * NOISE * strength)

    size = torch.floor(HIDDEN[0] + draw(2) * (HIDDEN[1] - HIDDEN[0]))
    start = torch.floor(draw(2) * (lr.new_tensor([height, width]) + 1 - size))
    rows, columns = torch.arange(height, device=lr.device), torch.arange(width, device=lr.device)
    down = (rows >= start[:, :1]) & (rows < start[:, :1] + size[:, :1])
    across = (columns >= start[:, 1:]) & (columns < start[:, 1:] + size[:, 1:])
    some = draw(1, 1, 1) < CHANCE * strength
    hidden = down[:, None, :, None] & across[:, None, None, :] & some
    lr = torch.where(hidden, 2 * draw(3, 1, 1) - 1, lr)

    return lr.add(1).mul_(127.5).round_().clamp_(0, 255).div_(127.5).sub_(1)
