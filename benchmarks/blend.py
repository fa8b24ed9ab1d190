"""What a photo's face gains from the network, by its size and by what became of the photo; and how strongly it should
be blended with the canvas below it: what `photo/blend.py` holds.

    python benchmarks/blend.py --faces FOLDER [--count 40] [--sizes 10 12 16 20 24 32 48] [--states clean 75 50 soft]
        [--model M] [--larger M] [--canvas FILE] [--told Q]

FOLDER holds sources of layout `table`; faces of their validation split, reduced until their frame is S pixels wide,
stand for faces of photos: clean, as JPEG 75 and 50 (or `webp75`, `avif50`), and `soft`: enlarged twice afterwards, so
that a face of 2 S pixels holds the detail of S. They go through the whole pipeline. Printed for each, in dB on the
frame: what comes out over the photo enlarged by Lanczos, and over the canvas; then what blending at strength 1 and at
the best one would give over the canvas, and that best one. The error is a parabola of the strength, so two runs tell
its least: pooled over faces, and over those halves of them whose output agrees less and more with the photo's own
pixels (`lr_consistency`).
"""

import argparse
import io
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from faceprior.dataset.context import CONTEXT, HR, context_frame, render
from faceprior.dataset.rough import jpeg
from faceprior.dataset.split import split_of
from faceprior.photo import pipeline
from faceprior.photo.blend import face_strength
from faceprior.photo.boxes import Detection
from faceprior.photo.cut import BOX_DROP, SIDE_BOX
from faceprior.photo.decode import DecodedImage, read_stream
from faceprior.photo.enlarge import enlarge
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.photo.result import PhotoFace
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load


def contexts(folder: Path, count: int, split: str = "val") -> list[np.ndarray]:
    """uint8 (224, 224, 3): the upright frame is the middle 128."""
    rows = []
    for table in sorted(folder.glob("*/landmarks68.csv")):
        for line in table.read_text("utf-8").splitlines()[1:]:
            name, person, *numbers = line.split(",")
            if split_of(table.parent.name, person) == split:
                rows.append((table.parent / name, np.array(numbers[:136], float).reshape(68, 2)))
    found = []
    for i in np.random.default_rng(0).permutation(len(rows)):
        path, landmarks = rows[i]
        frame = context_frame(landmarks)
        if frame.side >= 0.7 * CONTEXT:  # else there is no truth finer than what is made
            found.append(np.asarray(render(Image.open(path).convert("RGB"), frame)))
        if len(found) == count:
            break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 12, 16, 20, 24, 32, 48])
    parser.add_argument("--states", nargs="+", default=["clean", "75", "50", "soft"])
    parser.add_argument("--model")
    parser.add_argument("--larger", help="the model for larger faces, where --model names a file")
    parser.add_argument("--canvas", type=Path)
    parser.add_argument("--told", type=float, help="quality of JPEG as which all are told, instead of their own")
    given = parser.parse_args()
    upscaler, canvas = load(given.model, larger=given.larger), load_canvas(given.canvas)
    faces = contexts(given.faces, given.count)
    print(f"{len(faces)} faces, model {upscaler.info.name}")
    print("dB over Lanczos, over the canvas | over the canvas at strength 1 / best")
    print("(best strength; of the less, the more consistent)  by network and detail")
    for state in given.states:
        for size in given.sizes:
            found = [measured(context, size, state, upscaler, canvas, given.told) for context in faces]
            sums, shipped, lanczos = (np.array([f[i] for f in found]) for i in range(3))
            agreed = np.array([f[3].lr_consistency or 0.0 for f in found])
            over = [np.mean(10 * np.log10(other / shipped)) for other in (lanczos, sums[:, 0])]
            networks = Counter(f[3].network for f in found).most_common(1)[0]
            detail = np.median([f[3].detail for f in found])
            print(
                f"{state:>5} {size:2d} px: {over[0]:+.2f}, {over[1]:+.2f} | {told(sums, agreed)}  "
                f"{networks[0]} {networks[1]}/{len(found)}, detail {detail:.0f} px",
                flush=True,
            )


def measured(
    context, size, state, upscaler, canvas, as_jpeg=None
) -> tuple[tuple[float, float, float], float, float, PhotoFace]:
    """Sums over the frame: the canvas's squared error, its product with the face's change, that change squared; the
    squared errors of what comes out and of Lanczos; the face."""
    times = 2 if state == "soft" else 1
    scale = (4 if size <= 32 else 2) // times
    side = round(CONTEXT * size / HR)
    photo = np.asarray(Image.fromarray(context).resize((side, side), Image.Resampling.BICUBIC))
    truth = np.asarray(Image.fromarray(context).resize((side * scale * times,) * 2, Image.Resampling.BICUBIC), float)
    photo, quality = stored(photo, state)
    quality = as_jpeg or quality
    if times > 1:
        photo = np.asarray(Image.fromarray(photo).resize((side * times,) * 2, Image.Resampling.BICUBIC))
    side, size = side * times, size * times
    extent = size / SIDE_BOX
    corner = side / 2 - BOX_DROP * size - extent / 2
    face = Detection((side / 2 - extent / 2, corner, extent, extent), 1.0)
    outputs = []
    for strength in (None, 0.0, 1.0):
        pipeline.face_strength = face_strength if strength is None else lambda *_: 1.0
        options = PhotoOptions(scale, 1.0 if strength is None else strength, max_size=1000, canvas="network")
        result = upscale_photo(DecodedImage(photo, quality=quality), upscaler, [face], options, canvas=lambda: canvas)
        outputs.append(np.asarray(result.photo, np.float64))
    outputs.append(np.asarray(enlarge(photo, scale), np.float64))
    margin = round((CONTEXT - HR) / 2 / CONTEXT * side * scale)
    inside = slice(margin, side * scale - margin)
    shipped, plain, full, lanczos = (x[inside, inside] - truth[inside, inside] for x in outputs)
    change = full - plain
    sums = float((plain**2).mean()), float((plain * change).mean()), float((change**2).mean())
    return sums, float((shipped**2).mean()), float((lanczos**2).mean()), result.faces[0]


def stored(photo: np.ndarray, state: str) -> tuple[np.ndarray, float | None]:
    """A photo as a file of that state leaves it, and the quality as which such a file is told."""
    kind, quality = state.rstrip("0123456789"), state.lstrip("abefipvw")
    if not quality.isdigit():
        return photo, None
    if not kind:
        return jpeg(photo, int(quality)), float(quality)
    file = io.BytesIO()
    Image.fromarray(photo).save(file, kind.upper(), quality=int(quality))
    picture = read_stream(file.getvalue())
    return picture.rgb, picture.quality


def told(sums: np.ndarray, agreed: np.ndarray) -> str:
    def best(rows: np.ndarray) -> float:
        return float(np.clip(-rows[:, 1].sum() / max(rows[:, 2].sum(), 1e-9), 0, 1.5))

    def gain(strength: float) -> float:
        after = sums[:, 0] + 2 * strength * sums[:, 1] + strength**2 * sums[:, 2]
        return float(np.mean(10 * np.log10(sums[:, 0] / after)))

    order, half = np.argsort(agreed), len(agreed) // 2
    parts = [best(sums[order[:half]]), best(sums[order[half:]])]
    return f"{gain(1):+.2f} / {gain(best(sums)):+.2f} ({best(sums):.2f}; {parts[0]:.2f}, {parts[1]:.2f})"


if __name__ == "__main__":
    main()
