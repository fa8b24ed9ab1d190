"""The small pieces that every part is made of."""

import torch
from torch import Tensor, nn


class Residual(nn.Module):
    """BN, ReLU, conv3 (Ni -> No), BN, ReLU, conv1, plus the input (through a 1x1 convolution where Ni != No).

    Paper section 3.4. (B, Ni, H, W) -> (B, No, H, W).
    """

    def __init__(self, inputs: int, outputs: int | None = None):
        super().__init__()
        outputs = outputs or inputs
        self.body = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 1),
        )
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


class Plain(nn.Module):
    """conv3, ReLU, conv3, plus the input; no BN (as in EDSR: BN costs range and time). (B, C, H, W) -> the same.

    The second convolution starts small, so that a deep row of them starts near the identity.
    """

    def __init__(self, channels: int):
        super().__init__()
        last = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(last.bias)
        with torch.no_grad():
            last.weight.mul_(0.1)
        self.body = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def conv_bn_relu(inputs: int, outputs: int) -> nn.Sequential:
    """conv3 + BN + ReLU at the same resolution."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def down(inputs: int, outputs: int, kernel: int = 4) -> nn.Sequential:
    """Strided convolution that halves the resolution, + BN + LeakyReLU 0.2 (the encoder's stage)."""
    conv = (
        nn.Conv2d(inputs, outputs, kernel, stride=2, padding=1)
        if kernel == 4
        else nn.Conv2d(inputs, outputs, 2)
    )
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def up(inputs: int, outputs: int, kernel: int = 4) -> nn.Sequential:
    """Deconvolution that doubles the resolution, + BN + ReLU (the decoder's and the upsampling stage)."""
    deconv = (
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False)
        if kernel == 4
        else nn.ConvTranspose2d(inputs, outputs, 2, bias=False)
    )
    return nn.Sequential(deconv, nn.BatchNorm2d(outputs), nn.ReLU())
