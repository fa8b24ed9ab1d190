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


@pytest.mark.parametrize("file", [small_onnx, small_safetensors])
def test_a_model_without_one_says_so(file):
    with pytest.raises(FacepriorError, match=r"has no sharp variant; leave --sharp out"):
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


def test_export_softens_it(tmp_path):
    weights = small_safetensors(**OPTIONS)
    lr = smooth_faces(3)
    apart = []
    for sharpness in (1.0, 0.5, 0.0):
        out = tmp_path / f"{sharpness}.onnx"
        done = CliRunner().invoke(app, ["export", str(weights), "-o", str(out), "--sharpness", str(sharpness)])
        assert done.exit_code == 0, done.output
        apart.append(difference(faceprior.load(out)(lr), faceprior.load(out, sharp=True)(lr)).mean())
    assert apart[0] > apart[1] > apart[2] == 0
    done = CliRunner().invoke(app, ["export", str(small_safetensors()), "--sharpness", "0.5"])
    assert "has no sharp variant" in str(done.exception)


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


def test_the_demo_shows_both(tmp_path):
    done = CliRunner().invoke(app, ["demo", "-o", str(tmp_path / "demo"), "--model", str(small_onnx(**OPTIONS))])
    assert done.exit_code == 0, done.output
    assert done.output.count(" dB") == 4 and "(sharp)" in done.output
    plain, sharp = (np.asarray(Image.open(tmp_path / "demo" / f"output{s}.png")).astype(int) for s in ("", "-sharp"))
    assert np.abs(plain - sharp).mean() > 3
