"""Photos that are softer than a reduction leaves them: is that found, and what do their faces gain by it?

    python benchmarks/softened.py --photos BSDS --faces FOLDER [--count 48] [--sizes 16 32 48]
        [--sigmas 0 0.5 0.7 1] [--states]
    python benchmarks/softened.py --photos BSDS --faces FOLDER --fit FILE [--samples 6000]

The regression that tells how soft is that of `sharpened.py`, which fits it. Softness is a Gaussian of so many pixels
before a picture is reduced. Printed: in how many of the kept photographs something is found, and quartiles of the sigma
that is; then what a photo's faces gain over Lanczos, as in `sharpened.py`: with `keep_softness`, and without.

--states: faces of photos as they come: `camera`, a lens of 0.4 pixels, 1.5 grey levels of noise, a Bayer mosaic and
Malvar, He and Cutler's (ICASSP 2004) way out of it, JPEG 95; `enlarged`, by 1.2, 1.5 and 2 (bicubic); `bokeh`, a
background out of focus by 3 pixels, sharp faces; `focus`, the other way round: faces out of focus by 1.

--fit makes `assets/enlarged.npz`, which tells by how much a soft picture was enlarged (log2), and so that its softness
is none that can be undone: of BSDS and training faces, soft through lenses and mosaics, or enlarged, or both; noise,
sharpening and JPEG on some.
"""

from functools import partial

import numpy as np
from fitting import fitted
from PIL import Image
from sharpened import (
    BICUBIC,
    KERNELS,
    LEAST,
    QUALITIES,
    Group,
    arguments,
    kept_and_undone,
    photographs,
    relit,
    training_faces,
    validation_faces,
)

from faceprior.dataset.rough import SUBSAMPLINGS, blur, jpeg, noise, sharpen
from faceprior.photo.decode import DecodedImage
from faceprior.photo.regression import answers
from faceprior.photo.sharpened import describe, octaves
from faceprior.photo.softened import Softness, response_of
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load

ROWS = 6  # of all the faces, in one photo: a small one tells less of itself
SOFT = -0.5  # octaves at FINE: less is missing in none that matters


def main() -> None:
    given = arguments(__doc__, 6000, [16, 32, 48], 48, sigmas=[0.0, 0.5, 0.7, 1.0], states=True)
    if given.fit:
        photos, kept = photographs(given.photos)
        np.savez(given.fit, **fit(photos, training_faces(given.faces), kept, given.samples))
        return
    if not given.states:
        found_in(photographs(given.photos)[1], given.sigmas)
    faces, upscaler, canvas = validation_faces(given.faces, given.count), load(), load_canvas()
    print(f"{len(faces)} faces; dB over Lanczos: softness kept -> made good (sigma that was found)")
    for size in given.sizes:
        for name, make in (STATES if given.states else blurred(given.sigmas)).items():
            cells = []
            for quality in (None,) if given.states else QUALITIES:
                kept, good, sigma = restored(faces, size, make, quality, upscaler, canvas)
                label = f"JPEG {quality}" if quality else "" if given.states else "clean"
                cells.append(f"{label} {kept:+.2f} -> {good:+.2f} ({sigma:.2f})")
            print(f"{size} px, {name}: " + "; ".join(cells), flush=True)


def found_in(photos: list[Image.Image], sigmas: list[float]) -> None:
    print(f"{len(photos)} photographs, reduced to 0.6; in how many something is found, quartiles and most of the sigma")
    for sigma in sigmas:
        cells = []
        for quality in QUALITIES:
            found = [response_of(lowered(photo, 0.6, sigma, quality), quality) for photo in photos]
            values = np.array([one.sigma if isinstance(one, Softness) else 0.0 for one in found])
            told = " ".join(f"{v:.2f}" for v in np.percentile(values, [25, 50, 75, 100]))
            cells.append(f"{'clean' if quality is None else f'JPEG {quality}'} {np.mean(values > 0):.0%}: {told}")
        print(f"sigma {sigma:g}: " + "; ".join(cells), flush=True)


def lowered(photo: Image.Image, factor: float, sigma: float, quality: int | None) -> np.ndarray:
    soft = Image.fromarray(blur(np.asarray(photo), sigma / factor)) if sigma else photo
    small = np.asarray(soft.resize((round(photo.width * factor), round(photo.height * factor)), BICUBIC))
    return small if quality is None else jpeg(small, quality)


def blurred(sigmas: list[float]) -> dict[str, object]:
    return {f"soft by {sigma:g}": lambda group, sigma=sigma: (group.softened(sigma), None) for sigma in sigmas}


def restored(faces, size, make, quality, upscaler, canvas) -> tuple[float, float, float]:
    """dB over Lanczos on the faces' squares with `keep_softness`, without, and the sigma that is found."""
    group = Group(faces, size, ROWS)
    photo, file = make(group)
    photo = photo if quality is None else jpeg(photo, quality)
    given = DecodedImage(photo, quality=quality or file)
    gains, result = kept_and_undone(group, given, "keep_softness", upscaler, canvas)
    return *gains, result.softness.sigma if result.softness else 0.0


def camera(group: Group) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(0)
    x = group.softened(0.4).astype(np.float32)
    x = x + 1.5 * rng.standard_normal(x.shape, np.float32)
    return jpeg(demosaiced(x), 95), 95


