"""`faceprior evaluate` on a drawn shard folder: the floors, outside models, breakdowns, files written."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
for needed in ("torchmetrics", "pyarrow", "onnx", "safetensors"):
    pytest.importorskip(needed)

import onnx  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402
from random_models import small_safetensors  # noqa: E402
from torch import nn  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from faceprior.dataset.context import encode  # noqa: E402
from faceprior.dataset.pairs import PairMaker  # noqa: E402
from faceprior.dataset.protocol import ALIGNED_Y, PAPER  # noqa: E402
from faceprior.dataset.shards import FORMAT, ShardWriter  # noqa: E402
from faceprior.dataset.store import FaceStore  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.evaluation.evaluate import EvaluateOptions, evaluate  # noqa: E402
from faceprior.evaluation.floors import BicubicTrue, enlarge  # noqa: E402
from faceprior.evaluation.groups import breakdown  # noqa: E402
from faceprior.evaluation.metrics import to_levels  # noqa: E402
from faceprior.evaluation.models import register, resolve  # noqa: E402
from faceprior.evaluation.restorer import Restored  # noqa: E402
from faceprior.evaluation.scores import as_images, score_split  # noqa: E402
from faceprior.face.similarity import similarity_parameters  # noqa: E402
from faceprior.networks.config import MTUNConfig  # noqa: E402
from faceprior.networks.mtun import MTUN  # noqa: E402
from faceprior.networks.weights import load_model, save_model  # noqa: E402

NAMES = ("25_0_1_2017.jpg", "3_1_2_2017.jpg", "71_1_0_2017.jpg", "41_0_4_2017.jpg", "00012A08.jpg", "someone_03.jpg")
YAWS = (0.0, -14.9, 15.0, 40.0, -40.1, 80.0)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """Six smooth drawn faces; the first one's photo ends within the HR frame."""
    folder = tmp_path_factory.mktemp("shards")
    rng = np.random.default_rng(0)
    writer = ShardWriter(folder, "test")
    mean = np.stack([np.linspace(60, 160, 68), 112 + 40 * np.sin(np.arange(68))], 1)
    mean[36:42], mean[42:48], mean[30], mean[48], mean[54] = (92, 95), (132, 95), (112, 120), (97, 140), (127, 140)
    for i, (name, yaw) in enumerate(zip(NAMES, YAWS, strict=True)):
        picture = Image.fromarray(rng.integers(0, 256, (14, 14, 3), np.uint8)).resize((224, 224), Image.BICUBIC)
        left = 80 if i == 0 else -100
        writer.add(
            {
                "image": encode(picture),
                "landmarks": (mean + rng.normal(0, 1, (68, 2))).astype(np.float32).ravel(),
                "visible": (np.arange(68) > (16 if i == 5 else -1)).tolist(),
                "source": "utk" if i < 4 else "other",
                "person": str(i // 2),
                "name": name,
                "yaw": yaw,
                "side": 120.0,
                "corners": np.array([left, -100, 400, -100, 400, 400, left, 400], np.float32),
            }
        )
    writer.flush()
    (folder / "manifest.json").write_text(json.dumps({"format": FORMAT, "shards": writer.files}))
    return folder


@pytest.fixture(scope="module")
def upscaling_graph(tmp_path_factory):
    """A real outside model: x8 by ONNX's cubic Resize, float NCHW in [0, 1], any batch."""

    def build(name, *, batch="n", low=0.0, high=1.0):
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3, 16, 16])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 3, 128, 128])
        scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 8, 8])
        resize = helper.make_node("Resize", ["x", "", "scales"], ["big"], mode="cubic", cubic_coeff_a=-0.5)
        limits = [helper.make_tensor(n, TensorProto.FLOAT, [], [v]) for n, v in (("low", low), ("high", high))]
        clip = helper.make_node("Clip", ["big", "low", "high"], ["y"])
        graph = helper.make_graph([resize, clip], "bicubic", [x], [y], [scales, *limits])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        path = tmp_path_factory.mktemp("outside") / name
        onnx.save(model, path)
        return path

    return build


