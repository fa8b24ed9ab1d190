"""`faceprior serve`: a real server on loopback, asked by HTTP and by gradio_client, well and badly."""

import asyncio
import io
import json
import os
import re
import socket
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from web_server import MAX_UPLOAD

from faceprior.runtime.weights import ASSETS

httpx = pytest.importorskip("httpx", reason="needs pip install 'faceprior[web]'")
pytest.importorskip("gradio", reason="needs pip install 'faceprior[web]'")


@pytest.fixture(scope="module")
def client(web_server):
    with httpx.Client(base_url=web_server.url, timeout=60) as opened:
        yield opened


def picture(width: int = 120, height: int = 100, **saving) -> bytes:
    """A photo without a face."""
    random = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(random).resize((width, height), Image.Resampling.BICUBIC).save(
        stream, **(saving or {"format": "PNG"})
    )
    return stream.getvalue()


def refused(response, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["error"] and "\n" not in response.json()["error"]
    assert "Traceback" not in response.text


def test_a_photo_by_http(client, tmp_path):
    from faceprior.web.example import write_example

    body = write_example(tmp_path).read_bytes()
    answer = client.post("/upscale", params={"scale": 2}, content=body)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"photo.png", "photo.json"} <= set(archive.namelist())
        data = json.loads(archive.read("photo.json"))
        assert Image.open(io.BytesIO(archive.read("photo.png"))).size == (96, 96)
    assert (data["width"], data["scale"]) == (48, 2)
    same = client.post("/upscale", params={"scale": 2, "answer": "json"}, content=body).json()
    assert same["faces"] == data["faces"]
    photo = client.post("/upscale", params={"answer": "photo"}, content=picture(format="JPEG"))
    assert photo.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(photo.content)).size == (480, 400)


def test_bad_requests_get_a_reason(client):
    refused(client.post("/upscale", content=b""), 400, "empty")
    refused(client.post("/upscale", content=b"GIF89a and no more"), 415, "the photo")
    refused(client.post("/upscale", content=picture()[:300]), 415, "damaged")
    refused(client.post("/upscale", content=os.urandom(MAX_UPLOAD + 20_000)), 413, f"{MAX_UPLOAD} bytes")
    refused(client.post("/upscale", content=picture(4000, 4000, format="JPEG", quality=5)), 413, "16.0 megapixels")
    for query, words in (
        ({"scale": 9}, "1 to 8"),
        ({"scale": "x"}, "scale"),
        ({"strength": "nan"}, "strength"),
        ({"url": "http://127.0.0.1/"}, "unknown option"),
        ({"answer": "exe"}, "zip"),
    ):
        refused(client.post("/upscale", params=query, content=picture()), 400, words)
    assert client.get("/upscale").status_code == 405


def test_an_upload_in_pieces_is_counted(client):
    def pieces():
        for _ in range(40):
            yield os.urandom(16_384)

    refused(client.post("/upscale", content=pieces()), 413, "bytes")
    form = {"files": ("a.png", os.urandom(MAX_UPLOAD + 50_000))}
    refused(client.post("/gradio_api/upload", files=form), 413, "bytes")


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../etc/passwd",
        "/gradio_api/file=%2Fetc%2Fpasswd",
        "/gradio_api/file=http://127.0.0.1:1/",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1:1/",
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2f..%2f..%2fetc/passwd",
        "/gradio_api/vibe-code",
        "/gradio_api/run/upscale",
        "/monitoring",
        "/redoc",
        "/docs/oauth2-redirect",
    ],
)
def test_no_file_and_no_route_beyond_the_page(client, web_server, path):
    with socket.create_connection((web_server.host, web_server.port), timeout=20) as raw:  # httpx would tidy the path
        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: {web_server.host}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65_536), b""))
    status = int(answer.split(b" ", 2)[1])
    assert status in (403, 404), answer[:300]
    assert b"root:" not in answer and b"Traceback" not in answer


