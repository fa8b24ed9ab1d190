"""What the comparators compute, against references written the slow way."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from faceprior.face.similarity import similarity_matrix  # noqa: E402
from faceprior.networks.comparators.config import MaConfig, NNConfig  # noqa: E402
from faceprior.networks.comparators.ma import PositionPatches, reduced, starts  # noqa: E402
from faceprior.networks.comparators.mean_face import MeanFace, contours, grid, sample, thin_plate  # noqa: E402
from faceprior.networks.comparators.neighbour import NearestNeighbour, levels  # noqa: E402
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
    assert float(landmark_loss([landmarks], landmarks, visible, true, true)) < 1e-9
    assert float(landmark_loss([landmarks], landmarks, visible, guess, true)) > 1e-4
    square = [torch.cat([m, torch.tensor([[[0.0, 0, 1]]]).expand(2, 1, 3)], 1) for m in (guess, true)]
    move = torch.linalg.inv(square[0]) @ square[1]
    seen = ((landmarks + 0.5) / 64 - 1) @ move[:, :2, :2].mT + move[:, None, :2, 2]
    assert float(landmark_loss([(seen + 1) * 64 - 0.5], landmarks, visible, guess, true)) < 1e-9
    hidden = visible.clone()
    hidden[:, :60] = False
    wrong = landmarks.clone()
    wrong[:, :60] += 50
    assert float(landmark_loss([wrong], landmarks, hidden, true, true)) < 1e-9
