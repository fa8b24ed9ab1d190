"""The short validation after each epoch: PSNR and the STN's error. `faceprior evaluate` measures in full."""

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from ..dataset.pairs import PairMaker
from ..dataset.scene import bicubic_upright
from ..face.heatmaps import render_heatmaps
from ..face.similarity import similarity_parameters
from .losses import heatmap_loss

CHUNK = 32


NAMES = ("psnr", "place", "place_seen", "gain", "gain_seen", "angle", "scale", "shift", "h")


def psnr(sr: Tensor, hr: Tensor, part: Tensor | None = None) -> Tensor:
    """(N, 3, H, W) in [-1, 1] -> (N,) dB over RGB, of all pixels or those of `part`, bool (N, H, W); the output rounded
    to 8 bit as it would be saved."""
    a = ((sr.clamp(-1, 1) + 1) * 127.5).round()
    b = ((hr + 1) * 127.5).round()
    error = (a - b).square().mean(1)
    error = error.mean((1, 2)) if part is None else (error * part).sum((1, 2)) / part.sum((1, 2)).clamp_min(1)
    return 10 * torch.log10(255**2 / error.clamp_min(1e-10))


@torch.no_grad()
def validate(fabric: Fabric, model: nn.Module, maker: PairMaker) -> dict[str, float]:
    """Means over the maker's faces at their fixed test transforms; every process takes a share.

    psnr: dB, RGB, against the label's frame; place: in the frame that the network chose; gain: that over bicubic in the
    same frame; place_seen, gain_seen: of the pixels that the LR saw and the photo covers; angle: degrees; scale: ratio;
    shift: parts of the side (all absolute errors of the STN); h: Lh of the last stack by the energy norm.
    """
    training = model.training
    model.eval()
    sums = torch.zeros(len(NAMES) + 1, dtype=torch.float64)
    rows = torch.arange(fabric.global_rank, len(maker.store), fabric.world_size)
    for index in rows.split(CHUNK):
        pairs = maker.test(index)
        with fabric.autocast():
            out = model(pairs.lr) if pairs.told is None else model(pairs.lr, pairs.told)
        frame = out.transform.float()
        true = similarity_parameters(pairs.transform.cpu().numpy())
        guess = similarity_parameters(frame.cpu().numpy())
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
        picture, truth = out.picture.float(), pairs.scene.truth(frame)
        seen = pairs.scene.seen(frame) & pairs.scene.inside(frame)
        floor = bicubic_upright(pairs.lr, frame)
        place, place_seen = psnr(picture, truth), psnr(picture, truth, seen)
        gain, gain_seen = place - psnr(floor, truth), place_seen - psnr(floor, truth, seen)
        figures = [psnr(picture, pairs.hr), place, place_seen, gain, gain_seen]
        sums += torch.tensor(
            [*(float(x.sum()) for x in figures), angle.sum(), scale.sum(), shift.sum(), h, len(index)],
            dtype=torch.float64,
        )
    model.train(training)
    if fabric.world_size > 1:
        sums = fabric.all_reduce(sums.float().to(fabric.device), reduce_op="sum").double().cpu()
    return dict(zip(NAMES, (sums[:-1] / sums[-1].clamp_min(1)).tolist(), strict=True))
