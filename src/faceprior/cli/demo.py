"""`faceprior demo`: the packaged samples made tiny (the portrait tilted too), restored, and held against the truth."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import typer
from PIL import Image

from ..errors import FacepriorError
from ..face.frame import Frame
from ..face.similarity import similarity_matrix, similarity_parameters

if TYPE_CHECKING:
    from ..runtime.upscaler import Upscaler

MOVED = {"angle": 20.0, "scale": 1.05, "tx": 0.02, "ty": -0.03}  # within the protocol: 45 degrees, 0.9-1.1, 0.05
HR, LR = 128, 16
PANEL = 256  # pixels of each picture in the strip


class Sample(NamedTuple):
    """photo uint8 (H, W, 3); truth uint8 (128, 128, 3), upright; lr uint8 (size, size, 3), tilted; frame: of the LR."""

    photo: np.ndarray
    truth: np.ndarray
    lr: np.ndarray
    frame: Frame


def demo(
    out: Path = typer.Option(Path("faceprior-demo"), "-o", "--out", help="Folder for the pictures."),
    model: str | None = typer.Option(None, help="A packaged model, an .onnx or .safetensors file, a run folder."),
) -> None:
    """A packaged portrait, reduced until its face is 16 (and 32) pixels wide and tilted, and a group portrait, halved:
    restored, and beside the truth."""
    from ..files import write_atomically
    from ..runtime.upscaler import load
    from .demo_group import SCALE, group
    from .inputs import check_output

    check_output(out, one_photo=False)
    upscaler = load(model)
    sharp = load(model, sharpness=1) if upscaler.has_sharp else None
    shown = [_shown(upscaler, sharp)]
    if upscaler.larger is not None:
        shown.append(_shown(upscaler.larger, None if sharp is None else sharp.larger))
    files = {"before-after.png": _below([one.strip for one in shown])}
    for one in shown:
        files |= {f"{name}{one.suffix}.png": Image.fromarray(picture) for name, picture in one.pictures.items()}
    people = group(upscaler)
    files["group.png"] = people.picture
    there = [name for name in files if (out / name).exists()]
    if 0 < len(there) < len(files):  # all of them: an earlier demo
        raise FacepriorError(f"{out / there[0]}: exists and is no demo's; -o names another folder")
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in files.items():
        write_atomically(out / name, lambda file, picture=picture: picture.save(file, "PNG"))

    print(f"PSNR against the original where each picture lies ({HR}x{HR}, 8-bit RGB)")
    for one in shown:
        for name, db in one.psnr.items():
            print(f"  {one.size}x{one.size}  {name:<36} {db:6.2f} dB")
    tilts = " and ".join(f"{one.tilt:.1f}" for one in shown)
    print(f"tilt found: {tilts} degrees (true: {MOVED['angle']:.1f})")
    if people.psnr:
        sizes = [round(size) for size in people.sizes]
        print(
            f"a group portrait halved, {len(sizes)} faces of {people.found} restored "
            f"({min(sizes)} to {max(sizes)} px), PSNR in their frames at x{SCALE}:"
        )
        for name, db in people.psnr.items():
            print(f"           {name:<36} {db:6.2f} dB")
    print(f"before and after: {out / 'before-after.png'}; also {', '.join(list(files)[1:])} in that folder")


class Shown(NamedTuple):
    """What a model made of the sample. pictures: uint8, by the names of their files; psnr: dB, by what is told."""

    size: int
    suffix: str
    pictures: dict[str, np.ndarray]
    strip: Image.Image
    psnr: dict[str, float]
    tilt: float


def _shown(upscaler: "Upscaler", sharp: "Upscaler | None") -> Shown:
    from ..photo.warp import upright_to_cut, upright_to_photo, warp
    from ..runtime.pictures import overlay, panels

    sample = make_sample(upscaler.size)
    result = upscaler(sample.lr[None])
    image, transform = result.images[0], result.transforms[0]
    pictures = {"input": sample.lr, "output": image}
    told = {f"faceprior ({upscaler.info.name})": image}
    strip = [(f"input, {upscaler.size}x{upscaler.size}", sample.lr), ("bicubic", bicubic(sample.lr))]
    strip.append(("faceprior, 128x128", image))
    if sharp is not None:
        pictures["output-sharp"] = sharp(sample.lr[None]).images[0]
        told[f"faceprior ({sharp.info.name})"] = pictures["output-sharp"]
        strip.append(("faceprior --sharp", pictures["output-sharp"]))
    # Where the network took the face to be: what a photo's owner would hold it against.
    truth = _eight_bit(warp(sample.photo, upright_to_photo(sample.frame, transform), (HR, HR)))
    told["bicubic"] = _eight_bit(warp(sample.lr, upright_to_cut(transform, HR, upscaler.size), (HR, HR)))
    pictures["truth"] = truth
    strip += [("heatmaps", overlay(image, result.heatmaps[0])), ("truth", truth)]
    suffix = "" if upscaler.size == LR else f"-{upscaler.size}"
    scores = {name: psnr(picture, truth) for name, picture in told.items()}
    tilt = float(similarity_parameters(transform)[0])
    return Shown(upscaler.size, suffix, pictures, panels(strip, PANEL), scores, tilt)


def _below(strips: list[Image.Image]) -> Image.Image:
    whole = Image.new("RGB", (max(s.width for s in strips), sum(s.height for s in strips)))
    for i, strip in enumerate(strips):
        whole.paste(strip, (0, sum(s.height for s in strips[:i])))
    return whole


def make_sample(size: int = LR) -> Sample:
    """The protocol (docs/architecture.md, Frame) on the packaged photo."""
    from ..photo.decode import read_image
    from ..photo.warp import warp
    from ..runtime.weights import ASSETS

    about = json.loads((ASSETS / "astronaut.json").read_text("utf-8"))
    photo = read_image(ASSETS / about["file"]).rgb
    frame = Frame(tuple(about["frame"]["centre"]), tuple(about["frame"]["right"]), about["frame"]["side"])
    tilted = frame.moved(**MOVED)
    truth, moved = (_eight_bit(warp(photo, f.matrix(HR), (HR, HR))) for f in (frame, tilted))
    lr = np.asarray(Image.fromarray(moved).resize((size, size), Image.Resampling.BICUBIC))
    return Sample(photo, truth, lr, tilted)


def bicubic(lr: np.ndarray) -> np.ndarray:
    """uint8 (size, size, 3) -> uint8 (128, 128, 3), as it lies."""
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
