"""Ma et al. (Pattern Recognition 2010): hallucinating a face by position-patches.

Each LR patch x is written as Y w, a weighted sum of the training faces' LR patches *at the same position*, with
weights that sum to one; the HR patch is then H w, and overlaps are averaged. With more faces than a patch has
values the weights are not unique; the usual answer is taken, the smallest ones: min |x - Y w|^2 + ridge |w|^2.

These weights need not be formed. With S = Y Y' and K = (S + ridge I)^-1, the Lagrangian's solution is

    w = Y' K x + (1 - s' K x) / (M - s' K s) (1 - Y' K s),    s = Y 1, M faces,

which is affine in x, so H w is too, and needs of H only H Y' and H 1. All faces of the training split therefore fit a
dictionary of fixed size (one affine map a position: 29 MB by default) and restoring is one batched product.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ..config import HR_SIZE, LR_SIZE
from .config import MaConfig
from .learning import Batches
from .stn0 import AlignedNetwork

SCALE = HR_SIZE // LR_SIZE


class PositionPatches(AlignedNetwork):
    """No training loop: `learn` goes over the faces once.

    What the dictionary's LR faces are decides on which side of bicubic the system lands (docs/results): reduced from
    the HR faces, as published, it does not know STN0's errors; `dictionary = "stn0"` does.
    """

    closed_form = True

    def __init__(self, config: MaConfig | None = None):
        super().__init__()
        self.config = c = config or MaConfig()
        self.places = starts(c.patch, c.stride)
        n, low, high = len(self.places) ** 2, 3 * c.patch**2, 3 * (c.patch * SCALE) ** 2
        self.register_buffer("matrix", torch.zeros(n, high, low))
        self.register_buffer("offset", torch.zeros(n, high))

    @property
    def passes(self) -> int:
        return self.config.passes

    @torch.no_grad()
    def learn(self, batches: Batches) -> None:
        n, high, low = self.matrix.shape
        device = self.matrix.device
        # float64: S is nearly singular, and a GPU's float32 products keep ten bits.
        yy = torch.zeros(n, low, low, dtype=torch.float64, device=device)
        hy = torch.zeros(n, high, low, dtype=torch.float64, device=device)
        y1 = torch.zeros(n, low, dtype=torch.float64, device=device)
        h1 = torch.zeros(n, high, dtype=torch.float64, device=device)
        faces = 0
        for batch in batches():
            hr = batch.hr.to(device)
            aligned = reduced(hr) if self.config.dictionary == "true" else self.stn0.align(batch.lr.to(device))[0]
            y = self.cut(aligned, 1).permute(1, 0, 2).double()
            h = self.cut(hr, SCALE).permute(1, 0, 2).double()
            yy += y.transpose(1, 2) @ y
            hy += h.transpose(1, 2) @ y
            y1 += y.sum(1)
            h1 += h.sum(1)
            faces += y.shape[1]
        matrix, offset = solve(yy, hy, y1, h1, faces, self.config.ridge)
        self.matrix.copy_(matrix)
        self.offset.copy_(offset)

    def restore(self, aligned: Tensor) -> Tensor:
        patches = self.cut(aligned, 1).permute(1, 2, 0)  # n, low, B
        high = torch.baddbmm(self.offset[:, :, None], self.matrix, patches)  # n, high, B
        return self.join(high.permute(2, 0, 1))

    def cut(self, x: Tensor, scale: int) -> Tensor:
        """(B, 3, 16 scale, 16 scale) -> (B, n, values): the patches at every position, row by row."""
        side = self.config.patch * scale
        corners = [(i * scale, j * scale) for i in self.places for j in self.places]
        return torch.stack([x[..., i : i + side, j : j + side].flatten(1) for i, j in corners], 1)

    def join(self, patches: Tensor) -> Tensor:
        """HR patches (B, n, values) -> (B, 3, 128, 128), the mean where they overlap."""
        n, side = len(self.places), self.config.patch * SCALE
        tiles = patches.unflatten(1, (n, n)).unflatten(3, (3, side, side))  # B, rows, columns, 3, side, side
        bands = self._overlap(tiles.unbind(1), (0, 0))  # B, columns, 3, 128, side
        image = self._overlap(bands.unbind(1), None)
        count = self._overlap([patches.new_ones(side)] * n, None)
        return image / (count[:, None] * count)

    def _overlap(self, parts: Sequence[Tensor], after: tuple[int, int] | None) -> Tensor:
        """The sum of strips at their places along one axis, the last one, or with `after` the last but one.

        Padded and added, not written in place: it exports to any runtime.
        """
        total = None
        for start, part in zip(self.places, parts, strict=True):
            before = start * SCALE
            edges = (*(after or ()), before, HR_SIZE - before - self.config.patch * SCALE)
            strip = F.pad(part, edges)
            total = strip if total is None else total + strip
        return total


def reduced(hr: Tensor) -> Tensor:
    """Upright HR (B, 3, 128, 128) -> the LR (B, 3, 16, 16) that an upright face would have had, 8-bit values."""
    lr = F.interpolate(hr, size=(LR_SIZE, LR_SIZE), mode="bicubic", align_corners=False, antialias=True)
    return ((lr + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def starts(patch: int, stride: int) -> list[int]:
    """First pixels of the patches along one axis; the last patch ends at the edge."""
    found = list(range(0, LR_SIZE - patch + 1, stride))
    return found if found[-1] == LR_SIZE - patch else [*found, LR_SIZE - patch]


def solve(
    yy: Tensor, hy: Tensor, y1: Tensor, h1: Tensor, faces: int, ridge: float
) -> tuple[Tensor, Tensor]:
    """Y Y' (n, low, low), H Y' (n, high, low), Y 1 (n, low), H 1 (n, high) -> H w = matrix x + offset, a position."""
    identity = torch.eye(yy.shape[-1], dtype=yy.dtype, device=yy.device)
    k = torch.linalg.inv(yy + ridge * identity)
    ks = (k @ y1[..., None])[..., 0]
    rest = (h1 - (hy @ ks[..., None])[..., 0]) / (faces - (y1 * ks).sum(-1, keepdim=True))
    return hy @ k - rest[..., None] * ks[:, None], rest
