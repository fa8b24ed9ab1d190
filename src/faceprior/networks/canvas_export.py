"""The canvas -> one ONNX file: an 8-bit picture of any size in, four times as large out, told by a second input.

The scales and shifts of the condition act on the weights inside the graph. A runtime that is given the condition as
a constant (`runtime/fixed.py` makes it one) folds them when it loads the file, and runs a plain SPAN.
"""

import copy
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from onnxscript import optimizer
from torch import Tensor, nn
from torch.nn import functional as F

from .canvas import CONDITIONS, GREY_LEVELS, SCALE, Canvas, changed
from .export import OPSET, write_onnx

INPUTS, OUTPUT = ("image", "condition"), "enlarged"
BLEND = 0.1  # a JPEG of quality 94, noise of 2.5 grey levels


class CanvasInference(nn.Module):
    """uint8 (B, h, w, 3), float32 (1, 2) (of a folded network none) -> uint8 (B, 4h, 4w, 3).

    clean: the network for clean photos, where that is another one; from there to `network` the weights are blended
    over conditions of 0 to BLEND, so that no photo gets less than the better of the two, nor a step between them.
    """

    def __init__(self, network: Canvas, clean: Canvas | None = None):
        super().__init__()
        self.network, self.clean = network, clean
        if clean is not None:
            self.network = copy.deepcopy(network)
            for name in [*network.told_layers(), "upsampler"]:
                parent, _, last = name.rpartition(".")
                rough = Difference(network.get_submodule(name), clean.get_submodule(name))
                setattr(self.network.get_submodule(parent), last, rough)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        x = image.permute(0, 3, 1, 2).float()
        if condition is None or self.network.told is None:
            picture, _ = self.network.levels(x)
        else:
            picture, _ = self.network.passed(x, self._folded(condition))
        picture = F.pixel_shuffle(picture * GREY_LEVELS, SCALE)
        return picture.clamp(0, GREY_LEVELS).round().byte().permute(0, 2, 3, 1)

    def _folded(self, condition: Tensor) -> Callable[[str, Tensor], Tensor]:
        """Convolutions whose weights are those of the one condition of a batch."""
        changes = iter(self.network.told(condition).unbind())
        blend = (condition.amax() / BLEND).clamp(0, 1)

        def conv(name: str, x: Tensor) -> Tensor:
            layer = self.network.get_submodule(name)
            weight, bias = (layer.weight, layer.bias) if name == "upsampler" else changed(layer, *next(changes))
            if self.clean is not None:
                other = self.clean.get_submodule(name)
                weight = other.weight + blend * (weight - other.weight)
                bias = other.bias + blend * (bias - other.bias)
            return F.conv2d(x, weight, bias, padding=layer.padding)

        return conv


class Difference(nn.Module):
    """A convolution as what it differs by from another: in 8 bits a channel, for the one began with the other."""

    def __init__(self, layer: nn.Conv2d, other: nn.Conv2d):
        super().__init__()
        difference = (layer.weight - other.weight).detach()
        size = difference.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12) / 127
        self.register_buffer("steps", (difference / size).round().to(torch.int8))
        self.register_buffer("size", size)
        self.bias, self.padding, self._other = layer.bias, layer.padding, [other]  # a list: it is not a part of this

    @property
    def weight(self) -> Tensor:
        return self._other[0].weight + self.steps.float() * self.size


def export_canvas(
    network: Canvas, path: Path, header: dict, *, clean: Canvas | None = None, fp16: bool = True
) -> None:
    """Writes `path`, atomically. `header` is the description of `weights.save_model`, kept as metadata; `clean` is as
    of `CanvasInference`."""
    ends = [copy.deepcopy(end).float().cpu().eval() for end in (network, clean) if end is not None]
    module = CanvasInference(*ends).eval()
    example = torch.randint(0, 256, (1, 24, 28, 3), dtype=torch.uint8), torch.zeros(1, CONDITIONS)
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            buffer,
            dynamo=False,
            do_constant_folding=False,  # it would write the 8 bits of `Difference` out as 32
            opset_version=OPSET,
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: "N", 1: f"{name}_h", 2: f"{name}_w"} for name in (INPUTS[0], OUTPUT)},
        )
    model = optimizer.optimize(onnx.load_from_string(buffer.getvalue()))
    write_onnx(model, path, header, fp16=fp16)
