"""What researchers write into configurations: every key with odd values, and keys that do not go together. Each is
refused on one line that names the key, what was given and what is allowed, or it is a configuration."""

import copy
import dataclasses
import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from random_models import small_safetensors

from faceprior.errors import FacepriorError
from faceprior.networks.kinds import KINDS, config_class
from faceprior.training import config as configuration
from faceprior.training.config import TrainConfig
from faceprior.training.config_file import read_tree
from faceprior.training.loop import Trainer

PRESET_OF = {"mtun": "tiny", "unet": "standard", **{kind: f"table1/{kind}" for kind in KINDS[3:]}}
SECTIONS = [
    ("tiny", f"{section}.{key}")
    for section, field in TrainConfig.model_fields.items()
    if section != "model"
    for key in field.annotation.model_fields
]
NETWORKS = [
    (preset, f"model.{field.name}")
    for kind, preset in PRESET_OF.items()
    for field in dataclasses.fields(config_class(kind))
]
KEYS = SECTIONS + NETWORKS


read_once = functools.cache(read_tree)


def tree_of(name: str) -> tuple[str, dict]:
    """`read_tree`, of presets once: thousands are tried here."""
    return copy.deepcopy(read_once(name))


@pytest.fixture(autouse=True)
def _presets_are_read_once(monkeypatch, request):
    if "tmp_path" not in request.fixturenames:
        monkeypatch.setattr(configuration, "read_tree", tree_of)


def said(preset: str, *overrides: str) -> str:
    """What is said of a configuration that is refused; nothing where it is none to refuse."""
    try:
        TrainConfig.load(preset, list(overrides))
    except FacepriorError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 600
        return str(error)
    return ""


@functools.cache
def value_of(preset: str, key: str):
    section, name = key.split(".")
    return getattr(getattr(TrainConfig.load(preset), section), name)


ODD = ["nan", "[nan, nan]", "inf", "[inf]", "-inf", "-1", "[-1, -1]", "1e300", "10" * 20, "9" * 5000, "{}", "{a = 1}",
       "1979-05-27", "'\\u0000'", "[[[8]]]", "[" * 3000]  # fmt: skip


@pytest.mark.parametrize("word", ODD)
def test_what_no_key_takes(word):
    for preset, key in KEYS:
        if key == "run.initial":  # a name, and names may be anything
            continue
        if value_of(preset, key) is None or not isinstance(value_of(preset, key), str | list):
            assert said(preset, f"{key}={word}").startswith(f"preset {preset}: {key}"), (key, word)


def test_numbers_truth_values_and_text_are_told_apart():
    for preset, key in KEYS:
        value = value_of(preset, key)
        if isinstance(value, bool):
            for word in ("1", "0", "'true'", "yes", "1.0", "[true]"):
                assert f" {key}: " in said(preset, f"{key}={word}"), (key, word)
        elif isinstance(value, int | float):
            wrong = ["true", "false", "[8]", "''"] + ([] if key == "run.checkpoint_every" else ["'8'"])
            for word in wrong:
                assert f" {key}: " in said(preset, f"{key}={word}"), (key, word)
        elif isinstance(value, tuple):
            for word in ("[]", "[true, true, true, true]", "['8', '8']", "8", "[" + "8," * 1000 + "]"):
                assert f" {key}" in said(preset, f"{key}={word}"), (key, word)


scalars = st.one_of(
    st.integers(), st.integers(-3, 130), st.floats(), st.booleans(), st.text(max_size=8),
    st.sampled_from(["paper", "Paper", "l2", "lr", "40m", "wide", "train"]),
)  # fmt: skip
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=6), max_leaves=8)


@settings(max_examples=300, deadline=None, database=None)
@given(st.sampled_from(KEYS), values)
def test_any_value_is_taken_or_refused_by_its_key(where, value):
    """A tree as TOML gives it: what is taken is saved and read again as the same."""
    preset, key = where
    section, name = key.split(".")
    _, tree = tree_of(preset)
    tree.setdefault(section, {})[name] = value
    try:
        config = TrainConfig.model_validate(tree)
    except ValidationError as error:
        message = configuration._first(error)
        assert message.startswith((f"{section}.", f"{section}:", "run.batch:")) and "\n" not in message
    else:
        assert TrainConfig.model_validate(config.as_dict()) == config


