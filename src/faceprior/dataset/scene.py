"""What lies around the faces of a batch: their truth in any frame, not the label's alone.

A network chooses a frame when it predicts a transform, and where labels are noisy that frame is not the label's. Held
against the label's frame the difference is learned as blur; here the truth is rendered in the chosen one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .context import CONTEXT, HR, OFFSET
from .degrade import quantise, render
from .recolour import recolour


@dataclass
class Scene:
    """Transforms (B, 2, 3) map normalised coordinates of an upright frame to the normalised unaligned input, as
    `MTUNOutput.transform` does."""

    contexts: Tensor  #  uint8 (B, 3, 224, 224)
    inverse: Tensor  #   float32 (B, 2, 3): unaligned -> the context's HR frame, normalised; mirrored where the face is
    corners: Tensor  #   float32 (B, 4, 2): the photo's corners, context pixels
    jitter: Tensor | None = None  # (B, 6): how the batch was recoloured

    def to(self, device: torch.device) -> "Scene":
        jitter = None if self.jitter is None else self.jitter.to(device)
        return Scene(self.contexts.to(device), self.inverse.to(device), self.corners.to(device), jitter)

    def truth(self, transform: Tensor) -> Tensor:
        """float32 (B, 3, 128, 128) in [-1, 1], 8-bit values: the face in the frame that `transform` sets upright."""
        images = render(self.contexts, self._to_context(transform)).div_(127.5).sub_(1)
        if self.jitter is not None:
            recolour(images, self.jitter)
        return images

    def inside(self, transform: Tensor) -> Tensor:
        """bool (B, 128, 128): the pixels that the photo and the context cover; what lies outside was replicated."""
        x, y = self._points(self._to_context(transform))
        result = (torch.maximum(x.abs(), y.abs()) <= CONTEXT / HR).clone()
        start = (self.corners.to(x) - OFFSET + 0.5) * (2 / HR) - 1
        edge = start.roll(-1, 1) - start
        for k in range(4):  # on the right of each edge of a convex quadrilateral that runs clockwise on screen
            (x0, y0), (dx, dy) = start[:, k].T[..., None, None], edge[:, k].T[..., None, None]
            result &= dx * (y - y0) - dy * (x - x0) >= 0
        return result

    def seen(self, transform: Tensor) -> Tensor:
        """bool (B, 128, 128): the pixels that lie within the LR; of the others a network can only guess."""
        x, y = self._points(transform.float())
        return torch.maximum(x.abs(), y.abs()) <= 1

    def _to_context(self, transform: Tensor) -> Tensor:
        last = transform.new_tensor([[0.0, 0.0, 1.0]], dtype=torch.float32).expand(len(transform), 1, 3)
        return self.inverse @ torch.cat([transform.float(), last], 1)

    @staticmethod
    def _points(matrix: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 2, 3) -> where it sends the pixels of 128x128, x and y, each (B, 128, 128)."""
        grid = F.affine_grid(matrix, [len(matrix), 1, HR, HR], align_corners=False)
        return grid[..., 0], grid[..., 1]


def bicubic_upright(lr: Tensor, transform: Tensor) -> Tensor:
    """The floor of every frame: LR (B, 3, h, w) in [-1, 1] enlarged by an anti-aliased bicubic as Pillow's, then set
    upright by `transform`, edges replicated -> float32 (B, 3, 128, 128), 8-bit values."""
    large = F.interpolate(lr.float(), (HR, HR), mode="bicubic", align_corners=False, antialias=True)
    large = quantise(large.add(1).mul_(127.5))
    grid = F.affine_grid(transform.float(), list(large.shape), align_corners=False)
    upright = F.grid_sample(large, grid, "bicubic", "border", align_corners=False)
    return quantise(upright).div_(127.5).sub_(1)
