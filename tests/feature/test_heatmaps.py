"""Ground-truth heatmaps: a Gaussian at each visible landmark, empty maps for invisible components."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from faceprior.face.components import COMPONENT_LANDMARKS, FLIP, LANDMARKS  # noqa: E402
from faceprior.face.heatmaps import SIGMA, component_kernels, kernel_energy, render_heatmaps  # noqa: E402


def _far_away():
    return torch.full((1, LANDMARKS, 2), -1000.0)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_one_landmark_is_one_gaussian(size):
    points = _far_away()
    points[0, 30] = torch.tensor([70.3, 41.9])
    maps = render_heatmaps(points, torch.ones(1, LANDMARKS, dtype=torch.bool), size)[0].numpy()
    y, x = np.mgrid[:size, :size]
    cx, cy = (np.array([70.3, 41.9]) + 0.5) * size / 128 - 0.5
    expected = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * (SIGMA * size) ** 2))
    np.testing.assert_allclose(maps[1], expected, atol=1e-5)
    assert maps[[0, 2, 3]].max() == 0
    if size == 64:
        assert (maps[1] ** 2).sum() == pytest.approx(kernel_energy(size), rel=1e-3)


def test_invisible_component_is_an_empty_map():
    points = torch.full((1, LANDMARKS, 2), 64.0)
    visible = torch.ones(1, LANDMARKS, dtype=torch.bool)
    visible[0, list(COMPONENT_LANDMARKS["mouth"])] = False
    maps = render_heatmaps(points, visible, 64)
    assert maps[0, 2].max() == 0 and maps[0, 0].max() > 0.8
    assert component_kernels(points, visible).tolist() == [[12, 9, 0, 17]]


def test_landmarks_outside_the_frame_are_not_kernels():
    points = torch.full((1, LANDMARKS, 2), 64.0)
    points[0, :3] = torch.tensor([140.0, 60.0])
    assert component_kernels(points, torch.ones(1, LANDMARKS, dtype=torch.bool))[0, 3] == 14


def test_joined_by_the_maximum():
    points = torch.full((1, LANDMARKS, 2), 64.0)
    assert render_heatmaps(points, torch.ones(1, LANDMARKS, dtype=torch.bool), 64).max() <= 1


def test_flip_is_its_own_inverse_and_keeps_components():
    assert (FLIP[FLIP] == np.arange(LANDMARKS)).all()
    for points in COMPONENT_LANDMARKS.values():
        assert sorted(FLIP[list(points)]) == sorted(points)
