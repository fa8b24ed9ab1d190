"""What an output is held against: the face in the label's frame, or in the one that the network chose."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..dataset.pairs import Pairs
from ..face.heatmaps import component_kernels, render_heatmaps
from ..networks.config import HR_SIZE
from ..networks.mtun import MTUNOutput
from .config import LossConfig


@dataclass
class Truth:
    hr: Tensor  #              (B, 3, 128, 128) in [-1, 1]
    weight: Tensor | None  #   (B, 128, 128) in [0, 1], of the pixels in Lp; None = all alike
    pairs: Pairs
    landmarks: Tensor  #       (B, 68, 2), HR pixels of that frame

    def heatmaps(self, size: int) -> tuple[Tensor, Tensor]:
        """Maps (B, 4, size, size) and the visible landmarks of each component (B, 4)."""
        pairs = self.pairs
        if self.landmarks is pairs.landmarks and pairs.heatmaps.shape[-1] == size:
            return pairs.heatmaps, pairs.kernels
        # R16, R32: rendered at that size, not resized
        maps = render_heatmaps(self.landmarks, pairs.visible, size)
        return maps, component_kernels(self.landmarks, pairs.visible)


@torch.no_grad()
def make_truth(loss: LossConfig, pairs: Pairs, out: MTUNOutput) -> Truth:
    """The truth in the frame of `loss.frame`. Pixels outside the photo, which were replicated from its edge, have no
    weight; those outside the LR have `loss.unseen`."""
    own = loss.frame == "own"
    frame = out.transform.detach().float() if own else pairs.transform
    inside = pairs.scene.inside(frame)
    weight = inside.float()
    if loss.unseen < 1:
        weight = torch.where(pairs.scene.seen(frame), weight, weight * loss.unseen)
    elif inside.all():
        weight = None
    if not own:
        return Truth(pairs.hr, weight, pairs, pairs.landmarks)
    return Truth(pairs.scene.truth(frame), weight, pairs, moved(pairs.landmarks, pairs.transform, frame))


def moved(landmarks: Tensor, true: Tensor, frame: Tensor) -> Tensor:
    """Landmarks (B, 68, 2) in HR pixels of the frame that `true` (B, 2, 3) sets upright -> of the one of `frame`."""
    points = (landmarks + 0.5) * (2 / HR_SIZE) - 1
    unaligned = points @ true[..., :2].mT + true[..., 2][:, None]
    points = (unaligned - frame[..., 2][:, None]) @ torch.linalg.inv(frame[..., :2]).mT
    return (points + 1) * (HR_SIZE / 2) - 0.5
