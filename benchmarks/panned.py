"""What a real clip's faces gain, all the way through `upscale_video`, while the camera pans or shakes.

    python benchmarks/panned.py --detector-weights FILE [--pans 0.5 2.5 5] [--shake 0 2] [--crf 23] [--frames 20]
        [--model M] [--sharpened AMOUNT [--keep-sharpening]] [--softened SIGMA [--keep-softness]] [--canvas faces]

The clip is made of the packaged group portrait, halved: its 20 and more faces are 14 to 17 px wide then. The camera
swings to and fro by at most so many pixels of the clip a frame (`--pans`), or shakes by so many with a period of seven
frames (`--shake`, on the slowest pan), has a lens that blurs by `--softened` pixels, and sharpens each frame by
`--sharpened`; x264 keeps it at `--crf`. Printed for each: dB over Lanczos on the faces of all frames but the first six,
against the portrait itself; how many faces were followed, and in what part of the frames they were restored.
"""

import argparse
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image

from faceprior.dataset.rough import blur, sharpen
from faceprior.photo.cut import face_frame
from faceprior.photo.detect import make_detector
from faceprior.photo.options import PhotoOptions
from faceprior.runtime.upscaler import load
from faceprior.runtime.weights import ASSETS
from faceprior.video.convert import upscale_video

SCALE, RATE, FIRST = 2, 25, 6
VIEW = 0.8  # of the portrait's sides
SWING, SHAKEN = 25, 7  # frames to and fro


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector-weights", type=Path)
    parser.add_argument("--pans", type=float, nargs="+", default=[0.5, 2.5, 5.0])
    parser.add_argument("--shake", type=float, nargs="+", default=[0.0, 2.0])
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--frames", type=int, default=20)
    parser.add_argument("--model")
    parser.add_argument("--sharpened", type=float, default=0.0)
    parser.add_argument("--keep-sharpening", action="store_true")
    parser.add_argument("--softened", type=float, default=0.0)
    parser.add_argument("--keep-softness", action="store_true")
    parser.add_argument("--canvas", default="lanczos", choices=["lanczos", "faces", "network"])
    given = parser.parse_args()
    upscaler, detector = load(given.model), make_detector(weights=given.detector_weights, warn=print)
    with Image.open(ASSETS / "astronauts.jpg") as image:
        portrait = image.convert("RGB")
    for pan, shake in [*((p, 0.0) for p in given.pans), *((given.pans[0], s) for s in given.shake if s)]:
        gain, faces, share = measured(portrait, pan, shake, given, upscaler, detector)
        how = f"pan {pan:g} px a frame" + (f", shaken by {shake:g} px" if shake else "")
        print(f"{how}: {gain:+.2f} dB; {faces} faces followed, restored in {share:.0%} of frames", flush=True)


def measured(portrait, pan, shake, given, upscaler, detector) -> tuple[float, int, float]:
    """dB over Lanczos; faces followed; faces of frames that were restored, of those there are."""
    frames = given.frames
    truth = views(portrait, pan * SCALE, shake * SCALE, frames)
    boxes = [[face_frame(face) for face in detector(np.asarray(view))] for view in truth]
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write(truth, clip, given.crf, given.sharpened, given.softened)
        keeps = {"keep_sharpening": given.keep_sharpening, "keep_softness": given.keep_softness}
        options = PhotoOptions(SCALE, canvas=given.canvas, **keeps)
        report = upscale_video(clip, Path(folder) / "out", upscaler, detector, options, sheet=False)
        small, made = read(clip), read(report.target)
    errors = []
    for i in range(FIRST, frames):
        size = truth[i].size
        true, ours, plain = (
            np.asarray(view.resize(size, Image.Resampling.LANCZOS), float) for view in (truth[i], made[i], small[i])
        )
        for frame in boxes[i]:
            reach = 0.4 * frame.side
            rows, columns = (slice(max(0, int(v - reach)), int(v + reach)) for v in frame.centre[::-1])
            errors.append([np.mean((view - true)[rows, columns] ** 2) for view in (plain, ours)])
    plain, ours = np.array(errors).T
    share = sum(report.faces.values()) / sum(map(len, boxes))
    return float(np.mean(10 * np.log10(plain / ours))), len(report.faces), share


def views(portrait: Image.Image, pan: float, shake: float, frames: int) -> list[Image.Image]:
    width, height = (int(v * VIEW) // 4 * 4 for v in portrait.size)
    reach = pan * SWING / (2 * np.pi)
    found = []
    for i in range(frames):
        x = (portrait.width - width) / 2 + reach * np.sin(2 * np.pi * i / SWING)
        x += shake * np.sin(2 * np.pi * i / SHAKEN)
        y = (portrait.height - height) / 2
        x = float(np.clip(x, 0, portrait.width - width))
        found.append(portrait.resize((width, height), Image.Resampling.BICUBIC, box=(x, y, x + width, y + height)))
    return found


def write(truth: list[Image.Image], path: Path, crf: int, sharpened: float = 0.0, softened: float = 0.0) -> None:
    width, height = (v // SCALE for v in truth[0].size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for view in truth:
            view = Image.fromarray(blur(np.asarray(view), softened * SCALE)) if softened else view
            small = view.resize((width, height), Image.Resampling.BICUBIC)
            pixels = sharpen(np.asarray(small), sharpened) if sharpened else np.asarray(small)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode())


def read(path: Path) -> list[Image.Image]:
    with av.open(str(path)) as file:
        return [frame.to_image() for frame in file.decode(video=0)]


if __name__ == "__main__":
    main()
