"""The network of a run as it is before its first update: made, given its STN0, and what it learns without gradients."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from ..dataset.pairs import PairMaker, Pairs
from ..errors import FacepriorError
from ..networks.kinds import make_network
from ..networks.sharp import SharpTail
from ..networks.weights import load_model
from .config import TrainConfig
from .devices import to_device
from .given import check_given, closed_form, load_canvas
from .sampler import seed_of

CHUNK = 64


def make_generator(
    config: TrainConfig,
    maker: PairMaker,
    device: torch.device,
    *,
    stn0: Path | None,
    canvas: Path | None = None,
    resumed: bool,
) -> nn.Module:
    """The network of `config`. `stn0` is a trained STN0's file: for the kinds that hold one, or an MTUN to start from;
    `canvas` a trained canvas's, for those that build on one.

    A resumed run's checkpoint holds everything (but for kinds without a training loop, which have no middle).
    """
    network = make_network(config.model)
    check_given(network, config, stn0=stn0, canvas=canvas, resumed=resumed)
    if config.run.initial and not resumed:
        _start_from(network, Path(config.run.initial))
    resumed = resumed and not closed_form(network)
    if stn0 is not None and not resumed:
        path = stn0 / "model.safetensors" if stn0.is_dir() else stn0
        network.take_stn0(load_model(path), str(path))
    if canvas is not None and not resumed and not config.run.initial:
        network.take_canvas(load_canvas(canvas))
    if hasattr(network, "learn") and not resumed:
        network.to(device)
        network.learn(lambda: _batches(config, maker, device, network.passes))
    return network


def _start_from(network: nn.Module, path: Path) -> None:
    """Take the weights of `path`. FacepriorError where it holds another network, but for a sharp tail more or less, for
    what the network is told and for what learns."""
    found = load_model(path / "model.safetensors" if path.is_dir() else path)
    config = found.config
    if isinstance(found, SharpTail) and type(found) is type(network):
        free = ("sharp", "told", "canvas_learns")
        kept = {name: getattr(network.config, name) for name in free if hasattr(config, name)}
        config = replace(config, **kept)
    if config != network.config:
        raise FacepriorError(f"{path}: holds another network than [model] describes; run.initial needs the same one")
    if isinstance(found, SharpTail):
        network.take_weights(found)
    else:
        network.load_state_dict(found.state_dict())


def _batches(config: TrainConfig, maker: PairMaker, device: torch.device, passes: int) -> Iterator[Pairs]:
    """Training faces, evenly spread where the network wants fewer than there are; the same ones at every call."""
    wanted = min(config.model.faces, len(maker.store))
    rows = torch.linspace(0, len(maker.store) - 1, wanted, dtype=torch.float64).round().long()
    generator = torch.Generator().manual_seed(seed_of(config.run.seed, "learn"))
    for _ in range(passes):
        for index in rows.split(CHUNK):
            yield to_device(maker.train(index, generator), device)
