"""metrics.jsonl read back: the records of a run as columns. Needs no PyTorch."""

import json
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import FacepriorError

LARGEST = 3.5e38  # float32 ends a little below; matplotlib has no axis for much more


@dataclass
class Records:
    """Of one run. Every list is by step; a number that was not finite, or that float32 has not, is NaN.

    train, val: name -> [(step, value)]; floors: name -> value, of the last start; batch: faces of a step
    """

    name: str
    batch: int = 1
    train: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    val: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    floors: dict[str, float] = field(default_factory=dict)

    def seconds(self) -> list[tuple[int, float]]:
        """(step, seconds since the start), from the validations; the start is (0, 0)."""
        return [(0, 0.0), *self.val.get("seconds", [])]


def read_records(folder: Path) -> Records:
    """The records of a run's folder (or of its metrics.jsonl). A line cut short is left out."""
    path = folder if folder.is_file() else folder / "metrics.jsonl"
    folder = path.parent
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        reason = error.strerror or error
        raise FacepriorError(f"{path}: {reason}; `faceprior train` writes it into a run's folder") from None
    run = Records(folder.resolve().name, _batch(folder / "config.toml"))
    for line in lines:
        try:
            record = json.loads(line)
            kind, step = record["kind"], int(record["step"])
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue
        if not 0 <= step < 2**53:
            continue
        numbers = {name: _number(value) for name, value in record.items() if name not in ("kind", "step")}
        if kind == "floor":
            run.floors |= {name: value for name, value in numbers.items() if value is not None}
        for name, value in numbers.items() if kind in ("train", "val") else ():
            if value is not None:
                (run.train if kind == "train" else run.val).setdefault(name, []).append((step, value))
    if not run.train and not run.val:
        raise FacepriorError(f"{path}: holds no record yet")
    return run


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  NaN is written as the text "nan"
    except (TypeError, ValueError):
        return None
    except OverflowError:
        return math.nan
    return number if abs(number) < LARGEST else math.nan


def _batch(path: Path) -> int:
    try:
        return int(tomllib.loads(path.read_text("utf-8"))["run"]["batch"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return 1
