"""How a run learned, or several beside each other: PSNR over its floors, the STN's error, losses, speed."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FacepriorError, one_line
from ..files import write_atomically
from .records import Records, read_records

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = ("steps", "faces", "time")
TERMS = {  # metrics.jsonl's names, in the order of the legend
    "total": "total",
    "p": "Lp pixel",
    "f": "Lf feature",
    "U": "LU adversarial",
    "h": "Lh heatmaps",
    "t": "transform",
    "l": "landmarks",
    "s": "stages",
    "D": "discriminator",
}
INK, QUIET = "#222222", "#8a8a8a"


def draw_curves(folders: Sequence[Path], target: Path, *, against: str = "steps") -> Path:
    """`target`: a .png, .svg or .pdf. One run shows every term of its loss, several their total alone."""
    if against not in AXES:
        raise FacepriorError(f"--against {against}: expected {', '.join(AXES)}")
    if target.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise FacepriorError(f"{target}: expected an ending of .png, .svg or .pdf")
    runs = [read_records(folder) for folder in folders]
    _name_apart(runs, folders)
    for run in runs:
        run.name = _plain(run.name)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), dpi=110, layout="constrained")
    (quality, stn), (losses, speed) = figure.subplots(2, 2)
    for i, run in enumerate(runs):
        colour = f"C{i % 10}"
        points = Axis(run, against)
        points.plot(quality, run.val.get("psnr", []), run.name, colour, marker=True)
        points.plot(stn, run.val.get("angle", []), run.name, colour, marker=True)
        shown = TERMS if len(runs) == 1 else {"total": run.name}
        for j, (term, label) in enumerate(shown.items()):
            values = [(step, value) for step, value in run.train.get(term, []) if value > 0]
            points.plot(losses, values, label, f"C{j % 10}" if len(runs) == 1 else colour, smooth=True)
        points.plot(speed, [(s, v) for s, v in run.train.get("images_per_s", []) if v > 0], run.name, colour)
    for name, label in (("psnr_bicubic", "bicubic"), ("psnr_bicubic_true", "bicubic told the true transform")):
        _floor(quality, runs, name, label)
    _floor(stn, runs, "angle", "every face left as it is")
    _dress(quality, "validation PSNR, dB", against)
    _dress(stn, "STN's error on the validation faces, degrees", against, zero=True)
    terms = "training losses, the terms without their weights" if len(runs) == 1 else "training loss"
    _dress(losses, terms, against, log=True)
    _dress(speed, "images/s", against, zero=True)
    figure.suptitle(" | ".join(run.name for run in runs) if len(runs) <= 3 else f"{len(runs)} runs", color=INK)
    write_atomically(target, lambda file: figure.savefig(file, format=target.suffix.lower()[1:]))
    return target


class Axis:
    """Steps of a run as what the x axis shows."""

    def __init__(self, run: Records, against: str):
        self.run, self.against = run, against
        self.steps, self.seconds = map(np.array, zip(*run.seconds(), strict=True))
        if against == "time" and len(self.steps) < 2:
            raise FacepriorError(f"{run.name}: no validation yet, so no time is known; --against steps or faces")

    def x(self, steps: np.ndarray) -> np.ndarray:
        if self.against == "faces":
            return steps * self.run.batch
        if self.against == "steps":
            return steps
        x = np.interp(steps, self.steps, self.seconds)
        after = steps > self.steps[-1]  # behind the last validation: at the pace before it
        pace = self.seconds[-1] / max(1, self.steps[-1])
        return np.where(after, self.seconds[-1] + (steps - self.steps[-1]) * pace, x) / 60

    def plot(
        self,
        axes: "Axes",
        points: list[tuple[int, float]],
        label: str,
        colour: str,
        *,
        marker: bool = False,
        smooth: bool = False,
    ) -> None:
        points = [(step, value) for step, value in points if math.isfinite(value)]
        if not points:
            return
        steps, values = map(np.array, zip(*points, strict=True))
        x = self.x(steps)
        dot = "o" if len(x) == 1 or (marker and len(x) <= 40) else None
        if smooth and len(values) >= 20:
            axes.plot(x, values, color=colour, alpha=0.2, linewidth=0.8)
            values = moving_average(values, len(values) // 20)
        axes.plot(x, values, color=colour, label=label, marker=dot, markersize=4, linewidth=1.6)
        if marker:
            axes.annotate(
                f"{values[-1]:.2f}", (x[-1], values[-1]), (4, 4), textcoords="offset points", fontsize=9, color=colour
            )


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Over `width` values around each, fewer at the ends: as long as before, and no shift."""
    width = max(1, width)
    sums = np.convolve(values, np.ones(width), "same")
    return sums / np.convolve(np.ones(len(values)), np.ones(width), "same")


def _floor(axes: "Axes", runs: list[Records], name: str, label: str) -> None:
    """A dashed line for each floor; runs of other faces have other ones."""
    values = {f"{run.floors[name]:.2f}" for run in runs if name in run.floors}
    for value in sorted(values):
        axes.axhline(float(value), color=QUIET, linestyle="--" if "true" in name else ":", linewidth=1.2, zorder=0)
        axes.annotate(
            f"{label} {value}", (0.01, float(value)), (0, 3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="left", fontsize=8, color=QUIET,
        )  # fmt: skip


def _dress(axes: "Axes", title: str, against: str, *, log: bool = False, zero: bool = False) -> None:
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel({"steps": "step", "faces": "faces seen", "time": "minutes"}[against], color=QUIET)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if not axes.lines:
        axes.text(0.5, 0.5, "none recorded", transform=axes.transAxes, ha="center", color=QUIET)
        return
    axes.margins(y=0.12)
    axes.set_xlim(left=0)
    if log:  # what is not above 0 was left out
        axes.set_yscale("log")
    elif zero:
        axes.set_ylim(0, 1.15 * max(float(np.max(line.get_ydata())) for line in axes.lines))
    if len(axes.get_legend_handles_labels()[0]) > 1:
        axes.legend(fontsize=8, frameon=False)


def _plain(name: str) -> str:
    """A folder's name as matplotlib shows it: no formula where it has dollars, not left out for a leading "_"."""
    name = one_line(name).replace("$", r"\$")
    return f" {name}" if name.startswith("_") else name


def _name_apart(runs: list[Records], folders: Sequence[Path]) -> None:
    """Runs whose folders have one name are told apart by more of their paths."""
    for run, folder in zip(runs, folders, strict=True):
        if sum(other.name == run.name for other in runs) > 1:
            parts = (folder.parent if folder.is_file() else folder).resolve().parts
            run.name = "/".join(parts[-2:])
