"""Table 1 and Figures 1, 3 and 5 of the paper: every system on the same split, trained by the same trainer.

The paper's figures are of its own test split and protocol; margins over bicubic compare better than levels do.
"""

from .reduced import ALIGNER, LATE, NO_VGG, REDUCED, SMALL
from .rows import Claim, Picture, Row, Table

_DAGGER, _DOUBLE = "\u2020", "\u2021"

# Reduced: each network brought to about the multiplications of `compact` (0.2 to 1 G a face), the VGG loss left out
# (it alone would cost several times that), the adversary after the first epoch. STN0, on which half of the rows
# stand, is cheap and gets four times the steps.
_LATE = (NO_VGG, LATE)

TABLE1 = Table(
    name="table1",
    title="Table 1: comparison with other systems",
    base="bicubic-stn0",
    rows=(
        ALIGNER,
        Row(
            "bicubic-stn0",
            "Bicubic (STN0)",
            "table1/stn0",
            reduced=("run.batch=64", "run.steps=1600"),
            paper=(18.83, 0.57),
        ),
        Row("nn", "NN", "table1/nn", reduced=("model.faces=2048",), needs="bicubic-stn0"),
        Row(
            "vdsr",
            "VDSR",
            "table1/vdsr",
            reduced=("model.features=16",),
            paper=(18.65, 0.57),
            needs="bicubic-stn0",
        ),
        Row(
            "srgan",
            "SRGAN",
            "table1/srgan",
            reduced=("model.features=32", *_LATE),
            paper=(18.57, 0.55),
            needs="bicubic-stn0",
        ),
        Row("ma", "Ma et al.", "table1/ma", paper=(18.66, 0.53), needs="bicubic-stn0"),
        Row("ma-stn0", "Ma et al., dictionary aligned by STN0", "table1/ma-stn0", needs="bicubic-stn0"),
        Row(
            "cbn",
            "CBN",
            "table1/cbn",
            reduced=("model.features=16", "model.layers=4", "model.faces=1024"),
            paper=(18.49, 0.55),
            needs="bicubic-stn0",
        ),
        Row(
            "tdae",
            "TDAE",
            "table1/tdae",
            reduced=("model.decoder=[128, 64, 48, 32]", "model.encoder=[16, 32, 64, 128]", *_LATE),
            paper=(18.87, 0.52),
        ),
        Row(
            "tdae-retrained",
            f"TDAE{_DAGGER} (retrained)",
            "table1/tdae-retrained",
            reduced=("model.decoder=[128, 64, 48, 32]", "model.encoder=[16, 32, 64, 128]", *_LATE),
            paper=(21.39, 0.62),
        ),
        Row(
            "ours-no-skip",
            f"Ours{_DAGGER} (no skip)",
            "table1/ours-no-skip",
            reduced=SMALL,
            reduced_needs="aligner",
            paper=(22.69, 0.66),
            seeds=3,
        ),
        Row(
            "ours-no-autoencoder",
            f"Ours{_DOUBLE} (no autoencoder)",
            "table1/ours-no-autoencoder",
            reduced=SMALL,
            reduced_needs="aligner",
            paper=(22.83, 0.65),
            seeds=3,
        ),
        Row("ours", "Ours", "table1/ours", reduced=SMALL, reduced_needs="aligner", paper=(23.14, 0.68), seeds=3),
    ),
    claims=(
        Claim("Ours does better than TDAE retrained on the same faces", "ours", "tdae-retrained"),
        Claim("The skip helps", "ours", "ours-no-skip"),
        Claim("The autoencoder helps", "ours", "ours-no-autoencoder"),
    ),
    reduced=(*REDUCED, "run.batch=32"),  # fewer runs than the ablations need, so twice their faces a row
    reduced_note="Widths are cut to about the multiplications of `compact`; no row has the VGG loss.",
    figures={
        "figure1": Picture(("nn", "cbn", "tdae", "tdae-retrained", "ours")),
        "figure3": Picture(("ours",), heatmaps=True),
        "figure5": Picture(("bicubic-stn0", "vdsr", "srgan", "ma", "cbn", "tdae-retrained", "ours")),
    },
)
