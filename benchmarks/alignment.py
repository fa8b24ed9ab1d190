"""How far does an STN err, on whom? The STN alone, so a test set of thousands takes a minute.

    python benchmarks/alignment.py --data SHARDS [--model FILE|RUN ...] [--split test] [--sources aflw2000 utkface]
        [--protocols paper wide] [--by source pose group] [--faces N] [--leaning]

Prints, for each protocol and part, the mean error in degrees, percent of the scale, and px of 128 (the mean over the HR
grid of how far a pixel is off). With --leaning also what all faces of a part have in common, those that look left and
right apart: the medians of the signed differences (degrees; px of 128 to the right and down), and the error in px
without them. An STN that sees each face mirrored too has no side of its own, so what leans is the labels, or what it
learned of turned heads.
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
from faceprior.evaluation.stn import HR, score_transforms
from faceprior.runtime.upscaler import Upscaler, load

FIGURES = ("stn_degrees", "stn_scale", "stn_pixels")


def locations(model: Upscaler, store: FaceStore, protocol: str) -> tuple[np.ndarray, np.ndarray]:
    """The transforms of each face, predicted and true, float64 (N, 2, 3)."""
    maker, located, true = PairMaker(store, PROTOCOLS[protocol], heatmap=0), [], []
    for index in torch.arange(len(store)).split(64):
        pairs = maker.test(index)
        located.append(model.locate(as_images(to_levels(pairs.lr))))
        true.append(pairs.transform.numpy())
    return np.concatenate(located).astype(np.float64), np.concatenate(true).astype(np.float64)


def leaning(located: np.ndarray, true: np.ndarray) -> tuple[tuple[float, float, float], np.ndarray]:
    """Transforms (N, 2, 3), predicted and true -> what they have in common: degrees, px right, px down of the upright
    face; and the predicted ones without it, (N, 2, 3)."""
    row = np.broadcast_to([[[0.0, 0.0, 1.0]]], (len(true), 1, 3))
    apart = np.linalg.solve(np.concatenate([true, row], 1), np.concatenate([located, row], 1))
    turned, grown = np.arctan2(apart[:, 1, 0], apart[:, 0, 0]), np.hypot(apart[:, 0, 0], apart[:, 1, 0])
    angle, scale, x, y = (float(np.median(v)) for v in (turned, grown, apart[:, 0, 2], apart[:, 1, 2]))
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    common = np.array([[c, -s, x], [s, c, y], [0.0, 0.0, 1.0]])
    return (np.degrees(angle), x * HR / 2, y * HR / 2), located @ np.linalg.inv(common)


def sides(parts: list[dict[str, np.ndarray]], yaw: np.ndarray) -> dict[str, np.ndarray]:
    """Each part's faces that look to either side, from 15 degrees on; the others together."""
    found = {}
    for name, mask in (item for part in parts for item in part.items()):
        found[f"{name}, yaw > 15"], found[f"{name}, yaw < -15"] = mask & (yaw > 15), mask & (yaw < -15)
        found[f"{name}, between"] = mask & (np.abs(yaw) <= 15)
    return {name: mask for name, mask in found.items() if mask.sum() >= 20}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", nargs="+", default=["default"])
    parser.add_argument("--split", default="test")
    parser.add_argument("--sources", nargs="*")
    parser.add_argument("--protocols", nargs="+", default=["paper", "wide"])
    parser.add_argument("--by", nargs="*", default=["source", "pose", "group"])
    parser.add_argument("--faces", type=int)
    parser.add_argument("--leaning", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    store = FaceStore.load(args.data, args.split, limit=args.faces, sources=args.sources)
    everyone = {"all": np.ones(len(store), bool)}
    parts = [everyone, *(breakdown(store, kind) for kind in args.by)]
    for spec in args.model:
        model = load(spec, threads=1)
        for protocol in args.protocols:
            located, true = locations(model, store, protocol)
            found = score_transforms(located, true)
            print(f"\n## {spec}, {protocol}, {args.split}\n\n| | faces | degrees | scale % | px of 128 |")
            print("|---|---:|---:|---:|---:|")
            for part in parts:
                for name, mask in part.items():
                    means = [found[figure][mask].mean() for figure in FIGURES]
                    cells = [name.replace("|yaw|", "yaw"), str(mask.sum()), *(f"{mean:.2f}" for mean in means)]
                    print("| " + " | ".join(cells) + " |", flush=True)
            if args.leaning:
                print("\n| | faces | degrees | px right | px down | px off | without that |\n|---|" + "---:|" * 6)
                for name, mask in sides(parts, store.yaw.numpy()).items():
                    common, rest = leaning(located[mask], true[mask])
                    off = (score_transforms(one, true[mask])["stn_pixels"].mean() for one in (located[mask], rest))
                    cells = [name.replace("|yaw|", "yaw"), str(mask.sum()), *(f"{v:+.2f}" for v in common)]
                    print("| " + " | ".join([*cells, *(f"{v:.2f}" for v in off)]) + " |", flush=True)


if __name__ == "__main__":
    main()
