"""An MTUN that is told the true transform: what it would reach if its STN never erred. Not a method, a measurement."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from ..dataset.pairs import Pairs
from ..errors import FacepriorError
from ..networks.inference import Inference
from ..networks.mtun import MTUN
from ..networks.weights import load_model
from ..runtime.upscaler import weights_of_run
from .models import Restored


class Aligned:
    """`spec`: `aligned:` and a `.safetensors` file or a run folder. A sharp tail is left out."""

    def __init__(self, spec: str, device: str):
        path = Path(spec.removeprefix("aligned:"))
        weights = weights_of_run(path) if path.is_dir() else path
        if weights.suffix != ".safetensors":
            raise FacepriorError(f"{spec}: expected a .safetensors file or a run folder, weights that PyTorch reads")
        network = load_model(weights)
        if not isinstance(network, MTUN):
            raise FacepriorError(f"{spec}: is no MTUN; only that can be told the transform")
        network.sharp_tail = None
        here = "cuda" if device == "auto" and torch.cuda.is_available() else device.replace("auto", "cpu")
        self.name, self.sha256 = spec, hashlib.sha256(weights.read_bytes()).hexdigest()
        self.module, self.device = Inference(network).eval().to(here), here

    @torch.inference_mode()
    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        told = pairs.transform.float().to(self.device)
        images, heatmaps, _ = self.module(torch.from_numpy(lr.copy()).to(self.device), told)
        # No transforms: it estimates none.
        return Restored(images.cpu().numpy(), heatmaps.cpu().numpy() if self.module.network.heb else None)
