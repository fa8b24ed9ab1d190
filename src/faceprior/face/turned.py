"""The mean face turned by the best yaw and laid on 2D landmarks by one similarity.

For a yaw of w degrees the template is t_i(w) = (x_i cos w + z_i sin w, y_i): the mean face seen from there, in eye
distances. Over nose, eyes and outer lips the similarity z_w is fitted that takes t(w) to the landmarks in least
squares; w is the whole degree with the smallest residual. The jaw slides along the contour, the brows and the
inner lips move with the expression, so they have no say.

Points are complex numbers here: x + iy, and a similarity is p = z t + o.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from .components import LANDMARKS
from .pose import mean_face

FITTED = slice(27, 60)  # nose, eyes, outer lips
YAWS = np.arange(-90, 91)
_LEAST = 3  # landmarks; fewer fit at any yaw


@dataclass(frozen=True)
class TurnedFace:
    """`yaw` in whole degrees, > 0 looks to image right; `scale` (z: pixels an eye distance, and roll), `offset` (o)."""

    yaw: int
    scale: complex
    offset: complex

    @classmethod
    def fit(cls, landmarks: np.ndarray) -> "TurnedFace":
        """Landmarks float (68, 2) in pixels; those that an annotation lacks are NaN.

        Raises ValueError where fewer than three of the fitted ones are there, or they lie on one point.
        """
        xy = np.asarray(landmarks, np.float64)[FITTED]
        known = np.isfinite(xy).all(1)
        if known.sum() < _LEAST:
            raise ValueError(f"{known.sum()} landmarks of nose, eyes and mouth; {_LEAST} are needed")
        p = xy[known] @ (1, 1j)
        t = _templates()[:, FITTED][:, known]
        mean_p, mean_t = p.mean(), t.mean(1)
        p, t = p - mean_p, t - mean_t[:, None]
        power = (np.abs(t) ** 2).sum(1)
        z = (np.conj(t) * p).sum(1) / power
        best = int(np.argmax(np.abs(z) ** 2 * power))  # the residual is |p|^2 less this
        if not np.abs(z[best]) > 1e-9:
            raise ValueError("landmarks lie on one point")
        return cls(int(YAWS[best]), complex(z[best]), complex(mean_p - z[best] * mean_t[best]))

    def place(self, points: np.ndarray) -> np.ndarray:
        """Points of the mean face, float (..., 3) -> float64 (..., 2), pixels of the landmarks' image."""
        placed = self.scale * _seen(np.asarray(points, np.float64), self.yaw) + self.offset
        return np.stack([placed.real, placed.imag], -1)

    def landmarks(self) -> np.ndarray:
        """All 68 landmarks of the mean face as it lies there, float64 (68, 2)."""
        return self.place(mean_face())


def _seen(points: np.ndarray, yaw) -> np.ndarray:
    """(..., 3) -> complex (...)."""
    w = np.radians(yaw)
    return points[..., 0] * np.cos(w) + points[..., 2] * np.sin(w) + 1j * points[..., 1]


@cache
def _templates() -> np.ndarray:
    """complex (yaws, 68). Do not write to it."""
    templates = np.stack([_seen(mean_face(), w) for w in YAWS])
    assert templates.shape == (len(YAWS), LANDMARKS)
    templates.setflags(write=False)
    return templates
