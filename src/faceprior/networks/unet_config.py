"""The description of the U-Net in the upright frame (ours)."""

from dataclasses import dataclass
from typing import Literal

from .comparators.config import ComparatorConfig


@dataclass(frozen=True)
class UNetConfig(ComparatorConfig):
    """What ships: see `unet.UNet`. Raises ValueError, naming the field, where values do not fit together."""

    kind: Literal["unet"] = "unet"
    lr: int = 16  #                                   pixels of the input: 16 or 32
    channels: tuple[int, ...] = (64, 128, 192, 256)  # at 32, 16, 8, 4 px
    blocks: tuple[int, ...] = (1, 2, 2, 2)  #         plain residual blocks of each, downwards and again upwards
    tail: tuple[int, int] = (24, 8)  #                channels at 64 and 128 px
    tail_blocks: tuple[int, int] = (1, 1)  #          plain residual blocks before each doubling
    heatmaps: bool = True  #                          False: no prior of the components
    positions: bool = True  #                         False: without a learned map added at each level
    base: Literal["canvas", "bicubic"] = "canvas"  #  what the output is added to
    canvas_channels: int = 52
    told: bool = False  #                             the canvas is told how rough the input is, as for whole photos
    canvas_learns: bool = False  #                    the canvas is trained too, at `optimiser.localisation_lr`
    sharp: bool = False  #                            a second tail (`sharp.py`); all else is frozen then
    # The STN's: `MTUNConfig`'s of these names.
    localisation: Literal["lr", "cascade"] = "cascade"
    landmarks: bool = True
    max_angle: float = 75.0
    max_log_scale: float = 0.6
    max_shift: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lr not in (16, 32):
            raise ValueError(f"lr: expected 16 or 32, got {self.lr!r}")
        levels = len(self.channels)
        if not 2 <= levels <= 5:
            raise ValueError(f"channels: expected 2 to 5 of them, got {levels}")
        if len(self.blocks) != levels:
            raise ValueError(f"blocks: expected as many as channels, {levels}, got {self.blocks!r:.60}")
        if any(c % 4 for c in self.channels):
            raise ValueError(f"channels: expected multiples of 4, got {self.channels!r:.60}")
