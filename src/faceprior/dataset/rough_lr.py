"""LR faces as photos bring them: the face in a photo of some size, what photos go through, cut and reduced again.

An augmentation of training. Nothing is moved, so the transform of a face stays true.
"""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .rough import Chances, reduced_condition, roughen

KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BOX)
LARGEST = 4.0  #  times the LR: the widest that a face is in its photo, before it is cut and reduced
CHANCES = Chances(grey=0.0)  # the HR would have to be grey, too


def rough_lr(frames: Tensor, size: int, seed: int) -> tuple[Tensor, Tensor]:
    """(B, 3, 128, 128) frames, 8-bit values on the 0..255 scale -> (B, 3, size, size), alike, each spoilt its way, and
    the `condition` (B, 2) of each."""
    rng = np.random.default_rng(seed)
    pixels = frames.round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    faces, conditions = zip(*(_spoil(Image.fromarray(face), size, rng) for face in pixels), strict=True)
    spoilt = torch.from_numpy(np.stack(faces)).to(frames.device).permute(0, 3, 1, 2).float()
    return spoilt, torch.tensor(conditions, dtype=torch.float32, device=frames.device)


def _spoil(face: Image.Image, size: int, rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """RGB 128x128 -> uint8 (size, size, 3), and its condition."""
    side = round(min(face.width, size * LARGEST ** rng.random()))
    photo, condition = roughen(np.asarray(face.resize((side, side), _kernel(rng))), rng, CHANCES)
    lr = np.asarray(Image.fromarray(photo).resize((size, size), _kernel(rng)))
    return lr, reduced_condition(condition, size / side)


def _kernel(rng: np.random.Generator) -> Image.Resampling:
    return KERNELS[rng.integers(len(KERNELS))]
