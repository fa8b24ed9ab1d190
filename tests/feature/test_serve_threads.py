"""What `serve --threads` says holds for the canvas, too: it takes most of the time."""

import numpy as np
import pytest

pytest.importorskip("gradio", reason="needs pip install 'faceprior[web]'")

from faceprior.photo.hog import HogDetector
from faceprior.runtime.upscaler import load
from faceprior.web import server
from faceprior.web.limits import Limits
from faceprior.web.service import Service
from faceprior.web.wanted import parse


def test_the_canvas_has_the_threads_that_were_asked_for(monkeypatch):
    from faceprior.cli import serve as command

    kept = []
    monkeypatch.setattr(server, "serve", lambda service, *rest: kept.append(service))
    monkeypatch.setattr("faceprior.photo.canvas.canvas_for", lambda *given: given)
    command.serve(
        None, False, None, "127.0.0.1", None, 0, "", "embedded", None, True, 1, 2**20, 10**6, 4, 1, 60.0, 60.0
    )
    assert kept[0].canvas() == ("onnx", 1, "f32")


def test_the_canvas_of_a_service_is_the_one_that_enlarges(png):
    asked = []
    limits = Limits()
    service = Service(load(), HogDetector(), limits, canvas=lambda: asked.append(1))
    result, _ = service.restore(png, parse({"canvas": "auto", "scale": "2", "boxes": "[]"}, limits))
    assert asked == [1] and result.canvas.kind == "lanczos"


@pytest.fixture
def png() -> bytes:
    import io

    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)).save(out, "PNG")
    return out.getvalue()
