"""Head pose and self-occlusion of the mean face."""

import numpy as np
import pytest
from drawn_faces import turned_face

from faceprior.face.components import FLIP, JAW
from faceprior.face.frame import Frame
from faceprior.face.pose import head_pose, mean_face, visible_from_landmarks, visible_from_pose


def test_mean_face_is_symmetric_and_in_its_axes():
    face = mean_face()
    np.testing.assert_allclose(face[FLIP] * [-1, 1, 1], face, atol=2e-5)
    np.testing.assert_allclose(face[36:42].mean(0), [-0.5, 0, 0], atol=2e-4)
    assert face[30, 2] == face[:, 2].min()  # the nose tip is nearest
    assert face[0, 2] == face[:, 2].max()  # the ears are farthest
    outer = face[45, 0] - face[36, 0]
    assert 0.4 < (face[36, 2] - face[30, 2]) / outer < 0.7  # anatomy: the tip is half an outer-eye distance ahead


@pytest.mark.parametrize("pose", [(0, 0, 0), (30, 10, 5), (-70, -20, 12), (85, 0, -40)])
def test_pose_of_the_turned_mean_face_is_exact(pose):
    found = head_pose(turned_face(*pose))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx(pose, abs=1e-6)
    assert found.error < 1e-9


def test_signs():
    assert turned_face(40)[30, 0] > turned_face(0)[30, 0]  # yaw > 0: the nose goes to image right
    assert turned_face(0, 20)[30, 1] < turned_face(0)[30, 1]  # pitch > 0: it goes up
    assert Frame.from_landmarks(turned_face(0, 0, 15)).angle == pytest.approx(15, abs=1e-6)


def test_frontal_face_hides_nothing_and_a_profile_half():
    assert visible_from_pose(0, 0).all()
    assert visible_from_pose(15, 10).all()
    profile = visible_from_pose(85, 0)
    assert not profile[[15, 45, 54, 26, 35]].any()  # the far jaw, eye, mouth corner, brow and nostril
    assert profile[[1, 36, 39, 48, 17, 27, 30, 31, 33, 57]].all()  # the near side and the midline


@pytest.mark.parametrize("yaw", [-80, -45, 20, 60])
@pytest.mark.parametrize("pitch", [-20, 0, 20])
def test_mirrored_pose_mirrors_visibility(yaw, pitch):
    assert (visible_from_pose(-yaw, pitch) == visible_from_pose(yaw, pitch)[FLIP]).all()


def test_more_yaw_hides_more_of_the_far_jaw():
    far = [i for i in JAW if i > 8]
    counts = [visible_from_pose(yaw, 0)[far].sum() for yaw in (0, 30, 45, 60, 90)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 8 and counts[-1] == 0


def test_visibility_from_landmarks_follows_their_pose():
    assert (visible_from_landmarks(turned_face(60, 5, 30)) == visible_from_pose(60, 5)).all()


def test_too_few_landmarks_have_no_pose():
    with pytest.raises(ValueError, match="too few"):
        head_pose(turned_face(), np.arange(68) < 5)
    with pytest.raises(ValueError, match="one point"):
        head_pose(np.zeros((68, 2)))
