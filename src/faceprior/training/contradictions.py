"""Keys that are each in their range and make no run together. One line for the first such: `section.key: why`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..networks.kinds import kind_of

if TYPE_CHECKING:
    from .config import TrainConfig

TOLD = ("mtun", "unet")  # kinds that take a transform instead of estimating one


def contradictions(config: "TrainConfig") -> Iterator[str]:
    kind = kind_of(config.model)
    yield from _nothing_learned(config, kind)
    if config.schedule.kind == "cosine" and config.schedule.by == "budget" and config.run.max_time is None:
        yield "schedule.by = 'budget' needs run.max_time (or --max-time)"
    data, batch = config.data, config.run.batch
    if data.told is not None and kind not in TOLD:
        yield f"data.told: a network of kind '{kind}' cannot be told; {' and '.join(TOLD)} can"
    if data.sizes is not None and kind != "unet":
        yield f"data.sizes: a network of kind '{kind}' takes LRs of one size; unet takes many"
    if data.faces is not None and data.faces < batch:
        yield f"run.batch: {batch} is more than data.faces = {data.faces}"
    if batch < 2 and _needs_several(config, kind):
        yield f"run.batch: expected 2 or more, got {batch}: the network normalises single pixels over the batch"


def _nothing_learned(config: "TrainConfig", kind: str) -> Iterator[str]:
    loss = config.loss
    picture = loss.pixel_weight + loss.feature_weight
    if kind == "stn0":
        landmarks = loss.landmark_weight if config.model.landmarks else 0
        if not picture + loss.adversarial_weight + loss.transform_weight + landmarks:
            yield "loss.transform_weight: 0, as are the picture's weights: the STN would not be learned"
        picture += loss.transform_weight + landmarks
    elif not picture + loss.adversarial_weight:
        yield "loss: pixel, feature and adversarial weights are all 0: the picture would not be learned"
    if not picture and loss.adversarial_weight and loss.adversarial_start:
        start = loss.adversarial_start
        yield f"loss.adversarial_start: {start}, and nothing but the adversary has a weight: nothing is learned before"


def _needs_several(config: "TrainConfig", kind: str) -> bool:
    """Whether a BatchNorm of the network sees one pixel: in the autoencoder's middle, or the deepest hourglass's."""
    c = config.model
    return kind == "mtun" and not c.sharp and (c.autoencoder or (c.heb > 0 and c.heb >> c.hourglass_depth == 1))