def test_files_that_were_not_uploaded_and_addresses_are_refused(client, web_server):
    def join(path):
        photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
        asked = {"data": [photo, 4, 1, 60, False, "auto", False, False, False]}
        return client.post("/gradio_api/call/upscale", json=asked)

    refused(join("/etc/passwd"), 403, "not uploaded")
    refused(join(str(web_server.folder / ".." / "x")), 403, "not uploaded")
    for address in ("http://127.0.0.1:1/x.png", "https://example.com/x.png", "ftp://x/y", "file:///etc/passwd"):
        refused(join(address), 400, "addresses are not fetched")
    refused(join(["/etc/passwd"]), 400, "addresses")
    refused(client.post("/gradio_api/call/upscale", content=b"{"), 400, "not JSON")
    refused(client.post("/gradio_api/queue/join", content=b"[" * 100_000), 400, "not JSON")
    refused(client.post("/gradio_api/queue/join", content=b"[1]"), 400, "not a JSON object")
    refused(client.post("/gradio_api/queue/join", content=b" " * 2**19), 413, "larger")


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e999", "-Infinity"])
def test_numbers_that_json_has_not(number, client):
    """Gradio's own answer to them was a 500."""
    for path in ("cancel", "reset", "queue/join", "call/upscale"):
        body = f'{{"data": [null, {number}, 1, 60, false]}}'.encode()
        refused(client.post(f"/gradio_api/{path}", content=body), 400, "not JSON")


def test_forms_that_are_none(client, web_server):
    headers = {"content-type": "multipart/form-data; boundary=x"}
    a_field = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\nx\r\n--x--\r\n'
    refused(client.post("/gradio_api/upload", content=a_field, headers=headers), 400, "form")
    for body in (b"", b"--x", b"zz"):
        answer = client.post("/gradio_api/upload", content=body, headers=headers)
        assert answer.status_code < 500 and "Traceback" not in answer.text  # a list of no files, at most
    assert client.get("/health").status_code == 200


def test_a_defect_is_not_shown():
    """The guard before an application that fails, having said so and not."""
    from faceprior.web.folder import PrivateFolder
    from faceprior.web.guard import INTERNAL, Guard
    from faceprior.web.limits import Limits

    async def silent(scope, receive, send):
        raise RuntimeError("secret")

    async def speaking(scope, receive, send):
        await send({"type": "http.response.start", "status": 500, "headers": []})
        await send({"type": "http.response.body", "body": b"Traceback: secret"})
        raise RuntimeError("secret")

    for application in (silent, speaking):
        sent = []

        async def send(message, sent=sent):
            sent.append(message)

        with PrivateFolder(60) as folder:
            scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
            asyncio.run(Guard(application, Limits(), folder)(scope, None, send))
        assert sent[0]["status"] == 500 and json.loads(sent[1]["body"]) == {"error": INTERNAL} and len(sent) == 2


def test_a_link_in_the_private_folder_leads_nowhere(client, web_server):
    link = web_server.folder / "link.png"
    link.symlink_to("/etc/passwd")
    assert client.get(f"/gradio_api/file={link}").status_code == 403
    link.unlink()


def test_gradio_client(web_server, tmp_path):
    from gradio_client import Client, handle_file

    (tmp_path / "a photo ü.png").write_bytes(picture())
    (tmp_path / "bad.png").write_bytes(b"nothing")
    client = Client(web_server.url, verbose=False, download_files=str(tmp_path / "got"))
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == {"/upscale"}
    summary, pair, _, _, photo, archive, table = client.predict(
        handle_file(tmp_path / "a photo ü.png"), scale=3, strength=1, max_size=60, consistent=False, canvas="lanczos",
        any_turn=False, sharpness=0, keep_sharpening=True, api_name="/upscale",
    )  # fmt: skip
    assert "120x100 is now 360x300" in summary
    assert Image.open(photo).size == (360, 300) and Image.open(pair[0]).size == Image.open(pair[1]).size
    assert json.loads(Path(table).read_text())["photo"] == Path(photo).name == "a photo ü-restored.png"
    assert zipfile.is_zipfile(archive)
    with pytest.raises(Exception, match="not an image") as caught:
        client.predict(handle_file(tmp_path / "bad.png"), 4, 1, 60, False, "auto", False, False, api_name="/upscale")
    assert "\n" not in str(caught.value) and str(web_server.folder) not in str(caught.value)


