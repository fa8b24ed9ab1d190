"""The losses against values worked out by hand."""

import math

import pytest
import torch

from faceprior.face.heatmaps import component_kernels, render_heatmaps
from faceprior.face.similarity import similarity_matrix
from faceprior.training.losses import (
    adversarial_loss,
    discriminator_loss,
    feature_loss,
    heatmap_loss,
    landmark_loss,
    pixel_loss,
    transform_loss,
)


def test_pixel_loss_is_a_mean_over_everything():
    sr, hr = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    assert pixel_loss(sr, hr).item() == pytest.approx(0.25)
    assert pixel_loss(sr, hr, "l1").item() == pytest.approx(0.5)
    assert pixel_loss(sr, hr, "charbonnier").item() == pytest.approx(math.sqrt(0.25 + 1e-6))


def test_feature_loss_norms():
    features, target = torch.zeros(1, 2, 2, 2), torch.full((1, 2, 2, 2), 3.0)
    assert feature_loss(features, target).item() == pytest.approx(9)
    assert feature_loss(features, target, "relative").item() == pytest.approx(1)  # "all features lost"
    assert feature_loss(features, target, "released").item() == pytest.approx(9 / 127.5**2)


def test_adversarial_losses_match_the_logarithms_of_the_paper():
    real, fake = torch.tensor([[0.3], [-1.2]]), torch.tensor([[0.7], [-0.4]])
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    assert discriminator_loss(real, fake).item() == pytest.approx(
        -(p.log().mean() + (1 - q).log().mean()).item() / 2, rel=1e-5
    )
    assert adversarial_loss(fake).item() == pytest.approx(-q.log().mean().item(), rel=1e-5)
    assert adversarial_loss(fake, "saturating").item() == pytest.approx((1 - q).log().mean().item(), rel=1e-5)


def test_adversarial_losses_are_finite_and_push_at_extreme_logits():
    fake = torch.tensor([[-500.0]], requires_grad=True)
    adversarial_loss(fake).backward()
    assert fake.grad.item() == pytest.approx(-1)  # D is sure it is fake: LU pushes the logit up with full force
    assert math.isfinite(discriminator_loss(torch.tensor([[-500.0]]), torch.tensor([[500.0]])).item())


@pytest.mark.parametrize("size", [16, 32, 64])
def test_heatmap_loss_is_about_one_for_an_empty_prediction(size):
    """Energy norm: one lone landmark of the nose missed costs 1 in that component, and 0 in the three others."""
    places = 32 + 64 * torch.rand(512, 1, 2, generator=torch.Generator().manual_seed(0))
    landmarks, visible = places.expand(512, 68, 2), torch.zeros(512, 68, dtype=torch.bool)
    visible[:, 30] = True
    target, kernels = render_heatmaps(landmarks, visible, size), component_kernels(landmarks, visible)
    assert kernels[0].tolist() == [0, 1, 0, 0]
    loss = heatmap_loss([torch.zeros_like(target)], target, kernels)
    assert loss.item() == pytest.approx(1 / 4, rel=0.02)
    assert heatmap_loss([target], target, kernels).item() == 0


def test_heatmap_loss_divides_by_visible_kernels_only():
    target = torch.zeros(1, 4, 8, 8)
    guess = torch.ones(1, 4, 8, 8)  # squared error: 64 in every component
    kernels = torch.tensor([[12.0, 4.0, 20.0, 0.0]])  # half of the nose hidden, the chin not visible at all
    wanted = (64 / 12 + 64 / 4 + 64 / 20 + 64 / 17) / 4  # an unseen component counts its full 17
    assert heatmap_loss([guess], target, kernels, "sum").item() == pytest.approx(wanted)
    assert heatmap_loss([guess], target, kernels, "mean").item() == pytest.approx(1)


def test_heatmap_loss_supervises_every_stack_and_the_unseen_component():
    target, kernels = torch.zeros(1, 4, 8, 8), torch.tensor([[12.0, 9.0, 20.0, 0.0]])
    stacks = [torch.full((1, 4, 8, 8), 0.1, requires_grad=True) for _ in range(3)]
    heatmap_loss(stacks, target, kernels).backward()
    assert all((maps.grad[0, 3] > 0).all() for maps in stacks)


