"""The page in a real Chromium, on a desktop and on a phone: upload, wait, read, download.

FACEPRIOR_SCREENSHOTS=folder keeps what it looks like. Debian's chromium, or the one that FACEPRIOR_CHROMIUM names.
"""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageFilter
from small_proxy import SmallProxy
from web_server import WebServer

from faceprior.runtime.weights import ASSETS

pytest.importorskip("gradio", reason="needs pip install 'faceprior[web]'")
playwright = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
CHROMIUM = os.environ.get("FACEPRIOR_CHROMIUM") or shutil.which("chromium")
SCREENS = {"desktop": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium: apt-get install chromium, or set FACEPRIOR_CHROMIUM")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def server():
    """With the packaged model: the random ones see no face in anything."""
    with WebServer("--timeout", 240, model="standard") as running:
        yield running


@pytest.fixture
def opened(browser, server, request):
    """The page on a screen, and every address that it asked for."""
    yield from open_page(browser, server.url, request.param)


def open_page(browser, url: str, screen: str):
    width, height = SCREENS[screen]
    phone = screen == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=phone, has_touch=phone, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(url)
    page.wait_for_selector("#restore")
    yield screen, page, asked
    context.close()


def two_faces(path: Path) -> Path:
    """The packaged portrait twice, its face 24 pixels wide: 152x82, the left face's middle at (41, 33)."""
    with Image.open(ASSETS / "astronaut.jpg") as portrait:
        small = portrait.convert("RGB").resize((58, 58), Image.Resampling.BICUBIC)
    photo = Image.new("RGB", (152, 82), (120, 120, 130))
    photo.paste(small, (12, 12))
    photo.paste(small, (82, 12))
    photo.save(path, quality=95)
    return path


def wait_for_result(page, words: str = "is now") -> str:
    page.wait_for_function(
        "words => document.querySelector('#summary').innerText.includes(words)", arg=words, timeout=180_000
    )
    page.wait_for_selector("#slider img")
    page.wait_for_selector("#boxes img")
    return page.inner_text("#summary")


def shown_of(page, selector: str) -> float:
    """The part of an element's height that is within the window."""
    return page.evaluate(
        """selector => { const r = document.querySelector(selector).getBoundingClientRect();
        return Math.max(0, Math.min(r.bottom, innerHeight) - Math.max(r.top, 0)) / r.height; }""",
        selector,
    )


@pytest.mark.parametrize("opened", SCREENS, indirect=True)
def test_upload_see_choose_download(opened, server, tmp_path):
    screen, page, asked = opened
    assert not page.is_visible("#downloads") and not page.is_visible("#faces")
    page.set_input_files("#photo input[type=file]", two_faces(tmp_path / "party.jpg"))
    page.wait_for_selector("#slider .progress-text, #slider .progress-level", state="attached")
    assert "2 faces restored; 152x82 is now 608x328" in wait_for_result(page)
    page.wait_for_timeout(1000)
    assert shown_of(page, "#summary") == 1 and shown_of(page, "#slider") > 0.5  # in view, on a phone as well
    keep(page, f"result-{screen}")

    # One face before and after, and back.
    page.locator("#faces .grid-container button").nth(1).click()
    page.get_by_text("Face 2: enlarged | restored").wait_for()
    page.wait_for_timeout(1000)
    assert shown_of(page, "#slider") > 0.5
    keep(page, f"near-{screen}")
    page.click("#whole")
    page.get_by_text("Whole photo: enlarged | restored").wait_for()

    # A click on the left face's box leaves it out; the checkbox puts it back.
    box = page.locator("#boxes img").bounding_box()
    page.locator("#boxes img").click(position={"x": box["width"] * 41 / 152, "y": box["height"] * 33 / 82})
    assert "1 face restored; 1 left as found (not chosen: 1)" in wait_for_result(page, "not chosen")
    assert not page.locator("#chosen input").nth(0).is_checked() and page.locator("#chosen input").nth(1).is_checked()
    page.locator("#chosen input").nth(0).check()
    wait_for_result(page, "2 faces restored")

    for name, file in (("photo", "party-restored.jpg"), ("zip", "party-restored.zip"), ("json", "party-restored.json")):
        with page.expect_download() as download:
            page.click(f"#get-{name}")
        assert download.value.suggested_filename == file
        if name == "photo":
            with Image.open(download.value.path()) as image:
                assert image.size == (608, 328)
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen][0]  # nothing hangs out
    foreign = [address for address in asked if not address.startswith((server.url, "data:", "blob:"))]
    assert not foreign


@pytest.mark.parametrize("opened", ["phone"], indirect=True)
def test_the_example_and_another_photo(opened, tmp_path):
    _, page, _ = opened
    page.click("#example")
    assert "1 face restored; 48x48 is now 384x384" in wait_for_result(page)
    assert not page.is_visible("#chosen")  # one face: nothing to choose
    page.locator("#photo button[aria-label*=lear], #photo button[aria-label*=emove]").first.click()
    page.wait_for_function("!document.querySelector('#summary').innerText.includes('is now')")
    assert not page.is_visible("#downloads")
    page.set_input_files("#photo input[type=file]", two_faces(tmp_path / "party.jpg"))
    wait_for_result(page, "2 faces restored")


def test_behind_a_proxy(browser, server, tmp_path):
    with SmallProxy(server.host, server.port, "/faces", strips=True, says=True) as proxy:
        for _, page, asked in open_page(browser, f"{proxy.url}/", "desktop"):
            page.set_input_files("#photo input[type=file]", two_faces(tmp_path / "party.jpg"))
            wait_for_result(page, "2 faces restored")
            with page.expect_download() as download:
                page.click("#get-photo")
            assert download.value.suggested_filename == "party-restored.jpg"
            assert not [address for address in asked if not address.startswith((proxy.url, "data:", "blob:"))]


@pytest.mark.parametrize("opened", ["phone"], indirect=True)
def test_sharpening_is_kept_where_that_is_chosen(opened, tmp_path):
    _, page, _ = opened
    with Image.open(ASSETS / "astronauts.jpg") as group:
        small = group.convert("RGB").resize((group.width // 2, group.height // 2), Image.Resampling.BICUBIC)
    small.filter(ImageFilter.UnsharpMask(1, 120, 0)).save(tmp_path / "group.png")
    page.set_input_files("#photo input[type=file]", tmp_path / "group.png")
    assert "it was sharpened" in (said := wait_for_result(page)) and "“Keep sharpening” keeps it" in said
    page.locator("#options").get_by_text("Options").click()
    page.locator("#keep-sharpening input").check()
    keep(page, "options-phone")
    page.click("#restore")
    page.wait_for_function("!document.querySelector('#summary').innerText.includes('sharpened')", timeout=180_000)
    assert "is now" in wait_for_result(page)


@pytest.mark.parametrize("opened", ["desktop"], indirect=True)
def test_a_bad_file_is_one_line(opened, tmp_path):
    _, page, _ = opened
    (tmp_path / "bad.png").write_bytes(b"no picture")
    page.set_input_files("#photo input[type=file]", tmp_path / "bad.png")
    page.get_by_text("not an image that Pillow reads").first.wait_for(timeout=20_000)
    assert "Traceback" not in page.content()
    keep(page, "bad-desktop")


def keep(page, name: str) -> None:
    folder = os.environ.get("FACEPRIOR_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(1500)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
