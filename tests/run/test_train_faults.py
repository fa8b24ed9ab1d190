"""Training under faults: kills, signals, damaged and unwritable checkpoints, losses that are not finite."""

import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from faceprior.errors import FacepriorError
from faceprior.training import step as step_module
from faceprior.training.checkpoint import Checkpoints, read
from faceprior.training.config import TrainConfig
from faceprior.training.loop import Trainer

# A server that has imported everything once forks each victim: a victim starts in milliseconds, with one thread.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["faceprior.training.loop", "faceprior.dataset.store", "pyarrow.dataset", "pydoc"])
# Small batches and a checkpoint after every step, so that many moments lie within one. No discriminator: its 6 M
# weights would make every checkpoint 80 MB (test_train.py resumes both networks).
BUSY = ("data.val_faces=0", "run.batch=2", "run.checkpoint_every=0.000001")


def config(*overrides: str) -> TrainConfig:
    return TrainConfig.load("tiny", ["data.val_faces=4", "run.epochs=1000", *overrides])


def victim(data: Path, run: Path, overrides: tuple[str, ...], file_limit: int | None = None) -> None:
    """The body of a process. Its exit status: 0 done, 143 stopped by SIGTERM, 2 refused."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    torch.set_num_threads(1)
    run.parent.mkdir(parents=True, exist_ok=True)
    os.dup2(os.open(run.parent / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)  # else the server's own
    if file_limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))
    try:
        ended = Trainer(config(*overrides), data, run, device="cpu").fit()
    except FacepriorError as error:
        (run.parent / "said").write_text(str(error))
        os._exit(2)
    os._exit({"done": 0, "SIGTERM": 143}[ended])


def start(*arguments) -> multiprocessing.Process:
    process = SERVER.Process(target=victim, args=arguments)
    process.start()
    return process


def wait_for_checkpoint(run: Path, after: int = 0) -> None:
    deadline = time.monotonic() + 120
    while newest(run) <= after:
        assert time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.005)


def newest(run: Path) -> int:
    steps = [int(path.stem.removeprefix("step-")) for path in (run / "checkpoints").glob("step-*.ckpt")]
    return max(steps, default=0)


def weights(run: Path) -> dict[str, torch.Tensor]:
    _, state = Checkpoints(run / "checkpoints").load()
    return {f"{part}.{key}": value for part in ("generator", "average") for key, value in state[part].items()}


def assert_same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> None:
    assert a.keys() == b.keys()
    assert all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_kill_at_random_moments_loses_nothing(kills, tiny_shards, tmp_path):
    """kill -9 at any moment, checkpoint writes included: what was complete stays, and the end is the same bits."""
    chance, steps = random.Random(0), 12 if kills < 10 else 40
    overrides = (*BUSY, f"run.steps={steps}")
    reference = start(tiny_shards, tmp_path / "whole", overrides)
    reference.join()
    assert reference.exitcode == 0
    done, run, runs = 0, tmp_path / "killed-0", 0
    while done < kills:
        before = newest(run)
        process = start(tiny_shards, run, overrides)
        if chance.random() < 0.7:  # at work; else perhaps while it starts
            deadline = time.monotonic() + 120
            while newest(run) <= before and process.is_alive() and time.monotonic() < deadline:
                time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.join()
        done += process.exitcode == -signal.SIGKILL
        survivor = newest(run)
        assert survivor >= before
        if survivor:
            read(run / "checkpoints" / f"step-{survivor:08d}.ckpt")  # whole
        if process.exitcode == 0 or survivor == steps:
            assert_same(weights(run), weights(tmp_path / "whole"))
            runs += 1
            run = tmp_path / f"killed-{runs}"
        else:
            assert process.exitcode == -signal.SIGKILL
    last = start(tiny_shards, run, overrides)
    last.join()
    assert last.exitcode == 0
    assert_same(weights(run), weights(tmp_path / "whole"))
    assert not list((run / "checkpoints").glob(".*.tmp"))
    assert len(list((run / "checkpoints").iterdir())) == 2
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, steps + 1))


def test_sigterm_within_an_epoch_saves_and_the_run_goes_on_to_the_same_bits(tiny_shards, tmp_path):
    overrides = (*BUSY, "run.steps=8", "run.checkpoint_every=1h")
    whole = start(tiny_shards, tmp_path / "whole", overrides)
    whole.join()
    run = tmp_path / "stopped"
    process = start(tiny_shards, run, overrides)
    deadline = time.monotonic() + 120
    while not (run / "metrics.jsonl").exists() or not (run / "metrics.jsonl").read_text():
        assert process.is_alive() and time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == 143
    assert 0 < newest(run) < 8
    assert not (run / "model.safetensors").exists()
    again = start(tiny_shards, run, overrides)
    again.join()
    assert again.exitcode == 0
    assert_same(weights(run), weights(tmp_path / "whole"))


def test_the_lock_goes_with_a_killed_process(tiny_shards, tmp_path):
    run = tmp_path / "run"
    first = start(tiny_shards, run, (*BUSY, "run.steps=100000"))
    wait_for_checkpoint(run)
    second = start(tiny_shards, run, (*BUSY, "run.steps=100000"))
    second.join()
    assert second.exitcode == 2
    assert f"another trainer is at work here (process {first.pid})" in (tmp_path / "said").read_text()
    first.kill()
    first.join()
    third = start(tiny_shards, run, (*BUSY, f"run.steps={newest(run) + 1}"))
    third.join()
    assert third.exitcode == 0


def test_a_full_disk_is_said_and_leaves_nothing_half_written(tiny_shards, tmp_path):
    """No file may grow past 64 KB here: metrics fit, checkpoints do not. The write error is the kernel's."""
    run = tmp_path / "run"
    process = start(tiny_shards, run, (*BUSY, "run.steps=3"), 65536)
    process.join()
    assert process.exitcode == 2
    assert "model.safetensors: not written: " in (tmp_path / "said").read_text()
    assert "File too large" in (tmp_path / "said").read_text()
    assert (tmp_path / "log").read_text().count(
        "checkpoint not written: File too large"
    ) == 4  # each step's and the last
    assert [path for path in run.rglob("*") if "tmp" in path.name or path.suffix in (".ckpt", ".safetensors")] == []
    again = start(tiny_shards, run, (*BUSY, "run.steps=3"))
    again.join()
    assert again.exitcode == 0


