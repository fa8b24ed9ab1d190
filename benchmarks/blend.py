"""How strongly a restored face should be blended with the canvas below it, by its size: what `photo/blend.py` holds.

    python benchmarks/blend.py --faces FOLDER [--count 40] [--sizes 10 12 16 20 24 32 48] [--model M] [--canvas FILE]

FOLDER holds sources of layout `table`; faces of their validation split, reduced until their frame is S pixels wide,
stand for faces of photos, clean and as JPEG 75. They go through the whole pipeline. The error on the frame is a
parabola of the strength, so two runs tell its least: pooled over faces, and over those halves of them whose output
agrees more and less with the photo's own pixels (`lr_consistency`).
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from faceprior.dataset.context import CONTEXT, HR, context_frame, render
from faceprior.dataset.rough import jpeg
from faceprior.dataset.split import split_of
from faceprior.photo import pipeline
from faceprior.photo.boxes import Detection
from faceprior.photo.cut import BOX_DROP, SIDE_BOX
from faceprior.photo.decode import DecodedImage
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load


def contexts(folder: Path, count: int) -> list[np.ndarray]:
    """uint8 (224, 224, 3): the upright frame is the middle 128."""
    rows = []
    for table in sorted(folder.glob("*/landmarks68.csv")):
        for line in table.read_text("utf-8").splitlines()[1:]:
            name, person, *numbers = line.split(",")
            if split_of(table.parent.name, person) == "val":
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
    parser.add_argument("--model")
    parser.add_argument("--canvas", type=Path)
    given = parser.parse_args()
    pipeline.face_strength = lambda *_: 1.0  # what is to be measured
    upscaler, canvas = load(given.model), load_canvas(given.canvas)
    faces = contexts(given.faces, given.count)
    print(f"{len(faces)} faces; dB over the canvas: strength 1 / best (which; of the less, the more consistent)")
    for quality in (None, 75):
        for size in given.sizes:
            errors, agreed = [], []
            for context in faces:
                errors.append(parabola(context, size, quality, upscaler, canvas, agreed))
            print(f"{quality or 'clean'} {size:2d} px: {told(np.array(errors), np.array(agreed))}", flush=True)


def parabola(context, size, quality, upscaler, canvas, agreed) -> tuple[float, float, float]:
    """Sums over the frame: the canvas's squared error, its product with the face's change, that change squared."""
    scale = 4 if size <= 32 else 2
    side = round(CONTEXT * size / HR)
    photo = np.asarray(Image.fromarray(context).resize((side, side), Image.Resampling.BICUBIC))
    truth = np.asarray(Image.fromarray(context).resize((side * scale,) * 2, Image.Resampling.BICUBIC), np.float64)
    photo = photo if quality is None else jpeg(photo, quality)
    extent = size / SIDE_BOX
    corner = side / 2 - BOX_DROP * size - extent / 2
    face = Detection((side / 2 - extent / 2, corner, extent, extent), 1.0)
    outputs = []
    for strength in (0.0, 1.0):
        options = PhotoOptions(scale, strength, max_size=1000, canvas="network")
        result = upscale_photo(DecodedImage(photo, quality=quality), upscaler, [face], options, canvas=lambda: canvas)
        outputs.append(np.asarray(result.photo, np.float64))
    agreed.append(result.faces[0].lr_consistency or 0.0)
    margin = round((CONTEXT - HR) / 2 / CONTEXT * side * scale)
    inside = slice(margin, side * scale - margin)
    error, change = (x[inside, inside] for x in (outputs[0] - truth, outputs[1] - outputs[0]))
    return float((error**2).mean()), float((error * change).mean()), float((change**2).mean())


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
