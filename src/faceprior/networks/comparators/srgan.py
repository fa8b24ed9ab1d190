"""SRGAN (Ledig et al., CVPR 2017): the SRResNet generator, x8 at once."""

from torch import Tensor, nn

from .config import SRGANConfig
from .stn0 import AlignedNetwork


class SRGAN(AlignedNetwork):
    """Aligned 16 px -> 128 px: conv9, 16 residual blocks with BN and PReLU, three pixel shuffles of x2, conv9.

    The original shuffles twice (x4); the paper says it "is able to upsample by 8x directly", which is a third shuffle.
    The adversary is this project's discriminator, the same one for every row that has one, so that rows differ
    in their generators; losses (pixel, VGG, adversarial) are the configuration's.
    """

    def __init__(self, config: SRGANConfig | None = None):
        super().__init__()
        self.config = c = config or SRGANConfig()
        w = c.features
        self.head = nn.Sequential(nn.Conv2d(3, w, 9, padding=4), nn.PReLU())
        self.body = nn.Sequential(
            *(_Block(w) for _ in range(c.blocks)),
            nn.Conv2d(w, w, 3, padding=1, bias=False),
            nn.BatchNorm2d(w),
        )
        self.tail = nn.Sequential(
            *(layer for _ in range(3) for layer in (nn.Conv2d(w, 4 * w, 3, padding=1), nn.PixelShuffle(2), nn.PReLU())),
            nn.Conv2d(w, 3, 9, padding=4),
        )

    def restore(self, aligned: Tensor) -> Tensor:
        x = self.head(aligned)
        return self.tail(x + self.body(x))


class _Block(nn.Module):
    """conv3, BN, PReLU, conv3, BN, plus the input. (B, C, H, W) -> the same."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.PReLU()),
            *(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
