"""Configurations: what is refused, and how it is said."""

import tomllib

import pytest

from faceprior.errors import FacepriorError
from faceprior.networks.config import MTUNConfig
from faceprior.training.config import TrainConfig


@pytest.mark.parametrize("preset", ["paper", "modern", "compact", "tiny"])
def test_presets_load_and_survive_saving(preset, tmp_path):
    config = TrainConfig.load(preset)
    config.save(tmp_path / "config.toml")
    again = TrainConfig.load(tmp_path / "config.toml")
    assert again == config
    assert isinstance(again.model, MTUNConfig)


def test_network_presets_are_starting_points():
    config = TrainConfig.load("compact", ["model.stacks=1"])
    assert config.model.encoder == MTUNConfig.compact().encoder
    assert config.model.stacks == 1


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("run.batchh=8", "run.batchh: no such key"),
        ("runn.batch=8", "runn: no such key"),
        ("run.batch=0", "run.batch: .*greater than or equal to 1; got 0"),
        ("run.batch=many", "run.batch: .*; got 'many'"),
        ("run.precision=16", "run.precision"),
        ("run.max_time=soon", "run.max_time: a time such as 40m"),
        ("run.max_time=0s", "run.max_time"),
        ("loss.pixel=l3", "loss.pixel: .*l1.*; got 'l3'"),
        ("loss.heatmap_weight=nan", "loss.heatmap_weight: .*finite"),
        ("optimiser.betas=[0.9, 1.5]", r"optimiser.betas: must lie in .*, got \[0.9, 1.5\]"),
        ("schedule.by=budget", "schedule.by = 'budget' needs run.max_time"),
        ("data.sizes=[48,10]", "sizes: the least comes first"),
        ("model.stacks=9", "model.stacks: expected a whole number from 1 to 8, got 9"),
        ("model.preset=huge", "no network preset 'huge'"),
        ("model.hourglasses=3", "model.*hourglasses: no such key"),
        ("batch=8", "give section.key=value"),
        ("run.batch", "give section.key=value"),
    ],
)
def test_bad_values_are_named_on_one_line(override, said):
    overrides = ["schedule.kind=cosine", override] if override == "schedule.by=budget" else [override]
    with pytest.raises(FacepriorError, match=said) as caught:
        TrainConfig.load("paper", overrides)
    assert "\n" not in str(caught.value)


def test_files_are_named(tmp_path):
    with pytest.raises(FacepriorError, match=r"nowhere\.toml: No such file.*presets aligner, compact, modern, paper"):
        TrainConfig.load(tmp_path / "nowhere.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("[run\nbatch = 8")
    with pytest.raises(FacepriorError, match=r"bad\.toml: not TOML"):
        TrainConfig.load(bad)
    bad.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FacepriorError, match=r"bad\.toml: not a UTF-8 text file"):
        TrainConfig.load(bad)
    bad.write_text("[run]\nbatch = -1")
    with pytest.raises(FacepriorError, match=r"bad\.toml: run\.batch"):
        TrainConfig.load(bad)


@pytest.mark.parametrize(("text", "seconds"), [("40m", 2400), ("1h30m", 5400), ("90s", 90), ("90", 90), ("2h", 7200)])
def test_times(text, seconds):
    assert TrainConfig.load("tiny", [f"run.max_time='{text}'"]).run.max_time == seconds


def test_differences_leave_out_how_long():
    config = TrainConfig.load("tiny")
    assert TrainConfig.load("tiny", ["run.steps=3", "run.max_time=5m"]).differences(config) == []
    assert TrainConfig.load("tiny", ["run.batch=2", "optimiser.lr=1"]).differences(config) == [
        "optimiser.lr",
        "run.batch",
    ]


def test_saved_file_is_plain_toml(tmp_path):
    path = tmp_path / "config.toml"
    TrainConfig.load("compact").save(path)
    assert tomllib.loads(path.read_text())["run"]["max_time"] == 2400
