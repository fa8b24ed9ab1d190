"""Training under the launchers of clusters: torchrun's own command, and processes as SLURM's srun starts them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from faceprior.training.checkpoint import read  # noqa: E402

CLI = "import sys; from faceprior.cli.app import main; main()"
# What would blow up rounding is left out: see test_train.py.
RECIPE = ("data.val_faces=4", "run.epochs=1000", "run.batch=8", "optimiser.eps=1e-2", "optimiser.ema=0")
RECIPE += ("model.autoencoder=false", "run.pictures=0")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def command(data: Path, run: Path, steps: int) -> list[str]:
    options = [part for option in RECIPE for part in ("--set", option)]
    start = [sys.executable, "-c", CLI, "train", "tiny", "-d", str(data), "-o", str(run), "--device", "cpu"]
    return [*start, "--steps", str(steps), *options]


def one_process(*arguments) -> None:
    done = subprocess.run(command(*arguments), capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def torchrun(processes: int, *arguments) -> None:
    program = Path(sys.executable).with_name("torchrun")
    start = [str(program)] if program.exists() else [sys.executable, "-m", "torch.distributed.run"]
    start += ["--standalone", f"--nproc-per-node={processes}", "--no-python"]
    done = subprocess.run([*start, *command(*arguments)], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def srun(processes: int, *arguments) -> None:
    """The variables that `srun --ntasks=N` sets in each of its processes, as far as Fabric reads them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    job = {"SLURM_JOB_ID": "1", "SLURM_JOB_NAME": "train", "SLURM_NNODES": "1", "SLURM_NODEID": "0"}
    job |= {"SLURM_NTASKS": str(processes), "SLURM_NTASKS_PER_NODE": str(processes)}
    job |= {"SLURM_NODELIST": "127.0.0.1", "SLURM_JOB_NODELIST": "127.0.0.1", "MASTER_PORT": str(port)}
    ranks = [{"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)} for rank in range(processes)]
    running = [
        subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**ENVIRONMENT, **job, **rank},
        )
        for rank in ranks
    ]  # fmt: skip
    try:
        for process in running:
            _, errors = process.communicate(timeout=200)
            assert process.returncode == 0, errors
    finally:
        for process in running:
            process.kill()


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line["total"] for line in lines if line["kind"] == "train"]


def processes_of(run: Path) -> int:
    from faceprior.networks.weights import read_header

    return read_header(run / "model.safetensors")["provenance"]["hardware"]["processes"]


def test_two_by_torchrun_then_one_then_two_by_slurm_are_one_run(tiny_shards, tmp_path):
    """run.batch counts all processes, and a checkpoint knows nothing of how many there were."""
    changing, one = tmp_path / "changing", tmp_path / "one"
    for launch, count, steps in ((torchrun, 2, 2), (None, 1, 3), (srun, 2, 5)):
        if launch is None:
            one_process(tiny_shards, changing, steps)
        else:
            launch(count, tiny_shards, changing, steps)
        assert processes_of(changing) == count
    one_process(tiny_shards, one, 5)
    assert len(losses(one)) == 5
    assert losses(changing) == pytest.approx(losses(one), rel=1e-4)
    a, b = (read(run / "checkpoints" / "step-00000005.ckpt")["generator"] for run in (changing, one))
    for name, value in b.items():
        torch.testing.assert_close(a[name], value, rtol=1e-3, atol=1e-4, msg=lambda m, name=name: f"{name}: {m}")
