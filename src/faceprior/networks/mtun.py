"""MTUN, assembled: autoencoder, upsampling, STN, HEB, tail (paper Fig. 2)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FacepriorError
from ..face.components import COMPONENTS
from .autoencoder import Autoencoder
from .blocks import Plain, conv_bn_relu, up
from .config import HR_SIZE, LR_SIZE, MTUNConfig
from .hourglass import HeatmapBranch
from .sharp import SharpTail
from .stn import make_localisation, warp
from .tail import PaperTail, ShuffleTail, SubpixelTail


@dataclass
class MTUNOutput:
    sr: Tensor  #              (B, 3, 128, 128), about [-1, 1], not clamped
    heatmaps: list[Tensor]  #  one a stack, (B, 4, R, R), about [0, 1]; empty without HEB
    transform: Tensor  #       (B, 2, 3), upright -> unaligned, normalised coordinates
    looks: list[Tensor] = field(default_factory=list)  #      earlier estimates of the transform, for their loss
    # In training, of an STN that learns landmarks: what each look saw (B, 2, 3), and (B, 68, 2) there, as if 128 wide.
    points: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    # Of comparators, for their losses:
    stages: list[Tensor] = field(default_factory=list)  #     earlier faces, upright, (B, 3, R, R) of any R
    landmarks: list[Tensor] = field(default_factory=list)  #  (B, 68, 2), HR pixels of the face as STN0 sets it upright
    sharp: Tensor | None = None  # as `sr`, of a network with a tail for it

    @property
    def picture(self) -> Tensor:
        """What is trained and judged: of a network with a sharp tail that one's, since the rest of it is frozen."""
        return self.sr if self.sharp is None else self.sharp


class MTUN(SharpTail):
    """The multi-task upsampling network: (B, 3, 16, 16) in [-1, 1] -> `MTUNOutput`.

    With HEB at 16 or 32 px (R16, R32 of Table 2) alignment happens there too, and the deconvolutions that are left
    raise the guided features (branch A) and the aligned ones (branch B) to 64 px, unless the tail does so ("shuffle").
    """

    def __init__(self, config: MTUNConfig | None = None):
        super().__init__()
        self.config = c = config or MTUNConfig()
        self.align_at = c.heb or 64
        u32, u64 = c.upsample

        self.autoencoder = Autoencoder(c.encoder, c.decoder) if c.autoencoder else None
        first = (c.decoder[-1] if c.autoencoder else 0) + 3
        depth, width = c.trunk
        self.trunk = None
        if depth:
            entry = nn.Conv2d(first, width, 3, padding=1)
            self.trunk = nn.Sequential(entry, *(Plain(width) for _ in range(depth)), nn.ReLU())
            first = width
        self.up32 = up(first, u32) if self.align_at >= 32 else None
        self.up64 = up(u32, u64) if self.align_at == 64 else None
        channels = {16: first, 32: u32 + 3, 64: u64 + 3}[self.align_at]

        bounds = (c.max_angle, c.max_log_scale, c.max_shift)
        self.localisation = make_localisation(
            c.localisation, bounds, channels=channels, size=self.align_at, landmarks=c.landmarks
        )
        self.after_stn = conv_bn_relu(channels, c.aligned)
        self.heb = (
            HeatmapBranch(c.aligned, c.hourglass_features, c.stacks, c.hourglass_depth) if c.heb else None
        )

        a, b = c.aligned + (len(COMPONENTS) if c.heb else 0), c.aligned if c.skip else 0
        self.raise_a = self.raise_b = None
        if c.tail != "shuffle" and self.align_at < 64:
            widths = (u32, u64) if self.align_at == 16 else (u64,)
            self.raise_a = _deconvolutions(a, widths)
            self.raise_b = _deconvolutions(b, widths) if b else None
            a, b = u64, u64 if b else 0
        self.tail = self._tail(a, b)
        self.sharp_tail = None
        if c.sharp:
            self.requires_grad_(False)
            self.sharp_tail = self._tail(a, b)
            self.train()

    def _tail(self, a: int, b: int) -> nn.Module:
        c = self.config
        if c.tail == "shuffle":
            return ShuffleTail(a, b, c.branch_a, c.branch_b, c.fusion, c.blocks, self.align_at)
        tail = PaperTail if c.tail == "paper" else SubpixelTail
        return tail(a, b, c.branch_a, c.branch_b, c.fusion)

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        """The localisation net's: it breaks under the rate of the rest and has its own."""
        return self.localisation.parameters()

    def take_stn0(self, found: nn.Module, name: str) -> None:
        """Start from the STN of a trained STN0, MTUN or U-Net, and train it on. `name` of its file is for the
        FacepriorError where that is another net."""
        if self.config.localisation == "paper":
            raise FacepriorError("--stn0: an STN with model.localisation = 'paper' sees features, not the LR; use 'lr'")
        take_localisation(self, found, name)

    def locate(self, lr: Tensor) -> Tensor:
        """The STN's transform (B, 2, 3) alone."""
        seen = self.features(lr) if self.config.localisation == "paper" else lr
        return self.localisation.locate(seen)[0][-1]

    def features(self, lr: Tensor) -> Tensor:
        """(B, 3, 16, 16) -> unaligned features with the LR itself joined, at the resolution of the STN."""
        x = lr if self.autoencoder is None else torch.cat([self.autoencoder(lr), lr], 1)
        if self.trunk is not None:
            x = self.trunk(x)
        if self.up32 is None:
            return x
        x = self.up32(x)
        if self.up64 is not None:
            x = self.up64(x)
        return torch.cat([x, F.interpolate(lr, scale_factor=self.align_at // LR_SIZE, mode="nearest")], 1)

    def forward(self, lr: Tensor, transform: Tensor | None = None) -> MTUNOutput:
        """`transform` (B, 2, 3): told instead of estimated, to measure what alignment costs."""
        x = self.features(lr)
        looks, points = [], []
        if transform is None:
            seen = x if self.config.localisation == "paper" else lr
            (*looks, transform), points = self.localisation.locate(seen)
        aligned = self.after_stn(warp(x, transform, self.align_at))

        heatmaps = self.heb(aligned) if self.heb is not None else []
        guided = torch.cat([aligned, heatmaps[-1]], 1) if heatmaps else aligned
        if self.raise_a is not None:
            guided = self.raise_a(guided)
        if self.raise_b is not None:
            aligned = self.raise_b(aligned)

        sr = self.tail(guided, aligned)
        sharp = None if self.sharp_tail is None else self.sharp_tail(guided, aligned)
        if self.config.base:
            base = warp(lr, transform, HR_SIZE, mode="bicubic", padding="border")
            sr, sharp = sr + base, None if sharp is None else sharp + base
        return MTUNOutput(sr, heatmaps, transform, looks, points, sharp=sharp)


def take_localisation(network: nn.Module, found: nn.Module, name: str) -> None:
    """Give `network` the localisation net of `found`, where the two have the same. `name`: of the file of `found`."""
    same = ("localisation", "landmarks", "max_angle", "max_log_scale", "max_shift")
    differs = [k for k in same if getattr(found.config, k, None) != getattr(network.config, k)]
    if differs:
        other = ", ".join(differs)
        raise FacepriorError(f"{name}: holds another STN ({other}); train one with the preset table1/aligner")
    network.localisation.load_state_dict(found.localisation.state_dict())


def _deconvolutions(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    stages = []
    for width in widths:
        stages.append(up(inputs, width))
        inputs = width
    return nn.Sequential(*stages)
