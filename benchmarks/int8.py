"""Static int8 quantisation of an exported model by ONNX Runtime's own tool: an experiment, see docs/performance.md."""

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

CHUNK = 8  # faces in a call while calibrating: all layers' outputs are kept


class Faces(CalibrationDataReader):
    """uint8 (N, 16, 16, 3) in chunks."""

    def __init__(self, lr: np.ndarray):
        self._chunks = iter([{"lr": lr[i : i + CHUNK]} for i in range(0, len(lr), CHUNK)])

    def get_next(self) -> dict | None:
        return next(self._chunks, None)


def quantised(fp32: Path, out: Path, lr: np.ndarray, *, keep_ends: bool = True) -> Path:
    """Convolutions to int8 (weights a scale for each channel, activations from the range of `lr`), as QDQ.

    `fp32`: exported with `fp16=False`. `keep_ends`: what makes the transform, and the last convolutions before the
    pictures, stay in fp32: an error there is seen at once.
    """
    prepared = out.with_suffix(".prepared.onnx")
    quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        out,
        Faces(lr),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        nodes_to_exclude=_ends(onnx.load(prepared)) if keep_ends else [],
    )
    return out


def _ends(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that feed `transforms`, and of the last ones that feed `images`."""
    makers = {name: node for node in model.graph.node for name in node.output}

    def before(output: str, through_convolutions: bool) -> set[str]:
        found, seen, waiting = set(), set(), [output]
        while waiting:
            node = makers.get(waiting.pop())
            if node is None or node.name in seen:
                continue
            seen.add(node.name)
            if node.op_type == "Conv":
                found.add(node.name)
                if not through_convolutions:
                    continue
            waiting += [name for name in node.input if node.op_type != "GridSample" or through_convolutions]
        return found

    return sorted(before("transforms", True) | before("images", False))
