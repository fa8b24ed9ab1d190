"""Does the estimate of a face's effective resolution say what it holds? Prepared faces made worse in known ways.

    python benchmarks/detail.py --shards DIR [--split val] [--faces 60]
    python benchmarks/detail.py --shards DIR --fit src/faceprior/assets/detail.npz [--samples 8000]

Faces of the sources that hold detail at 128 px (SHARP), reduced until the frame is S pixels wide, cut with the errors
of a detector (shift of 4 %, scale of 8 %, standard deviations): sharp; enlarged to S from S / 1.5, S / 2, S / 3; or
blurred by a Gaussian. Each clean, as a JPEG (4:2:0), and with noise. Prints the true size, of the estimates the median
and the range of eight of ten faces, and the cost. `--noise-told` gives the estimator the noise that was added, as
`photo/quality.py` would find it in a large photo. `--fit` makes the regression's weights, from the faces of `train`.
"""

import argparse
import io
import time
from pathlib import Path

import numpy as np
from fitting import fitted
from PIL import Image, ImageFilter

from faceprior.dataset.context import CONTEXT, HR
from faceprior.dataset.shards import read_split
from faceprior.face.frame import Frame
from faceprior.photo.bands import LARGEST
from faceprior.photo.detail import BLUR, LOWEST, SMALLEST, describe, effective_side, luma_square
from faceprior.photo.regression import answers

SHARP = ("celeba", "helen", "aflw")  # the others of 128 px have a third to a tenth of their energy at the finest octave
LEAST_SIDE = 120  # native pixels
SIDES = (12, 16, 24, 32, 48, 64, 96)
BICUBIC, LANCZOS, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS, Image.Resampling.BILINEAR
HARMS = (
    ("sharp", 1.0, None, 0.0),
    *((f"bicubic {f:g}x", f, BICUBIC, 0.0) for f in (1.5, 2, 3)),
    *((f"lanczos {f:g}x", f, LANCZOS, 0.0) for f in (1.5, 2, 3)),
    *((f"blur {sigma:g}", 1.0, None, sigma) for sigma in (1, 1.5, 2, 3)),
)  # fmt: skip
FILES = (("clean", None, 0.0), ("JPEG 75", 75, 0.0), ("JPEG 50", 50, 0.0), ("noise 8", None, 8.0))
SHIFT, SCALE = 0.04, 0.08
LUMA = float(np.hypot(np.hypot(0.299, 0.587), 0.114))  # of noise that is each channel's own, what luma has
KERNELS = (BICUBIC, LANCZOS, BILINEAR)


def contexts(shards: Path, split: str, limit: int, seed: int) -> list[np.ndarray]:
    """uint8 (224, 224, 3) of sharp faces."""
    rows = []
    for table in read_split(shards, split):
        table = table.filter(np.isin(table["source"].to_numpy(zero_copy_only=False), SHARP))
        table = table.filter(table["side"].to_numpy() >= LEAST_SIDE)
        rows += table["image"].to_pylist()
    chosen = np.random.default_rng(seed).permutation(len(rows))[:limit]
    return [np.asarray(Image.open(io.BytesIO(rows[i])).convert("RGB")) for i in chosen]


def resized(image: Image.Image, side: float, kernel: Image.Resampling = BICUBIC) -> Image.Image:
    """A whole context whose frame is then about `side` pixels wide."""
    n = max(7, round(CONTEXT * side / HR))
    return image.resize((n, n), kernel)


def harmed(image: Image.Image, side: float, factor: float, kernel, sigma: float) -> Image.Image:
    """A context as a photo whose frame is `side` pixels wide: enlarged `factor` times from a sharp one, or blurred."""
    photo = resized(image, side / factor)
    if factor > 1:
        photo = resized(photo, side, kernel)
    return photo.filter(ImageFilter.GaussianBlur(sigma)) if sigma else photo


def stored(photo: Image.Image, quality: int | None, noise: float, rng: np.random.Generator) -> np.ndarray:
    """uint8 (H, W, 3): with noise in grey levels, and out of a JPEG."""
    pixels = np.asarray(photo)
    if noise:
        pixels = np.clip(np.rint(pixels + noise * rng.standard_normal(pixels.shape)), 0, 255).astype(np.uint8)
    if quality is None:
        return pixels
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def true_side(side: float, factor: float, sigma: float) -> float:
    return max(LOWEST, side / max(1.0, factor, BLUR * sigma))


def cut_frame(photo: np.ndarray, rng: np.random.Generator) -> Frame:
    side = HR * len(photo) / CONTEXT
    x, y = (len(photo) - 1) / 2 + side * SHIFT * rng.standard_normal(2)
    return Frame((float(x), float(y)), (1.0, 0.0), float(side * np.exp(SCALE * rng.standard_normal())))


