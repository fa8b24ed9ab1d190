"""The spatial transformer: starts at the identity, and its similarity is the protocol's."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch.nn import functional as F  # noqa: E402

from faceprior.face.similarity import similarity_matrix, similarity_parameters  # noqa: E402
from faceprior.networks.config import MTUNConfig  # noqa: E402
from faceprior.networks.mtun import MTUN  # noqa: E402
from faceprior.networks.stn import Looks, similarity, upright_grid, warp  # noqa: E402


@pytest.mark.parametrize("localisation", ["paper", "lr", "cascade"])
@pytest.mark.parametrize("heb", [16, 32, 64])
def test_starts_at_the_identity(localisation, heb):
    config = MTUNConfig(
        encoder=(4, 4, 4, 4),
        decoder=(4, 4, 4, 4),
        upsample=(4, 4),
        heb=heb,
        stacks=1,
        localisation=localisation,
    )
    model = MTUN(config).eval()
    transform = model(torch.rand(2, 3, 16, 16)).transform
    torch.testing.assert_close(transform, torch.eye(2, 3).expand(2, 2, 3))


def test_similarity_is_the_protocols():
    rng = np.random.default_rng(0)
    angle, scale = rng.uniform(-75, 75, 20), rng.uniform(0.7, 1.4, 20)
    tx, ty = rng.uniform(-0.2, 0.2, (2, 20))
    ours = similarity(*(torch.from_numpy(x) for x in (np.radians(angle), np.log(scale), tx, ty)))
    np.testing.assert_allclose(ours.numpy(), similarity_matrix(angle, scale, tx, ty), atol=1e-12)


def test_parameters_invert_the_matrix():
    rng = np.random.default_rng(1)
    wanted = rng.uniform(-179, 179, 50), rng.uniform(0.3, 3, 50), *rng.uniform(-1, 1, (2, 50))
    for got, want in zip(similarity_parameters(similarity_matrix(*wanted)), wanted, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-9)


def test_grid_is_pytorchs_affine_grid():
    t = torch.from_numpy(similarity_matrix(30.0, 1.1, 0.1, -0.05)).float()[None]
    torch.testing.assert_close(upright_grid(t, 7), F.affine_grid(t, [1, 1, 7, 7], align_corners=False))


def test_identity_warp_keeps_the_features():
    x = torch.rand(2, 5, 16, 16)
    torch.testing.assert_close(warp(x, torch.eye(2, 3).expand(2, 2, 3), 16), x)


@torch.no_grad()
def test_two_looks_of_a_mirrored_face_give_the_mirrored_transform():
    """In inference; and the second look corrects the first rather than starting anew."""
    looks = Looks((75.0, 0.35, 0.25), landmarks=True)
    for k, net in enumerate((looks.first, looks.second)):
        net.net[-1].weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(k))
        net.net[-1].bias.fill_(0.1)
    looks.eval()
    lr = torch.rand(3, 3, 16, 16) * 2 - 1
    (first, last), points = looks.locate(lr)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0]))
    assert torch.allclose(looks.locate(lr.flip(-1))[0][-1], mirror[:2, :2] @ last @ mirror, atol=1e-5)
    assert points == [] and (first - last).abs().max() > 0.01
    looks.second.net[-1].weight.zero_()
    looks.second.net[-1].bias.zero_()
    assert torch.allclose(looks.locate(lr)[0][-1], first, atol=1e-6)


def test_looks_learn_landmarks_where_they_see_them():
    looks = Looks((75.0, 0.35, 0.25), landmarks=True).train()
    estimates, seen = looks.locate(torch.rand(2, 3, 16, 16))
    assert [tuple(points.shape) for _, points in seen] == [(2, 68, 2)] * 2
    assert torch.equal(seen[0][0], torch.eye(2, 3).expand(2, 2, 3))  # the LR as it lies
    assert torch.equal(seen[1][0], estimates[0]) and not seen[1][0].requires_grad  # as the first look set it
    estimates[1].square().sum().backward()
    assert all(p.grad is None for p in looks.first.parameters())  # each is trained on its own error
