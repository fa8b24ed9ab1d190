"""How much of a restored face goes onto the canvas."""

import pytest

from faceprior.photo.blend import CLEAN, ROUGH, ROUGH_AT, SIZES, face_strength

CLEAR, JPEG_76 = (0.0, 0.0), (ROUGH_AT, 0.0)


@pytest.mark.parametrize("i", range(len(SIZES)))
def test_at_the_sizes_that_were_measured_it_is_what_was_measured(i):
    assert face_strength(SIZES[i], SIZES[i], None, CLEAR) == pytest.approx(CLEAN[i])
    assert face_strength(SIZES[i], SIZES[i], None, JPEG_76) == pytest.approx(ROUGH[i])


def test_on_lanczos_the_face_is_all_there_is():
    assert face_strength(48.0, 48.0, 30.0, None) == 1.0


def test_a_blurred_face_is_the_networks_alone_until_it_is_large():
    """The canvas leaves blur as it is; but from 64 px of detail on the face network sees less than the photo holds."""
    for detail in (12.0, 32.0, 48.0):
        assert face_strength(detail, 2 * detail, None, CLEAR) == 1.0
    assert face_strength(64.0, 128.0, None, CLEAR) == pytest.approx(0.3)
    assert 0.3 < face_strength(56.0, 112.0, None, CLEAR) < 1


def test_a_face_that_agrees_with_its_pixels_counts_more():
    less, plain, more = (face_strength(20.0, 20.0, db, CLEAR) for db in (30.0, None, 50.0))
    assert less < plain < more <= 1