def demosaiced(x: np.ndarray) -> np.ndarray:
    """float32 (H, W, 3) -> uint8, through a mosaic of RGGB: Malvar, He and Cutler's filters of 5x5."""
    height, width = x.shape[:2]
    rows, columns = np.mgrid[:height, :width] % 2
    colour = np.where(rows == columns, 2 * rows, 1)  # 0 red, 1 green, 2 blue
    mosaic = np.take_along_axis(x, colour[..., None], 2)[..., 0]
    padded = np.pad(mosaic, 2, "reflect")
    at = lambda dy, dx: padded[2 + dy : 2 + dy + height, 2 + dx : 2 + dx + width]  # noqa: E731
    far_x, far_y = at(0, -2) + at(0, 2), at(-2, 0) + at(2, 0)
    near_x, near_y = at(0, -1) + at(0, 1), at(-1, 0) + at(1, 0)
    corners = at(-1, -1) + at(-1, 1) + at(1, -1) + at(1, 1)
    green = (4 * mosaic + 2 * (near_x + near_y) - far_x - far_y) / 8
    along_x = (5 * mosaic + 4 * near_x - corners - far_x + far_y / 2) / 8
    along_y = (5 * mosaic + 4 * near_y - corners - far_y + far_x / 2) / 8
    across = (6 * mosaic + 2 * corners - 1.5 * (far_x + far_y)) / 8
    out = np.empty_like(x)
    for plane, own in ((0, 0), (2, 2)):
        beside = rows == (own > 0)  # green pixels whose row holds this colour
        chosen = [colour == own, (colour == 1) & beside, (colour == 1) & ~beside]
        out[..., plane] = np.select(chosen, [mosaic, along_x, along_y], across)
    out[..., 1] = np.where(colour == 1, mosaic, green)
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)


def enlarged(group: Group, factor: float) -> tuple[np.ndarray, None]:
    height, width = group.photo.shape[:2]
    small = Image.fromarray(group.photo).resize((round(width / factor), round(height / factor)), BICUBIC)
    return np.asarray(small.resize((width, height), BICUBIC)), None


def bokeh(group: Group) -> tuple[np.ndarray, None]:
    return np.where(group.faces_here(), group.photo, blur(group.photo, 3.0)), None


def focus(group: Group) -> tuple[np.ndarray, None]:
    return np.where(group.faces_here(), group.softened(1.0), group.photo), None


STATES = {
    "camera": camera,
    **{f"enlarged by {times}": partial(enlarged, factor=times) for times in (1.2, 1.5, 2)},
    "bokeh": bokeh,
    "focus": focus,
}


def sample(picture: Image.Image, rng: np.random.Generator, most: float) -> tuple[np.ndarray, int | None, float]:
    """A soft or an enlarged picture as somebody may have it, the quality of its file where that is known, and by how
    much it was enlarged (1: not)."""
    factor, kind = rng.uniform(0.3, most), rng.choice(["mosaic", "lens", "enlarged", "both"], p=[0.15, 0.45, 0.3, 0.1])
    times = rng.uniform(1.15, 2.5) if kind in ("enlarged", "both") else 1.0
    size = [max(LEAST + 8, round(v * factor)) for v in picture.size]
    picture = relit(picture, rng)
    if kind != "enlarged":
        sigma = rng.uniform(0.2, 0.8) if kind == "mosaic" else rng.uniform(0.35, 1.4)
        picture = Image.fromarray(blur(np.asarray(picture), sigma / factor))
    kernel = KERNELS[rng.integers(len(KERNELS))] if rng.random() < 0.3 else BICUBIC
    x = np.asarray(picture.resize([max(24, round(v / times)) for v in size], kernel))
    if kind == "mosaic":
        x = demosaiced(x + rng.uniform(0, 4) * rng.standard_normal(x.shape, np.float32))
    if times > 1:
        x = _stored(x, rng)[0] if rng.random() < 0.4 else x
        x = noise(x, rng.uniform(0.5, 6), rng) if rng.random() < 0.3 else x
        x = np.asarray(Image.fromarray(x).resize(size, KERNELS[rng.choice([2, 4, 5])]))
    if rng.random() < 0.3:
        x = noise(x, rng.uniform(0.5, 6), rng)
    if rng.random() < 0.2:
        x = sharpen(x, rng.uniform(0.2, 1.2), rng.uniform(0.5, 1.4))
    x, quality = _stored(x, rng) if rng.random() < 0.6 else (x, None)
    return x, quality if rng.random() < 0.85 else None, times


def _stored(x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    quality = int(rng.choice((rng.integers(70, 99), rng.integers(40, 99))))
    return jpeg(x, quality, str(rng.choice(SUBSAMPLINGS))), quality


def fit(photos, faces, kept, samples: int, epochs: int = 120) -> dict[str, np.ndarray]:
    """The regression's weights; photographs that it did not see tell how good it is."""

    def gather(count: int, rng: np.random.Generator, *kinds: list[Image.Image]):
        seen, times = [], []
        while len(seen) < count:
            pictures = kinds[len(kinds) > 1 and rng.random() > 0.7]
            x, quality, by = sample(pictures[rng.integers(len(pictures))], rng, 0.6 if pictures is faces else 0.75)
            features = describe(x, quality)
            if features is not None and octaves(features)[0] < SOFT:
                seen.append(features)
                times.append([np.log2(by)])
        return np.stack(seen), np.array(times, np.float32)

    weights = fitted(*gather(samples, np.random.default_rng(1), photos, faces), epochs=epochs)
    x, truth = gather(max(1, samples // 8), np.random.default_rng(2), kept)
    told = answers(weights, x)
    parts = {"not": truth == 0, "by 1.15 to 1.5": (truth > 0) & (truth < 0.585), "by more": truth >= 0.585}
    for name, chosen in parts.items():
        if chosen.any():
            spread = " ".join(f"{v:.2f}" for v in np.percentile(told[chosen], [10, 25, 50, 75, 90]))
            print(f"{chosen.sum()} of other photographs, enlarged {name}: told {spread} (10, 25, 50, 75, 90 %)")
    return weights


if __name__ == "__main__":
    main()
