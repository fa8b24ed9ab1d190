"""Is it found how much a photo was sharpened, and what do its faces gain when that is taken out?

    python benchmarks/sharpened.py --photos DIR --faces FOLDER [--count 24] [--sizes 16 24 32 48] [--amounts 0 0.5 1 2]
    python benchmarks/sharpened.py --photos DIR --faces FOLDER --fit src/faceprior/assets/sharpened.npz [--samples N]

DIR holds photographs, a fifth of which, by a fixed shuffle, is kept for telling how good the fit is; FOLDER sources of
layout `table`. Photographs and faces are reduced by several kernels, some blurred, given noise, sharpened, kept as
JPEGs, and cut to parts. What is fitted is by how much more energy they have around FINE and MIDDLE than the same
reduced by Pillow's BICUBIC and nothing else (as the networks were trained), before noise and JPEG.

Printed: in how many of the kept photographs something is found, the quartiles and the most of the amount; then what a
photo's faces gain over Lanczos: twelve validation faces of S pixels stand in one photo, are found where they are, and
go through all of `upscale_photo`, as it is and with `keep_sharpening`; dB on their squares.
"""

import argparse
from pathlib import Path

import numpy as np
from blend import contexts
from fitting import fitted
from PIL import Image, ImageDraw

from faceprior.dataset.context import CONTEXT, HR
from faceprior.dataset.rough import blur, jpeg, noise, sharpen
from faceprior.photo.boxes import Detection
from faceprior.photo.cut import BOX_DROP, SIDE_BOX
from faceprior.photo.decode import DecodedImage
from faceprior.photo.enlarge import enlarge
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.regression import answers
from faceprior.photo.result import PhotoResult
from faceprior.photo.sharpened import FINE, LEAST, LUMA, MIDDLE, describe, sharpening_of
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load

BICUBIC, LANCZOS = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
KERNELS = (
    Image.Resampling.BOX,
    Image.Resampling.NEAREST,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    BICUBIC,
    LANCZOS,
)
WIDE = 0.06  # cycles a pixel around FINE and MIDDLE
TOGETHER = 12  # faces in a photo
QUALITIES = (None, 95, 85)


def main() -> None:
    given = arguments(__doc__, 20_000, [16, 24, 32, 48], amounts=[0, 0.5, 1, 2])
    fitted, kept = photographs(given.photos)
    if given.fit:
        np.savez(given.fit, **fit(fitted, training_faces(given.faces), kept, given.samples))
        return
    found_in(kept, given.amounts)
    gained(validation_faces(given.faces, given.count), given.sizes, given.amounts)


def arguments(
    doc: str,
    samples: int,
    sizes: list[int],
    count: int = 24,
    amounts: list[float] | None = None,
    sigmas: list[float] | None = None,
    states: bool = False,
) -> argparse.Namespace:
    """What benchmarks of this kind are given."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    if amounts is not None:
        parser.add_argument("--amounts", type=float, nargs="+", default=amounts)
    if sigmas is not None:
        parser.add_argument("--sigmas", type=float, nargs="+", default=sigmas)
    if states:
        parser.add_argument("--states", action="store_true")
    parser.add_argument("--fit", type=Path, metavar="FILE", help="make the regression's weights instead")
    parser.add_argument("--samples", type=int, default=samples)
    return parser.parse_args()


def photographs(folder: Path) -> tuple[list[Image.Image], list[Image.Image]]:
    """Those that are fitted to, and the fifth that is kept for telling how good the fit is."""
    files = sorted(folder.glob("*.jpg"))
    np.random.default_rng(0).shuffle(files)
    part = len(files) * 4 // 5
    fitted, kept = ([Image.open(file).convert("RGB") for file in some] for some in (files[:part], files[part:]))
    return fitted, kept


def training_faces(folder: Path) -> list[Image.Image]:
    return [Image.fromarray(face) for face in whole(contexts(folder, 600, "train"))]


def validation_faces(folder: Path, count: int) -> list[np.ndarray]:
    return whole(contexts(folder, 4 * count))[:count]


def whole(faces: list[np.ndarray]) -> list[np.ndarray]:
    """Those that do not reach beyond their photo: repeated edges are no picture's."""
    return [
        x
        for x in faces
        if not any((a[0] == a[3]).all() for a in (x, x[::-1], x[:, ::-1].swapaxes(0, 1), x.swapaxes(0, 1)))
    ]


