"""Shards: Parquet files of prepared faces, each small enough to travel, and the manifest that lists them.

A folder holds `{train,val,test}-00000.parquet ...`, `manifest.json` and `report.csv`. One row is one face.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import FacepriorError
from ..files import settle

FORMAT = 1
SPLITS = ("train", "val", "test")
MANIFEST = "manifest.json"
MAX_BYTES = 48_000_000  # of a shard's file
LANDMARK_RANGE = (-224.0, 448.0)  # context pixels: a whole width beyond the crop and still somebody's
_OVERHEAD = 1_024  # bytes of a row besides its image, counted generously

SCHEMA = pa.schema(
    [
        pa.field("image", pa.binary(), nullable=False),  # JPEG, RGB 224x224: the context crop
        pa.field("landmarks", pa.list_(pa.float32(), 136), nullable=False),  # x0 y0 x1 y1 ..., context pixels
        pa.field("visible", pa.list_(pa.bool_(), 68), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("person", pa.string(), nullable=False),  # within the source
        pa.field("name", pa.string(), nullable=False),  # within the source
        pa.field("yaw", pa.float32(), nullable=False),  # degrees, > 0 looks to image right
        pa.field("side", pa.float32(), nullable=False),  # of the HR frame, in pixels of the photo
        # The photo's corners TL, TR, BR, BL in context pixels: what lies outside them was replicated.
        pa.field("corners", pa.list_(pa.float32(), 8), nullable=False),
    ]
)


@dataclass
class ShardWriter:
    """Writes the rows of one split into as many shards as their size asks for.

    `files` describes the finished ones: name -> {"faces", "bytes", "sha256"}.
    """

    folder: Path
    split: str
    max_bytes: int = MAX_BYTES
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    _rows: list[dict[str, Any]] = field(default_factory=list)
    _bytes: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """One row, a value for each field of `SCHEMA`."""
        size = len(row["image"]) + _OVERHEAD
        if self._rows and self._bytes + size > self.max_bytes:
            self.flush()
        self._rows.append(row)
        self._bytes += size

    def flush(self) -> None:
        """Write what is held: beside its place, then renamed."""
        if not self._rows:
            return
        name = f"{self.split}-{len(self.files):05d}.parquet"
        table = pa.Table.from_pylist(self._rows, SCHEMA)
        part = self.folder / f".{name}.part"
        # JPEG does not compress again; the rest does.
        compression = {f.name: "none" if f.name == "image" else "zstd" for f in SCHEMA}
        pq.write_table(table, part, compression=_leaves(compression), use_dictionary=["source", "person"])
        data = part.read_bytes()
        settle(part, self.folder / name)
        self.files[name] = {"faces": len(table), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        self._rows, self._bytes = [], 0


def _leaves(compression: dict[str, str]) -> dict[str, str]:
    """Parquet names a list's values `field.list.element`."""
    return {
        (f"{name}.list.element" if pa.types.is_fixed_size_list(SCHEMA.field(name).type) else name): how
        for name, how in compression.items()
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """`manifest.json` of a prepared folder. Raises FacepriorError where it is none, or of another format."""
    path = folder / MANIFEST
    if not path.is_file():
        raise FacepriorError(f"{folder}: not a prepared folder (no {MANIFEST}); make one with 'faceprior prepare'")
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found = manifest["format"]
        if found == FORMAT:
            return {"shards": dict(manifest["shards"]), **manifest}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise FacepriorError(f"{path}: damaged ({type(error).__name__}: {error}); prepare the folder again") from None
    raise FacepriorError(f"{path}: format {found!r}; this version reads {FORMAT}; prepare the folder again")


def shard_paths(folder: Path, split: str) -> list[Path]:
    """The shards of a split, in order; an empty list where it has no faces. All that the manifest lists exist."""
    if split not in SPLITS:
        raise FacepriorError(f"split {split!r} is not known; use {', '.join(SPLITS)}")
    paths = [folder / name for name in sorted(read_manifest(folder)["shards"]) if name.startswith(f"{split}-")]
    for path in paths:
        if not path.is_file():
            raise FacepriorError(f"{path}: missing, but the manifest lists it; copy it again or prepare again")
    return paths


def read_shard(path: Path, sha256: str | None = None) -> pa.Table:
    """One shard as a table of exactly `SCHEMA`'s columns. Raises FacepriorError naming the file and the fault.

    `sha256`: what the manifest says of the file; a bit that flipped within a picture is found by it alone.
    """
    try:
        data = path.read_bytes()
        if sha256 is not None and (found := hashlib.sha256(data).hexdigest()) != sha256:
            raise FacepriorError(
                f"{path}: expected SHA-256 {sha256[:16]}..., got {found[:16]}... in {len(data):,} bytes; "
                "damaged or replaced, copy it again or prepare again"
            )
        table = pq.read_table(pa.BufferReader(data))
    except (OSError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise FacepriorError(f"{path}: not a readable Parquet file ({reason})") from None
    for wanted in SCHEMA:
        at = table.schema.get_field_index(wanted.name)
        if at < 0:
            raise FacepriorError(f"{path}: no column '{wanted.name}'; prepare the folder again")
        if not _same(table.schema.field(at).type, wanted.type):
            found = table.schema.field(at).type
            raise FacepriorError(f"{path}: column '{wanted.name}' is {found}, not {wanted.type}")
        if table.column(at).null_count:
            raise FacepriorError(f"{path}: column '{wanted.name}' has empty values")
    try:
        table = table.select(SCHEMA.names).cast(SCHEMA)
    except (pa.ArrowException, ValueError) as error:
        raise FacepriorError(f"{path}: {str(error).splitlines()[0]}") from None
    _check_numbers(path, table)
    return table


def _check_numbers(path: Path, table: pa.Table) -> None:
    """Every number finite and every landmark near its crop: one that is not would spoil a run hours later."""
    low, high = LANDMARK_RANGE
    for name in ("landmarks", "corners", "yaw", "side"):
        column = table[name].combine_chunks()
        values = column.flatten() if pa.types.is_fixed_size_list(column.type) else column
        rows = values.to_numpy(zero_copy_only=False).reshape(len(table), len(values) // max(1, len(table)))
        bad = ~np.isfinite(rows).all(1)
        what = "is not finite"
        if name == "landmarks" and not bad.any():
            bad, what = ((rows < low) | (rows > high)).any(1), f"lies outside {low:g}..{high:g}"
        if bad.any():
            row = int(np.argmax(bad))
            who = f"row {row} ('{table['name'][row].as_py()}')"
            raise FacepriorError(f"{path}: {who}: a value of '{name}' {what}; prepare the folder again")


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Equal types; a list's length counts, the name of its values does not."""
    if pa.types.is_fixed_size_list(wanted):
        return (
            pa.types.is_fixed_size_list(found)
            and found.list_size == wanted.list_size
            and found.value_type == wanted.value_type
        )
    return found == wanted


def read_split(folder: Path, split: str) -> Iterator[pa.Table]:
    """The tables of a split, shard by shard."""
    about = read_manifest(folder)["shards"]
    for path in shard_paths(folder, split):
        entry = about[path.name]
        yield read_shard(path, entry.get("sha256") if isinstance(entry, dict) else None)
