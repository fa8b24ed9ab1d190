"""Faces of a batch as photos bring them, on NumPy arrays alone: a process that does only this needs no PyTorch."""

import numpy as np
from PIL import Image

from .rough import Chances, reduced_condition, roughen

KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BOX)
LARGEST = 4.0  #  times the LR: the widest that a face is in its photo, before it is cut and reduced
CHANCES = Chances(grey=0.0)  # the HR would have to be grey, too


def spoil(pixels: np.ndarray, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (B, 128, 128, 3) -> uint8 (B, size, size, 3), each spoilt its way, and float32 (B, 2), the `condition` of
    each."""
    rng = np.random.default_rng(seed)
    faces, conditions = zip(*(_spoil(Image.fromarray(face), size, rng) for face in pixels), strict=True)
    return np.stack(faces), np.array(conditions, np.float32)


def _spoil(face: Image.Image, size: int, rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """RGB 128x128 -> uint8 (size, size, 3), and its condition."""
    side = round(min(face.width, size * LARGEST ** rng.random()))
    photo, condition = roughen(np.asarray(face.resize((side, side), _kernel(rng))), rng, CHANCES)
    lr = np.asarray(Image.fromarray(photo).resize((size, size), _kernel(rng)))
    return lr, reduced_condition(condition, size / side)


def _kernel(rng: np.random.Generator) -> Image.Resampling:
    return KERNELS[rng.integers(len(KERNELS))]