@pytest.mark.parametrize(
    ("preset", "overrides", "expected"),
    [
        ("tiny", "model.heb=128", "model.heb: expected one of [0, 16, 32, 64], got 128"),
        ("tiny", "model.stacks=1000000", "model.stacks: expected a whole number from 1 to 8, got 1000"),
        ("tiny", "model.trunk=[1000000, 8]", "model.trunk: expected 2 whole numbers from 0 to 8192, got (1000"),
        ("tiny", "model.trunk=[257, 8]", "model.trunk: expected 256 blocks at most, got 257"),
        ("tiny", "model.aligned=1000000000", "model.aligned: expected a whole number from 1 to 8192"),
        ("tiny", "model.max_angle=nan", "model.max_angle: Input should be a finite number; got nan"),
        ("tiny", "model.tail=Paper", "model.tail: expected one of ['paper', 'subpixel', 'shuffle'], got 'Paper'"),
        ("tiny", "model.preset='__init__'", "model.preset: no network preset '__init__'; expected one of"),
        ("tiny", "model.kind=Unet", "model.kind: expected one of mtun, unet, stn0"),
        ("tiny", "model.kind=canvas", "model.kind: 'canvas' is trained by `faceprior train-canvas`, not here"),
        ("tiny", "model.kind=vdsr", "model.encoder: no such key"),
        ("standard", "model.channels=[7, 8, 8, 8]", "model.channels: expected multiples of 4, got (7, 8, 8, 8)"),
        ("standard", "model.blocks=[1, 2]", "model.blocks: expected as many as channels, 4, got (1, 2)"),
        ("standard", "model.localisation=lr", "model.landmarks: only the localisation 'cascade' learns them"),
        ("table1/vdsr", "model.layers=1000000", "model.layers: expected a whole number from 1 to 256, got 1000000"),
        ("table1/ma", "model.stride=5", "model.stride: expected at most patch = 4, got 5"),
        ("table1/ma", "model.preset=paper", "model.preset: no such key"),
        ("tiny", "run.batch=1", "run.batch: expected 2 or more, got 1"),
        ("tiny", "run.batch=true", "run.batch: expected a number, without quotes; got True"),
        ("tiny", "data.faces=3", "run.batch: 4 is more than data.faces = 3"),
        ("tiny", "data.turned=1000", "data.turned: Input should be less than or equal to 10; got 1000"),
        ("tiny", "data.sources=[]", "data.sources: List should have at least 1 item"),
        ("tiny", "data.val_split=Val", "data.val_split: Input should be 'train', 'val' or 'test'; got 'Val'"),
        ("tiny", "data.sizes=[10, 48]", "data.sizes: a network of kind 'mtun' takes LRs of one size"),
        ("table1/vdsr", "data.told=[1, 0.1, 0.1]", "data.told: a network of kind 'vdsr' cannot be told"),
        ("table1/stn0", "loss.transform_weight=0 loss.pixel_weight=0", "loss.transform_weight: 0, as are"),
        ("tiny", "loss.pixel_weight=0", "loss: pixel, feature and adversarial weights are all 0"),
        (
            "tiny", "loss.pixel_weight=0 loss.adversarial_weight=1 loss.adversarial_start=3",
            "loss.adversarial_start: 3, and nothing but the adversary has a weight",
        ),
        ("tiny", "optimiser.betas=[0.9]", "optimiser.betas.1: a value is missing; got [0.9]"),
        ("tiny", "optimiser.betas=[0.9,1]", "optimiser.betas: must lie in [0, 1), got [0.9, 1.0]"),
        ("tiny", "optimiser.lr=1e30", "optimiser.lr: Input should be less than or equal to 1000; got 1e+30"),
        ("tiny", "run.seed=" + "9" * 30, "run.seed: Input should be less than"),
    ],
)  # fmt: skip
def test_what_is_said(preset, overrides, expected):
    words = [part.replace(", ", ",") for part in overrides.replace(", ", ",").split(" ")]
    assert said(preset, *words).startswith(f"preset {preset}: {expected}"), said(preset, *words)