# -- in this process


def fit(data: Path, run: Path, *overrides: str) -> Trainer:
    trainer = Trainer(config(*BUSY, *overrides), data, run, device="cpu")
    trainer.fit()
    return trainer


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def not_ours(path: Path) -> None:
    torch.save([1, 2, 3], path)


@pytest.mark.parametrize("damage", [truncate, empty, flip_a_bit, not_ours])
def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(damage, tiny_shards, tmp_path, capfd):
    fit(tiny_shards, tmp_path / "whole", "run.steps=3")
    fit(tiny_shards, tmp_path / "hurt", "run.steps=3")
    damage(tmp_path / "hurt" / "checkpoints" / "step-00000003.ckpt")
    fit(tiny_shards, tmp_path / "hurt", "run.steps=3")
    output = capfd.readouterr()
    assert "step-00000003.ckpt is damaged" in output.out + output.err
    assert "going on from step 2" in output.err
    assert_same(weights(tmp_path / "hurt"), weights(tmp_path / "whole"))


def test_no_whole_checkpoint_is_an_error_not_a_new_start(tiny_shards, tmp_path):
    fit(tiny_shards, tmp_path, "run.steps=2")
    for path in (tmp_path / "checkpoints").iterdir():
        truncate(path)
    with pytest.raises(FacepriorError, match="no checkpoint is whole"):
        fit(tiny_shards, tmp_path, "run.steps=2")


