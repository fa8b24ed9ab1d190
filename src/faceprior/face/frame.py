"""The alignment frame: which square of a photo is the upright face.

An upright frame has a centre c, a side (all in pixels of the image), a right axis u and a down axis v.
Pixel (i, j) of a rendering with n pixels a side lies at c + ((i+.5)/n - .5) side u + ((j+.5)/n - .5) side v.
Pixel centres of an image are whole numbers, starting at 0.
"""

from dataclasses import dataclass

import numpy as np

from .components import LEFT_EYE, RIGHT_EYE

EYE_SPAN = 2.9  # side / distance of the eye centres
MOUTH_SPAN = 2.72  # side / distance from the eyes to the mouth; the larger of the two holds (profiles!)
MOUTH_SHIFT = 0.42  # centre, as a part of the way from the eyes to the mouth


@dataclass(frozen=True)
class Frame:
    """A square in an image. `centre` and `right` are (x, y); `right` has length 1; `side` in pixels."""

    centre: tuple[float, float]
    right: tuple[float, float]
    side: float

    @property
    def down(self) -> tuple[float, float]:
        return (-self.right[1], self.right[0])

    @property
    def angle(self) -> float:
        """Degrees from the image's x axis to `right`; positive turns towards +y (clockwise on screen)."""
        return float(np.degrees(np.arctan2(self.right[1], self.right[0])))

    @classmethod
    def from_landmarks(cls, landmarks: np.ndarray) -> "Frame":
        """The upright frame of 68 landmarks, float (68, 2) in pixels.

        The protocol of this project (paper section 4.1: "we crop the aligned faces").
        Raises ValueError where the eyes and mouth coincide.
        """
        p = np.asarray(landmarks, np.float64)
        left, right = p[list(RIGHT_EYE)].mean(0), p[list(LEFT_EYE)].mean(0)
        mouth = (p[48] + p[54]) / 2
        e, mid = right - left, (left + right) / 2
        m = mouth - mid
        u = np.array([e[0] + m[1], e[1] - m[0]])
        side = max(EYE_SPAN * np.hypot(*e), MOUTH_SPAN * np.hypot(*m))
        length = np.hypot(*u)
        if not np.isfinite(side) or side <= 0 or length < 1e-9 * side:
            raise ValueError("eyes and mouth coincide")
        u = u / length
        c = mid + MOUTH_SHIFT * m
        return cls((float(c[0]), float(c[1])), (float(u[0]), float(u[1])), float(side))

    def grown(self, factor: float) -> "Frame":
        """The same square, `factor` times as wide about its centre."""
        return Frame(self.centre, self.right, self.side * factor)

    def moved(self, angle: float, scale: float, tx: float, ty: float) -> "Frame":
        """The unaligned frame of the protocol: `angle` in degrees, shifts as parts of the side.

        u' = cos a u + sin a v; side' = scale side; c' = c + side (tx u + ty v).
        """
        a = np.radians(angle)
        u, v, c = np.array(self.right), np.array(self.down), np.array(self.centre)
        moved_u = np.cos(a) * u + np.sin(a) * v
        moved_c = c + self.side * (tx * u + ty * v)
        return Frame(tuple(map(float, moved_c)), tuple(map(float, moved_u)), self.side * scale)

    def matrix(self, size: int) -> np.ndarray:
        """float64 (2, 3): pixel (i, j) of a rendering with `size` pixels a side -> image (x, y)."""
        step = self.side / size
        a = np.array([self.right, self.down]).T * step
        t = np.array(self.centre) + a @ np.full(2, 0.5 - size / 2)
        return np.column_stack([a, t])

    def to_image(self, points: np.ndarray, size: int) -> np.ndarray:
        """(..., 2) pixels of a rendering -> (..., 2) pixels of the image."""
        m = self.matrix(size)
        return np.asarray(points, np.float64) @ m[:, :2].T + m[:, 2]

    def from_image(self, points: np.ndarray, size: int) -> np.ndarray:
        """(..., 2) pixels of the image -> (..., 2) pixels of a rendering."""
        m = self.matrix(size)
        return (np.asarray(points, np.float64) - m[:, 2]) @ np.linalg.inv(m[:, :2]).T
