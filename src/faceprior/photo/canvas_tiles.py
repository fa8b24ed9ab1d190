"""What the canvas network makes of one tile of a photo, and how photos are cut into tiles.

A tile is cut with all that its pixels depend on (REACH), so no seam lies between tiles: they are what one run over
the whole photo would give. The network's four times are reduced to two or three, and enlarged beyond four, by Lanczos
within each tile, whose margin holds what that filter reaches over, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image

from ..runtime.canvas import REACH, SCALE

TILE = 384  #     pixels of the photo that the network sees at once, a side; its memory grows with the square
FILTER = 4  #     pixels of the photo that Lanczos reaches over, when it brings four times to another scale
MARGIN = REACH + FILTER

Run = Callable[[np.ndarray], np.ndarray]  # uint8 (h, w, 3) -> uint8 (4h, 4w, 3)


@dataclass(frozen=True)
class Tile:
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


def tiles_of(height: int, width: int, part: tuple[int, int, int, int] | None = None) -> Iterator[Tile]:
    """Of a photo of that size, or of a part of it: left, top, right, bottom."""
    x0, y0, x1, y1 = part or (0, 0, width, height)
    for top, bottom in _spans(y0, y1):
        for left, right in _spans(x0, x1):
            outer = (
                max(0, left - MARGIN),
                max(0, top - MARGIN),
                min(width, right + MARGIN),
                min(height, bottom + MARGIN),
            )
            yield Tile(left, top, right, bottom, outer)


def _spans(start: int, end: int) -> list[tuple[int, int]]:
    """From start to end in equal parts that are, with their margins, at most TILE long."""
    length = end - start
    count = 1 if length <= TILE else -(-length // (TILE - 2 * MARGIN))
    edges = start + np.linspace(0, length, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(edges)]


def enlarged_tile(rgb: np.ndarray, tile: Tile, scale: int, run: Run, grey: bool) -> Image.Image:
    """The photo uint8 (H, W, 3) -> that tile, `scale` times as large. grey: the photo is."""
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
