"""What a researcher sees: lists of models and presets, configurations, near keys, curves, tables of 100 columns."""

import json
import sys
import tomllib

import numpy as np
import pytest
from command import faceprior  # noqa: F401  a fixture
from PIL import Image

from faceprior.errors import FacepriorError
from faceprior.training.config import TrainConfig
from faceprior.training.curves import draw_curves, moving_average
from faceprior.training.describe import comments, printed
from faceprior.training.near import near_keys
from faceprior.training.presets import about, presets
from faceprior.training.records import read_records

NAMES = [preset.name for preset in presets()]


def test_every_preset_is_listed_with_a_line(faceprior):  # noqa: F811
    assert {"standard", "paper", "table1/ours", "table2/s1", "table3/p", "ingredients/default"} <= set(NAMES)
    assert not [name for name in NAMES if "_common" in name]
    ran = faceprior("presets")
    lines = ran.out.splitlines()
    assert ran.status == 0 and [line.split()[0] for line in lines[: len(NAMES)]] == NAMES
    for preset, line in zip(presets(), lines, strict=False):
        assert preset.about and line == f"{preset.name:<{max(map(len, NAMES))}}  {preset.about}"
    assert faceprior("presets", "table2").out.count("table2/") == 5
    assert faceprior("presets", "nonesuch").status == 2


def test_a_presets_line_is_its_first_sentence():
    assert about("# One thing. Another.\n# More.\n[model]\n# not this\n") == "One thing"
    assert about("# Ma et al. with 0.5 of\n# two lines.\n") == "Ma et al. with 0.5 of two lines"
    assert about("[model]\n") == ""


def test_models_are_listed(faceprior):  # noqa: F811
    from faceprior.runtime.weights import registry

    found, default = registry()
    lines = faceprior("models").out.splitlines()
    assert lines[0].split()[:2] == [default, "default"] and found[default].description in lines[0]
    assert [line.split()[0] for line in lines[: len(found)]][1:] == sorted(set(found) - {default})


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("table1") or "/" not in n])
def test_the_printed_configuration_is_the_configuration(name, tmp_path):
    config = TrainConfig.load(name)
    text = printed(config, name)
    (tmp_path / "printed.toml").write_text(text)
    assert TrainConfig.load(tmp_path / "printed.toml") == config
    assert max(map(len, text.splitlines())) <= 120
    keys = {line.lstrip("# ").split(" =")[0] for line in text.splitlines() if " =" in line[:34]}
    for section in TrainConfig.model_fields:
        assert section == "model" or set(type(getattr(config, section)).model_fields) <= keys


def test_keys_are_printed_with_their_comments(faceprior):  # noqa: F811
    ran = faceprior("train", "paper", "--print-config", "--set", "run.batch=4")
    assert ran.status == 0 and tomllib.loads(ran.out)["run"]["batch"] == 4
    lines = {line.split(" =")[0]: line for line in ran.out.splitlines()}
    assert "the STN's rate = lr x this; above 0" in lines["localisation_lr"]
    assert '"epochs" | "cosine" | "constant"' in lines["kind"]
    assert lines["# faces"].endswith("# only so many, evenly spread over all; None = all; 1 or more")
    assert comments(type(TrainConfig().model))["aligned"] == "channels after the STN"


def test_a_comment_above_a_key_is_that_keys():
    data, loss = comments(type(TrainConfig().data)), comments(type(TrainConfig().loss))
    assert data["disturbance"].endswith("so strongly") and data["told"].startswith("ours: the network is told")
    assert data["sizes"].startswith("ours: the least and the largest LR") and "LR in pixels" not in data["rough"]
    assert loss["frame"].startswith("The frame of the picture's") and "frame" not in loss["pixel_weight"]
    assert "costs a CPU the least" in comments(type(TrainConfig().model))["trunk"]  # and below a key, set further in


@pytest.mark.parametrize(
    ("override", "near"),
    [
        ("loss.pixl=l1", "did you mean loss.pixel"),
        ("lss.pixel=l1", "did you mean loss"),
        ("run.lr=1", "did you mean optimiser.lr"),
        ("model.stcks=1", "did you mean model.stacks"),
        ("run.epoch=1", "did you mean run.epochs"),
        ("loss.heatmap=1", "loss.heatmap_weight"),
    ],
)
def test_a_wrong_key_names_the_near_ones(override, near):
    with pytest.raises(FacepriorError) as caught:
        TrainConfig.load("tiny", [override])
    assert near in str(caught.value) and "\n" not in str(caught.value)


def test_where_none_is_near_the_sections_keys_are_named():
    known = {"loss": ["pixel", "feature"], "run": ["batch"]}
    assert near_keys("loss.zzzzz", known) == "; loss has pixel, feature"
    assert near_keys("zzz", known) == "; did you mean loss or run?"


def test_a_wrong_name_of_a_preset_names_the_near_one():
    with pytest.raises(FacepriorError, match=r"did you mean standard"):
        TrainConfig.load("standrd")
    with pytest.raises(FacepriorError, match=r"did you mean table1/ours\?"):
        TrainConfig.load("ours")


def test_floors_are_those_of_evaluate(tiny_shards):
    from faceprior.dataset.pairs import PairMaker
    from faceprior.dataset.store import FaceStore
    from faceprior.evaluation.evaluate import EvaluateOptions, evaluate
    from faceprior.training.floors import floors

    found = floors(PairMaker(FaceStore.load(tiny_shards, "val")))
    report = evaluate([], tiny_shards, EvaluateOptions("val", device="cpu"), command="")
    for name, floor in (("psnr_bicubic", "bicubic"), ("psnr_bicubic_true", "bicubic-true")):
        assert found[name] == pytest.approx(report.model(floor).overall["psnr"].mean, abs=0.005)
    assert 5 < found["angle"] < 45 and 0 < found["scale"] < 0.12 and 0 < found["shift"] < 0.08


