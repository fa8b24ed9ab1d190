"""Head pose from 68 landmarks, and which of them the head itself hides.

A rigid mean face, our own (`tools/mean_face.py` derives it from 2D landmarks by factorisation), is fitted
under scaled orthography: least squares for the 2x3 affine camera, then the nearest scaled rotation. Axes:
x image right, y down, z away from the viewer. Rotation = roll about z, after pitch about x, after yaw about y.

Signs, in degrees: yaw > 0 the face looks to image right, pitch > 0 it looks up, roll > 0 it is turned clockwise
on the screen (as `Frame.angle`).
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations

import numpy as np

from .components import JAW, LANDMARKS

FACING = -0.1  # a surface turned this far beyond edge-on (cosine) is hidden: 6 degrees of grace for noise
MARGIN = 0.06  # an occluder must be this much nearer, in eye distances: grazing neighbours hide nothing


@dataclass(frozen=True)
class Pose:
    """Degrees, see the module. `error` is the mean landmark distance after the fit, in eye distances of the model."""

    yaw: float
    pitch: float
    roll: float
    error: float


@cache
def mean_face() -> np.ndarray:
    """float64 (68, 3): eye centres at (-0.5, 0, 0) and (0.5, 0, 0). Do not write to it."""
    text = files(__package__).joinpath("mean_face.csv").read_text(encoding="ascii")
    shape = np.array([[float(x) for x in line.split(",")] for line in text.split()[1:]])
    shape.setflags(write=False)
    return shape


@cache
def _weights() -> np.ndarray:
    """float64 (68,): the jaw slides along the contour and the lips move, so they say less about the pose."""
    w = np.ones(LANDMARKS)
    w[list(JAW)] = 0.2
    w[48:] = 0.5
    return w


def head_pose(landmarks: np.ndarray, visible: np.ndarray | None = None) -> Pose:
    """Landmarks (68, 2) in pixels -> pose; only the visible ones count where `visible`, bool (68,), is given.

    Where it is not, the fit is repeated on the landmarks that the pose found shows: annotators slide the far
    jaw and eye along the visible outline, which would hold a profile back (54 degrees for 65).
    Raises ValueError where fewer than six landmarks count or they lie on one point.
    """
    p = np.asarray(landmarks, np.float64)
    pose = _fit(p, np.ones(LANDMARKS, bool) if visible is None else np.asarray(visible, bool))
    for _ in range(2 if visible is None else 0):
        seen = visible_from_pose(pose.yaw, pose.pitch)
        if seen.all() or seen.sum() < LANDMARKS // 3:
            break
        pose = _fit(p, seen)
    return pose


def _fit(p: np.ndarray, counts: np.ndarray) -> Pose:
    """Weighted scaled-orthographic fit of the mean face to the landmarks that count, bool (68,)."""
    w = _weights() * counts
    if np.count_nonzero(w) < 6:
        raise ValueError("too few visible landmarks for a pose")
    mean_s, mean_p = w @ mean_face() / w.sum(), w @ p / w.sum()
    s, q = mean_face() - mean_s, p - mean_p
    affine = (q.T * w) @ s @ np.linalg.pinv((s.T * w) @ s)
    u, d, vt = np.linalg.svd(affine, full_matrices=False)
    scale = d.mean()
    if not scale > 1e-9:
        raise ValueError("landmarks lie on one point")
    rows = u @ vt
    r = np.stack([*rows, np.cross(*rows)])
    error = np.hypot(*(q / scale - s @ rows.T).T)[w > 0].mean()
    # r = Rz Rx Ry, so the third row gives pitch and yaw, and the head's down axis the roll.
    pitch = np.arcsin(np.clip(-r[2, 1], -1, 1))
    roll = np.arctan2(-r[0, 1], r[1, 1])
    yaw = np.arctan2(r[2, 0], r[2, 2])
    return Pose(*map(float, np.degrees([yaw, pitch, roll])), float(error))


def rotation(yaw: float, pitch: float, roll: float = 0.0) -> np.ndarray:
    """Degrees -> float64 (3, 3); `mean_face() @ rotation(...).T` is the turned head. Inverse of `head_pose`."""
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    ry = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    rx = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    rz = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return rz @ rx @ ry


@cache
def _mesh() -> tuple[np.ndarray, np.ndarray]:
    """Triangles int (T, 3) over the mean face, and outward normals float (68, 3).

    Delaunay of the frontal view by its definition (no landmark inside the circle), which needs no library for
    68 points; of the four-point circles that symmetry makes, both diagonals stay.
    """
    s = mean_face()
    x = s[:, :2]
    t = np.array(list(combinations(range(LANDMARKS), 3)))
    a, b, c = x[t[:, 0]], x[t[:, 1]] - x[t[:, 0]], x[t[:, 2]] - x[t[:, 0]]
    det = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    flat = np.abs(det) < 1e-4
    det[flat] = 1
    bb, cc = (b**2).sum(1), (c**2).sum(1)
    centre = np.stack([c[:, 1] * bb - b[:, 1] * cc, b[:, 0] * cc - c[:, 0] * bb], 1) / det[:, None]
    inside = ((x - (a + centre)[:, None]) ** 2).sum(2) < ((centre**2).sum(1) * (1 - 1e-6))[:, None] - 1e-9
    t = t[~flat & ~inside.any(1)]
    normal = np.cross(s[t[:, 1]] - s[t[:, 0]], s[t[:, 2]] - s[t[:, 0]])
    normal *= -np.sign(normal[:, 2:])  # towards the viewer of the frontal face
    at = np.zeros_like(s)
    for corner in t.T:
        np.add.at(at, corner, normal)
    return t, at / np.linalg.norm(at, axis=1, keepdims=True)


def visible_from_pose(yaw: float, pitch: float) -> np.ndarray:
    """Degrees -> bool (68,): which landmarks of the mean face a viewer sees.

    A landmark is hidden where its surface normal points away from the viewer (beyond `FACING`), or where a
    triangle of the face lies in front of it by `MARGIN` (the nose before the far inner eye corner, the cheek
    before the far jaw). A near frontal face hides nothing.
    """
    triangles, normals = _mesh()
    r = rotation(yaw, pitch)
    s, facing = mean_face() @ r.T, -(normals @ r.T)[:, 2]
    a, b, c = (s[triangles[:, k]] for k in range(3))
    b, c = b - a, c - a
    det = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
    edge_on = np.abs(det) < 1e-9
    det = np.where(edge_on, 1, det)
    p = s[:, None] - a
    along_b = (p[..., 0] * c[:, 1] - p[..., 1] * c[:, 0]) / det
    along_c = (p[..., 1] * b[:, 0] - p[..., 0] * b[:, 1]) / det
    covers = (along_b >= 0) & (along_c >= 0) & (along_b + along_c <= 1) & ~edge_on
    nearer = a[:, 2] + along_b * b[:, 2] + along_c * c[:, 2] < s[:, None, 2] - MARGIN
    own = (triangles[None] == np.arange(LANDMARKS)[:, None, None]).any(2)
    return (facing > FACING) & ~(covers & nearer & ~own).any(1)


def visible_from_landmarks(landmarks: np.ndarray) -> np.ndarray:
    """Landmarks (68, 2) -> bool (68,): `visible_from_pose` of their own pose."""
    pose = head_pose(landmarks)
    return visible_from_pose(pose.yaw, pose.pitch)
