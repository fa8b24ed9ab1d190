"""The contract of a model file, as every backend that runs ONNX files checks it."""

import json
from collections.abc import Sequence

import numpy as np

from ...errors import FacepriorError
from ...face.trained import trained_sizes
from ..trimmed import keep_outputs, output_names, split
from .base import FORMAT, HEATMAP_SIZE, HR_SIZE, LR_SIZES, MAPS, Outputs

Signature = tuple[str, str, list]  # name, element type, shape of one face

INPUTS: tuple[Signature, ...] = tuple(("lr", "uint8", [size, size, 3]) for size in LR_SIZES)
INPUT = INPUTS[0][0]
CONDITION = "condition"  # of some models a second input that may be left out: float32 (N, 2)
CLEAN = np.zeros((1, 2), np.float32)
OUTPUTS: tuple[Signature, ...] = (
    ("images", "uint8", [HR_SIZE, HR_SIZE, 3]),
    ("heatmaps", "float", [MAPS, HEATMAP_SIZE, HEATMAP_SIZE]),
    ("transforms", "float", [2, 3]),
)
TRANSFORMS = OUTPUTS[2]
SHARP: Signature = ("sharp", *OUTPUTS[0][1:])  # of models with two pictures: the sharper one


def wanted(sharp: bool) -> list[str]:
    """The names of the outputs to ask for, in the order of `Outputs`."""
    return [name for name, _, _ in ([*OUTPUTS, SHARP] if sharp else OUTPUTS)]


def check_signature(found: Sequence[Signature], name: str, sharp: bool) -> int | None:
    """The pixels of the input; None where they are free.

    FacepriorError where the inputs and outputs of the file `name`, or of the part of it that `trimmed` gives, are not
    those of the contract, or where it has no sharp picture and that is asked for.
    """
    given, *outputs = found
    if (given not in INPUTS and not _free(given)) or outputs not in (list(OUTPUTS), [*OUTPUTS, SHARP]):
        raise FacepriorError(f"{name}: expected {_told([INPUTS[0], *OUTPUTS])}; got {_told(found)}")
    if sharp and outputs == list(OUTPUTS):
        raise FacepriorError(no_sharp(name))
    return None if _free(given) else given[2][0]


def _free(given: Signature) -> bool:
    """Whether an input takes squares of any size: two dimensions that have a name, the same one."""
    name, kind, shape = given
    named = len(shape) == 3 and isinstance(shape[0], str) and shape == [shape[0], shape[0], 3]
    return named and (name, kind) == INPUTS[0][:2]


def size_in(header: dict) -> int:
    """The pixels at which a network of any size is given a face where nothing else is said: those that it was trained
    on, of many the paper's 16."""
    if (many := trained_sizes(header)) is not None and many[0] <= LR_SIZES[0] <= many[1]:
        return LR_SIZES[0]
    size = header.get("config", {}).get("lr") if isinstance(header.get("config"), dict) else None
    return size if size in LR_SIZES else LR_SIZES[0]


def trimmed(model: bytes, sharp: bool) -> tuple[bytes, bytes | None]:
    """A file's part for `wanted` outputs, and its part for the transforms; the file itself and None where its outputs
    are not those of the contract (`check_signature` then says so).

    Where the first part needs no more of the second than the transforms, it takes them as an input, and both together
    are the file.
    """
    try:
        names, asked = output_names(model), wanted(sharp)
        if set(names) - {SHARP[0]} == {name for name, _, _ in OUTPUTS} and set(asked) <= set(names):
            rest = [name for name in asked if name != TRANSFORMS[0]]
            if parts := split(model, rest, TRANSFORMS[0]):
                return parts[1], parts[0]
            return keep_outputs(model, asked), keep_outputs(model, [TRANSFORMS[0]])
    except ValueError:  # no ONNX file at all, or one with branches
        pass
    return model, None


def no_sharp(name: str) -> str:
    """What is said of the file `name` where it has one picture and the other is asked for."""
    return f"{name}: has no sharp variant; leave --sharp and --sharpness out (presets/sharp.toml trains one)"


def read_header(text: str | None, name: str) -> dict:
    """The model's description from the file's metadata `faceprior`."""
    try:
        header = json.loads(text or "")
    except ValueError:
        raise FacepriorError(f"{name}: no faceprior metadata inside; export it with `faceprior export`") from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise FacepriorError(f"{name}: expected metadata of format {FORMAT}; made by another version of faceprior")
    return header


def checked(arrays: Sequence[np.ndarray], faces: int, name: str) -> Outputs:
    """What the graph gave, once it has the shapes of the contract: a graph may break its own word."""
    expected = [*OUTPUTS, SHARP][: len(arrays)]
    if [list(array.shape) for array in arrays] != [[faces, *shape] for _, _, shape in expected]:
        got = ", ".join(str(array.shape) for array in arrays)
        raise FacepriorError(f"{name}: {faces} faces gave arrays of {got}; expected {_told(expected)}")
    return Outputs(*arrays)


def checked_transforms(array: np.ndarray, faces: int, name: str) -> np.ndarray:
    """As `checked`, of the transforms alone."""
    kind, _, shape = TRANSFORMS
    if list(array.shape) != [faces, *shape]:
        raise FacepriorError(f"{name}: {faces} faces gave {kind} of {array.shape}; expected {(faces, *shape)}")
    return array


def reason(error: Exception) -> str:
    """The end of a runtime's message, on one line."""
    line = " ".join(str(error).split())
    return line.rsplit(" : ", 1)[-1][:160]


def _told(nodes: Sequence[Signature]) -> str:
    return ", ".join([f"{name} {kind} (N, {', '.join(map(str, shape))})" for name, kind, shape in nodes][:6])
