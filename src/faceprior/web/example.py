"""The example of the page: the packaged portrait, reduced until its face is tiny."""

import json
from pathlib import Path

from PIL import Image

from ..runtime.weights import ASSETS

FACE = 20.0  # pixels of the face's side
SCALE = 8  # the example is tiny: enlarged as much as can be


def write_example(folder: Path) -> Path:
    about = json.loads((ASSETS / "astronaut.json").read_text("utf-8"))
    with Image.open(ASSETS / about["file"]) as image:
        size = round(image.width * FACE / about["frame"]["side"])
        path = folder / "astronaut.png"
        image.convert("RGB").resize((size, size), Image.Resampling.LANCZOS).save(path)
    return path