def test_transform_loss_is_a_distance_in_normalised_units():
    true = torch.from_numpy(similarity_matrix([10.0], [1.05], [0.02], [-0.03])).float()
    assert transform_loss(true, true).item() == 0
    shifted = true.clone()
    shifted[:, 0, 2] += 0.3
    assert transform_loss(shifted, true).item() == pytest.approx(0.09, rel=1e-4)
    assert transform_loss(shifted, true, "distance").item() == pytest.approx(0.3, rel=1e-3)
    one = torch.from_numpy(similarity_matrix([1.0], [1.0], [0.0], [0.0])).float()
    none = torch.from_numpy(similarity_matrix([0.0], [1.0], [0.0], [0.0])).float()
    corner = 2 * math.sqrt(2) * math.sin(math.radians(0.5))  # chord of 1 degree at radius sqrt(2)
    assert transform_loss(one, none).item() == pytest.approx(corner**2 * 4 / 5, rel=1e-3)  # the centre stays


def test_the_distance_norm_follows_the_median_of_labels_and_has_a_gradient_at_the_aim():
    """One label in five far off: squared gives way to it, distance does not."""
    labels = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0])
    true = torch.eye(2, 3).repeat(5, 1, 1)
    true[:, 0, 2] = labels
    for norm, wanted in (("squared", 0.2), ("distance", 0.0)):
        shift = torch.tensor(0.5, requires_grad=True)
        optimiser = torch.optim.Adam([shift], lr=0.01)
        for _ in range(600):
            found = torch.eye(2, 3).repeat(5, 1, 1) + shift * torch.tensor([[0.0, 0, 1], [0, 0, 0]])
            optimiser.zero_grad()
            transform_loss(found, true, norm).backward()
            optimiser.step()
        assert abs(shift.item() - wanted) < 0.03, norm
    same = true.clone().requires_grad_()
    loss = transform_loss(same, true, "distance")
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6) and same.grad.isfinite().all()


def test_the_landmarks_of_either_norm():
    true = torch.eye(2, 3)[None]
    landmarks = torch.rand(1, 68, 2) * 128
    visible = torch.ones(1, 68, dtype=torch.bool)
    off = landmarks + torch.tensor([3.0, 4.0])  # 5 px = 5/64
    for norm, wanted in (("squared", (5 / 64) ** 2), ("distance", 5 / 64)):
        assert landmark_loss([(true, off)], landmarks, visible, true, norm).item() == pytest.approx(wanted, rel=0.01)


def test_log_loss_is_each_faces_psnr():
    """Whatever its error, a face's gradient has the same size: errors ten times as large are no more to it."""
    hr, sr = torch.zeros(2, 3, 128, 128), torch.full((2, 3, 128, 128), 0.02)
    sr[1] *= 10
    wanted = (math.log(0.02**2 + 1e-5) + math.log(0.2**2 + 1e-5)) / 2
    assert pixel_loss(sr, hr, "log").item() == pytest.approx(wanted, rel=1e-5)
    sr.requires_grad_()
    (slope,) = torch.autograd.grad(pixel_loss(sr, hr, "log"), sr)
    moved = (slope * sr.detach()).sum((1, 2, 3))
    assert moved[0].item() == pytest.approx(moved[1].item(), rel=0.05)


