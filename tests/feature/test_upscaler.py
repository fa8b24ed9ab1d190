"""The Upscaler keeps its contract."""

import shutil

import numpy as np
import pytest
from random_models import small_onnx, small_safetensors, smooth_faces

import faceprior
from faceprior import FacepriorError


@pytest.fixture(scope="module")
def model():
    return faceprior.load(small_onnx())


@pytest.mark.parametrize("n", [0, 1, 7, 8, 17])
def test_shapes_and_types(model, n):
    result = model(smooth_faces(n) if n else np.empty((0, 16, 16, 3), np.uint8))
    assert len(result) == n
    assert result.images.shape == (n, 128, 128, 3)
    assert result.images.dtype == np.uint8
    assert result.heatmaps.shape == (n, 4, 64, 64)
    assert result.heatmaps.dtype == np.float32
    assert result.transforms.shape == (n, 2, 3)
    assert result.transforms.dtype == np.float32


def test_deterministic(model):
    lr = smooth_faces(11)
    a, b = model(lr), faceprior.load(small_onnx())(lr)
    for name in ("images", "heatmaps", "transforms"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_face_does_not_depend_on_its_neighbours(model):
    lr = smooth_faces(11)
    together = model(lr).images
    alone = np.concatenate([model(face[None]).images for face in lr])
    assert np.abs(together.astype(int) - alone).max() <= 1


def test_views_and_read_only_arrays_are_taken(model):
    lr = smooth_faces(4)
    turned = np.ascontiguousarray(lr.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    turned.flags.writeable = False
    np.testing.assert_array_equal(model(turned).images, model(lr).images)
    np.testing.assert_array_equal(model(lr[::2]).images, model(lr[::2].copy()).images)


@pytest.mark.parametrize(
    ("lr", "said"),
    [
        (np.zeros((16, 16, 3), np.uint8), r"lr\[None\]"),
        (np.zeros((1, 16, 16, 3), np.float32), "float32"),
        (np.zeros((1, 3, 16, 16), np.uint8), r"\(1, 3, 16, 16\)"),
        (np.zeros((1, 32, 32, 3), np.uint8), r"expected uint8 \(N, 16, 16, 3\)"),
        (np.zeros((2, 2), np.uint8), r"\(2, 2\)"),
    ],
)
def test_other_arrays_are_refused(model, lr, said):
    with pytest.raises(FacepriorError, match=said) as error:
        model(lr)
    assert "\n" not in str(error.value)


def test_torch_backend_from_a_run_folder(tmp_path):
    shutil.copy(small_safetensors(), tmp_path / "model.safetensors")
    result = faceprior.load(tmp_path, threads=1)(smooth_faces(3))
    assert result.images.shape == (3, 128, 128, 3)


def test_info_names_the_weights(model):
    import hashlib

    assert model.info.sha256 == hashlib.sha256(small_onnx().read_bytes()).hexdigest()
    assert (model.info.backend, model.info.name) == ("onnx", small_onnx().stem)
    assert model.info.version == faceprior.__version__


@pytest.fixture
def assets(tmp_path, monkeypatch):
    """An empty folder in the place of the packaged models."""
    from faceprior.runtime import upscaler

    monkeypatch.setattr(upscaler, "ASSETS", tmp_path)
    return tmp_path


def test_packaged_models(assets):
    from faceprior.cli.package import package_model
    from faceprior.networks.weights import load_model, read_header

    weights = small_safetensors()
    network, header = load_model(weights), read_header(weights)
    package_model(network, header, "first", "The first.", assets=assets, safetensors=True)
    package_model(network, header, "second", "The second.", assets=assets)
    assert faceprior.load().info.name == "first"
    assert faceprior.load("default").info.name == "first"
    assert faceprior.load("second").info.name == "second"
    lr = smooth_faces(3)
    torch = faceprior.load("first", backend="torch")
    assert np.abs(torch(lr).images.astype(int) - faceprior.load("first")(lr).images).max() <= 1
    with pytest.raises(FacepriorError, match="ONNX Runtime alone"):
        faceprior.load("second", backend="torch")
    with pytest.raises(FacepriorError, match="packaged: first, second"):
        faceprior.load("third")

    (assets / "first.onnx").write_bytes((assets / "first.onnx").read_bytes()[:-1])
    with pytest.raises(FacepriorError, match="expected SHA-256"):
        faceprior.load()


def test_without_packaged_models(assets):
    with pytest.raises(FacepriorError, match="no weights are packaged"):
        faceprior.load()


def test_what_is_packaged_here_loads():
    """Every model of the registry is there, whole, and runs."""
    from faceprior.runtime.weights import registry

    models, default = registry()
    assert (default in models) if models else default is None
    for name in models:
        model = faceprior.load(name)
        assert model(smooth_faces(1, size=model.size)).images.shape == (1, 128, 128, 3)
        assert model.larger is None or model.larger.size > model.size
