"""The short validation after each epoch: PSNR and the STN's error. `faceprior evaluate` measures in full."""

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from ..dataset.pairs import PairMaker
from ..face.heatmaps import render_heatmaps
from ..face.similarity import similarity_parameters
from .losses import heatmap_loss

CHUNK = 32


def psnr(sr: Tensor, hr: Tensor) -> Tensor:
    """(N, 3, H, W) in [-1, 1] -> (N,) dB over RGB, the output rounded to 8 bit as it would be saved."""
    a = ((sr.clamp(-1, 1) + 1) * 127.5).round()
    b = ((hr + 1) * 127.5).round()
    return 10 * torch.log10(255**2 / (a - b).square().flatten(1).mean(1).clamp_min(1e-10))


@torch.no_grad()
def validate(fabric: Fabric, model: nn.Module, maker: PairMaker) -> dict[str, float]:
    """Means over the maker's faces at their fixed test transforms; every process takes a share.

    psnr: dB, RGB; angle: degrees; scale: ratio; shift: parts of the side (all absolute errors of the STN);
    h: Lh of the last stack by the energy norm.
    """
    training = model.training
    model.eval()
    sums = torch.zeros(6, dtype=torch.float64)
    rows = torch.arange(fabric.global_rank, len(maker.store), fabric.world_size)
    for index in rows.split(CHUNK):
        pairs = maker.test(index)
        with fabric.autocast():
            out = model(pairs.lr)
        true = similarity_parameters(pairs.transform.cpu().numpy())
        guess = similarity_parameters(out.transform.float().cpu().numpy())
        angle = np.abs((guess[0] - true[0] + 180) % 360 - 180)
        scale = np.abs(guess[1] / true[1] - 1)
        shift = np.hypot(guess[2] - true[2], guess[3] - true[3])
        h = 0.0
        if out.heatmaps:
            last = out.heatmaps[-1].float()
            target = pairs.heatmaps
            if last.shape[-1] != target.shape[-1]:
                target = render_heatmaps(pairs.landmarks, pairs.visible, last.shape[-1])
            h = float(heatmap_loss([last], target, pairs.kernels)) * len(index)
        sums += torch.tensor(
            [float(psnr(out.picture.float(), pairs.hr).sum()), angle.sum(), scale.sum(), shift.sum(), h, len(index)],
            dtype=torch.float64,
        )
    model.train(training)
    if fabric.world_size > 1:
        sums = fabric.all_reduce(sums.float().to(fabric.device), reduce_op="sum").double().cpu()
    names = ("psnr", "angle", "scale", "shift", "h")
    return dict(zip(names, (sums[:-1] / sums[-1].clamp_min(1)).tolist(), strict=True))
