"""Models from elsewhere: any ONNX file and any Python callable, made to take an LR and give 128x128.

The options of an ONNX file follow a question mark, `onnx:net.onnx?range=-1,1&layout=nhwc`:

| option | values | without it |
|---|---|---|
| `range` | LOW,HIGH that black and white are for the network | 0,255 for integer tensors, 0,1 for floating ones |
| `out_range` | the same, of the output | as `range`; 0,255 for integer tensors |
| `layout` | `nchw`, `nhwc` | from the graph's shapes, where one axis is 3 |
| `size` | side of the network's input; the LR is enlarged to it by Pillow's BICUBIC | from the graph, else 16 |
| `colour` | `rgb`, `bgr` | `rgb` |

The image is the first output that has three channels, resized to 128 by Pillow's BICUBIC where it is of another size.
Outputs named `heatmaps` and `transforms`, as our own export names them, are scored too.
"""

import importlib
import sys
import traceback
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np

from ..dataset.bicubic import enlarge
from ..dataset.pairs import Pairs
from ..errors import FacepriorError
from .onnxfile import OnnxFile
from .restorer import HR_SIZE, Restored

CHOICES = {"layout": ("nchw", "nhwc"), "colour": ("rgb", "bgr")}
KNOWN = ("range", "out_range", "layout", "size", "colour")
INTEGERS = {"tensor(uint8)": np.uint8, "tensor(int32)": np.int32, "tensor(int64)": np.int64}
FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
TYPES = INTEGERS | FLOATS


def split_options(spec: str, known: tuple[str, ...]) -> tuple[Path, dict[str, str]]:
    """`PATH?key=value&...` -> the path and its options. Raises FacepriorError for an unknown key or value."""
    path, _, query = spec.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for key, value in options.items():
        if key not in known:
            raise FacepriorError(f"{spec}: unknown option '{key}'; there are {', '.join(known)}")
        if value not in CHOICES.get(key, (value,)):
            raise FacepriorError(f"{spec}: {key}={value}; expected {' or '.join(CHOICES[key])}")
    return Path(path), options