@pytest.fixture
def run(tmp_path):
    """A run's records, as the trainer writes them: 40 steps, two validations, one step that was refused."""
    return make_run(tmp_path / "first", 0.0)


def make_run(folder, offset):
    folder.mkdir()
    lines = [{"kind": "floor", "step": 0, "psnr_bicubic": 16.0, "psnr_bicubic_true": 20.0, "angle": 22.0}]
    for step in range(1, 41):
        lines.append({"kind": "train", "step": step, "total": 1 / step, "p": "nan" if step == 9 else 0.5 / step,
                      "images_per_s": 30.0})  # fmt: skip
        if step % 20 == 0:
            lines.append({"kind": "val", "step": step, "psnr": 15 + step / 10 + offset, "angle": 10.0, "seconds": step})
    lines.append({"kind": "refused", "step": 40, "total": "nan"})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "train", "st')
    (folder / "config.toml").write_text("[run]\nbatch = 8\n")
    return folder


def test_records_are_read_back(run):
    records = read_records(run)
    assert (records.name, records.batch, records.floors["psnr_bicubic_true"]) == ("first", 8, 20.0)
    assert records.val["psnr"] == [(20, 17.0), (40, 19.0)] and len(records.train["total"]) == 40
    assert np.isnan(dict(records.train["p"])[9]) and records.seconds() == [(0, 0.0), (20, 20.0), (40, 40.0)]
    assert read_records(run / "metrics.jsonl").val == records.val


def test_curves_of_one_run_and_of_several(run, tmp_path, faceprior, monkeypatch):  # noqa: F811
    ran = faceprior("curves", run)
    assert ran.status == 0 and ran.out.strip() == str(run / "curves.png")
    with Image.open(run / "curves.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[0] > 600 and pixels.shape[1] > 1000 and pixels.std() > 5
    (tmp_path / "below").mkdir()
    other = make_run(tmp_path / "below" / "first", 2.0)
    monkeypatch.chdir(tmp_path)
    for against in ("steps", "faces", "time"):
        assert faceprior("curves", run, other, "--against", against, "-o", f"{against}.svg").status == 0
        text = (tmp_path / f"{against}.svg").read_text()
        assert text.startswith("<?xml")
    assert faceprior("curves", run, other).out.strip() == "curves.png"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent"], "absent/metrics.jsonl: No such file"),
        (["first", "-o", "a.gif"], ".png, .svg or .pdf"),
        (["first", "--against", "moon"], "--against moon"),
    ],
)
def test_curves_that_cannot_be_drawn(run, arguments, words, faceprior, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    ran = faceprior("curves", *arguments)
    assert ran.status == 2 and words in ran.err and len(ran.err.splitlines()) == 1


def test_an_empty_journal_is_said(tmp_path):
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(FacepriorError, match="no record yet"):
        draw_curves([tmp_path], tmp_path / "curves.png")


def test_the_average_shifts_nothing():
    assert np.allclose(moving_average(np.arange(9.0), 3)[1:-1], np.arange(9.0)[1:-1])
    assert np.allclose(moving_average(np.full(7, 2.0), 4), 2.0)


def test_what_evaluate_prints_fits_a_terminal(faceprior, tiny_shards):  # noqa: F811
    from random_models import small_onnx

    models = ["-m", small_onnx(), "-m", small_onnx(fp16=False)]
    brief = faceprior("evaluate", *models, "-d", tiny_shards, "-q", "--device", "cpu", "--limit", "4")
    assert brief.status == 0, brief.err
    assert max(len(line.rstrip()) for line in brief.out.splitlines()) <= 100
    assert brief.out.count("┏") == 1 and "--full" in brief.out
    full = faceprior("evaluate", *models, "-d", tiny_shards, "-q", "--device", "cpu", "--limit", "4", "--full")
    assert full.out.count("┏") >= 3 and "visibility" in full.out and "by source" in full.out


def test_a_run_says_what_it_does_and_how_it_ended(tiny_shards, tmp_path, monkeypatch, capsys):
    from faceprior.cli.app import main

    where = ["-d", str(tiny_shards), "-o", str(tmp_path / "run"), "--device", "cpu", "--set", "data.val_faces=4"]
    monkeypatch.setattr(sys, "argv", ["faceprior", "train", "tiny", *where, "--steps", "2"])
    with pytest.raises(SystemExit, match="0"):
        main()
    said = capsys.readouterr().err
    for words in ("preset tiny", "24 faces to train on, 4 to validate on", "1 x cpu", "until:   2 steps of",
                  "tensorboard --logdir", "(bicubic ", "told the truth", "next: faceprior evaluate -m"):  # fmt: skip
        assert words in said, said
    assert (tmp_path / "run" / "curves.png").stat().st_size > 10_000
    monkeypatch.setattr(sys, "argv", ["faceprior", "train", "tiny", *where, "--max-time", "0.01s", "--steps", "9"])
    with pytest.raises(SystemExit, match="0"):
        main()
    said = capsys.readouterr().err
    assert "going on from step 2" in said and "stopped by --max-time" in said and "at step 2 of 9" in said


def test_train_without_folders_says_which_flags(faceprior):  # noqa: F811
    ran = faceprior("train", "tiny")
    assert ran.status == 2 and "-d" in ran.err and "-o" in ran.err
