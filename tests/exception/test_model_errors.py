"""Wrong weights files: one line that says what was expected."""

import onnx
import pytest
from onnx import TensorProto, helper
from random_models import small_onnx, small_safetensors

import faceprior
from faceprior import FacepriorError


def refused(path, **options) -> str:
    with pytest.raises(FacepriorError) as error:
        faceprior.load(path, **options)
    message = str(error.value)
    assert "\n" not in message
    return message


def test_missing_file():
    assert "no such weights file" in refused("nowhere.onnx")


def test_truncated_onnx(tmp_path):
    path = tmp_path / "cut.onnx"
    path.write_bytes(small_onnx().read_bytes()[:5000])
    assert "cut.onnx: not a model that ONNX Runtime loads" in refused(path)


@pytest.mark.parametrize("content", [b"", b"hello"])
def test_no_onnx_at_all(tmp_path, content):
    path = tmp_path / "text.onnx"
    path.write_bytes(content)
    assert "text.onnx" in refused(path)


def test_another_networks_onnx(tmp_path):
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["N", 3, 8, 8]) for n in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "other", [x], [y])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, tmp_path / "other.onnx")
    message = refused(tmp_path / "other.onnx")
    assert "expected lr uint8 (N, 16, 16, 3)" in message
    assert "got x float (N, 3, 8, 8)" in message


def test_onnx_without_metadata(tmp_path):
    model = onnx.load(small_onnx())
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    assert "no faceprior metadata" in refused(tmp_path / "bare.onnx")


def test_onnx_of_another_format(tmp_path):
    model = onnx.load(small_onnx())
    helper.set_model_props(model, {"faceprior": '{"format": 99}'})
    onnx.save(model, tmp_path / "later.onnx")
    assert "expected metadata of format 1" in refused(tmp_path / "later.onnx")


def test_truncated_safetensors(tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(small_safetensors().read_bytes()[:5000])
    assert "cut.safetensors" in refused(path)


def test_run_folder_without_weights(tmp_path):
    assert "no .safetensors file" in refused(tmp_path)


def test_backend_and_file_must_fit():
    assert "takes .onnx files; make one with `faceprior export`" in refused(small_safetensors(), backend="onnx")
    assert "takes .safetensors files" in refused(small_onnx(), backend="torch")
    assert "expected auto, onnx, openvino or torch" in refused(small_onnx(), backend="tensorflow")


def test_devices():
    assert "expected auto, cpu" in refused(small_onnx(), device="tpu")
    assert "runs on" in refused(small_onnx(), device="dml")
    assert "expected 1 to 1024" in refused(small_onnx(), threads=0)