@pytest.mark.parametrize("word", ["run.batch=3\nx = 4", "run.batch=3\n[model]", "run.batch=" + "9" * 5000])
def test_a_value_is_one_value(word):
    assert "run.batch: " in said("tiny", word)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model = 3", "model: expected a section of keys; got 3"),
        ("run = [1]", "run: expected a section of keys; got [1]"),
        ("extends = 3", "extends: expected a preset's name or a file, got 3"),
        ("extends = ''", "extends: expected a preset's name or a file, got ''"),
        ("extends = ['tiny']", "extends: expected a preset's name or a file, got ['tiny']"),
        ("[run]\nbatch = " + "9" * 5000, "not TOML: "),
        ("[run]\nbatch = " + "[" * 100_000, "not TOML: "),
        ("[run]\nmax_time = 07:32:00", "run.max_time: Input should be a valid number; got datetime.time"),
        ("extends = 'tiny'\n[model]\nkind = 'unet'", "no such key"),
    ],
)
def test_files_that_are_none(text, reason, tmp_path):
    (tmp_path / "mine.toml").write_text(text)
    message = said(str(tmp_path / "mine.toml"))
    assert "mine.toml: " in message and reason in message, message
    (tmp_path / "mine.toml").write_text('\ufeffextends = "tiny"\r\n[run]\r\nbatch = 3\r\n', "utf-8")
    assert TrainConfig.load(tmp_path / "mine.toml").run.batch == 3
    assert said("a" * 300) and said("tiny\0")


@pytest.mark.parametrize(
    ("preset", "overrides", "reason"),
    [
        ("tiny", ["run.batch=1000"], "24 faces to train on, fewer than run.batch = 1000"),
        ("tiny", ["data.sources=[moon]"], "data.sources: "),
        ("tiny", ["data.sources=['moon']"], "has none of ['moon']; its faces are of"),
        ("tiny", ["run.initial=nowhere"], "run.initial: nowhere: no such file or folder"),
        ("tiny", ["run.initial='\\u0000'"], "run.initial: "),
        ("tiny", ["run.initial='" + "a" * 300 + "'"], "no such file or folder"),
        ("tiny", ["model.sharp=true"], "model.sharp: "),
        ("standard", [], "give one with --canvas"),
        ("table1/vdsr", [], "give a trained STN0 with --stn0"),
        ("table1/nn", ["model.faces=1000000000"], "model: 49,920,"),
        ("paper", [f"model.{k}=[8192, 8192, 8192, 8192]" for k in ("encoder", "decoder")], "expected 4,000,000,000 at"),
    ],
)
def test_refused_before_anything_is_written(preset, overrides, reason, tiny_shards, tmp_path, monkeypatch):
    """... and before a face is read, or memory is taken."""
    from faceprior.dataset.store import FaceStore

    monkeypatch.setattr(FaceStore, "load", lambda *_, **__: pytest.fail("faces were read"))
    with pytest.raises(FacepriorError) as caught:
        config = TrainConfig.load(preset, overrides)
        Trainer(config, tiny_shards, tmp_path / "run", device="cpu").fit()
    assert reason in str(caught.value), caught.value
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("preset", "flag", "reason"),
    [
        ("standard", "canvas", "holds no canvas"),
        ("table1/vdsr", "stn0", "holds no STN0 of the paper's plan"),
        ("tiny", "canvas", "--canvas: this network takes none"),
        ("table1/tdae", "stn0", "--stn0: kind 'tdae' takes none"),
    ],
)
def test_given_networks_are_looked_at_first(preset, flag, reason, tiny_shards, tmp_path):
    for path, why in ((small_safetensors(), reason), (tmp_path / "nowhere", "no such file or folder")):
        with pytest.raises(FacepriorError) as caught:
            Trainer(TrainConfig.load(preset), tiny_shards, tmp_path / "run", device="cpu", **{flag: path}).fit()
        assert reason in str(caught.value) or why in str(caught.value), caught.value
        assert not list(tmp_path.iterdir())


def test_the_printed_configuration_tells_each_key_its_own_comment():
    from faceprior.training.describe import printed

    lines = printed(TrainConfig.load("tiny"), "tiny").splitlines()
    noted = {line.split(" = ")[0].lstrip("# ").split(" =")[0]: line for line in lines if "=" in line}
    assert "seen so many times" in noted["turned"] and "at most 10" in "".join(lines)
    assert "told the true" in noted["told"] and "least and the largest LR" in noted["sizes"]
    assert "1e+09" not in "".join(lines) and "9.22" not in "".join(lines)
