"""What a run leaves to read: metrics.jsonl (one line a record) and TensorBoard scalars."""

import json
from collections.abc import Callable
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Journal:
    """Records of a run. On resumption, records after the checkpoint's step are dropped: they come again."""

    def __init__(self, folder: Path, step: int, report: Callable[[str], None] = print):
        self._report, self._failed = report, False
        self.path = folder / "metrics.jsonl"
        if self.path.exists():
            kept = [line for line in self.path.read_text("utf-8", "replace").splitlines() if _step(line) <= step]
            temporary = self.path.with_name(".metrics.jsonl.tmp")
            temporary.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            temporary.replace(self.path)
        self._file = self.path.open("a", encoding="utf-8")
        self._board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, kind: str, step: int, numbers: dict[str, float], **more: object) -> None:
        """`kind` is "train", "val", "floor" (what a validation gives without a network) or "refused"."""
        rounded = {name: float(f"{value:.6g}") for name, value in numbers.items()}
        # NaN is no JSON: it is written as the text "nan".
        plain = {name: value if abs(value) < float("inf") else str(value) for name, value in rounded.items()}
        try:
            self._file.write(json.dumps({"kind": kind, "step": step, **plain, **more}) + "\n")
            self._file.flush()
            for name, value in numbers.items():
                self._board.add_scalar(f"{kind}/{name}", value, step)
        except OSError as error:
            self._complain(error)

    def close(self) -> None:
        for file in (self._file, self._board):
            try:
                file.close()
            except OSError as error:
                self._complain(error)

    def _complain(self, error: OSError) -> None:
        """A record is not worth a run: a full disk is said once and training goes on."""
        if not self._failed:
            self._report(f"{self.path}: records are being lost: {error.strerror or error}")
        self._failed = True


def _step(line: str) -> float:
    """A line's step; a line that a kill cut short, or that is damaged, counts as after everything."""
    try:
        step = json.loads(line)["step"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return float("inf")
    return step if isinstance(step, int | float) else float("inf")
