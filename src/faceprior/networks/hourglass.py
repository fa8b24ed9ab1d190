"""Stacked hourglasses: the heatmap estimation branch, HEB (paper sections 3.1 and 3.4, after Newell et al.)."""

from torch import Tensor, nn
from torch.nn import functional as F

from ..face.components import COMPONENTS
from .blocks import Residual


class Hourglass(nn.Module):
    """Bottom-up, top-down over `depth` halvings with a skip at each. (B, C, R, R) -> the same, R >= 2**depth."""

    def __init__(self, features: int, depth: int):
        super().__init__()
        self.skip = Residual(features)
        self.before = Residual(features)
        self.inner = Hourglass(features, depth - 1) if depth > 1 else Residual(features)
        self.after = Residual(features)

    def forward(self, x: Tensor) -> Tensor:
        y = self.after(self.inner(self.before(F.max_pool2d(x, 2))))
        return self.skip(x) + F.interpolate(y, scale_factor=2, mode="nearest")


class HeatmapBranch(nn.Module):
    """HEB: (B, C, R, R) aligned features -> a list of (B, 4, R, R), one a stack, for intermediate supervision.

    Between stacks the features and the prediction are fed back by 1x1 convolutions.
    """

    def __init__(self, channels: int, features: int, stacks: int, depth: int):
        super().__init__()
        outputs = len(COMPONENTS)
        self.stem = nn.Sequential(nn.Conv2d(channels, features, 3, padding=1), Residual(features))
        self.hourglasses = nn.ModuleList(Hourglass(features, depth) for _ in range(stacks))
        self.heads = nn.ModuleList(
            nn.Sequential(Residual(features), conv_bn_relu_1x1(features)) for _ in range(stacks)
        )
        self.predict = nn.ModuleList(nn.Conv2d(features, outputs, 1) for _ in range(stacks))
        self.feed_features = nn.ModuleList(nn.Conv2d(features, features, 1) for _ in range(stacks - 1))
        self.feed_heatmaps = nn.ModuleList(nn.Conv2d(outputs, features, 1) for _ in range(stacks - 1))

    def forward(self, aligned: Tensor) -> list[Tensor]:
        x = self.stem(aligned)
        heatmaps = []
        for k, (hourglass, head, predict) in enumerate(
            zip(self.hourglasses, self.heads, self.predict, strict=True)
        ):
            y = head(hourglass(x))
            heatmaps.append(predict(y))
            if k < len(self.feed_features):
                x = x + self.feed_features[k](y) + self.feed_heatmaps[k](heatmaps[-1])
        return heatmaps


def conv_bn_relu_1x1(features: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(features, features, 1, bias=False), nn.BatchNorm2d(features), nn.ReLU())
