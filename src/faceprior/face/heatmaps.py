"""Ground-truth heatmaps of the four facial components (paper section 3.1), rendered in batches on any device."""

import math

import torch
from torch import Tensor

from .components import COMPONENT_LANDMARKS, LANDMARKS

HR = 128
SIGMA = 1 / 32  # of the map's side: 2 px at 64. The paper scales sigma with the map and gives no figure.


def kernel_energy(size: int) -> float:
    """Sum over pixels of one Gaussian kernel squared, pi sigma^2: the yardstick of the heatmap loss."""
    return math.pi * (SIGMA * size) ** 2


def visible_kernels(landmarks: Tensor, visible: Tensor) -> Tensor:
    """(B, 68, 2) HR pixels and (B, 68) bool -> bool (B, 68): visible and inside the HR frame."""
    inside = ((landmarks >= -0.5) & (landmarks <= HR - 0.5)).all(-1)
    return visible & inside


def render_heatmaps(landmarks: Tensor, visible: Tensor, size: int) -> Tensor:
    """Gaussians at the visible landmarks, joined by their maximum.

    `landmarks` float32 (B, 68, 2) in HR pixels (of 128), `visible` bool (B, 68) -> float32 (B, 4, size, size)
    in [0, 1]; the map of an invisible component is empty. Order: eyes, nose, mouth, chin.
    """
    if landmarks.shape[1:] != (LANDMARKS, 2):
        raise ValueError(f"landmarks: expected (B, {LANDMARKS}, 2), got {tuple(landmarks.shape)}")
    p = (landmarks + 0.5) * (size / HR) - 0.5
    t = torch.arange(size, device=p.device, dtype=p.dtype)
    kernels = torch.exp(-((t - p[..., None]) ** 2) / (2 * (SIGMA * size) ** 2))  # B, 68, 2, size
    across, downwards = kernels[:, :, 0], kernels[:, :, 1] * visible_kernels(landmarks, visible)[..., None]
    maps = []
    for points in COMPONENT_LANDMARKS.values():
        rows = list(points)
        maps.append((downwards[:, rows, :, None] * across[:, rows, None, :]).amax(1))
    return torch.stack(maps, 1)


def component_kernels(landmarks: Tensor, visible: Tensor) -> Tensor:
    """float32 (B, 4): N of Eq. 5, the visible landmarks of each component; 0 where it is not visible at all."""
    seen = visible_kernels(landmarks, visible)
    return torch.stack([seen[:, list(points)].sum(1) for points in COMPONENT_LANDMARKS.values()], 1).float()
