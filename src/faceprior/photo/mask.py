"""What the heatmaps say of a face: where its components are, which are seen, and which pixels are face."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from ..face.components import COMPONENTS, VISIBLE
from ..resampling import pillow_bicubic
from .warp import apply, blurring, separable

SEEN = 0.3  # peak of a map from which it is part of the mask
CORE = 0.5  # of the map's peak: the pixels that make the component
FOREHEAD = 0.2  # of the side: how far above the eyes the face is taken to go on
FEATHER = 0.06  # of the side: standard deviation of the mask's edge
MARGIN = 0.04  # of the side: inside the frame's border the mask is zero over this much
SMALLEST = 0.12  # of the frame: a hull below this is no face, and an ellipse takes its place
FINE = 2  # times as large is the outline drawn


@dataclass(frozen=True)
class Component:
    """position: (x, y) in pixels of the photo, or None where it is not seen; peak of its heatmap, 0..1."""

    name: str
    position: tuple[float, float] | None
    peak: float

    @property
    def visible(self) -> bool:
        return self.position is not None


def components(heatmaps: np.ndarray, to_photo: np.ndarray) -> list[Component]:
    """float32 (4, R, R) upright; (2, 3) upright pixels of 128 -> photo pixels."""
    found = []
    for name, heat, least in zip(COMPONENTS, heatmaps, VISIBLE, strict=True):
        peak = float(heat.max())
        if not np.isfinite(peak) or peak < least:
            found.append(Component(name, None, max(0.0, peak) if np.isfinite(peak) else 0.0))
            continue
        weight = np.where(heat >= CORE * peak, heat, 0)
        across, down = weight.sum(0, dtype=np.float64), weight.sum(1, dtype=np.float64)
        centre = np.array([across @ np.arange(len(across)), down @ np.arange(len(down))]) / down.sum()
        upright = (centre + 0.5) * (128 / heat.shape[0]) - 0.5
        x, y = apply(to_photo, upright)
        found.append(Component(name, (float(x), float(y)), min(peak, 1.0)))
    return found


def face_mask(heatmaps: np.ndarray, size: int = 128) -> np.ndarray:
    """float32 (4, R, R) -> float32 (size, size) in 0..1: 1 on the face, feathered, 0 at the frame's border.

    The hull of what the seen components cover, with a forehead above the eyes: the heatmaps end there.
    """
    peaks = heatmaps.max((1, 2), keepdims=True)
    cores = (heatmaps >= CORE * peaks) & (peaks >= SEEN)
    eyes, all_of_them = ends(cores[COMPONENTS.index("eyes")]), ends(cores.any(0))
    points = [(p + 0.5) / heatmaps.shape[1] for p in (eyes, all_of_them)]  # parts of the side
    hull = convex_hull(np.concatenate([points[0] - (0, FOREHEAD), points[1]]))
    big = FINE * size
    drawn = Image.new("L", (big, big), 0)
    pen = ImageDraw.Draw(drawn)
    if len(hull) < 3 or _area(hull) < SMALLEST:
        pen.ellipse((0.16 * big, 0.08 * big, 0.84 * big, 0.98 * big), fill=255)
    else:
        pen.polygon([(x * big, y * big) for x, y in hull.tolist()], fill=255)
    # So soft in the end that half the size holds it.
    half = np.asarray(drawn.reduce(2 * FINE), np.float32) / 255
    smooth = _smoothing(size)
    return np.clip(separable(smooth, half, smooth), 0, 1) * _towards_border(size)


@lru_cache(4)
def _smoothing(size: int) -> np.ndarray:
    """float32 (size, size / 2): blurs and enlarges half the size, along one axis."""
    return pillow_bicubic(size // 2, size) @ blurring(size // 2, FEATHER * size / 2)


@lru_cache(4)
def _towards_border(size: int) -> np.ndarray:
    """float32 (size, size): 1 within, 0 at the border, smooth between."""
    edge = np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) / size  # distance to the border
    ramp = np.clip((np.minimum(edge[:, None], edge[None]) - MARGIN) / 0.12, 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def ends(inside: np.ndarray) -> np.ndarray:
    """bool (H, W) -> float (N, 2): first and last true pixel (x, y) of each row: they have the same hull."""
    rows = np.nonzero(inside.any(1))[0]
    first, last = inside[rows].argmax(1), inside.shape[1] - 1 - inside[rows, ::-1].argmax(1)
    return np.concatenate([np.column_stack([first, rows]), np.column_stack([last, rows])]).astype(float)


def convex_hull(points: np.ndarray) -> np.ndarray:
    """(N, 2) -> (M, 2), counter-clockwise in mathematical axes (Andrew's monotone chain). In Python's own numbers: for
    a few hundred points they are much faster than NumPy's."""
    if not len(points) or (points == points[0]).all():
        return points[:1]
    ordered = points[np.lexsort((points[:, 1], points[:, 0]))]
    # Of those one above the other, the lowest is enough for the chain below, the highest for the one above.
    step = ordered[1:, 0] != ordered[:-1, 0]
    lowest, highest = ordered[np.append(True, step)].tolist(), ordered[np.append(step, True)].tolist()

    def chain(sequence: list[list[float]]) -> list[list[float]]:
        line: list[list[float]] = []
        for x, y in sequence:
            while len(line) > 1:
                (ax, ay), (bx, by) = line[-2:]
                if (bx - ax) * (y - by) - (by - ay) * (x - bx) > 0:
                    break
                line.pop()
            line.append([x, y])
        return line[:-1]

    return np.array(chain([*lowest, highest[-1]]) + chain([*highest[::-1], lowest[0]])).reshape(-1, 2)


def _area(polygon: np.ndarray) -> float:
    (x, y), (x_next, y_next) = polygon.T, np.concatenate([polygon[1:], polygon[:1]]).T
    return abs(float(x @ y_next - y @ x_next)) / 2
