"""The canvas: a small network that enlarges a whole photo four times, told how rough the photo is.

SPAN (arXiv 2311.12770, "Swift Parameter-free Attention Network", its x4 network of 52 channels), its convolutions
merged to plain 3x3 ones. Ours is that it is *told*: two numbers of the photo, from its file and from a
measurement, scale and shift what every convolution gives. At (0, 0), a clean photo, nothing is scaled or shifted,
and with the public weights the network is SPAN exactly. For one photo scales and shifts are constants, so they
are folded into the convolutions (`folded`) and cost nothing.
"""

import copy
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import FacepriorError
from .ranges import check_fields

SCALE = 4
CHANNELS = 52
BLOCKS = 6
REACH = 21  # pixels of the input, to each side, that a pixel of the output depends on: its receptive field's radius
CONDITIONS = 2  # (q, n): see `Canvas.forward`
GREY_LEVELS = 255.0
MOST = 0.5  # a condition changes no output by more than this part of itself, nor of its layer's typical output


@dataclass(frozen=True)
class CanvasConfig:
    """Raises ValueError, naming the field, for a value that is no network."""

    kind = "canvas"
    channels: int = CHANNELS
    told: int = 16  # hidden values between the two conditions and the scales and shifts

    def __post_init__(self) -> None:
        check_fields(self)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass
class CanvasOutput:
    picture: Tensor  #   (B, 3, 4h, 4w), about [-1, 1], not clamped
    features: Tensor  #  (B, 52, h, w): what `conv_cat` joins, before the upsampler; for networks that build on it


class Block(nn.Module):
    """SPAN's block: attention without parameters. Three convolutions, whose outputs are scaled and shifted."""

    def __init__(self, channels: int):
        super().__init__()
        self.c1, self.c2, self.c3 = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3))


class Told(nn.Module):
    """(B, 2) conditions -> per convolution and channel a scale and a shift, both 0 at the condition (0, 0)."""

    def __init__(self, layers: int, channels: int, hidden: int):
        super().__init__()
        self.layers, self.channels = layers, channels
        self.hidden = nn.Linear(CONDITIONS, hidden, bias=False)
        self.out = nn.Linear(hidden, layers * 2 * channels, bias=False)
        nn.init.normal_(self.hidden.weight)
        nn.init.zeros_(self.out.weight)
        self.register_buffer("size", torch.ones(layers))  # the layers' typical outputs, so that shifts learn evenly

    def forward(self, condition: Tensor) -> Tensor:
        """-> (layers, 2, B, channels, 1, 1): [0] multiplies as 1 + it, [1] is added."""
        x = torch.tanh(self.out(torch.tanh(self.hidden(condition)))) * MOST
        x = x.view(-1, self.layers, 2, self.channels, 1, 1).permute(1, 2, 0, 3, 4, 5)
        size = self.size.view(-1, 1, 1, 1, 1)
        return torch.stack([x[:, 0], x[:, 1] * size], 1)


