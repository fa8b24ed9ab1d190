"""Static int8 quantisation of a network on its way to ONNX, by ONNX Runtime's own tool: `faceprior export --int8`.

Convolutions alone: their weights with a scale for each channel, what goes into them with one range, measured on faces.
What makes the transform, what sees the LR itself and what makes the last picture stay in fp32: an error there is
seen at once, and colours that no face had on which the ranges were measured would be cut off. A network may say what of
it bears int8 (`UNet.int8`); then that alone.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from ..files import write_atomically
from ..seal import sealed, unsealed
from .export import export_onnx, store_fp16

CHUNK = 8  # faces in a call while calibrating: all layers' outputs are kept
FP16_FROM = 1 << 14  # values; the scales of the quantised ones are to stay constants


def export_int8(
    network: nn.Module,
    path: Path,
    header: dict,
    lr: np.ndarray | Sequence[np.ndarray],
    *,
    keep_ends: bool = True,
    any_size: bool = False,
) -> None:
    """Writes `path`, atomically, with the contract of `export_onnx`; needs a CPU with int8 products to be faster.

    `lr`: uint8 (N, size, size, 3), faces to measure the ranges on, of the training split; several such, of different
    sizes, where the network takes any. `keep_ends`: the transform's net, the first and the last convolutions in fp32.
    `any_size`: as of `export_onnx`.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), _unheard():
        warnings.simplefilter("ignore")
        exact, prepared, done = (Path(folder) / f"{name}.onnx" for name in ("exact", "prepared", "done"))
        export_onnx(network, exact, header, fp16=False, any_size=any_size)
        exact.write_bytes(unsealed(exact.read_bytes()))
        quant_pre_process(exact, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            done,
            _Faces([lr] if isinstance(lr, np.ndarray) else lr),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_exact(onnx.load(prepared), getattr(network, "int8", None)) if keep_ends else [],
        )
        model = onnx.load(done)
    store_fp16(model, FP16_FROM)
    data = sealed(model.SerializeToString(deterministic=True))
    write_atomically(path, lambda file: file.write(data))


@contextmanager
def _unheard() -> Iterator[None]:
    """The warnings of ONNX Runtime's own tool are of no use to who exports."""
    onnxruntime.set_default_logger_severity(3)
    try:
        yield
    finally:
        onnxruntime.set_default_logger_severity(2)  # its default


class _Faces(CalibrationDataReader):
    """Each uint8 (N, size, size, 3), in chunks."""

    def __init__(self, lr: Sequence[np.ndarray]):
        self._chunks = iter([{"lr": one[i : i + CHUNK]} for one in lr for i in range(0, len(one), CHUNK)])

    def get_next(self) -> dict | None:
        return next(self._chunks, None)


def _exact(model: onnx.ModelProto, body: tuple[str, ...] | None) -> list[str]:
    """Names of the convolutions that stay in fp32: the ends, and where a network says what of it bears int8
    (`body`, parts of its weights' names), all others: a picture that others add to shows every error."""
    if body is None:
        return _ends(model)
    return sorted(
        node.name
        for node in model.graph.node
        if node.op_type == "Conv" and not any(part in f".{node.input[1]}" for part in body)
    )


def _ends(model: onnx.ModelProto) -> list[str]:
    """Names of the convolutions that feed `transforms`, of the first ones behind `lr` and the last before pictures."""
    makers = {name: [node] for node in model.graph.node for name in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    def backwards(node: onnx.NodeProto) -> list[str]:
        return [] if node.op_type == "GridSample" else list(node.input)

    pictures = [output.name for output in model.graph.output if output.name in ("images", "sharp")]
    return sorted(
        _convolutions("transforms", makers, lambda node: list(node.input), through=True)
        | _convolutions("lr", users, lambda node: list(node.output), through=False)
        | set().union(*(_convolutions(picture, makers, backwards, through=False) for picture in pictures))
    )


def _convolutions(
    start: str,
    neighbours: dict[str, list[onnx.NodeProto]],
    onwards: Callable[[onnx.NodeProto], list[str]],
    *,
    through: bool,
) -> set[str]:
    """Names of the convolutions met on all ways from a tensor; `through`: and of those beyond them."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        for node in neighbours.get(waiting.pop(), []):
            if id(node) in seen:  # not by name: exporters need not give one
                continue
            seen.add(id(node))
            if node.op_type == "Conv":
                found.add(node.name)
            if node.op_type != "Conv" or through:
                waiting += onwards(node)
    return found
