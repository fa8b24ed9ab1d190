"""The embedded detector, for where YuNet's file cannot be had: dlib's frontal face detector in NumPy.

Five templates of 10x10 cells over Felzenszwalb's 31 gradient features, at a pyramid of scales. The weights
(`assets/hog.npz`, 31 KB) are those of dlib's `get_frontal_face_detector()` (Boost Software License 1.0,
Copyright (C) 2013 Davis E. King; the licence lies beside them); the program is our own.

It sees frontal and slightly turned, upright faces of 80 px, so photos are enlarged before. Of the 52 faces of
the development photos it finds 45 at a box height of 16 px and all from 24 px up, with one false box; OpenCV's
Haar cascades find all of them with 4 to 16 false ones, and OpenCV 5 has them no more. YuNet finds all from 12
px up, and profiles and rolled faces, and is three times as fast.
"""

from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image

from .boxes import Detection, suppress
from .tiles import search, turned_back
from .turned import Scores, find

CELL = 8  # pixels
WINDOW = 10  # cells a template is wide and high: 80 pixels
ORIENTATIONS = 18  # over the full turn
STEP = 5 / 6  # from one scale to the next
LARGEST_SEARCH = 8_000_000  # pixels of the enlarged photo: about 5 s
ZOOMS = (2, 5)
SCORES = Scores(sure=0.7, least=0.7, none=0.5)

# The window is tighter than YuNet's box; measured on real faces, so that `face_frame` fits both.
BOX_GROWTH = (0.81, 1.08)
BOX_RISE = 0.037


