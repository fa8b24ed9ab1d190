"""The user's object: 16x16 faces in, upright 128x128 faces, heatmaps and transforms out."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Unpack

import numpy as np
from numpy.typing import NDArray

from ..errors import FacepriorError
from ..face.trained import TrainedRange, trained_range, trained_sizes
from .backends.base import DEVICES, HEATMAP_SIZE, HR_SIZE, MAPS, PRECISIONS, Backend
from .weights import ASSETS, packaged, read_checked

if TYPE_CHECKING:  # the runtime does not need the photo part: its two doors there import it when they are used
    from ..photo.api import UpscaleOptions
    from ..photo.given import Picture
    from ..photo.result import PhotoResult
    from ..photo.single import FaceResult

# By kind: 99 % of faces lie above 0.71 (`standard`; `standard-32`: 0.74),
# of rough ones above 0.63 (`benchmarks/clear.py`).
NO_FACE = {"unet": 0.6}
SIZES = (8, 64)  # pixels of faces that models of any size take
BATCH = 8  # faces in one call of the network: more is no faster on a CPU and takes more memory


BACKENDS = {  # and the files that each takes
    "auto": (".onnx", ".safetensors"),
    "onnx": (".onnx",),
    "openvino": (".onnx",),
    "torch": (".safetensors",),
}


@dataclass(frozen=True, repr=False, eq=False)
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
    """Which weights these are; goes into every JSON. `version` is that of the faceprior that wrote them; `larger` names
    the model that takes the larger faces of photos."""

    name: str
    version: str
    sha256: str
    backend: str
    device: str
    larger: str | None = None


class Upscaler:
    """Made by `load`. Call it with faces; it splits them into batches, so memory stays bounded for any N."""

    def __init__(
        self,
        backend: Backend,
        name: str,
        sha256: str,
        *,
        batch: int = BATCH,
        sharpness: float = 0.0,
        larger: "Larger | None" = None,
        both: bool = False,
    ):
        """sharpness: 0..1, of its pictures; larger: of `ModelInfo`; both: the backend gives the plain and the sharp
        picture, as it does above sharpness 0 anyhow."""
        self.backend, self.batch, self.sharpness, self._larger = backend, batch, sharpness, larger
        self._both = both or sharpness > 0
        version = str(backend.header.get("version", "unknown"))
        self.info = ModelInfo(_called(name, sharpness), version, sha256, backend.name, backend.device)
        if larger is not None:
            self.info = replace(self.info, larger=_called(larger.name, sharpness))
        self._name = name

    def __call__(
        self,
        lr: NDArray[np.uint8],
        *,
        restraint: NDArray[np.float32] | None = None,
        condition: NDArray[np.float32] | None = None,
        transforms: NDArray[np.float32] | None = None,
    ) -> Result:
        """uint8 RGB (N, size, size, 3), N >= 0 -> `Result`. One face alone needs its batch axis: `lr[None]`.
        Of a model of `any_size`, size is 8 to 64, alike in a call.

        restraint: (N,) in 0..1, the part of this `Upscaler`'s sharpness that each face gets; None: all of it.
        condition: (N, 2) in 0..1, how rough each face is: its JPEG's (100 - quality) / 60, and its noise in grey levels
        / 25, both times the part of its size that it was reduced to; None: clean, or unknown. Only models that are
        `told` heed it.
        transforms: (N, 2, 3), what `locate` gave for these very faces; where the model allows, they are not looked for
        again.
        """
        lr = _checked(lr, self.size, self.any_size)
        n = len(lr)
        if condition is not None:
            condition = _rows("condition", condition, (n, 2))
        if transforms is not None:
            transforms = _rows("transforms", transforms, (n, 2, 3), finite=False)  # as `locate` gave them
        aligned = transforms is not None and self.aligned
        sharpness = np.full(n, self.sharpness, np.float32)
        if restraint is not None:
            sharpness *= np.clip(_rows("restraint", restraint, (n,)), 0, 1)
        result = Result(
            np.empty((n, HR_SIZE, HR_SIZE, 3), np.uint8),
            np.empty((n, MAPS, HEATMAP_SIZE, HEATMAP_SIZE), np.float32),
            np.empty((n, 2, 3), np.float32),
        )
        for start in range(0, n, self.batch):
            part = slice(start, start + self.batch)
            more = {"condition": condition[part]} if self.told and condition is not None else {}
            if aligned:
                more["transforms"] = transforms[part]
            run = self.backend.run(lr[part], **more)
            images, result.heatmaps[part], result.transforms[part], sharp = run
            result.images[part] = images if sharp is None else _between(images, sharp, sharpness[part])
        return result

    def locate(self, lr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 RGB (N, size, size, 3) -> the transforms alone, float32 (N, 2, 3): where the faces are and how tilted.

        The same as `self(lr).transforms`, for a part of its time: for a first look at a face.
        """
        lr = _checked(lr, self.size, self.any_size)
        parts = [self.backend.locate(lr[start : start + self.batch]) for start in range(0, len(lr), self.batch)]
        return np.concatenate(parts) if parts else np.empty((0, 2, 3), np.float32)

    @property
    def size(self) -> int:
        """Pixels of the faces that it takes: 16, or 32."""
        return self.backend.size

    @property
    def any_size(self) -> bool:
        """Whether it takes faces of other sizes as well, 8 to 64 px; best are those near `size`."""
        return getattr(self.backend, "any_size", False)

    @property
    def sizes(self) -> tuple[int, int]:
        """The least and the most pixels of the faces that it was trained on."""
        return trained_sizes(self.backend.header) or (self.size, self.size)

    @property
    def told(self) -> bool:
        """Whether it heeds how rough its faces are (`condition` of a call)."""
        return getattr(self.backend, "told", False)

    @property
    def aligned(self) -> bool:
        """Whether it spares itself a look at faces whose `transforms` are given."""
        return getattr(self.backend, "aligned", False)

    @cached_property  # one object: faces are batched by the model that they are given
    def larger(self) -> "Upscaler | None":
        """The model for faces that fill more pixels than this one takes, where it has one; loaded when it is asked for.
        Photos give each face to the one that suits it; a call of this `Upscaler` is always its own."""
        return None if self._larger is None else self._larger().at(self.sharpness)

    def at(self, sharpness: float) -> "Upscaler":
        """The same model, loaded once, at another sharpness, 0..1. FacepriorError where it was loaded without any."""
        if sharpness == self.sharpness:
            return self
        if not self._both:
            raise FacepriorError("sharpness: load the model with sharpness=1 to choose it later")
        args = {"batch": self.batch, "sharpness": checked_sharpness(False, sharpness), "larger": self._larger}
        args["both"] = True
        return Upscaler(self.backend, self._name, self.info.sha256, **args)

    @property
    def trained(self) -> TrainedRange:
        """How far off the faces were that it was trained on: by what its file says."""
        return trained_range(self.backend.header)

    @property
    def no_face(self) -> float:
        """Mean of the four heatmaps' peaks below which what it saw was no face; 0 where that was not measured."""
        return NO_FACE.get(self.backend.header.get("model"), 0.0)

    @property
    def has_sharp(self) -> bool:
        """Whether `load(..., sharpness=...)` makes this model's picture sharper."""
        return bool(self.backend.header.get("config", {}).get("sharp"))

    def restore(
        self, image: "Picture", *, keep_sharpening: bool = False, keep_softness: bool = False
    ) -> "FaceResult":
        """One picture of one face, of any size and kind (a file, an array, an image of Pillow) -> `FaceResult`.

        Its central square is taken; it should show the head from forehead to chin, as a passport photo does. What a
        program sharpened is measured and taken out first, unless `keep_sharpening`; what a lens left soft is made good,
        unless `keep_softness`.
        """
        from ..photo.single import restore_face

        return restore_face(self, image, keep_sharpening=keep_sharpening, keep_softness=keep_softness)

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
    sharpness: float | None = None,
    larger: str | Path | None = None,
) -> Upscaler:
    """An `Upscaler` of a packaged model or of a file.

    model:   a packaged model's name (None: the default one), an `.onnx` file, a `.safetensors` file or the folder of
             a training run (these two need PyTorch: `pip install 'faceprior[train]'`)
    backend: "onnx", "openvino" (`pip install 'faceprior[openvino]'`), "torch", or "auto": ONNX Runtime wherever there
             is an ONNX file
    device:  "auto", "cpu", "cuda", "coreml", "dml" (DirectML), "mps" (PyTorch)
    threads: of the CPU; None: all that this process may use
    precision: "f32", or "bf16" with "openvino" and "torch": faster where the CPU or GPU has it, other last bits
    sharpness: 0..1, how far its pictures go from the plain one (0) to the model's perceptual variant (1), where it has
             one: sharper, and a little further from the truth
    sharp:   the same as sharpness = 1
    larger:  the model for the larger faces of photos; None: the packaged model's own, of a file none
    """
    sharpness = checked_sharpness(sharp, sharpness)
    check_running(backend, device, precision)
    name, path, sha256, own = _find(model, backend)
    called, larger = (own, own) if larger is None else _found_larger(larger, backend)
    data, sha256 = read_checked(path, sha256)
    running = {"backend": backend, "device": device, "threads": threads, "precision": precision}
    companion = Larger(called, lambda: load(larger, **running, sharpness=sharpness)) if larger else None
    both = sharpness > 0
    if backend == "openvino":
        if device not in ("auto", "cpu"):
            raise FacepriorError(f"device {device!r}: backend 'openvino' runs on the cpu here")
        try:
            from .backends.openvino import OpenVinoBackend
        except ModuleNotFoundError as error:
            raise FacepriorError(f"backend 'openvino' needs {error.name}: pip install 'faceprior[openvino]'") from None
        made = OpenVinoBackend(data, str(path), precision=precision, threads=threads, sharp=both)
        return Upscaler(made, name, sha256, sharpness=sharpness, larger=companion)
    if path.suffix == ".onnx":
        if precision != "f32":
            raise FacepriorError(f"precision {precision!r}: needs backend 'openvino' or 'torch'; ONNX Runtime has f32")
        from .backends.onnx import OnnxBackend

        made = OnnxBackend(data, str(path), device=device, threads=threads, sharp=both)
        return Upscaler(made, name, sha256, sharpness=sharpness, larger=companion)
    del data
    try:
        from .backends.torch import TorchBackend
    except ModuleNotFoundError as error:
        raise FacepriorError(f"{path}: needs {error.name}: pip install 'faceprior[train]'") from None
    made = TorchBackend(path, device=device, threads=threads, precision=precision, sharp=both)
    return Upscaler(made, name, sha256, sharpness=sharpness, larger=companion)


