"""A network that was trained on faces of many sizes: its description says which, and every caller heeds it."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from random_models import random_unet, smooth_faces

torch = pytest.importorskip("torch")

import faceprior  # noqa: E402
from faceprior.cli.export import _training_faces  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.ours import Ours  # noqa: E402
from faceprior.face.trained import trained_sizes  # noqa: E402
from faceprior.networks.export import export_onnx  # noqa: E402
from faceprior.networks.quantise import export_int8  # noqa: E402
from faceprior.networks.weights import read_header, save_model  # noqa: E402


def described(sizes) -> dict:
    return {"config": {"data": {"sizes": sizes, "protocol": ["paper"]}}}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    """A small U-Net of 32 px, trained on 9 to 48 as its file says: for PyTorch, and exported."""
    folder = tmp_path_factory.mktemp("many")
    weights, onnx = folder / "many.safetensors", folder / "many.onnx"
    network = random_unet(lr=32)
    save_model(network, weights, described([9, 48]))
    export_onnx(network, onnx, read_header(weights), any_size=True)
    return weights, onnx


@pytest.mark.parametrize("header", [{}, {"provenance": None}, {"provenance": described(None)}, described([9, 48])])
def test_of_one_size_where_nothing_is_said(header):
    assert trained_sizes(header) is None


@pytest.mark.parametrize("which", [0, 1])
def test_a_face_is_cut_at_16_where_nobody_says(files, which):
    model = faceprior.load(files[which], threads=1)
    assert model.any_size and model.sizes == (9, 48) and model.size == 16
    assert model.restore(np.full((40, 40, 3), 90, np.uint8)).lr.shape[0] >= 16


@pytest.mark.parametrize(("sizes", "size"), [([9, 48], 16), ([20, 48], 32), ([8, 12], 32)])
def test_the_papers_size_only_where_it_was_trained_on_it(tmp_path, sizes, size):
    save_model(random_unet(lr=32), tmp_path / "one.safetensors", described(sizes))
    model = faceprior.load(tmp_path / "one.safetensors", threads=1)
    assert model.size == size and model.sizes == tuple(sizes)


@pytest.mark.parametrize(("given", "seen"), [(9, 9), (16, 16), (32, 32), (48, 48), (64, 48)])
def test_evaluated_at_what_the_protocol_gives(files, given, seen):
    model, shapes = Ours(str(files[1]), "cpu"), []
    run = model.upscaler.backend.run
    model.upscaler.backend.run = lambda lr, **more: (shapes.append(lr.shape[1]), run(lr, **more))[1]
    pairs = SimpleNamespace(jpeg=75, lr=torch.zeros(2, 3, given, given))
    restored = model(smooth_faces(2, size=given), pairs)
    assert restored.images.shape == (2, 128, 128, 3) and shapes == [seen]
    told = model._told(np.zeros((2, seen, seen, 3)), pairs)
    assert told.shape == (2, 2) and told[0, 0] == pytest.approx(25 / 60 * seen / given)


def test_a_protocol_of_fewer_pixels_is_refused(files):
    with pytest.raises(FacepriorError, match="takes faces of 9 px, the protocol gives 8"):
        Ours(str(files[1]), "cpu")(smooth_faces(1, size=8), None)


def test_ranges_are_measured_at_all_sizes(files, tiny_shards, tmp_path):
    faces = _training_faces(tiny_shards, 8, (9, 48), 32)
    assert [one.shape[1:3] for one in faces] == [(9, 9), (16, 16), (27, 27), (48, 48)]
    assert sum(map(len, faces)) > 3 and all(one.dtype == np.uint8 for one in faces)
    assert [len(one) for one in _training_faces(tiny_shards, 2, (9, 48), 32)] == [1, 1]
    (alone,) = _training_faces(tiny_shards, 8, None, 32)
    assert alone.shape[1:] == (32, 32, 3)
    export_int8(random_unet(lr=32), tmp_path / "q.onnx", read_header(files[0]), faces, any_size=True)
    model = faceprior.load(tmp_path / "q.onnx", threads=1)
    assert model(faces[0]).images.shape[1:] == (128, 128, 3) and model.sizes == (9, 48)
