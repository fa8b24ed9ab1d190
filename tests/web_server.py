"""`faceprior serve` as a process of its own on a free port of loopback, with a small random model."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from random_models import small_onnx

MAX_UPLOAD, MAX_PIXELS = 300_000, 400_000
COMMAND = [sys.executable, "-c", "from faceprior.cli.app import main; main()"]


class WebServer:
    """A context manager. url; host, port; folder: the server's own; place: what holds it.

    model: a packaged one's name, or a file; without it a small random one is made.
    """

    def __init__(self, *flags: object, model: str | None = None):
        self.flags, self.model = [str(flag) for flag in flags], model

    def __enter__(self) -> "WebServer":
        self.place = Path(tempfile.mkdtemp(prefix="faceprior-tests-"))
        command = [
            *COMMAND,
            "serve",
            "--port",
            "0",
            "--detector",
            "embedded",
            "--model",
            self.model or str(small_onnx()),
            *self.flags,
        ]
        self.log = (self.place / "log.txt").open("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True, env={**os.environ, "TMPDIR": str(self.place)}
        )
        line = self.process.stdout.readline()
        if "http://" not in line:
            self.process.wait(20)
            raise RuntimeError(f"the server did not start: {(self.place / 'log.txt').read_text()}")
        self.url = line.split()[1]
        self.host, self.port = urlsplit(self.url).hostname, urlsplit(self.url).port
        (self.folder,) = self.place.glob("faceprior-web-*")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        self.words = (self.place / "log.txt").read_text()
        left = self.folder.exists()
        shutil.rmtree(self.place, ignore_errors=True)
        assert not left, "the server left its folder behind"
