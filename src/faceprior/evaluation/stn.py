"""Error of a predicted alignment against the known one."""

import numpy as np

from ..face.similarity import similarity_parameters

HR = 128
POINTS = 32  # a side: the HR grid, every fourth pixel; the mean distance differs from all pixels' by less than 0.1 %


def score_transforms(predicted: np.ndarray, true: np.ndarray) -> dict[str, np.ndarray]:
    """(N, 2, 3) upright -> unaligned, predicted and true -> per-face figures, each float64 (N,).

    `stn_degrees`: absolute difference of the angles; `stn_scale`: of the scales, percent of the true one; `stn_pixels`:
    mean over the HR grid of the distance between where the two send a pixel, in HR pixels (distances in the
    unaligned frame times the true scale, which is what they are on the upright face).
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    angle, scale = similarity_parameters(predicted)[:2]
    true_angle, true_scale = similarity_parameters(true)[:2]
    t = (np.arange(POINTS) + 0.5) * 2 / POINTS - 1
    x, y = (g.ravel() for g in np.meshgrid(t, t))
    apart = (predicted - true) @ np.stack([x, y, np.ones_like(x)])  # (N, 2, POINTS^2), halves of a side
    pixels = np.hypot(apart[:, 0], apart[:, 1]).mean(1) * (HR / 2) * true_scale
    return {
        "stn_degrees": np.abs((angle - true_angle + 180) % 360 - 180),
        "stn_scale": 100 * np.abs(scale / true_scale - 1),
        "stn_pixels": pixels,
    }
