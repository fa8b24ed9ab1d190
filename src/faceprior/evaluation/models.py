"""What can be evaluated: one interface, and the registry that turns `--model` into it.

| `--model` | what |
|---|---|
| `bicubic`, `bicubic-true`, `lanczos`, and what `register` adds | a registered name |
| `vdsr`, `ours` ..., the rows of Table 1 | what `faceprior reproduce table1` trained, see `comparators.py` |
| `onnx:PATH[?range=0,1&layout=nchw&size=16]` | an outside ONNX file, see `outside.py` |
| `python:module:callable` | an outside function, see `outside.py` |
| `sharp:default`, `sharp:` and any of the following | the perceptual variant that a model of ours holds |
| `canvas:PATH` | a network for whole photos, see `canvas.py` |
| `aligned:PATH`, a `.safetensors` file or run folder of an MTUN | that one, told the true transform: see `aligned.py` |
| `default`, `mtun` ..., a `.safetensors` or `.onnx` file, a run folder | ours, through `faceprior.load` |
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from ..dataset.bicubic import enlarge
from ..dataset.pairs import Pairs
from ..errors import FacepriorError
from .comparators import ROWS, newest_run

HR_SIZE = 128


@dataclass
class Restored:
    """What a model makes of N faces. `heatmaps` and `transforms` are None where it has no such thing."""

    images: np.ndarray  #                     uint8 (N, 128, 128, 3), RGB, upright
    heatmaps: np.ndarray | None = None  #     float32 (N, 4, R, R)
    transforms: np.ndarray | None = None  #   float32 (N, 2, 3), upright -> unaligned
    frame: np.ndarray | None = None  #        the same where a model estimates none


class Restorer(Protocol):
    """A model under evaluation. `name` stands in the table, `sha256` is its file's, None where it has none."""

    name: str
    sha256: str | None

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        """LR uint8 (N, h, h, 3), h of the protocol. `pairs` is the batch: for floors that may know the truth."""
        ...


Factory = Callable[[str], Restorer]  # takes the device: "auto", "cpu", "cuda", ...

_registry: dict[str, Factory] = {}


def register(name: str, factory: Factory) -> None:
    """Add a model that `--model NAME` finds. The factory should import what it needs itself."""
    if ":" in name or name in _registry:
        raise ValueError(f"model name {name!r} is taken or contains ':'")
    _registry[name] = factory


def registered() -> list[str]:
    return sorted(_registry)


def resolve(spec: str, device: str = "auto") -> Restorer:
    """The model that `--model SPEC` names. Raises FacepriorError where there is none."""
    if spec in _registry:
        return _registry[spec](device)
    if spec.startswith("onnx:"):
        from .outside import OnnxModel

        return OnnxModel(spec.removeprefix("onnx:"), device)
    if spec.startswith("python:"):
        from .outside import PythonModel

        return PythonModel(spec.removeprefix("python:"))
    if spec.startswith("canvas:"):
        from .canvas import CanvasModel

        return CanvasModel(spec, device)
    if spec.startswith("sharp:"):
        return Ours(spec.removeprefix("sharp:"), device, name=spec, sharp=True)
    if spec.startswith("aligned:"):
        from .aligned import Aligned

        return Aligned(spec, device)
    return Ours(spec, device)


def _has_heatmaps(header: dict) -> bool:
    config = header.get("config", {})
    if header.get("model", "mtun") == "unet":
        return bool(config.get("heatmaps", True))
    return header.get("model", "mtun") == "mtun" and config.get("heb", True) != 0


class Ours:
    """A model of this project, called exactly as a user calls it."""

    def __init__(self, spec: str, device: str, *, name: str | None = None, sharp: bool = False):
        from ..runtime.upscaler import load

        self.upscaler = load(spec, device=device, sharp=sharp)
        self.name, self.sha256 = name or spec, self.upscaler.info.sha256
        header = self.upscaler.backend.header
        # Without an HEB ("w/o Lh", comparators) the maps are zeros that keep the interface, not a prediction.
        self.maps = _has_heatmaps(header)

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        result = self.upscaler(self._fitting(lr))
        return Restored(result.images, result.heatmaps if self.maps else None, result.transforms)


    def _fitting(self, lr: np.ndarray) -> np.ndarray:
        """The LR at the model's size: a larger one is reduced as the protocol reduces, a smaller one refused."""
        size, given = self.upscaler.size, lr.shape[1]
        if given == size:
            return lr
        if given < size:
            raise FacepriorError(
                f"model '{self.name}': takes faces of {size} px, the protocol gives {given}; name one with -{size}"
            )
        return enlarge(lr, size)


def _bicubic(device: str) -> Restorer:
    from .floors import Bicubic

    return Bicubic()


def _bicubic_true(device: str) -> Restorer:
    from .floors import BicubicTrue

    return BicubicTrue()


register("bicubic", _bicubic)
def _lanczos(device: str) -> Restorer:
    from .floors import Lanczos

    return Lanczos()


register("bicubic-true", _bicubic_true)
register("lanczos", _lanczos)


def _row_of_table1(name: str, device: str) -> Restorer:
    return Ours(str(newest_run(name)), device, name=name)


for _name in ROWS:
    register(_name, partial(_row_of_table1, _name))
