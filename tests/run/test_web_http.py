"""`POST /upscale` as browsers, curl and Python's requests call it; its description; a proxy's sub-path in front."""

import asyncio
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_proxy import SmallProxy
from web_server import MAX_UPLOAD, WebServer

httpx = pytest.importorskip("httpx", reason="needs pip install 'faceprior[web]'")
pytest.importorskip("gradio", reason="needs pip install 'faceprior[web]'")


@pytest.fixture(scope="module")
def client(web_server):
    with httpx.Client(base_url=web_server.url, timeout=60) as opened:
        yield opened


def picture(width: int = 60, height: int = 50, format: str = "PNG") -> bytes:
    coarse = np.random.default_rng(0).integers(0, 256, (10, 12, 3), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(stream, format)
    return stream.getvalue()


def refused(response, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in response.json()["error"] and "\n" not in response.json()["error"]


def test_a_form_gives_what_the_body_gives(client):
    body = client.post("/upscale", params={"scale": 2, "answer": "json"}, content=picture()).json()
    for given in ({"data": {"scale": "2", "answer": "json"}}, {"params": {"scale": "2", "answer": "json"}}):
        for field in ("photo", "file"):
            form = client.post("/upscale", files={field: ("a.png", picture())}, **given).json()
            assert form["faces"] == body["faces"] and form["scale"] == 2
    form = {"data": {"scale": "2", "answer": "json"}, "files": {"photo": picture()}}
    both = client.post("/upscale", params={"scale": 3}, **form)
    assert both.json()["scale"] == 2  # the form's goes first
    between = client.post("/upscale", data={"scale": "2.5", "answer": "json"}, files={"photo": picture()})
    assert between.json()["scale"] == 2.5
    empty = client.post("/upscale", data={"scale": "", "answer": "json"}, files={"photo": picture()})
    assert empty.json()["scale"] == 4  # a field left empty is none


def test_an_option_that_is_repeated(client):
    """As Python's requests send a list: only its last number was taken."""
    boxes = "[[2, 2, 10, 10], [22, 2, 10, 10], [42, 2, 10, 10]]"
    chosen = {"boxes": boxes, "answer": "json"}
    for form in (True, False):

        def ask(options: dict, form=form):
            given = {"data": options, "files": {"photo": picture()}} if form else {"params": options}
            return client.post("/upscale", **given, **({} if form else {"content": picture()}))

        reasons = [face.get("reason") for face in ask({**chosen, "faces": ["1", "3"]}).json()["faces"]]
        assert [reason == "not chosen" for reason in reasons] == [False, True, False], reasons
        refused(ask({**chosen, "faces": ["1", "x"]}), 400, "faces: not a value")
        refused(ask({**chosen, "scale": ["2", "3"]}), 400, "scale: given twice")
        refused(ask({**chosen, "boxes": [boxes, boxes]}), 400, "boxes: given twice")
        refused(ask({**chosen, "scal": ["2", "3"]}), 400, "unknown option 'scal'")


def test_curls_data_binary_is_the_photo(client):
    headers = {"content-type": "application/x-www-form-urlencoded"}  # as curl calls whatever it sends
    answer = client.post("/upscale?answer=photo&scale=1", content=picture(), headers=headers)
    assert answer.status_code == 200 and Image.open(io.BytesIO(answer.content)).size == (60, 50)


def test_bad_forms_get_a_reason(client):
    photo = ("a.png", picture())
    refused(client.post("/upscale", files={"x": (None, "text")}), 400, "holds no file")
    refused(client.post("/upscale", files=[("a", photo), ("b", photo)]), 400, "Too many files")
    refused(client.post("/upscale", files={"photo": photo}, data={"scal": "2"}), 400, "unknown option 'scal'")
    refused(client.post("/upscale", files={"photo": photo}, data={"scale": "nine"}), 400, "scale: not a value")
    refused(client.post("/upscale", files={"photo": photo}, data={"scale": "9"}), 400, "scale 9: expected")
    refused(client.post("/upscale", files={"photo": ("a.png", b"")}), 400, "empty")
    refused(client.post("/upscale", files={"photo": ("a.png", b"x" * (MAX_UPLOAD + 20_000))}), 413, "bytes")
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        refused(client.post("/upscale", content=b"--y\r\n\r\nno form", headers={"content-type": kind}), 400, "form")
    assert client.get("/health").json()["photos"] == 0


def test_the_files_are_named_after_the_upload(client):
    def names(filename: str) -> list[str]:
        answer = client.post("/upscale", files={"photo": (filename, picture())}, data={"scale": "1", "sheet": "false"})
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            told = re.search(r"filename\*=UTF-8''(\S+)\.zip", answer.headers["content-disposition"])[1]
            assert httpx.URL(f"http://x/{told}").path == f"/{Path(archive.namelist()[0]).stem.split('/')[0]}"
            return archive.namelist()

    assert names("party.jpg") == ["party-restored.json", "party-restored.png"]  # by what it is, not by its ending
    assert names("ein Foto ü.png")[1] == "ein Foto ü-restored.png"
    for wicked in ("../../etc/passwd", "..\\x.png", "a\0b\r\nc: d.png", '"; rm.png', "..", "x" * 4000):
        for name in names(wicked):
            assert not re.search(r'[/\\\0\r\n";:]|\.\.', name) and len(name) < 120


def test_options_of_the_command(client):
    def ask(**options) -> dict:
        return client.post("/upscale", data={"answer": "json", **options}, files={"photo": picture()}).json()

    found = ask(boxes="[[10, 5, 24, 24], [5, 44, 3, 3]]")["faces"]
    assert [face["box"] for face in found] == [[10, 5, 24, 24], [5, 44, 3, 3]]
    assert [face["reason"] for face in ask(boxes="[[10, 10, 24, 24]]", faces="2")["faces"]] == ["not chosen"]
    (note,) = [note for note in ask(boxes="[[10, 10, 6, 6]]")["notes"] if "too small" in note]
    assert " min_size 7 " in note and "--" not in note  # as the option is called here
    assert ask(any_turn="true", scale="1")["scale"] == 1
    assert "boxes: not a value" in ask(boxes="[[1, 2]]")["error"]
    assert "boxes: not a value" in ask(boxes="[" * 5000)["error"]
    assert "no sharp variant" in ask(sharp="true")["error"]  # the tests' small model has none
    cropped = client.post("/upscale", params={"cropped": "1", "answer": "photo"}, content=picture())
    assert cropped.status_code == 200, cropped.text
    assert Image.open(io.BytesIO(cropped.content)).size == (128, 128)
    entry = ask(cropped="on")["faces"][0]
    assert set(entry["components"]) == {"eyes", "nose", "mouth", "chin"} and "alignment" in entry


def test_a_cropped_face_is_answered_as_one_in_a_photo(client):
    """Its JSON had names of its own, its grey became RGB, and what its file said was lost."""
    stream, texts = io.BytesIO(), PngInfo()
    texts.add_text("Author", "A. Nonymous")
    Image.open(io.BytesIO(picture())).convert("L").save(stream, "PNG", pnginfo=texts, dpi=(100, 100))
    given = {"files": {"photo": ("a.png", stream.getvalue())}}
    told = client.post("/upscale", data={"cropped": "true", "answer": "json"}, **given).json()
    photo = client.post("/upscale", data={"boxes": "[[10, 5, 24, 24]]", "answer": "json"}, **given).json()
    assert set(told) == set(photo) and told["kind"] == "cropped" and (told["width"], told["height"]) == (50, 50)
    assert {"number", "box", "size", "score", "network", "lr_consistency_db"} <= set(told["faces"][0])
    archive = client.post("/upscale", data={"cropped": "true"}, **given)
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        written = json.loads(files.read("a-restored.json"))
        assert set(written["faces"][0]["files"].values()) <= set(files.namelist())
        assert {**written, "canvas": 0} == {**told, "canvas": 0}
        face = Image.open(io.BytesIO(files.read(written["files"]["photo"])))
        face.load()
    assert (face.mode, face.size, face.text["Author"]) == ("L", (128, 128), "A. Nonymous")
    assert face.info["dpi"][0] == pytest.approx(256, abs=1)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/upscale", "POST"),
        ("PUT", "/upscale", "POST"),
        ("DELETE", "/upscale", "POST"),
        ("OPTIONS", "/upscale", "POST"),
        ("POST", "/health", "GET, HEAD"),
        ("POST", "/docs", "GET, HEAD"),
        ("PUT", "/openapi.json", "GET, HEAD"),
    ],
)
def test_the_wrong_verb_is_405(client, method, path, allowed):
    answer = client.request(method, path)
    refused(answer, 405, f"{path} takes")
    assert answer.headers["allow"] == allowed


