"""A network that is told the true transform: what it would reach if its STN never erred."""

import numpy as np
import torch

from ..dataset.pairs import Pairs
from ..errors import FacepriorError
from ..networks.mtun import MTUN
from ..networks.unet import UNet
from ..runtime.backends.torch import TorchBackend
from .ours import Ours
from .restorer import Restored


class Aligned(Ours):
    """`spec`: `aligned:` and a `.safetensors` file or a run folder, of an MTUN or a U-Net."""

    def __init__(self, spec: str, device: str):
        super().__init__(spec.removeprefix("aligned:"), device, name=spec)
        backend = self.upscaler.backend
        if not isinstance(backend, TorchBackend):
            raise FacepriorError(f"{spec}: expected a .safetensors file or a run folder, weights that PyTorch reads")
        if not isinstance(backend.module.network, (MTUN, UNet)):
            raise FacepriorError(f"{spec}: is no MTUN and no U-Net; only those can be told the transform")
        self.module, self.device = backend.module, backend.device

    @torch.inference_mode()
    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        faces = torch.from_numpy(self._fitting(lr).copy()).to(self.device)
        told = self._told(len(lr), pairs)
        told = None if told is None else torch.from_numpy(told).to(self.device)
        images, heatmaps, _ = self.module(faces, told, pairs.transform.float().to(self.device))
        maps = heatmaps.cpu().numpy() if self.maps else None
        return Restored(images.cpu().numpy(), maps, frame=pairs.transform.cpu().numpy())
