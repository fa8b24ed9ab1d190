"""`--sharp`: the second picture of one network, in every backend and command."""

import numpy as np
import pytest
import torch
from PIL import Image
from random_models import SMALL, random_network, small_onnx, small_safetensors, smooth_faces
from typer.testing import CliRunner

import faceprior
from faceprior import FacepriorError
from faceprior.cli.app import app
from faceprior.networks.config import MTUNConfig
from faceprior.networks.mtun import MTUN
from faceprior.networks.sharp import SmoothShuffle

OPTIONS = {"sharp": True, "heb": 32, "hourglass_depth": 3, "tail": "shuffle"}


def difference(a, b) -> np.ndarray:
    return np.abs(a.images.astype(int) - b.images)


def test_backends_give_the_same_two_pictures():
    lr = smooth_faces(9)
    files = {"torch": small_safetensors(**OPTIONS), "onnx": small_onnx(**OPTIONS)}
    plain, sharp = ({name: faceprior.load(file, sharp=s)(lr) for name, file in files.items()} for s in (False, True))
    assert difference(plain["onnx"], sharp["onnx"]).mean() > 3  # two tails of random weights
    for found in (plain, sharp):
        assert (difference(found["torch"], found["onnx"]) <= 1).mean() > 0.999
    np.testing.assert_array_equal(plain["onnx"].transforms, sharp["onnx"].transforms)


def test_openvino_gives_them_too():
    pytest.importorskip("openvino")
    lr = smooth_faces(5)
    for sharp in (False, True):
        ours, theirs = (
            faceprior.load(small_onnx(**OPTIONS), backend=backend, threads=1, sharp=sharp)(lr)
            for backend in ("onnx", "openvino")
        )
        assert difference(ours, theirs).max() <= 1


def test_from_the_plain_picture_back_to_the_sharp_one():
    lr, file = smooth_faces(3), small_onnx(**OPTIONS)
    plain = (loaded := faceprior.load(file, sharp=True)).at(0)
    assert difference(plain(lr), faceprior.load(file)(lr)).max() <= 1
    np.testing.assert_array_equal(plain.at(1)(lr).images, loaded(lr).images)


@pytest.mark.parametrize("file", [small_onnx, small_safetensors])
def test_a_model_without_one_says_so(file):
    with pytest.raises(FacepriorError, match=r"has no sharp variant; leave --sharp"):
        faceprior.load(file(), sharp=True)


def test_its_name_tells():
    """The name is among the settings that --resume compares."""
    file = small_onnx(**OPTIONS)
    assert faceprior.load(file, sharp=True).info.name == f"{file.stem} (sharp)"
    assert faceprior.load(file).info.name == file.stem


