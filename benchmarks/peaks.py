"""What the machine can do, measured: a large matrix product and large convolutions, in the runtime's own hands.

The convolutions are four in a row, 3x3, 128 -> 128 channels at 32x32, 16 pictures: large enough to fill any kernel, and
in a row so that the change of layout before the first and behind the last does not count for much.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIDE, CHANNELS, PIXELS, PICTURES, IN_A_ROW = 2048, 128, 32, 16, 4


@dataclass(frozen=True)
class Peak:
    gflop: float
    run: Callable[[], object]


def _model(op: str, weights: np.ndarray, shape: list[int], times: int = 1, **attributes) -> tuple[bytes, np.ndarray]:
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)  # noqa: E731
    names = ["x", *(f"x{i}" for i in range(1, times)), "y"]
    nodes = [helper.make_node(op, [names[i], "w"], [names[i + 1]], **attributes) for i in range(times)]
    graph = helper.make_graph(nodes, op, [value("x")], [value("y")], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return model.SerializeToString(), np.random.default_rng(0).standard_normal(shape, np.float32)


def peaks(runtime: Callable[[bytes, np.ndarray], Callable[[], object]]) -> dict[str, Peak]:
    """ "matrix" and "convolution"; `runtime` makes a call of an ONNX model and its input."""
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((SIDE, SIDE), np.float32)
    kernel = rng.standard_normal((CHANNELS, CHANNELS, 3, 3), np.float32) * 0.05
    pictures = [PICTURES, CHANNELS, PIXELS, PIXELS]
    return {
        "matrix": Peak(2 * SIDE**3 / 1e9, runtime(*_model("MatMul", matrix, [SIDE, SIDE]))),
        "convolution": Peak(
            IN_A_ROW * 2 * PICTURES * CHANNELS**2 * 9 * PIXELS**2 / 1e9,
            runtime(*_model("Conv", kernel, pictures, IN_A_ROW, pads=[1, 1, 1, 1])),
        ),
    }


def onnx_runtime(threads: int | None) -> Callable[[bytes, np.ndarray], Callable[[], object]]:
    import onnxruntime as ort

    from faceprior.runtime.backends.onnx import session_options

    def make(model: bytes, x: np.ndarray) -> Callable[[], object]:
        session = ort.InferenceSession(model, session_options(threads), providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"x": x})

    return make


def openvino(threads: int | None, precision: str) -> Callable[[bytes, np.ndarray], Callable[[], object]]:
    import openvino as ov

    from faceprior.runtime.threads import thread_count

    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": thread_count(threads),
        "NUM_STREAMS": 1,
    }

    def make(model: bytes, x: np.ndarray) -> Callable[[], object]:
        core = ov.Core()
        request = core.compile_model(core.read_model(model), "CPU", settings).create_infer_request()
        return lambda: request.infer({"x": x}, share_inputs=True, share_outputs=True)

    return make
