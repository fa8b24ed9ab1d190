"""The user's object: 16x16 faces in, upright 128x128 faces, heatmaps and transforms out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from ..errors import FacepriorError
from ..face.trained import TrainedRange, trained_range
from .backends.base import DEVICES, HEATMAP_SIZE, HR_SIZE, MAPS, PRECISIONS, Backend
from .weights import ASSETS, packaged, read_checked

if TYPE_CHECKING:  # the runtime does not need the photo part: its two doors there import it when they are used
    from ..photo.api import UpscaleOptions
    from ..photo.given import Picture
    from ..photo.pipeline import PhotoResult
    from ..photo.single import FaceResult

BATCH = 8  # faces in one call of the network: more is no faster on a CPU and takes more memory


BACKENDS = {  # and the files that each takes
    "auto": (".onnx", ".safetensors"),
    "onnx": (".onnx",),
    "openvino": (".onnx",),
    "torch": (".safetensors",),
}


@dataclass(frozen=True, repr=False)
class Result:
    """What became of N faces, in their order.

    images:     uint8 (N, 128, 128, 3), RGB, upright
    heatmaps:   float32 (N, 4, 64, 64), about [0, 1], upright: eyes, nose, mouth, chin
    transforms: float32 (N, 2, 3), normalised upright coordinates -> normalised input coordinates
                (`faceprior.face.similarity` turns them into angle, scale and shift)
    """

    images: NDArray[np.uint8]
    heatmaps: NDArray[np.float32]
    transforms: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Result({len(self)} face{'' if len(self) == 1 else 's'} of 128x128)"

    def _repr_png_(self) -> bytes | None:
        """The faces with their heatmaps, 24 at most: for notebooks."""
        from .pictures import result_png

        return result_png(self.images[:24], self.heatmaps[:24]) if len(self) else None


@dataclass(frozen=True)
class ModelInfo:
    """Which weights these are; goes into every JSON. `version` is that of the faceprior that wrote them."""

    name: str
    version: str
    sha256: str
    backend: str
    device: str


class Upscaler:
    """Made by `load`. Call it with faces; it splits them into batches, so memory stays bounded for any N."""

    def __init__(self, backend: Backend, name: str, sha256: str, *, batch: int = BATCH):
        self.backend, self.batch = backend, batch
        version = str(backend.header.get("version", "unknown"))
        self.info = ModelInfo(name, version, sha256, backend.name, backend.device)

    def __call__(self, lr: NDArray[np.uint8]) -> Result:
        """uint8 RGB (N, size, size, 3), N >= 0 -> `Result`. One face alone needs its batch axis: `lr[None]`."""
        lr = _checked(lr, self.size)
        n = len(lr)
        result = Result(
            np.empty((n, HR_SIZE, HR_SIZE, 3), np.uint8),
            np.empty((n, MAPS, HEATMAP_SIZE, HEATMAP_SIZE), np.float32),
            np.empty((n, 2, 3), np.float32),
        )
        for start in range(0, n, self.batch):
            part = slice(start, start + self.batch)
            outputs = self.backend.run(lr[part])
            result.images[part], result.heatmaps[part], result.transforms[part] = outputs
        return result

    def locate(self, lr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 RGB (N, size, size, 3) -> the transforms alone, float32 (N, 2, 3): where the faces are and how tilted.

        The same as `self(lr).transforms`, for a part of its time: for a first look at a face.
        """
        lr = _checked(lr, self.size)
        parts = [self.backend.locate(lr[start : start + self.batch]) for start in range(0, len(lr), self.batch)]
        return np.concatenate(parts) if parts else np.empty((0, 2, 3), np.float32)

    @property
    def size(self) -> int:
        """Pixels of the faces that it takes: 16, or 32."""
        return self.backend.size

    @property
    def trained(self) -> TrainedRange:
        """How far off the faces were that it was trained on: by what its file says."""
        return trained_range(self.backend.header)

    @property
    def has_sharp(self) -> bool:
        """Whether `load(..., sharp=True)` gives this model's other picture."""
        return bool(self.backend.header.get("config", {}).get("sharp"))

    def restore(self, image: "Picture") -> "FaceResult":
        """One picture of one face, of any size and kind (a file, an array, an image of Pillow) -> `FaceResult`.

        Its central square is taken; it should show the head from forehead to chin, as a passport photo does.
        """
        from ..photo.single import restore_face

        return restore_face(self, image)

    def photo(self, photo: "Picture", **options: Unpack["UpscaleOptions"]) -> "PhotoResult":
        """A whole photo (a file, an array, an image of Pillow) -> `PhotoResult`; options of `faceprior.upscale`."""
        from ..photo.api import upscale

        return upscale(photo, model=self, **options)

    def __repr__(self) -> str:
        return f"Upscaler({self.info.name!r}, backend={self.info.backend!r}, device={self.info.device!r})"