def test_the_page_says_what_was_sharpened_and_keeps_it(web_server, tmp_path):
    from gradio_client import Client, handle_file

    with Image.open(ASSETS / "astronauts.jpg") as group:
        small = group.convert("RGB").resize((group.width // 2, group.height // 2), Image.Resampling.BICUBIC)
    small.filter(ImageFilter.UnsharpMask(1, 120, 0)).save(tmp_path / "group.png")
    client = Client(web_server.url, verbose=False, download_files=str(tmp_path / "got"))

    def said(keep: bool) -> str:
        photo = handle_file(tmp_path / "group.png")
        return client.predict(photo, 2, 1, 60, False, "network", False, 0, keep_sharpening=keep, api_name="/upscale")[0]

    found, kept = said(False), said(True)
    assert "it was sharpened" in found and "“Keep sharpening” keeps it" in found and "--" not in found
    assert "sharpen" not in kept


def test_many_at_once_are_bounded(client):
    """More than one at work and three that wait are told so; those that were let in get their photo."""

    def ask(_):
        return client.post("/upscale", params={"answer": "photo", "scale": 4}, content=picture(200, 160))

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, range(12)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) >= 4 and set(statuses) <= {200, 503}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    for answer in answers:
        if answer.status_code == 503:
            refused(answer, 503, "busy")
    assert client.get("/health").json()["status"] == "ok"


def test_aborted_uploads_leave_no_place_taken(client, web_server):
    for _ in range(8):
        with socket.create_connection((web_server.host, web_server.port)) as raw:
            raw.sendall(b"POST /upscale HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n" + b"x" * 100)
    time.sleep(0.3)
    assert client.post("/upscale", params={"answer": "json"}, content=picture()).status_code == 200
    assert "Traceback" not in (web_server.place / "log.txt").read_text()


def test_the_page_names_no_other_site(client):
    page = client.get("/")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*?(?:src|href)=\"(https?://[^\"]+)", page.text)
    assert not [address for address in loaded if "127.0.0.1" not in address]
    assert "googleapis" not in client.get("/theme.css").text


def test_old_files_are_removed():
    from faceprior.web.folder import PrivateFolder

    with PrivateFolder(keep=0.2) as folder:
        result = folder.new()
        assert result.stat().st_mode & 0o077 == 0 and folder.path.stat().st_mode & 0o077 == 0
        (result / "upload.png").write_bytes(b"x")
        assert folder.holds(str(result / "upload.png")) and not folder.holds("/etc/passwd")
        deadline = time.monotonic() + 20
        while result.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not result.exists()
    assert not folder.path.exists()


def test_a_slow_upload_ends():
    """The guard alone, before an application that waits for the whole body."""
    from faceprior.web.folder import PrivateFolder
    from faceprior.web.guard import Guard
    from faceprior.web.limits import Limits

    sent = []

    async def application(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        raise AssertionError("the body never ends")

    async def receive():
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message):
        sent.append(message)

    guard = Guard(application, Limits(timeout=1.0), PrivateFolder(60))
    scope = {"type": "http", "method": "POST", "path": "/upscale", "headers": []}
    started = time.monotonic()
    asyncio.run(guard(scope, receive, send))
    guard.folder.path.rmdir()
    assert sent[0]["status"] == 408 and time.monotonic() - started < 10
    assert json.loads(sent[1]["body"]) == {"error": "the upload took more than 1 seconds"}


def test_an_upload_that_crawls_ends_early_and_one_that_flows_has_its_time():
    from faceprior.web.guard import SLOWEST, Body
    from faceprior.web.limits import Limits

    body = Body(None, 10**9, Limits(timeout=120), None)
    assert body.deadline - body.began == 10
    body.count = 20 * SLOWEST
    assert body.deadline - body.began == 30
    body.count = 10**9
    assert body.deadline - body.began == 120


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "rebound.example"}, 403),
        ({"host": "rebound.example:7860"}, 403),
        ({"host": "127.0.0.1.rebound.example"}, 403),
        ({"host": "[::1]:1"}, 200),
        ({"host": "LOCALHOST:99"}, 200),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"}, 403),
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 200),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "cors"}, 200),
    ],
)
def test_pages_of_other_sites_are_refused(headers, status, client):
    assert client.get("/health", headers=headers).status_code == status
    if status == 403:
        refused(client.post("/upscale", headers=headers, content=picture()), 403, "this server")


def test_another_name_is_allowed_by_its_flag():
    from web_server import WebServer

    with WebServer("--allow-host", "Faces.Example") as server, httpx.Client(base_url=server.url) as asking:
        assert asking.get("/health", headers={"host": "faces.example"}).status_code == 200
        assert asking.get("/health", headers={"host": "other.example"}).status_code == 403


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--max-upload", "1"], "--max-upload 1"),
        (["--queue", "0"], "--queue 0"),
        (["--timeout", "0"], "--timeout 0"),
        (["--model", "absent.onnx"], "absent.onnx"),
    ],
)
def test_flags_are_checked(flags, words, monkeypatch, capsys):
    from faceprior.cli.app import main

    monkeypatch.setattr("sys.argv", ["faceprior", "serve", *flags])
    with pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == 2 and words in said and len(said.strip().splitlines()) == 1
