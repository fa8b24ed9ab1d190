"""VDSR (Kim et al., CVPR 2016): 20 convolutions that learn what bicubic interpolation lacks."""

from torch import Tensor, nn

from ..config import HR_SIZE, LR_SIZE
from .config import VDSRConfig
from .stn0 import AlignedNetwork, enlarge


class VDSR(AlignedNetwork):
    """Aligned 16 px -> 32 -> 64 -> 128: bicubic x2, then the residual of one network, three times.

    As the paper applies it ("three times by an upscaling factor 2x"): one network of shared weights, since VDSR is
    one network for all scales. RGB where the original takes luma alone, as everything in Table 1 is scored in RGB.
    Trained by L2 on the result of every doubling (`stages`), which is what a x2 network is trained on.
    """

    def __init__(self, config: VDSRConfig | None = None):
        super().__init__()
        self.config = c = config or VDSRConfig()
        layers: list[nn.Module] = [nn.Conv2d(3, c.features, 3, padding=1), nn.ReLU()]
        for _ in range(c.layers - 2):
            layers += [nn.Conv2d(c.features, c.features, 3, padding=1), nn.ReLU()]
        self.residual = nn.Sequential(*layers, nn.Conv2d(c.features, 3, 3, padding=1))
        he_start(self.residual)

    def restore(self, aligned: Tensor) -> tuple[Tensor, dict[str, list[Tensor]]]:
        x, size, stages = aligned, LR_SIZE, []
        while size < HR_SIZE:
            size *= 2
            x = enlarge(x, size)
            x = x + self.residual(x)
            stages.append(x)
        return x, {"stages": stages[:-1]}


def he_start(convolutions: nn.Sequential) -> None:
    """He's initialisation, and zeros in the last layer: the residual starts at nothing, the output at bicubic."""
    found = [m for m in convolutions if isinstance(m, nn.Conv2d)]
    for conv in found[:-1]:
        nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
        nn.init.zeros_(conv.bias)
    nn.init.zeros_(found[-1].weight)
    nn.init.zeros_(found[-1].bias)
