"""What the comparators compute, against references written the slow way."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from faceprior.face.similarity import similarity_matrix  # noqa: E402
from faceprior.networks.comparators.cbn import ANCHORS, CBN, BiNetwork, Correspondence  # noqa: E402
from faceprior.networks.comparators.config import CBNConfig, MaConfig, NNConfig, TDAEConfig, VDSRConfig  # noqa: E402
from faceprior.networks.comparators.ma import PositionPatches, reduced, starts  # noqa: E402
from faceprior.networks.comparators.mean_face import MeanFace, contours, grid, sample, thin_plate  # noqa: E402
from faceprior.networks.comparators.neighbour import NearestNeighbour, levels  # noqa: E402
from faceprior.networks.comparators.stn0 import enlarge  # noqa: E402
from faceprior.networks.comparators.tdae import TDAE  # noqa: E402
from faceprior.networks.comparators.vdsr import VDSR  # noqa: E402
from faceprior.networks.stn import similarity  # noqa: E402
from faceprior.training.losses import landmark_loss, stage_loss  # noqa: E402


def faces(count: int, seed: int = 0) -> SimpleNamespace:
    """Random LR and HR in [-1, 1], 8-bit values."""
    rng = np.random.default_rng(seed)
    lr, hr = (torch.from_numpy(rng.integers(0, 256, (count, 3, s, s))).float() / 127.5 - 1 for s in (16, 128))
    return SimpleNamespace(lr=lr, hr=hr, landmarks=torch.zeros(count, 68, 2))


def split(batch: SimpleNamespace, size: int) -> list[SimpleNamespace]:
    parts = range(0, len(batch.lr), size)
    return [SimpleNamespace(lr=batch.lr[i : i + size], hr=batch.hr[i : i + size]) for i in parts]


@pytest.mark.parametrize(("patch", "stride", "ridge"), [(4, 2, 0.5), (3, 2, 5.0)])
def test_position_patches_are_ma_s_weights(patch, stride, ridge):
    """The least-squares weights themselves, formed a face and a position at a time in NumPy."""
    known, asked = faces(30), faces(3, seed=1)
    network = PositionPatches(MaConfig(patch=patch, stride=stride, ridge=ridge, dictionary="stn0"))
    network.learn(lambda: split(known, 8))
    with torch.no_grad():
        out = network(asked.lr).sr.numpy()

    total, count = np.zeros_like(out, np.float64), np.zeros((128, 128))
    places = starts(patch, stride)
    assert places[-1] + patch == 16
    for i in places:
        for j in places:
            low = np.s_[:, :, i : i + patch, j : j + patch]
            high = np.s_[:, :, 8 * i : 8 * (i + patch), 8 * j : 8 * (j + patch)]
            y = known.lr.numpy()[low].reshape(30, -1).astype(np.float64)
            h = known.hr.numpy()[high].reshape(30, -1).astype(np.float64)
            for face in range(3):
                x = asked.lr.numpy()[low][face].ravel().astype(np.float64)
                gram = (x - y) @ (x - y).T + ridge * np.eye(30)  # |x - Y w|^2 where the weights sum to one
                w = np.linalg.solve(gram, np.ones(30))
                w /= w.sum()
                total[face][high[1:]] += (w @ h).reshape(3, 8 * patch, 8 * patch)
            count[high[2:]] += 1
    assert np.abs(out - total / count).max() < 2e-3


def test_position_patches_give_known_faces_back():
    """With fewer faces than a patch has values and hardly a ridge, a face of the dictionary is its own answer."""
    known = faces(10)
    network = PositionPatches(MaConfig(patch=4, stride=2, ridge=1e-6, dictionary="stn0"))
    network.learn(lambda: [known])
    with torch.no_grad():
        assert (network(known.lr).sr - known.hr).abs().max() < 0.02


def test_the_published_dictionary_is_of_reduced_hr_faces():
    known = faces(60)
    published, aligned = (PositionPatches(MaConfig(dictionary=kind)) for kind in ("true", "stn0"))
    published.learn(lambda: [known])  # its LR faces, which have nothing to do with the HR ones, do not matter
    low = reduced(known.hr)
    assert torch.equal(levels(low).float() / 127.5 - 1, low)
    aligned.learn(lambda: [SimpleNamespace(lr=low, hr=known.hr)])
    assert published.matrix.abs().max() > 0
    assert torch.allclose(published.matrix, aligned.matrix, atol=1e-4)
    assert torch.allclose(published.offset, aligned.offset, atol=1e-4)


@pytest.mark.parametrize(("patch", "stride"), [(4, 2), (5, 3), (16, 16)])
def test_joined_patches_are_the_picture_again(patch, stride):
    network = PositionPatches(MaConfig(patch=patch, stride=stride))
    hr = faces(2).hr
    assert torch.allclose(network.join(network.cut(hr, 8)), hr, atol=1e-6)


def test_nearest_neighbour_is_the_nearest():
    known, asked = faces(20), faces(5, seed=1)
    network = NearestNeighbour(NNConfig(faces=32))
    network.learn(lambda: split(known, 8))
    with torch.no_grad():
        out = network(asked.lr).sr
    apart = ((asked.lr[:, None] - known.lr[None]) ** 2).sum((2, 3, 4)).numpy()
    assert torch.equal(levels(out), levels(known.hr[apart.argmin(1)]))
    assert torch.equal(levels(network(known.lr).sr), levels(known.hr))


def test_nearest_neighbour_keeps_no_more_than_it_may():
    known = faces(20)
    network = NearestNeighbour(NNConfig(faces=10))
    network.learn(lambda: split(known, 8))
    assert network.kept == 10
    assert torch.equal(network.hr, levels(known.hr[:10]))


def shape(seed: int) -> torch.Tensor:
    """68 points within the face, normalised."""
    return torch.from_numpy(np.random.default_rng(seed).uniform(-0.7, 0.7, (68, 2)).astype(np.float32))


def test_thin_plate_moves_the_landmarks_and_leaves_the_frame():
    points = shape(0)
    moves = torch.stack([torch.full((68, 2), 0.05), 0.1 * points])
    field = thin_plate(points, moves, points[None])  # at the landmarks themselves: (2, 2, 1, 68)
    assert torch.allclose(field[:, :, 0].permute(0, 2, 1), moves, atol=0.02)
    corners = thin_plate(points, moves, torch.tensor([[[-1.0, -1.0], [1.0, 1.0]]]))
    assert corners.abs().max() < 0.01


def mean_face(count: int = 64) -> tuple[MeanFace, torch.Tensor]:
    """A mean face of shapes that are one shape stretched, and its landmarks in HR pixels."""
    rng = np.random.default_rng(0)
    stretch = torch.from_numpy(rng.normal(1, 0.05, (count, 1, 1)).astype(np.float32))
    landmarks = (shape(0) * stretch + 1) * 64 - 0.5
    batch = SimpleNamespace(hr=torch.rand(count, 3, 128, 128) * 2 - 1, landmarks=landmarks)
    face = MeanFace(bases=3, contours=4)
    face.learn(lambda: [batch])
    return face, landmarks


def test_mean_face_holds_the_shapes_that_it_saw():
    face, landmarks = mean_face()
    points = (landmarks + 0.5) / 64 - 1
    assert torch.allclose(face.landmarks(face.coefficients(points)), points, atol=1e-3)
    p = face.coefficients(points)[:, 0]
    assert p.mean().abs() < 1e-3 and p.std() == pytest.approx(1, abs=0.02)


def test_prior_is_read_through_the_inverse_of_the_field():
    face, landmarks = mean_face()
    p = 2 * face.coefficients((landmarks[:4] + 0.5) / 64 - 1)
    face.prior = sample(grid(128, landmarks), grid(128, landmarks))[0]  # a prior that says where in the template one is
    z = face.prior_in(p, 64)
    back = z + sample(face.field(p), z)  # W of it is the image's own grid again
    inner = np.s_[:, :, 4:-4, 4:-4]
    assert (back - grid(64, p))[inner].abs().max() < 0.01
    assert (z - grid(64, p))[inner].abs().max() > 0.02  # the field is not nothing


def test_contours_part_the_face():
    magnitude = torch.rand(128, 128) + torch.linspace(0, 3, 128)
    maps = contours(magnitude, 10)
    assert maps.shape == (10, 128, 128)
    assert ((maps > 0).sum(0) == 1).all()
    areas = (maps > 0).sum((1, 2)).float() / 128**2
    assert areas.min() > 0.09 and areas.max() < 0.11
    assert maps.max() == 1


def test_stage_loss_is_the_mean_over_resolutions():
    hr = torch.rand(2, 3, 128, 128).mean((2, 3), keepdim=True).expand(2, 3, 128, 128)
    stages = [hr[..., :16, :16] + 0.1, hr[..., :64, :64] - 0.2, hr]
    assert float(stage_loss(stages, hr)) == pytest.approx((0.01 + 0.04) / 3, rel=1e-4)


def test_landmark_loss_follows_the_stn_s_error():
    """Landmarks are sought where an STN that errs has put them: there the loss is nothing."""
    true = torch.from_numpy(similarity_matrix([20.0, -30.0], [1.05, 0.95], [0.02, 0], [0, -0.03])).float()
    guess = torch.from_numpy(similarity_matrix([25.0, -30.0], [1.0, 0.95], [0.02, 0.01], [0, -0.03])).float()
    landmarks = (torch.stack([shape(0), shape(1)]) + 1) * 64 - 0.5
    visible = torch.ones(2, 68, dtype=torch.bool)
    assert float(landmark_loss([(true, landmarks)], landmarks, visible, true)) < 1e-9
    assert float(landmark_loss([(guess, landmarks)], landmarks, visible, true)) > 1e-4
    square = [torch.cat([m, torch.tensor([[[0.0, 0, 1]]]).expand(2, 1, 3)], 1) for m in (guess, true)]
    move = torch.linalg.inv(square[0]) @ square[1]
    seen = ((landmarks + 0.5) / 64 - 1) @ move[:, :2, :2].mT + move[:, None, :2, 2]
    assert float(landmark_loss([(guess, (seen + 1) * 64 - 0.5)], landmarks, visible, true)) < 1e-9
    hidden = visible.clone()
    hidden[:, :60] = False
    wrong = landmarks.clone()
    wrong[:, :60] += 50
    assert float(landmark_loss([(true, wrong)], landmarks, hidden, true)) < 1e-9


def fill(module: torch.nn.Module, seed: int = 0) -> None:
    """Random weights where a network starts at zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)


