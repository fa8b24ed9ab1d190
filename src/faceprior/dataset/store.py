"""A split of prepared faces, decoded once and kept in memory: training never waits for a disk."""

import io
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image
from rich.progress import track

from ..errors import FacepriorError
from ..face.components import LANDMARKS
from .context import CONTEXT
from .shards import SPLITS, read_manifest, read_split

TENSORS = ("contexts", "landmarks", "visible", "yaw", "corners")


@dataclass
class FaceStore:
    """N context crops (see docs/architecture.md) with their landmarks; 147 KB of memory a face."""

    contexts: torch.Tensor  #   uint8 (N, 3, 224, 224)
    landmarks: torch.Tensor  #  float32 (N, 68, 2), context pixels
    visible: torch.Tensor  #    bool (N, 68)
    yaw: torch.Tensor  #        float32 (N,), degrees
    corners: torch.Tensor  #    float32 (N, 4, 2), the source image's corners, context pixels
    names: list[str]
    sources: list[str]
    persons: list[str]

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def load(
        cls,
        folder: Path,
        split: str,
        *,
        limit: int | None = None,
        sources: Sequence[str] | None = None,
        max_yaw: float | None = None,
        min_side: float | None = None,
        decoded: Path | None = None,
        progress: bool = False,
    ) -> "FaceStore":
        """Reads and decodes a split ("train", "val" or "test") of a folder that `faceprior prepare` wrote.

        `max_yaw` (degrees) keeps faces turned no further, `min_side` (pixels of the source) no smaller ones; `limit`
        keeps that many of what is left, evenly spread. `decoded`: a file of just their `contexts`, which is mapped.
        Raises FacepriorError where the folder, the split, a shard or an image in it is not usable.
        """
        tables = list(read_split(Path(folder), split))
        if not tables:
            raise FacepriorError(f"{folder}: no faces in split '{split}'; {_dealt(read_manifest(folder))}")
        table = pa.concat_tables(tables)
        if sources is not None:
            present = table["source"].to_numpy(zero_copy_only=False)
            table = table.filter(np.isin(present, list(sources)))
            if len(table) == 0:
                raise FacepriorError(
                    f"{folder}: no faces of source {', '.join(sources)} in split '{split}', which has "
                    f"{', '.join(sorted({*present}))}"
                )
        if max_yaw is not None:
            table = table.filter(np.abs(table["yaw"].to_numpy()) <= max_yaw)
        if min_side is not None:
            table = table.filter(table["side"].to_numpy() >= min_side)
        if limit is not None and limit < len(table):
            table = table.take(np.linspace(0, len(table) - 1, limit).round().astype(np.int64))
        if len(table) == 0:
            raise FacepriorError(f"{folder}: no faces in split '{split}' of the pose and size that are asked for")

        shape = (len(table), 3, CONTEXT, CONTEXT)
        contexts = _decoded(table, f"{folder}", split, progress) if decoded is None else mapped(decoded, shape)
        return cls(
            contexts,
            torch.from_numpy(_column(table, "landmarks").reshape(-1, LANDMARKS, 2).copy()),
            torch.from_numpy(_column(table, "visible").reshape(-1, LANDMARKS).copy()),
            torch.from_numpy(table["yaw"].to_numpy().astype(np.float32)),
            torch.from_numpy(_column(table, "corners").reshape(-1, 4, 2).copy()),
            table["name"].to_pylist(),
            table["source"].to_pylist(),
            table["person"].to_pylist(),
        )

    def select(
        self, *, limit: int | None = None, sources: Sequence[str] | None = None, max_yaw: float | None = None
    ) -> "FaceStore":
        """What `load` gives with these; the store itself where that is all of it. FacepriorError where none is left."""
        keep = np.ones(len(self), bool)
        if sources is not None:
            keep &= np.isin(np.array(self.sources), list(sources))
        if max_yaw is not None:
            keep &= np.abs(self.yaw.cpu().numpy()) <= max_yaw
        rows = np.flatnonzero(keep)
        if limit is not None and limit < len(rows):
            rows = rows[np.linspace(0, len(rows) - 1, limit).round().astype(np.int64)]
        if len(rows) == 0:
            raise FacepriorError("no faces are left to train on")
        if len(rows) == len(self):
            return self
        index = torch.from_numpy(rows).to(self.contexts.device)
        tensors = {name: getattr(self, name)[index] for name in TENSORS}
        lists = {name: [getattr(self, name)[i] for i in rows] for name in ("names", "sources", "persons")}
        return FaceStore(**tensors, **lists)

    def to(self, device: torch.device | str) -> "FaceStore":
        """The same faces with their tensors on `device`."""
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})


def _decoded(table: pa.Table, folder: str, split: str, progress: bool) -> torch.Tensor:
    """The pictures of a table, uint8 (N, 3, 224, 224)."""
    names, images = table["name"].to_pylist(), table["image"].to_pylist()
    contexts = torch.empty(len(names), 3, CONTEXT, CONTEXT, dtype=torch.uint8)

    def decode(i: int) -> None:
        try:
            with Image.open(io.BytesIO(images[i])) as image:
                pixels = np.asarray(image.convert("RGB"))
        except (OSError, ValueError) as error:
            raise FacepriorError(f"{folder}: {names[i]}: image in the shard does not decode ({error})") from error
        if pixels.shape != (CONTEXT, CONTEXT, 3):
            raise FacepriorError(f"{folder}: {names[i]}: expected {CONTEXT}x{CONTEXT}, got {pixels.shape[:2]}")
        contexts[i] = torch.from_numpy(pixels.transpose(2, 0, 1).copy())
        images[i] = None

    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4
    with ThreadPoolExecutor(threads) as pool:
        done = pool.map(decode, range(len(names)))
        for _ in track(done, f"decoding {split}", total=len(names), disable=not progress, transient=True):
            pass
    return contexts


def _dealt(manifest: dict) -> str:
    """it has 40 in 'train', 3 in 'test'"""
    counts = dict.fromkeys(SPLITS, 0)
    for name, about in manifest["shards"].items():
        split = name.split("-")[0]
        counts[split] = counts.get(split, 0) + about.get("faces", 0)
    return "it has " + (", ".join(f"{count} in '{split}'" for split, count in counts.items() if count) or "none at all")


def _column(table, name: str) -> np.ndarray:
    return table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False)


def mapped(path: Path, shape: Sequence[int]) -> torch.Tensor:
    """uint8 of that shape, in a file of just these bytes: in memory once, whichever processes map it."""
    return torch.from_file(str(path), shared=False, size=math.prod(shape), dtype=torch.uint8).view(*shape)
