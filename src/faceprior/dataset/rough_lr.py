"""LR faces as photos bring them: reduced by some camera or program, blurred, grainy, kept as JPEG, cut and reduced again.

An augmentation of training. Nothing is moved, so the transform of a face stays true.
"""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BOX)
LARGEST = 4.0  #           times the LR: the widest that a face is in its photo, before it is cut and reduced
BLURRED, GRAINY, COMPRESSED, TWICE = 0.35, 0.35, 0.75, 0.2  # chances
BLUR = 0.6  #              LR pixels: the largest standard deviation
GRAIN = 14.0  #            levels in the photo: the largest standard deviation
QUALITY = (40, 96)  #      of JPEG, the upper one left out
SUBSAMPLING = (0, 2, 2)  # 4:4:4 and, twice as often, 4:2:0


def rough_lr(frames: Tensor, size: int, seed: int) -> Tensor:
    """(B, 3, 128, 128) frames, 8-bit values on the 0..255 scale -> (B, 3, size, size), the same, each spoilt its way."""
    rng = np.random.default_rng(seed)
    pixels = frames.round().byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    spoilt = np.stack([_spoil(Image.fromarray(face), size, rng) for face in pixels])
    return torch.from_numpy(spoilt).to(frames.device).permute(0, 3, 1, 2).float()


def _spoil(face: Image.Image, size: int, rng: np.random.Generator) -> np.ndarray:
    """RGB 128x128 -> uint8 (size, size, 3)."""
    side = round(min(face.width, size * LARGEST ** rng.random()))
    photo = np.asarray(face.resize((side, side), _kernel(rng)), np.float32)
    if rng.random() < BLURRED:
        photo = _blurred(photo, rng.random() * BLUR * side / size)
    if rng.random() < GRAINY:
        photo = photo + _grain(photo.shape, rng) * (rng.random() * GRAIN)
    photo = np.clip(np.round(photo), 0, 255).astype(np.uint8)
    if rng.random() < COMPRESSED:
        for _ in range(2 if rng.random() < TWICE else 1):
            photo = jpeg(photo, int(rng.integers(*QUALITY)), int(rng.choice(SUBSAMPLING)), rng)
    return np.asarray(Image.fromarray(photo).resize((size, size), _kernel(rng)))


def _kernel(rng: np.random.Generator) -> Image.Resampling:
    return KERNELS[rng.integers(len(KERNELS))]


def _blurred(photo: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian, edges replicated."""
    reach = int(np.ceil(3 * sigma))
    if reach == 0:
        return photo
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        pad = [(0, 0)] * 3
        pad[axis] = (reach, reach)
        padded = np.pad(photo, pad, mode="edge")
        parts = (np.take(padded, range(i, i + photo.shape[axis]), axis) * w for i, w in enumerate(weights))
        photo = sum(parts)
    return photo


def _grain(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Noise of standard deviation about 1: of each channel, or of the luma alone as film and denoised cameras have."""
    channels = shape[-1] if rng.random() < 0.5 else 1
    return rng.standard_normal((*shape[:-1], channels), np.float32)


def jpeg(photo: np.ndarray, quality: int, subsampling: int, rng: np.random.Generator) -> np.ndarray:
    """uint8 (H, W, 3) -> the same as JPEG keeps it, its blocks of 8 px starting somewhere (a face is a part of a photo)."""
    height, width = photo.shape[:2]
    top, left = rng.integers(0, 16, 2)
    padded = np.pad(photo, ((top, -(top + height) % 16), (left, -(left + width) % 16), (0, 0)), mode="edge")
    file = io.BytesIO()
    Image.fromarray(padded).save(file, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(file) as image:
        return np.asarray(image)[top : top + height, left : left + width]
