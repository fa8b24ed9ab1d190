"""The decoded faces of the processes of one machine: in memory once, not once for each."""

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from lightning.fabric import Fabric

from ..dataset.store import FaceStore, mapped
from ..errors import FacepriorError

PART = 2**26  # bytes written at once


def one_copy(fabric: Fabric, load: Callable[[Path | None], FaceStore]) -> FaceStore:
    """`load` gives the faces; pictures that are decoded already it takes from a file.

    Where processes of one machine train on its CPU, the first of them decodes the pictures, into a file that has no
    name and so leaves nothing behind, and all of them map it. A process alone, or on a GPU of its own, loads its own;
    so do all where the temporary folder does not hold them, or the system has no /proc.
    Raises the FacepriorError of any machine's first process in all of them.
    """
    if fabric.world_size == 1 or fabric.device.type != "cpu":
        return load(None)
    store, file, told = None, None, None
    if fabric.local_rank == 0:
        error, path = None, None
        try:
            store = load(None)
            file = _written(store.contexts)
            path = None if file is None else f"/proc/{os.getpid()}/fd/{file.fileno()}"
        except FacepriorError as raised:
            error = str(raised)
        told = (fabric.node_rank, path, error)
    everywhere: list = [None] * fabric.world_size
    torch.distributed.all_gather_object(everywhere, told)
    firsts = [one for one in everywhere if one is not None]
    for _, _, error in firsts:
        if error is not None:
            raise FacepriorError(error)
    decoded = next((Path(path) for node, path, _ in firsts if node == fabric.node_rank and path), None)
    if store is None:
        store = load(decoded)
    elif decoded is not None:
        store = replace(store, contexts=mapped(decoded, store.contexts.shape))  # its own goes
    fabric.barrier()  # until all have opened it
    if file is not None:
        file.close()
    return store


def _written(contexts: torch.Tensor):
    """An open file of a tensor's bytes, or None where there is no room for it, or no way to tell others of it."""
    if not Path(f"/proc/{os.getpid()}/fd").is_dir():
        return None
    file = None
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115 others map it first
        bytes_of = memoryview(contexts.contiguous().view(-1).numpy())
        for start in range(0, len(bytes_of), PART):
            file.write(bytes_of[start : start + PART])
        file.flush()
    except OSError:
        if file is not None:
            file.close()
        return None
    return file
