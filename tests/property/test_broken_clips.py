"""Clips with bytes changed or cut off: a result or one line, of any of them; then the next one."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

av = pytest.importorskip("av", reason="needs pip install 'faceprior[video]'")

from clips import Fraction, grey, write_clip  # noqa: E402

from faceprior import FacepriorError  # noqa: E402
from faceprior.photo.options import PhotoOptions  # noqa: E402
from faceprior.video.convert import upscale_video  # noqa: E402

SEEDS: dict[str, bytes] = {}
TAPE = {"codec": "mpeg2video", "options": {"flags": "+ildct+ilme", "q": "2"}}
KINDS = {
    "a.mp4": {"sounds": ["aac"], "aspect": Fraction(4, 3), "tags": (1, 1, 1, 1), "metadata": {"title": "a"}},
    "b.mov": {"sounds": ["pcm_s16le"], "timecode": "01:02:03:04"},
    "c.mkv": {"sounds": ["mp2", "aac"], "tags": (9, 1, 9, 14)},
    "d.avi": {"codec": "mpeg4", "options": {}, "sounds": ["adpcm_ms"]},
    "e.mpg": {**TAPE, "sounds": ["mp2"]},
}


def seed(name: str) -> bytes:
    if name not in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            SEEDS[name] = write_clip(Path(folder, name), grey(), **KINDS[name]).read_bytes()
    return SEEDS[name]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(sorted(KINDS)), chance=st.integers(0, 2**32 - 1), cut=st.booleans())
@example(name="d.avi", chance=29588, cut=False)  # sound of 0 channels
def test_broken_clips_are_read_or_refused(name, chance, cut):
    random, data = np.random.default_rng(chance), bytearray(seed(name))
    for at in random.integers(len(data), size=random.integers(1, 12)):
        data[at] = random.integers(256)
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder, name), Path(folder, "out")
        clip.write_bytes(data[: random.integers(1, len(data))] if cut and chance % 3 == 0 else data)
        try:
            report = upscale_video(clip, out, None, lambda rgb: [], PhotoOptions(1))
        except FacepriorError as error:
            assert len(str(error).splitlines()) == 1
            assert not out.exists() or not list(out.iterdir())
        else:
            assert report.frames > 0 and report.target.stat().st_size > 0
