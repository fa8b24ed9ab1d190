"""The photo enlarged by the canvas network, tile by tile; where that would take too long, by Lanczos, but by the
network around its faces.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..runtime.canvas import CanvasNetwork, has_canvas, load_canvas
from .around import Place, paint_around, tiles_around
from .canvas_tiles import Run, enlarged_tile, tiles_of
from .enlarge import enlarge
from .paste import Canvas
from .quality import told
from .sharpened import sharpening_of
from .tint import is_grey
from .unsharpen import unsharpened

PATIENCE = 60.0  # seconds: what "auto" waits for the network at most, by the time of the first tile
WARM = 48  #      pixels a side: a first run, which readies the network, before time is taken

Progress = Callable[[int, int], None]  # tiles done, tiles in all


@dataclass(frozen=True)
class CanvasReport:
    """How a photo was enlarged outside its faces.

    kind: "network"; "faces", the network around the restored faces, the rest by Lanczos; "lanczos"; or "none" at scale
    1; condition: what the network was told; seconds: what it took; estimate: what "auto" expected of the network for
    the whole photo, None where it did not ask itself
    """

    kind: str
    condition: tuple[float, float] | None = None
    seconds: float | None = None
    estimate: float | None = None

    def to_dict(self) -> dict[str, object]:
        entry: dict[str, object] = {"kind": self.kind}
        if self.condition is not None:
            entry["condition"] = {"jpeg": round(self.condition[0], 3), "noise": round(self.condition[1], 3)}
        if self.seconds is not None:
            entry["seconds"] = round(self.seconds, 1)
        if self.estimate is not None:
            entry["estimated_seconds"] = round(self.estimate, 1)
        return entry

    @property
    def note(self) -> str | None:
        """What a user should know of it."""
        if self.kind == "network" or self.estimate is None:
            return None
        but = ", but for the faces and what is around them" if self.kind == "faces" else ""
        return (
            f"enlarged by Lanczos{but}: the canvas network would take about {readable(self.estimate)}; "
            "--canvas network asks for it"
        )


LANCZOS, NOTHING = CanvasReport("lanczos"), CanvasReport("none")


def paint(
    rgb: np.ndarray,
    scale: int,
    kind: str,
    network: Callable[[], CanvasNetwork | None],
    *,
    faces: Sequence[Place] = (),
    seen: np.ndarray | None = None,
    quality: float | None = None,
    condition: tuple[float, float] | None = None,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> tuple[Image.Image, CanvasReport]:
    """uint8 (H, W, 3) -> RGB, `scale` times as large.

    kind: "network", "lanczos", "faces": the network around `faces` alone, or "auto": the network where that takes less
    than `patience` seconds by the time of its first tile, else around `faces` where at least that does; network: gives
    it, or None where this build has none; seen: the photo as the network is given it, where that is another
    (`unsharpen.py`); quality: of the JPEG file the photo comes from; condition: of the photo, where it is known already
    (`quality.told`)
    """
    if scale == 1 or kind == "lanczos" or (kind == "faces" and not faces):
        return enlarge(rgb, scale), NOTHING if scale == 1 else LANCZOS
    found = network()
    if found is None:
        if kind != "auto":
            raise FacepriorError(f"--canvas {kind}: no canvas is packaged with this build of faceprior")
        return enlarge(rgb, scale), LANCZOS
    condition, plain, rgb = condition or told(rgb, quality, seen), rgb, rgb if seen is None else seen
    grey, began, estimate = is_grey(rgb), time.perf_counter(), None
    if kind != "faces":
        waits = patience if kind == "auto" else None
        out, estimate = _whole(rgb, scale, found.told(condition), waits, grey=grey, progress=progress)
        if out is not None:
            return out, CanvasReport("network", condition, time.perf_counter() - began, estimate)
    out, tiles = enlarge(plain, scale), tiles_around(faces, *rgb.shape[:2])
    part = sum(tile.pixels for tile in tiles) / sum(tile.pixels for tile in tiles_of(*rgb.shape[:2]))
    if not tiles or (estimate is not None and part * estimate > patience):
        return out, CanvasReport("lanczos", estimate=estimate)
    run = found.told(condition, many_sizes=True)
    paint_around(out, rgb, scale, run, faces, tiles, grey=grey, progress=progress)
    return out, CanvasReport("faces", condition, time.perf_counter() - began, estimate)


def _whole(
    rgb: np.ndarray, scale: int, run: Run, patience: float | None, *, grey: bool, progress: Progress | None
) -> tuple[Image.Image | None, float | None]:
    """The photo by the network, or None where that would take more than `patience` seconds; and what that was expected
    to take, by the time of the first of several tiles."""
    out = Image.new("RGB", (rgb.shape[1] * scale, rgb.shape[0] * scale))
    tiles, estimate = list(tiles_of(*rgb.shape[:2])), None
    asked = patience is not None and len(tiles) > 1
    if asked:
        run(np.ascontiguousarray(rgb[:WARM, :WARM]))
    for i, tile in enumerate(tiles):
        at = time.perf_counter()
        out.paste(enlarged_tile(rgb, tile, scale, run, grey), (tile.left * scale, tile.top * scale))
        if asked and i == 0:
            estimate = (time.perf_counter() - at) / tile.pixels * sum(t.pixels for t in tiles)
            if estimate > patience:
                return None, estimate
        if progress is not None:
            progress(i + 1, len(tiles))
    return out, estimate


class FramePainter:
    """The frames of one video by the network, all told the same, so that nothing flickers: the first frame's noise
    and sharpening, and the quality of JPEG that the clip is like (`lossy.py`)."""

    def __init__(
        self,
        first: np.ndarray,
        scale: int,
        network: CanvasNetwork,
        quality: float | None = None,
        *,
        keep_sharpening: bool = False,
    ):
        self.scale = scale
        self._sharpening = None if keep_sharpening else sharpening_of(first, quality)
        self.condition = told(first, quality, self._seen(first))
        self._run = network.told(self.condition)
        began = time.perf_counter()
        self(first)
        self.seconds = time.perf_counter() - began  # a frame

    def __call__(self, rgb: np.ndarray) -> Image.Image:
        """uint8 (H, W, 3) -> RGB, `scale` times as large."""
        out, grey = Image.new("RGB", (rgb.shape[1] * self.scale, rgb.shape[0] * self.scale)), is_grey(rgb)
        rgb = self._seen(rgb)
        for tile in tiles_of(*rgb.shape[:2]):
            corner = (tile.left * self.scale, tile.top * self.scale)
            out.paste(enlarged_tile(rgb, tile, self.scale, self._run, grey), corner)
        return out

    def _seen(self, rgb: np.ndarray) -> np.ndarray:
        return rgb if self._sharpening is None else unsharpened(rgb, self._sharpening)


class FacePainter:
    """The frames of one video by Lanczos, and around their faces by the network, all told the same: the first frame's
    noise, and the quality of JPEG that the clip is like."""

    def __init__(self, first: np.ndarray, scale: int, network: CanvasNetwork, quality: float | None = None):
        self.scale = scale
        self.condition = told(first, quality)
        self._run = network.told(self.condition, many_sizes=True)

    def __call__(self, rgb: np.ndarray) -> Image.Image:
        """uint8 (H, W, 3) -> RGB, `scale` times as large."""
        return enlarge(rgb, self.scale)

    def around(self, out: Image.Image | Canvas, rgb: np.ndarray, faces: Sequence[Place]) -> None:
        """Paints the faces of a frame into `out`, that frame enlarged; rgb: as the networks are given it."""
        tiles = tiles_around(faces, *rgb.shape[:2])
        if tiles:
            paint_around(out, rgb, self.scale, self._run, faces, tiles, grey=is_grey(rgb))


@lru_cache(maxsize=2)
def canvas_for(backend: str, threads: int | None, precision: str) -> CanvasNetwork | None:
    """The packaged network, kept; None in a build without one."""
    return load_canvas(backend=backend, threads=threads, precision=precision) if has_canvas() else None


def canvas_loader(
    *, backend: str = "auto", threads: int | None = None, precision: str = "f32"
) -> Callable[[], CanvasNetwork | None]:
    """What loads the packaged network when it is first wanted."""
    # Of a face model in PyTorch the canvas is still ONNX: the packaged one has no other form.
    return partial(canvas_for, "openvino" if backend == "openvino" else "onnx", threads, precision)


packaged_canvas = canvas_loader()


def readable(seconds: float) -> str:
    """ "8 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
