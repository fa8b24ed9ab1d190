"""The losses of the paper (section 3.3) and two options of the modern recipe.

Every term is a mean over the batch, so that a step over several processes equals one over the joined batch.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from ..face.components import COMPONENT_LANDMARKS, COMPONENTS
from ..face.heatmaps import kernel_energy
from ..networks.config import HR_SIZE

Apart = Literal["squared", "distance"]

COMPONENT_SIZES = tuple(float(len(COMPONENT_LANDMARKS[name])) for name in COMPONENTS)


LEAST = 1e-5  # of a squared error in [-1, 1]: 56 dB, beyond which nothing is gained
FEW = 0.05  # of a face's pixels: where fewer have a smaller weight, they count by how many they are


def pixel_loss(
    sr: Tensor, hr: Tensor, kind: Literal["l2", "l1", "charbonnier", "log"] = "l2", weight: Tensor | None = None
) -> Tensor:
    """Lp (Eq. 1), both (N, 3, 128, 128) in [-1, 1]: the mean over faces, channels and pixels, of each face weighted by
    `weight` (N, 128, 128), where it is given.

    The paper writes a sum over pixels; the released settings take the mean, which scales Lp by 1/49152. l1 and
    Charbonnier, sqrt(d^2 + 1e-6), are options of the modern recipe: they follow outliers less than l2. log is that of
    each face's l2, which is its PSNR but for a factor, so that an easy face, or one of many pixels, counts as much as a
    hard one; of pixels whose weight is below 1 apart, so weighted: they err so much more that in one sum they would be
    most of it.
    """
    difference = sr - hr
    if kind == "log":
        return _log_loss(difference.square().mean(1), weight)
    if kind == "l2":
        apart = difference.square()
    elif kind == "l1":
        apart = difference.abs()
    else:
        apart = (difference.square() + 1e-6).sqrt()
    if weight is None:
        return apart.mean()
    return ((apart.mean(1) * weight).sum((1, 2)) / weight.sum((1, 2)).clamp_min(1)).mean()


def _log_loss(squared: Tensor, weight: Tensor | None) -> Tensor:
    """`pixel_loss` of kind log, of (N, 128, 128). A face with few pixels of less weight counts them less."""
    if weight is None:
        return squared.mean((1, 2)).add(LEAST).log().mean()
    whole = (weight >= 1).float()
    part = ((weight > 0) & (weight < 1)).float()
    seen, guessed = ((squared * m).sum((1, 2)) / m.sum((1, 2)).clamp_min(1) + LEAST for m in (whole, part))
    share = (part.mean((1, 2)) / FEW).clamp_max(1) * (weight * part).amax((1, 2))
    return (seen.log() + share * guessed.log()).mean()


def feature_loss(features: Tensor, target: Tensor, norm: Literal["mean", "relative", "released"] = "mean") -> Tensor:
    """Lf (Eq. 2) between relu3_2 maps (N, C, H, W) of the output and of the HR face.

    The size of this term hangs on the scale of the VGG's input and weights, so its normalisation is explicit:

    * `mean`: mean squared difference; the weight means what is written.
    * `relative`: squared difference / energy of the target's features, a face at a time: 1.0 = "all features
      lost", whatever the scale of the VGG. A weight found with one VGG file holds for another.
    * `released`: `mean` / 127.5^2. The released code divides the VGG's gradient by 127.5 where the chain rule
      multiplies by it, so the weight written there (0.01) acts about 127.5^2 times smaller.
    """
    squared = (features - target).square()
    if norm == "relative":
        return (squared.flatten(1).sum(1) / target.square().flatten(1).sum(1).clamp_min(1e-12)).mean()
    loss = squared.mean()
    return loss / 127.5**2 if norm == "released" else loss


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-LD / 2 (Eq. 3) from logits (N, 1): minimised here, maximised there; half real, half fake.

    log D = -softplus(-x) and log(1 - D) = -softplus(x) for a logit x: finite for any finite logit.
    """
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def adversarial_loss(fake: Tensor, form: Literal["nonsaturating", "saturating"] = "nonsaturating") -> Tensor:
    """LU (Eq. 4) from the logits (N, 1) of the output.

    The paper says it minimises log D(U(l)); taken literally that would teach U to look *less* real. Its aim,
    "to fool the discriminative network", has two usual forms: -log D (`nonsaturating`, the default: its gradient
    is strong while D wins) and log(1 - D) (`saturating`: the minimax form of Eq. 3).
    """
    return F.softplus(-fake).mean() if form == "nonsaturating" else -F.softplus(fake).mean()


