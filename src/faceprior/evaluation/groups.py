"""Breakdowns: which faces make up a pose band, a source, a band of ages, a group."""

import re
from pathlib import PurePath

import numpy as np

from ..dataset.store import FaceStore
from ..errors import FacepriorError

POSE = ("|yaw| < 15", "|yaw| 15-30", "|yaw| 30-60", "|yaw| > 60")
AGES = ((0, 9), (10, 19), (20, 39), (40, 59), (60, 200))
GROUPS = ("White", "Black", "Asian", "Indian", "Other")  # UTKFace's own words, in its order
KINDS = ("source", "pose", "age", "group")

_UTKFACE = re.compile(r"(\d{1,3})_[01]_([0-4])_")  # age_gender_group_date.jpg
_ALLAGE = re.compile(r"\d+A(\d{1,3})\b")  # NNNNNAaa.jpg


def kinds_of(text: str) -> tuple[str, ...]:
    """`pose,source` -> the kinds. Raises FacepriorError naming one that is not known."""
    kinds = tuple(dict.fromkeys(k.strip() for k in text.split(",") if k.strip()))
    for kind in kinds:
        if kind not in KINDS:
            raise FacepriorError(f"--by {kind}: expected {', '.join(KINDS)}, joined by commas")
    return kinds


def breakdown(store: FaceStore, kind: str) -> dict[str, np.ndarray]:
    """Name of each part that has faces -> bool (N,). Faces of which the kind is not known are in none."""
    if kind == "source":
        labels, order = list(store.sources), sorted(set(store.sources))
    elif kind == "pose":
        bands = np.digitize(np.abs(store.yaw.cpu().numpy()), (15, 30, np.nextafter(60, 61)))
        labels, order = [POSE[b] for b in bands], list(POSE)
    elif kind == "age":
        labels, order = [_age_band(n) for n in store.names], [_age_label(*band) for band in AGES]
    else:
        labels, order = [_group(n) for n in store.names], list(GROUPS)
    found = np.array(labels, object)
    return {name: found == name for name in order if (found == name).any()}


def _age_band(name: str) -> str | None:
    stem = PurePath(name).name
    match = _UTKFACE.match(stem) or _ALLAGE.match(stem)
    if match is None:
        return None
    return next((_age_label(*band) for band in AGES if band[0] <= int(match[1]) <= band[1]), None)


def _age_label(low: int, high: int) -> str:
    return f"age {low}-{high}" if high < 200 else f"age {low}+"


def _group(name: str) -> str | None:
    match = _UTKFACE.match(PurePath(name).name)
    return GROUPS[int(match[2])] if match else None
