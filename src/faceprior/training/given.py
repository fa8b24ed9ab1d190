"""What a run is given: trained networks, and prepared faces. Checked before anything is made, read or written."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..dataset.shards import read_manifest
from ..errors import FacepriorError
from ..networks.canvas import Canvas
from ..networks.comparators.stn0 import AlignedNetwork
from ..networks.kinds import kind_of, make_network
from ..networks.vgg import VGGFeatures
from ..networks.weights import load_model, read_config
from .config import TrainConfig

CANVAS = "canvas.safetensors"
NO_CANVAS = "{}: holds no canvas; `faceprior train-canvas` makes one"
MOST_BYTES = 4 * 10**9  # of a network's weights; its training takes four to five times as much


def check_before(
    config: TrainConfig, data: Path, *, stn0: Path | None, canvas: Path | None, vgg: Path | None, resumed: bool
) -> None:
    """FacepriorError for a network of more than `MOST_BYTES`, for what it needs and is not given or cannot take, and
    where the manifest of `data` names fewer faces than a batch has. Of the network no memory is taken. A VGG-19 is
    fetched; it is loaded again when the run is built, after its seed is set."""
    with torch.device("meta"):
        network = make_network(config.model)
    size = sum(x.numel() * x.element_size() for x in (*network.parameters(), *network.buffers()))
    if size > MOST_BYTES:
        raise FacepriorError(f"model: {size:,} bytes of weights; expected {MOST_BYTES:,} at most")
    check_given(network, config, stn0=stn0, canvas=canvas, resumed=resumed)
    _check_faces(config, data)
    if config.loss.feature_weight and not closed_form(network):
        VGGFeatures.load(vgg)


def check_given(
    network: nn.Module, config: TrainConfig, *, stn0: Path | None, canvas: Path | None, resumed: bool
) -> None:
    """FacepriorError where a network lacks the trained ones that it begins with, or takes none; a resumed run has them
    in its checkpoint (but for kinds without a training loop, which have no middle)."""
    begins = not resumed or closed_form(network)
    initial, kind = config.run.initial, kind_of(config.model)
    if not resumed and not initial and getattr(config.model, "sharp", False):
        raise FacepriorError("model.sharp: trains a tail of a network that is frozen; name that one as run.initial")
    if not resumed and initial:
        _described("run.initial", Path(initial))
    if begins and isinstance(network, AlignedNetwork) and stn0 is None:
        raise FacepriorError(
            f"kind '{kind}' takes aligned faces: give a trained STN0 with --stn0 "
            "(`faceprior train table1/stn0` makes one)"
        )
    if begins and stn0 is not None and not hasattr(network, "take_stn0"):
        raise FacepriorError(f"--stn0: kind '{kind}' takes none")
    if begins and stn0 is not None:
        found = _described("--stn0", stn0)
        if isinstance(network, AlignedNetwork):
            network.check_stn0(found, str(stn0))
    if not begins or initial:
        return
    wants = getattr(network, "canvas", None) is not None
    if wants and canvas is None:
        raise FacepriorError(
            "kind 'unet' builds on a trained canvas: give one with --canvas (`faceprior train-canvas` makes one), "
            "or take model.base = 'bicubic'"
        )
    if canvas is not None and not wants:
        raise FacepriorError("--canvas: this network takes none")
    if canvas is not None and kind_of(_described("--canvas", canvas, CANVAS)) != "canvas":
        raise FacepriorError(NO_CANVAS.format(canvas))


def _described(flag: str, path: Path, name: str = "model.safetensors") -> Any:
    """The configuration of the network in a file, or in a run's folder; its tensors are not read. FacepriorError where
    there is none."""
    try:
        there, folder = path.exists(), path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        there = folder = False
    if not there:
        raise FacepriorError(f"{flag}: {path}: no such file or folder")
    return read_config(path / name if folder else path)


def _check_faces(config: TrainConfig, data: Path) -> None:
    """By what the manifest says; one that does not count its faces is let through, `load_faces` counts them."""
    d, batch = config.data, config.run.batch
    counts = read_manifest(data).get("faces")
    by_source = counts.get(d.train_split) if isinstance(counts, dict) else None
    if not isinstance(by_source, dict) or not all(isinstance(count, int) for count in by_source.values()):
        return
    found = sum(count for source, count in by_source.items() if d.sources is None or source in d.sources)
    if by_source and not found:
        known = ", ".join(sorted(by_source))
        raise FacepriorError(f"data.sources: {data} has none of {d.sources}; its faces are of {known}")
    if found < batch:
        raise FacepriorError(f"{data}: {found} faces to train on, fewer than run.batch = {batch}")


def closed_form(network: nn.Module) -> bool:
    """Whether the network has no training loop."""
    return getattr(network, "closed_form", False)


def load_canvas(path: Path) -> Canvas:
    """A trained canvas from its file, or from its run's folder. FacepriorError where it holds another network."""
    path = path / CANVAS if path.is_dir() else path
    found = load_model(path)
    if not isinstance(found, Canvas):
        raise FacepriorError(NO_CANVAS.format(path))
    return found