def test_by_the_command(tmp_path):
    Image.fromarray(smooth_faces(1)[0]).save(tmp_path / "face.png")
    pictures = []
    for flags in ([], ["--sharp"]):
        out = tmp_path / f"out{len(flags)}"
        call = ["upscale", "--cropped", tmp_path / "face.png", "-o", out, "--model", small_onnx(**OPTIONS), *flags]
        done = CliRunner().invoke(app, list(map(str, call)))
        assert done.exit_code == 0, done.output
        assert ("(sharp)" in done.output) == bool(flags)
        pictures.append(np.asarray(Image.open(out / "face.png")).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() > 3


@pytest.mark.parametrize("file", [small_onnx, small_safetensors])
def test_sharpness_lies_between_the_two_pictures(file):
    lr = smooth_faces(9)
    path = file(**OPTIONS)
    plain, half, sharp = (faceprior.load(path, sharpness=s)(lr).images.astype(int) for s in (0, 0.5, 1))
    assert (np.abs(half - (plain + sharp) / 2) <= 0.5).all()
    np.testing.assert_array_equal(sharp, faceprior.load(path, sharp=True)(lr).images)
    both = faceprior.load(path, sharpness=1)
    for s, expected in ((0.0, plain), (0.5, half)):  # chosen later, without loading anything again
        again = both.at(s)
        assert again.backend is both.backend
        np.testing.assert_array_equal(again(lr).images, expected)
    assert both.at(0.5).info.name == f"{path.stem} (sharpness 0.5)"


def test_each_face_can_have_a_part_of_it():
    lr = smooth_faces(11)  # more than a batch
    path = small_onnx(**OPTIONS)
    plain, sharp = (faceprior.load(path, sharpness=s)(lr).images.astype(int) for s in (0, 1))
    parts = np.linspace(0, 1, 11, dtype=np.float32)
    found = faceprior.load(path, sharpness=1)(lr, restraint=parts).images
    assert (np.abs(found - (plain + parts[:, None, None, None] * (sharp - plain))) <= 0.51).all()


def test_what_cannot_be_is_said():
    path = small_onnx(**OPTIONS)
    for options in ({"sharpness": 1.5}, {"sharpness": -0.1}, {"sharpness": float("nan")}):
        with pytest.raises(FacepriorError, match=r"expected 0 to 1"):
            faceprior.load(path, **options)
    with pytest.raises(FacepriorError, match="choose one"):
        faceprior.load(path, sharp=True, sharpness=0.5)
    with pytest.raises(FacepriorError, match="load the model with sharpness=1"):
        faceprior.load(path).at(0.5)


def test_evaluate_takes_it_as_a_model_of_its_own():
    from faceprior.evaluation.models import resolve

    lr = smooth_faces(3)
    file = small_onnx(**OPTIONS)
    model = resolve(f"sharp:{file}")
    assert model.name == f"sharp:{file}"
    np.testing.assert_array_equal(model(lr, None).images, faceprior.load(file, sharp=True)(lr).images)


def test_it_starts_as_its_base_and_trains_alone():
    options = {**SMALL, **OPTIONS, "localisation": "lr"}
    base = random_network(MTUNConfig(**{**options, "sharp": False}))
    network = MTUN(MTUNConfig(**options))
    network.take_weights(base)
    network.train()
    assert network.training and network.sharp_tail.training
    assert not any(child.training for child in network.children() if child is not network.sharp_tail)
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learned == {name for name, _ in network.named_parameters() if name.startswith("sharp_tail.")}
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    out = network(lr)
    torch.testing.assert_close(out.sharp, out.sr)
    torch.testing.assert_close(out.sr, base(lr).sr)
    assert out.picture is out.sharp


def test_the_unet_has_one_too():
    from faceprior.networks.unet import UNet
    from faceprior.networks.unet_config import UNetConfig

    small = {"channels": (8, 8), "blocks": (1, 1), "tail": (8, 4), "canvas_channels": 8}
    torch.manual_seed(0)
    base = UNet(UNetConfig(**small)).eval()
    torch.nn.init.normal_(base.tail[-1].weight, 0, 0.1)
    network = UNet(UNetConfig(**small, sharp=True))
    network.take_weights(base)
    network.train()
    learned = {name for name, p in network.named_parameters() if p.requires_grad}
    assert learned == {name for name, _ in network.named_parameters() if name.startswith("sharp_tail.")}
    assert not network.canvas.training and not network.localisation.training and not network.tail.training
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    out = network(lr)
    torch.testing.assert_close(out.sr, base(lr).sr)
    assert out.picture is out.sharp and not torch.equal(out.sharp, out.sr)
    out.sharp.mean().backward()


def test_its_shuffles_cannot_make_a_grid():
    """Whatever the weights: a constant input gives a constant picture, where a plain shuffle gives a grid."""
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(4, 8, 1)
    x = torch.ones(1, 4, 8, 8)
    smooth, plain = SmoothShuffle()(conv(x)), torch.nn.PixelShuffle(2)(conv(x))
    assert smooth.shape == plain.shape == (1, 2, 16, 16)
    assert plain.std((2, 3)).min() > 0.05
    assert smooth[..., 1:-1, 1:-1].std((2, 3)).max() < 1e-6


def test_the_demo_shows_both(tmp_path):
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "demo"), "--model", str(small_onnx(**OPTIONS))])
    assert done.exit_code == 0, done.output
    assert done.output.count(" dB") >= 3 and "(sharp)" in done.output
    plain, sharp = (np.asarray(Image.open(tmp_path / "demo" / f"output{s}.png")).astype(int) for s in ("", "-sharp"))
    assert np.abs(plain - sharp).mean() > 3
