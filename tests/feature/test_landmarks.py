"""Landmark files, and the 39-point profiles of Menpo."""

import numpy as np
import pytest
from drawn_faces import turned_face, write_pts

from faceprior.face.components import FLIP
from faceprior.face.frame import Frame
from faceprior.face.landmarks import PROFILE_SEEN, from_profile, parse_pts, read_pts
from faceprior.face.pose import head_pose

# The 39 points in the words of the mark-up, as slots of the 68, for a face that looks to image right.
# 10 to 12 (from 0) lie on the chin's front, which the 68 do not have; the jaw's ten and the brow's four are resampled.
JAW = np.linspace(0, 8, 10)
BROW = np.linspace(17, 21, 4)
REST = [27, 28, 29, 30, 33, 31, 38, 37, 36, 41, 40, 51, 50, 49, 48, 59, 58, 57, 62, 61, 60, 67, 66]


def along(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.column_stack([np.interp(at, np.arange(68), points[:, k]) for k in (0, 1)])


def annotated_profile(landmarks: np.ndarray) -> np.ndarray:
    """What an annotator would mark of a face that looks to image right: (39, 2)."""
    front = np.stack([landmarks[8], (landmarks[8] + landmarks[57]) / 2])
    return np.concatenate([along(landmarks, JAW), front, along(landmarks, BROW), landmarks[REST]])


def test_pts_counts_from_one(tmp_path):
    landmarks = turned_face(10)
    write_pts(tmp_path / "a.pts", landmarks)
    points, visible = read_pts(tmp_path / "a.pts")
    assert visible is None
    np.testing.assert_allclose(points, landmarks, atol=1e-4)


@pytest.mark.parametrize("roll", [-60, 0, 35])
def test_profile_fills_the_slots_of_its_side(roll):
    landmarks = turned_face(75, roll=roll)
    points, visible = from_profile(annotated_profile(landmarks))
    assert visible.sum() == PROFILE_SEEN.sum() == 37
    seen = np.flatnonzero(visible)
    distance = np.hypot(*(points - landmarks)[seen].T)
    assert distance[seen > 26].max() < 1e-9  # nose, eye and mouth are taken as they are
    assert distance.max() < 8  # jaw and brow are resampled along their own line


def test_mirrored_profile_is_the_other_side():
    profile = annotated_profile(turned_face(75, roll=10))
    points, visible = from_profile(profile)
    mirrored, mirrored_visible = from_profile(profile * [-1, 1])
    np.testing.assert_allclose(mirrored, points[FLIP] * [-1, 1])
    assert (mirrored_visible == visible[FLIP]).all()
    assert visible[0] and not visible[16]
    assert mirrored_visible[16] and not mirrored_visible[0]


def test_profile_has_a_frame_and_a_pose():
    landmarks = turned_face(80, roll=25)
    points, visible = from_profile(annotated_profile(landmarks))
    frame = Frame.from_landmarks(points)
    truth = Frame.from_landmarks(landmarks)
    assert frame.side == pytest.approx(truth.side, rel=0.02)
    assert frame.angle == pytest.approx(25, abs=2)
    assert head_pose(points, visible).yaw == pytest.approx(80, abs=8)
    assert np.isfinite(points).all()
    # The slots that the annotation lacks are filled so that they do not move the frame.
    shown = Frame.from_landmarks(np.where(visible[:, None], points, np.nan))
    assert frame.side == pytest.approx(shown.side) and frame.centre == pytest.approx(shown.centre)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a .pts file"),
        ("{\n1 2\n}", "1 landmarks; 68 or 39 are needed"),
        ("{\n" + "1 2\n" * 67 + "a b\n}", "not numbers"),
        ("{\n" + "1 2\n" * 67 + "nan 2\n}", "not finite"),
        ("{\n" + "1 2\n" * 67 + "1 2 3\n}", "not two numbers"),
    ],
)
def test_bad_pts_says_why(text, reason):
    with pytest.raises(ValueError, match=reason):
        parse_pts(text)
