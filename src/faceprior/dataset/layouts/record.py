"""What every layout yields: a face to prepare, or why there is none."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Face:
    """One annotated face, not yet decoded."""

    path: Path
    landmarks: np.ndarray  # float64 (68, 2), pixels of the stored image, centres at whole numbers from 0
    visible: np.ndarray | None  # bool (68,), or None where the annotation does not say
    person: str  # who, within the source; an image of nobody known is its own person
    name: str  # the image's path inside the source, with "/"
    source: str


@dataclass(frozen=True)
class Skip:
    """One item that cannot be used, and the reason in a few words."""

    source: str
    name: str
    reason: str
