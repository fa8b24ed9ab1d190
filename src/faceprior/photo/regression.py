"""What a few numbers seen of a picture say, by two layers of tanh that were fitted (`benchmarks/fitting.py`)."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import numpy as np


def regression(name: str, features: np.ndarray) -> np.ndarray:
    """float32 (F,) -> (outputs,), by the weights in `assets/`name.npz."""
    return answers(_weights(name), features)


def answers(weights: Mapping[str, np.ndarray], features: np.ndarray) -> np.ndarray:
    """float32 (..., F) -> (..., outputs)."""
    x = (features - weights["mean"]) / weights["deviation"]
    for layer in ("a", "b"):
        x = np.tanh(x @ weights[layer] + weights[f"{layer}_bias"])
    return x @ weights["out"] + weights["out_bias"]


@lru_cache
def _weights(name: str) -> dict[str, np.ndarray]:
    with files("faceprior").joinpath(f"assets/{name}.npz").open("rb") as file, np.load(file) as arrays:
        return dict(arrays)
