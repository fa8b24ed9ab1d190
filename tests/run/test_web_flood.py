"""`faceprior serve` under 200 requests of 20 clients at once, good ones among every kind of bad one.

Promised: each good request gets the right answer (a "busy" is asked again, as its Retry-After says), each bad one a
4xx with a reason; the photos that wait and the memory are bounded; nobody is shown a traceback; no file appears
outside the server's own folder, and no address is asked.
"""

import io
import json
import random
import re
import socket
import threading
import time
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from crafted_images import BAD, png
from PIL import Image
from web_server import WebServer

httpx = pytest.importorskip("httpx", reason="needs pip install 'faceprior[web]'")
pytest.importorskip("gradio", reason="needs pip install 'faceprior[web]'")

CLIENTS, QUEUE, MAX_UPLOAD = 20, 6, 200_000
PATIENCE = 5  # seconds: a twelfth of --timeout
GOOD = {"photo": 30, "jpeg": 24, "json": 20, "zip": 16, "page": 10}
BAD_ONES = {
    "empty": 6, "text": 6, "cut": 8, "bomb": 6, "many pixels": 4, "oversized": 8, "oversized in pieces": 6, "slow": 6,
    "crawling head": 4, "aborted": 10, "aborted late": 4, "options": 6, "not http": 6, "no length": 4,
    "traversal": 8, "traversal in a name": 2, "ssrf": 4, "page reads a file": 2,
}  # fmt: skip
TRAVERSALS = ["/gradio_api/file=/etc/passwd", "/gradio_api/file=..%2f..%2fetc%2fpasswd", "//etc/passwd"]
TRAVERSALS += ["/static/..%2f..%2f..%2fetc/passwd", "/assets/../../../etc/passwd", "/%2e%2e/etc/passwd"]
DEADLINE = 200  # seconds for a client's patience with "busy"


