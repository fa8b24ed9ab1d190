"""The U-Net in the upright frame: what it is given, what of it is trained, and that every backend gives the same."""

import numpy as np
import onnx
import pytest
import torch
from random_models import SMALL_UNET, random_unet, smooth_faces

import faceprior
from faceprior.errors import FacepriorError
from faceprior.networks.canvas import Canvas, CanvasConfig
from faceprior.networks.comparators.config import STN0Config
from faceprior.networks.comparators.stn0 import STN0
from faceprior.networks.export import export_onnx
from faceprior.networks.stn import warp
from faceprior.networks.unet import UNet
from faceprior.networks.unet_config import UNetConfig
from faceprior.networks.weights import load_model, read_header, save_model

VARIANTS = {
    "16": {},
    "32": {"lr": 32},
    "bicubic": {"base": "bicubic"},
    "plain": {"heatmaps": False, "positions": False, "localisation": "lr", "landmarks": False},
}


def test_its_body_is_kept_in_8_bits_and_gives_the_same_picture(tmp_path):
    network = random_unet(channels=(32, 32), blocks=(1, 1), tail=(8, 4))
    save_model(network, tmp_path / "model.safetensors")
    header = read_header(tmp_path / "model.safetensors")
    for name, fp16 in (("few", True), ("all", False)):
        export_onnx(network, tmp_path / f"{name}.onnx", header, fp16=fp16)
    kept = {t.name: t.data_type for t in onnx.load(tmp_path / "few.onnx").graph.initializer}
    whole = [name for name, kind in kept.items() if kind == onnx.TensorProto.INT8]
    assert whole and all(any(part in f".{name}" for part in UNet.eight_bit) for name in whole)
    few, every = (faceprior.load(tmp_path / f"{name}.onnx")(smooth_faces(5)) for name in ("few", "all"))
    assert every.images.std() > 5
    assert (np.abs(few.images.astype(int) - every.images) <= 1).mean() >= 0.99


