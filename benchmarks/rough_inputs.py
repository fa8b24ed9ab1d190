"""What do JPEG, noise, blur and things in the way cost? The protocol's LR faces, harmed, through whole models.

    python benchmarks/rough_inputs.py --data DIR [--model MODEL ...] [--split val] [--faces 400]

JPEG is that of a photo in which the face is 16 pixels wide: two blocks across. Noise in grey levels (standard
deviation). `soft` is six parts of ten a 3x3 mean. `hidden`: 5x5 of the 16x16 pixels, where eye and cheek often are.
Prints a row a harm: the STN's error in px of 128 and the PSNR over all pixels in dB, means over faces, of each model.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.metrics import as_levels, psnr, to_levels
from faceprior.evaluation.scores import as_images
from faceprior.evaluation.stn import score_transforms
from faceprior.runtime.upscaler import load


def jpeg(lr: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (N, 16, 16, 3) -> the same, each face as its own file."""
    out = []
    for face in lr:
        stream = io.BytesIO()
        Image.fromarray(face).save(stream, "JPEG", quality=quality)
        out.append(np.asarray(Image.open(stream)))
    return np.stack(out)


def noisy(lr: np.ndarray, deviation: float) -> np.ndarray:
    return _levels(lr + np.random.default_rng(0).normal(0, deviation, lr.shape))


def soft(lr: np.ndarray) -> np.ndarray:
    padded = np.pad(lr.astype(np.float64), ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
    mean = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2)).mean((-1, -2))
    return _levels(0.4 * lr + 0.6 * mean)


def hidden(lr: np.ndarray) -> np.ndarray:
    out = lr.copy()
    out[:, 9:14, 3:8] = 165
    return out


def _levels(x: np.ndarray) -> np.ndarray:
    return x.round().clip(0, 255).astype(np.uint8)


HARMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda lr: lr,
    "jpeg 90": lambda lr: jpeg(lr, 90),
    "jpeg 75": lambda lr: jpeg(lr, 75),
    "jpeg 50": lambda lr: jpeg(lr, 50),
    "noise 5": lambda lr: noisy(lr, 5),
    "noise 12": lambda lr: noisy(lr, 12),
    "soft": soft,
    "hidden": hidden,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="what `faceprior prepare` wrote")
    parser.add_argument("--model", nargs="+", default=["default"], help="as for `faceprior upscale`")
    parser.add_argument("--split", default="val")
    parser.add_argument("--faces", type=int, default=400, help="so many, evenly spread")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    store = FaceStore.load(arguments.data, arguments.split, limit=arguments.faces)
    pairs = PairMaker(store).test(torch.arange(len(store)))
    lr, truth, transforms = as_images(to_levels(pairs.lr)), to_levels(pairs.hr), pairs.transform.numpy()
    models = [load(name, threads=arguments.threads) for name in arguments.model]
    print(f"{len(lr)} faces of {arguments.split}; STN px of 128 / PSNR dB")
    print("| harm |" + "".join(f" {model.info.name} |" for model in models))
    print("|---|" + "---:|" * len(models))
    for name, harm in HARMS.items():
        row = f"| {name} |"
        for model in models:
            found = model(harm(lr))
            apart = score_transforms(found.transforms, transforms)["stn_pixels"].mean()
            row += f" {apart:.2f} / {float(psnr(as_levels(found.images), truth).mean()):.2f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
