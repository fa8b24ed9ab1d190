"""ONNX Runtime: the default backend, on a CPU without PyTorch, or wherever the installed build reaches."""

import json
from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from ...errors import FacepriorError
from ..threads import thread_count
from .base import FORMAT, HEATMAP_SIZE, HR_SIZE, LR_SIZE, MAPS, Outputs

PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "dml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
INPUT = ("lr", "tensor(uint8)", [LR_SIZE, LR_SIZE, 3])
OUTPUTS = (
    ("images", "tensor(uint8)", [HR_SIZE, HR_SIZE, 3]),
    ("heatmaps", "tensor(float)", [MAPS, HEATMAP_SIZE, HEATMAP_SIZE]),
    ("transforms", "tensor(float)", [2, 3]),
)


class OnnxBackend:
    """A model from the bytes of an `.onnx` file; `name` stands for it in errors.

    `device` "auto" takes the first of CUDA, CoreML, DirectML that the installed ONNX Runtime offers, else the CPU;
    a device named outright that cannot be had is an error, never a silent CPU.
    """

    name = "onnx"

    def __init__(self, model: bytes, name: str, *, device: str = "auto", threads: int | None = None):
        options = ort.SessionOptions()
        options.intra_op_num_threads = thread_count(threads)
        options.inter_op_num_threads = 1
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 4  # its complaints become our one line
        try:
            self.session = ort.InferenceSession(model, options, providers=_providers(device))
        except FacepriorError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no base class
            raise FacepriorError(f"{name}: not a model that ONNX Runtime loads ({_reason(error)})") from None
        used = self.session.get_providers()[0]
        self.device = next((d for d, provider in PROVIDERS.items() if provider == used), used)
        if device not in ("auto", self.device):
            raise FacepriorError(f"device {device!r} is there but did not start; try device 'cpu'")
        self.header, self._file = _header(self.session, name), name

    def run(self, lr: np.ndarray) -> Outputs:
        try:
            outputs = Outputs(*self.session.run([output[0] for output in OUTPUTS], {INPUT[0]: lr}))
        except Exception as error:  # a graph that loads may still not run
            raise FacepriorError(f"{self._file}: ONNX Runtime failed on {len(lr)} faces ({_reason(error)})") from None
        if [list(output.shape) for output in outputs] != [[len(lr), *shape] for _, _, shape in OUTPUTS]:
            got = ", ".join(str(output.shape) for output in outputs)
            raise FacepriorError(f"{self._file}: {len(lr)} faces gave arrays of {got}; expected {_signature(OUTPUTS)}")
        return outputs


def _providers(device: str) -> list[str]:
    available = ort.get_available_providers()
    if device == "auto":
        return [provider for provider in PROVIDERS.values() if provider in available]
    provider = PROVIDERS.get(device)
    if provider not in available:
        can = [d for d, p in PROVIDERS.items() if p in available]
        raise FacepriorError(f"device {device!r}: this ONNX Runtime ({ort.__version__}) runs on {', '.join(can)}")
    return [provider] if device == "cpu" else [provider, PROVIDERS["cpu"]]


def _header(session: ort.InferenceSession, name: str) -> dict:
    """The model's description, after checking that its inputs and outputs are those of the contract."""
    wanted = [INPUT, *OUTPUTS]
    found = [(node.name, node.type, list(node.shape[1:])) for node in (*session.get_inputs(), *session.get_outputs())]
    if found != wanted:
        raise FacepriorError(f"{name}: expected {_signature(wanted)}; got {_signature(found)}")
    text = session.get_modelmeta().custom_metadata_map.get("faceprior")
    try:
        header = json.loads(text or "")
    except ValueError:
        raise FacepriorError(f"{name}: no faceprior metadata inside; export it with `faceprior export`") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FacepriorError(f"{name}: expected metadata of format {FORMAT}; made by another version of faceprior")
    return header


def _signature(nodes: Sequence) -> str:
    text = [f"{n} {t.removeprefix('tensor(').removesuffix(')')} (N, {', '.join(map(str, s))})" for n, t, s in nodes]
    return ", ".join(text[:6])


def _reason(error: Exception) -> str:
    line = " ".join(str(error).split())
    return line.rsplit(" : ", 1)[-1][:160]
