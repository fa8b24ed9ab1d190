"""Faces alone that are soft, cut out ones and single ones of photos: is that found, and what do they gain by it?

    python benchmarks/soft_faces.py --faces FOLDER [--count 40] [--sizes 16 24 32 48 64 96]
    python benchmarks/soft_faces.py --faces FOLDER --fit src/faceprior/assets [--samples N]

FOLDER holds sources of layout `table`. How soft is told by the regression of `cut_state.py`, which fits it. Two more
are fitted here: by how much a face was enlarged and how grainy it is, and what is gained by how far its waves are
raised. Training faces are reduced, soft through lenses and mosaics or not, enlarged or not, given noise, compressed,
and cut; each is raised to several degrees by what that first one tells, and goes through the network, which says what
that gains. So enlargements, noise and wrong findings are to be left as they are.

Printed, of validation faces that fill their square: the PSNR of the upright face against the truth as the network
placed it, with `keep_softness` -> without; in how many something is found, and the mean sigma that is.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count, islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import av
import numpy as np
from blend import contexts
from compressed import compressed
from cut_state import PEOPLE, in_frame, posed, psnr
from fitting import fitted
from PIL import Image
from sharpened import BICUBIC, KERNELS, LUMA, validation_faces, whole
from softened import demosaiced

from faceprior.dataset.context import CONTEXT, HR
from faceprior.dataset.rough import SUBSAMPLINGS, blur, jpeg, noise, sharpen
from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.cutstate import LEAST, MOST, RAISED, SOFT, WORTH, CutState, describe_soft
from faceprior.photo.decode import DecodedImage
from faceprior.photo.quality import told_quality
from faceprior.photo.regression import answers
from faceprior.photo.softened import Softness
from faceprior.runtime.upscaler import load

LIMIT = 3.0  # dB
PART = 250  # samples made at a time
CAUSES = 4  # times as many for the first, which needs no network
EVEN = 0.5  # grey levels: of less grain nothing shows
CAREFUL = 0.42  # what is lost costs more than what is not gained
KINDS = {"reduced": 0.25, "lens": 0.35, "mosaic": 0.12, "enlarged": 0.18, "both": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[16, 24, 32, 48, 64, 96])
    parser.add_argument("--fit", type=Path, metavar="FOLDER", help="make the regressions' weights instead")
    parser.add_argument("--samples", type=int, default=3000)
    given = parser.parse_args()
    if given.fit:
        faces, others = whole(contexts(given.faces, PEOPLE, "train")), whole(contexts(given.faces, PEOPLE // 5))
        for name, weights in fit(faces, others, given.samples).items():
            np.savez(given.fit / f"{name}.npz", **weights)
        return
    upscaler, faces = load(), validation_faces(given.faces, given.count)
    print(f"{len(faces)} faces; PSNR, softness kept -> made good (in how many; the mean sigma found)")
    for size in given.sizes:
        for name, make in STATES.items():
            rows = np.array([gained(face, size, make, upscaler) for face in faces])
            kept, good, found, sigma = rows[~np.isnan(rows[:, :2]).any(1)].mean(0)
            told = f"{good - kept:+.2f}; {found:.0%}; {sigma:.2f}"
            print(f"{size} px, {name}: {kept:.2f} -> {good:.2f} ({told})", flush=True)


def gained(context: np.ndarray, size: int, make, upscaler) -> tuple[float, float, bool, float]:
    """PSNR with `keep_softness`, without, whether softness is found, and its sigma. NaN where the face was cut again,
    so that its truth lies elsewhere."""
    side = round(CONTEXT * size / HR)
    rgb, quality = make(context, side)
    margin = (side - size) // 2
    square = np.ascontiguousarray(rgb[margin : margin + size, margin : margin + size])
    square = jpeg(square, quality) if quality else square
    picture = DecodedImage(square, quality=quality)
    kept, good = (Given.of(picture, upscaler, keep_softness=keep) for keep in (True, False))
    made = [psnr(restore_cut([one])[0], context) for one in (kept, good)]
    soft = good.response if isinstance(good.response, Softness) else None
    return *made, soft is not None, soft.sigma if soft else 0.0


def lens(context: np.ndarray, side: int, sigma: float, grain: float = 0.0, quality: int | None = None):
    soft = blur(context, sigma * CONTEXT / side) if sigma else context
    rgb = np.asarray(Image.fromarray(soft).resize((side, side), BICUBIC))
    return noise(rgb, grain, np.random.default_rng(0)) if grain else rgb, quality


def camera(context: np.ndarray, side: int):
    x = lens(context, side, 0.4)[0].astype(np.float32)
    return demosaiced(x + 1.5 * np.random.default_rng(0).standard_normal(x.shape, np.float32)), 95


def enlarged(context: np.ndarray, side: int, times: float):
    small = Image.fromarray(context).resize((round(side / times),) * 2, BICUBIC)
    return np.asarray(small.resize((side, side), BICUBIC)), None


STATES = {
    **{f"soft by {sigma:g}": partial(lens, sigma=sigma) for sigma in (0.0, 0.35, 0.5, 0.7, 1.0, 1.5)},
    "soft by 0.7, JPEG 95": partial(lens, sigma=0.7, quality=95),
    "soft by 0.7, JPEG 85": partial(lens, sigma=0.7, quality=85),
    "soft by 0.7, noise of 3": partial(lens, sigma=0.7, grain=3.0),
    "noise of 3": partial(lens, sigma=0.0, grain=3.0),
    "JPEG 85": partial(lens, sigma=0.0, quality=85),
    "camera": camera,
    **{f"enlarged by {times:g}": partial(enlarged, times=times) for times in (1.2, 1.5, 2.0)},
}


class Cut(NamedTuple):
    """A cut face as somebody may have it, and where it lies in a picture that is sharp."""

    rgb: np.ndarray  #      uint8 (n, n, 3)
    quality: int | None  #  of its file, where that is known
    picture: np.ndarray
    centre: tuple[float, float]  # of the cut, in pixels of the picture
    side: float
    times: float  # it was enlarged by, 1: not
    grain: float  # that it was given, a standard deviation in grey levels


def sample(context: np.ndarray, rng: np.random.Generator) -> Cut:
    picture, size = posed(context, rng)
    picture = picture.convert("L").convert("RGB") if rng.random() < 0.1 else picture
    side, kind = round(CONTEXT * size / HR), str(rng.choice(list(KINDS), p=list(KINDS.values())))
    times, soft = rng.uniform(1.1, 2.5) if kind in ("enlarged", "both") else 1.0, picture
    if kind not in ("enlarged", "reduced"):
        sigma = rng.uniform(0.2, 0.8) if kind == "mosaic" else rng.uniform(0.2, 1.5)
        soft = Image.fromarray(blur(np.asarray(picture), sigma * CONTEXT / side))
    kernel = KERNELS[rng.integers(len(KERNELS))] if rng.random() < 0.3 else BICUBIC
    x = np.asarray(soft.resize((round(side / times),) * 2, kernel))
    if kind == "mosaic":
        x = demosaiced(x + rng.uniform(0, 4) * rng.standard_normal(x.shape, np.float32))
    if times > 1:
        x = jpeg(x, int(rng.integers(40, 99))) if rng.random() < 0.3 else x
        x = noise(x, rng.uniform(0.5, 6), rng) if rng.random() < 0.2 else x
        x = np.asarray(Image.fromarray(x).resize((side, side), KERNELS[rng.choice([2, 4, 5])]))
    grain = 0.0
    if rng.random() < 0.35:
        quiet, x = x, noise(x, float(rng.choice((rng.uniform(0.5, 4), rng.uniform(2, 12)))), rng)
        grain = float(np.std((x.astype(np.float32) - quiet) @ LUMA))
    if rng.random() < 0.1:
        x = sharpen(x, rng.uniform(0.2, 1.2), rng.uniform(0.5, 1.4))
    length = min(side, MOST, max(LEAST, round(rng.uniform(0.8, 1.4) * size)))
    top, left = (int(np.clip(round((side - length) / 2 + rng.normal(0, 0.06) * size), 0, side - length)) for _ in "yx")
    where = slice(top, top + length), slice(left, left + length)
    first = rng.random() < 0.5  # cut, then kept as a file, as thumbnails are; or cut out of a photo
    x, fate, quality = x[where] if first else x, rng.random(), None
    if fate < 0.1 and not first:
        x = in_frame(x, "x264", rng.uniform(12, 33), int(rng.integers(0, 5)), "veryfast")
    elif fate < 0.2:
        x = compressed(x, str(rng.choice(("webp", "avif"))), rng.uniform(25, 95))
    elif fate < 0.35:
        x = jpeg(x, int(rng.integers(50, 99)), str(rng.choice(SUBSAMPLINGS)))
    x = x if first else x[where]
    if rng.random() < 0.4:
        strength = int(rng.integers(60, 99))
        x, quality = jpeg(x, strength, str(rng.choice(SUBSAMPLINGS))), strength if rng.random() < 0.8 else None
    scale = CONTEXT / side
    centre = (left + length / 2) * scale, (top + length / 2) * scale
    return Cut(np.ascontiguousarray(x), quality, np.asarray(picture), centre, length * scale, times, grain)


def gains(cut: Cut, state: CutState, upscaler) -> np.ndarray:
    """dB that each of RAISED gains, within LIMIT."""
    picture, given = DecodedImage(cut.rgb, quality=cut.quality), []
    for times in (1.0, *RAISED):
        raised = replace(state, gains=tuple(float(one == times) for one in RAISED))
        with mock.patch.object(CutState, "of", return_value=raised):
            given.append(Given.of(picture, upscaler))
    first, *others = (psnr(face, cut.picture, cut.centre, cut.side) for face in restore_cut(given))
    return np.clip(np.array(others, np.float32) - first, -LIMIT, LIMIT)


def cuts(seed: int, faces: list[np.ndarray]) -> Iterator[tuple[Cut, CutState, np.ndarray]]:
    """Soft ones, what is found of each, and what is seen of it."""
    for i in count():
        rng = np.random.default_rng([seed, i])
        try:
            cut = sample(faces[rng.integers(len(faces))], rng)
        except av.error.FFmpegError:  # an encoder now and then refuses a strength
            continue
        file = told_quality(cut.quality)
        state = CutState.of([cut.rgb], file)
        if state.fine < SOFT and state.sharpening is None:
            yield cut, state, describe_soft(cut.rgb, file, np.array([state.fine, state.middle, state.rough]))


def gather_causes(number: int, seed: int, faces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of so many, log2 of how far each was enlarged, and of its grain."""
    found = [(seen, [np.log2(c.times), np.log2(c.grain + EVEN)]) for c, _, seen in islice(cuts(seed, faces), number)]
    seen, truth = zip(*found, strict=True)
    return np.stack(seen), np.array(truth, np.float32)


