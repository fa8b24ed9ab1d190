"""The mean face that CBN carries: its landmarks, how it deforms, and where its high frequencies lie.

Coordinates are normalised and upright: -1 and 1 are the outer edges of the face's first and last pixel.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...face.components import LANDMARKS
from ..config import HR_SIZE, LR_SIZE
from .learning import Batches
from .stn0 import enlarge

FIELD = 32  # pixels a side of the correspondence field; it is smooth, so it is enlarged bilinearly
INVERSIONS = 3  # fixed-point steps; a field of 0.1 that changes by a third over the face is inverted to 0.001


class MeanFace(nn.Module):
    """Buffers alone, filled by `learn`: everything that CBN knows before it is trained.

    `shape` (68, 2); `moves` (bases, 68, 2), the principal deformations of the landmarks, one standard deviation
    each; `dense` (bases, 2, 32, 32), the same for every point of the template, by a thin-plate spline whose frame
    stays put; `prior` (contours, 128, 128).
    """

    def __init__(self, bases: int, contours: int):
        super().__init__()
        self.register_buffer("shape", torch.zeros(LANDMARKS, 2))
        self.register_buffer("moves", torch.zeros(bases, LANDMARKS, 2))
        self.register_buffer("dense", torch.zeros(bases, 2, FIELD, FIELD))
        self.register_buffer("prior", torch.zeros(contours, HR_SIZE, HR_SIZE))

    def landmarks(self, p: Tensor) -> Tensor:
        """Deformation coefficients (B, bases) -> (B, 68, 2)."""
        with torch.autocast(p.device.type, enabled=False):  # bf16 is half a pixel off
            return self.shape + torch.einsum("bk,kld->bld", p.float(), self.moves)

    def field(self, p: Tensor) -> Tensor:
        """(B, bases) -> (B, 2, 32, 32): the displacement of each template point; W(z) = z + field(z)."""
        with torch.autocast(p.device.type, enabled=False):
            return torch.einsum("bk,kdhw->bdhw", p.float(), self.dense)

    def prior_in(self, p: Tensor, size: int) -> Tensor:
        """The prior brought from the template into the images, (B, contours, size, size)."""
        displacement = self.field(p)
        here = grid(FIELD, displacement)
        z = here.expand(p.shape[0], -1, -1, -1)  # not len(): a traced graph keeps its number of faces
        for _ in range(INVERSIONS):  # z = x - field(z), for x on the grid
            z = here - sample(displacement, z)
        z = grid(size, displacement) + F.interpolate(z - here, size=(size, size), mode="bilinear", align_corners=False)
        prior = F.adaptive_avg_pool2d(self.prior, size) if size < HR_SIZE else self.prior
        return sample(prior[None].expand(p.shape[0], -1, -1, -1), z)

    @torch.no_grad()
    def learn(self, batches: Batches) -> None:
        """Two passes over the faces: landmarks, then residuals in the template."""
        device = self.shape.device
        points = torch.cat([batch.landmarks.to(device) for batch in batches()])
        usable = torch.isfinite(points).flatten(1).all(1)
        points = (points[usable] + 0.5) * (2 / HR_SIZE) - 1
        self.shape.copy_(points.mean(0))
        _, spread, axes = torch.linalg.svd((points - self.shape).flatten(1).double(), full_matrices=False)
        rank = min(len(self.moves), len(spread))
        moves = axes[:rank] * (spread[:rank] / max(1, len(points) - 1) ** 0.5)[:, None]
        self.moves[:rank] = moves.unflatten(1, (LANDMARKS, 2)).float()
        self.dense.copy_(thin_plate(self.shape, self.moves, grid(FIELD, self.shape)[0].permute(1, 2, 0)))

        total = torch.zeros(HR_SIZE, HR_SIZE, device=device)
        for batch in batches():
            hr, lm = batch.hr.to(device), batch.landmarks.to(device)
            ok = torch.isfinite(lm).flatten(1).all(1)
            hr, lm = hr[ok], (lm[ok] + 0.5) * (2 / HR_SIZE) - 1
            reduced = F.interpolate(hr, size=(LR_SIZE, LR_SIZE), mode="bicubic", align_corners=False, antialias=True)
            residual = (hr - enlarge(reduced, HR_SIZE)).abs().mean(1, keepdim=True)
            displacement = F.interpolate(
                self.field(self.coefficients(lm)), size=(HR_SIZE, HR_SIZE), mode="bilinear", align_corners=False
            )
            total += sample(residual, grid(HR_SIZE, hr) + displacement)[:, 0].sum(0)
        self.prior.copy_(contours(total / max(1, int(usable.sum())), len(self.prior)))

    def coefficients(self, landmarks: Tensor) -> Tensor:
        """(B, 68, 2) -> (B, bases): the projection on the deformations."""
        energy = self.moves.flatten(1).square().sum(1).clamp_min(1e-12)
        return torch.einsum("bld,kld->bk", landmarks - self.shape, self.moves) / energy


def contours(magnitude: Tensor, count: int) -> Tensor:
    """A map of mean residual magnitudes (H, W) -> (count, H, W): smoothed, parted into `count` levels of equal area,
    one a channel; within its channel a level keeps its magnitude, of the strongest."""
    kernel = torch.exp(-(torch.arange(-6, 7, device=magnitude.device) ** 2) / (2 * 2.0**2))
    kernel = (kernel / kernel.sum()).to(magnitude.dtype)
    x = F.pad(magnitude[None, None], (6, 6, 6, 6), mode="replicate")
    x = F.conv2d(F.conv2d(x, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))[0, 0]
    levels = torch.quantile(x.flatten(), torch.linspace(0, 1, count + 1, device=x.device)[1:-1])
    level = torch.bucketize(x, levels)
    channels = torch.arange(count, device=x.device).view(-1, 1, 1)
    return torch.where(level == channels, x / x.max().clamp_min(1e-12), 0)


def thin_plate(points: Tensor, moves: Tensor, at: Tensor) -> Tensor:
    """Displacements `moves` (K, L, 2) of `points` (L, 2) -> of every point of `at` (H, W, 2): (K, 2, H, W).

    Sixteen points of the frame stay where they are, so that the background does not fly off.
    """
    t = torch.linspace(-1.0, 1.0, 5, device=points.device)
    edge = torch.cartesian_prod(t, t)
    edge = edge[(edge.abs() > 0.99).any(1)]
    known = torch.cat([points, edge]).double()
    target = torch.cat([moves, moves.new_zeros(len(moves), len(edge), 2)], 1).double()

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squared = torch.cdist(a, b).square()
        return squared * torch.log(squared.clamp_min(1e-12)) / 2

    def plane(a: Tensor) -> Tensor:
        return torch.cat([torch.ones_like(a[:, :1]), a], 1)

    n = len(known)
    system = torch.zeros(n + 3, n + 3, dtype=torch.float64, device=points.device)
    system[:n, :n] = kernel(known, known) + 1e-3 * torch.eye(n, dtype=torch.float64, device=points.device)
    system[:n, n:], system[n:, :n] = plane(known), plane(known).T
    right = torch.cat([target, target.new_zeros(len(target), 3, 2)], 1)
    weights = torch.linalg.solve(system, right.permute(1, 0, 2).flatten(1))  # n + 3, K * 2
    flat = at.reshape(-1, 2).double()
    values = torch.cat([kernel(flat, known), plane(flat)], 1) @ weights  # H W, K * 2
    return values.view(*at.shape[:2], len(moves), 2).permute(2, 3, 0, 1).float()


def grid(size: int, like: Tensor) -> Tensor:
    """(1, 2, size, size): x and y of every pixel's centre, normalised."""
    t = (torch.arange(size, device=like.device, dtype=torch.float32) + 0.5) * (2 / size) - 1
    return torch.stack([t.view(1, -1).expand(size, -1), t.view(-1, 1).expand(-1, size)])[None]


def sample(x: Tensor, at: Tensor) -> Tensor:
    """(B, C, h, w) at the normalised points (B, 2, H, W) -> (B, C, H, W), float32 (bf16 grids are half a pixel off)."""
    with torch.autocast(x.device.type, enabled=False):
        return F.grid_sample(x.float(), at.float().permute(0, 2, 3, 1), "bilinear", "border", align_corners=False)