class HogDetector:
    """`detector(rgb)` -> the faces of a photo. Needs no file but the package's own."""

    name = "embedded"

    def __init__(self, *, any_turn: bool = False, auto_turn: bool = True, threshold: float = 0.0):
        self.any_turn, self.auto_turn, self.threshold = any_turn, auto_turn, threshold

    def __call__(self, rgb: np.ndarray, *, zoom: int | None = None) -> list[Detection]:
        """uint8 (H, W, 3) -> the faces, best score first. `zoom`: enlargement before the search; None chooses."""
        if zoom is None:
            fits = int(np.sqrt(LARGEST_SEARCH / (rgb.shape[0] * rgb.shape[1])))
            zoom = int(np.clip(fits, *ZOOMS))
        full = zoom

        def look(turn: int, zoom: int | None) -> list[Detection]:
            rows = search(np.rot90(rgb, turn), self.tile, zoom or full)
            return [turned_back(row, turn, rgb.shape[0], rgb.shape[1], points=False) for row in rows]

        quick = None if full > ZOOMS[0] else 1
        return find(look, SCORES, any_turn=self.any_turn, auto_turn=self.auto_turn, quick=quick)

    def tile(self, rgb: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) -> float64 (N, 15): x, y, w, h, zeros for the points, score 0..1."""
        grey = Image.fromarray(rgb).convert("L")
        found = [np.empty((0, 5))]
        scale = 1.0
        while min(grey.size) * scale >= CELL * WINDOW:
            size = round(grey.width * scale), round(grey.height * scale)
            level = grey if scale == 1 else grey.resize(size, Image.Resampling.BILINEAR)
            found.append(_windows(np.asarray(level), self.threshold) / (scale, scale, scale, scale, 1))
            scale *= STEP
        rows = np.concatenate(found)
        rows = rows[suppress(rows[:, :4], rows[:, 4])]
        growth = rows[:, 2:4] * BOX_GROWTH
        centre = rows[:, :2] + rows[:, 2:4] / 2 - (0, 1) * rows[:, 2:4] * BOX_RISE
        score = 0.5 + 0.5 * np.tanh(rows[:, 4])  # the margin of a linear classifier, brought to 0.5..1
        return np.column_stack([centre - growth / 2, growth, np.zeros((len(rows), 10)), score])


def _windows(grey: np.ndarray, threshold: float) -> np.ndarray:
    """uint8 (H, W) -> float64 (N, 5): windows x, y, w, h and their margins above the threshold."""
    features = gradient_features(grey)
    rows, columns = features.shape[0] - WINDOW + 1, features.shape[1] - WINDOW + 1
    if rows <= 0 or columns <= 0:
        return np.empty((0, 5))
    weights, offsets = _templates()
    # Runs of 10 cells against every row of every template, then added up along the rows.
    runs = np.lib.stride_tricks.sliding_window_view(features, WINDOW, axis=1)  # H, columns, 31, 10
    products = (runs.reshape(-1, weights.shape[0]) @ weights).reshape(features.shape[0], columns, WINDOW, -1)
    scores = sum(products[y : y + rows, :, y] for y in range(WINDOW))
    margin = (scores - offsets).max(-1)
    ys, xs = np.nonzero(margin > threshold)
    # Cell 0 of the features is the second of the picture.
    side = np.full(len(xs), CELL * WINDOW)
    return np.column_stack([(xs + 1) * CELL - 0.5, (ys + 1) * CELL - 0.5, side, side, margin[ys, xs]])


def gradient_features(grey: np.ndarray) -> np.ndarray:
    """uint8 (H, W) -> float32 (H / 8 - 2, W / 8 - 2, 31), Felzenszwalb et al. 2010, section 6.

    18 directed and 9 undirected orientations of the gradient, each normalised by the energy of the four blocks
    of 2x2 cells around, cut at 0.2 and added; then the four energies themselves.
    """
    rows, columns = (int(n / CELL + 0.5) for n in grey.shape)
    height, width = min(rows * CELL, grey.shape[0]) - 1, min(columns * CELL, grey.shape[1]) - 1
    wide = grey.astype(np.int32)
    dx = wide[1:height, 2 : width + 1] - wide[1:height, : width - 1]
    dy = wide[2 : height + 1, 1:width] - wide[: height - 1, 1:width]
    gradient = dy * 511 + dx + (255 * 511 + 255)
    length, orientation = (table[gradient] for table in _gradients())

    # Each pixel gives to the four nearest cells, by nearness.
    y, x = ((np.arange(1, n) + 0.5) / CELL - 0.5 for n in (height, width))
    iy, ix = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    fy, fx = (y - iy).astype(np.float32)[:, None], (x - ix).astype(np.float32)[None]
    histogram = np.zeros((rows + 2) * (columns + 2) * ORIENTATIONS)
    for down, wy in ((0, 1 - fy), (1, fy)):
        for right, wx in ((0, 1 - fx), (1, fx)):
            cell = (iy[:, None] + 1 + down) * (columns + 2) + ix[None] + 1 + right
            index = cell * ORIENTATIONS + orientation
            histogram += np.bincount(index.ravel(), (length * wy * wx).ravel(), len(histogram))
    histogram = histogram.reshape(rows + 2, columns + 2, ORIENTATIONS)[1:-1, 1:-1].astype(np.float32)

    undirected = histogram[..., :9] + histogram[..., 9:]
    energy = (undirected**2).sum(-1)
    block = energy[:-1, :-1] + energy[1:, :-1] + energy[:-1, 1:] + energy[1:, 1:]
    scale = 1 / np.sqrt(block + 1e-4)
    inner, pairs = histogram[1:-1, 1:-1], undirected[1:-1, 1:-1]
    out = np.zeros((*inner.shape[:2], 31), np.float32)
    corners = (scale[1:, 1:], scale[:-1, 1:], scale[1:, :-1], scale[:-1, :-1])
    for i, corner in enumerate(corners):
        directed = np.minimum(inner * corner[..., None], 0.2)
        out[..., :18] += 0.5 * directed
        out[..., 18:27] += 0.5 * np.minimum(pairs * corner[..., None], 0.2)
        out[..., 27 + i] = 0.2357 * directed.sum(-1)
    return out


@cache
def _templates() -> tuple[np.ndarray, np.ndarray]:
    """float32 (31 * 10, 10 * 5): feature and column, row and number of the template; float32 (5,) thresholds."""
    with files("faceprior").joinpath("assets/hog.npz").open("rb") as file, np.load(file) as data:
        weights, offsets = data["weights"].astype(np.float32), data["thresholds"].astype(np.float32)
    return np.ascontiguousarray(weights.transpose(1, 3, 2, 0)).reshape(31 * WINDOW, -1), offsets


@cache
def _gradients() -> tuple[np.ndarray, np.ndarray]:
    """Length, float32, and orientation, uint8 0..17, by (dy + 255) * 511 + dx + 255 of 8-bit pixels."""
    dy, dx = np.mgrid[-255:256, -255:256].astype(np.float32)
    orientation = np.rint(np.arctan2(dy, dx) * (ORIENTATIONS / (2 * np.pi))).astype(int) % ORIENTATIONS
    return np.hypot(dx, dy).ravel(), orientation.astype(np.uint8).ravel()