class Canvas(nn.Module):
    def __init__(self, config: CanvasConfig | None = None):
        super().__init__()
        self.config = c = config or CanvasConfig()
        self.conv_1 = nn.Conv2d(3, c.channels, 3, padding=1)
        for i in range(1, BLOCKS + 1):
            setattr(self, f"block_{i}", Block(c.channels))
        self.conv_2 = nn.Conv2d(c.channels, c.channels, 3, padding=1)
        self.conv_cat = nn.Conv2d(4 * c.channels, c.channels, 1)
        self.upsampler = nn.Conv2d(c.channels, 3 * SCALE**2, 3, padding=1)
        self.register_buffer("mean", torch.full((3,), 0.5))
        self.told: Told | None = Told(len(self.told_layers()), c.channels, c.told)

    def told_layers(self) -> list[str]:
        """The convolutions that conditions act on, in the order of `Told`."""
        blocks = [f"block_{i}.c{j}" for i in range(1, BLOCKS + 1) for j in (1, 2, 3)]
        return ["conv_1", *blocks, "conv_2", "conv_cat"]

    def take_span(self, path: Path) -> None:
        """Start from SPAN's public weights (safetensors, half precision). FacepriorError where the file is another."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            state = {key: value.float() for key, value in load_file(path).items()}
        except (OSError, SafetensorError) as error:
            raise FacepriorError(f"{path}: not a readable safetensors file ({error})") from None
        mine = {k: v.shape for k, v in self.state_dict().items() if not k.startswith("told.")}
        if {k: v.shape for k, v in state.items()} != mine:
            raise FacepriorError(f"{path}: not the weights of SPAN x4 with {self.config.channels} channels")
        self.load_state_dict(state, strict=False)

    @torch.no_grad()
    def measure_sizes(self, x: Tensor) -> None:
        """Note every layer's typical output on images (B, 3, h, w) in [-1, 1], before training begins."""
        sizes: dict[str, float] = {}
        handles = [
            self.get_submodule(name).register_forward_hook(
                lambda _m, _i, out, name=name: sizes.__setitem__(name, float(out.std()))
            )
            for name in self.told_layers()
        ]
        self(x)
        for handle in handles:
            handle.remove()
        self.told.size.copy_(torch.tensor([sizes[name] for name in self.told_layers()]))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> CanvasOutput:
        """x: (B, 3, h, w) in [-1, 1]. `condition` (B, 2): JPEG's roughness q and the noise n, both in [0, 1], 0 = none
        (dataset/rough.py makes them); None = clean."""
        picture, features = self.levels((x + 1) * (GREY_LEVELS / 2), condition)
        return CanvasOutput(F.pixel_shuffle(picture, SCALE) * 2 - 1, features)

    def levels(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As `forward`, of grey levels 0..255 -> the picture in [0, 1] before its shuffle, (B, 48, h, w), features."""
        changes = None if condition is None or self.told is None else iter(self.told(condition).unbind())

        def conv(name: str, x: Tensor) -> Tensor:
            y = self.get_submodule(name)(x)
            if changes is None or name == "upsampler":
                return y
            scale, shift = next(changes)
            return torch.addcmul(y + shift, y, scale)

        return self.passed(x, conv)

    def passed(self, x: Tensor, conv: Callable[[str, Tensor], Tensor]) -> tuple[Tensor, Tensor]:
        """`levels` with convolutions of the caller's: by a layer's name, in the order of `told_layers`."""
        first = conv("conv_1", x - self.mean.view(1, 3, 1, 1) * GREY_LEVELS)
        x, kept, hidden = first, None, None
        for i in range(1, BLOCKS + 1):
            hidden = F.silu(conv(f"block_{i}.c1", x))
            out = conv(f"block_{i}.c3", F.silu(conv(f"block_{i}.c2", hidden)))
            x = (out + x) * (torch.sigmoid(out) - 0.5)
            kept = x if kept is None else kept
        last = conv("conv_2", x)
        features = conv("conv_cat", torch.cat([first, last, kept, hidden], 1))
        with torch.autocast(x.device.type, enabled=False):  # eight bits of a bfloat16 are too few for a picture
            return conv("upsampler", features.float()), features

    @torch.no_grad()
    def folded(self, condition: tuple[float, float]) -> "Canvas":
        """The network for one condition: a plain SPAN of the same speed as the public one; it is told nothing."""
        plain = copy.deepcopy(self)
        changes = self.told(torch.tensor([condition], dtype=torch.float32)).unbind()
        for name, (scale, shift) in zip(self.told_layers(), changes, strict=True):
            layer = plain.get_submodule(name)
            weight, bias = changed(layer, scale, shift)
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
        plain.told = None
        return plain


def changed(layer: nn.Conv2d, scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    """The layer's weight and bias that give its output times (1 + scale) plus shift, both (1, channels, 1, 1)."""
    return layer.weight * (1 + scale.view(-1, 1, 1, 1)), layer.bias * (1 + scale.view(-1)) + shift.view(-1)
