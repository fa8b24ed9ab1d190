"""The similarity that ties an upright face to its unaligned input, as one 2x3 matrix.

A matrix maps upright output coordinates to unaligned input coordinates. Both are normalised: -1 and +1 are
the outer edges of the first and the last pixel (`grid_sample` with align_corners=False).
"""

import numpy as np


def similarity_matrix(angle, scale, tx, ty) -> np.ndarray:
    """Protocol parameters -> float64 (..., 2, 3).

    `angle` degrees, `scale`, `tx` and `ty` (parts of the side) as in `Frame.moved`; scalars or arrays (...,).
    """
    a = np.radians(np.asarray(angle, np.float64))
    s, tx, ty = (np.asarray(x, np.float64) for x in (scale, tx, ty))
    c, n = np.cos(a) / s, np.sin(a) / s
    row0 = np.stack([c, n, -2 * (c * tx + n * ty)], -1)
    row1 = np.stack([-n, c, -2 * (-n * tx + c * ty)], -1)
    return np.stack([row0, row1], -2)


def similarity_parameters(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(..., 2, 3) -> angle in degrees, scale, tx, ty, each (...,): the inverse of `similarity_matrix`."""
    m = np.asarray(matrix, np.float64)
    c = (m[..., 0, 0] + m[..., 1, 1]) / 2
    n = (m[..., 0, 1] - m[..., 1, 0]) / 2
    s2 = 1 / (c * c + n * n)
    x, y = m[..., 0, 2], m[..., 1, 2]
    tx = -(c * x - n * y) * s2 / 2
    ty = -(n * x + c * y) * s2 / 2
    return np.degrees(np.arctan2(n, c)), np.sqrt(s2), tx, ty
