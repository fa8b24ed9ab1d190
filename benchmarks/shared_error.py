"""How much of the STN's error do two models share? What is shared, neither longer training nor an ensemble removes.

    python benchmarks/shared_error.py --data DIR --model MODEL OTHER [--split val] [--faces 783]

Two networks that were trained differently err apart where they learned chance, and alike where the labels err, the
16x16 pixels do not tell, or both were taught the same wrong. Over the corners and the centre of the upright face, in
px of 128: each one's mean distance and mean squared error, the mean product of the two's errors (its part of the
squared error is printed; both share data and plan, so it is no bound of what another network could do), and what the
mean of the two reaches.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.metrics import to_levels
from faceprior.evaluation.scores import as_images
from faceprior.runtime.upscaler import load

POINTS = np.array([(-1, -1, 1), (1, -1, 1), (-1, 1, 1), (1, 1, 1), (0, 0, 1)], np.float64)
HALF = 64  # px of 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="what `faceprior prepare` wrote")
    parser.add_argument("--model", nargs=2, required=True, help="as for `faceprior upscale`")
    parser.add_argument("--split", default="val")
    parser.add_argument("--faces", type=int, help="so many, evenly spread; all")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()

    store = FaceStore.load(arguments.data, arguments.split, limit=arguments.faces)
    pairs = PairMaker(store).test(torch.arange(len(store)))
    lr, true = as_images(to_levels(pairs.lr)), pairs.transform.numpy().astype(np.float64)
    models = [load(name, threads=arguments.threads) for name in arguments.model]
    errors = [(model(lr).transforms - true) @ POINTS.T * HALF for model in models]  # (N, 2, 5)
    print(f"{len(lr)} faces of {arguments.split}, px of 128 at the corners and the centre")
    for model, error in zip(models, errors, strict=True):
        print(f"{model.info.name}: {_distance(error):.2f} px, {_product(error, error):.2f} px^2")
    shared = _product(*errors)
    part = shared / np.mean([_product(error, error) for error in errors])
    print(f"shared: {shared:.2f} px^2, {100 * part:.0f} %; the mean of the two: {_distance(sum(errors) / 2):.2f} px")


def _distance(error: np.ndarray) -> float:
    return float(np.hypot(error[:, 0], error[:, 1]).mean())


def _product(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum(1).mean())


if __name__ == "__main__":
    main()
