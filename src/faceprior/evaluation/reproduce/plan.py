"""From a table to the runs that it needs: which configuration, in which folder.

A run's folder is `runs/NAME-XXXXXXXX`; the eight digits are of all that its result depends on: configuration (with its
budget), prepared faces, VGG file, and the run that it takes its STN0 from. So a row is done for a configuration
and its data when its folder holds `model.safetensors`, other budgets lie beside it, and nothing is done twice, also
where a row is that of another table (`Row.same`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...dataset.shards import MANIFEST, read_manifest
from ...errors import FacepriorError
from ...networks.kinds import kind_of
from ...training.config import TrainConfig
from .rows import Row, Table

# What changes how a run is watched and helped, not what it gives.
_WATCHING = {
    "run": ("checkpoint_every", "validate_every", "pictures", "log_every", "helpers"),
    "data": ("val_faces",),
}
WEIGHTS = "model.safetensors"
_LENGTH = ("run.steps", "run.epochs", "run.max_time", "schedule.by")  # what --faces and --max-time decide


@dataclass(frozen=True)
class Run:
    row: Row
    seed: int
    config: TrainConfig
    folder: Path
    needs: Path | None  # the weights of the run whose STN0 it takes, which may not be there yet
    given: Path | None = None  #   an STN0 from outside, of rows that build on trained networks
    canvas: Path | None = None  #  ... and a canvas
    basis: dict[str, Any] = field(default_factory=dict)  # all that its result depends on, to be kept beside it

    @property
    def stn0(self) -> Path | None:
        return self.needs or self.given

    @property
    def done(self) -> bool:
        return (self.folder / WEIGHTS).is_file()


@dataclass(frozen=True)
class Budget:
    """What is asked of every row. `max_time`: seconds of training a row; None: the configuration's own length.

    `faces`: of training a row, from all that are prepared; None: as `max_time` says. `seeds`: runs of every row; None:
    of each row as many as its table says."""

    reduced: bool = False
    max_time: float | None = None
    overrides: tuple[str, ...] = ()
    seeds: int | None = None
    faces: int | None = None

    def __post_init__(self) -> None:
        if self.faces is not None and self.faces < 1:
            raise FacepriorError(f"--faces {self.faces}: expected at least 1")
        if self.faces is not None and self.max_time is not None:
            raise FacepriorError("--faces and --max-time both say how long a row is; give one of them")
        if self.seeds is not None and self.seeds < 1:
            raise FacepriorError(f"--seeds {self.seeds}: expected at least 1")
        if self.max_time is not None and not self.max_time > 0:
            raise FacepriorError(f"--max-time {self.max_time:g}s: expected more than nothing")
        flag = "--faces" if self.faces is not None else "--max-time" if self.max_time is not None else None
        for word in self.overrides:
            if flag and (key := word.partition("=")[0].strip()) in _LENGTH:
                raise FacepriorError(f"--set {key}: {flag} says how long a row is; give one of them")


def plan(
    table: Table,
    wanted: Sequence[str],
    budget: Budget,
    data: Path,
    out: Path,
    *,
    vgg: Path | None = None,
    stn0: Path | None = None,
    canvas: Path | None = None,
    bf16: bool = False,
) -> list[Run]:
    """The runs of the `wanted` rows and of those that they need, in the order to train them: seed by seed.

    `bf16`: what runs them is faster so. `stn0`, `canvas`: files that rows of the kind `unet` build on.
    Raises FacepriorError for an unknown row, a file that is missing, a configuration that is wrong.
    """
    names = [row.name for row in table.rows if row.listed]
    for name in wanted:
        if name not in names:
            raise FacepriorError(f"--rows {name}: {table.name} has {', '.join(names)}")
    count = {row.name: budget.seeds or row.seeds for row in table.rows if row.name in wanted}
    for row in table.rows:  # what others need has their seeds
        if row.name in wanted and (source := row.needed(budget.reduced)):
            count[source] = max(count.get(source, 1), count[row.name])
    read_manifest(data)
    faces = _sha256(data / MANIFEST)
    features = _sha256(vgg) if vgg else None
    files = {path: _sha256(path) for path in (stn0, canvas) if path}
    runs: dict[tuple[str, int], Run] = {}
    for seed in range(max(count.values(), default=0)):
        for row in table.rows:  # in a table, what others need comes first
            if seed >= count.get(row.name, 0):
                continue
            config = _configuration(table, row, budget, seed, bf16)
            needed = row.needed(budget.reduced)
            before = runs[needed, seed] if needed else None
            source = before.folder if before else None
            outside = _given(config, row, stn0, canvas)
            parts = {
                "config": resultant(config),
                "faces": faces,
                "vgg": features if config.loss.feature_weight else None,
                "stn0": source.name if source else None,
            }
            if any(outside):
                parts["given"] = [files[path] if path else None for path in outside]
            key = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]
            folder = out / "runs" / f"{row.run(budget.reduced)}-{key}"
            needs = source / WEIGHTS if source else None
            basis = {**parts, "stn0": before.basis if before else None}
            runs[row.name, seed] = Run(row, seed, config, folder, needs, *outside, basis)
    return list(runs.values())


def _given(config: TrainConfig, row: Row, stn0: Path | None, canvas: Path | None) -> tuple[Path | None, Path | None]:
    """What of the files from outside a row takes: (STN0, canvas). FacepriorError where one is wanted and not given."""
    if kind_of(config.model) != "unet":
        return None, None
    wanted = {"--stn0": stn0, "--canvas": canvas if config.model.base == "canvas" else Path()}
    for flag, path in wanted.items():
        if path is None:
            raise FacepriorError(
                f"{flag}: the row {row.name} builds on a trained one; give weights/"
                f"{'aligner' if flag == '--stn0' else 'canvas'}.safetensors"
            )
    return stn0, canvas if config.model.base == "canvas" else None


def overrides(table: Table, row: Row, budget: Budget, seed: int, bf16: bool) -> list[str]:
    """Of a row's configuration, the later ones win."""
    result = list(row.overrides)
    if budget.reduced:
        result += [*table.reduced, *row.reduced]
    if bf16:
        result.append("run.precision=bf16-mixed")
    if budget.max_time is not None:
        # The clock ends the run and shapes its cosine; steps no longer do.
        result += [f"run.max_time={budget.max_time!r}", "run.epochs=100000", "run.steps=100000000"]
        result.append("schedule.by=budget")
    return [*result, f"run.seed={seed}", *budget.overrides]


def _configuration(table: Table, row: Row, budget: Budget, seed: int, bf16: bool) -> TrainConfig:
    words = overrides(table, row, budget, seed, bf16)
    config = TrainConfig.load(row.config, words)
    if budget.faces is None:
        return config
    steps = -(-budget.faces // config.run.batch)
    chosen = set(budget.overrides)  # the user's own choice of faces counts, the table's for a short run does not
    words = [word for word in words if word in chosen or not word.startswith("data.faces=")]
    return TrainConfig.load(row.config, [*words, f"run.steps={steps}", "run.epochs=100000", "schedule.by=steps"])


def resultant(config: TrainConfig) -> dict[str, Any]:
    """Of a configuration what decides the result, as a tree."""
    tree = config.as_dict()
    return {
        section: {key: value for key, value in keys.items() if key not in _WATCHING.get(section, ())}
        for section, keys in tree.items()
    }


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FacepriorError(f"{path}: {error.strerror or error}") from None
