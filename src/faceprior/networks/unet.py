"""A U-Net in the upright frame, on the features and the picture of a frozen canvas (ours).

The paper's plan, the other way round: what the paper learns in an autoencoder at 16 px a small generic network brings
along (`canvas.py`), the STN aligns its features and its picture at once, and all that is learned works on upright
faces, where eyes and mouth have their places. The heatmaps guide the last part, as in the paper (section 3.1).
"""

from collections.abc import Iterator
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FacepriorError
from ..face.components import COMPONENTS
from ..resampling import pillow_bicubic
from .blocks import Plain
from .canvas import SCALE, Canvas, CanvasConfig
from .config import HR_SIZE, LR_SIZE
from .mtun import MTUNOutput, take_localisation
from .sharp import SharpTail, SmoothShuffle
from .stn import make_localisation, warp
from .unet_config import UNetConfig

WORK = 32  #           pixels at which the U-Net begins
FEATURES = 1 / 16  #   brings the canvas's features, made for levels of 0..255, to about 1


class UNet(SharpTail):
    """(B, 3, lr, lr) in [-1, 1] -> `MTUNOutput`. The canvas and the STN are given, and frozen in training.

    Squares of any other size do as well: the canvas is made of convolutions, and the STN brings what it gives to 32 and
    128 px. `any_size`: so does a graph traced of it.
    """

    any_size = False

    # What an exported file may keep in 8 bits a weight, and `export --int8` computes in them. The canvas, the STN and
    # what makes the last picture stay: the output hangs on every value.
    eight_bit = (".ins.", ".outs.", ".down.", ".up.")
    int8 = (*eight_bit, ".guided.", ".tail.0.", ".tail.2.", ".sharp_tail.0.", ".sharp_tail.2.")

    def __init__(self, config: UNetConfig | None = None):
        super().__init__()
        self.config = c = config or UNetConfig()
        bounds = (c.max_angle, c.max_log_scale, c.max_shift)
        self.localisation = make_localisation(c.localisation, bounds, landmarks=c.landmarks)
        self.canvas = Canvas(CanvasConfig(channels=c.canvas_channels)) if c.base == "canvas" else None
        self.unshuffle = SCALE * c.lr // WORK
        given = 3 + (c.canvas_channels + 3 * self.unshuffle**2 if self.canvas else 0)
        self.entry = _conv3(given, c.channels[0])

        sizes = [WORK >> level for level in range(len(c.channels))]
        self.positions = nn.ParameterList(
            nn.Parameter(torch.zeros(1, width, size, size)) for width, size in zip(c.channels, sizes, strict=True)
        )
        if not c.positions:
            self.positions.requires_grad_(False)
        self.down, self.up, self.ins, self.outs = (nn.ModuleList() for _ in range(4))
        for level, (width, depth) in enumerate(zip(c.channels, c.blocks, strict=True)):
            self.ins.append(_plain(width, depth))
            if level == len(c.channels) - 1:
                break
            below = c.channels[level + 1]
            self.down.append(nn.Conv2d(width, below, 2, stride=2))
            self.up.append(nn.Sequential(nn.Conv2d(below, 4 * width, 1), nn.PixelShuffle(2)))
            self.outs.append(_plain(width, depth))

        width, (t64, t128) = c.channels[0], c.tail
        self.heatmaps = nn.Conv2d(width, len(COMPONENTS), 1) if c.heatmaps else None
        self.guided = _conv3(width + len(COMPONENTS), width) if c.heatmaps else nn.Identity()
        self.tail = _tail(width, t64, t128, c.tail_blocks, nn.PixelShuffle(2))
        self.sharp_tail = None
        if c.sharp:
            self.requires_grad_(False)
            self.sharp_tail = _tail(width, t64, t128, c.tail_blocks, SmoothShuffle())
        self.freeze()
        self.train()  # all but what is frozen, whose statistics would go on moving

    def freeze(self) -> None:
        """What is given is not trained here: the STN is trained alone (`aligner`), the canvas on whole photos. With
        `canvas_learns` the canvas goes on from there on faces."""
        self.localisation.requires_grad_(False)
        if self.canvas is not None and not self._canvas_learns:
            self.canvas.requires_grad_(False)

    @property
    def _canvas_learns(self) -> bool:
        return self.canvas is not None and self.config.canvas_learns and not self.config.sharp

    def train(self, mode: bool = True) -> Self:
        """The statistics of what is frozen stay as they are."""
        super().train(mode)
        for part in (self.localisation, self.canvas):
            if part is not None:
                part.eval()
        return self

    def localisation_parameters(self) -> Iterator[nn.Parameter]:
        """What learns slowly: the canvas, where it does; the STN is frozen."""
        return self.canvas.parameters() if self._canvas_learns else iter(())

    def take_stn0(self, found: nn.Module, name: str) -> None:
        """Take the STN of a trained STN0, MTUN or U-Net, of the file `name`. FacepriorError where that is another."""
        take_localisation(self, found, name)

    def take_canvas(self, canvas: Canvas) -> None:
        """Take over a canvas's weights. FacepriorError where it is of another size, or the network takes none."""
        if self.canvas is None:
            raise FacepriorError("--canvas: model.base = 'bicubic' takes none")
        if canvas.config != self.canvas.config:
            raise FacepriorError(f"--canvas: holds {canvas.config}, the network takes {self.canvas.config}")
        self.canvas.load_state_dict(canvas.state_dict())

    def locate(self, lr: Tensor) -> Tensor:
        """The STN's transform (B, 2, 3). It sees 16 px, whatever the network does."""
        if self.any_size and torch.jit.is_tracing():
            weights = _bicubic(lr.shape[-1], LR_SIZE).to(lr)
            lr = weights @ lr @ weights.T
        elif (size := self.config.lr if torch.jit.is_tracing() else lr.shape[-1]) != LR_SIZE:
            weights = torch.from_numpy(pillow_bicubic(size, LR_SIZE)).to(lr)
            lr = weights @ lr @ weights.T
        return self.localisation.locate(lr)[0][-1]

    @property
    def takes_condition(self) -> bool:
        return self.config.told and self.canvas is not None

    def forward(
        self, lr: Tensor, transform: Tensor | None = None, condition: Tensor | None = None
    ) -> MTUNOutput:
        """`transform` (B, 2, 3): told instead of estimated; for training before an STN is there, and to measure.
        `condition` (B, 2): how rough the input is, for the canvas (`Canvas.forward`); None: clean, or unknown."""
        with torch.no_grad():
            if transform is None:
                transform = self.locate(lr)
        with torch.set_grad_enabled(self._canvas_learns and torch.is_grad_enabled()):
            given, base = self._given(lr, transform, condition if self.takes_condition else None)
        x = self.entry(given)
        kept = []
        for level, position in enumerate(self.positions):
            x = self.ins[level](x + position)
            if level < len(self.down):
                kept.append(x)
                x = self.down[level](x)
        for level in reversed(range(len(self.up))):
            x = self.outs[level](self.up[level](x) + kept[level])
        maps = []
        if self.heatmaps is not None:
            maps = [self.heatmaps(x)]
            x = torch.cat([x, maps[0]], 1)
        x = self.guided(x)
        sharp = None if self.sharp_tail is None else self.sharp_tail(x).float() + base
        return MTUNOutput(self.tail(x).float() + base, maps, transform, sharp=sharp)

    def _given(self, lr: Tensor, transform: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the U-Net sees, upright at 32 px, and the picture that its output is added to."""
        if self.canvas is None:
            base = warp(lr, transform, HR_SIZE, mode="bicubic", padding="border")
            return warp(lr, transform, WORK), base
        with torch.autocast(lr.device.type, enabled=False):  # in float32: bfloat16 blurs what it builds on
            canvas = self.canvas(lr.float(), None if condition is None else condition.float())
            picture = warp(canvas.picture, transform, HR_SIZE, mode="bicubic", padding="border")
            small = picture
            if self.unshuffle * WORK != HR_SIZE:
                small = warp(canvas.picture, transform, self.unshuffle * WORK, padding="border")
            upright = warp(torch.cat([canvas.features * FEATURES, lr.float()], 1), transform, WORK)
            return torch.cat([upright, F.pixel_unshuffle(small, self.unshuffle)], 1), picture


def _bicubic(size: Tensor | int, target: int) -> Tensor:
    """`pillow_bicubic`, float32 (target, size), of a size that a traced graph finds out."""
    factor = size / target
    centres = (torch.arange(target) + 0.5) * factor
    x = ((torch.arange(size)[None] + 0.5 - centres[:, None]) / torch.clamp(torch.as_tensor(factor), min=1)).abs()
    outer = torch.where(x < 2, ((-0.5 * x + 2.5) * x - 4) * x + 2, torch.zeros(()))
    weights = torch.where(x < 1, (1.5 * x - 2.5) * x * x + 1, outer)
    return weights / weights.sum(1, keepdim=True)


def _conv3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _plain(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Plain(channels) for _ in range(count)))


def _tail(width: int, t64: int, t128: int, blocks: tuple[int, int], shuffle: nn.Module) -> nn.Sequential:
    """(B, width, 32, 32) -> (B, 3, 128, 128), zeros at the start. shuffle: (B, 4C, H, W) -> (B, C, 2H, 2W)."""
    last = _conv3(t128, 3)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        *(_plain(width, blocks[0]), nn.ReLU(), _conv3(width, 4 * t64), shuffle),
        *(_plain(t64, blocks[1]), nn.ReLU(), _conv3(t64, 4 * t128), shuffle),
        *(nn.ReLU(), last),
    )
