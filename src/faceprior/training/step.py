"""One update of both networks: a discriminator step (half real, half fake), then a generator step."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from ..dataset.pairs import Pairs
from ..networks.discriminator import Discriminator
from ..networks.mtun import MTUNOutput
from ..networks.vgg import VGGFeatures
from .config import TrainConfig
from .losses import (
    adversarial_loss,
    discriminator_loss,
    feature_loss,
    heatmap_loss,
    landmark_loss,
    pixel_loss,
    stage_loss,
    transform_loss,
)
from .optim import Average, Buffers, make_optimiser, set_rates
from .schedule import Position, adversarial_weight, lr_factor
from .truth import Truth, make_truth


@dataclass
class StepResult:
    losses: dict[str, float]  # each term unweighted, "total", "D", and the gradients' norms
    finite: bool  # False: an update was refused


class Step:
    """The networks, their optimisers and the arithmetic of an update."""

    def __init__(
        self,
        fabric: Fabric,
        config: TrainConfig,
        generator: nn.Module,  # of any kind: gives an MTUNOutput
        discriminator: Discriminator | None,
        vgg: VGGFeatures | None,
    ):
        self.fabric, self.config = fabric, config
        self.generator, self.discriminator, self.vgg = generator, discriminator, vgg
        for module in (generator, discriminator, vgg):
            if module is not None:
                module.to(fabric.device)
                if config.run.channels_last:
                    module.to(memory_format=torch.channels_last)
        o = config.optimiser
        slow = list(generator.localisation_parameters())
        self.average = Average(generator, o.ema)
        if config.run.compile:
            for module in (generator, discriminator, vgg):
                if module is not None:
                    module.compile()  # in place: the names of the weights stay
        self.g_optimiser = make_optimiser(generator, o, slow=slow)
        self._g, self._g_step = fabric.setup(generator, self.g_optimiser)
        self.d_optimiser = None
        if discriminator is not None:
            self.d_optimiser = make_optimiser(discriminator, o, lr=o.discriminator_lr)
            self._d, self._d_step = fabric.setup(discriminator, self.d_optimiser)
        self._buffers = [Buffers(m) for m in (generator, discriminator) if m is not None]

    def __call__(self, pairs: Pairs, at: Position) -> StepResult:
        """Update both networks once (paper: "in an alternating fashion").

        A network whose loss or gradient is not finite, on any process, keeps its weights, its optimiser's state
        and its BatchNorm statistics.
        """
        loss, clip = self.config.loss, self.config.optimiser.clip
        beta = adversarial_weight(loss, at.epoch) if self.discriminator is not None else 0.0
        factor = lr_factor(self.config.schedule, at)
        for buffers in self._buffers:
            buffers.keep()

        lr = self._in_layout(pairs.lr)
        given = {"transform": pairs.told} if pairs.told is not None else {}
        if pairs.condition is not None and getattr(self.generator, "takes_condition", False):
            given["condition"] = pairs.condition
        out = self._g(lr, **given)
        truth = make_truth(loss, pairs, out)
        hr = self._in_layout(truth.hr)

        numbers: dict[str, float] = {}
        finite = True
        if beta:
            numbers, finite = self._discriminator_step(hr, out.picture.detach(), factor, clip)

        terms = self._terms(out, pairs, truth, hr)
        total = sum(self._weight(name) * value for name, value in terms.items())
        if beta:
            terms["U"] = self._fooling(out.picture)
            total = total + beta * terms["U"]
        set_rates(self.g_optimiser, factor)
        self.g_optimiser.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        norm = _norm(self.generator, clip)
        mine = self._mean({"total": total, **terms, "norm": norm})
        finite = finite and _finite(mine)
        if finite:
            self._g_step.step()
            self.average.update(at.step + 1)
        else:
            for buffers in self._buffers:
                buffers.restore()
        return StepResult({**mine, **numbers, "lr": factor * self.config.optimiser.lr}, finite)

    def _in_layout(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last) if self.config.run.channels_last else x

    def _discriminator_step(
        self, hr: Tensor, fake: Tensor, factor: float, clip: float
    ) -> tuple[dict[str, float], bool]:
        set_rates(self.d_optimiser, factor)
        self.d_optimiser.zero_grad(set_to_none=True)
        real_logits, fake_logits = self._d(torch.cat([hr, fake])).chunk(2)  # one pass: DDP allows one a backward
        value = discriminator_loss(real_logits, fake_logits)
        self.fabric.backward(value)
        numbers = self._mean({"D": value, "norm_D": _norm(self.discriminator, clip)})
        if finite := _finite(numbers):
            self._d_step.step()
        return numbers, finite

    def _fooling(self, sr: Tensor) -> Tensor:
        """LU, with the discriminator as a fixed function: no gradient is kept for its weights."""
        self.discriminator.requires_grad_(False)
        try:
            with self.fabric.autocast():
                logits = self.discriminator(sr)
        finally:
            self.discriminator.requires_grad_(True)
        return adversarial_loss(logits.float(), self.config.loss.adversarial_form)

    def _terms(self, out: MTUNOutput, pairs: Pairs, truth: Truth, hr: Tensor) -> dict[str, Tensor]:
        """The terms of Eq. 6 that have a weight, unweighted, but LU."""
        loss = self.config.loss
        terms = {}
        if loss.pixel_weight:
            terms["p"] = pixel_loss(out.picture, hr, loss.pixel, truth.weight)
        if self.vgg is not None:
            some = _spread(len(hr), loss.feature_faces)
            with self.fabric.autocast():
                with torch.no_grad():
                    target = self.vgg(hr[some])
                features = self.vgg(out.picture[some])
            terms["f"] = feature_loss(features.float(), target.float(), loss.feature_norm)
        if loss.heatmap_weight and out.heatmaps:
            target, kernels = truth.heatmaps(out.heatmaps[-1].shape[-1])
            terms["h"] = heatmap_loss(out.heatmaps, target, kernels, loss.heatmap_norm)
        if loss.transform_weight:
            estimates = [*out.looks, out.transform]
            terms["t"] = torch.stack([transform_loss(t, pairs.transform, loss.alignment_norm) for t in estimates]).sum()
        if loss.stage_weight and out.stages:
            terms["s"] = stage_loss(out.stages, hr, loss.pixel)
        found = [*((out.transform, points) for points in out.landmarks), *out.points]
        if loss.landmark_weight and found:
            truth = (pairs.landmarks, pairs.visible, pairs.transform)
            terms["l"] = landmark_loss(found, *truth, loss.alignment_norm)
        return terms

    def _weight(self, name: str) -> float:
        loss = self.config.loss
        return {
            "p": loss.pixel_weight,
            "f": loss.feature_weight,
            "h": loss.heatmap_weight,
            "t": loss.transform_weight,
            "s": loss.stage_weight,
            "l": loss.landmark_weight,
        }[name]

    def _mean(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Numbers, the mean over the processes, so that all take the same decision. One wait for the device."""
        stacked = torch.stack([value.detach().float() for value in values.values()])
        if self.fabric.world_size > 1:
            stacked = self.fabric.all_reduce(stacked, reduce_op="mean")
        return dict(zip(values, stacked.tolist(), strict=True))

    def state(self) -> dict[str, Any]:
        """Everything learned, for a checkpoint."""
        state = {"generator": self.generator.state_dict(), "g_optimiser": self.g_optimiser.state_dict()}
        if self.discriminator is not None:
            state["discriminator"] = self.discriminator.state_dict()
            state["d_optimiser"] = self.d_optimiser.state_dict()
        if self.average.decay:
            state["average"] = self.average.module.state_dict()
        return state

    def load(self, state: dict[str, Any]) -> None:
        self.generator.load_state_dict(state["generator"])
        self.g_optimiser.load_state_dict(state["g_optimiser"])
        if self.discriminator is not None:
            self.discriminator.load_state_dict(state["discriminator"])
            self.d_optimiser.load_state_dict(state["d_optimiser"])
        if self.average.decay:
            self.average.module.load_state_dict(state["average"])


def _spread(batch: int, wanted: int | None) -> slice | list[int]:
    """Rows of a batch, evenly spread: its faces are in random order, but the rough ones come first."""
    if wanted is None or wanted >= batch:
        return slice(None)
    return [(2 * i + 1) * batch // (2 * wanted) for i in range(wanted)]


def _norm(module: nn.Module, clip: float) -> Tensor:
    """The norm of the gradient, which is then cut to `clip` where that is not 0."""
    parameters = [p for p in module.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters])
    if clip:
        nn.utils.clip_grads_with_norm_(parameters, clip, norm)
    return norm


def _finite(numbers: dict[str, float]) -> bool:
    return all(math.isfinite(value) for value in numbers.values())