@torch.no_grad()
def test_cbn_s_gate_mixes_two_branches_of_which_one_sees_the_prior():
    net = BiNetwork(contours=4, features=6, layers=3)
    fill(net)
    image, prior, other = torch.rand(2, 3, 32, 32), torch.rand(2, 4, 32, 32), torch.rand(2, 4, 32, 32)
    detail = net(image, prior) - image
    gate = torch.sigmoid(net.gate(torch.cat([image, prior], 1)))
    assert gate.shape == (2, 1, 32, 32) and gate.std() > 0.01  # a pixel at a time
    net.gate[-1].weight.zero_()
    net.gate[-1].bias.fill_(-50.0)
    common = net(image, prior) - image
    assert torch.equal(net(image, other) - image, common)  # it sees the image alone
    net.gate[-1].bias.fill_(50.0)
    high = net(image, prior) - image
    assert not torch.allclose(net(image, other) - image, high, atol=1e-3)
    assert torch.allclose(detail, (1 - gate) * common + gate * high, atol=1e-5)


@torch.no_grad()
def test_cbn_s_regressor_reads_the_image_about_its_landmarks():
    regressor, image = Correspondence(bases=3, hidden=4), torch.rand(1, 3, 32, 32)
    pixels = torch.randint(3, 29, (len(ANCHORS), 2), generator=torch.Generator().manual_seed(0))  # x, y
    seen = []
    regressor.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    regressor(image, ((pixels + 0.5) / 16 - 1)[None], torch.tensor([[7.0, 8.0, 9.0]]))
    patches = torch.stack([image[0, :, y - 2 : y + 3, x - 2 : x + 3].flatten(1) for x, y in pixels.tolist()], 1)
    assert torch.allclose(seen[0][0, :-3], patches.flatten(), atol=1e-4)
    assert seen[0][0, -3:].tolist() == [7, 8, 9]