def gather_gains(number: int, seed: int, faces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """What is seen of so many, and `gains`."""
    upscaler, found = load(threads=1), []
    for cut, state, seen in cuts(seed, faces):
        gained = gains(cut, state, upscaler)
        if not np.isnan(gained).any():
            found.append((seen, gained))
        if len(found) == number:
            break
    seen, truth = zip(*found, strict=True)
    return np.stack(seen), np.stack(truth)


def in_parts(gather, number: int, seed: int, faces, pool) -> tuple[np.ndarray, np.ndarray]:
    parts = -(-number // PART)
    made = pool.map(gather, [min(PART, number)] * parts, range(seed, seed + parts), [faces] * parts)
    return tuple(np.concatenate(x) for x in zip(*made, strict=True))


def fit(faces: list[np.ndarray], others: list[np.ndarray], samples: int) -> dict[str, dict[str, np.ndarray]]:
    """The weights of both regressions; other people's faces tell how good they are."""
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        seen, truth = in_parts(gather_causes, samples * CAUSES, 1001, faces, pool)
        causes = fitted(seen, truth, epochs=60, hidden=(32, 16), beta=0.3)
        seen, truth = in_parts(gather_gains, samples, 1, faces, pool)
        test, true = in_parts(gather_gains, max(1, samples // 6), 101, others, pool)
    seen, test = (np.concatenate([x, answers(causes, x)], 1) for x in (seen, test))
    gained = fitted(seen, truth, epochs=40, hidden=(16, 8), quantile=CAREFUL, beta=1.0)
    found = answers(gained, test)
    chosen = np.where(found.max(1) > WORTH, np.take_along_axis(true, found.argmax(1)[:, None], 1)[:, 0], 0)
    print(
        f"{len(test)} of other people: dB off {np.abs(found - true).mean(0).round(2)}; gained where each is raised "
        f"{true.mean(0).round(2)}, as told {chosen.mean():.2f}, as is best {true.max(1).clip(0).mean():.2f}"
    )
    return {"softface": causes, "raising": gained}


if __name__ == "__main__":
    main()
