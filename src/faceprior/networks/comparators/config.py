"""What each comparator can be told. The defaults are the published networks; smaller widths serve CPUs.

`kind` names the network in a TOML file's [model] and in the header of its weights.
"""

from dataclasses import asdict, dataclass
from typing import Literal

from ..ranges import check_fields


@dataclass(frozen=True)
class ComparatorConfig:
    """Raises ValueError, naming the field, where values are out of range (`ranges.py`) or do not fit together."""

    def __post_init__(self) -> None:
        check_fields(self)

    def to_dict(self) -> dict:
        return asdict(self)


@dataclass(frozen=True)
class STN0Config(ComparatorConfig):
    """The paper's STN0 (section 3.4), or with `localisation` = "lr" or "cascade" the net of MTUN's option of that
    name, which MTUN can start from (`--stn0`). `landmarks` and the bounds are MTUN's."""

    kind: Literal["stn0"] = "stn0"
    localisation: Literal["paper", "lr", "cascade"] = "paper"
    landmarks: bool = False  #       "cascade" alone
    max_angle: float = 75.0  #       degrees
    max_log_scale: float = 0.35
    max_shift: float = 0.25  #       parts of the side


@dataclass(frozen=True)
class VDSRConfig(ComparatorConfig):
    kind: Literal["vdsr"] = "vdsr"
    layers: int = 20
    features: int = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layers < 2:
            raise ValueError(f"layers: expected 2 or more, got {self.layers}")


@dataclass(frozen=True)
class SRGANConfig(ComparatorConfig):
    kind: Literal["srgan"] = "srgan"
    blocks: int = 16
    features: int = 64


@dataclass(frozen=True)
class CBNConfig(ComparatorConfig):
    kind: Literal["cbn"] = "cbn"
    layers: int = 6  #       convolutions of a branch, in every cascade
    features: int = 32
    contours: int = 10  #    channels of the high-frequency prior; the published number
    bases: int = 16  #       deformations of the correspondence field
    hidden: int = 128  #     of the correspondence regressor
    faces: int = 2048  #     training faces that the mean face and its prior are made of

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.layers < 2:
            raise ValueError(f"layers: expected 2 or more, got {self.layers}")


@dataclass(frozen=True)
class TDAEConfig(ComparatorConfig):
    kind: Literal["tdae"] = "tdae"
    decoder: tuple[int, int, int, int] = (512, 256, 128, 64)  # channels at 16, 32, 64, 128 px
    encoder: tuple[int, int, int, int] = (32, 64, 128, 256)  #  channels at 64, 32, 16, 16 px
    max_angle: float = 75.0  #       degrees; bounds of each of the four STNs
    max_log_scale: float = 0.35
    max_shift: float = 0.25  #       parts of the side


@dataclass(frozen=True)
class MaConfig(ComparatorConfig):
    kind: Literal["ma"] = "ma"
    patch: int = 4  #                LR pixels a side
    stride: int = 2  #               LR pixels: the published half overlap
    ridge: float = 1.0  #            in squared units of [-1, 1], over all faces; see `ma.py`
    faces: int = 16_384  #           at most so many training faces; the file's size does not depend on it
    passes: int = 1  #               different transforms of each face
    # "true": the dictionary's LR faces are reduced from its upright HR ones, as published. "stn0": they are faces set
    # upright by STN0, as those that it will be asked about; stronger, since its weights then allow for STN0's errors.
    dictionary: Literal["true", "stn0"] = "true"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride > self.patch:
            raise ValueError(f"stride: expected at most patch = {self.patch}, got {self.stride}")
        if not self.ridge > 0:
            raise ValueError(f"ridge: expected a positive number, got {self.ridge!r}")


@dataclass(frozen=True)
class NNConfig(ComparatorConfig):
    kind: Literal["nn"] = "nn"
    faces: int = 4096  #             at most so many training faces, 49,920 bytes each: 204 MB


CONFIGS: dict[str, type[ComparatorConfig]] = {
    c.__dataclass_fields__["kind"].default: c
    for c in (STN0Config, VDSRConfig, SRGANConfig, CBNConfig, TDAEConfig, MaConfig, NNConfig)
}
