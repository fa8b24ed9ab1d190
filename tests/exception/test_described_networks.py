"""A `model.safetensors` whose description says odd things: refused on one line that names the field, soon, and without
memory; whoever asks for it (`load_model`, `faceprior.load`, a command)."""

import dataclasses
import json
import resource
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from random_models import small_safetensors
from safetensors import safe_open
from safetensors.torch import save_file

from faceprior.errors import FacepriorError
from faceprior.face.trained import trained_sizes
from faceprior.networks.kinds import KINDS, config_class
from faceprior.networks.weights import load_model

ODD = [None, True, "8", float("nan"), float("inf"), -1, 10**30, [10**6] * 3, [[8]], {"a": 1}, [None] * 4, ["8"] * 4]


def written(path: Path, header: dict | str, tensors: dict | None = None) -> Path:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({"x": torch.zeros(1)} if tensors is None else tensors, path, {"faceprior": text})
    return path


def refused(path: Path) -> str:
    with pytest.raises(FacepriorError) as error:
        load_model(path)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_with_odd_values(kind, tmp_path):
    cls = config_class(kind)
    config = cls().to_dict()
    for field in dataclasses.fields(cls):
        for value in ODD:
            if isinstance(config[field.name], bool) and value is True:
                continue
            header = {"format": 1, "model": kind, "config": {**config, field.name: value}}
            message = refused(written(tmp_path / "odd.safetensors", header))
            assert f"does not describe a network ({field.name}: expected " in message, (field.name, value, message)
            assert len(message.partition("(")[2]) < 250


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("mtun", {"tail": "shuffle", "heb": 32, "blocks": [10**6, 1, 1]}),
        ("mtun", {"trunk": [10**6, 8]}),
        ("mtun", {"stacks": 10**6}),
        ("unet", {"blocks": [10**6, 1, 1, 1]}),
        ("unet", {"tail_blocks": [1, 10**6]}),
        ("unet", {"kind": "mtun"}),  # a table of another kind's fields
        ("vdsr", {"layers": 10**6}),
        ("srgan", {"blocks": 10**6}),
        ("cbn", {"layers": 10**6}),
        ("nn", {"faces": 10**9}),
        ("canvas", {"channels": 10**9}),
    ],
)
def test_giants_take_neither_time_nor_memory(kind, changes, tmp_path):
    header = {"format": 1, "model": kind, "config": {**config_class(kind)().to_dict(), **changes}}
    path = written(tmp_path / "giant.safetensors", header)
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    refused(path)
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "9" * 5000, "null", "3", '"x"', "{}"])
def test_descriptions_that_are_none(text, tmp_path):
    assert "odd.safetensors: " in refused(written(tmp_path / "odd.safetensors", text))


def small(tmp_path: Path, **changes) -> Path:
    """The small network with another description."""
    with safe_open(small_safetensors(), "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  no mapping
        header = json.loads(file.metadata()["faceprior"])
    return written(tmp_path / "small.safetensors", header | changes, tensors)


def test_a_provenance_that_is_no_table(tmp_path):
    for value in (3, "x", [], None):
        assert "its provenance is no table" in refused(small(tmp_path, provenance=value))


@pytest.mark.parametrize("sizes", [[float("inf"), 1], [0, 48], [48, 10], [10, 10**9], [True, 9], [9.5, 20], "ab", 3])
def test_sizes_that_cannot_be_are_not_believed(sizes):
    assert trained_sizes({"provenance": {"config": {"data": {"sizes": sizes}}}}) is None


def test_commands_say_it(tmp_path, tiny_shards, monkeypatch, capsys):
    from faceprior.cli.app import main

    header = {"format": 1, "model": "mtun", "config": {"stacks": 10**6}}
    path = written(tmp_path / "odd.safetensors", header)
    Image.new("RGB", (40, 40)).save(tmp_path / "face.png")
    for arguments in (
        ["upscale", tmp_path / "face.png", "--model", path, "-o", tmp_path / "out"],
        ["evaluate", "-m", path, "-d", tiny_shards],
        ["export", path, "-o", tmp_path / "x.onnx"],
    ):
        monkeypatch.setattr(sys, "argv", ["faceprior", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr().err.strip()
        assert end.value.code == 2 and "stacks: expected a whole number from 1 to 8, got 1000000" in said, said
        assert len(said.splitlines()) == 1, said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["face.png", "odd.safetensors"]