def load(
    model: str | Path | None = None,
    *,
    backend: str = "auto",
    device: str = "auto",
    threads: int | None = None,
    precision: str = "f32",
    sharp: bool = False,
) -> Upscaler:
    """An `Upscaler` of a packaged model or of a file.

    model:   a packaged model's name (None: the default one), an `.onnx` file, a `.safetensors` file or the folder of
             a training run (these two need PyTorch: `pip install 'faceprior[train]'`)
    backend: "onnx", "openvino" (`pip install 'faceprior[openvino]'`), "torch", or "auto": ONNX Runtime wherever there
             is an ONNX file
    device:  "auto", "cpu", "cuda", "coreml", "dml" (DirectML), "mps" (PyTorch)
    threads: of the CPU; None: all that this process may use
    precision: "f32", or "bf16" with "openvino" and "torch": faster where the CPU or GPU has it, other last bits
    sharp:   the model's perceptual variant, where it has one: sharper, and a little further from the truth
    """
    if backend not in BACKENDS:
        raise FacepriorError(f"backend {backend!r}: expected auto, onnx, openvino or torch")
    if precision not in PRECISIONS:
        raise FacepriorError(f"precision {precision!r}: expected {' or '.join(PRECISIONS)}")
    if device not in DEVICES:
        raise FacepriorError(f"device {device!r}: expected {', '.join(DEVICES)}")
    name, path, sha256 = _find(model, backend)
    data, sha256 = read_checked(path, sha256)
    name += " (sharp)" if sharp else ""
    if backend == "openvino":
        if device not in ("auto", "cpu"):
            raise FacepriorError(f"device {device!r}: backend 'openvino' runs on the cpu here")
        try:
            from .backends.openvino import OpenVinoBackend
        except ModuleNotFoundError as error:
            raise FacepriorError(f"backend 'openvino' needs {error.name}: pip install 'faceprior[openvino]'") from None
        made = OpenVinoBackend(data, str(path), precision=precision, threads=threads, sharp=sharp)
        return Upscaler(made, name, sha256)
    if path.suffix == ".onnx":
        if precision != "f32":
            raise FacepriorError(f"precision {precision!r}: needs backend 'openvino' or 'torch'; ONNX Runtime has f32")
        from .backends.onnx import OnnxBackend

        return Upscaler(OnnxBackend(data, str(path), device=device, threads=threads, sharp=sharp), name, sha256)
    del data
    try:
        from .backends.torch import TorchBackend
    except ModuleNotFoundError as error:
        raise FacepriorError(f"{path}: needs {error.name}: pip install 'faceprior[train]'") from None
    return Upscaler(TorchBackend(path, device=device, threads=threads, precision=precision, sharp=sharp), name, sha256)


def _find(model: str | Path | None, backend: str) -> tuple[str, Path, str | None]:
    """Name, weights file and, where packaged, its SHA-256."""
    path = Path(model) if model is not None else None
    if path is None or (not path.exists() and path.suffix not in (".onnx", ".safetensors")):
        entry = packaged(None if model is None else str(model), ASSETS)
        if backend != "torch":
            return entry.name, ASSETS / entry.file, entry.sha256
        if entry.safetensors is None:
            raise FacepriorError(f"model {entry.name!r}: packaged for ONNX Runtime alone, not for backend 'torch'")
        return entry.name, ASSETS / entry.safetensors[0], entry.safetensors[1]
    if path.is_dir():
        path = weights_of_run(path)
    endings = BACKENDS[backend]
    if path.suffix not in endings:
        hint = "; make one with `faceprior export`" if path.suffix == ".safetensors" else ""
        raise FacepriorError(f"{path}: backend {backend!r} takes {' or '.join(endings)} files{hint}")
    return path.stem, path, None


def weights_of_run(folder: Path) -> Path:
    """The weights that a training run offers: `model.safetensors`, or the only `.safetensors` file there."""
    files = sorted(folder.glob("*.safetensors"))
    chosen = [f for f in files if f.name == "model.safetensors"] or files
    if len(chosen) != 1:
        what = "no .safetensors file" if not files else f"{len(files)} .safetensors files, name one"
        raise FacepriorError(f"{folder}: {what} in this run folder")
    return chosen[0]


def _checked(lr: np.ndarray, size: int) -> np.ndarray:
    lr = np.asarray(lr)
    wanted = f"expected uint8 (N, {size}, {size}, 3)"
    if lr.dtype != np.uint8:
        raise FacepriorError(f"lr: {wanted} with values 0..255, got {lr.dtype}")
    if lr.ndim == 3:
        raise FacepriorError(f"lr: {wanted}, got {lr.shape}; for one face give lr[None]")
    if lr.shape[1:] != (size, size, 3):
        raise FacepriorError(f"lr: {wanted}, got {lr.shape}")
    return np.ascontiguousarray(lr)
