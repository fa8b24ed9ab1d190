"""The canvas as PyTorch has it, as ONNX has it, and its training: the same sums everywhere."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from command import faceprior  # noqa: E402, F401
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from faceprior.cli.package import package_canvas  # noqa: E402
from faceprior.dataset.rough import Chances, condition, jpeg, roughen  # noqa: E402
from faceprior.dataset.split import split_of  # noqa: E402
from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.networks.canvas import Canvas, CanvasConfig  # noqa: E402
from faceprior.networks.canvas_export import export_canvas  # noqa: E402
from faceprior.networks.weights import load_model, read_header, save_model  # noqa: E402
from faceprior.runtime.canvas import load_canvas  # noqa: E402
from faceprior.runtime.fixed import fix_input  # noqa: E402
from faceprior.seal import unsealed  # noqa: E402
from faceprior.training.canvas.config import CanvasTraining  # noqa: E402
from faceprior.training.canvas.loop import CanvasTrainer  # noqa: E402
from faceprior.training.canvas.pictures import FaceSplit  # noqa: E402


@pytest.fixture(scope="module")
def network() -> Canvas:
    """Random weights and random changes by the conditions."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Canvas(CanvasConfig(channels=16)).eval()
        torch.nn.init.normal_(made.told.out.weight, std=0.3)
    return made


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (19, 23, 3), np.uint8)


def levels(network: Canvas, image: np.ndarray, told: tuple[float, float] | None) -> np.ndarray:
    x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        y = network(x, None if told is None else torch.tensor([told])).picture
    return y.add(1).mul(127.5).round().clamp(0, 255)[0].permute(1, 2, 0).byte().numpy()


def difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b).max())


def test_told_nothing_it_is_the_plain_network_and_told_something_another(network, image):
    plain = levels(network, image, None)
    np.testing.assert_array_equal(plain, levels(network, image, (0.0, 0.0)))
    assert difference(plain, levels(network, image, (0.5, 0.2))) > 2


