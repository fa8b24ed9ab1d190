"""Is it found how strongly a picture was compressed whose file does not say so, and what do its faces gain by that?

    python benchmarks/compressed.py --photos DIR --faces FOLDER [--count 24] [--sizes 16 32 48]
    python benchmarks/compressed.py --photos DIR --faces FOLDER --fit src/faceprior/assets/compressed.npz [--samples N]

DIR holds photographs, a fifth of which, by a fixed shuffle, is kept for telling how good the fit is; FOLDER sources of
layout `table`. Photographs and faces are reduced, some blurred, sharpened or given noise, compressed by x264, x265,
VP9, WebP, AVIF or JPEG, some reduced once more or kept as a finer JPEG file. What is fitted is the quality of the JPEG
that is as far from the picture before, in luma. Encoders of clips do not give the same bytes every time, so a fit is
alike another, not the same.

Printed: in how many of the kept photographs something is found, how much, and what that gains on the canvas network;
then what a photo's faces gain over Lanczos: twelve validation faces of S pixels stand in one photo, are found where
they are, and go through all of `upscale_photo`, told nothing and told what is found; dB on their squares. Clips pan by
a pixel a frame.
"""

import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from unittest import mock

import av
import numpy as np
from fitting import fitted
from PIL import Image
from sharpened import (
    BICUBIC,
    KERNELS,
    TOGETHER,
    Group,
    arguments,
    drawing,
    photographs,
    training_faces,
    validation_faces,
)

from faceprior.dataset.rough import blur, jpeg, noise, sharpen
from faceprior.photo.compressed import LEAST, PLANES, compression_of, describe
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.quality import told_quality
from faceprior.photo.regression import answers
from faceprior.photo.result import PhotoResult
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load

AGAIN = 95  # the quality of a JPEG file that a still is kept as
CODECS = {  # name: encoder, its option, and from which to which it goes
    "x264": ("libx264", "crf", (12, 38)),
    "x265": ("libx265", "crf", (14, 38)),
    "vp9": ("libvpx-vp9", "crf", (10, 55)),
}
CAREFUL = 0.35  # too much costs more than too little
PART = 320  # pixels a side of what is fitted to, at most
LADDER = (98, 95, 90, 85, 80, 70, 60, 50, 40)  # qualities of JPEG, by which the others are measured
# What is printed: nothing done, or by which codec how strongly.
STATES = (
    (None, 0), ("x264", 18), ("x264", 23), ("x264", 28), ("x264", 33), ("vp9", 32),
    ("webp", 80), ("webp", 50), ("avif", 60), ("jpeg", 90), ("jpeg", 70),
)  # fmt: skip


def main() -> None:
    given = arguments(__doc__, 24_000, [16, 32, 48])
    photos, kept = photographs(given.photos)
    if given.fit:
        np.savez(given.fit, **fit(photos, training_faces(given.faces), kept, given.samples))
        return
    upscaler, canvas = load(), load_canvas()
    found_in(kept, canvas)
    gained(validation_faces(given.faces, given.count), given.sizes, upscaler, canvas)


def compressed(rgb: np.ndarray, codec: str, strength: float, frame: int = 9, speed: str = "medium") -> np.ndarray:
    """A still of a clip that pans over it, or the picture out of such a file; as large, uint8 (H, W, 3)."""
    if codec in ("webp", "avif", "jpeg"):
        stream = io.BytesIO()
        Image.fromarray(rgb).save(stream, codec.upper(), quality=int(strength))
        return np.asarray(Image.open(stream).convert("RGB"))
    encoder, option, _ = CODECS[codec]
    height, width = (size // 2 * 2 for size in rgb.shape[:2])
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as file:
        video = file.add_stream(encoder, rate=25)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {option: str(int(strength)), "threads": "1"}
        video.options |= {"b": "0", "cpu-used": "6"} if codec == "vp9" else {"preset": speed}
        if codec == "x265":
            video.options |= {"x265-params": "log-level=none:pools=1:frame-threads=1"}
        for i in range(frame + 2):
            moved = np.roll(rgb, i - frame, axis=1)[:height, :width]
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(moved), "rgb24")
            picture.pts = i
            file.mux(video.encode(picture))
        file.mux(video.encode())
    stream.seek(0)
    with av.open(stream) as file:
        stills = [still.to_ndarray(format="rgb24") for still in file.decode(video=0)]
    out = rgb.copy()
    out[:height, :width] = stills[frame]
    return out


