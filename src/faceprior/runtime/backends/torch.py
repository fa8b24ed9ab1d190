"""PyTorch: for those who have it anyway, for run folders, and to compare with."""

from pathlib import Path

import numpy as np
import torch

from ...errors import FacepriorError
from ...networks.inference import Inference
from ...networks.weights import load_model, read_header
from ..threads import thread_count
from .base import Outputs


class TorchBackend:
    """A model from a `.safetensors` file. `device` "auto": CUDA, then Apple's MPS, then the CPU.

    `threads` is PyTorch's own setting and holds for the whole process; None leaves it alone.
    """

    name = "torch"

    def __init__(self, path: Path, *, device: str = "auto", threads: int | None = None):
        self.device = _device(device)
        if threads is not None:
            torch.set_num_threads(thread_count(threads))
        self.header = read_header(path)
        self.module = Inference(load_model(path)).eval().to(self.device)

    @torch.inference_mode()
    def run(self, lr: np.ndarray) -> Outputs:
        # A copy: PyTorch refuses to promise anything about read-only memory.
        outputs = self.module(torch.from_numpy(lr.copy()).to(self.device))
        return Outputs(*(output.cpu().numpy() for output in outputs))


def _device(device: str) -> str:
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return next(name for name, there in here.items() if there)
    if not here.get(device):
        raise FacepriorError(f"device {device!r}: PyTorch here runs on {', '.join(d for d in here if here[d])}")
    return device
