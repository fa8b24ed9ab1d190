"""How rough a face is, told to the network: from the file to the graph, in training and in every backend."""

import io

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from random_models import random_unet, smooth_faces

import faceprior
from faceprior.dataset.rough import condition, reduced_condition
from faceprior.dataset.rough_lr import rough_lr
from faceprior.errors import FacepriorError
from faceprior.face.frame import Frame
from faceprior.networks.export import export_onnx
from faceprior.networks.weights import read_header, save_model
from faceprior.photo.boxes import Detection
from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.quality import conditions, told

ROUGH = np.array([[0, 0], [0.5, 0], [1, 0.3], [0, 0.6]], np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network that is told, as weights and as ONNX."""
    folder = tmp_path_factory.mktemp("told")
    network = random_unet(told=True)
    with torch.no_grad():
        network.canvas.told.out.weight.normal_(0, 2)
    save_model(network, folder / "net.safetensors")
    export_onnx(network, folder / "net.onnx", read_header(folder / "net.safetensors"), fp16=False)
    return folder / "net.safetensors", folder / "net.onnx"


@pytest.fixture
def network(files):
    return faceprior.load(files[1], threads=1)


def apart(a, b) -> np.ndarray:
    return np.abs(a.images.astype(int) - b.images).reshape(len(a), -1).max(1)


def test_every_backend_heeds_it_alike(files):
    faces = smooth_faces(4)
    made = {
        "torch": faceprior.load(files[0]),
        "onnx": faceprior.load(files[1]),
        "openvino": faceprior.load(files[1], backend="openvino"),
    }
    results = {name: upscaler(faces, condition=ROUGH) for name, upscaler in made.items()}
    for name, upscaler in made.items():
        assert upscaler.told
        assert apart(results[name], results["torch"]).max() <= 1
        clean = upscaler(faces)
        changed = apart(results[name], clean)
        assert changed[0] == 0 and (changed[1:] > 3).all()
        np.testing.assert_array_equal(results[name].transforms, clean.transforms)  # the STN sees the face alone
        alone = upscaler(faces[2:3], condition=ROUGH[2:3])
        assert np.abs(alone.images[0].astype(int) - results[name].images[2]).max() <= 1


def test_who_knows_nothing_of_it_leaves_it_out(files):
    """The file for other languages: `lr` alone is asked for."""
    import onnxruntime as ort

    session = ort.InferenceSession(files[1].read_bytes(), providers=["CPUExecutionProvider"])
    assert [node.name for node in session.get_inputs()] == ["lr"]
    faces = smooth_faces(2)
    images = session.run(["images"], {"lr": faces})[0]
    np.testing.assert_array_equal(images, faceprior.load(files[1])(faces).images)
    told_all = session.run(["images"], {"lr": faces, "condition": ROUGH[1:2]})[0]  # one for all
    told_each = session.run(["images"], {"lr": faces, "condition": np.repeat(ROUGH[1:2], 2, 0)})[0]
    np.testing.assert_array_equal(told_all, told_each)
    assert np.abs(told_all.astype(int) - images).max() > 3
    onnx.checker.check_model(onnx.load(files[1]), full_check=True)


def test_a_condition_of_another_shape_is_refused(network):
    with pytest.raises(FacepriorError, match=r"condition: expected \(2, 2\) for 2 faces, got \(1, 2\)"):
        network(smooth_faces(2), condition=ROUGH[:1])
    assert len(network(np.zeros((0, 16, 16, 3), np.uint8), condition=ROUGH[:0])) == 0


def test_networks_that_are_told_nothing_stay_as_they_were(tmp_path):
    plain = random_unet()
    assert not plain.takes_condition
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        assert torch.equal(plain(x).sr, plain(x, condition=torch.ones(2, 2)).sr)
    save_model(plain, tmp_path / "plain.safetensors")
    export_onnx(plain, tmp_path / "plain.onnx", read_header(tmp_path / "plain.safetensors"))
    assert [i.name for i in onnx.load(tmp_path / "plain.onnx").graph.input] == ["lr"]
    upscaler = faceprior.load(tmp_path / "plain.onnx")
    assert not upscaler.told
    faces = smooth_faces(2)
    assert apart(upscaler(faces, condition=ROUGH[1:3]), upscaler(faces)).max() == 0


def test_what_a_reduction_leaves():
    assert reduced_condition((0.8, 0.4), 0.5) == (0.4, 0.2)
    assert reduced_condition((0.8, 0.4), 3.0) == (0.8, 0.4)  # enlarged, the blocks stay
    frames = [Frame((0, 0), (1, 0), 32.0), Frame((0, 0), (1, 0), 8.0)]
    np.testing.assert_allclose(conditions((0.8, 0.4), frames, 16), [[0.4, 0.2], [0.8, 0.4]], rtol=1e-6)
    assert conditions((1, 1), [], 16).shape == (0, 2)


def test_noise_is_told_as_large_as_it_is_in_the_lr():
    """By the rule above: noise of a photo, reduced with the face, against what is really left of it."""
    rng = np.random.default_rng(0)
    flat = np.full((128, 128, 3), 128.0)
    photo = Image.fromarray(np.clip(flat + rng.normal(0, 20, flat.shape), 0, 255).astype(np.uint8))
    for part in (1.0, 0.5, 0.25):
        size = round(128 * part)
        left = np.asarray(photo.resize((size, size), Image.Resampling.BOX), float).std()
        assert reduced_condition(condition(None, 20.0), part)[1] * 25 == pytest.approx(left, rel=0.12)


def test_training_is_told_of_its_rough_faces():
    frames = torch.randint(0, 256, (12, 3, 128, 128)).float()
    lr, given = rough_lr(frames, 16, seed=3)
    assert lr.shape == (12, 3, 16, 16) and given.shape == (12, 2)
    assert (given >= 0).all() and (given <= 1).all() and (given[:, 0] > 0).any() and (given[:, 1] > 0).any()
    again = rough_lr(frames, 16, seed=3)
    assert torch.equal(lr, again[0]) and torch.equal(given, again[1])


def portrait(quality: int | None) -> DecodedImage:
    from faceprior.cli.demo import make_sample
    from faceprior.photo.decode import read_bytes

    file = io.BytesIO()
    picture = Image.fromarray(make_sample().photo)
    picture.save(file, "PNG") if quality is None else picture.save(file, "JPEG", quality=quality)
    return read_bytes(file.getvalue(), "a")


class Listening:
    """Keeps what it was told."""

    def __init__(self, inner):
        self.inner, self.size, self.sizes, self.told, self.conditions = inner, inner.size, inner.sizes, inner.told, []

    def __call__(self, lr, condition=None):
        self.conditions.append(condition)
        return self.inner(lr, condition=condition)

    def locate(self, lr):
        return self.inner.locate(lr)


@pytest.mark.parametrize("quality", [None, 50])
def test_a_photo_tells_what_its_file_says(network, quality):
    picture, listening = portrait(quality), Listening(network)
    face = Detection((109.0, 68.0, 100.0, 110.0))
    upscale_photo(picture, listening, [face], PhotoOptions(scale=1, canvas="lanczos", max_size=200))
    (given,) = listening.conditions
    whole = told(picture.rgb, picture.quality)
    assert (whole[0] > 0.5) == (quality == 50)
    part = given[0, 0] / whole[0] if whole[0] else 16 / 120
    assert 0.08 < part < 0.25  # of a face of about 120 px that is cut at 16


@pytest.mark.parametrize("quality", [None, 50])
def test_a_cut_face_tells_what_its_file_says(network, quality):
    listening = Listening(network)
    (cut,) = restore_cut([Given.of(portrait(quality), listening)])
    assert cut.image.shape == (128, 128, 3)
    first = listening.conditions[0]
    assert (first[0, 0] > 0.02) == (quality == 50)
    tiny = DecodedImage(smooth_faces(1)[0], quality=40)
    restore_cut([Given.of(tiny, listening)])
    assert listening.conditions[-1][0, 0] > 0.5 and listening.conditions[-1][0, 1] == 0  # its noise cannot be known


def test_evaluation_tells_the_quality(files):
    from types import SimpleNamespace

    from faceprior.evaluation.ours import Ours

    ours = Ours(str(files[1]), "cpu")
    seen = []
    ours.upscaler = Listening(faceprior.load(files[1]))
    faces = smooth_faces(3)
    for quality in (None, 70):
        pairs = SimpleNamespace(jpeg=quality, lr=torch.zeros(3, 3, 16, 16))
        seen.append(ours(faces, pairs).images)
    assert ours.upscaler.conditions[0] is None
    np.testing.assert_allclose(ours.upscaler.conditions[1], np.tile([[0.5, 0]], (3, 1)))
    assert np.abs(seen[0].astype(int) - seen[1]).max() > 3
