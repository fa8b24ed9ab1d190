"""Do the packaged models give the same picture from JavaScript, in Node and in a browser, and how long do they take?

    npm install --ignore-scripts onnxruntime-node onnxruntime-web      (in any folder)
    pip install playwright                                             (and Debian's chromium)
    python benchmarks/javascript.py --packages FOLDER/node_modules

Both models see the packaged portrait's face, through `examples/javascript/restore.mjs`: in Node, and in headless
Chromium by a page that a server on loopback gives it. Printed: the differences, in grey levels, from Python's ONNX
Runtime on this machine, and the milliseconds of one face, one thread. Then the example page itself is given that face
as a PNG file, and what is on its canvas is compared, too.
"""

import argparse
import json
import subprocess
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnx
from PIL import Image

import faceprior
from faceprior.runtime.weights import ASSETS

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "javascript"
# File, pixels of the face, quality of its JPEG file. told.onnx: standard.onnx, whose `condition` may not be left out.
CASES = (("standard.onnx", 16, 100), ("standard-32.onnx", 32, 100), ("told.onnx", 16, 75))
ROUNDS = 10

# Given: `ort`, `restore`, and `read`, which gives a file's bytes.
MEASURE = """
const found = {};
for (const [file, side, quality] of CASES) {
  const session = await ort.InferenceSession.create(file, {logSeverityLevel: 3, intraOpNumThreads: 1});
  const rgb = new Uint8Array(await read(`${side}.bin`));
  let face = await restore(ort, session, rgb, side, {quality});
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    face = await restore(ort, session, rgb, side, {quality});
    times.push(performance.now() - start);
  }
  const ms = times.sort((a, b) => a - b)[ROUNDS >> 1];
  found[file] = {ms, image: Array.from(face.image), transform: Array.from(face.transform)};
}
""".replace("CASES", json.dumps(CASES)).replace("ROUNDS", str(ROUNDS))


def in_node(folder: Path) -> dict:
    program = (
        "import ort from 'onnxruntime-node'; import {readFile as read} from 'node:fs/promises';"
        "import {restore} from './restore.mjs';" + MEASURE + "console.log(JSON.stringify(found))"
    )
    (folder / "node.mjs").write_text(program)
    done = subprocess.run(["node", "node.mjs"], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Quiet(SimpleHTTPRequestHandler):
    extensions_map: ClassVar = {
        **SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".wasm": "application/wasm",
    }  # fmt: skip

    def log_message(self, *_) -> None:
        pass


def in_browser(folder: Path, chromium: str, picture: Path) -> tuple[dict, np.ndarray, str]:
    """What the models give there, and what the example page draws and says of a picture."""
    from playwright.sync_api import sync_playwright

    program = (
        "import * as ort from './ort/ort.wasm.min.mjs'; import {restore} from './restore.mjs';"
        "const read = async file => (await fetch(file)).arrayBuffer(); ort.env.wasm.numThreads = 1;"
        + MEASURE
        + "window.found = found;"
    )
    (folder / "measure.html").write_text(f"<script type=module>{program}</script>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page()
            page.on("pageerror", lambda error: print(f"browser: {error}"))
            page.on("requestfailed", lambda asked: print(f"browser: {asked.url} failed"))
            page.goto(f"http://127.0.0.1:{server.server_port}/measure.html")
            page.wait_for_function("window.found", timeout=120_000)
            found = page.evaluate("window.found")
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
            page.get_by_text("Ready").wait_for()
            page.set_input_files("#photo", picture)
            page.wait_for_function("/now 128|Not restored/.test(document.querySelector('#said').textContent)")
            said = page.inner_text("#said")
            drawn = page.evaluate("Array.from(made.getContext('2d').getImageData(0, 0, 128, 128).data)")
            browser.close()
    finally:
        server.shutdown()
    return found, np.array(drawn, np.uint8).reshape(128, 128, 4)[..., :3], said


def portrait(side: int) -> np.ndarray:
    """uint8 (side, side, 3): the packaged portrait's face."""
    with Image.open(ASSETS / "astronaut.jpg") as whole:
        frame = json.loads((ASSETS / "astronaut.json").read_text())["frame"]
        x, y, half = *frame["centre"], frame["side"] / 2
        box = (x - half + 0.5, y - half + 0.5, x + half + 0.5, y + half + 0.5)
        return np.asarray(whole.convert("RGB").resize((side, side), Image.Resampling.BICUBIC, box=box))


def apart(image: np.ndarray, ours: np.ndarray) -> str:
    levels = np.abs(image.astype(int) - ours)
    return f"from Python's: {levels.mean():.3f} grey levels, at most {levels.max()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="The folder node_modules.")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "node_modules").symlink_to(given.packages.resolve())
        (folder / "ort").symlink_to(given.packages.resolve() / "onnxruntime-web" / "dist")
        for path in EXAMPLE.iterdir():
            (folder / path.name).symlink_to(path)
        for packaged in ("standard.onnx", "standard-32.onnx"):
            (folder / packaged).symlink_to(ASSETS / packaged)
        graph = onnx.load(ASSETS / "standard.onnx")
        graph.graph.initializer.remove(next(x for x in graph.graph.initializer if x.name == "condition"))
        onnx.save(graph, folder / "told.onnx")
        python = {}
        for file, side, quality in CASES:
            lr = portrait(side)
            (folder / f"{side}.bin").write_bytes(lr.tobytes())
            model = faceprior.load(ASSETS / file.replace("told", "standard"), threads=1)
            python[file] = model(lr[None], condition=np.array([[(100 - quality) / 60, 0]], np.float32))
        face = folder / "face.png"
        Image.fromarray(portrait(32)).save(face)
        node = in_node(folder)
        browser, drawn, said = in_browser(folder, given.chromium, face)
    for where, found in (("Node", node), ("browser", browser)):
        for file, result in found.items():
            image = np.array(result["image"], np.uint8).reshape(128, 128, 3)
            moved = np.abs(np.array(result["transform"]).reshape(2, 3) - python[file].transforms[0]).max()
            close = apart(image, python[file].images[0])
            print(f"{where:8} {file:17} {result['ms']:6.1f} ms; {close}, transform {moved:.5f}")
    print(f"the example page: {said!r}; {apart(drawn, python['standard-32.onnx'].images[0])}")


if __name__ == "__main__":
    main()