def test_floors_in_both_protocols(shards):
    paper = evaluate([], shards)
    assert [m.name for m in paper.models] == ["bicubic", "bicubic-true"]
    plain, true = (m.overall for m in paper.models)
    assert true["psnr"].mean > plain["psnr"].mean + 1
    assert true["consistency"].mean > plain["consistency"].mean + 5
    assert "stn_degrees" not in plain and paper.partly_outside == 1
    aligned = evaluate([], shards, EvaluateOptions(protocol="aligned-y"))
    assert aligned.model("bicubic").overall == aligned.model("bicubic-true").overall


def test_what_prepare_writes(tiny_shards):
    report = evaluate([], tiny_shards, EvaluateOptions(limit=5))
    assert report.faces == 5 and sum(report.sources.values()) == 5
    assert report.model("bicubic-true").overall["psnr"].mean > report.model("bicubic").overall["psnr"].mean


def test_aligned_lr_is_pillow_s_reduction_of_the_hr(shards):
    store = FaceStore.load(shards, "test")
    pairs = PairMaker(store, ALIGNED_Y).test(torch.arange(6))
    lr, hr = as_images(to_levels(pairs.lr)), as_images(to_levels(pairs.hr))
    pillow = np.stack([np.asarray(Image.fromarray(x).resize((16, 16), Image.BICUBIC)) for x in hr])
    difference = np.abs(lr.astype(int) - pillow)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_bicubic_true_undoes_the_known_transform(shards):
    store = FaceStore.load(shards, "test")
    pairs = PairMaker(store, PAPER).test(torch.arange(6))
    lr, hr = as_images(to_levels(pairs.lr)), as_images(to_levels(pairs.hr))
    middle = np.s_[:, 40:88, 40:88]
    error = np.abs(BicubicTrue()(lr, pairs).images[middle].astype(float) - hr[middle]).mean()
    assert error < np.abs(enlarge(lr)[middle].astype(float) - hr[middle]).mean() / 2


@pytest.mark.parametrize(("batch", "query", "low"), [("n", "", 0.0), (4, "", 0.0), ("n", "?range=-1,1", -1.0)])
def test_outside_onnx_file_is_bicubic(shards, upscaling_graph, batch, query, low):
    path = upscaling_graph("cubic.onnx", batch=batch, low=low)
    report = evaluate([f"onnx:{path}{query}"], shards)
    model, floor = report.model(f"onnx:{path}{query}"), report.model("bicubic")
    assert len(model.sha256) == 64
    assert model.overall["psnr"].mean == pytest.approx(floor.overall["psnr"].mean, abs=0.05)
    assert model.overall["ssim"].mean == pytest.approx(floor.overall["ssim"].mean, abs=0.005)


def test_outside_onnx_file_of_our_own_layout(shards, tmp_path):
    """uint8 NHWC in and out of another size, with our names for the transforms: found without options."""
    x = helper.make_tensor_value_info("lr", TensorProto.UINT8, ["n", 16, 16, 3])
    y = helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 32, 32, 3])
    t = helper.make_tensor_value_info("transforms", TensorProto.FLOAT, ["n", 2, 3])
    identity = helper.make_tensor("identity", TensorProto.FLOAT, [1, 2, 3], [1, 0, 0, 0, 1, 0])
    nodes = [
        helper.make_node("Resize", ["lr", "", "scales"], ["images"], mode="nearest"),
        helper.make_node("Shape", ["lr"], ["n"], start=0, end=1),
        helper.make_node("Concat", ["n", "tail"], ["shape"], axis=0),
        helper.make_node("Expand", ["identity", "shape"], ["transforms"]),
    ]
    constants = [
        helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 2, 2, 1]),
        helper.make_tensor("tail", TensorProto.INT64, [2], [1, 1]),
        identity,
    ]
    graph = helper.make_graph(nodes, "nearest", [x], [y, t], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "n.onnx")
    report = evaluate([f"onnx:{tmp_path / 'n.onnx'}"], shards)
    figures = report.model(f"onnx:{tmp_path / 'n.onnx'}").overall
    store = FaceStore.load(shards, "test")
    angles = PairMaker(store).test(torch.arange(6)).transform[:, 0].numpy()
    expected = np.degrees(np.abs(np.arctan2(angles[:, 1], angles[:, 0]))).mean()
    assert figures["stn_degrees"].mean == pytest.approx(expected, rel=1e-4)
    assert figures["psnr"].mean == pytest.approx(report.model("bicubic").overall["psnr"].mean, abs=1)


