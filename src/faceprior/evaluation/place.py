"""Figures in place: the output against the truth in the frame that the network chose, as a photo's owner sees it.

They need no label's frame and forgive no blur: an output that lies a pixel off its label is no worse for it, since a
photo's face is put back where it was cut. Beside each stands the gain over the floor, bicubic in the same frame.
"""

import torch
from torch import Tensor

from ..dataset.pairs import Pairs
from ..dataset.scene import bicubic_upright
from .metrics import masked_mean, psnr, ssim_map, to_levels


def score_place(output: Tensor, frame: Tensor, pairs: Pairs) -> dict[str, Tensor]:
    """Outputs (N, 3, 128, 128) as levels 0..255, the transforms (N, 2, 3) that set them upright -> figures, each (N,).

    `place_psnr` (dB) and `place_ssim` of all pixels in RGB; `*_seen` of those that lie within the LR and the photo:
    under an unaligned protocol an eighth of the upright frame lies outside it, where a network can only guess, and a
    photo's own cut has no such part. `gain_*`: the same less the floor's.
    """
    truth = to_levels(pairs.scene.truth(frame))
    floor = to_levels(bicubic_upright(pairs.lr, frame))
    seen = pairs.scene.seen(frame) & pairs.scene.inside(frame)
    ours, floors = (_figures(images, truth, seen) for images in (output, floor))
    return {f"place_{name}": value for name, value in ours.items()} | {
        f"gain_{name}": value - floors[name] for name, value in ours.items()
    }


def _figures(images: Tensor, truth: Tensor, seen: Tensor) -> dict[str, Tensor]:
    similarity = ssim_map(images, truth)
    return {
        "psnr": psnr(images, truth),
        "ssim": similarity.mean((1, 2)),
        "psnr_seen": psnr(images, truth, seen),
        "ssim_seen": masked_mean(similarity, seen),
    }


def chosen_frame(restored, pairs: Pairs) -> Tensor | None:
    """(N, 2, 3) of a `Restored`, on the device of `pairs`; None where it does not say in which frame its faces are."""
    frame = restored.transforms if restored.frame is None else restored.frame
    return None if frame is None else torch.as_tensor(frame, dtype=torch.float32, device=pairs.lr.device)
