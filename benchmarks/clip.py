"""Where the time of a clip goes, a face and frame: finding, cutting, looks, the network, pasting; CPU of one thread.

    python benchmarks/clip.py [PHOTO] [--frames 40] [--model M] [--detector-weights FILE] [--rounds 3]

The clip is made of the photo (the packaged group, 23 faces) by a slow pan and zoom, so that about 16 faces are in view,
and goes the whole way of `upscale_video`. Prints ms of CPU for the clip and for a face of a frame, and how many whole
passes of the network that is, its STN included, without decoding, canvas and encoding: what is to be at most 1.2 (the
issue's figure). A frame's share of finding is in it, as frames are searched: not each. The least of the rounds counts.
Only this thread is timed: decoder and encoder have their own.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import av
from photo import Clock, Timed
from PIL import Image

from faceprior.photo import paste as paste_module
from faceprior.photo.detect import make_detector
from faceprior.photo.options import PhotoOptions
from faceprior.runtime.upscaler import load
from faceprior.runtime.weights import ASSETS
from faceprior.video import convert, restore, undone
from faceprior.video.cast import Cast
from faceprior.video.motion import Camera, Cuts
from faceprior.video.read import Video
from faceprior.video.write import VideoWriter

VIEW = 0.8  # of the photo's sides: what the first frame shows
CLOSER = 0.95  # of the first frame's sides: what the last one shows
RATE = 25
# The parts, by the names under which a clip's code calls them.
PARTS = {
    "measure detail": (restore, "effective_side"),
    "measure sharpness": (undone, "response_of"),
    "of each face": (undone.Undoing, "_of_face"),
    "undo it": (undone, "unsharpened_at"),
    "roughness": (restore, "told"),
    "cut": (restore, "cut_lr"),
    "own pixels": (restore, "own_square"),
    "pans": (Camera, "__call__"),
    "cuts": (Cuts, "__call__"),
    "paste": (restore, "paste"),
    "of it the mask": (paste_module, "face_mask"),
    "canvas": (restore, "enlarge"),
    "who is who": (Cast, "see"),
    "encode": (VideoWriter, "frame"),
    "all": (convert, "_convert"),
}
NOT_OF_A_FACE = ("decode", "canvas", "encode")


def write_clip(photo: Image.Image, path: Path, frames: int) -> None:
    """H.264 of nearly no loss: from the photo's left upper corner to its right lower one, a little closer."""
    width, height = (round(v * VIEW) // 2 * 2 for v in photo.size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for i in range(frames):
            part = i / max(1, frames - 1)
            w, h = (v * (1 + part * (CLOSER - 1)) for v in (width, height))
            x, y = (photo.width - w) * part, (photo.height - h) * part
            view = photo.resize((width, height), Image.Resampling.LANCZOS, box=(x, y, x + w, y + h))
            out.mux(stream.encode(av.VideoFrame.from_image(view)))
        out.mux(stream.encode(None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path, nargs="?", default=ASSETS / "astronauts.jpg")
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--model")
    parser.add_argument("--detector-weights", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    upscaler = load(given.model, threads=1)
    detector = make_detector("auto", weights=given.detector_weights, threads=1, warn=print)
    options = PhotoOptions(canvas="lanczos")
    originals = {name: (owner, call, getattr(owner, call)) for name, (owner, call) in PARTS.items()}
    reading = Video.read

    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(Image.open(given.photo).convert("RGB"), clip, given.frames)
        for k in range(given.rounds + 1):  # the first warms up
            clock = Clock(time.thread_time)
            for name, (owner, call, original) in originals.items():
                setattr(owner, call, clock.timed(name, original))

            def timed_read(video: Video, other, clock: Clock = clock) -> Iterator:
                frames = reading(video, other)
                following = clock.timed("decode", lambda: next(frames, None))
                while (frame := following()) is not None:
                    yield frame

            Video.read = timed_read
            network, finder = Timed(upscaler, clock), clock.timed("detect", detector)
            report = convert.upscale_video(clip, Path(folder) / str(k), network, finder, options)
            if not sum(report.faces.values()):
                raise SystemExit(f"{given.photo}: no face restored in {report.frames} frames, so none has a cost")
            rounds.append(clock.spent)
    rounds = rounds[1:]
    n = sum(report.faces.values())
    least = {name: 1000 * min(spent[name] for spent in rounds) for name in rounds[0]}
    of_faces, ratio = min(
        (cost, cost / spent["network"])
        for spent in rounds
        for cost in [spent["all"] - sum(spent[name] for name in NOT_OF_A_FACE)]
    )
    print(f"{given.photo.name}: {report.frames} frames, {n / report.frames:.1f} faces a frame, ", end="")
    print(f"model {upscaler.info.name}, one thread")
    for name in sorted(least, key=lambda name: -least[name]):
        print(f"{name:>20} {least[name]:9.1f} ms {least[name] / n:8.2f} ms a face {least[name] / least['all']:6.1%}")
    print(f"a face of a frame costs {1000 * of_faces / n:.1f} ms without decoding, canvas and encoding: ", end="")
    print(f"{ratio:.2f} passes of the network")


if __name__ == "__main__":
    main()