def as_jpeg(rough: np.ndarray, before: np.ndarray) -> float:
    """What `told_quality` says of the JPEG that is as far from the picture before; 0 where they are alike."""
    far = _far(rough, before)
    steps = [(0.0, 0.0)] + [(_far(jpeg(before, quality), before), (100 - quality) / 60) for quality in LADDER]
    return float(np.interp(far, *zip(*sorted(steps), strict=True)))


def _far(rough: np.ndarray, before: np.ndarray) -> float:
    return float(np.mean(((rough.astype(np.float32) - before) @ PLANES[0]) ** 2))


def resized(rgb: np.ndarray, factor: float) -> np.ndarray:
    return np.asarray(Image.fromarray(rgb).resize([round(v * factor) for v in rgb.shape[1::-1]], BICUBIC))


def sample(picture: Image.Image, rng: np.random.Generator, most: float) -> tuple[np.ndarray, float, float]:
    """A picture as somebody may have it, what its own file says, and what is to be found."""
    factor = rng.uniform(0.3, most)
    size = tuple(max(LEAST + 8, round(v * factor)) for v in picture.size)
    kernel = KERNELS[rng.integers(len(KERNELS))] if rng.random() < 0.3 else BICUBIC
    rgb = np.asarray(picture.resize(size, kernel))
    if rng.random() < 0.35:  # of more or less contrast, brighter or darker
        level, contrast = rng.uniform(30, 200), rng.uniform(0.2, 1.5)
        rgb = np.clip((rgb.astype(np.float32) - 128) * contrast + level, 0, 255).round().astype(np.uint8)
    if rng.random() < 0.35:
        rgb = blur(rgb, rng.uniform(0.25, 1.2) if rng.random() < 0.6 else rng.uniform(1, 4))
    if rng.random() < 0.1:
        rgb = resized(rgb, rng.uniform(1.1, 3))
    if rng.random() < 0.3:
        rgb = noise(rgb, float(rng.choice((rng.uniform(0.5, 6), rng.uniform(3, 15)))), rng)
    if rng.random() < 0.25:
        rgb = sharpen(rgb, rng.uniform(0.2, 1.5), rng.uniform(0.5, 1.6))
    if rng.random() < 0.15:
        rgb = np.repeat((rgb @ PLANES[0]).round().astype(np.uint8)[..., None], 3, 2)
    if max(rgb.shape[:2]) > PART:  # a part of it: the rest says no more
        top, left = (int(rng.integers(0, max(0, size - PART) + 1)) for size in rgb.shape[:2])
        rgb = rgb[top : top + PART, left : left + PART]
    rough, fate = rgb, rng.random()
    if fate < 0.25:
        codec = str(rng.choice(("x264", "x264", "x264", "x264", "x265", "vp9")))
        strength = rng.uniform(*CODECS[codec][2])
        rough = compressed(rgb, codec, strength, int(rng.integers(0, 5)), str(rng.choice(("veryfast", "medium"))))
    elif fate < 0.38:
        rough = compressed(rgb, str(rng.choice(("webp", "avif"))), rng.uniform(25, 95))
    elif fate < 0.5:
        shift = tuple(rng.integers(0, 8, 2)) if rng.random() < 0.5 else (0, 0)
        rough = jpeg(rgb, int(rng.integers(40, 97)), str(rng.choice(("4:4:4", "4:2:0"))), shift)
    if rng.random() < 0.2 and min(rgb.shape[:2]) > 1.5 * LEAST:  # shown smaller or larger
        factor = rng.uniform(max(0.6, LEAST / min(rgb.shape[:2])), 1) if rng.random() < 0.7 else rng.uniform(1, 2)
        rgb, rough = resized(rgb, factor), resized(rough, factor)
    file = 0.0
    if rng.random() < 0.4:
        quality = int(rng.integers(76, 99))
        file = told_quality(quality) if rng.random() < 0.8 else 0.0
        rough = jpeg(rough, quality, str(rng.choice(("4:4:4", "4:2:0"))))
    return rough, file, as_jpeg(rough, rgb)


def gather(count: int, seed: int, *kinds: list[Image.Image]) -> tuple[np.ndarray, np.ndarray]:
    seen, truth, tries = [], [], 0
    while len(seen) < count:
        rng, tries = np.random.default_rng([seed, tries]), tries + 1  # one that is left out changes no other
        kind = rng.random()
        pictures = kinds[len(kinds) > 1 and kind > 0.7]
        picture = drawing(rng) if kind < 0.04 else pictures[rng.integers(len(pictures))]
        try:
            rough, file, told = sample(picture, rng, 0.6 if pictures is not kinds[0] else 0.75)
        except av.error.FFmpegError:  # an encoder now and then refuses a size or a strength
            continue
        if (features := describe(rough, file)) is not None:
            seen.append(features)
            truth.append([told])
    return np.stack(seen), np.array(truth, np.float32)


