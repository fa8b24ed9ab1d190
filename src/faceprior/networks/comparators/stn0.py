"""STN0: the paper's aligner of LR faces (section 3.4), for the comparators that want an upright input."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import FacepriorError
from ..config import HR_SIZE, LR_SIZE
from ..mtun import MTUNOutput, take_localisation
from ..stn import make_localisation, warp
from .config import ComparatorConfig, STN0Config


class STN0(nn.Module):
    """(B, 3, 16, 16) -> the bicubic x8 of the LR set upright at 16 px: the row "Bicubic" of Table 1.

    Trained on the known transforms (`transform_loss`): unlike a network with a picture to learn it has no other aim.
    Aligned at 16 px, not while enlarging, since that is what the paper hands to its comparators: "we align LR faces".
    """

    def __init__(self, config: STN0Config | None = None):
        super().__init__()
        self.config = c = config or STN0Config()
        bounds = (c.max_angle, c.max_log_scale, c.max_shift)
        self.localisation = make_localisation(c.localisation, bounds, landmarks=c.landmarks)

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        return self.localisation.parameters()

    def take_stn0(self, found: nn.Module, name: str) -> None:
        """Start from the STN of a trained STN0, MTUN or U-Net, of the file `name`, and train it on. FacepriorError
        where that is another net."""
        take_localisation(self, found, name)

    def align(self, lr: Tensor) -> tuple[Tensor, Tensor]:
        """-> (the LR set upright (B, 3, 16, 16), the transform (B, 2, 3))."""
        transform = self.localisation.locate(lr)[0][-1]
        return self._upright(lr, transform), transform

    def forward(self, lr: Tensor) -> MTUNOutput:
        (*looks, transform), points = self.localisation.locate(lr)
        return MTUNOutput(enlarge(self._upright(lr, transform), HR_SIZE), [], transform, looks, points)

    def _upright(self, lr: Tensor, transform: Tensor) -> Tensor:
        return warp(lr, transform, LR_SIZE, mode="bicubic", padding="border")


class AlignedNetwork(nn.Module):
    """A comparator behind a frozen STN0; its weights lie in the comparator's own file.

    Subclasses set `config` and write `restore`.
    """

    config: ComparatorConfig

    def __init__(self) -> None:
        super().__init__()
        self.stn0 = STN0().requires_grad_(False)

    def take_stn0(self, found: nn.Module, name: str) -> None:
        """Take over a trained STN0's weights. Raises FacepriorError where the file `name` holds something else."""
        self.check_stn0(found.config, name)
        self.stn0.load_state_dict(found.state_dict())

    def check_stn0(self, config: Any, name: str) -> None:
        """FacepriorError where the configuration of the network in the file `name` is not that of its STN0."""
        if config != self.stn0.config:
            raise FacepriorError(f"{name}: holds no STN0 of the paper's plan; train one with the preset table1/stn0")

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        return iter(())  # frozen

    def restore(self, aligned: Tensor) -> Tensor | tuple[Tensor, dict[str, list[Tensor]]]:
        """Upright LR (B, 3, 16, 16) -> (B, 3, 128, 128), with what else `MTUNOutput` holds where there is more."""
        raise NotImplementedError

    def forward(self, lr: Tensor) -> MTUNOutput:
        aligned, transform = self.stn0.align(lr)
        restored = self.restore(aligned)
        sr, more = restored if isinstance(restored, tuple) else (restored, {})
        return MTUNOutput(sr, [], transform, **more)


def enlarge(x: Tensor, size: int) -> Tensor:
    """Bicubic to `size` pixels a side."""
    return F.interpolate(x, size=(size, size), mode="bicubic", align_corners=False)
