"""Is pair-making ever the bottleneck? Pairs per second against training steps of the same faces on one device.

    python benchmarks/pairs.py --data SHARDS [--preset compact] [--batch 32] [--device cpu]

Prints both rates and their ratio (wanted: at least 10). Both are medians over `--repeats` batches in one run.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

from faceprior.dataset.pairs import PairMaker
from faceprior.dataset.store import FaceStore
from faceprior.networks.mtun import MTUN
from faceprior.training.config import TrainConfig
from faceprior.training.devices import make_fabric
from faceprior.training.schedule import Position
from faceprior.training.step import Step


def seconds(device: torch.device, repeats: int, work) -> float:
    times = []
    for _ in range(repeats + 1):  # the first warms up
        start = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder written by `faceprior prepare`")
    parser.add_argument("--preset", default="compact")
    parser.add_argument("--batch", type=int, default=None, help="default: the preset's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--precision", default=None, choices=["32-true", "bf16-mixed"])
    a = parser.parse_args()

    overrides = ["loss.feature_weight=0", "loss.adversarial_weight=0"]  # the cheapest step: the hardest comparison
    overrides += [f"run.batch={a.batch}"] if a.batch else []
    overrides += [f"run.precision={a.precision}"] if a.precision else []
    config = TrainConfig.load(a.preset, overrides)
    batch = config.run.batch
    fabric = make_fabric(a.device, 1, config.run.precision)
    fabric.launch()
    store = FaceStore.load(a.data, "train", limit=max(4 * batch, 256)).to(fabric.device)
    maker, generator = PairMaker(store), torch.Generator().manual_seed(0)
    index = torch.arange(batch)
    step = Step(fabric, config, MTUN(config.model), None, None)
    pairs = maker.train(index, generator)
    at = Position(0, 0, 1000, 0.0, config.run.max_time)

    making = batch / seconds(fabric.device, a.repeats, lambda: maker.train(index, generator))
    training = batch / seconds(fabric.device, a.repeats, lambda: step(pairs, at))
    print(f"{a.preset}, batch {batch}, {config.run.precision}, {fabric.device}, {torch.get_num_threads()} threads")
    print(f"pairs made  {making:10.1f} images/s")
    print(f"step alone  {training:10.1f} images/s")
    print(f"ratio       {making / training:10.1f}")


if __name__ == "__main__":
    main()
