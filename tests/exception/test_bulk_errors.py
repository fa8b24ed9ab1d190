"""`upscale --engine ray`: what is refused before anything starts, and without Ray."""

import sys

import pytest
from command import faceprior  # noqa: F401  a fixture


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--faces", "1"], "--faces"),
        (["--boxes", "b.json"], "--boxes"),
        (["--cropped", "--sheet"], "--sheet"),
        (["--photos", "--heatmaps"], "--heatmaps"),
        (["--faces-only"], "--faces-only"),
        (["--cropped", "--photos"], "choose one"),
        (["--engine", "spark"], "expected local or ray"),
    ],
)
def test_what_the_engine_cannot_keep_is_named(faceprior, options, said, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    ran = faceprior("upscale", "in", "--engine", "ray", *options)
    assert ran.status == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_addresses_need_the_engine(faceprior):  # noqa: F811
    ran = faceprior("upscale", "s3://bucket/faces")
    assert (ran.status, ran.out) == (2, "")
    assert "s3://bucket/faces: addresses like this one need --engine ray" in ran.err


def test_without_ray_its_extra_is_named(faceprior, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "ray", None)
    ran = faceprior("upscale", tmp_path, "--engine", "ray")
    assert ran.status == 2
    assert "pip install 'faceprior[ray]'" in ran.err
