"""How soft a photo is: by its lens, its camera's filter and demosaicing, a scanner, an enlargement; measured.

Networks learn what a photo's pixels mean from faces that were reduced and nothing else. At the size at which they take
a photo, most cameras leave less of its fine than a reduction does, and what the networks make of that is soft, too. The
regression that tells what sharpening added (`sharpened.py`) tells what is missing as well. What an enlargement lacks no
filter brings back: a second small regression tells such pictures (`benchmarks/softened.py --fit`).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .quality import grain, told
from .regression import regression
from .sharpened import FINE, MIDDLE, Sharpening, describe, octaves, sharpened_by

# Octaves at FINE: as little is missing of photos that were reduced and nothing else, of so many pixels at the shorter
# side.
NOTHING, SIDES = (-1.2, -0.7), (64, 200)
# Times that a wave is raised at most, by what the photo is told as of JPEG (`quality.told`), whose errors rise, too.
MOST, ROUGH = (4.0, 3.0, 2.0, 1.5, 1.0), (0.0, 0.08, 0.25, 0.5, 1.0)
GRAIN = 3.0  # grey levels: what its quietest patches hold is not raised to more, or it counted as noise
SURE, ENLARGED = 0.1, 0.35  # octaves of enlargement: up to the first all is raised, from the second on nothing
LEAST = 1.2  # times: less is not worth it
HIGHEST = 0.5  # cycles a pixel: what is beyond, along the diagonals, is raised as that


@dataclass(frozen=True)
class Softness:
    """fine, middle: octaves that waves of FINE and MIDDLE cycles a pixel lost
    most: times that any is raised at most
    """

    fine: float
    middle: float
    most: float

    NAME: ClassVar[str] = "softness"

    @property
    def sigma(self) -> float:
        """Of the Gaussian that takes as much at FINE, in pixels."""
        return float(np.sqrt(self.fine * np.log(2) / 2) / (np.pi * FINE))

    def to_dict(self) -> dict[str, float]:
        return {"sigma": round(self.sigma, 2)}

    def gain(self, frequency: np.ndarray | float) -> np.ndarray | float:
        """What it multiplies waves of so many cycles a pixel by, as far as that is to be undone: a Gaussian where
        both numbers agree to one, else the even polynomial through them."""
        square = np.minimum(frequency, HIGHEST) ** 2
        one, other = FINE**2, MIDDLE**2
        fourth = (self.fine / one - self.middle / other) / (one - other)
        second = self.middle / other - fourth * other
        return 2.0 ** -np.clip(second * square + fourth * square**2, 0.0, np.log2(self.most))


Response = Sharpening | Softness  # what became of a picture's waves, that is to be undone


def undone(found: Response | None, *, keep_sharpening: bool, keep_softness: bool) -> Response | None:
    """What of it is to be undone."""
    return None if (keep_softness if isinstance(found, Softness) else keep_sharpening) else found


def named(found: Response | None) -> dict[str, Response]:
    """As results have what was undone."""
    return {} if found is None else {found.NAME: found}


def raised(fine: float, middle: float, most: float) -> Softness | None:
    """What `octaves` finds missing; None where raising it so many times is not worth it."""
    return Softness(-fine, max(0.0, -middle), most) if most >= LEAST else None


def most_of(rgb: np.ndarray) -> float:
    """How many times its grain lets the waves of a photo, or of a part of it, be raised."""
    return GRAIN / max(grain(rgb), GRAIN / MOST[0])


def response_of(rgb: np.ndarray, quality: float | None = None) -> Response | None:
    """uint8 (H, W, 3) -> by what its fine waves are more or less than those of a photo that was reduced and nothing
    else; None where they are not, or too little is seen. quality: as for `sharpening_of`."""
    seen = describe(rgb, quality)
    if seen is None:
        return None
    fine, middle = octaves(seen)
    side = min(rgb.shape[:2])
    sharpened = sharpened_by(fine, middle, side)
    if sharpened is not None or fine >= np.interp(side, SIDES, NOTHING):
        return sharpened
    own = np.interp(float(regression("enlarged", seen)[0]), (SURE, ENLARGED), (1, 0))
    if 1 + own * (MOST[0] - 1) < LEAST:
        return None
    most = min(float(np.interp(told(rgb, quality)[0], ROUGH, MOST)), most_of(rgb))
    return raised(fine, middle, float(1 + own * (most - 1)))
