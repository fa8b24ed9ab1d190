"""How far does an STN err, on whom? The STN alone, so a test set of thousands takes a minute.

    python benchmarks/alignment.py --data SHARDS [--model FILE|RUN ...] [--split test] [--sources aflw2000 utkface]
        [--protocols paper wide] [--by source pose group] [--faces N]

Prints, for each protocol and part, the mean error in degrees, percent of the scale, and px of 128 (the mean over the HR
grid of how far a pixel is off).
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.protocol import PROTOCOLS
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.groups import breakdown
from faceprior.evaluation.metrics import to_levels
from faceprior.evaluation.scores import as_images
from faceprior.evaluation.stn import score_transforms
from faceprior.runtime.upscaler import Upscaler, load

FIGURES = ("stn_degrees", "stn_scale", "stn_pixels")


def errors(model: Upscaler, store: FaceStore, protocol: str) -> dict[str, np.ndarray]:
    """Of each face, float64 (N,)."""
    maker, parts = PairMaker(store, PROTOCOLS[protocol], heatmap=0), []
    for index in torch.arange(len(store)).split(64):
        pairs = maker.test(index)
        located = model.locate(as_images(to_levels(pairs.lr)))
        parts.append(score_transforms(located, pairs.transform.numpy()))
    return {name: np.concatenate([part[name] for part in parts]) for name in FIGURES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", nargs="+", default=["default"])
    parser.add_argument("--split", default="test")
    parser.add_argument("--sources", nargs="*")
    parser.add_argument("--protocols", nargs="+", default=["paper", "wide"])
    parser.add_argument("--by", nargs="*", default=["source", "pose", "group"])
    parser.add_argument("--faces", type=int)
    args = parser.parse_args()
    torch.set_num_threads(1)
    store = FaceStore.load(args.data, args.split, limit=args.faces, sources=args.sources)
    everyone = {"all": np.ones(len(store), bool)}
    parts = [everyone, *(breakdown(store, kind) for kind in args.by)]
    for spec in args.model:
        model = load(spec, threads=1)
        for protocol in args.protocols:
            found = errors(model, store, protocol)
            print(f"\n## {spec}, {protocol}, {args.split}\n\n| | faces | degrees | scale % | px of 128 |")
            print("|---|---:|---:|---:|---:|")
            for part in parts:
                for name, mask in part.items():
                    means = [found[figure][mask].mean() for figure in FIGURES]
                    cells = [name.replace("|yaw|", "yaw"), str(mask.sum()), *(f"{mean:.2f}" for mean in means)]
                    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
