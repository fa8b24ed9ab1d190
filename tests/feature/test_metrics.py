"""Metrics against figures computed here by other means: NumPy, known colours, known transforms."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torchmetrics")

from faceprior.dataset.protocol import ALIGNED_Y, PAPER  # noqa: E402
from faceprior.evaluation.consistency import lr_consistency  # noqa: E402
from faceprior.evaluation.heatmaps import centres, score_heatmaps  # noqa: E402
from faceprior.evaluation.identity import TEMPLATE, align, auc, fit_similarity, verification_auc  # noqa: E402
from faceprior.evaluation.metrics import (  # noqa: E402
    PSNR_CAP,
    inside_photo,
    luma,
    psnr,
    score_images,
    ssim,
    to_levels,
)
from faceprior.evaluation.stn import score_transforms  # noqa: E402
from faceprior.face.components import COMPONENTS  # noqa: E402
from faceprior.face.similarity import similarity_matrix  # noqa: E402


def pair(n=2, channels=3, size=128, noise=20.0):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 256, (n, channels, size, size)).astype(np.float32)
    output = np.clip(np.rint(truth * 0.8 + rng.normal(0, noise, truth.shape)), 0, 255).astype(np.float32)
    return torch.from_numpy(output), torch.from_numpy(truth)


def numpy_ssim(a, b):
    """(H, W) each -> the map over whole windows, straight from Wang et al. 2004."""
    t = np.arange(11) - 5
    g = np.exp(-(t**2) / (2 * 1.5**2))
    window = np.outer(g, g) / g.sum() ** 2

    def mean(x):
        return (np.lib.stride_tricks.sliding_window_view(x, (11, 11)) * window).sum((-1, -2))

    a, b = a.astype(np.float64), b.astype(np.float64)
    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * ma * mb + c1) * (2 * vab + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2))


def test_psnr_is_the_mean_of_each_image_s_own():
    output, truth = pair()
    output[1] = truth[1] + (truth[1] < 255).float()
    expected = [
        10 * np.log10(255**2 / np.mean((a - b) ** 2, dtype=np.float64))
        for a, b in zip(output.numpy(), truth.numpy(), strict=True)
    ]
    assert psnr(output, truth).numpy() == pytest.approx(expected, abs=1e-4)
    assert score_images(output, truth, PAPER)["psnr"].numpy() == pytest.approx(expected, abs=1e-4)


def test_identical_images_have_the_documented_cap_and_ssim_1():
    _, truth = pair()
    scores = score_images(truth, truth, PAPER, torch.ones(2, 128, 128, dtype=torch.bool))
    assert scores["psnr"].tolist() == scores["psnr_inside"].tolist() == [PSNR_CAP] * 2
    assert scores["ssim"].numpy() == pytest.approx(1, abs=1e-4)
    one_level = truth.clone()
    one_level[0, 0, 0, 0] += 1 if one_level[0, 0, 0, 0] < 255 else -1
    assert psnr(one_level, truth)[0] < PSNR_CAP


def test_ssim_is_wang_s_over_whole_windows_and_reflected_over_all():
    output, truth = pair(1, size=40)
    channels = list(zip(output[0].numpy(), truth[0].numpy(), strict=True))
    assert float(ssim(output, truth, whole_windows=True)) == pytest.approx(
        np.mean([numpy_ssim(a, b) for a, b in channels]), abs=1e-4
    )
    reflected = [numpy_ssim(np.pad(a, 5, "reflect"), np.pad(b, 5, "reflect")) for a, b in channels]
    assert float(ssim(output, truth)) == pytest.approx(np.mean(reflected), abs=1e-4)


@pytest.mark.parametrize(
    ("rgb", "y"),  # MATLAB: rgb2ycbcr(uint8(cat(3, r, g, b)))
    [
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81),
        ((0, 255, 0), 145),
        ((0, 0, 255), 41),
        ((128, 128, 128), 126),
    ],
)
def test_luma_is_matlab_s(rgb, y):
    assert luma(torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1)).item() == y


def test_aligned_y_scores_the_luma_without_the_border():
    output, truth = pair()
    y = [
        16 + (65.481 * x[:, 0] + 128.553 * x[:, 1] + 24.966 * x[:, 2]) / 255 for x in (output.double(), truth.double())
    ]
    a, b = (x.round()[:, 8:-8, 8:-8].numpy() for x in y)
    scores = score_images(output, truth, ALIGNED_Y)
    assert scores["psnr"].numpy() == pytest.approx(10 * np.log10(255**2 / ((a - b) ** 2).mean((1, 2))), abs=1e-3)
    assert scores["ssim"][0].item() == pytest.approx(numpy_ssim(a[0], b[0]).mean(), abs=1e-4)
    spoiled = output.clone()
    spoiled[..., :8] = 0
    assert torch.equal(score_images(spoiled, truth, ALIGNED_Y)["psnr"], scores["psnr"])


def test_inside_counts_only_those_pixels():
    output, truth = pair()
    inside = torch.zeros(2, 128, 128, dtype=torch.bool)
    inside[0, :, :64] = True
    spoiled = output.clone()
    spoiled[0, :, :, 64:] = 0
    scores = score_images(spoiled, truth, PAPER, inside)
    a, b = output[0, ..., :64].numpy(), truth[0, ..., :64].numpy()
    assert scores["psnr_inside"][0].item() == pytest.approx(10 * np.log10(255**2 / np.mean((a - b) ** 2)), abs=1e-3)
    assert scores["psnr"][0] < scores["psnr_inside"][0]
    assert torch.isnan(scores["psnr_inside"][1]) and torch.isnan(scores["ssim_inside"][1])
    everywhere = score_images(output, truth, PAPER, torch.ones_like(inside))
    for figure in ("psnr", "ssim"):
        assert everywhere[figure].numpy() == pytest.approx(everywhere[f"{figure}_inside"].numpy(), abs=1e-4)


def test_inside_is_the_photo_s_quadrilateral():
    # HR is the context's central 128: a photo from context x = 60 on covers HR columns 12..127.
    upright = [[59.5, -0.5], [223.5, -0.5], [223.5, 223.5], [59.5, 223.5]]
    turned = [[112, 12], [212, 112], [112, 212], [12, 112]]  # a diamond about the middle, |dx| + |dy| <= 100
    inside = inside_photo(torch.tensor([upright, turned]))
    assert not inside[0, :, :12].any() and inside[0, :, 12:].all()
    x, y = np.meshgrid(np.arange(128) + 48, np.arange(128) + 48)
    assert np.array_equal(inside[1].numpy(), np.abs(x - 112) + np.abs(y - 112) <= 100)


def test_levels_are_8_bit():
    assert to_levels(torch.tensor([-1.2, -1, 0, 1, 1.1])).tolist() == [0, 0, 128, 255, 255]


def test_stn_error_of_known_transforms():
    true = similarity_matrix(*np.array([[20, 1.05, 0.02, -0.03], [0, 1, 0, 0], [179, 1, 0, 0], [0, 1, 0, 0]]).T)
    guess = similarity_matrix(*np.array([[20, 1.05, 0.02, -0.03], [0, 1, 0.05, 0], [-179, 1, 0, 0], [0, 1.1, 0, 0]]).T)
    scores = score_transforms(guess, true)
    assert scores["stn_degrees"] == pytest.approx([0, 0, 2, 0], abs=1e-6)
    assert scores["stn_scale"] == pytest.approx([0, 0, 0, 10], abs=1e-6)
    # A shift by 5 % of 128 is 6.4 pixels everywhere; 2 degrees move a pixel at r by 2 sin(1 degree) r.
    radius = np.hypot(*np.meshgrid(np.arange(128) - 63.5, np.arange(128) - 63.5)).mean()
    expected = [0, 6.4, 2 * np.sin(np.radians(1)) * radius, (1 - 1 / 1.1) * radius]
    assert scores["stn_pixels"] == pytest.approx(expected, rel=2e-3, abs=1e-6)


def blob(x, y, size=64, height=1.0):
    t = torch.arange(size, dtype=torch.float32)
    scale = size / 64
    x, y = (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5
    return height * torch.exp(-((t[None] - x) ** 2 + (t[:, None] - y) ** 2) / (2 * (2 * scale) ** 2))


def test_centres_of_known_blobs_at_every_resolution():
    for size in (16, 32, 64):
        maps = torch.stack(
            [blob(20, 40, size), blob(33.5, 12, size, 0.3), blob(10, 10, size) + 0.05, torch.zeros(size, size)]
        )
        expected = torch.tensor([[20, 40], [33.5, 12], [10, 10], [31.5, 31.5]], dtype=torch.float64)
        assert (centres(maps[None])[0] - expected).abs().max() < 0.3


def test_heatmap_scores():
    truth = torch.stack([blob(20, 20), blob(30, 30), blob(32, 45), torch.zeros(64, 64)])[None]
    guess = torch.stack([blob(23, 24), blob(30, 30), blob(32, 45, height=0.1), blob(5, 5, height=0.1)])[None]
    scores = score_heatmaps(guess, truth, torch.tensor([[12.0, 9, 20, 0]]))
    assert list(scores)[:4] == [f"centre_{name}" for name in COMPONENTS]
    assert scores["centre_eyes"] == pytest.approx([5], abs=0.05)
    assert np.isnan(scores["centre_chin"]).all()  # invisible: no centre to miss
    assert scores["centre"] == pytest.approx([5 / 3], abs=0.05)
    assert scores["visibility"] == pytest.approx([0.75])  # the mouth's peak is too low
    assert scores["hidden_found"] == pytest.approx([1])


def test_lr_consistency_looks_where_the_output_covers_the_lr():
    from faceprior.dataset.degrade import reduce_to_lr

    rng = np.random.default_rng(1)
    small = torch.from_numpy(rng.integers(0, 256, (1, 3, 16, 16)).astype(np.float32))
    image = torch.nn.functional.interpolate(small, 128, mode="bicubic").round().clamp(0, 255)
    identity = torch.eye(2, 3)[None]
    assert lr_consistency(image, reduce_to_lr(image), identity).item() == PSNR_CAP
    assert lr_consistency(255 - image, reduce_to_lr(image), identity).item() < 20
    turned = torch.from_numpy(similarity_matrix(45, 1.0, 0, 0)[None].astype(np.float32))
    # A square turned by 45 degrees does not reach the LR's corners, |x| + |y| > sqrt 2: they do not count.
    far = (torch.arange(16) - 7.5).abs() / 8 + 1 / 16
    lr = torch.where(far[None] + far[:, None] > 2**0.5, 0.0, 100.0).expand(1, 3, 16, 16)
    assert lr.min() == 0
    flat = torch.full((1, 3, 128, 128), 100.0)
    assert lr_consistency(flat, lr, turned).item() == PSNR_CAP
    assert lr_consistency(flat, lr, identity).item() < 20


def test_similarity_fit_and_crop():
    a = np.radians(30)
    m = 1.7 * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    target = TEMPLATE @ m.T + [5, -3]
    assert fit_similarity(TEMPLATE, target) == pytest.approx(np.column_stack([m, [5, -3]]))
    assert np.isnan(fit_similarity(TEMPLATE, np.ones((5, 2)))).all()

    landmarks = np.zeros((68, 2))  # a face that already lies on the template, moved by (8, 6) pixels
    landmarks[36:42], landmarks[42:48], landmarks[30], landmarks[48], landmarks[54] = TEMPLATE + np.array([8, 6])
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8)
    assert np.abs(align(image, landmarks).astype(int) - image[6:118, 8:120]).max() <= 1


def test_auc():
    assert auc(np.array([3.0, 4]), np.array([1.0, 2])) == 1
    assert auc(np.array([1.0, 2]), np.array([1.0, 2])) == 0.5
    assert np.isnan(auc(np.array([np.nan]), np.array([1.0])))
    eye = np.eye(4)
    assert verification_auc(eye, eye, ["a", "b", "c", "d"]) == 1
    assert verification_auc(eye, eye[::-1], ["a", "b", "c", "d"]) < 0.5
    assert np.isnan(verification_auc(eye, eye, ["a"] * 4))  # nobody else to be taken for
