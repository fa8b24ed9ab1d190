"""Trained networks that a run is given."""

from pathlib import Path

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
