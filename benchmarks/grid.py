"""Does a picture show the grid of its pixel shuffles? The power at the grid's frequencies against that beside them.

    python benchmarks/grid.py --shards DIR [--model standard sharp:standard standard-32 sharp:standard-32] [--faces 200]

Outputs of validation faces (protocol `paper`), and their truth: their luma under a Hann window, its power averaged over
faces. A shuffle leaves a pattern of two pixels (of the last) or four (of the one before): a peak at a half and at a
quarter of the sampling frequency. Printed in dB over the mean of the frequencies 3 to 8 bins to both sides, across and
down; a real picture has about 0. Then the power at the grid's frequencies in dB over the truth's: a peak that stays
below 0 there has less of the pattern than a real picture has by itself.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.protocol import PAPER
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.metrics import to_levels
from faceprior.evaluation.scores import as_images
from faceprior.runtime.upscaler import load

LOW = 8  # bins of the other axis that count: the grid is even along it
BESIDE = np.r_[-8:-2, 3:9]


def peaks(images: np.ndarray) -> dict[str, tuple[float, float]]:
    """uint8 (N, S, S, 3) -> by pattern and direction, in dB: power over that of the frequencies beside; power."""
    luma = images.astype(np.float64) @ [0.299, 0.587, 0.114]
    size = luma.shape[1]
    window = np.hanning(size)
    luma = (luma - luma.mean((1, 2), keepdims=True)) * window[:, None] * window
    power = (np.abs(np.fft.fft2(luma)) ** 2).mean(0)
    found = {}
    for period in (2, 4):
        for name, rows in (("down", power), ("across", power.T)):
            at = size // period
            peak = rows[at - 1 : at + 2, :LOW].mean()
            beside = rows[(at + BESIDE) % size, :LOW].mean()
            found[f"{period} px {name}"] = 10 * np.log10(peak / beside), 10 * np.log10(peak)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True)
    both = [f"{kind}{name}" for name in ("standard", "standard-32") for kind in ("", "sharp:")]
    parser.add_argument("--model", nargs="+", default=both)
    parser.add_argument("--faces", type=int, default=200)
    given = parser.parse_args()
    torch.set_num_threads(1)
    store = FaceStore.load(given.shards, "val", limit=given.faces)
    rows = {}
    for name in given.model:
        model = load(name.removeprefix("sharp:"), threads=1, sharp=name.startswith("sharp:"))
        pairs = PairMaker(store, replace(PAPER, lr=model.size)).test(torch.arange(len(store)))
        rows[name] = peaks(model(as_images(to_levels(pairs.lr))).images)
    rows["truth"] = peaks(as_images(to_levels(pairs.hr)))
    truth = rows["truth"]
    for k, title in enumerate(("dB over the frequencies beside", "dB over the truth's power there")):
        print(f"{len(store)} faces; {title}")
        print(f"{'':>24} " + "".join(f"{name:>14}" for name in truth))
        for name, found in rows.items():
            values = [db[k] - k * truth[key][k] for key, db in found.items()]
            print(f"{name:>24} " + "".join(f"{value:14.1f}" for value in values))


if __name__ == "__main__":
    main()
