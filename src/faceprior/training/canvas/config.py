"""What a run of the canvas is. A resumption may change how long, how fast and on what mixture it learns."""

from dataclasses import asdict, dataclass
from typing import Literal

from ...networks.ranges import check_fields

SHARE = (0.0, 1.0)
RANGES = {
    "seed": (0, 2**63 - 1),
    "max_time": (0, 10**9),
    **dict.fromkeys(("rate", "told_rate"), (0, 1)),
    "warmup": (0, 10**9),
    **dict.fromkeys(("floor", "decay", "clean", "faces", "bfloat16_until"), SHARE),
    "spike": (1, 10**9),
    **dict.fromkeys(("photo_patch", "face_patch"), (1, 512)),
    **dict.fromkeys(("photo_batch", "face_batch"), (1, 4096)),
    **dict.fromkeys(("checkpoint_every", "validate_every"), (0, 10**9)),
    "log_every": (1, 10**9),
}


@dataclass(frozen=True)
class CanvasTraining:
    """Raises ValueError, `field: expected ..., got ...`, for what is out of range."""

    seed: int = 0
    max_time: float = 5400.0  #   seconds, resumptions included; the cosine of the rate ends there
    optimiser: Literal["adamw", "muon"] = "adamw"  # "muon": of the convolutions' weights alone
    rate: float = 2e-4
    told_rate: float = 5e-4  #    of what turns conditions into scales and shifts, which starts at nothing
    warmup: int = 100  #          updates
    floor: float = 0.01  #        the rate's last factor
    spike: float = 2.5  #         times the usual loss: such an update is left out
    decay: float = 0.998  #       of the weights' average, which is what is validated and kept
    clean: float = 0.5  #         share of inputs that are only reduced
    faces: float = 0.4  #         share of batches that are of face crops
    photo_patch: int = 32  #      pixels of the input
    photo_batch: int = 16
    face_patch: int = 22
    face_batch: int = 32
    bfloat16_until: float = 0.75  # share of the time with bfloat16 products, where asked for; then float32
    checkpoint_every: float = 240.0  # seconds
    validate_every: float = 480.0
    log_every: int = 50

    def __post_init__(self):
        check_fields(self, RANGES)

    def as_dict(self) -> dict:
        return asdict(self)


FREE_ON_RESUME = frozenset(
    {"max_time", "rate", "told_rate", "faces", "clean", "checkpoint_every", "validate_every", "log_every"}
)
