"""The alignment frame: which square of a photo is the upright face.

An upright frame has a centre c, a side (all in pixels of the image), a right axis u and a down axis v.
Pixel (i, j) of a rendering with n pixels a side lies at c + ((i+.5)/n - .5) side u + ((j+.5)/n - .5) side v.
Pixel centres of an image are whole numbers, starting at 0.
"""

from dataclasses import dataclass

import numpy as np

from .turned import TurnedFace

SIDE = 2.95  #                     side / pixels that an eye distance of the mean face takes
CENTRE = (0.0, 0.445, -0.176)  #  of the frame, a point of the mean face: between its eyes and its mouth


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
        """The upright frame of 68 landmarks, float (68, 2) in pixels; those that an annotation lacks are NaN.

        Protocol 2 of this project (paper section 4.1 says "we crop the aligned faces", not how): the mean face,
        turned by the best yaw, is laid on nose, eyes and outer lips (`face/turned.py`); its scale and roll are the
        frame's, and one point of it the frame's centre. So the frame depends on all of these landmarks and not on the
        noise of two of them, and a turned head has the size that it has from the front.
        Raises ValueError as `TurnedFace.fit`.
        """
        return cls.of(TurnedFace.fit(landmarks))

    @classmethod
    def of(cls, face: TurnedFace) -> "Frame":
        """The frame of a mean face laid on a picture."""
        size = abs(face.scale)
        right = face.scale / size
        x, y = face.place(np.array(CENTRE))
        return cls((float(x), float(y)), (right.real, right.imag), SIDE * size)

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
