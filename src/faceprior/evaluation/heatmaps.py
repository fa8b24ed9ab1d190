"""Quality of predicted component heatmaps: where is each component, and is it visible at all?"""

import numpy as np
import torch
from torch import Tensor

from ..face.components import COMPONENTS, VISIBLE

SIZE = 64  # the pixels in which errors are given
FLOOR = 0.2  # of a map's own peak: what is lower does not pull its centre (regressed maps are never quite empty)


def centres(maps: Tensor) -> Tensor:
    """(N, 4, R, R) -> (N, 4, 2) as (x, y) in pixels of 64: the centroid of what reaches `FLOOR` of the peak.

    The middle of the map where nothing is positive.
    """
    size = maps.shape[-1]
    maps = maps.double()
    peak = maps.amax((-2, -1), keepdim=True)
    weight = torch.where((maps >= FLOOR * peak) & (maps > 0), maps, 0)
    t = (torch.arange(size, device=maps.device, dtype=maps.dtype) + 0.5) * (SIZE / size) - 0.5
    total = weight.sum((-2, -1))
    x, y = (weight.sum(-2) * t).sum(-1), (weight.sum(-1) * t).sum(-1)
    empty = total <= 0
    xy = torch.stack([x, y], -1) / total.where(~empty, torch.ones_like(total))[..., None]
    return torch.where(empty[..., None], (SIZE - 1) / 2, xy)


def score_heatmaps(maps: Tensor, truth: Tensor, kernels: Tensor) -> dict[str, np.ndarray]:
    """Predicted (N, 4, R, R) and true (N, 4, 64, 64) maps, kernels (N, 4) -> per-face figures, each float64 (N,).

    `centre_eyes` ...: distance of the centres, pixels of 64, NaN where the component is invisible; `centre`: mean over
    the face's visible components; `visibility`: part of the four components judged rightly, `visibility_eyes` ...: 1
    where that one is; `hidden_found`: part of the invisible ones judged invisible, NaN where all are visible.
    """
    visible = (kernels > 0).cpu().numpy()
    distance = torch.linalg.vector_norm(centres(maps) - centres(truth), dim=-1).cpu().numpy()
    distance = np.where(visible, distance, np.nan)
    seen = maps.amax((-2, -1)).cpu().numpy() >= np.array(VISIBLE)
    result = {f"centre_{name}": distance[:, i] for i, name in enumerate(COMPONENTS)}
    result["centre"] = _mean_where(distance, visible)
    result |= {f"visibility_{name}": (seen == visible)[:, i].astype(np.float64) for i, name in enumerate(COMPONENTS)}
    result["visibility"] = (seen == visible).mean(1)
    result["hidden_found"] = _mean_where(~seen, ~visible)
    return result


def _mean_where(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """(N, 4) -> (N,), NaN where nothing counts."""
    n = counted.sum(1)
    total = np.where(counted, values, 0).sum(1)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