def heatmap_loss(
    stacks: Sequence[Tensor],
    target: Tensor,
    kernels: Tensor,
    norm: Literal["energy", "sum", "mean"] = "energy",
) -> Tensor:
    """Lh (Eq. 5): the mean over hourglass stacks, faces and the M = 4 components of |H - H'|^2 / N.

    stacks: each (N, 4, R, R); target: (N, 4, R, R) about [0, 1]; kernels: (N, 4), visible landmarks of each
    component: the N of the paper. An invisible component (kernels 0) has an empty target, and an empty map must
    be learned; its N is the component's full count, so that inventing a component costs what missing it does.

    * `energy`: further divided by the energy of one Gaussian, so that about 1.0 = "predicts nothing" (less where
      Gaussians overlap), at any R.
    * `sum`: Eq. 5 to the letter, a sum over pixels. Beside a *mean* Lp it weighs thousands of times more.
    * `mean`: the released form: the plain mean over maps and pixels, not divided by N.
    """
    if norm == "mean":
        return torch.stack([(maps - target).square().mean() for maps in stacks]).mean()
    full = kernels.new_tensor(COMPONENT_SIZES)
    count = torch.where(kernels > 0, kernels, full)
    if norm == "energy":
        count = count * kernel_energy(target.shape[-1])
    return torch.stack([((maps - target).square().sum((2, 3)) / count).mean() for maps in stacks]).mean()


def stage_loss(
    stages: Sequence[Tensor], hr: Tensor, kind: Literal["l2", "l1", "charbonnier", "log"] = "l2"
) -> Tensor:
    """Of comparators that make the face in stages: the mean over them of Lp against the HR at each one's resolution.

    stages: each (N, 3, R, R); hr (N, 3, 128, 128) is reduced by an anti-aliased bicubic.
    """
    losses = []
    for stage in stages:
        size = stage.shape[-2:]
        target = (
            hr
            if size == hr.shape[-2:]
            else F.interpolate(hr.float(), size=size, mode="bicubic", align_corners=False, antialias=True)
        )
        losses.append(pixel_loss(stage, target, kind))
    return torch.stack(losses).mean()


def landmark_loss(
    found: Sequence[tuple[Tensor, Tensor]],
    landmarks: Tensor,
    visible: Tensor,
    true: Tensor,
    norm: Apart = "squared",
) -> Tensor:
    """The mean (squared) distance of predicted landmarks from the true ones, over predictions and visible landmarks.

    found: each a warp (N, 2, 3) of the LR and landmarks (N, 68, 2) in what it gives, in pixels as if that were 128
    wide (CBN: the face as its STN set it upright); landmarks (N, 68, 2) in HR pixels of the truly upright face, so
    they are first brought into each warp; `visible` bool (N, 68); `true` (N, 2, 3). In normalised units (the
    face is 2 wide). `norm` as of `transform_loss`.
    """
    points = (landmarks + 0.5) * (2 / HR_SIZE) - 1
    unaligned = points @ true[..., :2].mT + true[..., 2][:, None]
    weight = visible.float()
    losses = []
    for warp, guess in found:
        target = (unaligned - warp[..., 2][:, None]) @ torch.linalg.inv(warp[..., :2].float()).mT
        apart = _apart((guess.float() + 0.5) * (2 / HR_SIZE) - 1 - target, norm)
        losses.append((apart * weight).sum() / weight.sum().clamp_min(1))
    return torch.stack(losses).mean()


def transform_loss(predicted: Tensor, true: Tensor, norm: Apart = "squared") -> Tensor:
    """Supervision of the STN, both (N, 2, 3): the mean (squared) distance between where the two send the four
    corners and the centre of the upright face, in normalised units (the face is 2 wide).

    Angle, scale and shift are so weighed in one unit, by the harm they do: 1 degree moves a corner by 0.025.

    `norm`: "squared" is led by the faces whose labels are the worst, and its gradient fades as the rest come near;
    "distance" follows every face alike (compare L2 with L1 in Wing loss, CVPR 2018, section 4).
    """
    corners = [(-1.0, -1.0, 1.0), (1.0, -1.0, 1.0), (-1.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.0, 0.0, 1.0)]
    points = predicted.new_tensor(corners)  # (5, 3)
    moved = (predicted - true) @ points.T  # (N, 2, 5)
    return _apart(moved.mT, norm).mean()


def _apart(difference: Tensor, norm: Apart) -> Tensor:
    """(..., 2) -> (...). The distance is smooth within a hundredth of a pixel of 128, where it has no gradient."""
    squared = difference.square().sum(-1)
    return squared if norm == "squared" else (squared + 1e-8).sqrt() - 1e-4