class OnnxModel:
    """`onnx:PATH[?options]`: an image-to-image ONNX graph with one input."""

    def __init__(self, spec: str, device: str = "auto"):
        path, options = split_options(spec, KNOWN)
        self.spec = spec
        self.file = OnnxFile(path, device)
        self.name, self.sha256 = f"onnx:{spec}", self.file.sha256
        if len(self.file.inputs) != 1:
            raise FacepriorError(f"{path}: the graph has {len(self.file.inputs)} inputs; one image is expected")
        entry = self.file.inputs[0]
        if entry.type not in TYPES:
            raise FacepriorError(f"{path}: input is {entry.type}; expected uint8, an integer or a floating type")
        self.type = TYPES[entry.type]
        shape = entry.shape
        if len(shape) != 4:
            raise FacepriorError(f"{path}: input has shape {shape}; four axes are expected")
        self.layout = options.get("layout") or self._guess_layout(shape)
        side = shape[2] if self.layout == "nchw" else shape[1]
        self.size = self._whole(options["size"]) if "size" in options else side if isinstance(side, int) else 16
        if isinstance(side, int) and side != self.size:
            raise FacepriorError(f"{spec}: size={self.size}, but the graph takes {side}")
        self.fixed_batch = shape[0] if isinstance(shape[0], int) else None
        whole = entry.type in INTEGERS
        self.range = self._pair(options["range"]) if "range" in options else (0.0, 255.0 if whole else 1.0)
        self.out_range = self._pair(options["out_range"]) if "out_range" in options else None
        self.bgr = options.get("colour") == "bgr"

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        x = enlarge(lr, self.size) if self.size != lr.shape[1] else lr
        if self.bgr:
            x = x[..., ::-1]
        low, high = self.range
        x = x.astype(np.float64) / 255 * (high - low) + low
        x = x.round() if np.issubdtype(self.type, np.integer) else x
        x = x.astype(self.type) if self.layout == "nhwc" else x.astype(self.type).transpose(0, 3, 1, 2)
        outputs = self.file.run(np.ascontiguousarray(x), self.fixed_batch)
        image = next((o for o in outputs.values() if o.ndim == 4 and 3 in (o.shape[1], o.shape[3])), None)
        if image is None:
            shapes = {name: o.shape for name, o in outputs.items()}
            raise FacepriorError(f"{self.spec}: no output is an RGB image; the shapes are {shapes}")
        return Restored(self._image(image), outputs.get("heatmaps"), outputs.get("transforms"))

    def _image(self, y: np.ndarray) -> np.ndarray:
        """The network's output in its own layout and range -> uint8 (N, 128, 128, 3)."""
        if np.issubdtype(y.dtype, np.integer):
            low, high = self.out_range or (0.0, 255.0)
        else:
            low, high = self.out_range or self.range
        if y.shape[1] == 3 and not (self.layout == "nhwc" and y.shape[3] == 3):
            y = y.transpose(0, 2, 3, 1)
        y = (y.astype(np.float64) - low) / (high - low) * 255
        if not np.isfinite(y).all():
            raise FacepriorError(f"{self.spec}: the output holds values that are not finite")
        y = np.rint(y.clip(0, 255)).astype(np.uint8)[..., :: -1 if self.bgr else 1]
        return np.ascontiguousarray(y) if y.shape[1:3] == (HR_SIZE, HR_SIZE) else enlarge(np.ascontiguousarray(y))

    def _guess_layout(self, shape: list) -> str:
        first, last = shape[1] == 3, shape[3] == 3
        if first == last:
            raise FacepriorError(f"{self.spec}: input has shape {shape}; say layout=nchw or layout=nhwc after a '?'")
        return "nchw" if first else "nhwc"

    def _pair(self, text: str) -> tuple[float, float]:
        try:
            low, high = map(float, text.split(","))
        except ValueError:
            low = high = 0.0
        if not low < high:
            raise FacepriorError(f"{self.spec}: expected two rising numbers such as range=-1,1, got {text!r}")
        return low, high

    def _whole(self, text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= 1024:
            raise FacepriorError(f"{self.spec}: size={text}; expected a whole number in 1..1024")
        return int(text)


class PythonModel:
    """`python:module:callable`: uint8 (N, 16, 16, 3) -> uint8 (N, 128, 128, 3), or an object with `.images` like that.

    Such an object's `.heatmaps` and `.transforms` are scored too. The current folder is searched for the module.
    """

    def __init__(self, spec: str):
        self.name, self.sha256 = f"python:{spec}", None
        module, _, attribute = spec.partition(":")
        if not module or not attribute:
            raise FacepriorError(f"python:{spec}: expected python:module:callable")
        here = str(Path.cwd())
        if here not in sys.path:  # a console script does not search it
            sys.path.insert(0, here)
        try:
            self.function = getattr(importlib.import_module(module), attribute)
        except AttributeError as error:
            if error.name == attribute:
                raise FacepriorError(f"python:{spec}: module '{module}' has no '{attribute}'") from None
            raise FacepriorError(f"python:{spec}: cannot import '{module}' ({_where(error)})") from None
        except ImportError as error:
            raise FacepriorError(f"python:{spec}: cannot import '{module}' ({error})") from None
        except Exception as error:  # a module may do anything
            raise FacepriorError(f"python:{spec}: cannot import '{module}' ({_where(error)})") from None
        if not callable(self.function):
            raise FacepriorError(f"python:{spec}: '{attribute}' is not callable")

    def __call__(self, lr: np.ndarray, pairs: Pairs) -> Restored:
        try:
            result = self.function(lr)
        except FacepriorError:
            raise
        except Exception as error:
            raise FacepriorError(f"{self.name}: failed on {len(lr)} faces: {_where(error)}") from None
        images = np.asarray(getattr(result, "images", result))
        wanted = (len(lr), HR_SIZE, HR_SIZE, 3)
        if images.dtype != np.uint8 or images.shape != wanted:
            raise FacepriorError(f"{self.name}: gave {images.dtype} {images.shape}; expected uint8 {wanted}")
        return Restored(images, getattr(result, "heatmaps", None), getattr(result, "transforms", None))


def _where(error: Exception) -> str:
    """What was raised, and in which line of which file: somebody else's code."""
    steps = traceback.extract_tb(error.__traceback__)
    said = f"{type(error).__name__}: {error}".rstrip(": ")
    return said if len(steps) < 2 else f"{said}; {steps[-1].filename}, line {steps[-1].lineno}"
