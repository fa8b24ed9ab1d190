"""What can be evaluated: the registry that turns `--model` into a `Restorer`.

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
from functools import partial

from .comparators import ROWS, newest_run
from .ours import Ours
from .restorer import Restorer

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
