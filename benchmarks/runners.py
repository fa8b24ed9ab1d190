"""One way to call a model in each runtime: `run(faces)` with uint8 (N, 16, 16, 3)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from candidates import Candidate

from faceprior.errors import FacepriorError
from faceprior.runtime.upscaler import load

Run = Callable[[np.ndarray], object]
RUNTIMES = ("onnx", "openvino", "openvino bf16", "torch", "torch bf16", "torch compiled", "torch compiled bf16", "int8")
DEFAULT = RUNTIMES[:5]


def runner(candidate: Candidate, runtime: str, threads: int | None) -> Run | None:
    """None where `runtime` cannot run it here (not installed, no bf16, an outside model)."""
    backend, *words = runtime.split()
    precision = "bf16" if "bf16" in words else "f32"
    if candidate.weights is None:
        return _outside(candidate, threads) if runtime == "onnx" else None
    if backend == "int8":
        return load(_int8(candidate), device="cpu", threads=threads)
    if backend == "torch":
        from faceprior.runtime.backends.torch import TorchBackend

        # "torch" is PyTorch eager as everybody calls it; the others are what helps it.
        helped = bool(words)
        backend = TorchBackend(
            candidate.weights,
            threads=threads,
            precision=precision,
            channels_last=helped,
            compiled="compiled" in words,
        )
        return lambda lr: [backend.run(lr[i : i + 16]) for i in range(0, len(lr), 16)]
    try:
        return load(candidate.onnx, backend=backend, device="cpu", threads=threads, precision=precision)
    except FacepriorError as error:
        print(f"{candidate.name}, {runtime}: left out: {error}")
        return None


def _int8(candidate: Candidate) -> Path:
    """As `faceprior export --int8` makes it, its ranges from noise: they take the same time."""
    from faceprior.networks.quantise import export_int8
    from faceprior.networks.weights import load_model, read_header

    lr = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), np.uint8)
    path = candidate.onnx.with_suffix(".int8.onnx")
    export_int8(load_model(candidate.weights), path, read_header(candidate.weights), lr)
    return path


def _outside(candidate: Candidate, threads: int | None) -> Run:
    """Random input of the model's own shape; sides that it leaves open are 16."""
    import onnxruntime as ort

    from faceprior.runtime.backends.onnx import session_options

    session = ort.InferenceSession(candidate.onnx, session_options(threads), providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    kind = {"tensor(uint8)": np.uint8, "tensor(float16)": np.float16}.get(value.type, np.float32)
    sides = [side if isinstance(side, int) else 16 for side in value.shape[1:]]
    fixed = value.shape[0] if isinstance(value.shape[0], int) else None

    def run(lr: np.ndarray) -> list:
        size = fixed or min(len(lr), 8)
        x = np.zeros((size, *sides), kind)
        return [session.run(None, {value.name: x}) for _ in range(-(-len(lr) // size))]

    return run
