"""A U-Net exported for faces of any size gives what PyTorch gives, by every backend, at sizes it was not traced at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from random_models import small_onnx, smooth_faces
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

import faceprior  # noqa: E402
from faceprior.cli.app import app  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.networks.unet import _bicubic  # noqa: E402
from faceprior.resampling import pillow_bicubic  # noqa: E402
from faceprior.runtime.backends.contract import OUTPUTS, check_signature  # noqa: E402

WEIGHTS = Path(__file__).parents[2] / "weights"


@pytest.fixture(scope="module", params=["standard", "standard-32"])
def files(request, tmp_path_factory) -> tuple[Path, Path]:
    """Shipped weights, and the file exported of them."""
    weights = WEIGHTS / f"{request.param}.safetensors"
    out = tmp_path_factory.mktemp("any") / f"{request.param}.onnx"
    done = CliRunner().invoke(app, ["export", str(weights), "--any-size", "-o", str(out)])
    assert done.exit_code == 0, (done.output, done.exception)
    return weights, out


def faces(size: int) -> np.ndarray:
    return np.stack([np.asarray(Image.fromarray(f).resize((size, size), Image.BICUBIC)) for f in smooth_faces(2)])


@pytest.mark.parametrize("target", [12, 16])
@pytest.mark.parametrize("size", [8, 16, 21, 64])
def test_the_reduction_is_pillows(size, target):
    torch.testing.assert_close(_bicubic(size, target), torch.from_numpy(pillow_bicubic(size, target)))


@pytest.mark.parametrize("size", [8, 13, 20, 32, 47])
def test_backends_agree(files, size):
    weights, out = files
    ours, exported = faceprior.load(weights, threads=1), faceprior.load(out, threads=1)
    assert ours.any_size and exported.any_size and exported.backend.aligned
    assert exported.size == ours.size == (32 if "32" in out.stem else 16)
    lr, told = faces(size), np.array([[0.4, 0.0], [0.0, 0.2]], np.float32)
    a, b = (model(lr, condition=told) for model in (ours, exported))
    assert np.abs(a.images.astype(int) - b.images).max() <= 2
    np.testing.assert_allclose(a.transforms, b.transforms, atol=2e-3)
    np.testing.assert_allclose(exported.locate(lr), b.transforms, atol=1e-6)
    again = exported(lr, condition=told, transforms=b.transforms)
    np.testing.assert_array_equal(again.images, b.images)


def test_at_its_own_size_it_is_the_packaged_model(files):
    """But for weights of 16 and 8 bits."""
    _, out = files
    packaged, exported = faceprior.load(out.stem, threads=1), faceprior.load(out, threads=1)
    assert packaged.any_size
    lr = faces(packaged.size)
    assert np.abs(packaged(lr).images.astype(int) - exported(lr).images).mean() < 1


def test_openvino_takes_it_too(files):
    pytest.importorskip("openvino")
    _, out = files
    onnx, other = faceprior.load(out, threads=1), faceprior.load(out, backend="openvino", threads=1)
    assert other.any_size
    for size in (12, 24):
        lr = faces(size)
        assert np.abs(onnx(lr).images.astype(int) - other(lr).images).max() <= 2


def test_what_is_no_such_face_is_refused(files):
    model = faceprior.load(files[1], threads=1)
    for shape in [(1, 7, 7, 3), (1, 65, 65, 3), (1, 20, 21, 3), (1, 20, 20, 4)]:
        with pytest.raises(FacepriorError, match="or other squares of 8 to 64 px"):
            model(np.zeros(shape, np.uint8))
    fixed = faceprior.load(small_onnx(), threads=1)
    assert not fixed.any_size
    with pytest.raises(FacepriorError, match=r"expected uint8 \(N, 16, 16, 3\), got"):
        fixed(faces(20))


def test_other_networks_take_one_size(tmp_path):
    done = CliRunner().invoke(
        app, ["export", str(WEIGHTS / "aligner.safetensors"), "--any-size", "-o", str(tmp_path / "x.onnx")]
    )
    assert done.exit_code != 0 and "--any-size" in str(done.exception)
    assert not faceprior.load(small_onnx()).any_size


@pytest.mark.parametrize("shape", [[], ["S"], ["S", "T", 3], ["S", "S", 4], [20, 20, 3]])
def test_an_input_of_another_shape_is_refused_in_one_line(shape):
    with pytest.raises(FacepriorError, match=r"model\.onnx: expected lr uint8 \(N, 16, 16, 3\)") as caught:
        check_signature([("lr", "uint8", shape), *OUTPUTS], "model.onnx", sharp=False)
    assert "\n" not in str(caught.value)
    assert check_signature([("lr", "uint8", ["S", "S", 3]), *OUTPUTS], "model.onnx", sharp=False) is None
