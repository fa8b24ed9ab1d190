"""Other backends, precisions and devices: the same faces, and no silent replacement."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import onnxruntime as ort
import pytest
from random_models import small_onnx, small_safetensors, smooth_faces

import faceprior
from faceprior import FacepriorError
from faceprior.errors import FacepriorWarning
from faceprior.runtime.backends import onnx as onnx_backend

OPTIONS = {"stacks": 2, "tail": "paper"}


def grey_levels(a, b) -> np.ndarray:
    return np.abs(a.images.astype(int) - b.images)


@pytest.mark.parametrize("options", [{}, OPTIONS])
def test_openvino_gives_what_onnx_runtime_gives(options):
    pytest.importorskip("openvino")
    lr = smooth_faces(9)
    ours = faceprior.load(small_onnx(**options), threads=1)(lr)
    model = faceprior.load(small_onnx(**options), backend="openvino", threads=1)
    theirs = model(lr)
    assert (model.info.backend, model.info.device) == ("openvino", "cpu")
    assert model.backend.header == faceprior.load(small_onnx(**options)).backend.header
    assert grey_levels(ours, theirs).max() <= 1
    np.testing.assert_allclose(theirs.heatmaps, ours.heatmaps, atol=1e-3)
    np.testing.assert_allclose(theirs.transforms, ours.transforms, atol=1e-4)


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_threads_that_share_a_model_get_their_own_faces(backend):
    if backend == "openvino":
        pytest.importorskip("openvino")
    model = faceprior.load(small_onnx(), backend=backend, threads=1)
    faces = smooth_faces(4)
    wanted = [model(face[None]).images for face in faces]
    assert all((a != b).any() for a, b in pairwise(wanted))

    def work(i: int) -> bool:
        return all((model(faces[i][None]).images == wanted[i]).all() for _ in range(15))

    with ThreadPoolExecutor(len(faces)) as pool:
        assert all(pool.map(work, range(len(faces))))
    located = model.locate(faces)
    with ThreadPoolExecutor(len(faces)) as pool:
        again = pool.map(lambda i: faceprior.load(small_onnx(), backend=backend).locate(faces[i][None]), range(4))
    np.testing.assert_allclose(np.concatenate(list(again)), located, atol=1e-4)


def test_bf16_is_close_and_asked_for():
    lr = smooth_faces(9)
    exact = faceprior.load(small_safetensors())(lr)
    near = faceprior.load(small_safetensors(), precision="bf16")(lr)
    assert 0 < grey_levels(exact, near).mean() < 2
    with pytest.raises(FacepriorError, match="expected f32 or bf16"):
        faceprior.load(small_onnx(), precision="int4")
    with pytest.raises(FacepriorError, match="needs backend 'openvino' or 'torch'"):
        faceprior.load(small_onnx(), precision="bf16")


def test_openvino_bf16():
    openvino = pytest.importorskip("openvino")
    if "BF16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        with pytest.raises(FacepriorError, match="no bf16"):
            faceprior.load(small_onnx(), backend="openvino", precision="bf16")
        return
    lr = smooth_faces(9)
    near = faceprior.load(small_onnx(), backend="openvino", precision="bf16", threads=1)(lr)
    assert 0 < grey_levels(faceprior.load(small_onnx())(lr), near).mean() < 2


def test_openvino_refuses_what_it_cannot_do(tmp_path):
    pytest.importorskip("openvino")
    (tmp_path / "bad.onnx").write_bytes(b"no graph")
    with pytest.raises(FacepriorError, match=r"bad\.onnx: not a model that OpenVINO loads"):
        faceprior.load(tmp_path / "bad.onnx", backend="openvino")
    with pytest.raises(FacepriorError, match="runs on the cpu"):
        faceprior.load(small_onnx(), backend="openvino", device="cuda")
    with pytest.raises(FacepriorError, match=r"takes \.onnx files"):
        faceprior.load(small_safetensors(), backend="openvino")


def test_without_openvino_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "faceprior.runtime.backends.openvino", raising=False)
    with pytest.raises(FacepriorError, match=r"pip install 'faceprior\[openvino\]'"):
        faceprior.load(small_onnx(), backend="openvino")


class Sessions:
    """ONNX Runtime as another machine's: offers `offered`, of which those in `broken` do not start."""

    def __init__(self, monkeypatch, offered, *, broken=(), raising=()):
        self.asked = []
        real = ort.InferenceSession

        def make(model, options, providers):
            self.asked.append(list(providers))
            if any(name in raising for name in providers):
                raise RuntimeError("no driver")
            session = real(model, options, providers=["CPUExecutionProvider"])
            started = [name for name in providers if name not in broken]
            monkeypatch.setattr(session, "get_providers", lambda: started, raising=False)
            return session

        monkeypatch.setattr(onnx_backend.ort, "get_available_providers", lambda: list(offered))
        monkeypatch.setattr(onnx_backend.ort, "InferenceSession", make)


CPU, CUDA, COREML, DML = (f"{name}ExecutionProvider" for name in ("CPU", "CUDA", "CoreML", "Dml"))


@pytest.mark.parametrize(
    ("offered", "device"),
    [
        ([CPU], "cpu"),
        ([CUDA, CPU], "cuda"),
        ([COREML, CPU], "coreml"),
        ([DML, CPU], "dml"),
        (["TensorrtExecutionProvider", DML, CUDA, CPU], "cuda"),
        (["AzureExecutionProvider", CPU], "cpu"),
    ],
)
def test_auto_takes_the_accelerator_that_is_offered(monkeypatch, recwarn, offered, device):
    sessions = Sessions(monkeypatch, offered)
    model = faceprior.load(small_onnx())
    assert model.info.device == device
    assert sessions.asked[0][-1] == CPU  # what the accelerator lacks runs on the CPU
    assert "TensorrtExecutionProvider" not in sessions.asked[0]
    assert not [w for w in recwarn if issubclass(w.category, FacepriorWarning)]


@pytest.mark.parametrize("how", ["broken", "raising"])
def test_auto_falls_back_to_the_cpu_and_says_so(monkeypatch, how):
    Sessions(monkeypatch, [CUDA, CPU], **{how: [CUDA]})
    with pytest.warns(FacepriorWarning, match="offers 'cuda' here but it did not start; using 'cpu'") as said:
        model = faceprior.load(small_onnx())
    assert len([w for w in said if issubclass(w.category, FacepriorWarning)]) == 1
    assert "\n" not in str(said[0].message)
    assert model.info.device == "cpu"
    assert model(smooth_faces(1)).images.shape == (1, 128, 128, 3)


@pytest.mark.parametrize("how", ["broken", "raising"])
def test_a_named_device_is_never_replaced(monkeypatch, how):
    Sessions(monkeypatch, [CUDA, CPU], **{how: [CUDA]})
    with pytest.raises(FacepriorError):
        faceprior.load(small_onnx(), device="cuda")


def test_the_command_says_it_in_one_line(monkeypatch, capsys, tmp_path):
    import warnings

    from faceprior.cli import app

    def warned():
        warnings.warn("device 'auto': using 'cpu'", FacepriorWarning, stacklevel=1)

    monkeypatch.setattr(app, "app", warned)
    with warnings.catch_warnings():
        app.main()
    assert capsys.readouterr().err == "faceprior: device 'auto': using 'cpu'\n"