def found_in(photos: list[Image.Image], amounts: list[float]) -> None:
    print(
        f"{len(photos)} photographs, reduced to 0.6; in how many something is found, quartiles and most of the amount"
    )
    for name, kernel in (("bicubic", BICUBIC), ("box", KERNELS[0]), ("lanczos", LANCZOS)):
        for amount in amounts:
            cells = []
            for quality in QUALITIES:
                found = [sharpening_of(made(photo, 0.6, kernel, amount, quality), quality) for photo in photos]
                values = np.array([0 if f is None else f.amount for f in found])
                told = " ".join(f"{v:.2f}" for v in np.percentile(values, [25, 50, 75, 100]))
                cells.append(f"{'clean' if quality is None else f'JPEG {quality}'} {np.mean(values > 0):.0%}: {told}")
            print(f"{name:>8}, sharpened by {amount:g}: " + "; ".join(cells), flush=True)


def made(photo: Image.Image, factor: float, kernel: int, amount: float, quality: int | None) -> np.ndarray:
    small = np.asarray(photo.resize((round(photo.width * factor), round(photo.height * factor)), kernel))
    small = sharpen(small, amount) if amount else small
    return small if quality is None else jpeg(small, quality)


def gained(faces: list[np.ndarray], sizes: list[int], amounts: list[float]) -> None:
    upscaler, canvas = load(), load_canvas()
    print(f"{len(faces)} faces; dB over Lanczos: sharpening kept -> taken out (amount that was found)")
    for size in sizes:
        for amount in amounts:
            cells = []
            for quality in QUALITIES:
                rows = [
                    restored(faces[i : i + TOGETHER], size, amount, quality, upscaler, canvas)
                    for i in range(0, len(faces), TOGETHER)
                ]
                kept, taken, found = np.mean(rows, 0)
                cells.append(
                    f"{'clean' if quality is None else f'JPEG {quality}'} {kept:+.2f} -> {taken:+.2f} ({found:.2f})"
                )
            print(f"{size} px, sharpened by {amount:g}: " + "; ".join(cells), flush=True)


def restored(faces, size, amount, quality, upscaler, canvas) -> tuple[float, float, float]:
    """dB over Lanczos on the faces' squares with `keep_sharpening`, without, and the amount that is found."""
    group = Group(faces, size)
    photo = sharpen(group.photo, amount) if amount else group.photo
    photo = photo if quality is None else jpeg(photo, quality)
    gains, result = kept_and_undone(group, DecodedImage(photo, quality=quality), "keep_sharpening", upscaler, canvas)
    return *gains, result.sharpening.amount if result.sharpening else 0.0


def kept_and_undone(
    group: "Group", given: DecodedImage, flag: str, upscaler, canvas
) -> tuple[list[float], PhotoResult]:
    """dB over Lanczos with an option that keeps a photo's sharpness, and without; the result without."""
    gains = []
    for keep in (True, False):
        options = PhotoOptions(group.scale, max_size=1000, canvas="network", **{flag: keep})
        result = upscale_photo(given, upscaler, group.boxes, options, canvas=lambda: canvas)
        gains.append(group.gain(result.photo, given.rgb))
    return gains, result


