"""A network for whole photos, under evaluation as it enlarges a face: in the frame that the face lies in."""

from pathlib import Path

import numpy as np
import torch

from ..dataset.bicubic import enlarge
from ..dataset.pairs import Pairs
from ..dataset.rough import condition
from ..errors import FacepriorError
from ..networks.canvas import Canvas
from ..networks.weights import load_model, read_header
from .floors import as_it_lies
from .restorer import HR_SIZE, Restored


class CanvasModel:
    """`spec`: `canvas:` and the weights of `faceprior train-canvas`, a file or a run folder; or SPAN's public ones.

    The LR four times as large, brought to 128 px by Pillow's BICUBIC. It is told the JPEG quality, as a file tells it.
    """

    def __init__(self, spec: str, device: str):
        path = Path(spec.removeprefix("canvas:"))
        path = path / "canvas.safetensors" if path.is_dir() else path
        self.name, self.sha256 = spec, None
        try:
            network = load_model(path)
            self.sha256 = read_header(path).get("sha256")
        except FacepriorError:
            network = Canvas()
            network.take_span(path)
        if not isinstance(network, Canvas):
            raise FacepriorError(f"{spec}: holds no canvas; `faceprior train-canvas` makes one")
        self.device = "cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu"
        self.network = network.eval().to(self.device)

    @torch.inference_mode()
    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        x = torch.from_numpy(lr.copy()).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        told = torch.tensor([condition(pairs.jpeg)], device=self.device).expand(len(lr), 2)
        picture = self.network(x, told).picture
        levels = ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        return Restored(enlarge(levels, HR_SIZE), frame=as_it_lies(len(lr)))
