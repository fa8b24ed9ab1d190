"""Is it found what became of a cut face before it was given, and what does that gain?

    python benchmarks/cut_state.py --faces FOLDER [--count 40] [--sizes 16 24 32 48 64 96 128]
    python benchmarks/cut_state.py --faces FOLDER --fit src/faceprior/assets/cutstate.npz [--samples N]

FOLDER holds sources of layout `table`. Training faces are reduced, given noise, sharpened, compressed, and cut before
or after that. What is fitted: by how much more energy they have around FINE and MIDDLE than the same reduced by
BICUBIC (as in `sharpened.py`), and the quality of the JPEG that is as far from the face before (as in `compressed.py`).

Printed, of validation faces that fill their square: the PSNR of the upright face against the truth as the network
placed it, told what the file says -> with what is found, too; in how many sharpening is found, and what is told of
compression.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import av
import numpy as np
from blend import contexts
from compressed import CODECS, as_jpeg, compressed
from fitting import fitted
from PIL import Image
from sharpened import BICUBIC, KERNELS, LANCZOS, gain_at, relit, validation_faces, whole

from faceprior.dataset.context import CONTEXT, HR
from faceprior.dataset.rough import blur, grey, jpeg, noise, sharpen
from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.cutstate import LEAST, MOST, CutState, describe
from faceprior.photo.decode import DecodedImage
from faceprior.photo.quality import told_quality
from faceprior.photo.regression import answers
from faceprior.photo.sharpened import FINE, MIDDLE
from faceprior.runtime.upscaler import load

TURNED = 12.0  # degrees: the standard deviation
LARGEST = 100  # pixels of a face, of which the sources have more
FRAME = 96  # pixels a side of a clip, at least
CAREFUL = (0.5, 0.5, 0.35)  # too much compression costs more than too little
PEOPLE = 1500  # training faces
BORDER = 8  # pixels of the upright face that do not count: beyond the cut there is no truth
# What is printed: kernel, amount of sharpening, codec and strength; `file`: the JPEG's own file is given.
STATES = {
    "clean": (BICUBIC, 0, None, 0),
    "reduced by Lanczos": (LANCZOS, 0, None, 0),
    "reduced by box": (Image.Resampling.BOX, 0, None, 0),
    "JPEG 90, its file": (BICUBIC, 0, "file", 90),
    "sharpened by 0.5": (BICUBIC, 0.5, None, 0),
    "by 1": (BICUBIC, 1, None, 0),
    "by 2": (BICUBIC, 2, None, 0),
    "by 1, JPEG 90, its file": (BICUBIC, 1, "file", 90),
    "JPEG 75": (BICUBIC, 0, "jpeg", 75),
    "WebP 80": (BICUBIC, 0, "webp", 80),
    "WebP 50": (BICUBIC, 0, "webp", 50),
    "x264, crf 23": (BICUBIC, 0, "x264", 23),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 24, 32, 48, 64, 96, 128])
    parser.add_argument("--fit", type=Path, metavar="FILE", help="make the regression's weights instead")
    parser.add_argument("--samples", type=int, default=40_000)
    given = parser.parse_args()
    if given.fit:
        np.savez(given.fit, **fit(given.faces, given.samples))
        return
    upscaler, faces = load(), validation_faces(given.faces, given.count)
    print(f"{len(faces)} faces; PSNR told what the file says -> with what is found (sharpened; told, as JPEG)")
    for size in given.sizes:
        for name, state in STATES.items():
            rows = np.array([gained(face, size, *state, upscaler) for face in faces])
            nothing, found, taken, told = rows[~np.isnan(rows[:, :2]).any(1)].mean(0)
            print(
                f"{size} px, {name}: {nothing:.2f} -> {found:.2f} ({found - nothing:+.2f}; {taken:.0%}; "
                f"{100 - 60 * told:.0f})",
                flush=True,
            )


def gained(context, size, kernel, amount, codec, strength, upscaler) -> tuple[float, float, bool, float]:
    """PSNR told what the file says, PSNR with what is found, whether sharpening was, and the compression told. NaN
    where the face was cut again, so that its truth lies elsewhere."""
    side = round(CONTEXT * size / HR)
    rgb = np.asarray(Image.fromarray(context).resize((side, side), kernel))
    rgb = sharpen(rgb, amount) if amount else rgb
    rgb = rgb if codec is None else rgb if codec == "file" else in_frame(rgb, codec, strength)
    margin = (side - size) // 2
    square = np.ascontiguousarray(rgb[margin : margin + size, margin : margin + size])
    square = jpeg(square, strength) if codec == "file" else square
    picture = DecodedImage(square, quality=strength if codec == "file" else None)
    with mock.patch.object(CutState, "compression", 0.0):
        plain = Given.of(picture, upscaler, keep_sharpening=True, keep_softness=True)
    seen = Given.of(picture, upscaler, keep_softness=True)
    made = [psnr(restore_cut([one])[0], context) for one in (plain, seen)]
    return *made, seen.response is not None, seen.condition[0]


def psnr(
    face, picture: np.ndarray, centre: tuple[float, float] = (CONTEXT / 2, CONTEXT / 2), side: float = HR
) -> float:
    """Of an upright face, against a sharp picture where the network placed it; NaN where it was cut again. centre,
    side: of the cut, in pixels of the picture."""
    if face.looks > 1:
        return np.nan
    matrix = side / HR * face.transform[:, :2]
    first = centre + side / 2 * face.transform[:, 2] - matrix @ (HR / 2, HR / 2)
    numbers = [float(v) for row, start in zip(matrix, first, strict=True) for v in (*row, start)]
    truth = Image.fromarray(picture).transform((HR, HR), Image.Transform.AFFINE, numbers, BICUBIC)
    inside = slice(BORDER, HR - BORDER)
    error = (face.image.astype(float) - np.asarray(truth, float))[inside, inside]
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def in_frame(rgb: np.ndarray, codec: str, strength: float, frame: int = 9, speed: str = "medium") -> np.ndarray:
    """As `compressed` leaves it in the corner of a frame: no clip is as small as a face."""
    height, width = rgb.shape[:2]
    around = [(0, max(0, FRAME - length)) for length in (height, width)]
    return compressed(np.pad(rgb, (*around, (0, 0)), "symmetric"), codec, strength, frame, speed)[:height, :width]


def posed(context: np.ndarray, rng: np.random.Generator) -> tuple[Image.Image, float]:
    """A face mirrored or not, turned a little, lit in another way, and how many pixels wide it is to be."""
    picture = Image.fromarray(context)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    size = float(np.exp(rng.uniform(np.log(LEAST), np.log(LARGEST))))
    if size < 0.7 * LARGEST:  # of larger ones turning would take the fine
        picture = picture.rotate(rng.normal(0, TURNED), BICUBIC)
    picture = relit(picture, rng)
    return picture, size


def sample(context: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, float, list[float]]:
    """A cut face as somebody may have it, what its own file says, and what is to be found."""
    picture, size = posed(context, rng)
    side = round(CONTEXT * size / HR)
    kernel = KERNELS[rng.integers(len(KERNELS))] if rng.random() < 0.5 else BICUBIC
    rgb, plain = (np.asarray(picture.resize((side, side), k)) for k in (kernel, BICUBIC))
    if rng.random() < 0.1:
        rgb, plain = grey(rgb), grey(plain)
    if rng.random() < 0.3:
        rgb = blur(rgb, rng.uniform(0.25, 0.8))
    amount, radius = (rng.uniform(0.1, 2.5), rng.uniform(0.5, 1.6)) if rng.random() < 0.5 else (0.0, 1.0)
    quiet = sharpen(rgb, amount, radius) if amount else rgb
    gain = [gain_at(quiet, plain, frequency) for frequency in (FINE, MIDDLE)]
    grain = float(rng.choice((rng.uniform(0.5, 6), rng.uniform(3, 18)))) if rng.random() < 0.35 else 0.0
    if grain:
        rgb = noise(rgb, grain, rng)
        quiet = sharpen(rgb, amount, radius) if amount else rgb
    length = min(side, MOST, max(LEAST, round(rng.uniform(0.8, 1.4) * size)))
    places = [int(np.clip(round((side - length) / 2 + rng.normal(0, 0.06) * size), 0, side - length)) for _ in "yx"]
    rows, columns = (slice(start, start + length) for start in places)
    first = rng.random() < 0.5  # cut, then kept as a file, as thumbnails are; or cut out of a photo
    before = quiet[rows, columns] if first else quiet
    rough, fate = before, rng.random()
    if fate < 0.2 and not first:
        codec = str(rng.choice(("x264", "x264", "x264", "x264", "x265", "vp9")))
        rough = in_frame(before, codec, rng.uniform(*CODECS[codec][2]), int(rng.integers(0, 5)), "veryfast")
    elif fate < 0.3:
        rough = compressed(before, str(rng.choice(("webp", "avif"))), rng.uniform(25, 95))
    elif fate < 0.5:
        rough = jpeg(before, int(rng.integers(40, 97)), str(rng.choice(("4:4:4", "4:2:0"))))
    if not first:
        before, rough = before[rows, columns], rough[rows, columns]
    file = 0.0
    if rng.random() < 0.4:
        quality = int(rng.integers(50, 99))
        file = told_quality(quality) if rng.random() < 0.8 else 0.0
        rough = jpeg(rough, quality, str(rng.choice(("4:4:4", "4:2:0"))))
    return rough, file, [*gain, as_jpeg(rough, before)]


def gather(count: int, seed: int, faces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    seen, truth, tries = [], [], 0
    while len(seen) < count:
        rng, tries = np.random.default_rng([seed, tries]), tries + 1
        try:
            rough, file, told = sample(faces[rng.integers(len(faces))], rng)
        except av.error.FFmpegError:  # an encoder now and then refuses a strength
            continue
        seen.append(describe(rough, file))
        truth.append(told)
    return np.stack(seen), np.array(truth, np.float32)


def fit(folder: Path, samples: int, epochs: int = 60) -> dict[str, np.ndarray]:
    """The regression's weights; validation faces tell how good it is."""
    faces, others = whole(contexts(folder, PEOPLE, "train")), whole(contexts(folder, PEOPLE // 5))
    part = partial(gather, samples // 20)
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        made = list(pool.map(part, range(1, 21), [faces] * 20))
        tests = list(pool.map(part, (101, 102), [others] * 2))
    (seen, told), (test, truth) = ([np.concatenate(x) for x in zip(*some, strict=True)] for some in (made, tests))
    weights = fitted(seen, told, epochs=epochs, hidden=(32, 16), quantile=CAREFUL)
    off = np.abs(answers(weights, test) - truth).mean(0).round(3)
    print(f"{len(test)} of other people: octaves off at FINE and MIDDLE, and told compression, in the mean {off}")
    return weights


if __name__ == "__main__":
    main()
