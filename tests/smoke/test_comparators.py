"""Every comparator: shapes, a gradient for every trained parameter, where it starts, on disk and as ONNX and back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("safetensors")

import onnxruntime as ort  # noqa: E402

from faceprior.errors import FacepriorError  # noqa: E402
from faceprior.networks.comparators import KINDS, network_class  # noqa: E402
from faceprior.networks.comparators.config import (  # noqa: E402
    CBNConfig,
    MaConfig,
    NNConfig,
    SRGANConfig,
    STN0Config,
    TDAEConfig,
    VDSRConfig,
)
from faceprior.networks.comparators.stn0 import AlignedNetwork, enlarge  # noqa: E402
from faceprior.networks.export import export_onnx  # noqa: E402
from faceprior.networks.inference import Inference  # noqa: E402
from faceprior.networks.kinds import kind_of, make_network  # noqa: E402
from faceprior.networks.weights import load_model, read_header, save_model  # noqa: E402

SMALL = {
    "stn0": STN0Config(),
    "vdsr": VDSRConfig(layers=4, features=8),
    "srgan": SRGANConfig(blocks=2, features=8),
    "cbn": CBNConfig(layers=3, features=8, contours=4, bases=6, hidden=16),
    "tdae": TDAEConfig(decoder=(16, 8, 8, 8), encoder=(4, 8, 8, 8)),
    "ma": MaConfig(patch=4, stride=4),
    "nn": NNConfig(faces=12),
}
TRAINED = [kind for kind in KINDS if kind not in ("ma", "nn")]


def made(kind: str) -> torch.nn.Module:
    """A network with random contents in everything that starts at zero."""
    torch.manual_seed(0)
    network = make_network(SMALL[kind])
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.dtype == torch.uint8:
                tensor.random_(0, 256)
            elif tensor.is_floating_point() and not tensor.any():
                tensor.normal_(0, 0.02)
        if kind == "nn":
            network.kept.fill_(9)
    return network


@pytest.mark.parametrize("kind", KINDS)
def test_one_interface(kind):
    network = made(kind).eval()
    assert kind_of(network.config) == kind and isinstance(network, network_class(kind))
    with torch.no_grad():
        out = network(torch.rand(3, 3, 16, 16) * 2 - 1)
    assert out.sr.shape == (3, 3, 128, 128) and out.heatmaps == [] and out.transform.shape == (3, 2, 3)
    assert torch.isfinite(out.sr).all()


@pytest.mark.parametrize("kind", TRAINED)
def test_gradients(kind):
    network = made(kind)
    out = network(torch.rand(2, 3, 16, 16) * 2 - 1)
    loss = out.sr.square().mean() + out.transform.square().sum()
    loss = loss + sum(s.square().mean() for s in (*out.stages, *out.landmarks))
    loss.backward()
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    assert trained and all(not name.startswith("stn0.") for name in trained)
    for name, parameter in trained.items():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    slow = {id(p) for p in network.localisation_parameters()}
    assert slow <= {id(p) for p in trained.values()}
    assert bool(slow) == (kind in ("stn0", "tdae"))


@pytest.mark.parametrize("kind", ["stn0", "vdsr", "cbn"])
def test_the_start_is_bicubic_of_the_lr_as_it_lies(kind):
    lr = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        out = make_network(SMALL[kind]).eval()(lr)
    expected = enlarge(lr, 128) if kind == "stn0" else enlarge(enlarge(enlarge(lr, 32), 64), 128)
    assert torch.allclose(out.sr, expected, atol=1e-4)
    assert torch.allclose(out.transform, torch.eye(2, 3).expand(2, 2, 3))


def test_tdae_starts_at_the_identity_and_multiplies_its_transforms():
    from faceprior.networks.stn import compose, similarity

    out = make_network(SMALL["tdae"])(torch.rand(2, 3, 16, 16))
    assert torch.allclose(out.transform, torch.eye(2, 3).expand(2, 2, 3))
    assert [tuple(s.shape[-2:]) for s in out.stages] == [(128, 128), (16, 16)]
    a, b = (similarity(*(torch.rand(4, 3) * 0.3)) for _ in range(2))
    square = [torch.cat([m, torch.tensor([[[0.0, 0, 1]]]).expand(3, 1, 3)], 1) for m in (a, b)]
    assert torch.allclose(compose(a, b), (square[0] @ square[1])[:, :2], atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_on_disk_and_as_onnx(kind, tmp_path):
    network = made(kind).eval()
    save_model(network, tmp_path / "n.safetensors")
    again = load_model(tmp_path / "n.safetensors")
    header = read_header(tmp_path / "n.safetensors")
    assert again.config == network.config and header["model"] == kind
    lr = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8))
    with torch.no_grad():
        images, _, transforms = Inference(again).eval()(lr)
    export_onnx(network, tmp_path / "n.onnx", header, fp16=False)
    session = ort.InferenceSession(str(tmp_path / "n.onnx"), providers=["CPUExecutionProvider"])
    outside, _, outside_transforms = session.run(None, {"lr": lr.numpy()})
    assert outside.shape == (3, 128, 128, 3) and np.abs(outside.astype(int) - images.numpy()).max() <= 1
    assert np.allclose(outside_transforms, transforms.numpy(), atol=1e-4)


def test_published_sizes():
    with torch.device("meta"):
        vdsr, srgan = (make_network(config) for config in (VDSRConfig(), SRGANConfig()))
    assert sum(isinstance(m, torch.nn.Conv2d) for m in vdsr.residual.modules()) == 20
    assert sum(p.numel() for p in vdsr.residual.parameters()) == pytest.approx(665_000, rel=0.01)
    assert len(srgan.body) == 16 + 2


def test_only_an_stn0_is_taken_as_stn0():
    aligner, vdsr = made("stn0"), make_network(SMALL["vdsr"])
    assert isinstance(vdsr, AlignedNetwork)
    vdsr.take_stn0(aligner, "stn0.safetensors")
    mine, theirs = vdsr.stn0.state_dict(), aligner.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)
    with pytest.raises(FacepriorError, match=r"vdsr\.safetensors: holds no STN0"):
        vdsr.take_stn0(vdsr, "vdsr.safetensors")


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: VDSRConfig(layers=1), "layers"),
        (lambda: SRGANConfig(features=0), "features"),
        (lambda: TDAEConfig(decoder=(8, 8, 0, 8)), "decoder"),
        (lambda: MaConfig(patch=2, stride=4), "patch"),
        (lambda: MaConfig(ridge=0.0), "ridge"),
    ],
)
def test_configurations_name_the_field(make, field):
    with pytest.raises(ValueError, match=field):
        make()
