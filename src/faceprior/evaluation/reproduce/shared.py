"""The training faces of rows that train side by side: decoded once, and in memory once.

A process that is handed them gets their place, not a copy: shared memory on a CPU, the GPU's own on a GPU.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import torch

from ...dataset.context import CONTEXT
from ...dataset.shards import shard_paths
from ...dataset.store import FaceStore
from ...training.config import TrainConfig
from ...training.devices import resident

SHARED = Path("/dev/shm")  # where Linux keeps it; containers often have 64 MB there


def share_faces(configs: Sequence[TrainConfig], data: Path, device: str) -> FaceStore | None:
    """The whole training split for processes to come, where at least two of `configs` want it and there is room."""
    if sum(wants_all(config) for config in configs) < 2:
        return None
    if cuda(device):
        store = resident(FaceStore.load(data, "train"), torch.device("cuda"))
        return store if store.contexts.is_cuda else None
    if os.name != "posix" or not SHARED.is_dir():
        return None
    faces = sum(pq.ParquetFile(path).metadata.num_rows for path in shard_paths(data, "train"))
    if shutil.disk_usage(SHARED).free < 1.2 * faces * 3 * CONTEXT**2:
        return None
    store = FaceStore.load(data, "train")
    store.contexts.share_memory_()
    return store


def cuda(device: str) -> bool:
    """Whether `--device` means a GPU of NVIDIA's here."""
    return device == "cuda" or (device == "auto" and torch.cuda.is_available())


def wants_all(config: TrainConfig) -> bool:
    """Whether a run takes every face of the training split."""
    d = config.data
    return d.train_split == "train" and d.faces is None and not d.sources and d.max_yaw is None and not d.min_side
