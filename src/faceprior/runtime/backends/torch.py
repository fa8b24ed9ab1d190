"""PyTorch: for those who have it anyway, for run folders, and to compare with."""

from pathlib import Path

import numpy as np
import torch

from ...errors import FacepriorError
from ...networks.inference import Inference, network_size
from ...networks.weights import load_model, read_header
from ..threads import thread_count
from .base import Outputs
from .contract import no_sharp, size_in, wanted


class TorchBackend:
    """A model from a `.safetensors` file. `device` "auto": CUDA, then Apple's MPS, then the CPU.

    `precision` "bf16" computes convolutions in bfloat16 (autocast); the grids stay in float32. `channels_last` and
    `compiled` change the speed alone; a compiled model takes a minute before its first face, and once more for
    another number of faces. `threads` is PyTorch's own setting and holds for the whole process; None leaves it alone.
    `sharp`: the model's other picture, too.
    """

    name = "torch"

    def __init__(
        self,
        path: Path,
        *,
        device: str = "auto",
        threads: int | None = None,
        precision: str = "f32",
        channels_last: bool = True,
        compiled: bool = False,
        sharp: bool = False,
    ):
        self.device = _device(device)
        if threads is not None:
            torch.set_num_threads(thread_count(threads))
        self.header = read_header(path)
        if self.header["model"] == "canvas":
            raise FacepriorError(f"{path}: is a canvas, which enlarges whole photos and knows no faces")
        network = load_model(path)
        if not sharp and hasattr(network, "sharp_tail"):
            network.sharp_tail = None  # its picture is not wanted
        self.any_size = hasattr(network, "any_size")
        self.size = size_in(self.header) if self.any_size else network_size(network)
        module = Inference(network).eval().to(self.device)
        if sharp and "sharp" not in module.outputs:
            raise FacepriorError(no_sharp(str(path)))
        self._picked = [module.outputs.index(output) for output in wanted(sharp)]
        self.module = module.to(memory_format=torch.channels_last) if channels_last else module
        if compiled:
            self.module.compile(dynamic=False)
        self.told = self.module.takes_condition
        self._bf16 = precision == "bf16"

    @torch.inference_mode()
    def run(self, lr: np.ndarray, condition: np.ndarray | None = None) -> Outputs:
        # A copy: PyTorch refuses to promise anything about read-only memory.
        faces = torch.from_numpy(lr.copy()).to(self.device)
        told = None if condition is None else torch.from_numpy(condition.copy()).to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self._bf16):
            outputs = self.module(faces, told)
        return Outputs(*(outputs[i].cpu().numpy() for i in self._picked))

    @torch.inference_mode()
    def locate(self, lr: np.ndarray) -> np.ndarray:
        faces = torch.from_numpy(lr.copy()).to(self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self._bf16):
            return self.module.locate(faces).cpu().numpy()


def _device(device: str) -> str:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in here.items() if there)
    if not here.get(device):
        raise FacepriorError(f"device {device!r}: PyTorch here runs on {', '.join(d for d in here if here[d])}")
    return device
