"""What faces gain where the canvas network paints what is around them, and the rest of the photo is Lanczos's.

    python benchmarks/around.py --faces FOLDER [--count 12] [--sizes 12 16 24 32 40 48 60] [--states clean 75]

FOLDER holds sources of layout `table`. Validation faces of S pixels, one a photo, clean or out of a JPEG, are found
where they are and go through all of `upscale_photo` on each canvas. Printed: dB over Lanczos on the face's square, and
what painting around a face takes on one thread.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from blend import stored
from sharpened import Group, validation_faces

from faceprior.photo.around import Place
from faceprior.photo.canvas import FacePainter
from faceprior.photo.decode import DecodedImage
from faceprior.photo.enlarge import enlarge
from faceprior.photo.options import PhotoOptions
from faceprior.photo.pipeline import upscale_photo
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load

KINDS = ("lanczos", "faces", "network")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--sizes", type=int, nargs="+", default=[12, 16, 24, 32, 40, 48, 60])
    parser.add_argument("--states", nargs="+", default=["clean", "75"])
    given = parser.parse_args()
    upscaler, canvas = load(threads=1), load_canvas(threads=1)
    faces = validation_faces(given.faces, given.count)
    print(f"{len(faces)} faces; dB over Lanczos on {', '.join(KINDS)}; ms around a face")
    for state in given.states:
        for size in given.sizes:
            rows, took = [], []
            for face in faces:
                group = Group([face], size, rows=1)
                photo, quality = stored(group.photo, state)
                row = []
                for kind in KINDS:
                    options = PhotoOptions(group.scale, max_size=1000, canvas=kind)
                    picture = DecodedImage(photo, quality=quality)
                    made = upscale_photo(picture, upscaler, group.boxes, options, canvas=lambda: canvas)
                    row.append(group.gain(made.photo, photo))
                rows.append(row)
                took.append(seconds(photo, size, group.scale, canvas))
            gains = ", ".join(f"{gain:+.2f}" for gain in np.mean(rows, 0))
            print(f"{state} {size} px: {gains}; {1000 * np.median(took):.0f} ms", flush=True)


def seconds(photo: np.ndarray, size: int, scale: int, canvas) -> float:
    """What painting around a face takes that stands in the middle of a larger photo."""
    wide = np.pad(photo, ((size, size), (size, size), (0, 0)), "symmetric")
    painter, out = FacePainter(wide, scale, canvas), enlarge(wide, scale)
    place = Place(wide.shape[1] / 2, wide.shape[0] / 2, size)
    began = time.perf_counter()
    painter.around(out, wide, [place])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
