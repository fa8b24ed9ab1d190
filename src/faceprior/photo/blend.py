"""How much of a restored face goes onto the canvas: as much as it is better than the canvas there.

On Lanczos a restored face is better wherever it is believed. The canvas network is a match for it: it knows no faces,
but sees every pixel of them, where a face network of 16 pixels sees 16. Mean squared error on real faces is a parabola
of the strength; its least by size, and by how well the face agrees with the photo's own pixels, is measured
(`benchmarks/blend.py`) and kept here.
"""

import numpy as np

SIZES = (10.0, 14.0, 18.0, 24.0, 32.0)  # pixels of the cut square in the photo
CLEAN = (0.25, 0.50, 0.42, 0.23, 0.10)
ROUGH = (0.45, 0.52, 0.52, 0.35, 0.20)  # from JPEG 75, where the canvas has less to see; beyond 18 px not measured
ROUGH_AT = 0.4  # the condition q of JPEG 76
ROUGH_FROM = 0.1  # JPEG 94, noise of 2.5 grey levels: from there on the canvas is of the weights for rough photos
CONSISTENCY = (35.0, 43.0)  # dB, of nearly all faces
RELIABLE = (0.7, 1.3)  # times the strength: a face that agrees less, one that agrees more


def face_strength(side: float, consistency: float | None, condition: tuple[float, float] | None) -> float:
    """0..1 for a face of `side` pixels on a canvas that the network painted, told `condition`; on Lanczos
    (None) 1. consistency: dB, as of `lr_consistency`."""
    if condition is None:
        return 1.0
    rough = min(1.0, max(condition) / ROUGH_AT)
    strength = (1 - rough) * np.interp(side, SIZES, CLEAN) + rough * np.interp(side, SIZES, ROUGH)
    if consistency is not None and np.isfinite(consistency):
        strength *= np.interp(consistency, CONSISTENCY, RELIABLE)
    return float(np.clip(strength, 0, 1))


def is_rough(condition: tuple[float, float] | None) -> bool:
    """Whether what the photo holds is better taken from the canvas, which a network painted without its blocks."""
    return condition is not None and max(condition) >= ROUGH_FROM
