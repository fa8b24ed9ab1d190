"""What `faceprior evaluate` refuses, in one line that names the fault."""

import numpy as np
import pytest

pytest.importorskip("torch")
for needed in ("torchmetrics", "pyarrow", "onnx"):
    pytest.importorskip(needed)

import onnx  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.evaluate import EvaluateOptions, evaluate  # noqa: E402
from faceprior.evaluation.identity import IdentityNetwork  # noqa: E402
from faceprior.evaluation.models import resolve  # noqa: E402
from faceprior.evaluation.outside import PythonModel  # noqa: E402
from faceprior.evaluation.restorer import Restored  # noqa: E402
from faceprior.evaluation.scores import _check  # noqa: E402


def save(path, shape, node="Identity", out=None):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, out or shape)
    graph = helper.make_graph([helper.make_node(node, ["x"], ["y"])], "same", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "psnr"}, "--protocol psnr: expected paper, wide, near, upright, aligned-y"),
        ({"limit": 0}, "--limit 0"),
        ({"batch": -1}, "--batch -1"),
        ({"by": "pose,colour"}, "--by colour"),
        ({"device": "tpu"}, "--device tpu: expected auto, cpu, cuda"),
    ],
)
def test_options(options, words):
    with pytest.raises(FacepriorError, match=words):
        EvaluateOptions(**options)


def test_data_that_is_no_prepared_folder(tmp_path):
    with pytest.raises(FacepriorError, match="not a prepared folder"):
        evaluate([], tmp_path)


def test_model_is_looked_at_before_the_data(tmp_path):
    with pytest.raises(FacepriorError, match=r"gone\.onnx: cannot be read"):
        evaluate([f"onnx:{tmp_path / 'gone.onnx'}"], tmp_path / "no data")


def test_a_file_that_is_no_onnx(tmp_path):
    path = tmp_path / "text.onnx"
    path.write_text("not a graph")
    with pytest.raises(FacepriorError, match=r"text\.onnx: ONNX Runtime cannot open it") as caught:
        resolve(f"onnx:{path}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "query", "words"),
    [
        (["n", 3, 16, 16], "?depth=8", "unknown option 'depth'"),
        (["n", 3, 16, 16], "?layout=chw", "layout=chw; expected nchw or nhwc"),
        (["n", 3, 16, 16], "?range=1,0", "two rising numbers"),
        (["n", 3, 16, 16], "?size=wide", "size=wide"),
        (["n", 3, 16, 16], "?size=32", "the graph takes 16"),
        (["n", "c", "h", "w"], "", "say layout=nchw or layout=nhwc"),
        (["n", 768], "", "four axes"),
    ],
)
def test_outside_graphs_that_do_not_fit(tmp_path, shape, query, words):
    path = save(tmp_path / "same.onnx", shape)
    with pytest.raises(FacepriorError, match=words):
        resolve(f"onnx:{path}{query}")


def test_outside_graph_without_an_image(tmp_path):
    model = resolve(f"onnx:{save(tmp_path / 'flat.onnx', ['n', 3, 16, 16], 'Flatten', ['n', 768])}")
    with pytest.raises(FacepriorError, match="no output is an RGB image"):
        model(np.zeros((2, 16, 16, 3), np.uint8), None)


def test_outside_graph_that_does_not_run(tmp_path):
    model = resolve(f"onnx:{save(tmp_path / 'wide.onnx', ['n', 3, 16, 24])}")
    with pytest.raises(FacepriorError, match=r"wide\.onnx: ONNX Runtime cannot run it on float32 \(2, 3, 16, 16\)"):
        model(np.zeros((2, 16, 16, 3), np.uint8), None)


def test_identity_network_of_another_size(tmp_path):
    with pytest.raises(FacepriorError, match="112"):
        IdentityNetwork(str(save(tmp_path / "small.onnx", [1, 3, 64, 64])))
    with pytest.raises(FacepriorError, match="norm=none"):
        IdentityNetwork(f"{tmp_path / 'small.onnx'}?norm=none")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("numpy", "expected python:module:callable"),
        ("no_such_module_here:f", "cannot import"),
        ("numpy:no_such_name", "has no 'no_such_name'"),
        ("numpy:pi", "is not callable"),
    ],
)
def test_python_models_that_are_none(spec, words):
    with pytest.raises(FacepriorError, match=words):
        PythonModel(spec)


def test_python_model_with_another_result():
    with pytest.raises(FacepriorError, match=r"gave uint8 \(2, 16, 16, 3\); expected uint8 \(2, 128, 128, 3\)"):
        PythonModel("numpy:asarray")(np.zeros((2, 16, 16, 3), np.uint8), None)


def test_unknown_packaged_model():
    with pytest.raises(FacepriorError):
        resolve("no-such-model")


def test_values_that_are_no_numbers_are_not_averaged():
    images = np.zeros((1, 128, 128, 3), np.uint8)
    with pytest.raises(FacepriorError, match="model 'x': transforms hold values that are not finite"):
        _check("x", Restored(images, None, np.full((1, 2, 3), np.nan)), 1)
    with pytest.raises(FacepriorError, match="model 'x': heatmaps have shape"):
        _check("x", Restored(images, np.zeros((1, 3, 64, 64)), None), 1)