def table(faces: list[np.ndarray], sides, told: bool) -> None:
    print("| side | photo | true |" + "".join(f" {name} |" for name, *_ in FILES))
    print("|---:|---|---:|" + "---:|" * len(FILES))
    seconds, calls = 0.0, 0
    for side in sides:
        for name, factor, kernel, sigma in HARMS:
            truth = true_side(side, factor, sigma)
            if truth <= LOWEST:
                continue
            row, rng = f"| {side} | {name} | {truth:.0f} |", np.random.default_rng(side)
            photos = [harmed(Image.fromarray(face), side, factor, kernel, sigma) for face in faces]
            for _, quality, noise in FILES:
                found = []
                for clean in photos:
                    photo = stored(clean, quality, noise, rng)
                    frame = cut_frame(photo, rng)
                    start = time.process_time()
                    # In pixels of the true frame: a square that is cut too large holds more of them.
                    found.append(effective_side(photo, frame, LUMA * noise * told) * side / frame.side)
                    seconds, calls = seconds + time.process_time() - start, calls + 1
                low, middle, high = np.percentile(found, [10, 50, 90])
                row += f" {middle:.0f} ({low:.0f}-{high:.0f}) |"
            print(row, flush=True)
    print(f"{len(faces)} faces; {1000 * seconds / calls:.2f} ms of a core a face")


def sample(face: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float] | None:
    """Features of one face made worse at random, and log2 of the part of the pixels that hold detail."""
    image = Image.fromarray(face)
    side = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    factor, sigma, kernel = 1.0, 0.0, KERNELS[rng.choice(3, p=(0.45, 0.4, 0.15))]
    way = rng.random()
    if way > 0.3:
        factor = float(np.exp(rng.uniform(0, np.log(min(4.0, side / LOWEST)))))
        if way > 0.65:
            sigma, factor = factor / BLUR, 1.0
    # What is sharp at 96 px is known to be so; larger ones are made by enlarging.
    if side / factor > 104 and not sigma:
        factor = side / rng.uniform(32, 104)
    shrunk = resized(image, side / factor, KERNELS[rng.integers(2)])
    true = HR * shrunk.width / CONTEXT
    photo = resized(shrunk, side, kernel) if factor > 1 else shrunk
    if sigma:
        photo = photo.filter(ImageFilter.GaussianBlur(sigma))
        true /= max(1.0, BLUR * sigma)
    noise = float(rng.uniform(1, 14)) if rng.random() < 0.4 else 0.0
    quality = int(rng.integers(40, 96)) if rng.random() < 0.6 else None
    pixels = stored(photo, quality, noise, rng)
    if rng.random() < 0.08:
        pixels = np.repeat(np.asarray(Image.fromarray(pixels).convert("L"))[..., None], 3, 2)
    frame = cut_frame(pixels, rng)
    if rng.random() < 0.2:
        frame = frame.grown(rng.uniform(0.5, 1.2))
    if frame.side < SMALLEST or frame.side > 160:
        return None
    share = true / (HR * len(pixels) / CONTEXT)
    square = luma_square(pixels, frame)
    size = square.width
    share = min(1.0, share * frame.side / size)
    if rng.random() < 0.4:  # the second look
        size = round(np.clip(rng.uniform(0.9, 2.2) * share * size, SMALLEST, size))
        share = min(1.0, share * square.width / size)
        square = square.resize((size, size), BICUBIC, reducing_gap=1.0)
    known = LUMA * noise * rng.uniform(0.65, 1.2) if rng.random() < 0.5 else 0.0
    features = describe(np.asarray(square, np.float32), known * min(1.0, size / frame.side))
    return None if features is None else (features, np.log2(share))


def fit(faces: list[np.ndarray], samples: int, epochs: int = 150) -> dict[str, np.ndarray]:
    """The regression's weights; one sample of ten is kept for telling how good it is."""
    rng, made = np.random.default_rng(0), []
    while len(made) < samples:
        one = sample(faces[rng.integers(len(faces))], rng)
        made += [one] if one else []
    x, y = np.stack([a for a, _ in made]), np.array([b for _, b in made], np.float32)[:, None]
    kept = samples // 10
    weights = fitted(x[kept:], y[kept:], epochs=epochs)
    error = np.minimum(answers(weights, x[:kept]), 0) - y[:kept]
    spread = np.percentile(error, [10, 50, 90]).round(2)
    print(f"{kept} samples kept: octaves off, 10 / 50 / 90 %: {spread}, mean {np.abs(error).mean():.3f}")
    return weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True, help="what `faceprior prepare` wrote")
    parser.add_argument("--split", default="val")
    parser.add_argument("--faces", type=int, default=60)
    parser.add_argument("--sides", type=int, nargs="+", default=SIDES)
    parser.add_argument("--noise-told", action="store_true")
    parser.add_argument("--fit", type=Path, metavar="FILE", help="make the weights instead")
    parser.add_argument("--samples", type=int, default=8000)
    arguments = parser.parse_args()
    if arguments.fit:
        np.savez(arguments.fit, **fit(contexts(arguments.shards, "train", 600, 0), arguments.samples))
    else:
        table(contexts(arguments.shards, arguments.split, arguments.faces, 1), arguments.sides, arguments.noise_told)


if __name__ == "__main__":
    main()