class Larger:
    """A model that is loaded when it is first asked for, once, whichever thread asks."""

    def __init__(self, name: str, make: Callable[[], Upscaler]):
        self.name, self._make, self._made, self._lock = name, make, None, Lock()

    def __call__(self) -> Upscaler:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _found_larger(larger: str | Path, backend: str) -> tuple[str, str | Path]:
    """Its name, and what `load` takes for it, also from another folder: it is loaded much later, and is found now."""
    try:
        name, path, sha256, _ = _find(larger, backend)
    except FacepriorError as error:
        raise FacepriorError(f"larger: {error}") from None
    if not os.path.isfile(path):  # noqa: PTH113  False of a name that is too long; Path raises
        raise FacepriorError(f"larger: {path}: no such weights file")
    return name, larger if sha256 is not None else path.absolute()


def _called(name: str, sharpness: float) -> str:
    return name + ("" if sharpness == 0 else " (sharp)" if sharpness == 1 else f" (sharpness {sharpness:g})")


def check_running(backend: str, device: str, precision: str) -> None:
    """FacepriorError where one of them is none that `load` knows."""
    if not isinstance(backend, str) or backend not in BACKENDS:
        raise FacepriorError(f"backend {backend!r}: expected auto, onnx, openvino or torch")
    if not isinstance(precision, str) or precision not in PRECISIONS:
        raise FacepriorError(f"precision {precision!r}: expected {' or '.join(PRECISIONS)}")
    if not isinstance(device, str) or device not in DEVICES:
        raise FacepriorError(f"device {device!r}: expected {', '.join(DEVICES)}")


