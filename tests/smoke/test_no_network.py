"""No network at import or inference: sockets raise, and everything but the detector's download goes on."""

import os
import subprocess
import sys

import pytest
from command import any_model
from crafted_images import RGB, saved

BLOCKED = """
import os, socket, sys
tried = []
class NoSocket(socket.socket):
    def __init__(self, *a, **k):
        tried.append(a)
        raise OSError("sockets are blocked")
def none(*a, **k):
    tried.append(a)
    raise OSError("sockets are blocked")
socket.socket, socket.create_connection, socket.getaddrinfo = NoSocket, none, none
"""
MAIN = """
from faceprior.cli.app import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
print("tried", len(tried))
sys.exit(code)
"""


def blocked(program: str, *arguments, cache) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FACEPRIOR_")}
    environment["XDG_CACHE_HOME"] = str(cache)  # no detector in there
    command = [sys.executable, "-c", BLOCKED + program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(RGB, "PNG"))
    return tmp_path / "a.png"


def model() -> list[str]:
    return ["--model", any_model()] if any_model() else []


def test_imports_connect_to_nothing(tmp_path):
    """Every module of the light install."""
    program = """
import importlib, pkgutil, faceprior
for package in ("face", "runtime", "photo", "cli"):
    try:
        importlib.import_module(f"faceprior.{package}")
        names = pkgutil.walk_packages(importlib.import_module(f"faceprior.{package}").__path__, f"faceprior.{package}.")
    except ModuleNotFoundError:
        continue
    for module in names:
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert not error.name.startswith("faceprior"), error
print("tried", len(tried))
"""
    done = blocked(program, cache=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("tried 0\n")


@pytest.mark.parametrize(
    "verb",
    [
        ["demo"],
        ["upscale", "--cropped", "IN"],
        ["upscale", "--photos", "--detector", "embedded", "IN"],
        ["upscale", "--photos", "--offline", "IN"],
    ],
)
def test_inference_connects_to_nothing(verb, photo, tmp_path):
    arguments = [str(photo) if word == "IN" else word for word in verb]
    done = blocked(MAIN, *arguments, *model(), "-o", tmp_path / "out", cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("tried 0\n")


def test_the_detector_alone_may_and_does_without(photo, tmp_path):
    """Two addresses are tried; the embedded detector serves meanwhile, and that is said."""
    done = blocked(MAIN, "upscale", "--photos", photo, *model(), "-o", tmp_path / "out", cache=tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    assert "cannot fetch the face detector (sockets are blocked)" in done.stderr
    assert not done.stdout.endswith("tried 0\n")


@pytest.mark.parametrize("before", ["", "import onnxruntime"], ids=["ours", "imported before"])
def test_onnx_runtime_reports_nothing(before, tmp_path):
    """Its builds keep a number of the machine and a queue of reports in the user's cache, and send them past Python's
    sockets. Where a program has imported it before us, the number is there; the reports are off from then on."""
    program = f"""
{before}
import faceprior, numpy as np, onnxruntime
faceprior.load({model()[1] if model() else None!r}, threads=1)(np.zeros((1, 16, 16, 3), np.uint8))
"""
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, timeout=120)
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    if not before:
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(("chosen", "off"), [(None, True), ("1", True), ("0", False)])
def test_onnx_runtime_that_was_imported_before_us(chosen, off, monkeypatch):
    from types import SimpleNamespace

    from faceprior.silence import SWITCH, silence

    said = []
    other = SimpleNamespace(disable_telemetry_events=lambda: said.append("off"))
    monkeypatch.setitem(sys.modules, "onnxruntime", other)
    monkeypatch.delenv(SWITCH, raising=False)
    if chosen is not None:
        monkeypatch.setenv(SWITCH, chosen)
    silence()
    assert os.environ[SWITCH] == (chosen or "1") and bool(said) == off
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())  # one that has no such switch
    silence()
