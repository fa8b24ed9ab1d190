"""The models that the benchmarks time: packaged ones, presets with random weights, outside ONNX files."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from torch.utils.flop_counter import FlopCounterMode

from faceprior.networks.config import MTUNConfig
from faceprior.networks.export import export_onnx
from faceprior.networks.inference import Inference, network_size
from faceprior.networks.kinds import config_class, make_network
from faceprior.networks.weights import load_model, read_header, save_model
from faceprior.runtime.upscaler import weights_of_run
from faceprior.runtime.weights import ASSETS, registry

PRESETS = {"mtun": MTUNConfig, "compact": MTUNConfig.compact}


@dataclass(frozen=True)
class Candidate:
    name: str
    onnx: Path
    weights: Path | None  # for PyTorch; None: an outside model
    gflop: float  #         of one face, 2 a multiply-add, convolutions and matrix products
    parameters: int
    note: str
    size: int = 16  #       pixels of the faces that it takes

    def network(self) -> torch.nn.Module:
        return Inference(load_model(self.weights)).eval()


def find(name: str, scratch: Path) -> Candidate:
    """A packaged model's name, "default", a preset of `PRESETS`, a run folder, a .safetensors or an .onnx file."""
    models, default = registry()
    if name == "default":
        name = default
    if name in models:
        entry = models[name]
        path = ASSETS / entry.file
        header = json.loads(next(p.value for p in onnx.load(path).metadata_props if p.key == "faceprior"))
        if entry.safetensors:
            return _of_weights(name, ASSETS / entry.safetensors[0], path, "packaged weights")
        # The same layers with random weights take PyTorch the same time.
        weights = _random(config_class(header["model"])(**header["config"]), scratch / f"{name}.safetensors")
        return _of_weights(name, weights, path, "packaged weights; PyTorch the same layers, random weights")
    if name in PRESETS:
        return _exported(name, _random(PRESETS[name](), scratch / f"{name}.safetensors"), scratch, "random weights")
    path = Path(name)
    if path.suffix == ".onnx":
        return Candidate(path.stem, path, None, *_counted(path), "outside model")
    return _exported(path.stem, weights_of_run(path) if path.is_dir() else path, scratch, "its weights")


def names(asked: list[str]) -> list[str]:
    """`asked` without a "default" that is there under its own name too."""
    _, default = registry()
    return list(dict.fromkeys(default if name == "default" and default else name for name in asked))


def scratch_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="faceprior-benchmark-")


def _random(config, path: Path) -> Path:
    torch.manual_seed(0)
    save_model(make_network(config).eval(), path, {"random": True})
    return path


def _exported(name: str, weights: Path, scratch: Path, note: str) -> Candidate:
    path = scratch / f"{name}.onnx"
    export_onnx(load_model(weights), path, read_header(weights))
    return _of_weights(name, weights, path, note)


def _of_weights(name: str, weights: Path, path: Path, note: str) -> Candidate:
    network = load_model(weights)
    if hasattr(network, "sharp_tail"):
        network.sharp_tail = None  # what is timed is the other picture
    parameters = sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        size = network_size(network)
        Inference(network).eval()(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    return Candidate(name, path, weights, counter.get_total_flops() / 1e9, parameters, note, size)


def _counted(path: Path) -> tuple[float, int]:
    """GFLOP and parameters of an ONNX graph at one picture, from its shapes."""
    model = onnx.load(path)
    for value in model.graph.input:
        for side in value.type.tensor_type.shape.dim:
            if not side.HasField("dim_value"):
                side.dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim]
              for v in (*graph.input, *graph.value_info, *graph.output)}  # fmt: skip
    shapes.update({t.name: list(t.dims) for t in graph.initializer})
    product = lambda sides: int(torch.tensor(sides or [1]).prod())  # noqa: E731
    total = 0
    for node in graph.node:
        out = product(shapes.get(node.output[0]))
        first, second = [*node.input, "", ""][:2]
        if node.op_type == "Conv":
            total += 2 * out * product(shapes[second][1:])
        elif node.op_type == "ConvTranspose":
            total += 2 * product(shapes[first]) * product(shapes[second][1:])
        elif node.op_type in ("MatMul", "Gemm"):
            total += 2 * out * shapes[first][-1]
    return total / 1e9, sum(product(t.dims) for t in graph.initializer)
