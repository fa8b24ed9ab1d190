"""The one description of a generator: the paper's network, its ablations and our smaller ones."""

from dataclasses import asdict, dataclass

from .ranges import DEEPEST, WIDEST, check_fields

LR_SIZE = 16
HR_SIZE = 128
# How far MTUN's numbers go, where other kinds' go elsewhere.
OWN: dict[str, tuple[float, float]] = {
    "heb": (0, WIDEST),
    "stacks": (1, 8),
    "hourglass_depth": (1, 4),
    "trunk": (0, WIDEST),
    "blocks": (0, DEEPEST),
}


@dataclass(frozen=True)
class MTUNConfig:
    """Every variant of MTUN. The defaults are the paper's network ("Ours", Table 1).

    Raises ValueError, naming the field, where values do not fit together.
    """

    # -- upsampling branch
    autoencoder: bool = (
        True  #                       False: "Ours double-dagger", the LR feeds the deconvolutions
    )
    encoder: tuple[int, ...] = (32, 128, 512, 2048)  # channels at 8, 4, 2, 1 px
    decoder: tuple[int, ...] = (1024, 768, 512, 256)  # channels at 2, 4, 8, 16 px
    trunk: tuple[int, int] = (0, 0)  #                plain residual blocks at 16 px behind it, and their channels;
    #                                                 ours: at 16 px a multiplication costs a CPU the least
    upsample: tuple[int, int] = (128, 64)  #          channels at 32 and 64 px
    aligned: int = 64  #                              channels after the STN

    # -- spatial transformer
    localisation: str = "paper"  # "paper": two conv5 on the features (section 3.4).
    #                              "lr": a deeper net on the 16x16 input; deviates because the paper's net
    #                              sees max-pooled features and learns slowly (see docs/results).
    #                              "cascade": two such nets; the second sees the LR as the first set it upright.
    landmarks: bool = False  #     the "cascade" also learns the 68 landmarks of what it sees (ours; in training alone)
    max_angle: float = 75.0  #     degrees; bounds keep a diverging STN inside the image
    max_log_scale: float = 0.35
    max_shift: float = 0.25  #     parts of the side

    # -- heatmap estimation branch (HEB)
    heb: int = 64  #               pixels: 16 (R16), 32 (R32), 64; 0 = no HEB ("w/o Lh")
    stacks: int = 4  #             S1 .. S4
    hourglass_depth: int = 4
    hourglass_features: int = 64

    # -- tail
    skip: bool = True  #           False: "Ours dagger", branch B removed
    tail: str = (
        "paper"  #         "paper": convolutions at 128 px. "subpixel": all but the last at 64 px, then
    )
    #                              pixel shuffle; deviates because 128 px layers cost most of a CPU's time.
    #                              "shuffle": the branches at the HEB's resolution, then pixel shuffles.
    branch_a: tuple[int, int] = (64, 32)  # channels before and after the doubling (other tails: first alone)
    branch_b: int = 64
    fusion: tuple[int, int, int] = (64, 32, 16)
    blocks: tuple[int, int, int] = (3, 1, 1)  # "shuffle" alone: plain residual blocks of A, of B, of each fusion
    sharp: bool = False  #         a second tail, trained for perceived sharpness; all else is frozen then (ours)
    base: bool = (
        False  #          True: the output is added to the LR warped upright (bicubic); deviates because
    )
    #                              it gives the STN a pixel gradient from step 1 and short runs a better start.

    def __post_init__(self) -> None:
        check_fields(self, OWN)
        for name in ("encoder", "decoder"):
            if len(value := getattr(self, name)) != 4:
                raise ValueError(f"{name}: expected 4 channel counts, got {value!r:.60}")
        for name, allowed in (
            ("heb", (0, 16, 32, 64)),
            ("localisation", ("paper", "lr", "cascade")),
            ("tail", ("paper", "subpixel", "shuffle")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: expected one of {list(allowed)}, got {getattr(self, name)!r:.60}")
        if self.trunk[0] > DEEPEST:
            raise ValueError(f"trunk: expected {DEEPEST} blocks at most, got {self.trunk[0]}")
        if self.trunk[0] and not self.trunk[1]:
            raise ValueError(f"trunk: {self.trunk[0]} blocks of no channels")

    @classmethod
    def compact(cls) -> "MTUNConfig":
        """For CPUs: a tenth of the paper's multiplications and parameters."""
        return cls(
            encoder=(48, 96, 192, 384),
            decoder=(256, 192, 160, 128),
            upsample=(48, 32),
            aligned=32,
            localisation="lr",
            stacks=1,
            hourglass_features=24,
            tail="subpixel",
            branch_a=(32, 32),
            branch_b=32,
            fusion=(32, 32, 12),
            base=True,
        )

    @classmethod
    def standard(cls) -> "MTUNConfig":
        """What ships: most of its work is done at 16 and 32 px, where it is cheap to train and to run."""
        return cls(
            encoder=(48, 96, 192, 384),
            decoder=(256, 192, 160, 128),
            trunk=(3, 128),
            upsample=(64, 64),
            aligned=64,
            localisation="cascade",
            landmarks=True,
            heb=32,
            stacks=1,
            hourglass_depth=3,
            hourglass_features=48,
            tail="shuffle",
            branch_a=(80, 80),
            branch_b=32,
            fusion=(64, 24, 8),
            blocks=(3, 1, 1),
            base=True,
        )

    def to_dict(self) -> dict:
        return asdict(self)
