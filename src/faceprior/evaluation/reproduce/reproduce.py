"""From a table's or a picture's name to its files: what `faceprior reproduce` does between its flags and its exit."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ...dataset.store import FaceStore
from ...errors import FacepriorError
from ..evaluate import FLOORS, EvaluateOptions, evaluate
from ..models import resolve
from ..spoken import spoken
from . import ALL, FIGURES, TABLES
from .earlier import Earlier
from .picture import figure, heatmap_figure, save
from .plan import Budget, Run, plan
from .result import Result, RunResult, collect, run_result
from .rows import Picture, Table
from .sample import sample_store
from .shared import cuda
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
    stn0: Path | None = None  #       trained networks that rows of the kind `unet` build on
    canvas: Path | None = None
    jobs: int = 1  #                  runs side by side
    earlier: tuple[Path, ...] = ()  # JSON of earlier tables, whose runs are not made again
    train_only: bool = False  #       no table and no picture: another call, perhaps elsewhere, makes those
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
) -> tuple[list[Result], list[Path]]:
    """Trains what is missing; writes a table (with its pictures), a picture alone ("fig3"), or with "all" everything.

    What is wrong with any of it is found before the first training.
    """
    options = options or Options()
    if name not in (*TABLES, *FIGURES, ALL):
        raise FacepriorError(f"reproduce {name}: expected {', '.join((*TABLES, *FIGURES, ALL))}")
    if options.rows and name not in TABLES:
        raise FacepriorError(f"--rows {','.join(options.rows)}: rows can be chosen of one table, not of {name}")
    if options.train_only and name in FIGURES:
        raise FacepriorError(f"--train-only: is for tables, and {name} is a picture")
    EvaluateOptions(limit=options.limit, device=options.device)
    for spec in options.models:
        resolve(spec, options.device)
    work = _Work(data, out, budget, options, command, say)
    if name in FIGURES:
        table, picture = FIGURES[name]
        return [], work.pictures(table, {picture: table.figures[picture]})
    tables = [TABLES[name]] if name != ALL else [t for t in TABLES.values() if options.canvas or not t.given]
    plans = [work.plan(table) for table in tables]
    if options.train_only:
        known = [work.earlier(table, runs)[1] for table, runs in zip(tables, plans, strict=True)]
        some = [run for runs, rows in zip(plans, known, strict=True) for run in _to_train(runs, rows)]
        work.train(list({run.folder: run for run in some}.values()))  # some are of two tables
        return [], []
    results, written = [], []
    for table in tables:
        result, files = work.table(table)
        results.append(result)
        written += files
    return results, written


class _Work:
    def __init__(
        self, data: Path, out: Path, budget: Budget, options: Options, command: str, say: Callable[[str], None]
    ):
        self.data, self.out, self.budget, self.options = data, out, budget, options
        self.command, self.say = command, say
        self.precision = fast_bf16(options.device)

    def limit(self, table: Table) -> int | None:
        return self.options.limit or (table.reduced_faces if self.budget.reduced else None)

    def plan(self, table: Table, wanted: Sequence[str] = (), seeds: int | None = None) -> list[Run]:
        wanted = wanted or self.options.rows or [row.name for row in table.rows if row.listed]
        budget = replace(self.budget, seeds=seeds) if seeds else self.budget
        o, bf16 = self.options, self.precision is not None
        return plan(table, wanted, budget, self.data, self.out, vgg=o.vgg, stn0=o.stn0, canvas=o.canvas, bf16=bf16)

    def train(self, runs: Sequence[Run]) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FacepriorError(f"{self.out}: {error.strerror or error}") from None
        o = self.options
        train_missing(runs, self.data, device=o.device, vgg=o.vgg, jobs=o.jobs, say=self.say)

    def earlier(self, table: Table, runs: Sequence[Run]) -> tuple[Earlier, dict[Path, RunResult]]:
        """Earlier tables, and what they know of those of `runs` whose weights are not here."""
        earlier = Earlier(self.options.earlier, self.data, self.limit(table))
        found = {run.folder: earlier.find(run) for run in runs if not run.done}
        return earlier, {folder: result for folder, result in found.items() if result is not None}

    def table(self, table: Table) -> tuple[Result, list[Path]]:
        """All rows are scored in one pass over the test split."""
        options, reduced = self.options, self.budget.reduced
        runs = self.plan(table)
        earlier, known = self.earlier(table, runs)
        self.train(_to_train(runs, known))
        runs = [run for run in runs if run.row.listed]
        for run in runs:
            if run.folder in known:
                self.say(f"{run.row.label}, seed {run.seed}: known from an earlier table")
        folders = list(dict.fromkeys(str(run.folder) for run in runs if run.folder not in known))
        self.say(f"{table.name}: evaluating {len(folders)} runs on {self.limit(table) or 'all'} faces")
        evaluation = EvaluateOptions(limit=self.limit(table), device=options.device, batch=options.batch, by="")
        models = [*folders, *options.models]
        report = evaluate(models, self.data, evaluation, command=self.command, progress=spoken(self.say))
        earlier.agrees(report)
        results: dict[str, list[RunResult]] = {}
        for run in runs:
            result = known.get(run.folder) or run_result(run, report.model(str(run.folder)))
            results.setdefault(run.row.name, []).append(result)
        result = collect(
            table,
            report,
            results,
            reduced=reduced,
            budget=_common(table.reduced if reduced else (), self.budget, self.precision),
            outside=report.models[len(FLOORS) + len(folders) :],
        )
        return result, write(result, self.out) + self.draw(table, table.figures, [r for r in runs if r.done])

    def pictures(self, table: Table, figures: dict[str, Picture]) -> list[Path]:
        """Pictures without their table: one run of each of their rows."""
        runs = self.plan(table, [row for picture in figures.values() for row in picture.rows], seeds=1)
        self.train(runs)
        return self.draw(table, figures, runs)

    def draw(self, table: Table, figures: dict[str, Picture], runs: Sequence[Run]) -> list[Path]:
        """Each picture with the rows that this call made, of the first seed; none where none of its rows was made.

        Of test faces, `figureN.png`, and of the packaged portrait, `figureN-sample.png`, which may be shown.
        """
        first = {run.row.name: run for run in reversed(runs)}
        stores: dict[str, FaceStore] = {}
        written = []
        for name, picture in figures.items():
            columns = {
                first[row].row.label: resolve(str(first[row].folder), self.options.device)
                for row in picture.rows
                if row in first
            }
            if not columns:
                continue
            stores = stores or {
                "": FaceStore.load(self.data, "test", limit=self.limit(table)),
                "-sample": sample_store(),
            }
            for kind, store in stores.items():
                if picture.heatmaps:
                    image = heatmap_figure(store, next(iter(columns.values())), PICTURE_FACES)
                else:
                    image = figure(store, columns, PICTURE_FACES)
                path = self.out / f"{name}{'-reduced' if self.budget.reduced else ''}{kind}.png"
                written.append(save(image, path))
        return written


def _to_train(runs: Sequence[Run], known: Collection[Path]) -> list[Run]:
    """`runs`, trained or not, without those `known` from earlier tables, but with what others start from."""
    wanted: set[Path] = set()
    for run in reversed(runs):  # what a run needs stands before it
        if run.folder in wanted or (run.row.listed and run.folder not in known):
            wanted.add(run.folder)
            if run.needs is not None:
                wanted.add(run.needs.parent)
    return [run for run in runs if run.folder in wanted]


def fast_bf16(device: str) -> str | None:
    """Why bf16 is the faster precision on what runs the rows, None where it is not."""
    if cuda(device):
        return "a GPU"
    # Without instructions of its own a CPU only emulates bf16. The names are private; without them: float32.
    for probe, name in (("_is_amx_tile_supported", "AMX"), ("_is_avx512_bf16_supported", "AVX-512 BF16")):
        if getattr(torch.cpu, probe, lambda: False)():
            return f"a CPU with {name}"
    return None


def _common(reduced: Sequence[str], budget: Budget, precision: str | None) -> list[str]:
    """What all rows share, for the table's header; of two overrides of one key the later one."""
    time = [f"max_time {budget.max_time:g} s"] if budget.max_time is not None else []
    seeds = [f"{budget.seeds} seeds"] if budget.seeds else []
    if budget.faces is not None:
        time = [f"{budget.faces} faces a row"]
        reduced = [word for word in reduced if word.partition("=")[0] not in ("data.faces", "run.steps")]
    bf16 = ["run.precision=bf16-mixed"] if precision else []
    last = {override.partition("=")[0]: override for override in (*reduced, *bf16, *budget.overrides)}
    if bf16 and last["run.precision"] == bf16[0]:
        last["run.precision"] += f" ({precision})"
    return [*last.values(), *time, *seeds]