def test_log_loss_of_pixels_that_weigh_less_is_apart():
    hr, sr = torch.zeros(3, 3, 128, 128), torch.full((3, 3, 128, 128), 0.1)
    weight = torch.ones(3, 128, 128)
    sr[:, :, :, :32], weight[:2, :, :32], weight[1, :, :16] = 0.5, 0.1, 0.0  # a quarter; half of it is no photo
    seen, guessed = math.log(0.01 + 1e-5), math.log(0.25 + 1e-5)
    mixed = math.log(0.25 * 0.25 + 0.75 * 0.01 + 1e-5)  # of the third all pixels count
    wanted = (2 * (seen + 0.1 * guessed) + mixed) / 3
    assert pixel_loss(sr, hr, "log", weight).item() == pytest.approx(wanted, rel=1e-5)
    weight[:] = 1
    weight[0, 0, :64] = 0.1  # 64 of 16,384 pixels: they count by how many they are
    few = pixel_loss(sr[:1] * 0 + 0.1, hr[:1], "log", weight[:1]).item()
    assert few == pytest.approx(seen * (1 + 0.1 * (64 / 128**2) / 0.05), rel=1e-5)
    weight[0, 64:] = 0  # what has no weight is not there
    assert math.isfinite(pixel_loss(sr, hr, "log", weight * 0).item())


def test_pixel_loss_weighs_pixels_of_each_face():
    sr, hr = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)
    hr[:, :, :2] = 1.0
    weight = torch.ones(2, 4, 4)
    weight[:, :2] = 0.1
    expected = (0.1 * 8 * 1.0 + 8 * 0.25) / (8 * 1.1)
    assert pixel_loss(sr, hr, weight=weight).item() == pytest.approx(expected)
    assert pixel_loss(sr, hr, weight=torch.zeros(2, 4, 4)).item() == 0  # nothing of the face is in its photo


def _scene_pairs():
    from faceprior.dataset.pairs import PairMaker
    from faceprior.dataset.store import FaceStore

    ramp = torch.arange(224, dtype=torch.uint8).expand(3, 3, 224, 224).clone()
    corners = torch.tensor([[0.0, 0.0], [223, 0], [223, 223], [0, 223]]).expand(3, 4, 2)
    landmarks = torch.rand(3, 68, 2) * 60 + 80
    names = ["a.jpg", "b.jpg", "c.jpg"]
    seen = torch.ones(3, 68, dtype=torch.bool)
    store = FaceStore(ramp, landmarks, seen, torch.zeros(3), corners, names, ["s"] * 3, names)
    return PairMaker(store).test(torch.arange(3))


def test_the_truth_in_the_networks_own_frame_moves_with_it():
    from faceprior.networks.mtun import MTUNOutput
    from faceprior.training.config import LossConfig
    from faceprior.training.truth import make_truth

    pairs = _scene_pairs()
    right = torch.eye(3)
    right[0, 2] = 4 / 128  # the network looks two pixels further right
    out = MTUNOutput(pairs.hr, [], pairs.transform @ right)
    label = make_truth(LossConfig(), pairs, out)
    own = make_truth(LossConfig(frame="own", unseen=0.1), pairs, out)
    assert label.hr is pairs.hr and label.landmarks is pairs.landmarks
    torch.testing.assert_close(own.hr[..., :-2], pairs.hr[..., 2:], atol=2.1 / 127.5, rtol=0)
    torch.testing.assert_close(own.landmarks, pairs.landmarks - torch.tensor([2.0, 0.0]), atol=1e-3, rtol=0)
    assert own.weight.unique().tolist() == pytest.approx([0.1, 1.0])
    assert 0.7 < (own.weight == 1).float().mean() < 0.95
    maps, kernels = own.heatmaps(32)
    torch.testing.assert_close(maps, render_heatmaps(own.landmarks, pairs.visible, 32))
    assert kernels.shape == (3, 4)


def test_pixels_outside_the_photo_have_no_weight():
    from faceprior.networks.mtun import MTUNOutput
    from faceprior.training.config import LossConfig
    from faceprior.training.truth import make_truth

    pairs = _scene_pairs()
    assert make_truth(LossConfig(), pairs, MTUNOutput(pairs.hr, [], pairs.transform)).weight is None
    pairs.scene.corners = pairs.scene.corners.clone()
    pairs.scene.corners[0, 1:3, 0] = 111.5  # the first face's photo ends in its middle
    weight = make_truth(LossConfig(), pairs, MTUNOutput(pairs.hr, [], pairs.transform)).weight
    assert weight[0].mean() == pytest.approx(0.5, abs=0.01) and (weight[1:] == 1).all()
