"""The network as users call it: 8-bit faces in, 8-bit faces, heatmaps and transforms out. Both backends run this."""

from torch import Tensor, nn
from torch.nn import functional as F

from ..face.components import COMPONENTS
from .config import LR_SIZE

HEATMAP_SIZE = 64


def network_size(network: nn.Module) -> int:
    """Pixels of the faces that a network of any kind takes."""
    return getattr(network.config, "lr", LR_SIZE)


class Inference(nn.Module):
    """uint8 (B, size, size, 3) -> uint8 (B, 128, 128, 3), float32 (B, 4, 64, 64), float32 (B, 2, 3); and of a network
    with a sharp tail its faces, as the first.

    `network` is of any kind: it gives an `MTUNOutput`. Heatmaps of the last stack alone, raised to 64 px where the
    HEB works at 16 or 32, zeros without an HEB.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    @property
    def outputs(self) -> list[str]:
        """The names of what it gives."""
        sharp = getattr(self.network, "sharp_tail", None) is not None
        return ["images", "heatmaps", "transforms", *(["sharp"] if sharp else [])]

    @property
    def takes_condition(self) -> bool:
        """Whether it can be told how rough its input is."""
        return getattr(self.network, "takes_condition", False)

    def forward(
        self, lr: Tensor, condition: Tensor | None = None, transform: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """`condition` (B, 2) or (1, 2), of a network that takes one; `transform`: as `MTUN.forward` takes it."""
        x = _values(lr)
        given = {"transform": transform} if transform is not None else {}
        if condition is not None and self.takes_condition:
            given["condition"] = condition
        output = self.network(x, **given)
        if output.heatmaps:
            heatmaps = output.heatmaps[-1].float()  # of a network in bf16
            if heatmaps.shape[-1] != HEATMAP_SIZE:
                heatmaps = F.interpolate(heatmaps, (HEATMAP_SIZE, HEATMAP_SIZE), mode="bilinear")
        else:
            # Made of the input so that an exported graph keeps its number of faces.
            heatmaps = (x[:, :1, :1, :1] * 0).expand(-1, len(COMPONENTS), HEATMAP_SIZE, HEATMAP_SIZE)
        faces = [_levels(x) for x in (output.sr, output.sharp) if x is not None]
        return faces[0], heatmaps, output.transform, *faces[1:]


    def locate(self, lr: Tensor) -> Tensor:
        """The transforms alone, float32 (B, 2, 3); of a network that cannot tell them sooner by running all of it."""
        locate = getattr(self.network, "locate", None)
        return self(lr)[2] if locate is None else locate(_values(lr))


def _values(lr: Tensor) -> Tensor:
    """uint8 (B, h, w, 3) -> (B, 3, h, w) in [-1, 1]."""
    return lr.permute(0, 3, 1, 2).float() / 127.5 - 1


def _levels(x: Tensor) -> Tensor:
    """(B, 3, H, W) about [-1, 1] -> uint8 (B, H, W, 3). round() is half to even, in PyTorch as in ONNX and NumPy."""
    return ((x.float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1)
