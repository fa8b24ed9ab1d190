"""Landmark files: iBUG `.pts` with 68 points, or Menpo's 39 points of a profile.

Inside this package landmarks are float64 (68, 2), (x, y) in pixels, pixel centres at whole numbers from 0.
A `.pts` file counts from 1 (Matlab), so reading one subtracts 1.

The 39-point mark-up is that of the Menpo benchmark (Deng et al., IJCV 2019, section 3). Its correspondence to
the 68 points is the one OpenFace uses for the challenge (Zadeh, Baltrusaitis, Morency, CVPR-W 2017,
`compute_error_menpo_small.m`), counted from 1:

    1-10 jaw from the ear to the chin (nine slots of the 68) · 11, 12 chin to lower lip (no slot) ·
    13-16 brow from the outer to the inner end (five slots) · 17-20 bridge · 21 nose base · 22 nostril ·
    23-27 eye without its inner corner · 28-34 outer lip · 35-39 inner lip
"""

from pathlib import Path

import numpy as np

from .components import FLIP, LANDMARKS
from .turned import TurnedFace

PROFILE_LANDMARKS = 39

# (point of the 39, slot of the 68), from 0, where the person's right side is seen (the face looks to image right).
_PROFILE_SLOTS = np.array(
    [
        *((16, 27), (17, 28), (18, 29), (19, 30), (20, 33), (21, 31)),  # nose
        *((22, 38), (23, 37), (24, 36), (25, 41), (26, 40)),  # eye
        *((27, 51), (28, 50), (29, 49), (30, 48), (31, 59), (32, 58), (33, 57)),  # outer lip
        *((34, 62), (35, 61), (36, 60), (37, 67), (38, 66)),  # inner lip
    ]
)
_JAW, _JAW_SLOTS = slice(0, 10), range(9)
_BROW, _BROW_SLOTS = slice(12, 16), range(17, 22)

PROFILE_SEEN = np.zeros(LANDMARKS, bool)
"""bool (68,): the slots that a 39-point annotation of the person's right side fills."""
PROFILE_SEEN[[*_JAW_SLOTS, *_BROW_SLOTS, *_PROFILE_SLOTS[:, 1]]] = True


def read_pts(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    """One `.pts` file -> landmarks float64 (68, 2) from 0, and visible bool (68,) or None where it does not say.

    Raises ValueError with the reason (a wrong number of points, not a number, not a points file) and OSError.
    """
    points = parse_pts(path.read_text(encoding="utf-8", errors="replace"))
    if len(points) == LANDMARKS:
        return points, None
    return from_profile(points)


def parse_pts(text: str) -> np.ndarray:
    """The text of a `.pts` file -> float64 (68 or 39, 2), counted from 0. Raises ValueError with the reason."""
    start, end = text.find("{"), text.rfind("}")
    if start < 0 or end < start:
        raise ValueError("not a .pts file (no { ... })")
    try:
        rows = [[float(x) for x in line.split()] for line in text[start + 1 : end].split("\n") if line.strip()]
    except ValueError:
        raise ValueError("landmarks are not numbers") from None
    if any(len(row) != 2 for row in rows):
        raise ValueError("a landmark is not two numbers")
    if len(rows) not in (LANDMARKS, PROFILE_LANDMARKS):
        raise ValueError(f"{len(rows)} landmarks; {LANDMARKS} or {PROFILE_LANDMARKS} are needed")
    points = np.array(rows)
    if not np.isfinite(points).all():
        raise ValueError("landmarks are not finite")
    return points - 1


def from_profile(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Menpo's 39 profile points, float (39, 2) -> landmarks float64 (68, 2) and visible bool (68,).

    Visible are the annotated slots. The others are where the mean face has them that is laid on those (`TurnedFace`),
    so that `Frame.from_landmarks` finds the frame of the annotated ones alone.
    """
    p = np.asarray(points, np.float64)
    if p.shape != (PROFILE_LANDMARKS, 2):
        raise ValueError(f"profile landmarks must be ({PROFILE_LANDMARKS}, 2), not {p.shape}")
    out = np.full((LANDMARKS, 2), np.nan)
    out[list(_JAW_SLOTS)] = _resampled(p[_JAW], len(_JAW_SLOTS))
    out[list(_BROW_SLOTS)] = _resampled(p[_BROW], len(_BROW_SLOTS))
    out[_PROFILE_SLOTS[:, 1]] = p[_PROFILE_SLOTS[:, 0]]
    seen = PROFILE_SEEN
    if not _looks_right(p):
        out, seen = out[FLIP], seen[FLIP]
    return np.where(seen[:, None], out, TurnedFace.fit(out).landmarks()), seen.copy()


def _looks_right(p: np.ndarray) -> bool:
    """Whether the face of 39 points looks towards image right, whatever its roll.

    The eye-to-mouth direction is "down"; the face looks to the side of it where the nose lies from the ear.
    """
    down = p[27:39].mean(0) - p[22:27].mean(0)
    forward = p[19] - p[0]
    return bool(down[0] * forward[1] - down[1] * forward[0] < 0)


def _resampled(points: np.ndarray, count: int) -> np.ndarray:
    """`count` points evenly spaced by arc length along a polyline (N, 2), ends kept."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, along[-1], count)
    return np.column_stack([np.interp(at, along, points[:, k]) for k in (0, 1)])
