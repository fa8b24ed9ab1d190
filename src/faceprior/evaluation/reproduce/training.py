"""Trains what a plan lacks, one run after the other."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ...training.loop import Trainer
from .plan import Run


class Stopped(Exception):
    """A signal ended a run; its checkpoint is written and the same command goes on from it."""

    def __init__(self, signal: str):
        super().__init__(signal)
        self.signal = signal


def train_missing(
    runs: Sequence[Run],
    data: Path,
    *,
    device: str = "auto",
    vgg: Path | None = None,
    say: Callable[[str], None] = print,
) -> None:
    """Each run to its end, also one that was begun before. Raises Stopped where a signal came."""
    for number, run in enumerate(runs, 1):
        place = f"{number}/{len(runs)} {run.row.label}" + (f", seed {run.seed}" if run.seed else "")
        if run.done:
            say(f"{place}: done before ({run.folder})")
            continue
        say(f"{place}: {run.folder}")
        run.folder.parent.mkdir(parents=True, exist_ok=True)
        ended = Trainer(run.config, data, run.folder, device=device, vgg=vgg, stn0=run.stn0).fit()
        if ended not in ("done", "time"):
            raise Stopped(ended)
