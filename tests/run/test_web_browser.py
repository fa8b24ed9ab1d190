"""The page in a real Chromium, on a desktop and on a phone: upload, wait, read, download.

FACEPRIOR_SCREENSHOTS=folder keeps what it looks like. Debian's chromium, or the one that FACEPRIOR_CHROMIUM names.
"""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

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


@pytest.fixture
def opened(browser, web_server, request):
    """The page on a screen, and every address that it asked for."""
    width, height = SCREENS[request.param]
    phone = request.param == "phone"
    context = browser.new_context(
        viewport={"width": width, "height": height}, is_mobile=phone, has_touch=phone, accept_downloads=True
    )
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(web_server.url)
    page.wait_for_selector("#restore")
    yield request.param, page, asked
    context.close()


def wait_for_result(page) -> str:
    page.wait_for_function("document.querySelector('#summary').innerText.includes('is now')", timeout=60_000)
    page.wait_for_selector("#slider img", timeout=20_000)
    page.wait_for_selector("#boxes img", timeout=20_000)
    return page.inner_text("#summary")


@pytest.mark.parametrize("opened", SCREENS, indirect=True)
def test_upload_wait_read_download(opened, web_server, tmp_path):
    screen, page, asked = opened
    Image.effect_noise((200, 150), 40).convert("RGB").save(tmp_path / "party.jpg")
    page.set_input_files("#photo input[type=file]", tmp_path / "party.jpg")
    assert "200x150 is now 800x600" in wait_for_result(page)
    with page.expect_download() as download:
        page.click("#get-photo")
    with Image.open(download.value.path()) as image:
        assert image.size == (800, 600)
    assert page.evaluate("document.documentElement.scrollWidth") <= SCREENS[screen][0]  # nothing hangs out
    foreign = [address for address in asked if not address.startswith((web_server.url, "data:", "blob:"))]
    assert not foreign
    keep(page, f"upload-{screen}")


@pytest.mark.parametrize("opened", SCREENS, indirect=True)
def test_the_example(opened):
    screen, page, _ = opened
    page.click("#example")
    assert "48x48 is now 384x384" in wait_for_result(page)
    keep(page, f"example-{screen}")


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
