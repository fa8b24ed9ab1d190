"""What a reproduced table holds: our figures, the paper's, the margins over the base row in both, and the budgets."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ...networks.kinds import config_class, make_network
from ...networks.weights import read_header
from ...training.given import closed_form
from ..report import ModelReport, Report
from .claims import Judged, judge
from .plan import WEIGHTS, Run
from .rows import Table


@dataclass(frozen=True)
class Figure:
    """Mean over the seeds, and their standard deviation (None for one seed)."""

    mean: float
    spread: float | None = None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure | None":
        known = [v for v in values if v is not None]
        if not known:
            return None
        return cls(float(np.mean(known)), float(np.std(known, ddof=1)) if len(known) > 1 else None)


@dataclass(frozen=True)
class TrainedWith:
    """The training of one row (a mean over its seeds where there are several)."""

    parameters: int  #     of the network that were trained
    steps: int
    images: int
    seconds: float
    hardware: str
    weights: list[str]  #  SHA-256, a seed


@dataclass(frozen=True)
class RunResult:
    """One run of a row: what a table needs to know of it when its weights are gone."""

    seed: int
    figures: dict[str, float]  #  means over the test faces, by their names in a report
    basis: dict[str, Any]  #      all that they depend on (`plan.Run`), its configuration too
    training: TrainedWith


@dataclass(frozen=True)
class RowResult:
    name: str
    label: str
    seeds: int
    psnr: Figure
    ssim: Figure
    degrees: Figure | None  #              the STN's mean error
    pixels: Figure | None  #               the same, in px of 128
    gain: Figure | None  #                 in place, over bicubic, dB: all pixels
    gain_seen: Figure | None  #            ... those that the LR saw
    psnr_margin: float | None  #           over the base row
    ssim_margin: float | None
    paper: tuple[float, float] | None
    paper_margin: tuple[float, float] | None
    training: TrainedWith | None  #        None: not trained here
    runs: list[RunResult] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    table: str
    title: str
    base: str  #                           the label of the row that margins are over
    reduced: bool
    note: str  #                           on the reduced table
    command: str
    protocol: str
    split: str
    faces: int
    sources: dict[str, int]
    data: dict[str, Any]
    rows: list[RowResult]
    claims: list[Judged]
    budget: list[str]  #                   the overrides common to all rows
    versions: dict[str, str]
    hardware: dict[str, Any]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


FIGURES = ("psnr", "ssim", "stn_degrees", "stn_pixels", "gain_psnr", "gain_psnr_seen")  # the last four: perhaps


def run_result(run: Run, report: ModelReport) -> RunResult:
    """Of a run whose weights are here and were scored."""
    header = read_header(run.folder / WEIGHTS)
    provenance = header["provenance"]
    network = make_network(config_class(header["model"])(**header["config"]))
    trained = TrainedWith(
        sum(p.numel() for p in network.parameters() if p.requires_grad),
        provenance["steps"],
        _learned(network, provenance) if closed_form(network) else provenance["images"],
        provenance["seconds"],
        f"{provenance['hardware']['device']}, {provenance['hardware']['threads']} threads",
        [_sha256(run.folder / WEIGHTS)],
    )
    return RunResult(run.seed, _means(report), run.basis, trained)


def collect(
    table: Table,
    report: Report,
    runs: dict[str, list[RunResult]],
    *,
    reduced: bool,
    budget: list[str],
    outside: Sequence[ModelReport],
) -> Result:
    """`runs` holds each row's, one a seed; `outside`: further models of the report, which get a row."""
    base = runs.get(table.base)
    over = {key: Figure.of([r.figures[key] for r in base]) for key in ("psnr", "ssim")} if base else None
    paper_base = table.row(table.base).paper
    rows = []
    # The floors are told apart from the rows: one does not align, the other knows the truth.
    floors = {"bicubic": "Bicubic, unaligned", "bicubic-true": "Bicubic, true alignment"}
    others = [(report.model(name), label) for name, label in floors.items()] + [(one, one.name) for one in outside]
    rows += [_row(one.name, label, [_means(one)], over, None, None) for one, label in others]
    for row in table.rows:
        if row.name in runs and row.listed:
            members = runs[row.name]
            made = _row(row.name, row.label, [r.figures for r in members], over, row.paper, paper_base)
            rows.append(replace(made, training=_together([r.training for r in members]), runs=members))
    return Result(
        table.name,
        table.title,
        table.row(table.base).label,
        reduced,
        table.reduced_note if reduced else "",
        report.command,
        report.protocol_text,
        report.split,
        report.faces,
        report.sources,
        report.data,
        rows,
        judge(table, {name: [r.figures[table.judged] for r in members] for name, members in runs.items()}),
        budget,
        report.versions,
        report.hardware,
    )


def _means(report: ModelReport) -> dict[str, float]:
    return {key: report.overall[key].mean for key in FIGURES if key in report.overall}


def _row(
    name: str,
    label: str,
    scores: Sequence[dict[str, float]],
    base: dict[str, Figure | None] | None,
    paper: tuple[float, float] | None,
    paper_base: tuple[float, float] | None,
) -> RowResult:
    psnr, ssim, degrees, pixels, gain, seen = (Figure.of([s[key] for s in scores if key in s]) for key in FIGURES)
    assert psnr and ssim
    margins = {
        key: figure.mean - base[key].mean if base and base[key] else None
        for key, figure in (("psnr", psnr), ("ssim", ssim))
    }
    over = (paper[0] - paper_base[0], paper[1] - paper_base[1]) if paper and paper_base else None
    return RowResult(
        name, label, len(scores), psnr, ssim, degrees, pixels, gain, seen, margins["psnr"], margins["ssim"], paper,
        over, None,
    )  # fmt: skip


def _together(trained: Sequence[TrainedWith]) -> TrainedWith:
    seconds = round(float(np.mean([t.seconds for t in trained])), 1)
    return replace(trained[0], seconds=seconds, weights=[w for t in trained for w in t.weights])


def _learned(network: nn.Module, provenance: dict[str, Any]) -> int:
    """Faces that a system without a training loop has gone over."""
    return min(network.config.faces, provenance["dataset"]["faces"]) * network.passes


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
