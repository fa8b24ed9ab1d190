"""A reproduced table as Markdown, CSV and JSON, each written beside its place and renamed."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from ...files import write_text
from .claims import RULE, Judged
from .result import Figure, Result, RowResult

HEADER = (
    "",
    "runs",
    "PSNR dB",
    "SSIM",
    "over {base}",
    "paper PSNR",
    "paper SSIM",
    "paper over {base}",
    "STN error",
    "in place over bicubic, all / seen",
    "weights",
    "steps",
    "faces seen",
    "training",
)


def markdown(result: Result) -> str:
    sources = ", ".join(f"{name} {n}" for name, n in result.sources.items())
    kind = (
        "**Reduced table**: made where no GPU was asked for, with narrower networks, few faces and a budget that "
        f"leaves every curve rising. {result.note}".rstrip()
        if result.reduced
        else "Every row has the budget stated beside it."
    )
    header = [cell.format(base=result.base) for cell in HEADER]
    lines = [
        f"# {result.title}",
        "",
        kind,
        "",
        f"Ours: {result.protocol}; split *{result.split}*, {result.faces} faces ({sources}). The paper's figures are "
        f"of its own split and protocol: compare the margins over *{result.base}*, not the levels. Several runs: mean "
        "\u00b1 standard deviation over seeds.",
        "",
        f"Common settings: {', '.join(f'`{o}`' for o in result.budget) or 'those of the presets'}.",
        f"Evaluated on {result.hardware.get('gpu') or result.hardware.get('machine')}, "
        f"{result.hardware.get('cpus')} CPUs; faceprior {result.versions.get('faceprior')}, "
        f"PyTorch {result.versions.get('torch')}.",
        "",
        f"`{result.command}`",
        "",
        "| " + " | ".join(header) + " |",
        "|---" + "|---:" * (len(header) - 1) + "|",
        *("| " + " | ".join(_cells(row)) + " |" for row in result.rows),
        "",
        *(_claims(result.claims) if result.claims else ()),
    ]
    return "\n".join(lines)


def _claims(claims: Sequence[Judged]) -> list[str]:
    lines = ["## Claims", "", RULE, ""]
    lines += ["| claim | compared | here, dB | runs | paper, dB | verdict |", "|---|---|---:|---:|---:|---|"]
    for c in claims:
        here = f"{c.ours:+.3f}" + (f" \u00b1 {c.spread:.3f}" if c.spread is not None else "")
        paper = "-" if c.paper is None else f"{c.paper:+.2f}"
        lines.append(f"| {c.text} | {c.better} - {c.worse} | {here} | {c.seeds} | {paper} | **{c.verdict}** |")
    return [*lines, ""]


def _cells(row: RowResult) -> list[str]:
    t = row.training
    margin = "-" if row.psnr_margin is None else f"{row.psnr_margin:+.2f} / {row.ssim_margin:+.3f}"
    paper = ("-", "-") if row.paper is None else (f"{row.paper[0]:.2f}", f"{row.paper[1]:.2f}")
    above = "-" if row.paper_margin is None else f"{row.paper_margin[0]:+.2f} / {row.paper_margin[1]:+.2f}"
    trained = ["-"] * 4
    if t is not None:
        weights = f"{t.parameters / 1e6:.2f} M" if t.parameters else "-"
        trained = [weights, str(t.steps), str(t.images), f"{t.seconds:.0f} s, {t.hardware}"]
    error = "-" if row.degrees is None else f"{_number(row.degrees, 1)}\u00b0"
    error += "" if row.pixels is None else f" / {_number(row.pixels, 1)} px"
    runs = "-" if t is None else str(row.seeds)
    place = "-" if row.gain is None or row.gain_seen is None else f"{_gain(row.gain)} / {_gain(row.gain_seen)}"
    return [row.label, runs, _number(row.psnr, 2), _number(row.ssim, 4), margin, *paper, above, error, place, *trained]


def _gain(figure: Figure) -> str:
    return f"{figure.mean:+.2f}" + ("" if figure.spread is None else f" \u00b1 {figure.spread:.2f}")


def _number(figure: Figure, digits: int) -> str:
    spread = "" if figure.spread is None else f" \u00b1 {figure.spread:.{digits}f}"
    return f"{figure.mean:.{digits}f}{spread}"


def table_csv(result: Result) -> str:
    """One line a row, figures in full."""
    out = io.StringIO()
    names = ["name", "label", "runs", "psnr", "psnr_sd", "ssim", "ssim_sd", "psnr_over_base", "ssim_over_base"]
    names += ["paper_psnr", "paper_ssim", "paper_psnr_over_base", "paper_ssim_over_base", "stn_degrees"]
    names += ["stn_pixels", "place_over_bicubic", "place_over_bicubic_seen"]
    names += ["parameters", "steps", "images", "seconds", "hardware", "reduced"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in result.rows:
        t = row.training
        cells = [row.name, row.label, row.seeds, row.psnr.mean, row.psnr.spread, row.ssim.mean, row.ssim.spread]
        cells += [row.psnr_margin, row.ssim_margin, *(row.paper or (None, None)), *(row.paper_margin or (None, None))]
        cells += [x.mean if x else None for x in (row.degrees, row.pixels, row.gain, row.gain_seen)]
        cells += [t.parameters, t.steps, t.images, t.seconds, t.hardware] if t else [None] * 5
        writer.writerow([*cells, result.reduced])
    return out.getvalue()


def write(result: Result, folder: Path) -> list[Path]:
    """`NAME.md`, `NAME.csv` and `NAME.json` in `folder`; for a reduced table `NAME-reduced.*`."""
    stem = result.table + ("-reduced" if result.reduced else "")
    texts = {".md": markdown(result), ".csv": table_csv(result), ".json": result.to_json()}
    written = []
    for ending, text in texts.items():
        path = folder / f"{stem}{ending}"
        write_text(path, text)
        written.append(path)
    return written
