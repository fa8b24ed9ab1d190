"""BatchNorm over the batch of all processes, on any device.

`nn.SyncBatchNorm` serves GPUs alone. On CPUs the same is done by a differentiable all-reduce, so that several
processes there give the gradients of one with the joined batch.
"""

import torch
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce


class JoinedBatchNorm(nn.BatchNorm2d):
    """BatchNorm2d whose training statistics are those of all processes. Every process has the same batch size."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        world = torch.distributed.get_world_size()
        mean = all_reduce(x.mean((0, 2, 3))) / world
        centred = x - mean[:, None, None]  # two passes: E[x^2] - E[x]^2 cancels where the variance is small
        variance = all_reduce(centred.square().mean((0, 2, 3))) / world
        with torch.no_grad():
            count = world * x.numel() / x.shape[1]
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale[:, None, None] + self.bias[:, None, None]


def join_batchnorms(module: nn.Module, device: torch.device) -> nn.Module:
    """Turn every BatchNorm2d of `module` into one over all processes. The state's names stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)
    for child in module.modules():
        if type(child) is nn.BatchNorm2d:
            child.__class__ = JoinedBatchNorm
    return module
