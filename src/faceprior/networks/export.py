"""Any network -> one ONNX file that any language can call: uint8 in, uint8 out, the conversions inside the graph.

BatchNorm behind a convolution is folded into it; stacks' predictions that feed nothing fall away; weights are
kept as fp16 with a Cast to fp32 behind each, which ONNX Runtime folds when it loads the file: half the bytes
on disk, and every product in fp32. Where that costs nothing (`eight_bit` of a network: the U-Net's body)
they are kept as int8 and a scale for each output channel, folded in the same way.

A network that is told how rough its input is has a second input, `condition`, float32 (N, 2) or (1, 2). It is an
initializer too, so callers in other languages may leave it out: zeros, a clean input.
"""

import copy
import io
import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxscript import optimizer
from torch import nn

from ..errors import FacepriorError
from ..face.components import COMPONENTS
from ..files import write_atomically
from ..seal import sealed
from .config import HR_SIZE
from .inference import HEATMAP_SIZE, Inference, network_size
from .rewrites import REWRITES, Rewrite, rewritten

CONDITION = "condition"
SIZE = "S"  # a free size
OPSET = 20  # the first with GridSample's final names
INT8_FROM = 4096  # values
FP16_FROM = 256  # values; smaller tensors (biases, scales) stay fp32: they weigh nothing


def export_onnx(
    network: nn.Module,
    path: Path,
    header: dict,
    *,
    fp16: bool = True,
    rewrites: tuple[Rewrite, ...] = REWRITES,
    any_size: bool = False,
) -> None:
    """Writes `path`, atomically. `header` is the description of `weights.save_model`, kept as metadata.

    any_size: the file takes squares of any size, those of a call alike. FacepriorError where the network takes one.
    """
    network = copy.deepcopy(network).float().cpu().eval()
    if any_size:
        if not hasattr(network, "any_size"):
            raise FacepriorError("--any-size: this network takes faces of one size; a U-Net takes any")
        network.any_size = True
    model = _trace(network, rewrites, any_size)
    _name_axes(model, SIZE if any_size else network_size(network))
    if CONDITION in (value.name for value in model.graph.input):
        model.graph.initializer.append(numpy_helper.from_array(np.zeros((1, 2), np.float32), CONDITION))
    if fp16:
        store_int8(model, tuple(getattr(network, "eight_bit", ())))
    write_onnx(model, path, header, fp16=fp16)


def write_onnx(model: onnx.ModelProto, path: Path, header: dict, *, fp16: bool) -> None:
    """A finished graph -> `path`, atomically, with its description and its seal."""
    if fp16:
        store_fp16(model)
    model.producer_name = "faceprior"
    helper.set_model_props(model, {"faceprior": json.dumps(header)})
    onnx.checker.check_model(model, full_check=True)
    data = sealed(model.SerializeToString(deterministic=True))
    write_atomically(path, lambda file: file.write(data))


def _trace(network: nn.Module, rewrites: tuple[Rewrite, ...], any_size: bool) -> onnx.ModelProto:
    # The tracing exporter gives the same graph as the newer one, after the optimiser, in a tenth of the time.
    # Together they fold every BatchNorm that follows a convolution.
    size = network_size(network)
    example = [torch.randint(0, 256, (2, size, size, 3), dtype=torch.uint8)]
    module = Inference(network).eval()
    inputs, names = ["lr"], module.outputs
    if module.takes_condition:
        inputs.append(CONDITION)
        example.append(torch.rand(2, 2))
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(example),
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=inputs,
            output_names=names,
            dynamic_axes={name: {0: "N"} for name in (*inputs, *names)}
            | ({"lr": {0: "N", 1: SIZE, 2: SIZE}} if any_size else {}),
        )
    return rewritten(optimizer.optimize(onnx.load_from_string(buffer.getvalue())), rewrites)


def _name_axes(model: onnx.ModelProto, size: int | str) -> None:
    """Writes the contract's shapes down: N is free, and `size` where it is a name; all else is fixed."""
    shapes = {
        "lr": (size, size, 3),
        CONDITION: (2,),
        "images": (HR_SIZE, HR_SIZE, 3),
        "heatmaps": (len(COMPONENTS), HEATMAP_SIZE, HEATMAP_SIZE),
        "transforms": (2, 3),
        "sharp": (HR_SIZE, HR_SIZE, 3),
    }
    for value in (*model.graph.input, *model.graph.output):
        kind = value.type.tensor_type.elem_type
        count = "N or 1" if value.name == CONDITION else "N"
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind, [count, *shapes[value.name]]))


def store_fp16(model: onnx.ModelProto, fp16_from: int = FP16_FROM) -> None:
    """Large fp32 initialisers -> fp16 + Cast, in place. A tensor that fp16 cannot hold stays fp32."""
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < fp16_from:
            continue
        with np.errstate(over="ignore"):
            half = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(half).all():
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(half, f"{name}.fp16"))
        casts.append(helper.make_node("Cast", [f"{name}.fp16"], [name], to=TensorProto.FLOAT))
    _first(model, casts)


def store_int8(model: onnx.ModelProto, parts: tuple[str, ...], int8_from: int = INT8_FROM) -> None:
    """Weights of convolutions whose names hold one of `parts` -> int8 + Cast + Mul by a scale for each output channel,
    in place: the largest value of each is 127 steps, so what is rounded away is at most 0.4 % of it."""
    made, scales = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) != 4 or int(np.prod(tensor.dims)) < int8_from:
            continue
        if not any(part in f".{tensor.name}" for part in parts):
            continue
        weights, name = numpy_helper.to_array(tensor), tensor.name
        scale = np.abs(weights).max((1, 2, 3), keepdims=True).astype(np.float32) / 127
        scale[scale == 0] = 1
        tensor.CopyFrom(numpy_helper.from_array(np.rint(weights / scale).astype(np.int8), f"{name}.int8"))
        scales.append(numpy_helper.from_array(scale, f"{name}.scale"))
        made.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=TensorProto.FLOAT))
        made.append(helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name]))
    model.graph.initializer.extend(scales)
    _first(model, made)


def _first(model: onnx.ModelProto, made: list[onnx.NodeProto]) -> None:
    nodes = [*made, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
