"""Weights on disk: safetensors with the network's description in the header. Never pickle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from .._version import __version__
from ..errors import FacepriorError
from ..files import beside, settle
from .kinds import KINDS, config_class, kind_of, make_network

KEY = "faceprior"
FORMAT = 1
NO_NETWORK = "{}: its configuration does not describe a network ({})"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32)


def save_model(
    model: nn.Module, path: Path, provenance: dict | None = None, *, dtype: torch.dtype = torch.float32
) -> None:
    """Writes the weights (floating ones as `dtype`), the configuration, where they come from and their SHA-256;
    atomic."""
    path = Path(path)
    state = {
        k: (v.to(dtype) if v.is_floating_point() else v).detach().cpu().contiguous()
        for k, v in model.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "model": kind_of(model.config),
        "config": model.config.to_dict(),
        "version": __version__,
        "provenance": provenance or {},
        "sha256": digest(state),
    }
    data = save(state, {KEY: json.dumps(header)})  # its save_file makes files that their owner alone may read
    with beside(path) as part:
        part.write_bytes(data)
        settle(part, path)


def digest(state: dict[str, torch.Tensor]) -> str:
    """SHA-256 of the tensors' names and bytes, in the order of the names."""
    total = hashlib.sha256()
    for key in sorted(state):
        total.update(key.encode() + b"\0")
        total.update(state[key].reshape(-1).view(torch.uint8).numpy())
    return total.hexdigest()


def read_header(path: Path) -> dict:
    """The description in a weights file. Raises FacepriorError where the file is none of ours."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        header = json.loads(metadata[KEY])
    except FileNotFoundError:
        raise FacepriorError(f"{path}: no such weights file") from None
    except (SafetensorError, OSError) as error:
        raise FacepriorError(f"{path}: not a readable safetensors file ({error})") from error
    except (KeyError, ValueError, RecursionError):
        raise FacepriorError(
            f"{path}: safetensors without faceprior's description; not saved by faceprior"
        ) from None
    if not isinstance(header, dict):
        raise FacepriorError(f"{path}: faceprior's description is no table; not saved by faceprior")
    if header.get("format") != FORMAT or header.get("model") not in KINDS:
        raise FacepriorError(
            f"{path}: expected format {FORMAT} of a model such as 'mtun', "
            f"got {header.get('format')!r:.60} of {header.get('model')!r:.60}"
        )
    if not isinstance(header.get("provenance", {}), dict):
        raise FacepriorError(f"{path}: its provenance is no table; not saved by faceprior")
    return header


def read_config(path: Path) -> Any:
    """The configuration of the network that a weights file holds, of one of `kinds.config_class`. FacepriorError where
    the file is none of ours, or describes no network."""
    header = read_header(path)
    try:
        return config_class(header["model"])(**header["config"])
    except (KeyError, TypeError, ValueError) as error:
        raise FacepriorError(NO_NETWORK.format(path, error)) from error


def load_model(path: Path) -> nn.Module:
    """The network of a weights file, float32, on the CPU, in evaluation mode.

    Raises FacepriorError where the file is unreadable, or its tensors are not those of its configuration.
    """
    header, config = read_header(path), read_config(path)
    try:
        # Without memory first: a configuration may claim any size, the file's tensors have theirs.
        with torch.device("meta"):
            expected = make_network(config).state_dict()
    except (TypeError, ValueError, RuntimeError, MemoryError) as error:  # RuntimeError: more than memory
        raise FacepriorError(NO_NETWORK.format(path, error)) from error
    with safe_open(path, "pt") as file:
        if missing := sorted(set(expected) ^ set(file.keys())):
            raise FacepriorError(f"{path}: tensors do not match its configuration, first '{missing[0]}'")
        for key, tensor in expected.items():
            if (shape := tuple(file.get_slice(key).get_shape())) != tuple(tensor.shape):
                raise FacepriorError(f"{path}: '{key}' has shape {shape}, expected {tuple(tensor.shape)}")
        state = {key: file.get_tensor(key) for key in expected}
    for key, tensor in state.items():
        if tensor.dtype not in (_FLOATS if expected[key].is_floating_point() else (expected[key].dtype,)):
            raise FacepriorError(f"{path}: '{key}' is {tensor.dtype}, expected {expected[key].dtype} or shorter")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise FacepriorError(f"{path}: '{key}' holds values that are not finite")
    if (wanted := header.get("sha256")) is not None and (found := digest(state)) != wanted:  # older files have none
        raise FacepriorError(
            f"{path}: expected tensors of SHA-256 {str(wanted)[:16]}..., got {found[:16]}...; damaged, copy it again"
        )
    model = make_network(config)
    model.load_state_dict({k: v.to(expected[k].dtype) for k, v in state.items()})
    return model.eval()
