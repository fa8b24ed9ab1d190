"""What the `Upscaler` asks of a backend."""

from typing import NamedTuple, Protocol

import numpy as np

LR_SIZE = 16  #     the paper's; of other models `Backend.size`
LR_SIZES = (16, 32)
HR_SIZE = 128
HEATMAP_SIZE = 64
MAPS = 4  # eyes, nose, mouth, chin
FORMAT = 1  # of the description inside weights files

PRECISIONS = ("f32", "bf16")
DEVICES = ("auto", "cpu", "cuda", "coreml", "dml", "mps")


class Outputs(NamedTuple):
    """images uint8 (B, 128, 128, 3), heatmaps float32 (B, 4, 64, 64), transforms float32 (B, 2, 3); where it was asked
    for, sharp as images: the model's other picture."""

    images: np.ndarray
    heatmaps: np.ndarray
    transforms: np.ndarray
    sharp: np.ndarray | None = None


class Backend(Protocol):
    name: str  #     "onnx", "openvino" or "torch"
    device: str  #   what it runs on: "cpu", "cuda", ...
    size: int  #     pixels of its input faces; of one with `any_size = True` see `size_in`
    header: dict  #  the description in the weights file: format, model, config, version, provenance

    told: bool  #    whether `run` heeds a condition

    def run(self, lr: np.ndarray, condition: np.ndarray | None = None) -> Outputs:
        """uint8 (B, size, size, 3), C-contiguous, B >= 1. The same input gives the same output.

        condition: float32 (B, 2), how rough each is (`dataset/rough.condition`); None: clean, or unknown
        """
        ...

    # One that computes the rest of the network from what `locate` gave has `aligned = True`; its `run` takes that as a
    # third argument, `transforms`: float32 (B, 2, 3).

    def locate(self, lr: np.ndarray) -> np.ndarray:
        """As `run`, the transforms alone, for what they alone cost: float32 (B, 2, 3)."""
        ...
