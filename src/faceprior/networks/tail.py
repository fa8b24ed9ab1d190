"""From aligned features and heatmaps to the face: branch A, branch B (the skip) and their fusion."""

import torch
from torch import Tensor, nn

from .blocks import Plain, Residual
from .config import HR_SIZE


class Tail(nn.Module):
    """How the branches meet; the tails below say what they are made of. `b` is None without the skip."""

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


class ShuffleTail(Tail):
    """Both branches at the HEB's resolution, in plain residual blocks; each doubling is a pixel shuffle.

    Deviation for speed: wide layers at few pixels are what processors do fastest. `size`: 16, 32 or 64 px.
    (B, a, size, size), (B, b, size, size) -> (B, 3, 128, 128), linear.
    """

    def __init__(
        self,
        a: int,
        b: int,
        branch_a: tuple[int, int],
        branch_b: int,
        fusion: tuple[int, int, int],
        blocks: tuple[int, int, int],
        size: int,
    ):
        super().__init__()
        a1, _ = branch_a
        f1, f2, f3 = fusion
        deep, skip, fused = blocks
        self.a = nn.Sequential(_conv(a, a1), *_plain(a1, deep))
        self.b = nn.Sequential(_conv(b, branch_b), *_plain(branch_b, skip)) if b else None
        layers = [_conv(a1 + (branch_b if b else 0), f1)]
        width = f1
        while size < HR_SIZE // 2:
            layers += [*_plain(width, fused), _conv(width, 4 * f2), nn.PixelShuffle(2)]
            width, size = f2, size * 2
        layers += [*_plain(width, fused), nn.ReLU(), _conv(width, 4 * f3), nn.PixelShuffle(2), nn.ReLU(), _conv(f3, 3)]
        self.fusion = nn.Sequential(*layers)


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _plain(channels: int, count: int) -> list[nn.Module]:
    return [Plain(channels) for _ in range(count)]
