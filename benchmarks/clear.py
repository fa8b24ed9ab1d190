"""How clearly does a network see a face, and how clearly a texture? What the limits of `photo/judge.py` are set by.

    python benchmarks/clear.py --shards DIR --without FOLDER [--model standard standard-32] [--faces 300]
        [--sizes 8 12 20]

The mean of the four heatmaps' peaks (`judge.clearness`) of validation faces, tilted and off centre (protocol `wide`),
clean and rough, and of squares cut at random from photographs without faces; of the model's own size, or of --sizes,
for models that take any. Printed: percentiles, and the part of each
that lies above the network's limit within its trained range.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.protocol import WIDE
from faceprior.dataset.store import FaceStore
from faceprior.evaluation.metrics import to_levels
from faceprior.evaluation.scores import as_images
from faceprior.photo.judge import CLEAR, clearness
from faceprior.photo.kinds import SUFFIXES
from faceprior.runtime.upscaler import Upscaler, load

PERCENTILES = (1, 5, 50, 95, 99)


def squares(folder: Path, count: int, size: int) -> np.ndarray:
    """uint8 (count, size, size, 3): two of each picture, from `size` to half the picture's side."""
    random = np.random.default_rng(0)
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {*SUFFIXES, ".avif"})
    found = []
    for path in random.permutation(files)[: -(-count // 2)]:
        image = Image.open(path).convert("RGB")
        for _ in range(2):
            side = int(random.integers(size, max(size + 1, min(image.size) // 2)))
            x, y = (int(random.integers(0, v - side + 1)) for v in image.size)
            square = image.crop((x, y, x + side, y + side))
            found.append(np.asarray(square.resize((size, size), Image.Resampling.BICUBIC)))
    return np.stack(found[:count])


def told(name: str, model: Upscaler, lr: np.ndarray) -> None:
    result = model(lr)
    clear = np.array([clearness(maps) for maps in result.heatmaps])
    inside = np.array([model.trained.holds(transform) for transform in result.transforms])
    limit = CLEAR[model.size]
    cells = "".join(f"{value:8.3f}" for value in np.percentile(clear, PERCENTILES))
    print(f"{name:>14}{cells}  above {limit}: {(clear > limit).mean():.1%}, within the range too: "
          f"{((clear > limit) & inside).mean():.1%}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=Path, required=True)
    parser.add_argument("--without", type=Path, required=True, help="folder of photographs without faces")
    parser.add_argument("--model", nargs="+", default=["standard", "standard-32"])
    parser.add_argument("--faces", type=int, default=300)
    parser.add_argument("--sizes", type=int, nargs="+", help="pixels of the faces")
    given = parser.parse_args()
    torch.set_num_threads(1)
    store = FaceStore.load(given.shards, "val", limit=given.faces)
    rows = torch.arange(len(store))
    for name in given.model:
        model = load(name, threads=1)
        for size in given.sizes or [model.size]:
            protocol = replace(WIDE, lr=size)
            clean = PairMaker(store, protocol).test(rows).lr
            rough = PairMaker(store, protocol, rough=1.0).train(rows, torch.Generator().manual_seed(0)).lr
            print(f"{name}, {size} px: percentiles {', '.join(map(str, PERCENTILES))}")
            told("faces", model, as_images(to_levels(clean)))
            told("rough faces", model, as_images(to_levels(rough)))
            told("no faces", model, squares(given.without, given.faces, size))


if __name__ == "__main__":
    main()