def test_one_network_for_images_of_many_conditions(network, image):
    x = torch.from_numpy(np.stack([image, image])).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        both = network(x, torch.tensor([[0.3, 0.0], [0.0, 0.7]]))
        for i, told in enumerate([[0.3, 0.0], [0.0, 0.7]]):
            one = network(x[:1], torch.tensor([told]))
            torch.testing.assert_close(both.picture[i], one.picture[0], rtol=1e-4, atol=1e-4)
            torch.testing.assert_close(both.features[i], one.features[0], rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("told", [(0.0, 0.0), (0.5, 0.2)])
def test_folded_exported_and_fixed_it_gives_the_same(network, image, told, tmp_path):
    wanted = levels(network, image, told)
    assert difference(levels(network.folded(told), image, None), wanted) <= 1
    path = tmp_path / "c.onnx"
    export_canvas(network, path, {"format": 1, "version": "x"}, fp16=False)
    backends = [load_canvas(path, threads=1)]
    if pytest.importorskip("onnxruntime"):
        import onnxruntime as ort

        session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
        given = {"image": np.stack([image, image]), "condition": np.array([told], np.float32)}
        assert difference(session.run(None, given)[0][1], wanted) <= 1
    try:
        import openvino  # noqa: F401

        backends.append(load_canvas(path, backend="openvino", threads=1))
    except ModuleNotFoundError:
        pass
    save_model(network, tmp_path / "c.safetensors")
    backends.append(load_canvas(tmp_path / "c.safetensors"))
    for backend in backends:
        assert difference(backend.told(told)(image), wanted) <= 1, backend.info


def test_fixing_an_input_touches_nothing_else(network, tmp_path):
    import onnx

    export_canvas(network, tmp_path / "c.onnx", {"format": 1})
    data = unsealed((tmp_path / "c.onnx").read_bytes())
    fixed = onnx.load_from_string(fix_input(data, "condition", np.array([[0.25, 0.5]], np.float32)))
    onnx.checker.check_model(fixed, full_check=True)
    whole = onnx.load_from_string(data)
    assert [i.name for i in fixed.graph.input] == ["image"]
    assert list(fixed.graph.node) == list(whole.graph.node)
    assert list(fixed.graph.initializer)[1:] == list(whole.graph.initializer)
    np.testing.assert_array_equal(onnx.numpy_helper.to_array(fixed.graph.initializer[0]), [[0.25, 0.5]])
    with pytest.raises(ValueError, match="no input"):
        fix_input(data, "nothing", np.zeros((1, 2), np.float32))
    with pytest.raises(ValueError):
        fix_input(data[:1000], "condition", np.zeros((1, 2), np.float32))


def test_spans_weights_are_taken_or_refused(tmp_path):
    start = Canvas()
    state = {k: v.half() for k, v in start.state_dict().items() if not k.startswith("told.")}
    save_file(state, tmp_path / "span.safetensors")
    taken = Canvas()
    taken.take_span(tmp_path / "span.safetensors")
    torch.testing.assert_close(taken.conv_1.weight, start.conv_1.weight, rtol=1e-2, atol=1e-3)
    state.pop("mean")
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(FacepriorError, match="not the weights of SPAN"):
        taken.take_span(tmp_path / "less.safetensors")


def test_rough_photos_are_told_what_they_went_through():
    rng = np.random.default_rng(0)
    image = np.asarray(
        Image.fromarray(rng.integers(0, 256, (6, 5, 3), np.uint8)).resize((50, 60), Image.Resampling.BICUBIC)
    )
    only_jpeg = Chances(blur=0, resample=0, noise=0, sharpen=0, grey=0, jpeg=1, jpeg_twice=0, quality=(70, 70))
    out, told = roughen(image, np.random.default_rng(1), only_jpeg)
    assert out.shape == image.shape
    assert told == condition(70)
    assert 0 < np.abs(out.astype(int) - image).mean() < 10
    only_noise = Chances(blur=0, resample=0, noise=1, noise_sigma=(10, 10), sharpen=0, grey=0, jpeg=0)
    out, (q, n) = roughen(image, np.random.default_rng(1), only_noise)
    assert q == 0
    luma = (out.astype(float) - image) @ np.array([0.299, 0.587, 0.114])
    assert n * 25 == pytest.approx(luma.std(), rel=0.01)
    again = roughen(image, np.random.default_rng(5))
    np.testing.assert_array_equal(again[0], roughen(image, np.random.default_rng(5))[0])
    nothing = Chances(blur=0, resample=0, noise=0, sharpen=0, grey=0, jpeg=0)
    out, told = roughen(image, rng, nothing)
    np.testing.assert_array_equal(out, image)
    assert told == (0.0, 0.0)
    # A grid of blocks that begins elsewhere gives another picture of the same size, also of a face of 16 pixels.
    face = image[:16, :16]
    assert jpeg(face, 50, shift=(3, 5)).shape == face.shape
    assert difference(jpeg(face, 50, shift=(3, 5)), jpeg(face, 50)) > 0


def test_training_resumes_exports_and_packages(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        small = Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8))
        small.resize((240, 200), Image.Resampling.BICUBIC).save(photos / f"{i}.png")
    faces = tmp_path / "faces" / "source"
    faces.mkdir(parents=True)
    names = [f"{i}.png" for i in range(12)]
    for name in names:
        small = Image.fromarray(rng.integers(0, 256, (9, 9, 3), np.uint8))
        small.resize((90, 90), Image.Resampling.BICUBIC).save(faces / name)
    points = ",".join(str(20 + i % 50) for i in range(136))
    columns = ",".join(f"{axis}{i}" for i in range(68) for axis in "xy")
    trained = next(name for name in names if split_of("source", name) == "train")
    rows = [f"{name},{name},{points}" for name in names]
    rows += [f"{name},{trained},{points}" for name in ("bad.png", "small.png")]
    (faces / "landmarks68.csv").write_text("\n".join([f"image,person,{columns}", *rows, "short"]) + "\n")
    for folder in (photos, faces):  # what cannot be used costs the rest nothing
        (folder / "bad.png").write_bytes(b"no image")
        Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(folder / "small.png")
    config = CanvasTraining(photo_batch=2, face_batch=2, photo_patch=12, face_patch=10, log_every=1)

    def trainer(seconds: float, **changed) -> CanvasTrainer:
        given = CanvasTraining(**{**config.as_dict(), "max_time": seconds, **changed})
        return CanvasTrainer(given, photos, tmp_path / "run", faces=tmp_path / "faces")

    first = trainer(1.0)
    began = [other.network.conv_1.weight for other in (trainer(1.0), trainer(1.0, seed=1))]
    assert torch.equal(first.network.conv_1.weight, began[0]) and not torch.equal(*began)
    assert first.fit() == "done"
    assert first.step > 0 and len(first.pictures.photos) == 2
    said = capsys.readouterr().out
    for what, least in (("photo", 80), ("face crop", 40)):
        assert f"1 {what}s left out: {(photos if what == 'photo' else faces) / 'bad.png'}: not a readable image" in said
        assert f"1 {what}s left out: smaller than {least} px" in said
    second = trainer(2.0)
    assert second.fit() == "done"
    assert second.step > first.step
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"train", "val"} <= {line["kind"] for line in lines}
    assert "photos/75" in next(line for line in lines if line["kind"] == "val")
    with pytest.raises(FacepriorError, match="another configuration"):
        trainer(3.0, photo_patch=16).fit()
    third = trainer(2.6, log_every=second.step + 1)  # the first line is of one step, not of as many as it says
    assert third.fit() == "done" and third.step > second.step and third.usual is not None
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    losses = {line["step"]: line["loss"] for line in lines if line["kind"] == "train"}
    assert losses[second.step + 1] > 0.4 * np.median([losses[step] for step in losses if step <= second.step])

    weights = tmp_path / "run" / "canvas.safetensors"
    more = CanvasTraining(**{**config.as_dict(), "max_time": 1.0, "optimiser": "muon", "rate": 1e-5})
    given = {"faces": tmp_path / "faces", "initial": weights.parent}  # a run's folder, or its file
    with pytest.raises(FacepriorError, match="one of them"):
        CanvasTrainer(more, photos, tmp_path / "on", **given, span=weights)
    for split, why in ((FaceSplit(("source",)), "no folder in it"), (FaceSplit(("other",)), "other: not among")):
        with pytest.raises(FacepriorError, match=why):
            CanvasTrainer(more, photos, tmp_path / "on", **given, split=split)
    on = CanvasTrainer(more, photos, tmp_path / "on", **given)
    before = {name: value.clone() for name, value in on.network.state_dict().items()}
    assert all(torch.equal(value, load_model(weights).state_dict()[name]) for name, value in before.items())
    assert on.fit() == "done" and on.step > 0
    assert read_header(tmp_path / "on" / "canvas.safetensors")["provenance"]["start"].endswith(f"{third.step} steps")
    moved = [name for name, value in on.network.named_parameters() if not torch.equal(value, before[name])]
    assert {"conv_1.weight", "block_3.c2.weight", "upsampler.bias"} <= set(moved)
    header = read_header(weights)
    assert header["model"] == "canvas"
    assert header["provenance"]["step"] == third.step
    written = package_canvas(load_model(weights), header, "ours", assets=tmp_path)
    assert [p.name for p in written] == ["canvas.onnx", "models.json"]
    assert written[0].stat().st_size <= 2_100_000
    assert json.loads(written[1].read_text())["canvas"]["description"] == "ours"
    image = rng.integers(0, 256, (8, 9, 3), np.uint8)
    made = load_canvas(written[0], threads=1).told((0.0, 0.0))(image)
    # Weights in half precision, which networks feel that have learned for two seconds.
    apart = np.abs(made.astype(int) - levels(load_model(weights), image, None))
    assert apart.mean() < 0.5 and apart.max() <= 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--rate", "nan"), "--rate: expected a number from 0 to 1, got nan"),
        (("--rate", "-1"), "--rate: expected a number from 0 to 1, got -1.0"),
        (("--clean", "2"), "--clean: expected a number from 0 to 1, got 2.0"),
        (("--face-share", "-0.5"), "--face-share: expected a number from 0 to 1, got -0.5"),
        (("--seed", "-1"), "--seed: expected a whole number from 0"),
        (("--optimiser", "sgd"), "--optimiser: expected one of adamw, muon, got 'sgd'"),
        ((), "no photos to train the canvas on; two are needed, with sides of 160 px or more; 3 photos left out"),
    ],
)
def test_what_a_canvas_cannot_be_trained_with(faceprior, given, said, tmp_path):  # noqa: F811
    for i in range(3):
        Image.new("RGB", (100, 200), (9 * i, 90, 90)).save(tmp_path / f"{i}.png")
    done = faceprior("train-canvas", "--photos", tmp_path, "-o", tmp_path / "run", *given)
    assert done.status == 2 and done.err.count("\n") == 1 and said in done.err, done.err
    assert not (tmp_path / "run").exists()
