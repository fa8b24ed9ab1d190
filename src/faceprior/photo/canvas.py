"""The photo enlarged by the canvas network, tile by tile; or by Lanczos, where the network would take too long.

A tile is cut with all that its pixels depend on (REACH), so no seam lies between tiles: they are what one run over
the whole photo would give. The network's four times are reduced to two or three, and enlarged beyond four, by Lanczos
within each tile, whose margin holds what that filter reaches over, too.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..runtime.canvas import REACH, SCALE, CanvasNetwork, has_canvas, load_canvas
from .enlarge import enlarge
from .quality import told
from .sharpened import sharpening_of
from .unsharpen import unsharpened

TILE = 384  #     pixels of the photo that the network sees at once, a side; its memory grows with the square
FILTER = 4  #     pixels of the photo that Lanczos reaches over, when it brings four times to another scale
PATIENCE = 60.0  # seconds: what "auto" waits for the network at most, by the time of the first tile
WARM = 48  #      pixels a side: a first run, which readies the network, before time is taken

Progress = Callable[[int, int], None]  # tiles done, tiles in all


@dataclass(frozen=True)
class CanvasReport:
    """How a photo was enlarged outside its faces.

    kind: "network", "lanczos", or "none" at scale 1; condition: what the network was told; seconds: what it took;
    estimate: what "auto" expected of the network, None where it did not ask itself
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
        if self.kind == "lanczos" and self.estimate is not None:
            return (
                f"enlarged by Lanczos: the canvas network would take about {readable(self.estimate)}; "
                "--canvas network asks for it"
            )
        return None


LANCZOS, NOTHING = CanvasReport("lanczos"), CanvasReport("none")


def paint(
    rgb: np.ndarray,
    scale: int,
    kind: str,
    network: Callable[[], CanvasNetwork | None],
    *,
    seen: np.ndarray | None = None,
    quality: float | None = None,
    condition: tuple[float, float] | None = None,
    progress: Progress | None = None,
    patience: float = PATIENCE,
) -> tuple[Image.Image, CanvasReport]:
    """uint8 (H, W, 3) -> RGB, `scale` times as large.

    kind: "network", "lanczos", or "auto": the network where it takes less than `patience` seconds by the time of its
    first tile; network: gives it, or None where this build has none; seen: the photo as the network is given it, where
    that is another (`unsharpen.py`); quality: of the JPEG file the photo comes from;
    condition: of the photo, where it is known already (`quality.told`)
    """
    if scale == 1 or kind == "lanczos":
        return enlarge(rgb, scale), NOTHING if scale == 1 else LANCZOS
    found = network()
    if found is None:
        if kind == "network":
            raise FacepriorError("--canvas network: no canvas is packaged with this build of faceprior")
        return enlarge(rgb, scale), LANCZOS
    condition, automatic = condition or told(rgb, quality, seen), kind == "auto"
    plain, rgb = rgb, rgb if seen is None else seen
    run = found.told(condition)
    tiles, grey = list(_tiles(*rgb.shape[:2])), is_grey(rgb)
    out = Image.new("RGB", (rgb.shape[1] * scale, rgb.shape[0] * scale))
    estimate, began = None, time.perf_counter()
    if automatic and len(tiles) > 1:
        run(np.ascontiguousarray(rgb[:WARM, :WARM]))
    for i, tile in enumerate(tiles):
        at = time.perf_counter()
        out.paste(_enlarged(rgb, tile, scale, run, grey), (tile.left * scale, tile.top * scale))
        if automatic and i == 0 and len(tiles) > 1:
            estimate = (time.perf_counter() - at) / tile.pixels * sum(t.pixels for t in tiles)
            if estimate > patience:
                del out
                return enlarge(plain, scale), CanvasReport("lanczos", estimate=estimate)
        if progress is not None:
            progress(i + 1, len(tiles))
    return out, CanvasReport("network", condition, time.perf_counter() - began, estimate)


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
        for tile in _tiles(*rgb.shape[:2]):
            corner = (tile.left * self.scale, tile.top * self.scale)
            out.paste(_enlarged(rgb, tile, self.scale, self._run, grey), corner)
        return out

    def _seen(self, rgb: np.ndarray) -> np.ndarray:
        return rgb if self._sharpening is None else unsharpened(rgb, self._sharpening)


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


@dataclass(frozen=True)
class _Tile:
    """left, top, right, bottom: what of the photo it makes; outer: what it is made of."""

    left: int
    top: int
    right: int
    bottom: int
    outer: tuple[int, int, int, int]

    @property
    def pixels(self) -> int:
        left, top, right, bottom = self.outer
        return (right - left) * (bottom - top)


def _tiles(height: int, width: int) -> Iterator[_Tile]:
    margin = REACH + FILTER
    for top, bottom in _parts(height, margin):
        for left, right in _parts(width, margin):
            outer = (
                max(0, left - margin),
                max(0, top - margin),
                min(width, right + margin),
                min(height, bottom + margin),
            )
            yield _Tile(left, top, right, bottom, outer)


def _parts(length: int, margin: int) -> list[tuple[int, int]]:
    """0..length in equal parts that are, with their margins, at most TILE long."""
    count = 1 if length <= TILE else -(-length // (TILE - 2 * margin))
    edges = np.linspace(0, length, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def _enlarged(
    rgb: np.ndarray, tile: _Tile, scale: int, run: Callable[[np.ndarray], np.ndarray], grey: bool
) -> Image.Image:
    x0, y0, x1, y1 = tile.outer
    large = run(np.ascontiguousarray(rgb[y0:y1, x0:x1]))
    if grey:
        # The network's channels differ by fractions of a level; what was grey stays it.
        mean = (large.astype(np.uint16).sum(2) * 2 + 3) // 6
        large = np.repeat(mean.astype(np.uint8)[..., None], 3, 2)
    inner = (
        (tile.left - x0) * SCALE,
        (tile.top - y0) * SCALE,
        (tile.right - x0) * SCALE,
        (tile.bottom - y0) * SCALE,
    )
    picture = Image.fromarray(large)
    if scale == SCALE:
        return picture.crop(inner)
    size = ((tile.right - tile.left) * scale, (tile.bottom - tile.top) * scale)
    return picture.resize(size, Image.Resampling.LANCZOS, box=inner)


def is_grey(rgb: np.ndarray) -> bool:
    """Whether all channels are the same everywhere."""
    return bool((rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all())


def readable(seconds: float) -> str:
    """ "8 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
