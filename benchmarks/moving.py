"""What a clip's faces gain from the network, and how much they twinkle, by their size, motion and the clip's quality.

    python benchmarks/moving.py --faces FOLDER [--count 12] [--sizes 10 12 16 20 24 32 48] [--frames 24] [--crf 23]
        [--states clean h264 still focus-in focus-out] [--told Q] [--model M] [--larger M] [--canvas FILE | --lanczos]

FOLDER holds sources of layout `table`; faces of their validation split, reduced until their frame is S pixels wide,
drift, turn and grow a little from frame to frame, as heads do, in each frame with grain of its own: clean, without;
`h264`: a grey level of it, kept by x264 at `--crf`, 23 being its usual quality; `still`: the same of a face that rests;
`focus-in`: as `h264`, its first eight frames out of focus by a Gaussian of a sixteenth of the face; `focus-out`: all
but those. Each fifth frame has boxes that are off by 2 % of the side, as a detector's, and they are followed as
`upscale_video` follows them.

Printed for each size, on the face's square over all frames but the first that bring it in (where the focus changes,
but the first eighteen): dB over Lanczos, of what is out of focus against the truth in focus; and twinkle, in grey
levels: by how much the step from one frame to the next differs from the step that the true frames take (root mean
square), of the result and of Lanczos.
"""

import argparse
import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from blend import contexts
from PIL import Image
from PIL.ImageFilter import GaussianBlur

from faceprior.dataset.context import CONTEXT, HR
from faceprior.photo.boxes import Detection
from faceprior.photo.canvas import FramePainter
from faceprior.photo.cut import BOX_DROP, SIDE_BOX
from faceprior.photo.enlarge import enlarge
from faceprior.photo.lossy import ALIKE
from faceprior.photo.options import PhotoOptions
from faceprior.runtime.canvas import load_canvas
from faceprior.runtime.upscaler import load
from faceprior.video.restore import FADE, FrameRestorer
from faceprior.video.track import Tracker, between

RATE, EVERY = 25.0, 5  # frames a second; between two looks of the detector
SHAKE = 0.02  # of a face's side
STATES = ("clean", "h264", "still", "focus-in", "focus-out")
FOCUS, UNSHARP, SETTLED = 8, 1 / 16, 18  # the frame at which it changes; of a face's side; frames after which it counts
GRAIN = 1.0  # grey levels
Place = tuple[float, float, float]  # centre and side of a face, pixels of the clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--told", type=float, default=ALIKE, help="quality of JPEG as which x264's clips are told")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 12, 16, 20, 24, 32, 48])
    parser.add_argument("--states", nargs="+", choices=STATES, default=STATES[:3])
    parser.add_argument("--model")
    parser.add_argument("--larger", help="the model for larger faces, where --model names a file")
    parser.add_argument("--canvas", type=Path)
    parser.add_argument("--lanczos", action="store_true", help="on Lanczos instead of the canvas network")
    given = parser.parse_args()
    upscaler = load(given.model, larger=given.larger)
    canvas = None if given.lanczos else load_canvas(given.canvas)
    faces = contexts(given.faces, given.count)
    print(f"{len(faces)} faces, {given.frames} frames, model {upscaler.info.name}")
    for state in given.states:
        for size in given.sizes:
            rows = [measured(face, i, size, state, given, upscaler, canvas) for i, face in enumerate(faces)]
            gain, twinkle, lanczos = np.mean(rows, 0)
            told = f"{gain:+.2f} dB; twinkle {twinkle:.2f}, of Lanczos {lanczos:.2f}"
            print(f"{state:>5} {size:2d} px: {told}", flush=True)


