"""Runs that an earlier table scored and whose weights are gone: its JSON holds their figures and what these hang on.

A table of many rows takes more hours than one machine may have. So a row is done, too, where an earlier table of the
same faces has it: every run there says what it depends on (`plan.Run.basis`); that is compared with what is planned.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from ...dataset.shards import MANIFEST, shard_paths
from ...errors import FacepriorError
from ...training.config import TrainConfig
from ..report import Report
from .plan import Run, resultant
from .result import RunResult, TrainedWith

SPLIT = "test"
_NO_TABLE = "not the JSON that `faceprior reproduce` writes of a table"


class Earlier:
    """The runs of earlier tables. `limit`: of test faces, of the table to come; None: all.

    Raises FacepriorError, naming the file, for one that is no table's JSON, has no single runs, or is of other faces.
    """

    def __init__(self, paths: Sequence[Path], data: Path, limit: int | None = None):
        self._known: list[tuple[dict[str, Any], RunResult]] = []
        self._tables: dict[Path, dict[str, Any]] = {}
        if not paths:
            return
        manifest = hashlib.sha256((data / MANIFEST).read_bytes()).hexdigest()
        faces = sum(pq.ParquetFile(shard).metadata.num_rows for shard in shard_paths(data, SPLIT))
        faces = min(faces, limit or faces)
        for path in paths:
            table = self._tables[path] = _read(path)
            if table["data"]["manifest_sha256"] != manifest:
                raise FacepriorError(f"{path}: of other prepared faces than those of {data}")
            if table["split"] != SPLIT:
                raise FacepriorError(f"{path}: of the split {table['split']}, not {SPLIT}")
            if table["faces"] != faces:
                raise FacepriorError(f"{path}: of {table['faces']} faces, not {faces}; give --limit {table['faces']}")
            self._known += [(_comparable(result.basis), result) for result in _runs(table, path)]

    def find(self, run: Run) -> RunResult | None:
        """What is known of a planned run."""
        wanted = _comparable(run.basis)
        return next((result for basis, result in self._known if basis == wanted), None)

    def agrees(self, report: Report) -> None:
        """Raises FacepriorError where the faces that were scored now are not those that were scored then."""
        for path, table in self._tables.items():
            for key, now in (("faces", report.faces), ("sources", report.sources), ("protocol", report.protocol_text)):
                if table[key] != now:
                    raise FacepriorError(f"{path}: of other {key} than this table ({table[key]}, not {now})")


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text("utf-8"))
        rows = table["rows"]
        _ = table["data"]["manifest_sha256"], table["split"], table["faces"], table["sources"], table["protocol"]
        single = any(row.get("runs") for row in rows)
    except OSError as error:
        raise FacepriorError(f"{path}: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise FacepriorError(f"{path}: {_NO_TABLE}") from None
    if not single:
        raise FacepriorError(f"{path}: holds means over runs alone, no single run; its rows cannot be taken from it")
    return table


def _runs(table: dict[str, Any], path: Path) -> list[RunResult]:
    """The single runs of a table's JSON. Tables written before hold a run's configuration in its training, too."""
    runs = [run for row in table["rows"] for run in row.get("runs", ())]
    try:
        trained = [{key: value for key, value in run["training"].items() if key != "config"} for run in runs]
        found = [RunResult(**{**run, "training": TrainedWith(**t)}) for run, t in zip(runs, trained, strict=True)]
        _ = [(run.basis["config"], *map(float, run.figures.values()), run.figures["psnr"]) for run in found]
    except (LookupError, TypeError, ValueError, AttributeError):
        raise FacepriorError(f"{path}: {_NO_TABLE}") from None
    return found


def _comparable(basis: dict[str, Any]) -> dict[str, Any]:
    """With every setting written out, so that one that came later and stands at its default changes nothing."""
    try:
        config = json.loads(json.dumps(resultant(TrainConfig.model_validate(basis["config"]))))
    except (ValidationError, ValueError):  # a setting that is no more
        config = basis["config"]
    source = basis.get("stn0")
    return {**basis, "config": config, "stn0": _comparable(source) if source else None}
