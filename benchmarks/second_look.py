"""What a new cut, made from the STN's own prediction, gains where a detector's square is off.

    python benchmarks/second_look.py --data SHARDS [--model MODEL] [--split val] [--faces 200]

Faces are cut off by random shifts (parts of the side) and scales, as detectors do. Prints the mean distance between
the frame found and the true one (pixels of 128) and the PSNR of the output, after one look and after all.
"""

import argparse
from pathlib import Path

import numpy as np

from faceprior.dataset.context import HR, OFFSET
from faceprior.dataset.store import FaceStore
from faceprior.face.frame import Frame
from faceprior.photo.cut import cut_lr
from faceprior.photo.pipeline import SECOND_LOOKS, centred, is_off_centre
from faceprior.photo.warp import apply, upright_to_photo
from faceprior.runtime.upscaler import load

RANGES = ((0.05, 1.1), (0.1, 1.15), (0.15, 1.25))
POINTS = np.array([[0, 0], [HR - 1, 0], [0, HR - 1], [HR - 1, HR - 1], [HR / 2 - 0.5, HR / 2 - 0.5]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder written by `faceprior prepare`")
    parser.add_argument("--model", default=None, help="default: the packaged model")
    parser.add_argument("--split", default="val", help="val: the thresholds were chosen on it, never on test")
    parser.add_argument("--faces", type=int, default=200)
    a = parser.parse_args()
    store, model = FaceStore.load(a.data, a.split, limit=a.faces), load(a.model)
    rng = np.random.default_rng(0)
    print(f"{model.info.name}, {len(store)} faces of {a.split}; frame error px of 128, PSNR dB")
    print("shift  scale   first look      all looks      new cuts")
    for shift, scale in RANGES:
        errors, psnrs, cuts = [], [], 0
        for context in store.contexts.permute(0, 2, 3, 1).numpy():
            middle = context.shape[0] / 2 - 0.5 + HR * rng.uniform(-shift, shift, 2)
            frame = Frame((float(middle[0]), float(middle[1])), (1.0, 0.0), float(HR * scale ** rng.uniform(-1, 1)))
            truth = context[OFFSET : OFFSET + HR, OFFSET : OFFSET + HR].astype(np.float64)
            looks: list[tuple[float, float]] = []
            while True:
                result = model(cut_lr(context, frame)[None])
                found = apply(upright_to_photo(frame, result.transforms[0], HR), POINTS)
                error = np.hypot(*(found - POINTS - OFFSET).T).mean()
                looks.append((error, 10 * np.log10(255**2 / ((result.images[0] - truth) ** 2).mean())))
                if len(looks) > SECOND_LOOKS or not is_off_centre(result.transforms[0]):
                    break
                frame, cuts = centred(frame, result.transforms[0]), cuts + 1
            errors.append((looks[0][0], looks[-1][0]))
            psnrs.append((looks[0][1], looks[-1][1]))
        (e0, e1), (p0, p1) = np.mean(errors, 0), np.mean(psnrs, 0)
        print(f"{shift:5.2f}  {scale:5.2f}   {e0:5.2f} {p0:6.2f}   {e1:5.2f} {p1:6.2f}   {cuts / len(store):8.2f}")


if __name__ == "__main__":
    main()