def checked_sharpness(sharp: bool, sharpness: float | None) -> float:
    """What both flags say together. FacepriorError where they contradict each other."""
    if sharpness is None:
        return 1.0 if sharp else 0.0
    if sharp and sharpness != 1:
        raise FacepriorError("sharp and sharpness: choose one; sharp is sharpness 1")
    try:
        within = 0 <= sharpness <= 1
    except (TypeError, ValueError):
        raise FacepriorError(f"sharpness: expected a number from 0 to 1, got {sharpness!r}") from None
    if not within:
        raise FacepriorError(f"sharpness {sharpness:g}: expected 0 to 1")
    return float(sharpness)


def _between(plain: np.ndarray, sharp: np.ndarray, sharpness: np.ndarray) -> np.ndarray:
    """uint8 (B, 128, 128, 3) twice, (B,) -> what lies so far from the one to the other."""
    if (sharpness == 1).all():
        return sharp
    mixed = plain + sharpness.astype(np.float32)[:, None, None, None] * (sharp.astype(np.float32) - plain)
    return np.rint(mixed).astype(np.uint8)


def _find(model: str | Path | None, backend: str) -> tuple[str, Path, str | None, str | None]:
    """Name, weights file and, where packaged, its SHA-256 and the name of the model for larger faces."""
    if model is not None and not isinstance(model, str | os.PathLike):
        raise FacepriorError(f"model: expected a packaged model's name or a file, got {f'{model!r}':.80}")
    if model == "":
        raise FacepriorError("model: an empty name; give a packaged model's, or a file")
    path = Path(os.fsdecode(model)) if model is not None else None
    # `os.path`: False, where Path raises, of what may not be looked at and of a name that is too long.
    if path is None or (not os.path.exists(path) and path.suffix not in (".onnx", ".safetensors")):  # noqa: PTH110
        entry = packaged(None if model is None else str(model), ASSETS)
        if backend != "torch":
            return entry.name, ASSETS / entry.file, entry.sha256, entry.larger
        if entry.safetensors is None:
            raise FacepriorError(f"model {entry.name!r}: packaged for ONNX Runtime alone, not for backend 'torch'")
        return entry.name, ASSETS / entry.safetensors[0], entry.safetensors[1], entry.larger
    if os.path.isdir(path):  # noqa: PTH112
        path = weights_of_run(path)
    endings = BACKENDS[backend]
    if path.suffix not in endings:
        hint = "; make one with `faceprior export`" if path.suffix == ".safetensors" else ""
        raise FacepriorError(f"{path}: backend {backend!r} takes {' or '.join(endings)} files{hint}")
    return path.stem, path, None, None