def fit(photos, faces, kept, samples: int, epochs: int = 120) -> dict[str, np.ndarray]:
    """The regression's weights; photographs that it did not see tell how good it is."""
    part = partial(gather, samples // 20)
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        made = list(pool.map(part, range(1, 21), [photos] * 20, [faces] * 20))
        tests = list(pool.map(part, (101, 102), [kept] * 2))
    seen, told = (np.concatenate(x) for x in zip(*made, strict=True))
    weights = fitted(seen, told, epochs=epochs, hidden=(32, 16), quantile=CAREFUL)
    test, truth = (np.concatenate(x) for x in zip(*tests, strict=True))
    error = answers(weights, test) - truth
    print(f"{len(test)} of other photographs: off by {np.abs(error).mean():.3f} of 1 in the mean, quartiles "
          f"{np.round(np.percentile(error, (5, 25, 50, 75, 95)), 3)}")  # fmt: skip
    return weights


def found_in(photos: list[Image.Image], canvas) -> None:
    print(
        f"{len(photos)} photographs, halved; in how many something is found; quartiles and most, as JPEG (the truth in "
        "the mean); dB that it gains when they are enlarged twice, mean, least, most"
    )
    for codec, strength in STATES:
        found, true, gains = [], [], []
        for photo in photos:
            width, height = photo.width // 2, photo.height // 2
            photo = photo.crop((0, 0, 2 * width, 2 * height))
            small = np.asarray(photo.resize((width, height), BICUBIC))
            rough = small if codec is None else compressed(small, codec, strength)
            found.append(compression_of(rough, 0.0))
            true.append(as_jpeg(rough, small))
            if not found[-1]:
                gains.append(0.0)
                continue
            made = both(rough, None, [], PhotoOptions(2, canvas="network"), canvas)
            nothing, told = (np.mean((np.asarray(result.photo, float) - photo) ** 2) for result in made)
            gains.append(10 * np.log10(nothing / told))
        found = np.array(found)
        told = " ".join(f"{100 - 60 * v:.0f}" for v in np.percentile(found, [25, 50, 75, 100]))
        name, true = f"{codec or 'clean'} {strength or ''}", 100 - 60 * np.mean(true)
        print(
            f"{name}: {np.mean(found > 0):.0%}: {told} ({true:.0f}); {np.mean(gains):+.2f}, {min(gains):+.2f}, "
            f"{max(gains):+.2f}",
            flush=True,
        )


def gained(faces: list[np.ndarray], sizes: list[int], upscaler, canvas) -> None:
    print(
        f"{len(faces)} faces; dB over Lanczos: told nothing -> what is found (in brackets, as JPEG), kept as PNG -> as "
        f"JPEG {AGAIN}"
    )
    for size in sizes:
        groups = [Group(faces[i : i + TOGETHER], size) for i in range(0, len(faces), TOGETHER)]
        for codec, strength in STATES:
            cells = []
            for quality in (None, AGAIN):
                rows = [restored(group, codec, strength, quality, upscaler, canvas) for group in groups]
                nothing, told, found = np.mean(rows, 0)
                cells.append(f"{nothing:+.2f} -> {told:+.2f} ({100 - 60 * found:.0f})")
            print(f"{size} px, {codec or 'clean'} {strength or ''}: " + "; ".join(cells), flush=True)


def restored(group: Group, codec, strength, quality, upscaler, canvas) -> tuple[float, float, float]:
    """dB over Lanczos on the faces' squares where nothing is found, where it is, and what that is."""
    photo = group.photo if codec is None else compressed(group.photo, codec, strength)
    photo = photo if quality is None else jpeg(photo, quality)
    options = PhotoOptions(group.scale, max_size=1000, canvas="network")
    made = both(DecodedImage(photo, quality=quality), upscaler, group.boxes, options, canvas)
    return *(group.gain(result.photo, photo) for result in made), compression_of(photo, told_quality(quality))


def both(image, upscaler, boxes, options: PhotoOptions, canvas) -> list[PhotoResult]:
    """Where nothing is found, and where what is found is told."""
    made = []
    for find in (lambda rgb, file: 0.0, compression_of):
        with mock.patch("faceprior.photo.quality.compression_of", find):
            made.append(upscale_photo(image, upscaler, boxes, options, canvas=lambda: canvas))
    return made


if __name__ == "__main__":
    main()
