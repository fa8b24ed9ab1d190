"""`upscale` keeps the model of the last calls, as long as its file is what it was."""

import os
import shutil

import numpy as np
import pytest
from random_models import small_onnx, small_safetensors
from textures import texture

import faceprior
from faceprior.photo import kept


@pytest.fixture(autouse=True)
def loads(monkeypatch) -> list:
    """What was loaded."""
    seen, load = [], kept.load
    monkeypatch.setattr(kept, "load", lambda model, **more: seen.append(model) or load(model, **more))
    kept._kept.cache_clear()
    return seen


def sha256(model, **more) -> str:
    given = {"boxes": [(20, 20, 24, 24)], "canvas": "lanczos", "scale": 1, "threads": 1, **more}
    return faceprior.upscale(texture(64, 80, seed=3), model=model, **given).about["model"]["sha256"]


def test_an_export_to_the_same_name_is_another_model(tmp_path, loads):
    """The old weights were used, and nothing was said."""
    path = tmp_path / "mine.onnx"
    shutil.copy(small_onnx(), path)
    first = sha256(path)
    assert sha256(path) == first and len(loads) == 1
    shutil.copy(small_onnx(1), path)
    os.utime(path, ns=(1, 1))
    assert sha256(path) != first and len(loads) == 2


def test_a_run_that_is_still_training(tmp_path):
    shutil.copy(small_safetensors(), tmp_path / "model.safetensors")
    first = sha256(tmp_path)
    shutil.copy(small_safetensors(1), tmp_path / "model.safetensors")
    os.utime(tmp_path / "model.safetensors", ns=(1, 1))
    assert sha256(tmp_path) != first


def test_a_name_means_the_file_of_this_folder(tmp_path, monkeypatch):
    found = []
    for seed in (0, 1):
        folder = tmp_path / str(seed)
        folder.mkdir()
        shutil.copy(small_onnx(seed), folder / "mine.onnx")
        os.utime(folder / "mine.onnx", ns=(1, 1))
        monkeypatch.chdir(folder)
        found.append(sha256("mine.onnx"))
    assert found[0] != found[1]


def test_a_packaged_one_is_what_its_name_says(loads):
    if not faceprior.runtime.weights.registry()[0]:
        pytest.skip("no model is packaged")
    assert sha256("standard") == sha256("standard") and loads == ["standard"]


def test_other_arguments_are_another_model(loads):
    for more in ({"threads": 1}, {"threads": np.int64(1)}, {"threads": np.array(1)}, {"threads": 2}):
        sha256(small_onnx(), **more)
    assert len(loads) == 2