@pytest.mark.parametrize("name", VARIANTS)
def test_backends_agree(name, tmp_path):
    network = random_unet(**VARIANTS[name])
    save_model(network, tmp_path / "model.safetensors")
    export_onnx(network, tmp_path / "model.onnx", read_header(tmp_path / "model.safetensors"))
    size = network.config.lr
    lr = np.repeat(np.repeat(smooth_faces(5), size // 16, 1), size // 16, 2)
    ours, theirs = faceprior.load(tmp_path / "model.safetensors"), faceprior.load(tmp_path / "model.onnx")
    assert ours.size == theirs.size == size
    a, b = ours(lr), theirs(lr)
    assert a.images.std() > 5 and np.abs(a.transforms - np.eye(2, 3)).max() > 0.05
    assert (np.abs(a.images.astype(int) - b.images) <= 1).mean() >= 0.999
    np.testing.assert_allclose(b.transforms, a.transforms, atol=5e-3)
    for model, whole in ((ours, a), (theirs, b)):
        np.testing.assert_allclose(model.locate(lr), whole.transforms, atol=1e-5)
    np.testing.assert_allclose(b.heatmaps, a.heatmaps, atol=5e-3 * max(1, np.abs(a.heatmaps).max()))
    with pytest.raises(FacepriorError, match=f"expected uint8 \\(N, {size}, {size}, 3\\)"):
        theirs(np.zeros((1, 48 - size, 48 - size, 3), np.uint8))


def test_untrained_it_is_the_canvas_set_upright():
    network = UNet(UNetConfig(**SMALL_UNET)).eval()
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    told = torch.tensor([[[0.9, -0.2, 0.1], [0.2, 0.9, 0.0]]]).expand(2, 2, 3)
    out = network(lr, told)
    torch.testing.assert_close(out.transform, told)
    expected = warp(network.canvas(lr).picture, told, 128, "bicubic", "border")
    torch.testing.assert_close(out.sr, expected)
    assert out.heatmaps[0].shape == (2, 4, 32, 32)


@pytest.mark.parametrize("sharp", [False, True])
def test_made_and_trained_at_once_it_moves_no_statistics_of_the_stn(sharp):
    """As a run makes it: nobody calls `train`."""
    network = UNet(UNetConfig(**SMALL_UNET | {"sharp": sharp}))
    before = {k: v.clone() for k, v in network.localisation.state_dict().items()}
    network(torch.rand(4, 3, 16, 16))
    assert all(torch.equal(v, before[k]) for k, v in network.localisation.state_dict().items())


def test_what_is_given_is_not_trained():
    network = random_unet().train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-2)
    out = network(torch.rand(4, 3, 16, 16))
    (out.sr.square().mean() + out.heatmaps[0].square().mean()).backward()
    optimiser.step()
    moved = {k.split(".")[0] for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {"entry", "positions", "ins", "outs", "down", "up", "heatmaps", "guided", "tail"}


def test_the_canvas_learns_where_it_is_told_to():
    network = random_unet(canvas_learns=True, told=True).train()
    slow = {id(p) for p in network.localisation_parameters()}
    assert slow == {id(p) for p in network.canvas.parameters()}
    out = network(torch.rand(4, 3, 16, 16), condition=torch.rand(4, 2))
    out.sr.square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.canvas.parameters() if p.ndim == 4)
    assert all(p.grad is None for p in network.localisation.parameters())
    sharp = random_unet(canvas_learns=True, sharp=True)
    assert {k.split(".")[0] for k, p in sharp.named_parameters() if p.requires_grad} == {"sharp_tail"}
    assert not list(sharp.localisation_parameters())
    assert not list(random_unet(base="bicubic", canvas_learns=True).localisation_parameters())


def test_it_takes_a_canvas_and_an_stn_of_their_kind_alone():
    network = random_unet()
    canvas = Canvas(CanvasConfig(channels=8))
    network.take_canvas(canvas)
    assert torch.equal(network.canvas.conv_1.weight, canvas.conv_1.weight)
    with pytest.raises(FacepriorError, match="--canvas: holds"):
        network.take_canvas(Canvas(CanvasConfig(channels=12)))
    with pytest.raises(FacepriorError, match="takes none"):
        random_unet(base="bicubic").take_canvas(canvas)
    bounds = {"max_log_scale": 0.6, "max_shift": 0.4}
    for config, fits in (
        (STN0Config(localisation="cascade", landmarks=True, **bounds), True),
        (STN0Config(localisation="cascade", landmarks=True), False),
    ):
        if fits:
            network.take_stn0(STN0(config), "a.safetensors")
        else:
            with pytest.raises(FacepriorError, match=r"a\.safetensors: holds another STN"):
                network.take_stn0(STN0(config), "a.safetensors")


def test_the_stn_of_32_px_sees_what_that_of_16_sees():
    network = random_unet(lr=32)
    face = smooth_faces(1)[0]
    from PIL import Image

    large = Image.fromarray(face).resize((32, 32), Image.BICUBIC)
    small = np.asarray(large.resize((16, 16), Image.BICUBIC))
    x = torch.from_numpy(np.asarray(large).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    y = torch.from_numpy(small.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    torch.testing.assert_close(network.locate(x), network.localisation.locate(y)[0][-1], atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("options", "field"),
    [({"lr": 24}, "lr"), ({"channels": (8, 8)}, "blocks"), ({"channels": (9, 8, 8)}, "multiples of 4")],
)
def test_configurations_that_do_not_fit_are_named(options, field):
    with pytest.raises(ValueError, match=field):
        UNetConfig(**SMALL_UNET | options)


def test_saved_and_loaded_it_is_the_same(tmp_path):
    network = random_unet()
    save_model(network, tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors")
    lr = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(found(lr).sr, network(lr).sr)
