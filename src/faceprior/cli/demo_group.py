"""The demo's second picture: a group portrait halved, so that its faces are small, and made large again."""

import json
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from ..face.frame import Frame

if TYPE_CHECKING:
    from ..runtime.upscaler import Upscaler

SCALE = 2


class Group(NamedTuple):
    """picture: Lanczos, faceprior and the original, one below the other; psnr: dB in the faces' frames; sizes: pixels
    of the frames in the halved photo."""

    picture: Image.Image
    psnr: dict[str, float]
    sizes: list[float]
    found: int


def group(upscaler: "Upscaler") -> Group:
    """By the packaged detector, so that nothing is fetched."""
    from ..photo.decode import read_image
    from ..photo.detect import make_detector
    from ..photo.options import PhotoOptions
    from ..photo.pipeline import upscale_photo
    from ..runtime.pictures import below
    from ..runtime.weights import ASSETS

    about = json.loads((ASSETS / "astronauts.json").read_text("utf-8"))
    truth = read_image(ASSETS / about["file"]).rgb
    truth = truth[: truth.shape[0] // SCALE * SCALE, : truth.shape[1] // SCALE * SCALE]
    size = (truth.shape[1], truth.shape[0])
    small = Image.fromarray(truth).resize((size[0] // SCALE, size[1] // SCALE), Image.Resampling.BICUBIC)
    photo = np.asarray(small)
    result = upscale_photo(photo, upscaler, make_detector("embedded"), PhotoOptions(scale=SCALE))
    frames = [face.frame for face in result.faces if face.restored]
    inside = within(frames, size)
    shown = {"lanczos": np.asarray(small.resize(size, Image.Resampling.LANCZOS)), "faceprior": np.asarray(result.image)}
    psnr = {}
    if inside.any():
        for name, picture in shown.items():
            error = np.mean((picture[inside].astype(np.float64) - truth[inside]) ** 2)
            psnr[name] = float(10 * np.log10(255**2 / max(error, 1e-9)))
    titles = [f"{small.width}x{small.height} enlarged by Lanczos", "faceprior", "the original"]
    pictures = list(zip(titles, [*shown.values(), truth], strict=True))
    return Group(below(pictures), psnr, [frame.side for frame in frames], len(result.faces))


def within(frames: list[Frame], size: tuple[int, int]) -> np.ndarray:
    """bool (H, W) of the enlarged photo: the pixels in any of the frames, which are of the halved one."""
    ys, xs = np.mgrid[: size[1], : size[0]]
    x, y = (xs + 0.5) / SCALE - 0.5, (ys + 0.5) / SCALE - 0.5
    inside = np.zeros(size[::-1], bool)
    for frame in frames:
        right, down = (
            (x - frame.centre[0]) * axis[0] + (y - frame.centre[1]) * axis[1] for axis in (frame.right, frame.down)
        )
        inside |= np.maximum(np.abs(right), np.abs(down)) <= frame.side / 2
    return inside
