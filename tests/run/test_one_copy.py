"""Processes that train on one machine's CPU hold the decoded faces once, and err together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

PROGRAM = """
import sys
from functools import partial
from pathlib import Path

from faceprior.dataset.store import FaceStore
from faceprior.errors import FacepriorError
from faceprior.training import one_copy
from faceprior.training.devices import make_fabric, part

data, full = Path(sys.argv[1]), sys.argv[2] == "full"
fabric = make_fabric("cpu", None, "32-true")
fabric.launch()
if full:
    one_copy.tempfile.tempdir = "/dev/full"
load = partial(FaceStore.load, data, "train")
try:
    store = one_copy.one_copy(fabric, lambda decoded: load(decoded=decoded))
except FacepriorError as error:
    sys.exit(f"rank {fabric.global_rank}: {error}\\n")
own = load()
assert (store.contexts == own.contexts).all() and (store.landmarks == own.landmarks).all()
maps = Path("/proc/self/maps").read_text().splitlines()
mapped = [line for line in maps if "(deleted)" in line and f"{store.contexts.data_ptr():x}" in line]
sys.stdout.write(f"rank {fabric.global_rank}: mapped {len(mapped)}\\n")
part(fabric)
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def torchrun(folder: Path, data: Path, room: str = "") -> subprocess.CompletedProcess:
    script = folder / "program.py"
    script.write_text(PROGRAM, "utf-8")
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    return subprocess.run(
        [*start, str(script), str(data), room], capture_output=True, text=True, env=ENVIRONMENT, timeout=300
    )


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
@pytest.mark.parametrize(("room", "mapped"), [("", 1), ("full", 0)])
def test_the_faces_are_mapped_where_there_is_room(tmp_path, tiny_shards, room, mapped):
    done = torchrun(tmp_path, tiny_shards, room)
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.split("\n"))[1:] == [f"rank {rank}: mapped {mapped}" for rank in range(2)]


def test_what_the_first_cannot_read_ends_all(tmp_path):
    done = torchrun(tmp_path, tmp_path)
    assert done.returncode != 0
    assert all(f"rank {rank}: " in done.stderr for rank in range(2)), done.stderr