def test_the_description_says_what_the_server_does(client):
    from faceprior.web.wanted import FIELDS

    said = client.get("/openapi.json").json()
    assert said["openapi"].startswith("3.1") and set(said["paths"]) == {"/upscale", "/health"}
    post = said["paths"]["/upscale"]["post"]
    options = {parameter["name"]: parameter["schema"] for parameter in post["parameters"]}
    form = post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
    assert set(options) == set(FIELDS) and set(form) == {*FIELDS, "photo"}
    # Every default and example is taken; what lies outside a range is not.
    given = {name: schema.get("default", schema.get("example", True)) for name, schema in options.items()}
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    del given["sharp"]
    assert client.post("/upscale", params=given, content=picture(200, 150)).status_code == 200
    for name, schema in options.items():
        for limit, step in (("minimum", -1), ("maximum", 1)):
            if limit in schema:
                answer = client.post("/upscale", params={name: schema[limit] + step}, content=picture())
                refused(answer, 400, "expected")
    reference = "#/components/schemas/"
    for use in re.findall(rf'"\$ref": ?"{reference}(\w+)"', json.dumps(said)):
        assert use in said["components"]["schemas"]
    health = client.get("/health").json()
    schema = said["components"]["schemas"]["Health"]
    assert set(health) == set(schema["properties"]) == set(schema["required"])


