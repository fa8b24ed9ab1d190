"""Weights files that are cut, changed, of another network or another type, or pickles; shards likewise.

Each is refused with one line that names the file and what was expected. No pickle is ever run.
"""

import hashlib
import json
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import small_onnx, small_safetensors
from safetensors import safe_open
from safetensors.torch import save_file

import faceprior
from faceprior import FacepriorError
from faceprior.networks.weights import load_model, save_model


def refused(call, *arguments, **options) -> str:
    with pytest.raises(FacepriorError) as error:
        call(*arguments, **options)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def rewritten(path: Path, change) -> Path:
    """The small network's file with its tensors and its description changed by `change(tensors, header)`."""
    with safe_open(small_safetensors(), "pt") as file:
        tensors = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118  no mapping
        header = json.loads(file.metadata()["faceprior"])
    text = change(tensors, header)
    save_file(tensors, path, {"faceprior": json.dumps(header) if text is None else text})
    # (the hash in the description is that of the tensors before: what else is wrong is said first)
    return path


def first(tensors: dict) -> str:
    return next(key for key, value in tensors.items() if value.is_floating_point() and value.ndim == 4)


def to_type(dtype: torch.dtype):
    def change(tensors, header):
        tensors[first(tensors)] = tensors[first(tensors)].to(dtype)

    return change


