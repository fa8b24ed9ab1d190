"""From aligned features and heatmaps to the face: branch A, branch B (the skip) and their fusion."""

import torch
from torch import Tensor, nn

from .blocks import Residual


class Tail(nn.Module):
    """How the branches meet; the two tails below say what they are made of. `b` is None without the skip."""

    a: nn.Module
    b: nn.Module | None
    fusion: nn.Module

    def forward(self, guided: Tensor, aligned: Tensor) -> Tensor:
        x = self.a(guided)
        if self.b is not None:
            x = torch.cat([x, self.b(aligned)], 1)
        return self.fusion(x)


class PaperTail(Tail):
    """64 px -> 128 px with the fusion's convolutions at 128 px.

    `a` channels into branch A (features and heatmaps), `b` into branch B (features alone; 0 = no skip).
    (B, a, 64, 64), (B, b, 64, 64) -> (B, 3, 128, 128), linear.
    """

    def __init__(
        self, a: int, b: int, branch_a: tuple[int, int], branch_b: int, fusion: tuple[int, int, int]
    ):
        super().__init__()
        a1, a2 = branch_a
        f1, f2, f3 = fusion
        self.a = nn.Sequential(
            *(nn.Conv2d(a, a1, 3, padding=1), Residual(a1), nn.ReLU()),
            *(nn.Upsample(scale_factor=2), nn.Conv2d(a1, a2, 3, padding=1), Residual(a2), nn.ReLU()),
        )
        self.b = (
            nn.Sequential(
                nn.Upsample(scale_factor=2),
                nn.Conv2d(b, branch_b, 3, padding=1),
                Residual(branch_b),
                nn.ReLU(),
            )
            if b
            else None
        )
        self.fusion = nn.Sequential(
            *(
                nn.Conv2d(a2 + (branch_b if b else 0), f1, 3, padding=1),
                Residual(f1, f2),
                Residual(f2),
                nn.ReLU(),
            ),
            *(nn.Conv2d(f2, f3, 3, padding=1), Residual(f3), nn.ReLU()),
            nn.Conv2d(f3, 3, 5, padding=2),
        )



class SubpixelTail(Tail):
    """The same branches and fusion at 64 px; a pixel shuffle and one small convolution make 128 px of them.

    Deviation for speed: at 128 px a convolution costs four times as much, and a 16 px input holds little
    that 64 px features cannot carry. Same inputs and output as `PaperTail`.
    """

    def __init__(
        self, a: int, b: int, branch_a: tuple[int, int], branch_b: int, fusion: tuple[int, int, int]
    ):
        super().__init__()
        a1, _ = branch_a
        f1, f2, f3 = fusion
        self.a = nn.Sequential(nn.Conv2d(a, a1, 3, padding=1), Residual(a1), nn.ReLU())
        self.b = (
            nn.Sequential(nn.Conv2d(b, branch_b, 3, padding=1), Residual(branch_b), nn.ReLU()) if b else None
        )
        self.fusion = nn.Sequential(
            *(nn.Conv2d(a1 + (branch_b if b else 0), f1, 3, padding=1), Residual(f1), Residual(f1, f2)),
            *(Residual(f2), nn.ReLU(), nn.Conv2d(f2, 4 * f3, 3, padding=1), nn.PixelShuffle(2), nn.ReLU()),
            nn.Conv2d(f3, 3, 3, padding=1),
        )