def test_cbn_doubles_three_times_and_estimates_before_each():
    """The order of the cascade: a field on the image so far, then the next image with the prior that it warps."""
    net = CBN(CBNConfig(layers=2, features=4, contours=2, bases=3, hidden=4))
    fill(net)
    net.face.learn(lambda: [SimpleNamespace(hr=torch.rand(8, 3, 128, 128), landmarks=torch.rand(8, 68, 2) * 100)])
    calls = []
    for k in range(3):
        net.correspondence[k].register_forward_pre_hook(lambda _, i, k=k: calls.append(("field", k, i[0].shape[-1])))
        net.hallucination[k].register_forward_pre_hook(lambda _, i, k=k: calls.append(("face", k, i[0].shape[-1])))
    out = net(torch.rand(2, 3, 16, 16))
    fields, found = (("field", k, 16 * 2**k) for k in range(3)), (("face", k, 32 * 2**k) for k in range(3))
    assert calls == [call for pair in zip(fields, found, strict=True) for call in pair]
    assert [s.shape[-1] for s in out.stages] == [32, 64] and len(out.landmarks) == 3
    # The field answers to its landmarks alone; the prior that it warps reaches the face.
    out.sr.square().mean().backward(retain_graph=True)
    assert all(p.grad is None for p in net.correspondence.parameters())
    out.landmarks[1].square().mean().backward()
    assert net.correspondence[1].net[0].weight.grad.abs().max() > 0
    assert net.correspondence[0].net[0].weight.grad is None


