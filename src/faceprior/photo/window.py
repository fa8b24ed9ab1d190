"""The part of a region of the canvas in which a face is seen, and the photo's own sampling of it.

A face's mask fills about two thirds of the square that it is pasted in. Only they are computed; what they become at the
photo's sampling and back is, by the same matrices' rows and columns, what the whole region would.
"""

from dataclasses import dataclass

import numpy as np

from ..resampling import pillow_bicubic
from .warp import MATRIX, apply, resize_planes, separable


@dataclass(frozen=True)
class Window:
    """rows, columns: of a region (H, W) = `shape`"""

    rows: slice
    columns: slice
    shape: tuple[int, int]

    @classmethod
    def around(cls, points: np.ndarray, to_region: np.ndarray, shape: tuple[int, int]) -> "Window | None":
        """What of the region is nearer than a pixel to points (N, 2), which `to_region` moves there; None: nothing."""
        reach = 1 + float(np.sqrt(abs(np.linalg.det(to_region[:, :2]))))
        moved = apply(to_region, points)
        low, high = np.floor(moved.min(0) - reach), np.ceil(moved.max(0) + reach)
        x0, y0 = (max(0, int(v)) for v in low)
        x1, y1 = (min(most, int(v) + 1) for v, most in zip(high, shape[::-1], strict=True))
        return cls(slice(y0, y1), slice(x0, x1), shape) if x1 > x0 and y1 > y0 else None

    @property
    def size(self) -> tuple[int, int]:
        return self.columns.stop - self.columns.start, self.rows.stop - self.rows.start

    def of(self, planes: np.ndarray) -> np.ndarray:
        """(C, H, W) of the region -> of the window."""
        return planes[:, self.rows, self.columns]


class Sampling:
    """Between a window and the samples, (W, H) = `size` of them in the whole region, that it rests on."""

    def __init__(self, window: Window, size: tuple[int, int]):
        self._window, self._size = window, size
        self._small = max(*window.shape, *size) <= MATRIX
        self.rows, self._down, self._up = self._matrices(window.rows, window.shape[0], size[1])
        self.columns, self._across, self._back = self._matrices(window.columns, window.shape[1], size[0])

    def _matrices(self, part: slice, length: int, samples: int) -> tuple[slice, np.ndarray, np.ndarray]:
        if not self._small:
            return slice(0, samples), np.empty(0), np.empty(0)
        up = pillow_bicubic(samples, length)[part]
        used = np.flatnonzero(up.any(0))
        where = slice(int(used[0]), int(used[-1]) + 1)
        return where, pillow_bicubic(length, samples)[where, part], up[:, where]

    def of(self, samples: np.ndarray) -> np.ndarray:
        """(C, h, w) of the whole region -> those that the window rests on."""
        return samples[:, self.rows, self.columns]

    def down(self, planes: np.ndarray) -> np.ndarray:
        """float32 (C, H, W) of the window, nothing outside of it -> its samples."""
        if self._small:
            return separable(self._down, planes, self._across)
        whole = np.zeros((len(planes), *self._window.shape), np.float32)
        self._window.of(whole)[:] = planes
        return resize_planes(whole, self._size)

    def up(self, samples: np.ndarray) -> np.ndarray:
        """Samples -> float32 (C, H, W) of the window."""
        if self._small:
            return separable(self._up, samples, self._back)
        return self._window.of(resize_planes(samples, self._window.shape[::-1]))
