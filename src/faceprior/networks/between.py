"""Weights between two networks, the second trained on from the first: often better than both at what both learned
("Robust fine-tuning of zero-shot models", WiSE-FT, CVPR 2022)."""

import copy

import torch
from torch import nn

from ..errors import FacepriorError


@torch.no_grad()
def between(first: nn.Module, second: nn.Module, part: float) -> nn.Module:
    """A copy of `first`, brought `part` (0..1) of the way to `second`. What `second` has not, such as
    a sharp tail, stays.

    Raises FacepriorError where `second` is no network like `first`, or `part` is no part.
    """
    if not 0 <= part <= 1:
        raise FacepriorError(f"{part:g}: expected a part from 0 to 1")
    result = copy.deepcopy(first)
    mine, theirs = result.state_dict(), second.state_dict()
    if type(first) is not type(second) or any(mine.get(k, v[..., None]).shape != v.shape for k, v in theirs.items()):
        raise FacepriorError("the two are not of one kind and size")
    for name, value in theirs.items():
        if mine[name].is_floating_point():
            mine[name].lerp_(value.to(mine[name]), part)
    return result
