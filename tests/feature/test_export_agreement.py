"""PyTorch and ONNX Runtime give the same faces; the exported graph is the small one it should be."""

import json

import numpy as np
import onnx
import pytest
import torch
from random_models import SMALL, random_network, small_onnx, small_safetensors, smooth_faces
from typer.testing import CliRunner

import faceprior
from faceprior.cli.app import app
from faceprior.networks.config import MTUNConfig
from faceprior.networks.weights import load_model, read_header, save_model

VARIANTS = {
    "subpixel": {},
    "paper tail and STN": {"tail": "paper", "localisation": "paper", "base": False, "stacks": 2},
    "HEB at 16": {"heb": 16, "hourglass_depth": 3, "base": False},
    "HEB at 32": {"heb": 32, "tail": "paper"},
    "two looks, trunk, shuffles": {
        "localisation": "cascade",
        "landmarks": True,
        "trunk": (1, 8),
        "heb": 32,
        "hourglass_depth": 3,
        "tail": "shuffle",
    },
    "no HEB, no skip, no autoencoder": {"heb": 0, "skip": False, "autoencoder": False},
}


@pytest.mark.parametrize(
    ("name", "fp16"), [*((name, True) for name in VARIANTS), ("subpixel", False), ("paper tail and STN", False)]
)
def test_backends_agree(name, fp16):
    options = VARIANTS[name]
    lr = smooth_faces(9)
    ours = faceprior.load(small_safetensors(**options))(lr)
    theirs = faceprior.load(small_onnx(fp16=fp16, **options))(lr)
    assert ours.images.std() > 5  # a picture, not a constant
    assert np.abs(ours.transforms - np.eye(2, 3)).max() > 0.05  # the STN turns
    difference = np.abs(ours.images.astype(int) - theirs.images)
    assert (difference <= 1).mean() >= 0.999
    tolerance = 5e-3 if fp16 else 1e-4  # weights rounded to 11 bits, or the order of the sums alone
    np.testing.assert_allclose(theirs.heatmaps, ours.heatmaps, atol=tolerance * max(1, np.abs(ours.heatmaps).max()))
    np.testing.assert_allclose(theirs.transforms, ours.transforms, atol=tolerance)


def test_batchnorm_is_folded_and_unused_outputs_are_gone():
    graph = onnx.load(small_onnx(fp16=False, stacks=2)).graph
    makers = {name: node for node in graph.node for name in node.output}
    users = [name for node in graph.node for name in node.input]
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            before = makers.get(node.input[0])
            foldable = before is not None and before.op_type in ("Conv", "ConvTranspose")
            assert not foldable or users.count(node.input[0]) > 1
    used = {*users, *(value.name for value in graph.output)}
    assert all(used & set(node.output) for node in graph.node)


def test_fp16_file_is_half_the_size():
    full, half = (small_onnx(fp16=fp16).stat().st_size for fp16 in (False, True))
    assert half < 0.6 * full


def test_metadata_is_that_of_the_weights():
    model = onnx.load(small_onnx())
    header = json.loads({p.key: p.value for p in model.metadata_props}["faceprior"])
    assert header["format"] == 1
    assert header["model"] == "mtun"
    assert header["config"]["aligned"] == 8
    assert header["provenance"] == {"test": True}


def test_export_is_reproducible(tmp_path):
    from faceprior.networks.export import export_onnx

    weights = small_safetensors()
    export_onnx(load_model(weights), tmp_path / "again.onnx", read_header(weights))
    assert (tmp_path / "again.onnx").read_bytes() == small_onnx().read_bytes()
    assert [p.name for p in tmp_path.iterdir()] == ["again.onnx"]


def test_weights_for_pytorch_in_half_the_bytes(tmp_path):
    """`faceprior export -o NAME.safetensors`: the same network, its weights as fp16."""
    weights, half = small_safetensors(), tmp_path / "half.safetensors"
    assert CliRunner().invoke(app, ["export", str(weights), "-o", str(half)]).exit_code == 0
    assert half.stat().st_size < 0.7 * weights.stat().st_size
    lr = smooth_faces(4)
    ours, theirs = (faceprior.load(path)(lr) for path in (weights, half))
    assert (np.abs(ours.images.astype(int) - theirs.images) <= 2).mean() >= 0.999
    assert CliRunner().invoke(app, ["export", str(half), "-o", str(half)]).exit_code != 0  # never over itself


def test_the_stn_of_another_run_in_its_place(tmp_path):
    """`export --stn0`: its localisation net, and all else the model's own."""
    options = {"localisation": "lr"}
    other = random_network(MTUNConfig(**SMALL, **options), seed=1)
    save_model(other, tmp_path / "other.safetensors")
    weights, out = small_safetensors(**options), tmp_path / "both.safetensors"
    call = ["export", weights, "--stn0", tmp_path / "other.safetensors", "-o", out, "--fp32"]
    done = CliRunner().invoke(app, list(map(str, call)))
    assert done.exit_code == 0, done.output
    assert read_header(out)["provenance"]["stn0"] == "other.safetensors"
    was, now = load_model(weights).state_dict(), load_model(out).state_dict()
    theirs = other.state_dict()
    for key, value in now.items():
        assert value.equal(theirs[key] if key.startswith("localisation.") else was[key]), key
    assert any(not now[key].equal(was[key]) for key in now)

    call[1] = small_safetensors(**VARIANTS["two looks, trunk, shuffles"])
    done = CliRunner().invoke(app, list(map(str, call)))
    assert "holds another STN (localisation, landmarks)" in str(done.exception)


@pytest.mark.parametrize("part", [0.0, 0.25, 1.0])
def test_weights_between_two_runs(tmp_path, part):
    """`export --between`: what the first has more, such as a sharp tail, stays."""
    first = random_network(MTUNConfig(**SMALL, sharp=True), seed=1)
    second = random_network(MTUNConfig(**SMALL), seed=2)
    for name, network in {"first": first, "second": second}.items():
        save_model(network, tmp_path / f"{name}.safetensors")
    out = tmp_path / "between.safetensors"
    call = ["export", tmp_path / "second.safetensors", "--between", tmp_path / "first.safetensors", part]
    done = CliRunner().invoke(app, list(map(str, [*call, "--fp32", "-o", out])))
    assert done.exit_code == 0, (done.output, done.exception)
    provenance = read_header(out)["provenance"]
    assert (provenance["between"], provenance["between_part"]) == ("first.safetensors", part)
    a, b, between = first.state_dict(), second.state_dict(), load_model(out).state_dict()
    assert between.keys() == a.keys() and len(a) > len(b)
    for name, value in between.items():
        if not value.is_floating_point() or name not in b:
            assert value.equal(a[name]), name
        else:
            torch.testing.assert_close(value, a[name] + part * (b[name] - a[name]), msg=name)


@pytest.mark.parametrize(("part", "options"), [(1.5, {}), (0.5, {"decoder": (8, 8, 8, 16)})])
def test_between_what_is_not_alike_or_beyond_is_refused(tmp_path, part, options):
    other = tmp_path / "other.safetensors"
    save_model(random_network(MTUNConfig(**{**SMALL, **options})), other)
    call = ["export", small_safetensors(), "--between", other, part, "-o", tmp_path / "out.safetensors"]
    done = CliRunner().invoke(app, list(map(str, call)))
    assert done.exit_code != 0 and "--between" in str(done.exception) and not (tmp_path / "out.safetensors").exists()