def test_a_checkpoint_runs_no_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'owned'}",))

    torch.save({"format": 1, "step": 1, "evil": Evil()}, tmp_path / "step-00000001.ckpt")
    with pytest.raises(ValueError, match="Weights only load failed"):
        read(tmp_path / "step-00000001.ckpt")
    assert not (tmp_path / "owned").exists()


def test_a_shard_removed_during_a_run_is_named_on_resumption(tiny_shards, tmp_path):
    data = shutil.copytree(tiny_shards, tmp_path / "data")
    trainer = Trainer(config(*BUSY, "run.steps=2"), data, tmp_path / "run", device="cpu")
    one = trainer._one

    def remove_then_one(elapsed: float) -> None:
        (data / "train-00000.parquet").unlink(missing_ok=True)
        one(elapsed)

    trainer._one = remove_then_one
    assert trainer.fit() == "done"  # the faces are in memory
    with pytest.raises(FacepriorError, match=r"train-00000\.parquet"):
        fit(data, tmp_path / "run", "run.steps=3")
    assert newest(tmp_path / "run") == 2


def poison(monkeypatch, steps: set[int]) -> None:
    """Lp is NaN at these calls (from 1)."""
    real, calls = step_module.pixel_loss, iter(range(1, 1000))
    monkeypatch.setattr(step_module, "pixel_loss", lambda *a: real(*a) * (float("nan") if next(calls) in steps else 1))


def test_a_non_finite_step_changes_nothing_and_is_recorded(tiny_shards, tmp_path, monkeypatch):
    fit(tiny_shards, tmp_path / "clean", "run.steps=2")
    poison(monkeypatch, {3})
    fit(tiny_shards, tmp_path / "hurt", "run.steps=2")
    fit(tiny_shards, tmp_path / "hurt", "run.steps=3")
    _, clean = Checkpoints(tmp_path / "clean" / "checkpoints").load()
    _, hurt = Checkpoints(tmp_path / "hurt" / "checkpoints").load()
    assert hurt["step"] == 3
    assert hurt["refused"] == 1
    for part in ("generator", "average"):  # weights and BatchNorm statistics
        assert_same(hurt[part], clean[part])
    lines = [json.loads(line) for line in (tmp_path / "hurt" / "metrics.jsonl").read_text().splitlines()]
    refused = next(line for line in lines if line["kind"] == "refused")
    assert refused["step"] == 3
    assert refused["term"] == "p"
    assert refused["p"] == "nan"
    assert len(refused["index"]) == len(refused["names"]) == 2


def test_non_finite_steps_in_a_row_stop_the_run_with_the_place(tiny_shards, tmp_path, monkeypatch):
    poison(monkeypatch, {2, 4, 5, 6})
    with pytest.raises(
        FacepriorError, match=r"stopped at step 6: p was nan for 3 steps in a row.*rows \d+, \d+, faces"
    ):
        fit(tiny_shards, tmp_path / "run", "run.steps=20", "run.patience=3")
    state = read(tmp_path / "run" / "checkpoints" / f"step-{newest(tmp_path / 'run'):08d}.ckpt")
    assert all(torch.isfinite(value).all() for value in state["generator"].values())


def test_a_face_that_is_not_finite_leaves_batchnorm_sound(tiny_shards, tmp_path, monkeypatch):
    """NaN in the input, which BatchNorm would keep for ever in its running statistics."""
    trainer = Trainer(config(*BUSY, "run.steps=3"), tiny_shards, tmp_path, device="cpu")
    pairs_of = trainer._pairs

    def with_nan():
        pairs = pairs_of()
        if trainer.step == 1:
            pairs.lr[0, 0, 0, 0] = float("nan")
        return pairs

    trainer._pairs = with_nan
    trainer.fit()
    assert all(torch.isfinite(value).all() for value in weights(tmp_path).values())
