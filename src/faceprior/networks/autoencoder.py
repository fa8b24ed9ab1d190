"""The convolutional autoencoder: 16 px -> 1 px -> 16 px with U-Net skips (paper section 3.2)."""

import torch
from torch import Tensor, nn

from .blocks import down, up


class Autoencoder(nn.Module):
    """ "Extracts high-frequency details while removing noise." (B, 3, 16, 16) -> (B, decoder[-1], 16, 16)."""

    def __init__(self, encoder: tuple[int, ...], decoder: tuple[int, ...]):
        super().__init__()
        e8, e4, e2, e1 = encoder
        d2, d4, d8, d16 = decoder
        self.down8 = down(3, e8)
        self.down4 = down(e8, e4)
        self.down2 = down(e4, e2)
        self.down1 = down(e2, e1, kernel=2)
        self.up2 = up(e1, d2, kernel=2)
        self.up4 = up(d2 + e2, d4)
        self.up8 = up(d4 + e4, d8)
        self.up16 = up(d8 + e8, d16)

    def forward(self, lr: Tensor) -> Tensor:
        x8 = self.down8(lr)
        x4 = self.down4(x8)
        x2 = self.down2(x4)
        y2 = self.up2(self.down1(x2))
        y4 = self.up4(torch.cat([y2, x2], 1))
        y8 = self.up8(torch.cat([y4, x4], 1))
        return self.up16(torch.cat([y8, x8], 1))
