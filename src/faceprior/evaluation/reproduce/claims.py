"""Whether a claim holds: the differences of two rows, paired by seed, against their own spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .rows import Claim, Table

RULE = (
    "A claim *holds* where the difference in dB, paired by seed, is above zero by a one-sided t-test at 5 %, *fails* "
    "where it is so below zero, and is *open* between, or with fewer than two runs of either row."
)
# Student's t at 95 %, for 2 to 10 seeds (1 to 9 degrees of freedom).
_T95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833)


@dataclass(frozen=True)
class Judged:
    text: str
    better: str  #             labels
    worse: str
    paper: float | None  #     dB, the paper's difference
    ours: float  #             dB, the mean of the differences
    spread: float | None  #    their standard deviation, None for one seed
    seeds: int
    verdict: str  #            "holds", "fails" or "open"


def judge(table: Table, figures: dict[str, Sequence[float]]) -> list[Judged]:
    """`figures`: each row's values in dB, one a seed, seed 0 first. Claims of which a row is missing are left out."""
    return [_judge(table, claim, figures) for claim in table.claims if {claim.better, claim.worse} <= figures.keys()]


def _judge(table: Table, claim: Claim, psnr: dict[str, Sequence[float]]) -> Judged:
    better, worse = table.row(claim.better), table.row(claim.worse)
    seeds = min(len(psnr[better.name]), len(psnr[worse.name]))
    differences = np.subtract(psnr[better.name][:seeds], psnr[worse.name][:seeds])
    mean = float(differences.mean())
    spread = float(differences.std(ddof=1)) if seeds > 1 else None
    return Judged(
        claim.text,
        better.label,
        worse.label,
        round(better.paper[0] - worse.paper[0], 2) if better.paper and worse.paper else None,
        mean,
        spread,
        seeds,
        verdict(mean, spread, seeds),
    )


def verdict(mean: float, spread: float | None, seeds: int) -> str:
    """By RULE; for more than ten seeds the bound is that of ten, which is a little stricter than need be."""
    if spread is None or abs(mean) <= _T95[min(seeds, 10) - 2] * spread / seeds**0.5:
        return "open"
    return "holds" if mean > 0 else "fails"
