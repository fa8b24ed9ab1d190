"""The plots of the documents, drawn from what they stand beside: `python tools/plots.py` after a table has changed.

docs/results/*/NAME-reduced.csv -> NAME-reduced.svg: PSNR of every row, with the spread of its seeds, over the floors
docs/performance.md             -> docs/speed.svg: ms a face of every runtime on both machines, from the first tables
"""

import csv
import re
from pathlib import Path

from matplotlib import rcParams
from matplotlib.figure import Figure

DOCS = Path(__file__).resolve().parents[1] / "docs"
OURS, OTHER, QUIET = "#f97316", "#5b6472", "#8a8a8a"
FLOORS = {"bicubic": "bicubic", "bicubic-true": "bicubic, true alignment"}
rcParams["svg.hashsalt"] = "faceprior"  # the same drawing gives the same file


def main() -> None:
    for path in sorted((DOCS / "results").glob("*/*-reduced.csv")):
        save(draw_table(path), path.with_suffix(".svg"))
    save(draw_speed((DOCS / "performance.md").read_text("utf-8")), DOCS / "speed.svg")


def draw_table(path: Path) -> Figure:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    floors = {row["name"]: float(row["psnr"]) for row in rows if row["name"] in FLOORS}
    rows = [row for row in rows if row["name"] not in FLOORS][::-1]
    figure = Figure(figsize=(8, 0.9 + 0.3 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for y, row in enumerate(rows):
        value, spread = float(row["psnr"]), float(row["psnr_sd"] or 0)
        own = row["name"].startswith(("ours", "default", "pfu-h", "s4"))
        axes.errorbar(value, y, xerr=spread or None, fmt="o", color=OURS if own else OTHER, capsize=3)
        seeds = f" ± {spread:.2f}" if spread else ""
        axes.annotate(
            f"{value:.2f}{seeds}", (value + spread, y), (9, 0), textcoords="offset points", va="center", fontsize=8
        )
    low, high = min(float(row["psnr"]) for row in rows), max(float(row["psnr"]) for row in rows)
    margin = max(0.4, (high - low) * 0.25)
    for name, value in floors.items():
        if low - 2.5 < value < high + 2.5:
            axes.axvline(value, color=QUIET, linestyle="--", linewidth=1)
            axes.annotate(
                FLOORS[name], (value, 0.98), (-3, 0), xycoords=axes.get_xaxis_transform(), textcoords="offset points",
                rotation=90, ha="right", va="top", fontsize=8, color=QUIET,
            )  # fmt: skip
            low, high = min(low, value), max(high, value)
    axes.set_xlim(low - margin, high + margin)
    axes.set_yticks(range(len(rows)), [row["label"] for row in rows], fontsize=9)
    _dress(axes, f"PSNR, dB, on 500 test faces; {path.stem}")
    return figure


def draw_speed(text: str) -> Figure:
    """Bars of ms a face at 16 faces, from the tables whose first cell is X or E."""
    machines: dict[str, list[tuple[str, float]]] = {}
    for machine, body in re.findall(r"^\| (X|E) \| ms a face.*\n\|[-:|]+\n((?:\|.*\n)+)", text, re.MULTILINE):
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines()]
        machines[machine] = [(row[0], float(row[2])) for row in cells if row[2]]
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for axes, (machine, rows) in zip(figure.subplots(1, len(machines), sharex=True), machines.items(), strict=True):
        names, values = zip(*rows[::-1], strict=True)
        colours = [OTHER if "PyTorch" in name else OURS for name in names]
        axes.barh(range(len(names)), values, color=colours, height=0.6)
        for y, value in enumerate(values):
            axes.annotate(f"{value:g}", (value, y), (3, 0), textcoords="offset points", va="center", fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=9)
        _dress(axes, f"machine {machine}: ms a face, 16 at a time")
        axes.margins(x=0.15)
    return figure


def _dress(axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="x", alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: Figure, target: Path) -> None:
    figure.savefig(target, format="svg", metadata={"Date": None}, facecolor="white")
    print(target)


if __name__ == "__main__":
    main()
