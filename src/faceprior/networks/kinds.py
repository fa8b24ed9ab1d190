"""Every network by the name of its kind: MTUN and the comparators. Classes are imported when asked for."""

from typing import Any

from torch import nn

from .comparators import KINDS as COMPARATORS
from .comparators import network_class
from .comparators.config import CONFIGS
from .config import MTUNConfig
from .unet_config import UNetConfig

KINDS = ("mtun", "unet", "canvas", *COMPARATORS)


def kind_of(config: Any) -> str:
    """The kind that a configuration describes."""
    return getattr(config, "kind", "mtun")


def config_class(kind: str) -> type:
    """KeyError for a name that is none of `KINDS`."""
    if kind == "canvas":
        from .canvas import CanvasConfig

        return CanvasConfig
    own = {"mtun": MTUNConfig, "unet": UNetConfig}
    return own[kind] if kind in own else CONFIGS[kind]


def make_network(config: Any) -> nn.Module:
    """The untrained network of a configuration; its `forward` gives an `MTUNOutput`, a canvas's a `CanvasOutput`."""
    kind = kind_of(config)
    if kind == "mtun":
        from .mtun import MTUN

        return MTUN(config)
    if kind == "unet":
        from .unet import UNet

        return UNet(config)
    if kind == "canvas":
        from .canvas import Canvas

        return Canvas(config)
    return network_class(kind)(config)
