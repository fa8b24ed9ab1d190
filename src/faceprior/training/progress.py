"""What the user sees: a bar on a terminal, plain lines elsewhere."""

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY = 15.0  # seconds, where there is no terminal


class TrainProgress:
    """images/s (over the time since the last report) and the losses. Silent on all processes but the first."""

    def __init__(self, total: int, step: int, batch: int, *, shown: bool = True):
        self.console = Console(stderr=True, quiet=not shown, soft_wrap=True)
        self.total, self.batch = total, batch
        self._bar = None
        self._last, self._last_step, self.rate = time.perf_counter(), step, 0.0
        if shown and self.console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[numbers]}"),
                console=self.console,
            )
            self._task = self._bar.add_task("training", total=total, completed=step, numbers="")
            self._bar.start()

    def step(self, step: int, epoch: int, losses: dict[str, float]) -> None:
        now = time.perf_counter()
        if now - self._last < (0.5 if self._bar else LINE_EVERY) and step < self.total:
            if self._bar:
                self._bar.update(self._task, completed=step)
            return
        self.rate = (step - self._last_step) * self.batch / max(1e-9, now - self._last)
        self._last, self._last_step = now, step
        numbers = f"{self.rate:.0f} images/s  " + "  ".join(
            f"{name} {value:.4g}" for name, value in losses.items() if not name.startswith("norm")
        )
        if self._bar:
            self._bar.update(self._task, completed=step, description=f"epoch {epoch}", numbers=numbers)
        else:
            self.say(f"epoch {epoch}  step {step}/{self.total}  {numbers}")

    def say(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        if self._bar:
            self._bar.stop()
