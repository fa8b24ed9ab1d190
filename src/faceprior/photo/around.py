"""The canvas network around the faces alone, where it would take too long for the whole photo.

A restored face gains much by the canvas below it: on Lanczos it is up to 2.2 dB worse (`benchmarks/around.py`). A face
and what is around it are few pixels, also of a large photo. They are painted by the network, and fade out into what
Lanczos made.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from ..face.frame import Frame
from .canvas_tiles import MARGIN, Run, Tile, enlarged_tile, tiles_of
from .enlarge import enlarge
from .paste import Canvas
from .warp import upright_to_photo

# Of a face's side, from its middle: up to the first all is the network's (the upright square ends at 0.71), from the
# second on all is Lanczos's.
FULL, FADED = 0.72, 1.0

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom; pixels of the photo


class Place(NamedTuple):
    """Where a face lies: its middle and the side of its upright square, in pixels of the photo. weight: 0..1, of one
    that comes into a clip or goes."""

    x: float
    y: float
    side: float
    weight: float = 1.0

    @classmethod
    def of(cls, frame: Frame, transform: np.ndarray, weight: float = 1.0) -> "Place":
        """frame: what was cut; transform (2, 3): where the upright square lies in it."""
        to_photo = upright_to_photo(frame, transform, 1)
        (x, y), side = to_photo[:, 2], np.sqrt(abs(np.linalg.det(to_photo[:, :2])))
        return cls(float(x), float(y), float(side), weight)


def tiles_around(places: Iterable[Place], height: int, width: int) -> list[Tile]:
    """The tiles that hold the faces of a photo of that size; those of neighbours are one, where that is less work."""
    merged: list[Rectangle] = []
    for place in sorted(places):
        part = _rectangle(place, height, width)
        if part is None:
            continue
        while near := [p for p in merged if _work(_both(p, part)) <= _work(p) + _work(part)]:
            merged.remove(near[0])
            part = _both(near[0], part)
        merged.append(part)
    return [tile for part in merged for tile in tiles_of(height, width, part)]


def paint_around(
    out: Image.Image | Canvas,
    rgb: np.ndarray,
    scale: int,
    run: Run,
    places: Sequence[Place],
    tiles: Sequence[Tile],
    *,
    grey: bool,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Paints the faces of a photo uint8 (H, W, 3), or of a frame, into `out`, that enlarged by `scale`, in place."""
    for i, tile in enumerate(tiles):
        painted, weight = enlarged_tile(rgb, tile, scale, run, grey), _weight(tile, places, scale)
        region = tuple(v * scale for v in (tile.left, tile.top, tile.right, tile.bottom))
        if isinstance(out, Image.Image):
            out.paste(painted, region[:2], Image.fromarray(np.rint(255 * weight).astype(np.uint8)))
        else:  # the difference, or more than 8 bits would be lost
            change = np.asarray(painted, np.float32) - np.asarray(_by_lanczos(rgb, tile, scale), np.float32)
            out.put(out.crop(region) + weight[..., None] * change, region[:2])
        if progress is not None:
            progress(i + 1, len(tiles))


def _by_lanczos(rgb: np.ndarray, tile: Tile, scale: int) -> Image.Image:
    x0, y0, x1, y1 = tile.outer
    inner = tile.left - x0, tile.top - y0, tile.right - x0, tile.bottom - y0
    return enlarge(rgb[y0:y1, x0:x1], scale).crop(tuple(v * scale for v in inner))


def _weight(tile: Tile, places: Sequence[Place], scale: int) -> np.ndarray:
    """How much of a tile is the network's: float32 (h, w), 0..1."""
    down, right = (
        (np.arange(start * scale, end * scale, dtype=np.float32) + 0.5) / scale - 0.5
        for start, end in ((tile.top, tile.bottom), (tile.left, tile.right))
    )
    weight = np.zeros((len(down), len(right)), np.float32)
    for x, y, side, most in places:
        rows, columns = (
            slice(*np.searchsorted(line, (middle - FADED * side, middle + FADED * side)))
            for line, middle in ((down, y), (right, x))
        )
        far = np.hypot(down[rows, None] - y, right[columns] - x) / side
        part = np.clip((FADED - far) / (FADED - FULL), 0, 1)
        np.maximum(weight[rows, columns], most * part * part * (3 - 2 * part), out=weight[rows, columns])
    return weight


def _rectangle(place: Place, height: int, width: int) -> Rectangle | None:
    """What of the photo is painted for a face; None where that lies beyond it."""
    x, y, side, _ = place
    if not np.isfinite(place).all():
        return None
    reach = FADED * side
    left, top = (int(np.floor(np.clip(v - reach, 0, n))) for v, n in ((x, width), (y, height)))
    right, bottom = (int(np.ceil(np.clip(v + reach + 1, 0, n))) for v, n in ((x, width), (y, height)))
    return (left, top, right, bottom) if right > left and bottom > top else None


def _both(a: Rectangle, b: Rectangle) -> Rectangle:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _work(part: Rectangle) -> int:
    """Pixels that the network sees for it, but for the photo's edges."""
    return (part[2] - part[0] + 2 * MARGIN) * (part[3] - part[1] + 2 * MARGIN)