@torch.no_grad()
def test_vdsr_is_one_network_applied_three_times():
    net = VDSR(VDSRConfig(layers=3, features=4))
    fill(net.residual)
    sizes = []
    net.residual.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[-1]))
    lr = torch.rand(1, 3, 16, 16)
    out = net(lr)
    assert sizes == [32, 64, 128]
    x = lr
    for size in (32, 64, 128):
        x = enlarge(x, size)
        x = x + net.residual(x)
    assert torch.allclose(out.sr, x, atol=1e-5)


@torch.no_grad()
def test_tdae_s_transform_is_that_of_all_its_stns():
    """A bias makes a localisation net say one thing of every face; a face goes through the decoder's STNs first."""
    net = TDAE(TDAEConfig(decoder=(8, 8, 8, 8), encoder=(4, 8, 8, 8))).eval()
    stns = (net.first.stn16, net.first.stn32, net.encoder.stn32, net.encoder.stn16)
    expected = torch.eye(3)
    for k, stn in enumerate(stns):
        stn.net[-1].bias.copy_(torch.tensor([0.1 * (k + 1), 0.1, -0.2, 0.05 * k]))
        raw = torch.tanh(stn.net[-1].bias)
        one = similarity(*(raw[i : i + 1] * bound for i, bound in enumerate(stn.bounds)))[0]
        expected = expected @ torch.cat([one, torch.tensor([[0.0, 0, 1]])])
    assert torch.allclose(net(torch.rand(1, 3, 16, 16)).transform[0], expected[:2], atol=1e-5)
    assert net.second.stn16 is None and net.second.stn32 is None