def measured(context, seed, size, state, given, upscaler, canvas) -> tuple[float, float, float]:
    """dB over Lanczos, twinkle of the result and of Lanczos."""
    scale = 4 if size <= 32 else 2
    rng = np.random.default_rng(seed)
    truth, places = moved(context, size, scale, given.frames, rng, swing=state != "still")
    photos = [np.asarray(Image.fromarray(t).resize((len(t) // scale,) * 2, Image.Resampling.BICUBIC)) for t in truth]
    if state.startswith("focus"):
        there = slice(0, FOCUS) if state == "focus-in" else slice(FOCUS, None)
        photos[there] = [np.asarray(Image.fromarray(p).filter(GaussianBlur(UNSHARP * size))) for p in photos[there]]
    photos, quality = (photos, None) if state == "clean" else (compressed(photos, rng, given.crf), given.told)
    painter = None if canvas is None else FramePainter(photos[0], scale, canvas, quality)
    restorer = FrameRestorer(upscaler, PhotoOptions(scale, max_size=1000), scale, painter, quality=quality)
    errors, plain = [], []
    for i, (photo, found) in enumerate(zip(photos, followed(places, rng), strict=True)):
        made = np.asarray(restorer(photo, i / RATE, found), np.float64)
        if i < (SETTLED if state.startswith("focus") else FADE):
            continue
        x, y, _ = places[i]
        reach = round(0.4 * size * scale)
        rows, columns = (slice(round(v * scale) - reach, round(v * scale) + reach) for v in (y, x))
        errors.append((made - truth[i])[rows, columns])
        plain.append((np.asarray(enlarge(photo, scale), np.float64) - truth[i])[rows, columns])
    gain = 10 * np.log10(np.mean(np.square(plain)) / np.mean(np.square(errors)))
    return float(gain), steps(errors), steps(plain)


def followed(places: list[Place], rng: np.random.Generator) -> Iterator[dict[int, Detection]]:
    """The face's box in each frame, as `video/convert.py` has it: between two looks."""
    tracker, boxes = Tracker(), []
    for i in range(0, len(places), EVERY):
        shaken = np.array(places[i]) + rng.normal(0, SHAKE * places[i][2], 3)
        boxes.append(tracker.look([box(*shaken)], i / RATE)[1])
    boxes.append(boxes[-1])
    for i in range(len(places)):
        k, part = divmod(i, EVERY)
        yield {1: between(boxes[k], boxes[k + 1], part / EVERY)}


def steps(errors: list[np.ndarray]) -> float:
    """The root mean square of what changes between frames and should not. The square moves by whole pixels with the
    face, so what is compared are errors at nearly one place of it."""
    return float(np.sqrt(np.mean([np.mean((b - a) ** 2) for a, b in pairwise(errors)])))


def moved(context, size, scale, frames, rng, *, swing: bool) -> tuple[list[np.ndarray], list[Place]]:
    """The true frames, uint8, `scale` times those of a face of `size` px, and its centre and side in the clip."""
    side = round(CONTEXT * size / HR)
    phase = rng.uniform(0, 2 * np.pi, 4)
    truth, places = [], []
    for i in range(frames):
        now = np.sin(2 * np.pi * (i if swing else 0) / 40 + phase)
        angle, grown = np.radians(4 * now[0]), 1 + 0.05 * now[1]
        shift = 0.08 * size * now[2:]  # pixels of the clip
        middle = (side - 1) / 2
        per = CONTEXT / (side * scale)  # pixels of the context for one of the truth
        c, s = np.cos(angle) * per / grown, np.sin(angle) * per / grown
        at = (np.array([middle, middle]) + shift + 0.5) * scale  # edges count from 0
        offset = CONTEXT / 2 - np.array([c * at[0] - s * at[1], s * at[0] + c * at[1]])
        large = Image.fromarray(context).transform(
            (side * scale,) * 2, Image.Transform.AFFINE, (c, -s, offset[0], s, c, offset[1]), Image.Resampling.BICUBIC
        )
        truth.append(np.asarray(large))
        places.append((middle + shift[0], middle + shift[1], size * grown))
    return truth, places


def box(x: float, y: float, side: float) -> Detection:
    extent = side / SIDE_BOX
    return Detection((x + 0.5 - extent / 2, y + 0.5 - BOX_DROP * side - extent / 2, extent, extent), 1.0)


def compressed(frames: list[np.ndarray], rng: np.random.Generator, crf: int) -> list[np.ndarray]:
    """With grain, as x264 leaves them: of even sides, the last row and column twice where they are odd."""
    file, side = io.BytesIO(), len(frames[0])
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=int(RATE), options={"crf": str(crf)})
        stream.width = stream.height = side + side % 2
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            grainy = np.clip(np.rint(frame + rng.normal(0, GRAIN, frame.shape)), 0, 255).astype(np.uint8)
            even = np.pad(grainy, ((0, side % 2), (0, side % 2), (0, 0)), "edge")
            out.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        out.mux(stream.encode())
    file.seek(0)
    with av.open(file) as given:
        return [f.to_ndarray(format="rgb24")[:side, :side] for f in given.decode(video=0)]


if __name__ == "__main__":
    main()
