"""Real runs of the trainer: to the end, in parts, and side by side."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from faceprior.errors import FacepriorError
from faceprior.networks.weights import load_model, read_header
from faceprior.training.ahead import processes_here
from faceprior.training.checkpoint import read
from faceprior.training.config import TrainConfig
from faceprior.training.lock import RunLock
from faceprior.training.loop import Trainer

CLI = "import sys; from faceprior.cli.app import main; main()"
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def train(data: Path, run: Path, *overrides: str, **options) -> str:
    """A run of the `tiny` preset in this process, on the CPU."""
    config = TrainConfig.load("tiny", ["data.val_faces=4", "run.epochs=1000", *overrides])
    return Trainer(config, data, run, device="cpu", **options).fit()


def same(a, b) -> bool:
    """Whether two trees of a checkpoint hold the same bits."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def learned(run: Path) -> dict:
    """The newest checkpoint without the clock and the configuration (which says how long)."""
    newest = max((run / "checkpoints").glob("step-*.ckpt"))
    return {key: value for key, value in read(newest).items() if key not in ("elapsed", "config", "validation")}


def records(run: Path, kind: str, name: str) -> list[float]:
    """A column of metrics.jsonl."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line[name] for line in lines if line["kind"] == kind]


def test_batches_made_ahead_are_those_made_in_time(tiny_shards, tmp_path):
    """Other processes spoil the rough LRs of steps to come; what is learned is the same, to the bit."""
    options = ("data.rough=0.5", "data.colour=0.1", "data.disturbance=0.2", "run.pictures=0")
    assert train(tiny_shards, tmp_path / "a", *options, "run.steps=7", "run.helpers=0") == "done"
    assert train(tiny_shards, tmp_path / "b", *options, "run.steps=3", "run.helpers=2") == "done"
    assert train(tiny_shards, tmp_path / "b", *options, "run.steps=7", "run.helpers=1") == "done"  # and goes on
    assert same(learned(tmp_path / "a"), learned(tmp_path / "b"))


def test_it_goes_on_where_those_that_work_ahead_are_killed(tiny_shards, tmp_path):
    options = ("data.rough=0.5", "run.pictures=0", "run.steps=6")
    assert train(tiny_shards, tmp_path / "a", *options, "run.helpers=0") == "done"
    config = TrainConfig.load("tiny", ["data.val_faces=4", "run.epochs=1000", *options, "run.helpers=2"])
    trainer = Trainer(config, tiny_shards, tmp_path / "b", device="cpu")
    one, killed = trainer._one, []

    def and_kill(elapsed: float) -> None:
        one(elapsed)
        if trainer.step == 2:
            for process in list(trainer._ahead.pool._processes.values()):
                process.kill()
                process.join()
                killed.append(process.pid)

    trainer._one = and_kill
    assert trainer.fit() == "done" and killed
    assert same(learned(tmp_path / "a"), learned(tmp_path / "b"))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc who is alive")
def test_those_that_work_ahead_end_with_the_run_however_it_ends(tiny_shards, tmp_path):
    """Killed at once, it can tell nobody."""
    lines = [
        "import sys; from pathlib import Path",
        "from faceprior.training.config import TrainConfig; from faceprior.training.loop import Trainer",
        "if __name__ == '__main__':",
        "    c = TrainConfig.load('tiny', ['data.rough=0.5', 'run.helpers=1', 'run.epochs=100000', 'data.val_faces=0',"
        " 'run.pictures=0'])",
        "    t = Trainer(c, Path(sys.argv[1]), Path(sys.argv[2]), device='cpu'); one = t._one",
        "    def told(elapsed):",
        "        one(elapsed); print(*[p.pid for p in t._ahead.pool._processes.values()], flush=True)",
        "    t._one = told; t.fit()",
    ]
    script = tmp_path / "run.py"
    script.write_text("\n".join(lines))
    with subprocess.Popen(
        [sys.executable, str(script), str(tiny_shards), str(tmp_path / "run")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=ONE_THREAD,
    ) as run:  # fmt: skip
        pid = next(int(line) for line in run.stdout if line.strip().isdigit())
        os.kill(pid, 0)
        run.kill()
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(") ")[1][:1]:
            return
        time.sleep(0.05)
    pytest.fail(f"process {pid} works on for nobody")


def test_who_works_ahead():
    assert processes_here(None, "cpu", 0.5, 1) == 0 and processes_here(None, "cuda", 0.0, 1) == 0
    assert processes_here(3, "cpu", 0.5, 1) == 3 and processes_here(0, "cuda", 0.5, 1) == 0
    assert processes_here(None, "cuda", 0.5, 1) >= 1 and processes_here(None, "cuda", 0.5, 10**6) == 1


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory) -> Path:
    """A real VGG-19 file in torchvision's layout with random weights."""
    generator = torch.Generator().manual_seed(0)
    state, inputs = {}, 3
    for index, outputs in zip((0, 2, 5, 7, 10, 12), (64, 64, 128, 128, 256, 256), strict=True):
        state[f"features.{index}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=generator) / (3 * inputs**0.5)
        state[f"features.{index}.bias"] = torch.zeros(outputs)
        inputs = outputs
    path = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(state, path)
    return path


def test_a_run_by_command_leaves_everything_it_promises(tiny_shards, tmp_path):
    run = tmp_path / "a run"
    command = [sys.executable, "-c", CLI, "train", "tiny", "-d", tiny_shards, "-o", run, "--device", "cpu"]
    command += ["--steps", "3", "--set", "data.val_faces=4"]
    done = subprocess.run(command, capture_output=True, text=True, env=ONE_THREAD)
    assert done.returncode == 0, done.stderr
    assert "images/s" in done.stderr
    assert "Traceback" not in done.stderr

    model = load_model(run / "model.safetensors")
    assert model(torch.zeros(1, 3, 16, 16)).sr.shape == (1, 3, 128, 128)
    provenance = read_header(run / "model.safetensors")["provenance"]
    assert provenance["steps"] == 3
    assert provenance["images"] == 12
    assert len(provenance["dataset"]["manifest_sha256"]) == 64
    assert TrainConfig.load(run / "config.toml").run.steps == 3

    assert records(run, "train", "step") == [1, 2, 3]
    assert all(len(records(run, "val", name)) >= 1 for name in ("psnr", "angle", "scale", "shift", "h"))
    assert list((run / "tensorboard").glob("events.*"))
    picture = np.asarray(Image.open(next((run / "pictures").glob("*.png"))))
    assert picture.shape[1] == 5 * 128
    assert picture.std() > 10

    # The averaged weights are the exported ones.
    state, exported = read(max((run / "checkpoints").glob("*.ckpt"))), load_file(run / "model.safetensors")
    assert all(torch.equal(state["average"][key], value) for key, value in exported.items())


PAPERS = (
    "optimiser.name=rmsprop",
    "loss.adversarial_weight=0.01",
    "loss.adversarial_decay=0.9",
    "loss.feature_weight=0.01",
    "schedule.kind=epochs",
    "schedule.warmup=released",
    "run.batch=2",
)
COSINE = ("loss.adversarial_weight=0.01", "optimiser.clip=1.0", "run.channels_last=true")


@pytest.mark.parametrize("recipe", [PAPERS, COSINE], ids=["paper", "adamw"])
def test_a_run_in_two_parts_is_the_run_in_one_to_the_last_bit(recipe, tiny_shards, tmp_path, vgg_file):
    train(tiny_shards, tmp_path / "one", *recipe, "run.steps=4", vgg=vgg_file)
    train(tiny_shards, tmp_path / "two", *recipe, "run.steps=2", vgg=vgg_file)  # within an epoch
    torch.manual_seed(123)  # what other code did to the random state does not matter
    train(tiny_shards, tmp_path / "two", *recipe, "run.steps=4", vgg=vgg_file)
    one, two = learned(tmp_path / "one"), learned(tmp_path / "two")
    assert {"generator", "discriminator", "g_optimiser", "d_optimiser", "average"} <= one.keys()
    assert same(one, two)
    steps = [json.loads(line)["step"] for line in (tmp_path / "two" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def test_other_seeds_are_other_runs(tiny_shards, tmp_path):
    train(tiny_shards, tmp_path / "a", "run.steps=1")
    train(tiny_shards, tmp_path / "b", "run.steps=1", "run.seed=1")
    assert not same(learned(tmp_path / "a")["generator"], learned(tmp_path / "b")["generator"])


def test_a_run_learns(tiny_shards, tmp_path):
    train(tiny_shards, tmp_path, "run.steps=25", "run.pictures=0", "data.val_faces=0", "optimiser.lr=5e-3")
    losses = records(tmp_path, "train", "p")
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])


def test_max_time_ends_a_run_and_its_cosine(tiny_shards, tmp_path):
    ended = train(tiny_shards, tmp_path, "run.max_time=4s", "schedule.kind=cosine", "schedule.by=budget")
    assert ended == "time"
    assert (tmp_path / "model.safetensors").is_file()
    rates = records(tmp_path, "train", "lr")
    assert train(tiny_shards, tmp_path, "run.max_time=4s", "schedule.kind=cosine", "schedule.by=budget") == "time"
    assert rates == sorted(rates, reverse=True)


# -- refusals


def test_a_second_trainer_is_refused(tiny_shards, tmp_path):
    lock = RunLock(tmp_path)
    with pytest.raises(FacepriorError, match="another trainer is at work here"):
        train(tiny_shards, tmp_path, "run.steps=1")
    lock.release()
    assert train(tiny_shards, tmp_path, "run.steps=1") == "done"


def test_another_configuration_is_refused_and_no_resume_starts_anew(tiny_shards, tmp_path):
    train(tiny_shards, tmp_path, "run.steps=2")
    with pytest.raises(FacepriorError, match=r"another configuration \(optimiser\.lr differ\)"):
        train(tiny_shards, tmp_path, "run.steps=2", "optimiser.lr=0.1")
    train(tiny_shards, tmp_path, "run.steps=1", "optimiser.lr=0.1", resume=False)
    assert learned(tmp_path)["step"] == 1


def test_other_faces_are_refused(tiny_shards, tmp_path):
    train(tiny_shards, tmp_path, "run.steps=1")
    saved = max((tmp_path / "checkpoints").glob("*.ckpt"))
    state = read(saved)
    state["dataset"]["manifest_sha256"] = "0" * 64
    torch.save(state, saved)
    with pytest.raises(FacepriorError, match="not the faces this run began with"):
        train(tiny_shards, tmp_path, "run.steps=2")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "tpu"}, "--device tpu: expected"),
        ({"device": "cpu", "overrides": ["run.batch=100000"]}, "fewer than run.batch"),
        ({"device": "cpu", "data": "nowhere"}, "nowhere: no such folder"),
        ({"device": "cpu", "run": "file/run"}, "not usable as a run folder"),
        ({"device": "cpu", "vgg": "nowhere.safetensors", "overrides": ["loss.feature_weight=1"]}, "no such VGG-19"),
    ],
)
def test_bad_input_is_one_line(options, said, tiny_shards, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    config = TrainConfig.load("tiny", ["run.steps=1", *options.pop("overrides", [])])
    data = tmp_path / options.pop("data") if "data" in options else tiny_shards
    run = tmp_path / options.pop("run", "run")
    if "vgg" in options:
        options["vgg"] = tmp_path / options["vgg"]
    with pytest.raises(FacepriorError, match=said) as caught:
        Trainer(config, data, run, **options).fit()
    assert "\n" not in str(caught.value)


# -- several processes


def launch(processes: int, data: Path, run: Path, *options: str) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += ["--no-python", sys.executable, "-c", CLI, "train", "tiny", "-d", data, "-o", run, "--device", "cpu"]
    command += [part for option in ("data.val_faces=4", *options) for part in ("--set", option)]
    done = subprocess.run(command, capture_output=True, text=True, env=ONE_THREAD)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_two_processes_are_one_with_the_joined_batch_and_resume_as_one(tiny_shards, tmp_path):
    """run.batch counts all processes: the same faces, transforms, BatchNorm statistics and gradients.

    Equal up to the order of sums. Two things would blow rounding up, so they are left out: AdamW's division by small
    gradients (a large eps) and BatchNorm over the eight values that the autoencoder has at 1 px.
    """
    recipe = ("run.batch=8", "optimiser.eps=1e-2", "optimiser.ema=0", "model.autoencoder=false")
    launch(2, tiny_shards, tmp_path / "two", *recipe, "run.steps=4", "run.epochs=1000")
    train(tiny_shards, tmp_path / "one", *recipe, "run.steps=4")
    one, two = learned(tmp_path / "one"), learned(tmp_path / "two")
    for key, value in one["generator"].items():
        torch.testing.assert_close(two["generator"][key], value, rtol=1e-3, atol=1e-4, msg=lambda m, k=key: f"{k}: {m}")
    for column in ("total", "p", "h", "t", "norm"):
        in_one, in_two = (records(tmp_path / name, "train", column) for name in ("one", "two"))
        assert len(in_one) == 4
        assert in_one == pytest.approx(in_two, rel=1e-3 if column == "norm" else 1e-4), column

    train(tiny_shards, tmp_path / "two", *recipe, "run.steps=6")  # another world size goes on
    train(tiny_shards, tmp_path / "one", *recipe, "run.steps=6")
    one, two = learned(tmp_path / "one"), learned(tmp_path / "two")
    assert two["step"] == 6
    for key, value in one["generator"].items():
        torch.testing.assert_close(two["generator"][key], value, rtol=1e-3, atol=1e-4)
