"""The canvas -> one ONNX file: an 8-bit picture of any size in, four times as large out, told by a second input.

The scales and shifts of the condition act on the weights inside the graph. A runtime that is given the condition as
a constant (`runtime/fixed.py` makes it one) folds them when it loads the file, and runs a plain SPAN.
"""

import copy
import io
import json
import warnings
from pathlib import Path

import onnx
import torch
from onnx import helper
from onnxscript import optimizer
from torch import Tensor, nn
from torch.nn import functional as F

from ..files import write_atomically
from ..seal import sealed
from .canvas import CONDITIONS, GREY_LEVELS, SCALE, Canvas
from .export import OPSET, store_fp16

INPUTS, OUTPUT = ("image", "condition"), "enlarged"


class CanvasInference(nn.Module):
    """uint8 (B, h, w, 3), float32 (1, 2) (of a folded network none) -> uint8 (B, 4h, 4w, 3)."""

    def __init__(self, network: Canvas):
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        picture, _ = self.network.levels(image.permute(0, 3, 1, 2).float(), condition, fold=True)
        picture = F.pixel_shuffle(picture * GREY_LEVELS, SCALE)
        return picture.clamp(0, GREY_LEVELS).round().byte().permute(0, 2, 3, 1)


def export_canvas(network: Canvas, path: Path, header: dict, *, fp16: bool = True) -> None:
    """Writes `path`, atomically. `header` is the description of `weights.save_model`, kept as metadata."""
    module = CanvasInference(copy.deepcopy(network).float().cpu().eval()).eval()
    example = torch.randint(0, 256, (1, 24, 28, 3), dtype=torch.uint8), torch.zeros(1, CONDITIONS)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            buffer,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "N", 1: f"{name}_h", 2: f"{name}_w"} for name in (INPUTS[0], OUTPUT)},
        )
    model = optimizer.optimize(onnx.load_from_string(buffer.getvalue()))
    if fp16:
        store_fp16(model)
    model.producer_name = "faceprior"
    helper.set_model_props(model, {"faceprior": json.dumps(header)})
    onnx.checker.check_model(model, full_check=True)
    data = sealed(model.SerializeToString(deterministic=True))
    write_atomically(path, lambda file: file.write(data))
