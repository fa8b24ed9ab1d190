"""Frame 2: the conformance vectors, and what must hold of any face."""

import numpy as np
import pytest
from drawn_faces import turned_face
from hypothesis import given
from hypothesis import strategies as st

from faceprior.face.frame import Frame
from faceprior.face.landmarks import PROFILE_SEEN
from faceprior.face.turned import TurnedFace


@pytest.mark.data
def test_conformance_of_the_frame(vectors):
    for landmarks, (x, y, angle, side, yaw) in zip(vectors["landmarks"], vectors["frame"], strict=True):
        frame = Frame.from_landmarks(landmarks)
        assert frame.centre == pytest.approx((x, y), abs=0.02)
        assert frame.side == pytest.approx(side, abs=0.02)
        assert frame.angle == pytest.approx(angle, abs=0.01)
        assert TurnedFace.fit(landmarks).yaw == round(yaw)


@given(
    yaw=st.floats(-85, 85),
    roll=st.floats(-180, 180),
    scale=st.floats(5, 300),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_a_turned_head_has_its_frontal_size_and_its_roll(yaw, roll, scale, x, y):
    frame = Frame.from_landmarks(turned_face(yaw, 0, roll, scale=scale, centre=(x, y)))
    assert frame.side == pytest.approx(2.95 * scale, rel=2e-3)  # yaws are whole degrees: half a degree off is 0.0012
    assert (frame.angle - roll + 180) % 360 - 180 == pytest.approx(0, abs=0.1)


@given(noise=st.integers(0, 2**32 - 1), angle=st.floats(-180, 180), scale=st.floats(0.1, 10))
def test_the_frame_moves_with_the_picture(noise, angle, scale):
    points = turned_face(30, 10, 5) + np.random.default_rng(noise).normal(0, 2, (68, 2))
    a = np.radians(angle)
    turn = scale * np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    one, other = Frame.from_landmarks(points), Frame.from_landmarks(points @ turn.T + (7, -3))
    assert other.side == pytest.approx(one.side * scale)
    assert other.centre == pytest.approx(tuple(turn @ one.centre + (7, -3)), abs=1e-6 * other.side)
    assert (other.angle - one.angle - angle + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_jaw_brows_and_inner_lips_have_no_say():
    points = turned_face(20, 5, 10)
    spoilt = points.copy()
    spoilt[:27] += 40
    spoilt[60:] -= 30
    assert Frame.from_landmarks(spoilt) == Frame.from_landmarks(points)


def test_part_of_the_landmarks_is_enough():
    points = turned_face(70, 0, 15)
    part = Frame.from_landmarks(np.where(PROFILE_SEEN[:, None], points, np.nan))
    assert part.side == pytest.approx(2.95 * 52, rel=1e-3)
    assert part.angle == pytest.approx(15, abs=0.1)


def test_too_few_landmarks_or_all_on_one_point_have_no_frame():
    points = np.full((68, 2), np.nan)
    points[30] = 1, 2
    with pytest.raises(ValueError, match="1 landmarks of nose, eyes and mouth; 3 are needed"):
        Frame.from_landmarks(points)
    with pytest.raises(ValueError, match="one point"):
        Frame.from_landmarks(np.ones((68, 2)))
