"""Models and shards of others under `evaluate`: what they do wrong is one line."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from faceprior.dataset.shards import read_manifest
from faceprior.dataset.store import FaceStore
from faceprior.errors import FacepriorError
from faceprior.evaluation.models import resolve
from faceprior.evaluation.outside import PythonModel
from faceprior.evaluation.reproduce.earlier import Earlier
from faceprior.networks.canvas import Canvas
from faceprior.networks.weights import save_model


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:", "cannot import 'theirs' .SyntaxError"),
        ("raise RuntimeError('no')", r"cannot import 'theirs' \(RuntimeError: no; .*theirs\.py, line 1\)"),
        ("import os\nos.nothing", r"cannot import 'theirs' \(AttributeError: .*theirs\.py, line 2\)"),
        ("g = 1", "module 'theirs' has no 'f'"),
        ("def f(x):\n    return x.no", r"failed on 2 faces: AttributeError: .*theirs\.py, line 2"),
        ("def f():\n    pass", "failed on 2 faces: TypeError"),
        ("def f(x):\n    raise ValueError('a\\nb')", r"failed on 2 faces: ValueError: a\\nb"),
    ],
)
def test_a_callable_that_fails_is_one_line(text, said, tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "theirs", raising=False)
    with pytest.raises(FacepriorError, match=said) as caught:
        PythonModel("theirs:f")(np.zeros((2, 16, 16, 3), np.uint8), None)
    assert "\n" not in str(caught.value)


def test_a_relative_module_is_refused():
    with pytest.raises(FacepriorError, match=r"python:\.x:f: cannot import"):
        PythonModel(".x:f")


def test_a_canvas_is_no_model_of_faces(tmp_path):
    save_model(Canvas(), tmp_path / "canvas.safetensors")
    with pytest.raises(FacepriorError, match=r"canvas\.safetensors: is a canvas"):
        resolve(str(tmp_path / "canvas.safetensors"))


def test_a_shard_of_no_rows_has_no_faces(tiny_shards, tmp_path):
    shutil.copytree(tiny_shards, tmp_path / "shards")
    shard = next((tmp_path / "shards").glob("test-*.parquet"))
    pq.write_table(pq.read_table(shard).slice(0, 0), shard)
    (tmp_path / "shards" / "manifest.json").write_text(json.dumps({"format": 1, "shards": {shard.name: {}}}))
    with pytest.raises(FacepriorError, match="no faces in split 'test'"):
        FaceStore.load(tmp_path / "shards", "test")


def test_a_manifest_of_brackets_is_damaged(tmp_path):
    (tmp_path / "manifest.json").write_text("[" * 99_999)
    with pytest.raises(FacepriorError, match=r"manifest\.json: damaged"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("figures", [{}, [], {"psnr": "x"}, {"psnr": None}])
def test_an_earlier_table_whose_figures_are_none(figures, tiny_shards, tmp_path):
    import hashlib

    training = {"parameters": 1, "steps": 1, "images": 1, "seconds": 1.0, "hardware": "", "weights": []}
    runs = [{"seed": 0, "figures": figures, "basis": {"config": {}}, "training": training}]
    data = {"manifest_sha256": hashlib.sha256((tiny_shards / "manifest.json").read_bytes()).hexdigest()}
    table = {"rows": [{"runs": runs}], "data": data, "split": "test", "faces": 8, "sources": {}, "protocol": "paper"}
    (tmp_path / "t.json").write_text(json.dumps(table))
    with pytest.raises(FacepriorError, match=r"t\.json: not the JSON that"):
        Earlier([tmp_path / "t.json"], tiny_shards)