def test_our_own_weights_file_and_run_folder(shards, tmp_path):
    """An untrained network's STN is the identity, so its error is the protocol's own transform."""
    small = {"stacks": 1, "hourglass_depth": 1, "hourglass_features": 4, "branch_a": (8, 8), "branch_b": 8}
    config = MTUNConfig(encoder=(8,) * 4, decoder=(8,) * 4, upsample=(8, 8), aligned=8, fusion=(8, 8, 8), **small)
    (tmp_path / "run").mkdir()
    save_model(MTUN(config), tmp_path / "run" / "model.safetensors")
    save_model(MTUN(replace(config, heb=0)), tmp_path / "plain.safetensors")
    specs = [str(tmp_path / "run"), str(tmp_path / "plain.safetensors")]
    run, plain = evaluate(specs, shards).models[2:]
    transform = PairMaker(FaceStore.load(shards, "test")).test(torch.arange(6)).transform
    expected = np.abs(similarity_parameters(transform.numpy())[0]).mean()
    assert run.overall["stn_degrees"].mean == pytest.approx(expected, rel=1e-4)
    assert run.overall["centre"].n == 6 and len(run.sha256) == 64
    assert "centre" not in plain.overall and plain.overall["psnr"].n == 6  # no HEB: no heatmaps to judge


def test_a_network_that_is_told_the_transform(shards, tmp_path):
    """Random weights and the LR warped upright under them: told, it warps as `bicubic-true` does but for its tail."""
    file = small_safetensors(localisation="lr", tail="shuffle", heb=32, base=True)
    network = load_model(file)
    tail = [module for module in network.tail.modules() if isinstance(module, nn.Conv2d)][-1]
    for parameter in tail.parameters():
        nn.init.zeros_(parameter)
    save_model(network, tmp_path / "model.safetensors")
    _, floor, plain, told = evaluate([str(tmp_path), f"aligned:{tmp_path}"], shards).models
    assert told.overall["psnr"].mean == pytest.approx(floor.overall["psnr"].mean, abs=1)
    assert told.overall["psnr"].mean > plain.overall["psnr"].mean + 2
    assert "stn_degrees" not in told.overall and told.sha256 == plain.sha256
    with pytest.raises(FacepriorError, match="weights that PyTorch reads"):
        resolve("aligned:default")


