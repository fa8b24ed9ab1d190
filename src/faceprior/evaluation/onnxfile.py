"""An ONNX file from anywhere, opened with one-line errors and fed in the batches that it takes."""

import hashlib
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch

from ..errors import FacepriorError


class OnnxFile:
    """`inputs` are ONNX Runtime's descriptions (name, type, shape); `sha256` is the file's."""

    def __init__(self, path: Path, device: str = "auto"):
        try:
            self.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise FacepriorError(f"{path}: cannot be read ({error.strerror})") from None
        options = ort.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()  # obeys OMP_NUM_THREADS, which ONNX Runtime does not
        options.log_severity_level = 3
        wanted = ["CUDAExecutionProvider"] if device in ("auto", "cuda") else []
        providers = [p for p in wanted if p in ort.get_available_providers()]
        try:
            # From the path, so that weights kept beside the graph are found.
            self.session = ort.InferenceSession(str(path), options, [*providers, "CPUExecutionProvider"])
        except Exception as error:
            raise FacepriorError(f"{path}: ONNX Runtime cannot open it ({_line(error)})") from None
        self.path, self.inputs = path, self.session.get_inputs()
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, x: np.ndarray, batch: int | None) -> dict[str, np.ndarray]:
        """The outputs for N rows, by name. A graph of a fixed `batch` is called in such pieces, the last one padded."""
        if not batch:
            return dict(zip(self.names, self._call(x), strict=True))
        parts = []
        for start in range(0, len(x), batch):
            piece = x[start : start + batch]
            padded = np.concatenate([piece, np.repeat(piece[-1:], batch - len(piece), 0)])
            parts.append([y[: len(piece)] for y in self._call(padded)])
        return dict(zip(self.names, map(np.concatenate, zip(*parts, strict=True)), strict=True))

    def _call(self, x: np.ndarray) -> list[np.ndarray]:
        try:
            return self.session.run(None, {self.inputs[0].name: x})
        except Exception as error:
            what = f"{x.dtype} {x.shape}"
            raise FacepriorError(f"{self.path}: ONNX Runtime cannot run it on {what} ({_line(error)})") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
