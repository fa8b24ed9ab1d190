"""`faceprior demo`: the packaged sample made tiny and tilted, restored, and measured against the truth."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer
from PIL import Image

from ..errors import FacepriorError
from ..face.frame import Frame
from ..face.similarity import similarity_matrix, similarity_parameters

MOVED = {"angle": 20.0, "scale": 1.05, "tx": 0.02, "ty": -0.03}  # within the protocol: 45 degrees, 0.9-1.1, 0.05
HR, LR = 128, 16
PANEL = 256  # pixels of each picture in the strip


class Sample(NamedTuple):
    """photo uint8 (H, W, 3); truth uint8 (128, 128, 3), upright; lr uint8 (16, 16, 3), tilted."""

    photo: np.ndarray
    truth: np.ndarray
    lr: np.ndarray


def demo(
    out: Path = typer.Option(Path("faceprior-demo"), "-o", "--out", help="Folder for the pictures."),
    model: str | None = typer.Option(None, help="A packaged model, an .onnx or .safetensors file, a run folder."),
) -> None:
    """Reduce the packaged photo until the face is 16 pixels wide and tilted, restore it, compare with the truth."""
    from ..files import write_atomically
    from ..runtime.pictures import overlay, panels
    from ..runtime.upscaler import load

    sample = make_sample()
    upscaler = load(model)
    result = upscaler(sample.lr[None])
    image, heatmaps = result.images[0], result.heatmaps[0]
    tilted, upright = bicubic(sample.lr), bicubic_aligned(sample.lr)

    faces = [(upscaler.info.name, "faceprior, 128x128", image)]
    if upscaler.has_sharp:
        sharp = load(model, sharp=True)
        faces.append((sharp.info.name, "faceprior --sharp", sharp(sample.lr[None]).images[0]))

    strip = [
        ("input, 16x16", sample.lr),
        ("bicubic", tilted),
        *((title, picture) for _, title, picture in faces),
        ("heatmaps", overlay(image, heatmaps)),
        ("truth", sample.truth),
    ]
    files = {
        "before-after.png": panels(strip, PANEL),
        "input.png": Image.fromarray(sample.lr),
        **dict(zip(("output.png", "output-sharp.png"), (Image.fromarray(p) for _, _, p in faces), strict=False)),
        "truth.png": Image.fromarray(sample.truth),
    }
    if out.exists() and not out.is_dir():
        raise FacepriorError(f"{out}: is a file; -o names a folder")
    there = [name for name in files if (out / name).exists()]
    if 0 < len(there) < len(files):  # all of them: an earlier demo
        raise FacepriorError(f"{out / there[0]}: exists and is no demo's; -o names another folder")
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in files.items():
        write_atomically(out / name, lambda file, picture=picture: picture.save(file, "PNG"))

    angle = float(similarity_parameters(result.transforms[0])[0])
    print(f"PSNR against the original (upright, {HR}x{HR}, 8-bit RGB)")
    for name, picture in (
        *((f"faceprior ({name})", picture) for name, _, picture in faces),
        ("bicubic", tilted),
        ("bicubic, turned upright by the true angle", upright),
    ):
        print(f"  {name:<42} {psnr(picture, sample.truth):6.2f} dB")
    print(f"tilt found: {angle:.1f} degrees (true: {MOVED['angle']:.1f})")
    print(f"before and after: {out / 'before-after.png'}; also {', '.join(list(files)[1:])} in that folder")


def make_sample() -> Sample:
    """The protocol (docs/architecture.md, Frame) on the packaged photo."""
    from ..photo.decode import read_image
    from ..photo.warp import warp
    from ..runtime.weights import ASSETS

    about = json.loads((ASSETS / "astronaut.json").read_text("utf-8"))
    photo = read_image(ASSETS / about["file"]).rgb
    frame = Frame(tuple(about["frame"]["centre"]), tuple(about["frame"]["right"]), about["frame"]["side"])
    truth, moved = (_eight_bit(warp(photo, f.matrix(HR), (HR, HR))) for f in (frame, frame.moved(**MOVED)))
    return Sample(photo, truth, np.asarray(Image.fromarray(moved).resize((LR, LR), Image.Resampling.BICUBIC)))


def bicubic(lr: np.ndarray) -> np.ndarray:
    """uint8 (16, 16, 3) -> uint8 (128, 128, 3), as it lies."""
    return np.asarray(Image.fromarray(lr).resize((HR, HR), Image.Resampling.BICUBIC))


def bicubic_aligned(lr: np.ndarray) -> np.ndarray:
    """uint8 (16, 16, 3) -> uint8 (128, 128, 3), upright by the transform that was really applied."""
    from ..photo.warp import upright_to_cut, warp

    return _eight_bit(warp(lr, upright_to_cut(similarity_matrix(**MOVED), HR, LR), (HR, HR)))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """dB between uint8 pictures of one shape; infinite where they are equal."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / error)) if error else float("inf")


def _eight_bit(x: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)