def test_the_page_of_the_description(client, web_server):
    page = client.get("/docs")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert f"{web_server.url}/upscale" in page.text and "<script" not in page.text
    from faceprior.web.wanted import FIELDS

    assert all(f"<code>{name}</code>" in page.text for name in FIELDS)
    spoilt = client.get("/docs", headers={"x-forwarded-host": 'a"><script>'})
    assert "<script" not in spoilt.text


@pytest.mark.parametrize(
    ("root", "path", "header", "passed", "prefix"),
    [
        ("", "/upscale", None, "/upscale", ""),
        ("/faces", "/faces/upscale", None, "/upscale", "/faces"),
        ("/faces", "/upscale", None, "/upscale", "/faces"),
        ("/faces", "/faces", None, "/", "/faces"),
        ("/faces", "/facesx", None, "/facesx", "/faces"),
        ("", "/a/b/upscale", "/a/b/", "/upscale", "/a/b"),
        ("/faces", "/other/health", "/other", "/health", "/other"),
        ("", "/health", "//evil.example", "/health", ""),
        ("", "/health", "/../x", "/health", ""),
        ("", "/health", "/a\"><script>", "/health", ""),
    ],
)
def test_the_sub_path_is_taken_off(root, path, header, passed, prefix):
    from faceprior.web.prefix import Prefix, current

    seen = []

    async def application(scope, receive, send):
        seen.append((scope["path"], scope["raw_path"].decode(), current()))
        told = dict(scope["headers"]).get(b"x-forwarded-host", b"").decode()
        assert told == (f"example.org{current()}" if current() else "")

    headers = [(b"host", b"example.org"), *([(b"x-forwarded-prefix", header.encode())] if header else [])]
    scope = {"type": "http", "path": path, "raw_path": path.encode(), "headers": headers}
    asyncio.run(Prefix(application, root)(scope, None, None))
    assert seen == [(passed, passed, prefix)] and current() == ""


@pytest.mark.parametrize("root", ["faces", "/a b", "//x", "/..", "http://x/"])
def test_a_root_path_that_is_none(root):
    from faceprior import FacepriorError
    from faceprior.web.prefix import checked

    with pytest.raises(FacepriorError, match="--root-path"):
        checked(root)
    assert checked("/faces/") == "/faces" and checked("/") == ""


def use_behind(proxy: SmallProxy, tmp_path: Path) -> None:
    """The page, its files, the HTTP address and its description through a proxy."""
    from gradio_client import Client, handle_file

    (tmp_path / "a.png").write_bytes(picture())
    with httpx.Client(base_url=proxy.url, timeout=60) as asking:
        page = asking.get("/")
        assert page.status_code == 200
        config = asking.get("/config").json()
        assert config["root"] == proxy.url, config["root"]
        for asset in re.findall(r'(?:src|href)="\./(assets/[^"]+)"', page.text)[:3]:
            assert asking.get(f"/{asset}").status_code == 200
        assert asking.post("/upscale", files={"photo": picture()}, data={"answer": "json"}).json()["scale"] == 4
        assert asking.get("/openapi.json").json()["servers"] == [{"url": "/faces"}]
        assert f'action="{proxy.url}/upscale"' in asking.get("/docs").text
        # What the queue makes after the request has the sub-path in its addresses, too.
        sent = asking.post("/gradio_api/upload", files={"files": ("a.png", picture())}).json()[0]
        photo = {"path": sent, "meta": {"_type": "gradio.FileData"}}
        asked = {"data": [photo, 2, 1, 60, False, "lanczos", False, False, False]}
        event = asking.post("/gradio_api/call/upscale", json=asked).json()["event_id"]
        addresses = re.findall(r'"url": ?"([^"]+)"', asking.get(f"/gradio_api/call/upscale/{event}").text)
        assert len(addresses) >= 5 and all(address.startswith(f"{proxy.url}/") for address in addresses)
    client = Client(f"{proxy.url}/", verbose=False, download_files=str(tmp_path / "got"))
    summary, pair, _, _, photo, *_ = client.predict(
        handle_file(tmp_path / "a.png"), scale=2, strength=1, max_size=60, consistent=False, canvas="lanczos",
        any_turn=False, sharpness=0, api_name="/upscale",
    )  # fmt: skip
    assert "60x50 is now 120x100" in summary and Image.open(photo).size == (120, 100)
    assert Image.open(pair[0]).size == Image.open(pair[1]).size


def test_behind_a_proxy_that_names_its_sub_path(web_server, tmp_path):
    with SmallProxy(web_server.host, web_server.port, "/faces", strips=True, says=True) as proxy:
        use_behind(proxy, tmp_path)


def test_behind_a_proxy_with_root_path(tmp_path):
    with WebServer("--root-path", "/faces") as server:
        for strips in (True, False):
            with SmallProxy(server.host, server.port, "/faces", strips=strips, says=False) as proxy:
                use_behind(proxy, tmp_path)
