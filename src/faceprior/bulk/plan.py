"""What every worker is told: once, when it starts."""

import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import FacepriorError
from ..photo.decode import any_number_of_pixels
from ..photo.hog import HogDetector
from ..photo.options import PhotoOptions
from ..photo.yunet import YuNet
from ..runtime.upscaler import Upscaler, load, weights_of_run
from .places import Place

KINDS = ("auto", "cropped", "photos")


@dataclass(frozen=True)
class Weights:
    """A model as it reaches other machines: by name where it is packaged, else with its bytes."""

    name: str | None
    file: str | None = None  # name.onnx
    data: bytes | None = None

    @classmethod
    def of(cls, model: str | None) -> "Weights":
        path = Path(model) if model is not None else None
        if path is None or not path.exists():
            return cls(model)
        if path.is_dir():
            path = weights_of_run(path)
        return cls(model, path.name, path.read_bytes())

    def load(self, **options: Any) -> Upscaler:
        if self.data is None:
            return load(self.name, **options)
        with tempfile.TemporaryDirectory(prefix="faceprior-") as folder:
            path = Path(folder) / self.file
            path.write_bytes(self.data)
            return load(path, **options)


@dataclass(frozen=True)
class Finder:
    """A detector as it reaches other machines: YuNet with its bytes, or the embedded one."""

    yunet: bytes | None
    any_turn: bool = False

    def load(self, threads: int | None) -> YuNet | HogDetector:
        if self.yunet is None:
            return HogDetector(any_turn=self.any_turn)
        with tempfile.TemporaryDirectory(prefix="faceprior-") as folder:
            path = Path(folder) / "yunet.onnx"
            path.write_bytes(self.yunet)
            return YuNet(path, any_turn=self.any_turn, threads=threads)


@dataclass(frozen=True)
class Plan:
    """How images are restored and where their results go.

    kind: "cropped", "photos", or "auto": photos but for small ones without a face, as everywhere (photo/cutface.py)
    since: results older than this (ns since 1970) do not count
    about: model and version, for the JSON of photos and faces
    """

    out: Place
    kind: str
    weights: Weights
    finder: Finder
    sha256: str
    about: dict[str, Any]
    options: PhotoOptions = field(default_factory=PhotoOptions)
    heatmaps: bool = False
    table: bool = False
    sheet: bool = True
    pixel_limit: bool = True
    backend: str = "auto"
    device: str = "auto"
    threads: int = 1
    sharpness: float = 0.0
    since: int = 0
    readers: int = 8  # threads of a worker that wait for files

    def upscaler(self) -> Upscaler:
        running = {"backend": self.backend, "device": self.device, "threads": self.threads}
        upscaler = self.weights.load(**running, sharpness=self.sharpness)
        if upscaler.info.sha256 != self.sha256:
            raise FacepriorError(f"model {upscaler.info.name}: other weights on this machine than where the run began")
        return upscaler

    def allow_pixels(self) -> None:
        """For the rest of this process."""
        if not self.pixel_limit:
            any_number_of_pixels().__enter__()

    def settings(self) -> dict[str, Any]:
        """What must be the same where a run goes on."""
        model = {"sha256": self.sha256, "sharpness": self.sharpness}
        detector = "embedded" if self.finder.yunet is None else "yunet"
        photos = {**asdict(self.options), "detector": detector, "any_turn": self.finder.any_turn, "sheet": self.sheet}
        cropped = {"heatmaps": self.heatmaps, "json": self.table}
        parts = {"kind": self.kind, "model": model}
        if self.kind != "photos":
            parts["cropped"] = cropped
        if self.kind != "cropped":
            parts["photos"] = photos
        return parts

    def later(self, since: int) -> "Plan":
        return replace(self, since=since)
