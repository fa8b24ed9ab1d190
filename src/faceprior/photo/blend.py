"""How much of a restored face goes onto the canvas: as much as it is better than the canvas there.

On Lanczos a restored face is better wherever it is believed. The canvas network is a match for it: it knows no faces,
but sees every pixel of them, where a face network sees 16 or 32. Mean squared error on real faces is a parabola of the
strength; its least by the face's detail, by how well the face agrees with the photo's own pixels, and for photos that
are blurred or were enlarged, is measured (`benchmarks/blend.py`) and kept here.
"""

import numpy as np

SIZES = (10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 36.0, 48.0, 64.0)  # pixels of detail across the cut square
CLEAN = (0.85, 0.85, 0.88, 0.80, 0.89, 0.76, 0.68, 0.45, 0.13)
ROUGH = (0.97, 0.97, 1.00, 0.87, 0.96, 1.00, 0.96, 0.86, 0.66)  # JPEG 75, where the canvas has less to see
SOFT = (0.6, 0.9)  # parts of its pixels that the face fills with detail: at the first, the face alone; see below
SOFT_SIZES = (48.0, 64.0)  # pixels of detail: up to the first that holds, at the second a third is best
ROUGH_AT = 0.4  # the condition q of JPEG 76
ROUGH_FROM = 0.1  # JPEG 94, noise of 2.5 grey levels: from there on the canvas is of the weights for rough photos
CONSISTENCY = (35.0, 43.0)  # dB, of nearly all faces
RELIABLE = (0.9, 1.1)  # times the strength: a face that agrees less, one that agrees more


def face_strength(
    detail: float, side: float, consistency: float | None, condition: tuple[float, float] | None
) -> float:
    """0..1 for a face of `side` pixels that hold the detail of `detail`, on a canvas that the network painted, told
    `condition`; on Lanczos (None) 1. consistency: dB, as of `lr_consistency`.

    The canvas network takes a blurred photo for what it is and leaves it so; there the face is better, up to 48 pixels
    of detail.
    """
    if condition is None:
        return 1.0
    rough = min(1.0, max(condition) / ROUGH_AT)
    strength = (1 - rough) * np.interp(detail, SIZES, CLEAN) + rough * np.interp(detail, SIZES, ROUGH)
    if consistency is not None and np.isfinite(consistency):
        strength *= np.interp(consistency, CONSISTENCY, RELIABLE)
    soft = np.interp(detail / side, SOFT, (1, 0)) * np.interp(detail, SOFT_SIZES, (1, 0.3))
    return float(np.clip(max(strength, soft), 0, 1))


def is_rough(condition: tuple[float, float] | None) -> bool:
    """Whether what the photo holds is better taken from the canvas, which a network painted without its blocks."""
    return condition is not None and max(condition) >= ROUGH_FROM