class Group:
    """Faces uint8 (CONTEXT, CONTEXT, 3) as one photo of some rows, each face's square `size` pixels wide."""

    def __init__(self, faces: list[np.ndarray], size: int, rows: int = 3):
        self.scale, self.side = 4 if size <= 32 else 2, round(CONTEXT * size / HR)
        across = -(-len(faces) // rows)
        self.places = [(self.side * (i % across), self.side * (i // across)) for i in range(len(faces))]
        shape = (rows * self.side, across * self.side, 3)
        self.photo = np.zeros(shape, np.uint8)
        self.truth = np.zeros((shape[0] * self.scale, shape[1] * self.scale, 3))
        self.boxes, extent, side, scale = [], size / SIDE_BOX, self.side, self.scale
        self.large = np.zeros((rows * CONTEXT, across * CONTEXT, 3), np.uint8)
        for (x, y), face in zip(self.places, faces, strict=True):
            picture, fine = Image.fromarray(face), (y // side * CONTEXT, x // side * CONTEXT)
            self.large[fine[0] : fine[0] + CONTEXT, fine[1] : fine[1] + CONTEXT] = face
            self.photo[y : y + side, x : x + side] = picture.resize((side, side), BICUBIC)
            large = picture.resize((side * scale,) * 2, BICUBIC)
            self.truth[y * scale : (y + side) * scale, x * scale : (x + side) * scale] = large
            corner = (x + side / 2 - extent / 2, y + side / 2 - BOX_DROP * size - extent / 2)
            self.boxes.append(Detection((*corner, extent, extent), 1.0))

    def softened(self, sigma: float) -> np.ndarray:
        """The photo through a lens that blurs by a Gaussian of `sigma` of its pixels, uint8."""
        soft = blur(self.large, sigma * CONTEXT / self.side) if sigma else self.large
        return np.asarray(Image.fromarray(soft).resize(self.photo.shape[1::-1], BICUBIC))

    def faces_here(self) -> np.ndarray:
        """bool (H, W, 1): the faces' squares."""
        here, margin = np.zeros((*self.photo.shape[:2], 1), bool), round((CONTEXT - HR) / 2 / CONTEXT * self.side)
        for x, y in self.places:
            here[y + margin : y + self.side - margin, x + margin : x + self.side - margin] = True
        return here

    def gain(self, made: Image.Image, photo: np.ndarray) -> float:
        """dB over Lanczos of `photo`, on the faces' squares, in the mean."""
        return float(np.mean(10 * np.log10(self._errors(enlarge(photo, self.scale)) / self._errors(made))))

    def _errors(self, made: Image.Image) -> np.ndarray:
        """The mean squared error of each face's square."""
        error = np.asarray(made, float) - self.truth
        margin, length = round((CONTEXT - HR) / 2 / CONTEXT * self.side * self.scale), self.side * self.scale
        starts = [(y * self.scale, x * self.scale) for x, y in self.places]
        inside = [error[y + margin : y + length - margin, x + margin : x + length - margin] for y, x in starts]
        return np.array([np.mean(square**2) for square in inside])


def sample(picture: Image.Image, rng: np.random.Generator, most: float):
    """A picture as somebody may have it, the quality of its file where that is known, and log2 of its gain at FINE and
    MIDDLE over the same by BICUBIC alone."""
    quality = None
    factor = rng.uniform(0.3, most)
    size = tuple(max(LEAST + 8, round(v * factor)) for v in picture.size)
    kernel = KERNELS[rng.integers(len(KERNELS))] if rng.random() < 0.5 else BICUBIC
    picture = relit(picture, rng)
    small, plain = (np.asarray(picture.resize(size, k)) for k in (kernel, BICUBIC))
    if rng.random() < 0.3:
        small = blur(small, rng.uniform(0.25, 0.8))
    amount, radius = (rng.uniform(0.1, 2.5), rng.uniform(0.5, 1.6)) if rng.random() < 0.6 else (0.0, 1.0)
    quiet = sharpen(small, amount, radius) if amount else small
    gain = tuple(gain_at(quiet, plain, frequency) for frequency in (FINE, MIDDLE))
    if rng.random() < 0.4:
        small = noise(small, float(rng.choice((rng.uniform(0.5, 6), rng.uniform(3, 18)))), rng)
        quiet = sharpen(small, amount, radius) if amount else small
    if rng.random() < 0.02:  # what is dithered looks sharp
        quiet = np.asarray(Image.fromarray(quiet).convert("P").convert("RGB"))
    if rng.random() < 0.6:
        shift = tuple(rng.integers(0, 8, 2)) if rng.random() < 0.3 else (0, 0)
        quality = int(rng.choice((rng.integers(70, 99), rng.integers(30, 99))))
        quiet = jpeg(quiet, quality, str(rng.choice(("4:4:4", "4:2:2", "4:2:0"))), shift)
    if rng.random() < 0.4 and min(quiet.shape[:2]) > LEAST:  # a part of it
        height, width = (int(rng.integers(LEAST, length + 1)) for length in quiet.shape[:2])
        top, left = (int(rng.integers(0, a - b + 1)) for a, b in zip(quiet.shape[:2], (height, width), strict=True))
        quiet = quiet[top : top + height, left : left + width]
    return quiet, quality if rng.random() < 0.8 else None, gain


def relit(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Three of ten of more or less contrast, brighter or darker."""
    if rng.random() >= 0.3:
        return picture
    level, contrast = rng.uniform(60, 190), rng.uniform(0.4, 1.7)
    return picture.point([round(min(255, max(0, (v - 128) * contrast + level))) for v in range(256)] * 3)


def gain_at(picture: np.ndarray, plain: np.ndarray, frequency: float) -> float:
    """log2 of the gain in amplitude around a frequency, of one picture over another of the same things."""
    window = np.outer(*(np.hanning(length) for length in plain.shape[:2]))
    spectra = [np.abs(np.fft.rfft2((y - y.mean()) * window)) ** 2 for y in (x @ LUMA for x in (picture, plain))]
    radius = np.hypot(np.fft.fftfreq(plain.shape[0])[:, None], np.fft.rfftfreq(plain.shape[1]))
    there = np.abs(radius - frequency) < WIDE
    return float(0.5 * np.log2((spectra[0][there].sum() + 1) / (spectra[1][there].sum() + 1)))


def drawing(rng: np.random.Generator) -> Image.Image:
    """No photo: areas, lines and letters, which have hard edges though nobody sharpened them."""
    picture = Image.new("RGB", (600, 400), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.integers(8, 40)):
        colour, (x, y) = tuple(rng.integers(0, 256, 3).tolist()), rng.integers(0, 500, 2).tolist()
        size = rng.integers(4, 160, 2).tolist()
        kind = rng.integers(4)
        if kind == 0:
            draw.rectangle((x, y, x + size[0], y + size[1]), colour)
        elif kind == 1:
            draw.ellipse((x, y, x + size[0], y + size[1]), colour)
        elif kind == 2:
            draw.line((x, y, *rng.integers(0, 500, 2).tolist()), colour, int(rng.integers(1, 9)))
        else:
            words = "".join(chr(rng.integers(65, 122)) for _ in range(20))
            draw.text((x, y), words, colour, font_size=int(rng.integers(9, 60)))
    return picture


def fit(photos, faces, kept, samples: int, epochs: int = 120) -> dict[str, np.ndarray]:
    """The regression's weights; photographs that it did not see tell how good it is."""

    def gather(count: int, rng: np.random.Generator, *kinds: list[Image.Image]):
        seen, gains = [], []
        while len(seen) < count:
            kind = rng.random()
            if kind < 0.08:
                picture, quality, gain = sample(drawing(rng), rng, 1.0)
            else:
                pictures = kinds[len(kinds) > 1 and kind > 0.7]
                picture, quality, gain = sample(
                    pictures[rng.integers(len(pictures))], rng, 0.6 if pictures is faces else 0.75
                )
            if (features := describe(picture, quality)) is not None:
                seen.append(features)
                gains.append(gain)
        return np.stack(seen), np.array(gains, np.float32)

    x, y = gather(samples, np.random.default_rng(1), photos, faces)
    test, truth = gather(samples // 10, np.random.default_rng(2), kept)
    weights = fitted(x, y, epochs=epochs)
    error = answers(weights, test) - truth
    off = np.abs(error).mean(0).round(3)
    print(f"{len(test)} of other photographs: octaves off at FINE and MIDDLE, in the mean {off}")
    return weights


if __name__ == "__main__":
    main()
