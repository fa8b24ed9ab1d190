"""`faceprior curves`: how training runs learned, as one picture."""

from pathlib import Path
from typing import Annotated

import typer


def curves(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs (or their metrics.jsonl); several are compared.")],
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="A .png, .svg or .pdf; without it curves.png in the run's folder, or here."),
    ] = None,
    against: Annotated[str, typer.Option(help="What runs are laid over each other by: steps, faces, time.")] = "steps",
) -> None:
    """Draw validation PSNR over its floors, the STN's error, the losses and images/s of runs, also of one under way."""
    from ..training.curves import draw_curves

    beside = runs[0].parent if runs[0].is_file() else runs[0]
    target = out if out is not None else beside / "curves.png" if len(runs) == 1 else Path("curves.png")
    print(draw_curves(runs, target, against=against))
