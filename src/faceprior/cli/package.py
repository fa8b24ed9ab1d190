"""A trained network -> a packaged model: files in `assets/` and their entry in `models.json`."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import torch

from ..errors import FacepriorError
from ..files import write_text
from ..networks.canvas import Canvas
from ..networks.canvas_export import export_canvas
from ..networks.export import export_onnx
from ..networks.mtun import MTUN
from ..networks.quantise import export_int8
from ..networks.weights import save_model
from ..runtime.weights import ASSETS, REGISTRY


def package_model(
    network: MTUN,
    header: dict,
    name: str,
    description: str,
    *,
    default: bool = False,
    safetensors: bool = False,
    larger: str | None = None,
    ranges: list[np.ndarray] | None = None,
    any_size: bool = False,
    assets: Path = ASSETS,
) -> list[Path]:
    """Writes `NAME.onnx` (and `NAME.safetensors`, fp16), registers them with their SHA-256; returns the files.

    An entry of that name is replaced, its description kept where none is given. The first model becomes the default.
    larger: the packaged model that takes the larger faces of photos. ranges: uint8 faces as of `export_int8`, where
    what bears it is to be computed in int8. any_size: as of `export_onnx`.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", name) or name == "default":
        raise FacepriorError(f"--package {name!r}: expected a name of lower-case letters, digits, '.', '_' and '-'")
    path = assets / REGISTRY
    table = {"format": 1, "default": None, "models": {}}
    if path.exists():
        table = json.loads(path.read_text("utf-8"))
    if larger is not None and larger not in table["models"]:
        raise FacepriorError(f"--larger {larger!r}: no packaged model; package that one first")
    onnx = assets / f"{name}.onnx"
    if ranges is None:
        export_onnx(network, onnx, header, any_size=any_size)
    else:
        export_int8(network, onnx, header, ranges, any_size=any_size)
    before = table["models"].get(name, {}).get("description", "")
    entry = {"file": onnx.name, "sha256": _sha256(onnx), "description": description or before}
    written = [onnx]
    if safetensors:
        weights = assets / f"{name}.safetensors"
        save_model(network, weights, header.get("provenance"), dtype=torch.float16)
        entry["safetensors"] = {"file": weights.name, "sha256": _sha256(weights)}
        written.append(weights)
    if larger is not None:
        entry["larger"] = larger
    table["models"][name] = entry
    if default or table["default"] is None:
        table["default"] = name
    write_text(path, json.dumps(table, indent=1) + "\n")
    return [*written, path]


def package_canvas(
    network: Canvas, header: dict, description: str, *, clean: Canvas | None = None, assets: Path = ASSETS
) -> list[Path]:
    """Writes `canvas.onnx` and its entry, in place of an earlier one; returns the files.

    clean: as of `export_canvas`
    """
    path, onnx = assets / REGISTRY, assets / "canvas.onnx"
    table = json.loads(path.read_text("utf-8")) if path.exists() else {"format": 1, "default": None, "models": {}}
    export_canvas(network, onnx, header, clean=clean)
    table["canvas"] = {"file": onnx.name, "sha256": _sha256(onnx), "description": description}
    write_text(path, json.dumps(table, indent=1) + "\n")
    return [onnx, path]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
