"""What a reproduced table holds: our figures, the paper's, the margins over the base row in both, and the budgets."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from ...networks.kinds import config_class, make_network
from ...networks.weights import read_header
from ...training.generator import closed_form
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
    config: dict[str, Any]
    weights: list[str]  #  SHA-256, a seed


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


def collect(
    table: Table,
    report: Report,
    runs: Sequence[Run],
    scored: dict[str, list[ModelReport]],
    *,
    reduced: bool,
    budget: list[str],
    outside: Sequence[str],
) -> Result:
    """`scored` holds each row's reports, one a seed; `outside` names further models of the report that get a row."""
    figures = {name: _figures(reports) for name, reports in scored.items()}
    base = figures.get(table.base)
    paper_base = table.row(table.base).paper
    rows = []
    # The floors are told apart from the rows: one does not align, the other knows the truth.
    floors = {"bicubic": "Bicubic, unaligned", "bicubic-true": "Bicubic, true alignment"}
    for name, label in [*floors.items(), *((name, name) for name in outside)]:
        rows.append(_row(name, label, 1, _figures([report.model(name)]), base, None, None, None))
    for row in table.rows:
        if row.name in figures and row.listed:
            trained = _training([run for run in runs if run.row is row])
            count = len(scored[row.name])
            rows.append(_row(row.name, row.label, count, figures[row.name], base, row.paper, paper_base, trained))
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
        judge(table, {name: [r.overall[table.judged].mean for r in reports] for name, reports in scored.items()}),
        budget,
        report.versions,
        report.hardware,
    )


_Figures = tuple[Figure, Figure, Figure | None, Figure | None, Figure | None, Figure | None]
_PERHAPS = ("stn_degrees", "stn_pixels", "gain_psnr", "gain_psnr_seen")


def _figures(reports: Sequence[ModelReport]) -> _Figures:
    psnr, ssim = (Figure.of([r.overall[key].mean for r in reports]) for key in ("psnr", "ssim"))
    assert psnr and ssim
    degrees, pixels, gain, seen = (
        Figure.of([r.overall[key].mean for r in reports if key in r.overall]) for key in _PERHAPS
    )
    return psnr, ssim, degrees, pixels, gain, seen


def _row(name, label, seeds: int, figures: _Figures, base: _Figures | None, paper, paper_base, trained) -> RowResult:
    psnr, ssim, degrees, pixels, gain, seen = figures
    over = paper is not None and paper_base is not None
    return RowResult(
        name,
        label,
        seeds,
        psnr,
        ssim,
        degrees,
        pixels,
        gain,
        seen,
        psnr.mean - base[0].mean if base else None,
        ssim.mean - base[1].mean if base else None,
        paper,
        (paper[0] - paper_base[0], paper[1] - paper_base[1]) if over else None,
        trained,
    )


def _training(runs: Sequence[Run]) -> TrainedWith:
    headers = [read_header(run.folder / WEIGHTS) for run in runs]
    provenances = [header["provenance"] for header in headers]
    first = headers[0]
    network = make_network(config_class(first["model"])(**first["config"]))
    return TrainedWith(
        sum(p.numel() for p in network.parameters() if p.requires_grad),
        provenances[0]["steps"],
        _learned(network, provenances[0]) if closed_form(network) else provenances[0]["images"],
        round(float(np.mean([p["seconds"] for p in provenances])), 1),
        f"{provenances[0]['hardware']['device']}, {provenances[0]['hardware']['threads']} threads",
        provenances[0]["config"],
        [_sha256(run.folder / WEIGHTS) for run in runs],
    )


def _learned(network: nn.Module, provenance: dict[str, Any]) -> int:
    """Faces that a system without a training loop has gone over."""
    return min(network.config.faces, provenance["dataset"]["faces"]) * network.passes


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
