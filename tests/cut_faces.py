"""What a network makes of pictures that are faces, by the package's own second look: for tests of what is around it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.decode import DecodedImage


def restored(upscaler, pictures: Iterable[DecodedImage]) -> list[np.ndarray]:
    """uint8 (128, 128, 3) each."""
    return [face.image for face in restore_cut([Given.of(picture, upscaler) for picture in pictures])]


def said_of(faceprior, folder: Path, plain: np.ndarray, changed: np.ndarray, word: str, name: str) -> dict[str, Any]:
    """What the JSON has of the second of two cut faces, which was sharpened or soft: the command says so of it alone,
    and that an option keeps it, which does."""
    (folder / "faces").mkdir()
    for stem, face in (("plain", plain), ("changed", changed)):
        Image.fromarray(face).save(folder / f"faces/{stem}.png")
    done = faceprior("upscale", folder / "faces", "--cropped", "--json", "-o", folder / "out")
    assert f"1 of them was {word}: restored without that; --keep-{name} keeps it" in done.out
    of_changed, of_plain = json.loads((folder / "out/faces.json").read_text("utf-8"))["faces"]
    kept = faceprior("upscale", folder / "faces", "--cropped", "--json", f"--keep-{name}", "-o", folder / "kept")
    one, other = ((folder / out / "changed.png").read_bytes() for out in ("out", "kept"))
    assert name not in of_plain and word not in kept.out and one != other
    return of_changed[name]
