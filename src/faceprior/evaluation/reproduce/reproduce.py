"""A table from its name to its files: what `faceprior reproduce` does between its flags and its exit status."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from ...dataset.store import FaceStore
from ...errors import FacepriorError
from ..evaluate import FLOORS, EvaluateOptions, evaluate
from ..models import resolve
from . import TABLES
from .picture import figure, save
from .plan import Budget, Run, plan
from .result import Result, collect
from .training import train_missing
from .writing import write

PICTURE_FACES = 6


@dataclass(frozen=True)
class Options:
    rows: tuple[str, ...] = ()  #     () = all
    models: tuple[str, ...] = ()  #   further models to put into the table, as `--model` names them
    limit: int | None = None  #       test faces; None = all, or the reduced table's number
    device: str = "auto"
    vgg: Path | None = None
    batch: int = 64


def reproduce(
    name: str,
    data: Path,
    out: Path,
    budget: Budget,
    options: Options | None = None,
    *,
    command: str = "",
    say: Callable[[str], None] = print,
) -> tuple[Result, list[Path]]:
    """Trains what is missing, scores all rows in one pass over the test split, writes the table and the pictures."""
    options = options or Options()
    if name not in TABLES:
        raise FacepriorError(f"reproduce {name}: expected {', '.join(TABLES)}")
    table = TABLES[name]
    gpu = options.device == "cuda" or (options.device == "auto" and torch.cuda.is_available())
    limit = options.limit or (table.reduced_faces if budget.reduced else None)
    wanted = options.rows or tuple(row.name for row in table.rows)
    evaluation = EvaluateOptions(limit=limit, device=options.device, batch=options.batch, by="")
    for spec in options.models:  # what is wrong with them is found before hours of training
        resolve(spec, options.device)
    runs = plan(table, wanted, budget, data, out, vgg=options.vgg, gpu=gpu)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FacepriorError(f"{out}: {error.strerror or error}") from None

    train_missing(runs, data, device=options.device, vgg=options.vgg, say=say)

    say(f"evaluating {len(runs)} runs on {limit or 'all'} faces")
    specs = [*(str(run.folder) for run in runs), *options.models]
    report = evaluate(specs, data, evaluation, command=command)
    models = report.models[len(FLOORS) :]
    scored = {run.row.name: [m for r, m in zip(runs, models, strict=False) if r.row is run.row] for run in runs}
    result = collect(
        table,
        report,
        runs,
        scored,
        reduced=budget.reduced,
        budget=_common(table.reduced if budget.reduced else (), budget),
        outside=[m.name for m in models[len(runs) :]],
    )
    written = write(result, out)
    written += _pictures(table.figures, runs, data, out, limit, options.device, budget.reduced)
    return result, written


def _common(reduced: Sequence[str], budget: Budget) -> list[str]:
    time = [f"max_time {budget.max_time:g} s"] if budget.max_time is not None else []
    seeds = [f"{budget.seeds} seeds"] if budget.seeds > 1 else []
    last = {override.partition("=")[0]: override for override in (*reduced, *budget.overrides)}  # the later one wins
    return [*last.values(), *time, *seeds]


def _pictures(
    figures: dict[str, tuple[str, ...]],
    runs: list[Run],
    data: Path,
    out: Path,
    limit: int | None,
    device: str,
    reduced: bool,
) -> list[Path]:
    """Each figure with the rows that this call made, of the first seed; none where none of its rows was made."""
    first = {run.row.name: run for run in reversed(runs)}
    store = None
    written = []
    for name, rows in figures.items():
        columns = {first[r].row.label: resolve(str(first[r].folder), device) for r in rows if r in first}
        if not columns:
            continue
        store = store or FaceStore.load(data, "test", limit=limit)
        path = out / f"{name}{'-reduced' if reduced else ''}.png"
        written.append(save(figure(store, columns, PICTURE_FACES), path))
    return written
