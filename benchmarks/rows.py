"""What each row of the reduced tables costs: CPU seconds of a step, and minutes of the whole row on one core.

    python benchmarks/rows.py --data shards --vgg vgg19n.safetensors [--tables table2,table3]

CPU time, not wall time, so that a shared machine gives about the same answer. Only the first `--steps` steps are
made, with the adversary from the first of them on; the row's minutes count it for the steps that it takes part in.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from faceprior.evaluation.reproduce import TABLES
from faceprior.evaluation.reproduce.plan import Budget, overrides
from faceprior.evaluation.reproduce.reproduce import fast_bf16
from faceprior.evaluation.reproduce.rows import Row, Table
from faceprior.networks.comparators.stn0 import STN0
from faceprior.networks.weights import save_model
from faceprior.training.config import TrainConfig
from faceprior.training.devices import prepare_device
from faceprior.training.loop import Trainer
from faceprior.training.schedule import Position


def cost(table: Table, row: Row, data: Path, vgg: Path | None, stn0: Path, steps: int) -> tuple[int, float, float]:
    """-> (steps of the row, CPU seconds of a step, minutes of the row)."""
    extra = ("data.faces=256", "data.val_faces=0")
    asked = overrides(table, row, Budget(reduced=True, overrides=extra), 0, fast_bf16("cpu") is not None)
    config = TrainConfig.load(row.config, asked)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(config, data, Path(folder), device="cpu", vgg=vgg, stn0=stn0 if row.needs else None)
        trainer.fabric.launch()
        prepare_device(trainer.fabric.device)
        trainer._load()
        trainer._build(resumed=False)
    if not trainer.total_steps:  # no training loop
        return 0, 0.0, 0.0
    full = TrainConfig.load(row.config, overrides(table, row, Budget(reduced=True), 0, False))
    total = full.run.steps or trainer.total_steps

    def seconds(epoch: int) -> float:
        spent = 0.0
        for k in range(steps + 1):
            began = time.process_time()
            trainer.update(trainer._pairs(), Position(trainer.step, epoch, total))
            trainer.step += 1
            spent += time.process_time() - began if k else 0  # the first one warms up
        return spent / steps

    start = config.loss.adversarial_start
    late = min(total, start * (full.data.faces or 0) // config.run.batch) if config.loss.adversarial_weight else 0
    last = seconds(start)
    early = seconds(0) if late else last
    return total, last, (late * early + (total - late) * last) / 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--vgg", type=Path)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        stn0 = Path(folder) / "stn0.safetensors"
        save_model(STN0(), stn0)
        for name in args.tables.split(","):
            table, minutes, runs = TABLES[name], 0.0, 0
            for row in table.rows:
                steps, step, whole = cost(table, row, args.data, args.vgg, stn0, args.steps)
                # What others start from has their seeds.
                seeds = max([row.seeds, *(other.seeds for other in table.rows if other.needed(True) == row.name)])
                minutes, runs = minutes + whole * seeds, runs + seeds
                print(
                    f"{name:12} {row.name:20} {steps:5} steps  {step:6.3f} s  {whole:5.1f} min x {seeds}",
                    flush=True,
                )
            print(f"{name:12} {runs} runs, {minutes:.0f} core-minutes", flush=True)


if __name__ == "__main__":
    main()
