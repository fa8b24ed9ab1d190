"""The `faceprior` command in this process, for speed, with a small model; what a user sees of it."""

import functools
import importlib.util
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest


class Ran(NamedTuple):
    status: int
    out: str
    err: str


@functools.cache
def any_model() -> str | None:
    """A small random model where PyTorch can make one, else $FACEPRIOR_TEST_MODEL, else None: the packaged one."""
    if named := os.environ.get("FACEPRIOR_TEST_MODEL"):
        return named
    if importlib.util.find_spec("torch"):
        from random_models import small_onnx

        return str(small_onnx())
    from faceprior.runtime.weights import registry

    return None if registry()[0] else pytest.skip("neither PyTorch nor a packaged model nor $FACEPRIOR_TEST_MODEL")


@pytest.fixture
def faceprior(monkeypatch, capsys):
    """Runs `faceprior ARGUMENTS` -> Ran. The model is loaded once a session."""
    from faceprior.cli.app import main
    from faceprior.runtime import upscaler

    monkeypatch.setattr(upscaler, "load", _load)

    def call(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["faceprior", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def upscale(faceprior):
    """`faceprior upscale` in one of two ways: upscale("cropped", ...), upscale("photos", ...)."""

    def call(mode: str, *arguments: str | Path) -> Ran:
        # Strength 0: the photo comes out as it was decoded, whatever the embedded detector takes for a face.
        whole = ("--photos", "--detector", "embedded", "--scale", "1", "--strength", "0", "--no-sheet")
        how = whole if mode == "photos" else ("--cropped", "--no-sheet")
        model = ("--model", any_model()) if any_model() else ()
        return faceprior("upscale", *how, *model, *arguments)

    return call


@functools.cache
def _load_once(model: str | None):
    from faceprior.runtime.backends.onnx import OnnxBackend
    from faceprior.runtime.upscaler import Upscaler, _find, read_checked

    name, path, sha256, _ = _find(model, "onnx")
    data, sha256 = read_checked(path, sha256)
    return Upscaler(OnnxBackend(data, str(path), device="cpu", threads=1), name, sha256)


def _load(model=None, **_options):
    return _load_once(model)