def test_python_callable(shards, tmp_path, monkeypatch):
    (tmp_path / "my_faces.py").write_text(
        "import numpy as np\n"
        "from types import SimpleNamespace\n"
        "def grey(lr):\n"
        "    return np.full((len(lr), 128, 128, 3), 128, np.uint8)\n"
        "def with_maps(lr):\n"
        "    maps = np.zeros((len(lr), 4, 64, 64), np.float32)\n"
        "    return SimpleNamespace(images=grey(lr), heatmaps=maps)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    report = evaluate(["python:my_faces:grey", "python:my_faces:with_maps"], shards, EvaluateOptions(batch=4))
    hr = as_images(to_levels(PairMaker(FaceStore.load(shards, "test")).test(torch.arange(6)).hr)).astype(float)
    expected = (10 * np.log10(255**2 / ((hr - 128) ** 2).mean((1, 2, 3)))).mean()
    assert report.models[2].overall["psnr"].mean == pytest.approx(expected, abs=1e-3)
    maps = report.models[3].overall
    assert maps["visibility"].mean == pytest.approx(1 / 24)  # only the sixth face's chin is hidden
    assert maps["hidden_found"].n == 1 and maps["centre_chin"].n == 5


def test_perfect_model_reaches_the_ceiling(shards):
    class Perfect:
        name, sha256 = "perfect", None

        def __call__(self, lr, pairs):
            return Restored(as_images(to_levels(pairs.hr)), pairs.heatmaps.numpy(), pairs.transform.numpy())

    store = FaceStore.load(shards, "test")
    columns = score_split(store, PAPER, [Perfect()], batch=4).scores[0].columns
    assert (columns["psnr"] == 100).all() and columns["ssim"] == pytest.approx(1, abs=1e-4)
    assert columns["stn_pixels"] == pytest.approx(0, abs=1e-4) and columns["stn_degrees"] == pytest.approx(0, abs=1e-4)
    assert np.nanmax(columns["centre"]) == pytest.approx(0, abs=1e-4)
    assert columns["visibility"].min() == 1 and columns["consistency"].min() > 25


def test_breakdowns(shards):
    store = FaceStore.load(shards, "test")
    pose = {name: mask.nonzero()[0].tolist() for name, mask in breakdown(store, "pose").items()}
    assert pose == {"|yaw| < 15": [0, 1], "|yaw| 15-30": [2], "|yaw| 30-60": [3, 4], "|yaw| > 60": [5]}
    group = {name: mask.nonzero()[0].tolist() for name, mask in breakdown(store, "group").items()}
    assert group == {"White": [2], "Black": [0], "Asian": [1], "Other": [3]}
    age = {name: mask.nonzero()[0].tolist() for name, mask in breakdown(store, "age").items()}
    assert age == {"age 0-9": [1, 4], "age 20-39": [0], "age 40-59": [3], "age 60+": [2]}


def test_registered_model(shards):
    class Named:
        name, sha256 = "test-nearest", None

        def __call__(self, lr, pairs):
            return Restored(lr.repeat(8, 1).repeat(8, 2))

    register("test-nearest", lambda device: Named())
    assert evaluate(["test-nearest"], shards).models[2].name == "test-nearest"
    with pytest.raises(ValueError, match="taken"):
        register("test-nearest", lambda device: Named())
    assert resolve("bicubic").name == "bicubic"


def test_identity_network(shards, tmp_path):
    """An embedding that is the face itself, pooled to 4x4: the better floor is more like the HR."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 112, 112])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 48])
    pool = helper.make_node("AveragePool", ["x"], ["small"], kernel_shape=[28, 28], strides=[28, 28])
    graph = helper.make_graph([pool, helper.make_node("Flatten", ["small"], ["y"])], "pool", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), tmp_path / "id.onnx")
    report = evaluate([], shards, EvaluateOptions(identity=f"{tmp_path / 'id.onnx'}?norm=half"))
    plain, true = report.models
    assert 0 < plain.overall["identity"].mean < true.overall["identity"].mean <= 1
    assert plain.identity_auc < true.identity_auc == 1
    assert report.identity["network"] == "id.onnx"


def test_command_writes_json_markdown_and_pictures(shards, tmp_path):
    from typer import Typer

    from faceprior.cli.evaluate import evaluate as command

    app = Typer()
    app.command()(command)
    out = tmp_path / "out"
    flags = ["--by", "source,pose,age,group", "--json", str(tmp_path / "r.json"), "--markdown", str(tmp_path / "r.md")]
    result = CliRunner().invoke(app, ["--data", str(shards), *flags, "--pictures", str(out), "--rows", "3", "-q"])
    assert result.exit_code == 0, result.output
    assert "bicubic-true" in result.output and "1 of 6 faces" in result.output
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["faces"] == 6 and report["protocol"] == "paper" and report["data"]["manifest_sha256"]
    assert report["models"][1]["by"]["group"]["Asian"]["psnr"]["n"] == 1
    assert {"torch", "faceprior"} <= set(report["versions"]) and report["hardware"]["cpus"]
    text = (tmp_path / "r.md").read_text()
    assert "| bicubic-true |" in text and "|yaw|" not in text  # a bar would split the cell
    pictures = {f"{model}-{what}.png" for model in ("bicubic", "bicubic-true") for what in ("chosen", "worst")}
    assert {p.name for p in out.iterdir()} == pictures
    assert Image.open(out / "bicubic-worst.png").size == (4 * 128, 3 * 128 + 14)
    assert not [p for p in tmp_path.rglob("*") if p.name.endswith(".part")]


def test_one_source_alone(shards):
    whole = evaluate([], shards, EvaluateOptions())
    other = evaluate([], shards, EvaluateOptions(sources=("other",)))
    assert other.faces == 2 < whole.faces and other.sources == {"other": 2}
    mean = lambda report: report.model("bicubic").overall["psnr"].mean  # noqa: E731
    assert mean(whole) != mean(other)
    with pytest.raises(FacepriorError, match=r"--source nowhere: .* has no such faces"):
        evaluate([], shards, EvaluateOptions(sources=("other", "nowhere")))
