"""The page names only what it has."""

import pytest

from faceprior.photo.options import PhotoOptions
from faceprior.photo.said import Left, advice
from faceprior.web.labels import LARGEST, in_page_words


@pytest.mark.parametrize("sizes", [(6.0,), (5.0, 6.5, 7.9), (2.0,)])
def test_tiny_faces_are_said_without_an_option_that_the_page_lacks(sizes):
    (line,) = advice([Left(f"too small: {size:.0f} px < 8", size) for size in sizes], PhotoOptions())
    said = in_page_words(line)
    assert said.startswith(line.split(":")[0]) and "--" not in said and "takes" not in said


def test_large_faces_are_said_with_the_page_s_slider():
    (line,) = advice([Left("too large: 90 px of detail > 60", 90.0)], PhotoOptions())
    assert f"“{LARGEST}” 90 takes it, too" in in_page_words(line)
