"""Named protocols: how an LR is made from an HR, and how an output is scored. Name one beside every figure."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Protocol:
    """Ranges are uniform: angle in degrees, shift in parts of the side."""

    name: str
    max_angle: float = 45.0
    scale: tuple[float, float] = (0.9, 1.1)
    max_shift: float = 0.05
    channel: str = "rgb"  # or "y": BT.601 luma, 16-235
    border: int = 0  #      pixels of the HR left out of the score on each side
    lr: int = 16  #         pixels of the LR: 16 (x8) or 32 (x4)

    @property
    def aligned(self) -> bool:
        return self.max_angle == 0 and self.max_shift == 0 and self.scale == (1.0, 1.0)


PAPER = Protocol("paper")  # paper section 4.1: unaligned LR, upright HR, RGB, all pixels
WIDE = Protocol("wide", 50.0, (0.75, 1.35), 0.15)  # as far off as detectors and people cut faces
NEAR = Protocol("near", 6.0, (0.93, 1.07), 0.03)  # nearly upright: a photo's second look
UPRIGHT = Protocol("upright", 0.0, (1.0, 1.0), 0.0)  # aligned, RGB, all pixels
ALIGNED_Y = Protocol("aligned-y", 0.0, (1.0, 1.0), 0.0, "y", 8)  # DIC, SPARNet, SFMNet and others
_NAMED = (PAPER, WIDE, NEAR, UPRIGHT, ALIGNED_Y)
PROTOCOLS = {p.name: p for p in (*_NAMED, *(replace(p, name=f"{p.name}-32", lr=32) for p in _NAMED))}
