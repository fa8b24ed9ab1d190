"""The network for a whole photo, as users' machines run it: a picture of any size in, four times as large out.

It is told how rough the photo is; for each such condition a session of its own is made, in which it is a constant.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import FacepriorError
from ..seal import unsealed
from .backends.contract import read_header, reason
from .fixed import fix_input
from .threads import thread_count
from .weights import ASSETS, canvas_entry, read_checked

SCALE = 4
REACH = 21  # pixels of the input to each side that an output pixel depends on: its receptive field's radius
KEPT = 3  # sessions, of so many conditions

Condition = tuple[float, float]  # (q, n), see photo/quality.py
Run = Callable[[np.ndarray], np.ndarray]
Make = Callable[[Condition, bool], Run]


@dataclass(frozen=True)
class CanvasInfo:
    name: str
    version: str
    sha256: str
    backend: str


class CanvasNetwork:
    """Made by `load_canvas`. Threads may share one."""

    def __init__(self, make: Make, info: CanvasInfo):
        self.info, self._make = info, make
        self._ready: OrderedDict[tuple[Condition, bool], Run] = OrderedDict()
        self._lock = threading.Lock()

    def told(self, condition: Condition, *, many_sizes: bool = False) -> Run:
        """The network for photos of one condition: uint8 (h, w, 3) -> uint8 (4h, 4w, 3). many_sizes: it will be given
        pictures of a hundred sizes, as the tiles around faces are."""
        key = condition, many_sizes
        with self._lock:
            run = self._ready.pop(key, None) or self._make(condition, many_sizes)
            self._ready[key] = run
            while len(self._ready) > KEPT:
                self._ready.popitem(last=False)
            return run


def load_canvas(
    model: str | Path | None = None, *, backend: str = "auto", threads: int | None = None, precision: str = "f32"
) -> CanvasNetwork:
    """model: None for the packaged one, or an .onnx or (with PyTorch) .safetensors file; backend, threads and precision
    as `upscaler.load` takes them. FacepriorError where it cannot be had."""
    path, sha256, name = _find(model)
    data, sha256 = read_checked(path, sha256)
    if path.suffix == ".safetensors":
        if backend not in ("auto", "torch"):
            raise FacepriorError(f"{path}: backend {backend!r} takes .onnx files")
        make, version = _torch(path, precision)
        return CanvasNetwork(make, CanvasInfo(name, version, sha256, "torch"))
    data = unsealed(data)
    if backend == "openvino":
        make, header = _openvino(data, str(path), threads, precision)
        return CanvasNetwork(make, CanvasInfo(name, str(header.get("version", "unknown")), sha256, "openvino"))
    make, header = _onnx(data, str(path), threads)
    return CanvasNetwork(make, CanvasInfo(name, str(header.get("version", "unknown")), sha256, "onnx"))


def has_canvas() -> bool:
    """Whether this build of faceprior packages one."""
    return canvas_entry() is not None


def _find(model: str | Path | None) -> tuple[Path, str | None, str]:
    if model is None:
        entry = canvas_entry()
        if entry is None:
            raise FacepriorError("no canvas is packaged with this build of faceprior; give one by its path")
        return ASSETS / entry.file, entry.sha256, entry.name
    path = Path(model)
    if path.suffix not in (".onnx", ".safetensors"):
        raise FacepriorError(f"{path}: expected an .onnx or a .safetensors file of a canvas")
    return path, None, path.stem


def _constant(model: bytes, condition: Condition, name: str) -> bytes:
    try:
        return fix_input(model, "condition", np.array([condition], np.float32))
    except ValueError as error:
        raise FacepriorError(f"{name}: not the model of a canvas ({error})") from None


def _onnx(model: bytes, name: str, threads: int | None) -> tuple[Make, dict]:
    import onnxruntime as ort

    from .backends.onnx import session_options

    def session(condition: Condition, many_sizes: bool) -> ort.InferenceSession:
        # For each size a plan of the memory is kept, of 2 MB; without plans the memory of a server's photos grows.
        options = session_options(threads)
        options.enable_mem_pattern = not many_sizes
        try:
            return ort.InferenceSession(_constant(model, condition, name), options, providers=["CPUExecutionProvider"])
        except FacepriorError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            raise FacepriorError(f"{name}: not a model that ONNX Runtime loads ({reason(error)})") from None

    def make(condition: Condition, many_sizes: bool) -> Run:
        ready = session(condition, many_sizes)
        # Between tiles nothing has to stay allocated: a photo of other tiles would keep both.
        running = ort.RunOptions()
        running.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return lambda image: ready.run(["enlarged"], {"image": image[None]}, running)[0][0]

    metadata = session((0.0, 0.0), False).get_modelmeta().custom_metadata_map.get("faceprior")
    return make, read_header(metadata, name)


def _openvino(model: bytes, name: str, threads: int | None, precision: str) -> tuple[Make, dict]:
    try:
        import openvino as ov
    except ModuleNotFoundError as error:
        raise FacepriorError(f"backend 'openvino' needs {error.name}: pip install 'faceprior[openvino]'") from None
    core = ov.Core()
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": thread_count(threads),
        "NUM_STREAMS": 1,
    }

    def make(condition: Condition, many_sizes: bool) -> Run:
        try:
            graph = core.read_model(_constant(model, condition, name))
            compiled = core.compile_model(graph, "CPU", settings)
        except RuntimeError as error:
            raise FacepriorError(f"{name}: not a model that OpenVINO loads ({reason(error)})") from None
        # A request of its own for every call: photos side by side share the network.
        return lambda image: compiled.create_infer_request().infer({"image": image[None]})["enlarged"][0]

    place = ["framework", "faceprior"]
    graph = core.read_model(_constant(model, (0.0, 0.0), name))
    return make, read_header(graph.get_rt_info(place).astype(str) if graph.has_rt_info(place) else None, name)


def _torch(path: Path, precision: str) -> tuple[Make, str]:
    try:
        import torch

        from ..networks.canvas import Canvas
        from ..networks.canvas_export import CanvasInference
        from ..networks.weights import load_model, read_header
    except ModuleNotFoundError as error:
        raise FacepriorError(f"{path}: needs {error.name}: pip install 'faceprior[train]'") from None
    network = load_model(path)
    if not isinstance(network, Canvas):
        raise FacepriorError(f"{path}: not the weights of a canvas")

    def make(condition: Condition, many_sizes: bool) -> Run:
        module = CanvasInference(network.folded(condition)).eval()

        def run(image: np.ndarray) -> np.ndarray:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                return module(torch.from_numpy(image[None].copy())).numpy()[0]

        return run

    return make, str(read_header(path).get("version", "unknown"))
