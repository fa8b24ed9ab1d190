"""What holds for every pose and every name."""

import numpy as np
from drawn_faces import turned_face
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprior.dataset.split import TEST, VAL, split_of
from faceprior.face.components import FLIP
from faceprior.face.landmarks import from_profile
from faceprior.face.pose import head_pose, visible_from_pose

angle = st.floats(-80, 80)


@settings(deadline=None)
@given(angle, st.floats(-30, 30), st.floats(-170, 170), st.floats(1, 1000), st.floats(-1e4, 1e4))
def test_pose_ignores_size_and_place(yaw, pitch, roll, scale, x):
    pose = head_pose(turned_face(yaw, pitch, roll, scale=scale, centre=(x, -x)))
    np.testing.assert_allclose([pose.yaw, pose.pitch, pose.roll], [yaw, pitch, roll], atol=1e-4)


@settings(deadline=None)
@given(angle, st.integers(0, 1000))
def test_a_mirrored_face_has_the_opposite_yaw(yaw, seed):
    noisy = turned_face(yaw) + np.random.default_rng(seed).normal(0, 2, (68, 2))
    a, b = head_pose(noisy), head_pose(noisy[FLIP] * [-1, 1])
    np.testing.assert_allclose([b.yaw, b.pitch, b.roll], [-a.yaw, a.pitch, -a.roll], atol=1e-6)


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-90, 90))
def test_visibility_is_defined_everywhere(yaw, pitch):
    assert visible_from_pose(yaw, pitch).shape == (68,)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(-180, 180))
def test_a_rotated_profile_reads_the_same(seed, degrees):
    points = np.random.default_rng(seed).normal(0, 3, (39, 2))
    points[:10] += np.linspace((-60, 0), (20, 90), 10)  # ear to chin: looks right
    points[12:27] += (25, -10)
    points[16:22] += (25, 20)
    points[27:] += (25, 60)
    t = np.radians(degrees)
    turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
    still, seen = from_profile(points)
    turned, turned_seen = from_profile(points @ turn.T)
    np.testing.assert_allclose(turned, still @ turn.T, atol=1e-9)
    assert (seen == turned_seen).all() and seen[0]


@given(st.text(), st.text(), st.text())
def test_split_is_one_of_three_and_stable(source, person, salt):
    assert split_of(source, person, salt) == split_of(source, person, salt) in ("train", "val", "test")


def test_split_shares():
    splits = [split_of("s", str(i)) for i in range(20_000)]
    assert abs(splits.count("test") / 20_000 - TEST) < 0.01
    assert abs(splits.count("val") / 20_000 - VAL) < 0.005
