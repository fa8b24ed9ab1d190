"""How much of the sharpness that was asked for a face gets: less where what it adds is more often wrong."""

import numpy as np

from .boxes import Detection

TURNED = (0.25, 0.7)  # of the eyes' distance: how far the nose lies beside their middle; about 25 and 60 degrees of yaw
GRAINY = (4.0, 14.0)  # grey levels of noise in the photo


def restraint(face: Detection, noise: float) -> float:
    """0..1, the part of the sharpness. noise: standard deviation in grey levels (`quality.noise_level`)."""
    return float(_falling(noise, GRAINY) * _falling(sideways(face), TURNED))


def sideways(face: Detection) -> float:
    """How far the nose lies beside the middle of the eyes, along their line, in distances between them; of a profile's
    eyes, which come close, in a third of the way from them to the mouth. 0 without points."""
    if face.points is None:
        return 0.0
    p = np.asarray(face.points, np.float64)
    eyes, mouth = (p[0] + p[1]) / 2, (p[3] + p[4]) / 2
    down = mouth - eyes
    length = float(np.hypot(*down))
    if length == 0:
        return 0.0
    across = np.array([down[1], -down[0]]) / length
    return abs(float((p[2] - eyes) @ across)) / max(float(np.hypot(*(p[1] - p[0]))), length / 3)


def _falling(value: float, limits: tuple[float, float]) -> float:
    return float(np.clip((limits[1] - value) / (limits[1] - limits[0]), 0, 1))
