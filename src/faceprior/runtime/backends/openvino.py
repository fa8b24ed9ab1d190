"""OpenVINO: an optional backend (`pip install 'faceprior[openvino]'`) for Intel CPUs, and fast elsewhere.

With precision "f32" it gives what ONNX Runtime gives; with "bf16" it uses the CPU's bf16 instructions (AMX,
AVX-512), where there are some. docs/performance.md has what that gains and costs.
"""

import threading

import numpy as np
import openvino as ov

from ...errors import FacepriorError
from ..threads import thread_count
from ..trimmed import required
from .base import Outputs
from .contract import (
    CLEAN,
    CONDITION,
    INPUT,
    TRANSFORMS,
    check_signature,
    checked,
    checked_transforms,
    read_header,
    reason,
    size_in,
    wanted,
)

TYPES = {"u8": "uint8", "f32": "float"}


class Requests:
    """The requests of a compiled model: an infer request serves one caller at a time, and its arrays are the next
    caller's, so each call has one to itself. There come to be as many as calls were ever under way together."""

    def __init__(self, compiled: ov.CompiledModel):
        self._compiled, self._free = compiled, [compiled.create_infer_request()]

    def infer(self, given: dict[str, np.ndarray]):
        try:
            request = self._free.pop()
        except IndexError:
            request = self._compiled.create_infer_request()
        try:
            return request.infer(given, share_inputs=True)  # outputs are copies
        finally:
            self._free.append(request)


class OpenVinoBackend:
    """A model from the bytes of an `.onnx` file, on the CPU; `name` stands for it in errors, `sharp` asks for its other
    picture, too."""

    name = "openvino"
    device = "cpu"

    def __init__(
        self, model: bytes, name: str, *, precision: str = "f32", threads: int | None = None, sharp: bool = False
    ):
        core = ov.Core()
        if precision == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise FacepriorError("precision 'bf16': this CPU has no bf16 instructions; leave it out")
        settings = {
            "INFERENCE_PRECISION_HINT": precision,  # said outright: OpenVINO's own choice is bf16 where it is fast
            "INFERENCE_NUM_THREADS": thread_count(threads),
            "NUM_STREAMS": 1,
        }
        try:
            graph = core.read_model(required(model, CONDITION))  # or it would read it as a constant
            inputs = [node for node in graph.inputs if node.get_any_name() != CONDITION]
            self.told = len(inputs) < len(graph.inputs)
            nodes = [*inputs, *graph.outputs]
            kinds = [TYPES.get(node.get_element_type().get_type_name(), "other") for node in nodes]
            shapes = [_free_batch(node.get_partial_shape()) for node in nodes]
            place = ["framework", "faceprior"]  # where OpenVINO keeps an ONNX file's metadata
            text = graph.get_rt_info(place).astype(str) if graph.has_rt_info(place) else None
        except (RuntimeError, ValueError) as error:
            raise FacepriorError(f"{name}: not a model that OpenVINO loads ({reason(error)})") from None
        names = [node.get_any_name() for node in nodes]
        size = check_signature(list(zip(names, kinds, shapes, strict=True)), name, sharp)
        self.header = read_header(text, name)
        self.size, self.any_size = size or size_in(self.header), size is None
        self._file, self._wanted = name, wanted(sharp)
        whole, located = (
            ov.Model([graph.output(output) for output in outputs], graph.get_parameters())
            for outputs in (self._wanted, [TRANSFORMS[0]])  # the second heeds no condition, and takes one
        )

        def compiled(part: ov.Model) -> Requests:
            try:
                return Requests(core.compile_model(part, "CPU", settings))
            except RuntimeError as error:
                raise FacepriorError(f"{name}: OpenVINO cannot run it ({reason(error)})") from None

        self._requests, self._locators = compiled(whole), None
        self._make_locators, self._lock = lambda: compiled(located), threading.Lock()

    def run(self, lr: np.ndarray, condition: np.ndarray | None = None) -> Outputs:
        given = self._infer(self._requests, lr, condition)
        return checked([given[output] for output in self._wanted], len(lr), self._file)

    def locate(self, lr: np.ndarray) -> np.ndarray:
        with self._lock:
            self._locators = self._locators or self._make_locators()
        return checked_transforms(self._infer(self._locators, lr)[TRANSFORMS[0]], len(lr), self._file)

    def _infer(self, requests: Requests, lr: np.ndarray, condition: np.ndarray | None = None):
        told = {CONDITION: CLEAN if condition is None else condition} if self.told else {}
        try:
            return requests.infer({INPUT: lr, **told})
        except RuntimeError as error:
            raise FacepriorError(f"{self._file}: OpenVINO failed on {len(lr)} faces ({reason(error)})") from None


def _free_batch(shape: ov.PartialShape) -> list[int | str]:
    """The shape of one face; a name where it is free."""
    if shape.rank.is_dynamic:
        return []
    return [side.get_length() if side.is_static else "S" for side in list(shape)[1:]]