def weights_of_run(folder: Path) -> Path:
    """The weights that a training run offers: `model.safetensors`, or the only `.safetensors` file there."""
    files = sorted(folder.glob("*.safetensors"))
    chosen = [f for f in files if f.name == "model.safetensors"] or files
    if len(chosen) != 1:
        what = "no .safetensors file" if not files else f"{len(files)} .safetensors files, name one"
        raise FacepriorError(f"{folder}: {what} in this run folder")
    return chosen[0]


def _rows(name: str, values: object, shape: tuple[int, ...], *, finite: bool = True) -> np.ndarray:
    """What a caller gives beside the faces, a row for each: float32 of this shape."""
    try:
        rows = np.ascontiguousarray(values, np.float32)
    except (TypeError, ValueError):
        raise FacepriorError(f"{name}: expected numbers, {shape} for {shape[0]} faces") from None
    if rows.shape != shape:
        raise FacepriorError(f"{name}: expected {shape} for {shape[0]} faces, got {rows.shape}")
    if finite and not np.isfinite(rows).all():
        raise FacepriorError(f"{name}: NaN or infinity in it")
    return rows


def _checked(lr: np.ndarray, size: int, any_size: bool) -> np.ndarray:
    wanted = f"expected uint8 (N, {size}, {size}, 3)"
    try:
        lr = np.asarray(lr)
    except (TypeError, ValueError):  # pictures of unequal sizes
        raise FacepriorError(f"lr: {wanted}, got what is no array of one shape") from None
    if any_size:
        wanted += f", or other squares of {SIZES[0]} to {SIZES[1]} px"
        if lr.ndim == 4 and SIZES[0] <= lr.shape[1] <= SIZES[1]:
            size = lr.shape[1]
    if lr.dtype != np.uint8:
        raise FacepriorError(f"lr: {wanted} with values 0..255, got {lr.dtype}")
    if lr.ndim == 3:
        raise FacepriorError(f"lr: {wanted}, got {lr.shape}; for one face give lr[None]")
    if lr.shape[1:] != (size, size, 3):
        raise FacepriorError(f"lr: {wanted}, got {lr.shape}")
    return np.ascontiguousarray(lr)
