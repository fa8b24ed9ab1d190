"""ONNX Runtime: the default backend, on a CPU without PyTorch, or wherever the installed build reaches."""

import warnings
from functools import partial

import numpy as np
import onnxruntime as ort

from ...errors import FacepriorError, FacepriorWarning
from ..cpu import fast_int8
from ..threads import thread_count
from .base import Outputs
from .contract import (
    CONDITION,
    INPUT,
    OUTPUTS,
    TRANSFORMS,
    check_signature,
    checked,
    checked_transforms,
    read_header,
    reason,
    size_in,
    trimmed,
    wanted,
)

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}


class OnnxBackend:
    """A model from the bytes of an `.onnx` file; `name` stands for it in errors.

    `device` "auto" takes the first of CUDA, CoreML, DirectML that the installed ONNX Runtime offers, else the CPU;
    where that does not start, the CPU takes over with a warning of one line. A device named outright that cannot be
    had is an error, never a silent CPU. `sharp`: the model's other picture, too.
    """

    name = "onnx"

    def __init__(
        self, model: bytes, name: str, *, device: str = "auto", threads: int | None = None, sharp: bool = False
    ):
        options = session_options(threads)
        model, locator = trimmed(model, sharp)
        providers = _providers(device)
        if providers != [PROVIDERS["cpu"]] or not fast_int8():  # what a file rounds to 8 bits is computed in floats
            options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.enable_mem_pattern = PROVIDERS["dml"] not in providers  # DirectML's condition
        try:
            self.session = _session(model, options, providers, name)
        except FacepriorError:
            if device != "auto" or providers == [PROVIDERS["cpu"]]:
                raise
            self.session = _session(model, options, [PROVIDERS["cpu"]], name)
        used = self.session.get_providers()[0]
        self.device = next((d for d, provider in PROVIDERS.items() if provider == used), used)
        if used != providers[0]:
            offered = next(d for d, provider in PROVIDERS.items() if provider == providers[0])
            if device != "auto":
                raise FacepriorError(f"device {device!r} is there but did not start; try device 'cpu'")
            warnings.warn(
                f"device 'auto': ONNX Runtime offers {offered!r} here but it did not start; using {self.device!r}",
                FacepriorWarning,
                stacklevel=3,
            )
        used_now = self.session.get_providers()
        self._locator: ort.InferenceSession | None = None
        self._make_locator = partial(_session, locator, options, used_now, name) if locator else None
        given, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.aligned = [node.name for node in given] == [INPUT, TRANSFORMS[0]]
        if self.aligned:  # the file in two parts: its signature is that of both
            self._locator = self._make_locator()
            given, at = given[:1], len(OUTPUTS) - 1
            outputs = [*outputs[:at], *self._locator.get_outputs(), *outputs[at:]]
        nodes = (*given, *outputs)
        kinds = [n.type.removeprefix("tensor(").removesuffix(")") for n in nodes]
        signature = [(n.name, k, list(n.shape[1:])) for n, k in zip(nodes, kinds, strict=True)]
        size = check_signature(signature, name, sharp)
        self.header = read_header(self.session.get_modelmeta().custom_metadata_map.get("faceprior"), name)
        self.size, self.any_size = size or size_in(self.header), size is None
        self.told = CONDITION in (node.name for node in self.session.get_overridable_initializers())
        self._file, self._wanted = name, wanted(sharp)

    def run(self, lr: np.ndarray, condition: np.ndarray | None = None, transforms: np.ndarray | None = None) -> Outputs:
        more = {CONDITION: condition} if self.told and condition is not None else {}
        if not self.aligned:
            return checked(self._run(self.session, self._wanted, lr, **more), len(lr), self._file)
        transforms = self.locate(lr) if transforms is None else transforms
        more[TRANSFORMS[0]] = transforms
        asked = [name for name in self._wanted if name != TRANSFORMS[0]]
        images, heatmaps, *sharp = self._run(self.session, asked, lr, **more)
        return checked([images, heatmaps, transforms, *sharp], len(lr), self._file)

    def locate(self, lr: np.ndarray) -> np.ndarray:
        if self._locator is None:
            self._locator = self._make_locator() if self._make_locator else self.session
        return checked_transforms(*self._run(self._locator, [TRANSFORMS[0]], lr), len(lr), self._file)

    def _run(
        self, session: ort.InferenceSession, outputs: list[str], lr: np.ndarray, **more: np.ndarray
    ) -> list[np.ndarray]:
        try:
            return session.run(outputs, {INPUT: lr, **more})
        except Exception as error:  # a graph that loads may still not run
            raise FacepriorError(f"{self._file}: ONNX Runtime failed on {len(lr)} faces ({reason(error)})") from None


def session_options(threads: int | None = None) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = thread_count(threads)
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 4  # its complaints become our one line
    return options


def _session(model: bytes, options: ort.SessionOptions, providers: list[str], name: str) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(model, options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no base class
        raise FacepriorError(f"{name}: not a model that ONNX Runtime loads ({reason(error)})") from None


def _providers(device: str) -> list[str]:
    available = ort.get_available_providers()
    if device == "auto":
        return [provider for provider in PROVIDERS.values() if provider in available]
    provider = PROVIDERS.get(device)
    if provider not in available:
        can = [d for d, p in PROVIDERS.items() if p in available]
        raise FacepriorError(f"device {device!r}: this ONNX Runtime ({ort.__version__}) runs on {', '.join(can)}")
    return [provider] if device == "cpu" else [provider, PROVIDERS["cpu"]]
