"""Table 3 and Figure 4 of the paper: pixel, feature and adversarial loss, each without and with the heatmap loss.

"Without Lh" is without the heatmap branch, which nothing else would teach.

The reduced table keeps what the paper's claim hangs on: its STN, on the features, starts at the identity and is taught
by nothing but the losses that the row names ("the heatmap supervision also forces the STN to align the upsampled
features"). So no row starts from the aligner or knows the true transform, and no base hands the STN a pixel gradient.
"""

from dataclasses import replace

from .reduced import LATE, NO_ADVERSARY, NO_VGG, PART_VGG, REDUCED
from .rows import Claim, Picture, Row, Table

_REDUCED = {"p": (NO_VGG, NO_ADVERSARY), "pf": (PART_VGG, NO_ADVERSARY), "pfu": (PART_VGG, LATE)}
# By the known transform, so at the small rate of the paper's STN.
UNTAUGHT = ("loss.transform_weight=0.0", "optimiser.localisation_lr=0.1")
FAITHFUL = (
    "model.preset=compact",  # the paper's plan at a tenth of its widths
    "model.localisation=paper",
    "model.base=false",
    *UNTAUGHT,
)
_WORDS = {"p": "Lp", "pf": "Lp+f", "pfu": "Lp+f+U"}


def _row(losses: str, lh: bool, paper: tuple[float, float], **same: str) -> Row:
    name = losses + ("-h" if lh else "")
    return Row(
        name,
        f"{_WORDS[losses]}, {'with' if lh else 'without'} Lh",
        "table1/ours" if same.get("same") == "ours" else f"table3/{name}",
        reduced=(*FAITHFUL, *_REDUCED[losses]),
        paper=paper,
        seeds=3 if losses == "p" else 1,
        **same,
    )


TABLE3 = Table(
    name="table3",
    title="Table 3: losses",
    base="p",
    rows=(
        _row("p", False, (21.43, 0.66)),
        _row("pf", False, (21.57, 0.66)),
        _row("pfu", False, (21.55, 0.65)),
        _row("p", True, (23.23, 0.69)),
        _row("pf", True, (23.35, 0.69)),
        _row("pfu", True, (23.14, 0.68), same="ours"),
    ),
    claims=(
        Claim("The heatmap loss helps beside Lp", "p-h", "p"),
        Claim("The heatmap loss helps beside Lp+f", "pf-h", "pf"),
        Claim("The heatmap loss helps beside Lp+f+U", "pfu-h", "pfu"),
        Claim("The feature loss raises the PSNR, without Lh", "pf", "p"),
        Claim("The feature loss raises the PSNR, with Lh", "pf-h", "p-h"),
        Claim("The adversarial loss costs PSNR, without Lh", "pf", "pfu"),
        Claim("The adversarial loss costs PSNR, with Lh", "pf-h", "pfu-h"),
    ),
    reduced=REDUCED,
    reduced_note="The network is the paper's plan at the widths of `compact`, its STN taught by the row's losses "
    "alone. "
    "Lf is the real VGG-19 loss, of 4 of each step's 16 faces; LU comes in after the first epoch.",
    figures={"figure4": Picture(("p", "pf", "pfu", "p-h", "pf-h", "pfu-h"))},
)


RATE = "optimiser.localisation_lr=1.0"


# What moves an STN that starts at the identity, if the losses of Table 3 do not: more rate, a heavier Lh, or some of
# the known transform. Lp alone otherwise; the two first rows are Table 3's own runs.
def _help(name: str, label: str, of: str, *overrides: str, seeds: int = 1) -> Row:
    more = (*UNTAUGHT, *overrides)  # of the full table, whose presets teach the STN
    return Row(name, label, f"table3/{of}", more, reduced=(*FAITHFUL, *_REDUCED["p"], *overrides), seeds=seeds)


TABLE_HELP = Table(
    name="table3-help",
    title="Table 3, on: what help the STN needs",
    base="p",
    rows=(
        replace(TABLE3.row("p"), paper=None, overrides=UNTAUGHT),
        replace(TABLE3.row("p-h"), paper=None, overrides=UNTAUGHT),
        _help("p-rate", "Lp, the STN at the rate of the rest", "p", RATE, seeds=3),
        _help("p-h-rate", "Lp and Lh, the STN at the rate of the rest", "p-h", RATE, seeds=3),
        _help("p-h-heavy", "Lp and ten times Lh", "p-h", "loss.heatmap_weight=0.5"),
        _help("p-t-thousandth", "Lp and 0.001 of the known transform", "p", "loss.transform_weight=0.001"),
        _help("p-t-hundredth", "Lp and 0.01 of the known transform", "p", "loss.transform_weight=0.01"),
        _help("p-t-tenth", "Lp and 0.1 of the known transform", "p", "loss.transform_weight=0.1"),
    ),
    claims=(Claim("The heatmap loss helps beside Lp, the STN at the rate of the rest", "p-h-rate", "p-rate"),),
    reduced=REDUCED,
    reduced_note="The network is that of the reduced Table 3.",
)
