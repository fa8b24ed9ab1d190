"""What lies in a run's folder already: nobody's file is lost, and what is of another run is said."""

import pytest
import torch

from faceprior.errors import FacepriorError
from faceprior.training.checkpoint import Checkpoints
from faceprior.training.config import TrainConfig
from faceprior.training.devices import make_fabric
from faceprior.training.folder import open_folder
from faceprior.training.loop import Trainer

MINE = '# what I tried on Monday\nextends = "tiny"\n\n[run]\nbatch = 2\n'


def opened(folder, config=None, *, resume=True):
    lock, saved = open_folder(
        folder, config or TrainConfig.load("tiny"), Checkpoints(folder / "checkpoints"), resume=resume
    )
    lock.release()
    return saved


def test_a_configuration_that_somebody_wrote_is_kept(tmp_path):
    (tmp_path / "config.toml").write_text(MINE)
    opened(tmp_path, TrainConfig.load(tmp_path / "config.toml"))
    assert (tmp_path / "config.before.toml").read_text() == MINE
    assert TrainConfig.load(tmp_path / "config.toml").run.batch == 2
    opened(tmp_path)  # what a run wrote is replaced
    assert sorted(path.name for path in tmp_path.glob("config*")) == ["config.before.toml", "config.toml"]
    (tmp_path / "config.toml").write_bytes(b"\xff")
    opened(tmp_path)
    assert (tmp_path / "config.before-2.toml").read_bytes() == b"\xff"


def test_a_model_without_checkpoints_is_not_replaced(tmp_path):
    (tmp_path / "model.safetensors").write_text("days of work")
    with pytest.raises(FacepriorError, match=r"model\.safetensors: is there, and no checkpoint.*--no-resume"):
        opened(tmp_path)
    assert opened(tmp_path, resume=False) is None


def test_a_checkpoint_of_something_else_is_said(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    torch.save({"format": 1, "step": 1}, tmp_path / "checkpoints" / "step-00000001.ckpt")
    with pytest.raises(FacepriorError, match="from another version of faceprior; --no-resume starts anew"):
        opened(tmp_path)


def test_a_checkpoint_of_another_network_is_said(tmp_path, tiny_shards):
    config = TrainConfig.load("tiny", ["data.val_faces=0", "run.steps=1", "run.pictures=0", "run.batch=2"])
    Trainer(config, tiny_shards, tmp_path / "run", device="cpu").fit()
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints")
    path, state = checkpoints.load()
    key = next(iter(state["generator"]))
    torch.save({**state, "generator": {**state["generator"], key: torch.zeros(3, 3)}}, path)
    with pytest.raises(FacepriorError, match=r"step-00000001\.ckpt: not of this network .*--no-resume"):
        Trainer(config, tiny_shards, tmp_path / "run", device="cpu").fit()


def test_a_run_starts_from_another_one_s_folder(tmp_path, tiny_shards):
    words = ["data.val_faces=0", "run.steps=1", "run.pictures=0", "run.batch=2"]
    Trainer(TrainConfig.load("tiny", words), tiny_shards, tmp_path / "a", device="cpu").fit()
    config = TrainConfig.load("tiny", [*words, f"run.initial={tmp_path / 'a'}"])
    assert Trainer(config, tiny_shards, tmp_path / "b", device="cpu").fit() == "done"


@pytest.mark.parametrize("devices", [0, -1])
def test_fewer_than_one_process(devices):
    with pytest.raises(FacepriorError, match=f"--devices {devices}: expected at least 1"):
        make_fabric("cpu", devices, "32-true")


@pytest.mark.parametrize(
    ("text", "said"), [("x = " + "[" * 5000, "not TOML"), ('extends = "a\\u0000b"', "not a UTF-8")]
)
def test_files_that_break_the_reader(text, said, tmp_path):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(FacepriorError, match=said):
        TrainConfig.load(tmp_path / "odd.toml")
