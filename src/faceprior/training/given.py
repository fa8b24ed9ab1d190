"""Trained networks that a run is given."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..errors import FacepriorError
from ..networks.canvas import Canvas
from ..networks.weights import load_model


def load_canvas(path: Path) -> Canvas:
    """A trained canvas from its file, or from its run's folder. FacepriorError where it holds another network."""
    path = path / "canvas.safetensors" if path.is_dir() else path
    found = load_model(path)
    if not isinstance(found, Canvas):
        raise FacepriorError(f"{path}: holds no canvas; `faceprior train-canvas` makes one")
    return found


def enlarger(path: Path | None, device: torch.device, *, bf16: bool = False) -> Callable[[Tensor], Tensor]:
    """The canvas of `path`, told that what it sees is clean: (B, 3, h, w) -> (B, 3, 4h, 4w), both grey levels 0..255.

    bf16: computed so, but for its last layer. FacepriorError where no path is given.
    """
    if path is None:
        raise FacepriorError("data.enlarged: cuts faces from what a trained canvas enlarged: give one with --canvas")
    network = load_canvas(path).eval().requires_grad_(False).to(device)

    @torch.no_grad()
    def run(photo: Tensor) -> Tensor:
        with torch.autocast(photo.device.type, torch.bfloat16, enabled=bf16):
            picture = network(photo / 127.5 - 1).picture
        return (picture.float() + 1) * 127.5

    return run
