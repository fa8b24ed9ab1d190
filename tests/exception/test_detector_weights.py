"""The detector's file over a loopback server: whole, wrong, cut short, refused; and where it is looked for."""

import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from faceprior import FacepriorError
from faceprior.photo import detect, detector_weights
from faceprior.photo.boxes import read_boxes
from faceprior.photo.detector_weights import Unavailable, fetch
from faceprior.photo.hog import HogDetector

DATA = bytes(range(256)) * 40
SHA256 = hashlib.sha256(DATA).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/whole": DATA, "/wrong": DATA[::-1], "/long": DATA * 3, "/short": DATA}.get(self.path)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
            return
        if self.path == "/slow":
            self.server.released.wait(5)
            return
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:100] if self.path == "/short" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.released = threading.Event()
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.released.set()
        running.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch, tmp_path):
    monkeypatch.delenv(detector_weights.VARIABLE, raising=False)
    monkeypatch.setattr(detector_weights, "cache_folder", lambda: tmp_path / "cache")
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


def fetched(target: Path, *urls: str, timeout: float = 5.0) -> Path:
    return fetch(target, urls, sha256=SHA256, size=len(DATA), timeout=timeout)


def test_a_whole_file_is_kept(server, tmp_path):
    target = tmp_path / "new" / "folder" / "file.onnx"
    assert fetched(target, f"{server}/moved") == target
    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == ["file.onnx"]


@pytest.mark.parametrize(
    "path, reason",
    [
        ("wrong", "another SHA-256"),
        ("long", "more than the 10240 bytes"),
        ("short", "broke off after 100 of 10240 bytes"),
        ("absent", "status 404"),
        ("slow", "timed out"),
    ],
)
def test_anything_else_is_refused_and_leaves_nothing(server, tmp_path, path, reason):
    target = tmp_path / "file.onnx"
    with pytest.raises(Unavailable, match=reason) as caught:
        fetched(target, f"{server}/{path}", timeout=0.5)
    assert "\n" not in str(caught.value) and "--detector-weights" in str(caught.value)
    assert not list(tmp_path.glob("*file*"))


def test_a_refused_connection_goes_on_to_the_next_address(server, tmp_path):
    target = tmp_path / "file.onnx"
    assert fetched(target, "http://127.0.0.1:9/file", f"{server}/wrong", f"{server}/whole").read_bytes() == DATA
    with pytest.raises(Unavailable, match="refused"):
        fetched(tmp_path / "other.onnx", "http://127.0.0.1:9/file")


def test_a_cache_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="cannot keep the face detector"):
        fetched(tmp_path / "file" / "weights.onnx", f"{server}/whole")


def test_where_the_file_is_looked_for(monkeypatch, tmp_path):
    mine = tmp_path / "mine.onnx"
    mine.write_bytes(b"x")
    assert detector_weights.detector_weights(mine) == mine
    monkeypatch.setenv(detector_weights.VARIABLE, str(mine))
    assert detector_weights.detector_weights() == mine
    with pytest.raises(FacepriorError, match=r"no such file \(--detector-weights\)"):
        detector_weights.detector_weights(tmp_path / "absent")
    monkeypatch.setenv(detector_weights.VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(FacepriorError, match=detector_weights.VARIABLE):
        detector_weights.detector_weights()
    monkeypatch.delenv(detector_weights.VARIABLE)
    with pytest.raises(Unavailable, match="fetch https://"):
        detector_weights.detector_weights(offline=True)


def test_a_damaged_cache_is_fetched_again(monkeypatch, tmp_path):
    cached = tmp_path / "cache" / detector_weights.NAME
    cached.parent.mkdir()
    cached.write_bytes(b"damaged")
    monkeypatch.setattr(detector_weights, "fetch", lambda target: ("fetched", target))
    assert detector_weights.detector_weights() == ("fetched", cached)


def test_offline_there_is_a_detector_and_a_warning():
    warnings: list[str] = []
    assert isinstance(detect.make_detector(offline=True, warn=warnings.append), HogDetector)
    assert len(warnings) == 1 and "misses" in warnings[0]
    assert isinstance(detect.make_detector("embedded"), HogDetector)
    with pytest.raises(Unavailable):
        detect.make_detector("yunet", offline=True)
    with pytest.raises(FacepriorError, match="expected auto, yunet, embedded"):
        detect.make_detector("best")


def test_a_named_file_that_is_no_detector_is_an_error(tmp_path):
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no onnx")
    with pytest.raises(FacepriorError, match=r"bad.onnx: not a detector.*--detector-weights"):
        detect.make_detector(weights=bad)


def test_boxes_of_a_user(tmp_path):
    path = tmp_path / "boxes.json"
    path.write_text("[[1, 2, 30, 40]]")
    assert read_boxes(path)[0].box == (1, 2, 30, 40)
    path.write_text('{"faces": [{"box": [1, 2, 30, 40], "score": 0.5, "turn": 2}]}')
    assert (read_boxes(path)[0].score, read_boxes(path)[0].turn) == (0.5, 2)
    path.write_text('{"a.jpg": [[1, 2, 3, 4]], "b.jpg": []}')
    assert read_boxes(path, Path("some/b.jpg")) == []
    for text in ("[[1, 2, 3]]", "[[1, 2, 0, 4]]", "[1]", '{"c.jpg": []}', "nonsense", "[[1, 2, NaN, 4]]"):
        path.write_text(text)
        with pytest.raises(FacepriorError, match=r"boxes\.json"):
            read_boxes(path, Path("b.jpg"))
    with pytest.raises(FacepriorError, match="no such file"):
        read_boxes(tmp_path / "absent.json")


def test_the_packaged_templates_are_whole():
    features = HogDetector().tile(np.full((90, 100, 3), 128, np.uint8))
    assert features.shape == (0, 15)