def noise(width: int, height: int, **saving) -> bytes:
    coarse = np.random.default_rng(width).integers(0, 256, (6, 8, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(stream, **saving)
    return stream.getvalue()


PNG, JPEG = noise(120, 90, format="PNG"), noise(200, 160, format="JPEG", quality=90)
ASKED = {
    "photo": ({"answer": "photo", "scale": 3}, PNG),
    "jpeg": ({"answer": "photo", "scale": 2}, JPEG),
    "json": ({"answer": "json", "scale": 2}, PNG),
    "zip": ({"answer": "zip", "scale": 1}, JPEG),
}


def comparable(kind: str, body: bytes) -> object:
    if kind != "zip":
        return timeless(body)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:  # an archive holds the time
        return {name: timeless(archive.read(name)) for name in archive.namelist()}


def timeless(data: bytes) -> bytes:
    """A JSON without the seconds that the photo took; other files as they are."""
    return re.sub(rb'"(estimated_)?seconds": [0-9.]+', b"", data) if data[:1] == b"{" else data


class Clients:
    """What 20 threads do to a server, and what came of it."""

    def __init__(self, server: WebServer, listener: socket.socket):
        self.server, self.seen, self.busy = server, Counter(), 0
        self.trap = f"http://127.0.0.1:{listener.getsockname()[1]}/x.png"
        with httpx.Client(base_url=server.url, timeout=60) as alone:
            self.right = {kind: comparable(kind, self._good(alone, kind)) for kind in ASKED}

    def one(self, kind: str) -> None:
        with httpx.Client(base_url=self.server.url, timeout=60) as client:
            if kind in ASKED:
                assert comparable(kind, self._good(client, kind)) == self.right[kind], kind
            elif kind == "page":
                assert "120x90 is now 360x270" in self._page(client)
            else:
                self._bad(client, kind)
        self.seen[kind] += 1

    def _good(self, client: "httpx.Client", kind: str) -> bytes:
        query, body = ASKED[kind]
        answer = self._patiently(lambda: client.post("/upscale", params=query, content=body))
        assert answer.status_code == 200, answer.text
        return answer.content

    def _patiently(self, ask):
        until = time.monotonic() + DEADLINE
        while True:
            answer = ask()
            if answer.status_code != 503 or time.monotonic() > until:
                return answer
            assert "busy" in answer.json()["error"] and answer.headers["retry-after"]
            self.busy += 1
            time.sleep(random.uniform(0.1, 0.4))

    def _page(self, client: "httpx.Client") -> str:
        """As the page does: upload, join the queue, wait for the event."""
        until = time.monotonic() + DEADLINE
        while True:
            upload = client.post("/gradio_api/upload", files={"files": ("a.png", PNG)})
            assert upload.status_code == 200, upload.text
            photo = {"path": upload.json()[0], "meta": {"_type": "gradio.FileData"}}
            asked = {"data": [photo, 3, 1, 60, False, "auto", False, False, False]}
            joined = client.post("/gradio_api/call/upscale", json=asked)
            text = joined.text
            if joined.status_code == 200:
                text = client.get(f"/gradio_api/call/upscale/{joined.json()['event_id']}").text
                if "event: complete" in text:
                    return text
            assert "Traceback" not in text and time.monotonic() < until, text
            assert "busy" in text or "full" in text.lower(), text
            self.busy += 1
            time.sleep(random.uniform(0.1, 0.4))

    # -- bad requests

    def _bad(self, client: "httpx.Client", kind: str) -> None:
        def post(content: object, **query: object):
            return self._patiently(lambda: client.post("/upscale", params=query, content=content))

        if kind == "empty":
            refused(post(b""), 400, "empty")
        elif kind == "text":
            refused(post(b"#!/bin/sh\nrm -rf /\n" * 50), 415, "not an image")
        elif kind == "cut":
            refused(post(random.choice((PNG, JPEG))[: random.randrange(200, 1000)]), 415, "the photo: ")
        elif kind == "bomb":
            refused(post(random.choice([case.data for name, case in BAD.items() if "header-bomb" in name])), 413, "pix")
        elif kind == "many pixels":
            refused(post(png(9000, 9000, 1, 0, bytes(1125 * 9000))), 413, "megapixels")
        elif kind == "oversized":
            refused(post(bytes(MAX_UPLOAD + 20_000)), 413, f"{MAX_UPLOAD} bytes")
        elif kind == "oversized in pieces":
            refused(self._patiently(lambda: client.post("/upscale", content=pieces())), 413, f"{MAX_UPLOAD} bytes")
        elif kind == "options":
            refused(post(PNG, **random.choice([{"scale": 99}, {"faces": "x"}, {"max_size": "nan"}, {"a": 1}])), 400, "")
        elif kind == "traversal in a name":
            form = {"files": (f"../../../..{self.server.place}/owned.png", PNG)}
            (path,) = client.post("/gradio_api/upload", files=form).json()
            assert Path(path).resolve().is_relative_to(self.server.folder)
        elif kind == "ssrf":
            photo = {"path": self.trap, "url": self.trap, "meta": {"_type": "gradio.FileData"}}
            asked = {"data": [photo, 4, 1, 60, False, "auto", False, False, False]}
            refused(client.post("/gradio_api/call/upscale", json=asked), 400, "addresses")
            refused(post(PNG, url=self.trap), 400, "unknown option")
            assert self._raw(f"GET /gradio_api/proxy={self.trap} HTTP/1.1\r\nHost: localhost\r\n") in (403, 404)
        elif kind == "page reads a file":
            photo = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
            asked = {"data": [photo, 4, 1, 60, False, "auto", False, False, False]}
            refused(client.post("/gradio_api/call/upscale", json=asked), 403, "uploaded")
        else:
            self._bad_bytes(kind)

    def _bad_bytes(self, kind: str) -> None:
        """What httpx would not send."""
        post = "POST /upscale HTTP/1.1\r\nHost: localhost\r\n"
        if kind == "slow":
            started = time.monotonic()
            assert self._raw(f"{post}Content-Length: 5000\r\n", drip=b"x") in (408, 503)
            assert time.monotonic() - started < 10 * PATIENCE
        elif kind == "crawling head":
            started = time.monotonic()
            assert self._raw("GET /health HTTP/1.1\r\nX-Slow: ", drip=b"a", whole=False) == 0
            assert time.monotonic() - started < 10 * PATIENCE
        elif kind == "aborted":
            self._raw(f"{post}Content-Length: 5000\r\n", leave=True)
        elif kind == "aborted late":
            self._raw(f"{post}Content-Length: {len(PNG)}\r\n", body=PNG, leave=True)
        elif kind == "not http":
            assert self._raw(random.choice(["\x16\x03\x01\x02", "GET\r\n", "a" * 90_000])) == 400
        elif kind == "no length":
            wrong = random.choice(["Content-Length: -5", "Content-Length: 1e3", "Transfer-Encoding: gzip"])
            assert self._raw(f"{post}{wrong}\r\n") in (400, 501)
        else:
            assert kind == "traversal"
            path = random.choice(TRAVERSALS)
            assert self._raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n") in (403, 404)

    def _raw(self, head: str, *, body: bytes = b"", drip: bytes = b"", leave: bool = False, whole: bool = True) -> int:
        """Sends these bytes (and then one every so often) -> the status, 0 where there was no answer."""
        with socket.create_connection((self.server.host, self.server.port), timeout=30) as raw:
            with suppress(OSError):  # it may have answered and closed already
                raw.sendall(head.encode("latin-1") + b"Connection: close\r\n\r\n" * whole + body)
                if leave:
                    time.sleep(random.uniform(0, 0.05))
                    return 0
                raw.settimeout(0.1 if drip else 30)
                until, answer = time.monotonic() + 12 * PATIENCE, b""
                while time.monotonic() < until:
                    try:
                        piece = raw.recv(65_536)
                    except TimeoutError:
                        if not drip:
                            break
                        raw.sendall(drip)
                        continue
                    if not piece:
                        break
                    answer += piece
            assert b"Traceback" not in answer and b"root:" not in answer
            return int(answer.split(b" ", 2)[1]) if answer else 0


def pieces():
    for _ in range(20):
        yield bytes(20_000)


def refused(response: "httpx.Response", status: int, words: str) -> None:
    assert response.status_code == status, (response.status_code, response.text[:300])
    reason = response.json()["error"]
    assert words in reason and len(reason.splitlines()) == 1 and "Traceback" not in reason


class Watch(threading.Thread):
    """Looks at the server's memory and queue until it is told to stop."""

    def __init__(self, server: WebServer):
        super().__init__(daemon=True)
        self.server, self.stop = server, threading.Event()
        self.memory, self.photos = [], []

    def run(self) -> None:
        with httpx.Client(base_url=self.server.url, timeout=60) as client:
            while not self.stop.wait(0.05):
                self.memory.append(resident(self.server))
                self.photos.append(client.get("/health").json()["photos"])


def resident(server: WebServer) -> float:
    """MB; 0 where there is no /proc."""
    try:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1000


@pytest.mark.timeout(400)
def test_200_requests_of_20_clients():
    work = [kind for kinds in (GOOD, BAD_ONES) for kind, n in kinds.items() for _ in range(n)]
    assert len(work) == 200
    random.Random(0).shuffle(work)
    flags = ("--max-upload", MAX_UPLOAD, "--max-pixels", 500_000, "--queue", QUEUE, "--timeout", 12 * PATIENCE)
    with socket.create_server(("127.0.0.1", 0)) as trap, WebServer(*flags, "--threads", 1) as server:
        clients, watch = Clients(server, trap), Watch(server)
        for kind in {**GOOD, **BAD_ONES}:  # everything has happened once before memory is looked at
            if kind not in ("slow", "crawling head"):
                clients.one(kind)
        clients.seen.clear()
        # A request of before may still be clearing its own folder away.
        kept = lambda: {p for p in server.place.iterdir() if not p.name.startswith("faceprior-http-")}  # noqa: E731
        before, files = resident(server), kept()
        watch.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            for future in [pool.submit(clients.one, kind) for kind in work]:
                future.result()
        after = resident(server)
        watch.stop.set()
        watch.join()
        assert clients.seen == {**GOOD, **BAD_ONES}
        assert max(watch.photos) <= QUEUE + 1
        deadline = time.monotonic() + 60
        ask = lambda: httpx.get(f"{server.url}/health", timeout=60).json()  # noqa: E731
        while (health := ask())["photos"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert health["photos"] == 0  # every place was given back
        # One photo at work, a few uploads of 200 KB and answers: not a photo for each of the clients and requests.
        # MB. The canvas makes itself ready for up to three kinds of photos, and two photos are inside at a time.
        assert max(watch.memory) - before < 200 and after - before < 100, (before, max(watch.memory), after)
        assert set(server.place.iterdir()) == files and not list(server.place.glob("owned*"))
        trap.settimeout(0)
        with pytest.raises(BlockingIOError):
            trap.accept()
        words = (server.place / "log.txt").read_text()
        assert "Traceback" not in words, words[-3000:]
    print(f"flood: {dict(clients.seen)}; busy {clients.busy} times; {before:.0f} MB before, "
          f"{max(watch.memory):.0f} at most, {after:.0f} after; at most {max(watch.photos)} photos inside")  # fmt: skip


@pytest.mark.timeout(240)
def test_idle_and_half_open_connections_shut_nobody_out():
    """As many as the server takes, each with half a head of a request, or reading nothing of a large answer."""
    flags = ("--timeout", 12 * PATIENCE, "--threads", 1, "--max-pixels", 4_000_000)
    with WebServer(*flags) as server:
        held = []
        for i in range(199):
            raw = socket.create_connection((server.host, server.port), timeout=10)
            raw.sendall((b"", b"GET / HTTP/1.1\r\nHost: ")[i % 2])
            held.append(raw)
        deadline = time.monotonic() + 60
        while True:  # within the time that the server has for them
            with suppress(httpx.HTTPError):
                if httpx.get(f"{server.url}/health", timeout=60).status_code == 200:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        for raw in held:
            raw.close()
        # a client that does not read
        large = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)
        stream = io.BytesIO()
        Image.fromarray(large).save(stream, "PNG")
        body = stream.getvalue()
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect((server.host, server.port))
        head = f"POST /upscale?answer=photo&scale=4 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        raw.sendall(head.encode() + body)
        assert raw.recv(12) == b"HTTP/1.1 200"
        time.sleep(2.5 * PATIENCE)
        got = 0
        with suppress(OSError):
            while piece := raw.recv(65_536):
                got += len(piece)
        raw.close()
        assert got < len(body)  # cut: the answer has 13 MB or more
        assert json.loads(httpx.get(f"{server.url}/health", timeout=60).text)["photos"] == 0
