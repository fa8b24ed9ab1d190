"""`faceprior export --int8`: the same contract, near the same picture, the same bytes every time."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
for needed in ("torch", "pyarrow", "onnxscript"):
    pytest.importorskip(needed)

from random_models import random_unet, small_onnx, small_safetensors, smooth_faces  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

import faceprior  # noqa: E402
from faceprior.cli.app import app  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.networks.export import export_onnx  # noqa: E402
from faceprior.networks.quantise import export_int8  # noqa: E402
from faceprior.networks.unet import UNet  # noqa: E402
from faceprior.runtime import cpu  # noqa: E402
from faceprior.runtime.backends import onnx as onnx_backend  # noqa: E402

OPTIONS = {"sharp": True, "localisation": "lr", "tail": "shuffle", "heb": 32, "base": True}


@pytest.fixture(scope="module")
def int8(tmp_path_factory, tiny_shards):
    out = tmp_path_factory.mktemp("int8") / "model.onnx"
    command = ["export", str(small_safetensors(**OPTIONS)), "--int8", "-d", str(tiny_shards), "-o", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    return out


@pytest.mark.parametrize("sharp", [False, True])
def test_near_the_exact_model(int8, sharp):
    lr = smooth_faces(6, seed=3)
    files = small_onnx(fp16=False, **OPTIONS), int8
    exact, near = (faceprior.load(path, threads=1, sharp=sharp)(lr) for path in files)
    apart = np.abs(exact.images.astype(int) - near.images.astype(int))
    assert 0 < apart.mean() < 10
    np.testing.assert_allclose(exact.transforms, near.transforms, atol=1e-3)  # in floats, fp16 on disk


def test_convolutions_are_integers_and_the_file_says_what_it_is(int8):
    model = onnx.load(int8)
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    dequantised = {n.output[0] for n in model.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in kinds}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    quantised = [node for node in convolutions if node.input[1] in dequantised]
    assert 0 < len(quantised) < len(convolutions)  # the ends are not
    assert int8.stat().st_size < small_onnx(fp16=False, **OPTIONS).stat().st_size
    assert faceprior.load(int8).backend.header["provenance"]["int8_faces"] == 256


def test_the_same_bytes_over_batches_and_threads(int8):
    lr = smooth_faces(5, seed=4)
    whole = faceprior.load(int8, threads=1)(lr).images.astype(int)
    for threads in (1, 2):
        again = faceprior.load(int8, threads=threads)
        np.testing.assert_array_equal(again(lr).images, again(lr).images)
        single = np.concatenate([again(face[None]).images for face in lr]).astype(int)
        assert np.abs(single - whole).max() <= 1


def test_a_flipped_bit_is_found(int8, tmp_path):
    data = bytearray(int8.read_bytes())
    data[len(data) // 2] ^= 4
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(data)
    with pytest.raises(FacepriorError):
        faceprior.load(broken)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--int8"], "--int8 and --data go together"),
        (["--data", "shards"], "--int8 and --data go together"),
        (["--int8", "--data", "shards", "--package", "x", "--safetensors"], "writes an .onnx file"),
        (["--int8", "--data", "shards", "-o", "x.safetensors"], "writes an .onnx file"),
        (["--int8", "--data", "shards", "--fp32"], "writes an .onnx file"),
    ],
)
def test_what_does_not_go_together_is_refused(flags, said):
    done = CliRunner().invoke(app, ["export", str(small_safetensors()), *flags])
    assert said in str(done.exception)


def test_a_u_net_keeps_in_floats_all_but_what_bears_int8(tmp_path, tiny_shards):
    network = random_unet(channels=(32, 32), blocks=(1, 1), tail=(8, 4))
    lr = smooth_faces(6, seed=3)
    path, exact = tmp_path / "int8.onnx", tmp_path / "exact.onnx"
    header = {"format": 1, "model": "unet", "config": network.config.to_dict(), "version": "0"}
    export_onnx(network, exact, header)
    export_int8(network, path, header, lr)
    model = onnx.load(path)
    kinds = {tensor.name for tensor in model.graph.initializer}
    weights = {n.output[0]: n.input[0] for n in model.graph.node if n.op_type == "DequantizeLinear"}
    quantised = {
        weights[node.input[1]]
        for node in model.graph.node
        if node.op_type == "Conv" and weights.get(node.input[1]) in kinds
    }
    assert any(".ins.0." in name for name in quantised)
    for name in quantised:
        assert any(part in f".{name}" for part in UNet.int8), name
    near, far = (faceprior.load(p, threads=1)(lr) for p in (path, exact))
    np.testing.assert_allclose(near.transforms, far.transforms, atol=2e-3)
    assert np.abs(near.images.astype(int) - far.images.astype(int)).mean() < 3


def test_without_fast_int8_products_the_same_file_is_computed_in_floats(int8, monkeypatch):
    lr = smooth_faces(4, seed=5)
    monkeypatch.setattr(onnx_backend, "fast_int8", lambda: False)
    floats = faceprior.load(int8, threads=1)
    option = "session.disable_quant_qdq"
    assert floats.backend.session.get_session_options().get_session_config_entry(option) == "1"
    monkeypatch.setattr(onnx_backend, "fast_int8", lambda: True)
    fast = faceprior.load(int8, threads=1)
    with pytest.raises(RuntimeError, match=r"not exist|not found|does not"):
        fast.backend.session.get_session_options().get_session_config_entry(option)
    apart = np.abs(floats(lr).images.astype(int) - fast(lr).images.astype(int))
    assert apart.mean() < 2  # the same roundings of the same values, but for products that fall between


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_vnni amx_tile\n", True),
        ("flags\t\t: fpu avx2 avx_vnni\n", True),
        ("Features\t: fp asimd asimddp sve\n", True),
        ("flags\t\t: fpu sse4_2 avx2 avx512f\n", False),
        ("model name\t: avx512_vnni in a name\n", False),
    ],
)
def test_what_the_cpu_says(text, fast, tmp_path, monkeypatch):
    (tmp_path / "cpuinfo").write_text(text)
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(cpu.platform, "system", lambda: "Linux")
    assert cpu.fast_int8.__wrapped__() is fast
    monkeypatch.setattr(cpu, "_CPUINFO", tmp_path / "none")  # Windows
    assert not cpu.fast_int8.__wrapped__()
    monkeypatch.setattr(cpu.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(cpu.platform, "machine", lambda: "arm64")
    assert cpu.fast_int8.__wrapped__()
