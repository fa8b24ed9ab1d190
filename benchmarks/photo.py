"""Where the time of a photo goes: finding, cutting, looks, the network, pasting, canvas, writing; CPU of one thread.

    python benchmarks/photo.py PHOTO [--model M] [--canvas network|lanczos] [--detector-weights FILE] [--rounds 5]

Prints ms of CPU for the photo and for one face of it, and how many passes of the network a face costs in all but the
canvas: what is to be at most 1.3 (the issue's figure). A pass is what a call of the network on these faces takes, with
its STN; the photo's own calls take less, since they are given what the looks found. "Roughness" is measured for the
photo's networks, of faces and canvas. The least of the rounds counts: what else the machine does adds, and never takes
away. PHOTO: any, as a group portrait; the more faces, the less its fixed costs weigh.
"""

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np

from faceprior.photo import paste as paste_module
from faceprior.photo import pipeline, seen
from faceprior.photo.canvas import canvas_loader
from faceprior.photo.decode import read_image
from faceprior.photo.detect import make_detector
from faceprior.photo.options import PhotoOptions
from faceprior.photo.result import PhotoFace
from faceprior.photo.write import write_photo
from faceprior.runtime.upscaler import Upscaler, load

# The parts, by the names under which the pipeline calls them.
PARTS = {
    "choose by detail": (pipeline, "network_for"),
    "roughness": (pipeline, "told"),
    "cut": (pipeline, "cut_lr"),
    "own pixels": (pipeline, "own_pixels"),
    "what is said of it": (pipeline, "components"),
    "consistency": (pipeline, "lr_consistency"),
    "paste": (pipeline, "paste"),
    "of it the mask": (paste_module, "face_mask"),
    "tint": (pipeline, "tint_of"),
    "measure sharpness": (seen, "response_of"),
    "of each face": (seen, "_is_soft"),
    "undo it": (seen, "unsharpened"),
    "canvas": (pipeline, "paint"),
}
PASS = "a whole pass"  # beside the photo, to compare with
NOT_OF_A_FACE = ("read", "canvas", "write")


class Clock:
    """Adds up seconds by name. now: what tells the time, in seconds of CPU."""

    def __init__(self, now: Callable[[], float] = time.process_time) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.now = now

    def timed(self, name: str, call: Callable) -> Callable:
        def wrapped(*args, **options):
            start = self.now()
            try:
                return call(*args, **options)
            finally:
                self.spent[name] += self.now() - start

        return wrapped


class Timed:
    """An `Upscaler` whose looks and passes are counted, and its larger one's."""

    def __init__(self, upscaler: Upscaler, clock: Clock):
        self._upscaler = upscaler
        self.locate = clock.timed("looks (STN)", upscaler.locate)
        self._run = clock.timed("network", upscaler)
        larger = upscaler.larger
        self.larger = None if larger is None else Timed(larger, clock)

    def __call__(self, lr: np.ndarray, **options):
        return self._run(lr, **options)

    def __getattr__(self, name: str) -> object:  # all else, as whether it is told, is the model's own
        return getattr(self._upscaler, name)


def whole_passes(upscaler: Upscaler, faces: list[PhotoFace]) -> None:
    """Each restored face's pixels through the whole of its network, in the batches of a photo."""
    alike: dict[tuple[str | None, int], list[np.ndarray]] = defaultdict(list)
    for face in faces:
        alike[face.network, len(face.lr)].append(face.lr)
    models = {model.info.name: model for model in (upscaler, upscaler.larger) if model is not None}
    for (name, _), lr in alike.items():
        models[name](np.stack(lr))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--canvas", default="network", choices=["network", "lanczos"])
    parser.add_argument("--detector-weights", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    upscaler = load(given.model, threads=1)
    detector = make_detector("auto", weights=given.detector_weights, threads=1, warn=print)
    painter = canvas_loader(threads=1)
    options = PhotoOptions(canvas=given.canvas)
    originals = {name: (module, getattr(module, attribute)) for name, (module, attribute) in PARTS.items()}

    rounds = []
    for _ in range(given.rounds + 1):  # the first warms up
        clock = Clock()
        network = Timed(upscaler, clock)
        for name, (module, call) in originals.items():
            setattr(module, PARTS[name][1], clock.timed(name, call))
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            picture = clock.timed("read", read_image)(given.photo)
            found = clock.timed("detect", detector)(picture.rgb)
            result = pipeline.upscale_photo(picture, network, found, options, canvas=painter)
            clock.timed("write", write_photo)(result, Path(folder), given.photo.name)
            clock.spent["all"] = time.process_time() - start
        if not result.restored:
            raise SystemExit(f"{given.photo}: no face restored of {len(result.faces)} found, so none has a cost")
        clock.timed(PASS, whole_passes)(upscaler, result.restored)
        rounds.append(clock.spent)
    rounds = rounds[1:]
    names = sorted({name for spent in rounds for name in spent}, key=lambda name: -min(s[name] for s in rounds))
    least = {name: 1000 * min(spent[name] for spent in rounds) for name in names}
    n = len(result.restored)
    sizes = [face.size for face in result.restored]
    print(f"{given.photo.name}: {result.before.shape[1]}x{result.before.shape[0]}, {n} faces restored of ", end="")
    print(f"{len(result.faces)} ({min(sizes):.0f} to {max(sizes):.0f} px), model {upscaler.info.name}, one thread")
    for name in names:
        print(f"{name:>20} {least[name]:9.1f} ms {least[name] / n:8.2f} ms a face {least[name] / least['all']:6.1%}")
    # Of each round for itself: the least of the parts are of several rounds, and what lies between would be added.
    of_faces = 1000 * min(spent["all"] - sum(spent[name] for name in NOT_OF_A_FACE) for spent in rounds)
    ratio = of_faces / max(least[PASS], 1e-9)
    print(f"a face costs {of_faces / n:.1f} ms without reading, canvas and writing: {ratio:.2f} passes of the network")


if __name__ == "__main__":
    main()