CHANGES = {
    "another type": (to_type(torch.int8), "is torch.int8, expected torch.float32"),
    "double": (to_type(torch.float64), "is torch.float64, expected torch.float32"),
    "a missing tensor": (lambda t, h: t.__delitem__(first(t)), "do not match its configuration"),
    "another tensor": (lambda t, h: t.update(more=torch.zeros(2)), "do not match its configuration, first 'more'"),
    "another shape": (lambda t, h: t.update({first(t): torch.zeros(1, 2, 3, 4)}), "has shape (1, 2, 3, 4), expected"),
    "NaN": (lambda t, h: t.update({first(t): t[first(t)] * float("nan")}), "not finite"),
    "another architecture": (lambda t, h: h["config"].update(stacks=2), "do not match its configuration"),
    "an unknown setting": (lambda t, h: h["config"].update(nonsense=1), "does not describe a network"),
    "an impossible size": (lambda t, h: h["config"].update(encoder=[2**31] * 4), "does not describe a network"),
    "no configuration": (lambda t, h: h.pop("config") and None, "does not describe a network"),
    "another kind": (lambda t, h: h.update(model="gan"), "of a model such as 'mtun', got 1 of 'gan'"),
    "a later format": (lambda t, h: h.update(format=9), "expected format 1"),
    "a list": (lambda t, h: "[]", "no table"),
    "no JSON": (lambda t, h: "{", "without faceprior's description"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_safetensors_that_are_not_this_network(change, tmp_path):
    how, reason = CHANGES[change]
    message = refused(faceprior.load, rewritten(tmp_path / "w.safetensors", how))
    assert "w.safetensors: " in message and reason in message, message


@pytest.mark.parametrize("kind", ["safetensors", "onnx"])
@pytest.mark.parametrize("part", [0, 7, 8, 100, 0.3, 0.99, -1])
def test_cut_short(kind, part, tmp_path):
    data = (small_onnx() if kind == "onnx" else small_safetensors()).read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(data[: int(part * len(data)) if isinstance(part, float) else part])
    assert f"cut.{kind}: " in refused(faceprior.load, path)


def test_a_header_that_claims_more_than_there_is(tmp_path):
    path = tmp_path / "big.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{}")
    assert "not a readable safetensors file" in refused(faceprior.load, path)


def test_a_packaged_file_of_which_one_bit_changed(tmp_path, monkeypatch):
    from faceprior.runtime import upscaler, weights

    data = bytearray(small_onnx().read_bytes())
    entry = {"file": "m.onnx", "sha256": hashlib.sha256(data).hexdigest(), "description": "small"}
    (tmp_path / "models.json").write_text(json.dumps({"format": 1, "default": "m", "models": {"m": entry}}))
    monkeypatch.setattr(upscaler, "ASSETS", tmp_path)
    monkeypatch.setattr(upscaler, "packaged", lambda name, assets: weights.packaged(name, assets))
    (tmp_path / "m.onnx").write_bytes(data)
    assert len(faceprior.load("m")(np.zeros((1, 16, 16, 3), np.uint8))) == 1
    data[len(data) // 2] ^= 1
    (tmp_path / "m.onnx").write_bytes(data)
    message = refused(faceprior.load)
    assert "expected SHA-256" in message and "reinstall" in message


def test_onnx_that_loads_and_does_not_run(tmp_path):
    import onnx

    model = onnx.load(small_onnx())
    model.graph.input[0].type.tensor_type.shape.dim[0].ClearField("dim_param")
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1  # one face at a time
    del model.metadata_props[1:]  # the seal
    onnx.save(model, tmp_path / "one.onnx")
    network = faceprior.load(tmp_path / "one.onnx")
    assert "one.onnx: ONNX Runtime failed on 3 faces" in refused(network, np.zeros((3, 16, 16, 3), np.uint8))


@pytest.mark.parametrize("kind", ["safetensors", "onnx"])
def test_a_file_given_by_path_of_which_one_bit_changed(kind, tmp_path):
    data = bytearray((small_onnx() if kind == "onnx" else small_safetensors()).read_bytes())
    path = tmp_path / f"bit.{kind}"
    random = np.random.default_rng(0)
    for at in random.integers(len(data) // 2, len(data) - 90, 20):
        data[at] ^= 1 << (at % 8)
        path.write_bytes(data)
        message = refused(faceprior.load, path)
        assert "SHA-256" in message or "not finite" in message, message
        data[at] ^= 1 << (at % 8)
    path.write_bytes(data)
    assert len(faceprior.load(path)(np.zeros((1, 16, 16, 3), np.uint8))) == 1


def test_files_without_a_hash_are_still_read(tmp_path):
    import onnx

    path = rewritten(tmp_path / "old.safetensors", lambda t, h: h.pop("sha256") and None)
    faceprior.load(path)
    model = onnx.load(small_onnx())
    assert [entry.key for entry in model.metadata_props] == ["faceprior", "faceprior.sha256"]
    del model.metadata_props[1:]
    onnx.save(model, tmp_path / "old.onnx")
    faceprior.load(tmp_path / "old.onnx")


def test_a_description_of_a_giant_takes_no_memory(tmp_path):
    """8000 x 8000 channels are 256 MB for each tap of a convolution."""
    import resource

    path = rewritten(tmp_path / "giant.safetensors", lambda t, h: h["config"].update(encoder=[8, 8, 8000, 8000]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "has shape" in refused(faceprior.load, path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


# -- pickles


class Evil:
    """Unpickled, it makes a file."""

    def __init__(self, sentinel: Path):
        self.sentinel = sentinel

    def __reduce__(self):
        return (Path.touch, (self.sentinel,))


@pytest.mark.filterwarnings("ignore")  # PyTorch warns of old pickles before it refuses them
@pytest.mark.parametrize("how", ["pickle", "torch.save", "torch.save, old"])
@pytest.mark.parametrize("ending", ["pth", "pt", "pkl", "ckpt", "safetensors", "onnx"])
def test_no_pickle_is_run(how, ending, tmp_path):
    from faceprior.networks.vgg import VGGFeatures
    from faceprior.networks.weights import load_model

    sentinel, path = tmp_path / "owned", tmp_path / f"evil.{ending}"
    if how == "pickle":
        path.write_bytes(pickle.dumps(Evil(sentinel)))
    else:
        torch.save({"state": Evil(sentinel)}, path, _use_new_zipfile_serialization=how == "torch.save")
    for call in (faceprior.load, load_model, VGGFeatures.load):
        assert f"evil.{ending}: " in refused(call, path)
    assert not sentinel.exists()
    pickle.loads(pickle.dumps(Evil(sentinel)))
    assert sentinel.exists()  # it would have been


# -- shards


def test_shards_that_changed(tiny_shards, tmp_path):
    """A bit within a row group, an end cut off: the hash in the manifest finds both."""
    from faceprior.dataset.store import FaceStore

    data = shutil.copytree(tiny_shards, tmp_path / "data")
    path = data / "train-00000.parquet"
    whole = path.read_bytes()
    for at in (10, len(whole) // 2, len(whole) - 20):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        message = refused(FaceStore.load, data, "train")
        assert "train-00000.parquet: expected SHA-256" in message
    path.write_bytes(whole[:-100])
    assert "expected SHA-256" in refused(FaceStore.load, data, "train")
    path.write_bytes(whole)
    assert len(FaceStore.load(data, "train")) == 24


@pytest.mark.parametrize("seed", range(12))
def test_row_groups_broken_where_no_hash_helps(seed, tiny_shards, tmp_path):
    """Without the hash, a broken shard is still an error of one line or a table of the right shape; never a crash."""
    from faceprior.dataset.shards import SCHEMA, read_shard

    random = np.random.default_rng(seed)
    data = bytearray((tiny_shards / "val-00000.parquet").read_bytes())
    for at in random.integers(4, len(data), 20):
        data[at] = random.integers(256)
    path = tmp_path / "broken.parquet"
    path.write_bytes(data)
    try:
        assert read_shard(path).schema == SCHEMA
    except FacepriorError as error:
        assert "broken.parquet: " in str(error) and len(str(error).splitlines()) == 1


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("landmarks", float("nan"), "'landmarks' is not finite"),
        ("landmarks", float("inf"), "'landmarks' is not finite"),
        ("landmarks", 9000.0, "'landmarks' lies outside -224..448"),
        ("landmarks", -300.0, "'landmarks' lies outside"),
        ("corners", float("nan"), "'corners' is not finite"),
        ("yaw", float("inf"), "'yaw' is not finite"),
    ],
)
def test_numbers_out_of_range(column, value, reason, tiny_shards, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from faceprior.dataset.shards import SCHEMA, read_shard

    rows = pq.read_table(tiny_shards / "val-00000.parquet").to_pylist()
    if isinstance(rows[2][column], list):
        rows[2][column][5] = value
    else:
        rows[2][column] = value
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), tmp_path / "x.parquet")
    message = refused(read_shard, tmp_path / "x.parquet")
    assert f"row 2 ('{rows[2]['name']}')" in message and reason in message


def test_others_may_read_what_is_saved(tmp_path):
    """As the umask has it, not for the owner alone."""
    save_model(load_model(small_safetensors()), tmp_path / "a.safetensors")
    (tmp_path / "b").touch()
    assert (tmp_path / "a.safetensors").stat().st_mode == (tmp_path / "b").stat().st_mode
