"""Search a photo for small faces: enlarged, in overlapping tiles, at several scales, in bounded memory.

A detector made for faces of 20-300 px sees 10 px ones when they are enlarged. Enlarging the whole photo would
cost its memory many times over, so it is done tile by tile:

* level 0 is the photo, level k+1 is level k reduced by 4: what is too large for a level is found on the next;
* each level is cut in tiles, each enlarged by `zoom` while it is cut. Neighbours share `OVERLAP` pixels of
  the enlarged tile, so a face smaller than that lies whole in one of them;
* a box that touches an inner edge of its tile is a face cut in two: the neighbour or the next level has it;
* what is found twice (in two tiles, on two levels) is merged by non-maximum suppression.
"""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from .boxes import Detection, suppress

# Pixels of the enlarged tile; the detector's buffers grow with its square (about 200 MB). Larger ones gain nothing:
# what they save of overlaps, YuNet loses where its buffers leave the CPU's caches.
TILE = 1280
OVERLAP = 192  # pixels of the enlarged tile
REDUCTION = 4  # from one level to the next
EDGE = 2.0  # pixels: how near an inner edge a box counts as cut

# uint8 (H, W, 3) -> float (N, 15): x, y, w, h, five points, score; pixels of the tile.
TileDetector = Callable[[np.ndarray], np.ndarray]


def search(rgb: np.ndarray, detect: TileDetector, zoom: int) -> np.ndarray:
    """uint8 (H, W, 3) -> float64 (N, 15) in pixels of the photo (box: edges; points: centres), best first."""
    height, width = rgb.shape[:2]
    found = []
    level, reduced = rgb, 1
    while True:
        for rows in _level(level, detect, zoom):
            rows[:, :4] *= reduced
            rows[:, 4:14] = (rows[:, 4:14] + 0.5) * reduced - 0.5
            found.append(rows)
        if max(level.shape[:2]) * zoom <= TILE or min(level.shape[:2]) < 8 * REDUCTION:
            break
        level, reduced = reduce(level), reduced * REDUCTION
    rows = np.concatenate(found)
    rows = rows[suppress(rows[:, :4], rows[:, 14])]
    inside = (rows[:, 0] < width) & (rows[:, 1] < height) & (rows[:, :2] + rows[:, 2:4] > 0).all(1)
    return rows[inside]


def _level(level: np.ndarray, detect: TileDetector, zoom: int) -> Iterator[np.ndarray]:
    height, width = level.shape[:2]
    for y0, y1 in spans(height, TILE // zoom, OVERLAP // zoom):
        for x0, x1 in spans(width, TILE // zoom, OVERLAP // zoom):
            tile = Image.fromarray(level[y0:y1, x0:x1])
            tile = tile.resize(((x1 - x0) * zoom, (y1 - y0) * zoom), Image.Resampling.BICUBIC)
            rows = np.array(detect(np.asarray(tile)), np.float64).reshape(-1, 15)
            right, bottom = rows[:, 0] + rows[:, 2], rows[:, 1] + rows[:, 3]
            cut = np.zeros(len(rows), bool)
            cut |= (rows[:, 0] < EDGE) & (x0 > 0)
            cut |= (rows[:, 1] < EDGE) & (y0 > 0)
            cut |= (right > tile.width - EDGE) & (x1 < width)
            cut |= (bottom > tile.height - EDGE) & (y1 < height)
            rows = rows[~cut]
            # The detector counts from the first pixel's centre; an enlarged pixel is 1/zoom wide.
            rows[:, :2] = (rows[:, :2] + 0.5) / zoom + (x0, y0)
            rows[:, 2:4] /= zoom
            rows[:, 4:14] = (rows[:, 4:14] + 0.5) / zoom - 0.5 + np.tile((x0, y0), 5)
            yield rows


def spans(length: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Cover 0..length with the fewest equal pieces of at most `size` that share at least `overlap`, and hardly more."""
    if length <= size:
        return [(0, length)]
    count = -(-(length - overlap) // (size - overlap))
    piece = -(-(length + (count - 1) * overlap) // count)
    starts = np.linspace(0, length - piece, count).round().astype(int)
    return [(int(s), int(s) + piece) for s in starts]


def reduce(image: np.ndarray, factor: int = REDUCTION) -> np.ndarray:
    """uint8 (H, W, 3) -> (H // factor, W // factor, 3) by means of blocks, a strip at a time."""
    height, width = image.shape[0] // factor, image.shape[1] // factor
    out = np.empty((height, width, 3), np.uint8)
    for y in range(0, height, 256):
        strip = image[y * factor : min(y + 256, height) * factor, : width * factor]
        blocks = strip.reshape(-1, factor, width, factor, 3).mean((1, 3), dtype=np.float32)
        out[y : y + len(blocks)] = np.rint(blocks)
    return out


def turned_back(row: np.ndarray, turn: int, height: int, width: int, *, points: bool = True) -> Detection:
    """A row (15,) found on np.rot90(photo, turn) -> a detection on the photo of (height, width)."""
    box = np.array([row[:2], row[:2] + row[2:4]])  # two corners, edges
    marks = row[4:14].reshape(5, 2) + 0.5
    for k in range(turn, 0, -1):
        across = width if k % 2 else height  # width of the picture before this quarter turn
        box, marks = (np.stack([across - p[:, 1], p[:, 0]], -1) for p in (box, marks))
    low, high = box.min(0), box.max(0)
    return Detection(
        (float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])),
        float(row[14]),
        tuple((float(x), float(y)) for x, y in marks - 0.5) if points else None,
        turn,
    )
