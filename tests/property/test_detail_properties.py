"""Whatever the pixels and wherever the frame: a number from 4 to the frame's side."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprior.face.frame import Frame
from faceprior.photo.detail import LOWEST, effective_side


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), side=st.floats(0.5, 300), seed=st.integers(0, 99),
    x=st.floats(-400, 400), y=st.floats(-400, 400), angle=st.floats(-180, 180), noise=st.floats(0, 60),
    kind=st.sampled_from(["noise", "one pixel", "black and white"]),
)  # fmt: skip
def test_within_its_limits(height, width, side, seed, x, y, angle, noise, kind):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    if kind == "one pixel":
        rgb = np.zeros_like(rgb)
        rgb[height // 2, width // 2] = 255
    elif kind == "black and white":
        rgb = np.where(rgb > 128, 255, 0).astype(np.uint8)
    right = (float(np.cos(np.radians(angle))), float(np.sin(np.radians(angle))))
    found = effective_side(rgb, Frame((x, y), right, side), noise)
    assert LOWEST <= found <= max(LOWEST, side)
