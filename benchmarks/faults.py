"""kill -9 at random moments of a small real run, counted.

    python benchmarks/faults.py [--kills 200] [--minutes 60] [--seed 0]

Half of the kills fall at any moment of the work, a third while a checkpoint is being written, the rest while the
trainer starts. One run after the other is killed again and again until it is done, each time resumed by the same
command; every finished run must hold the same bits as one that was never killed. Prints where the kills fell, how
many were survived, the largest number of steps that one of them cost, and what was lost. Exit status 1 where a
promise is broken: a checkpoint that is not whole, one that went backwards, a resumption refused, other bits at the end.

A checkpoint is written after every step, so "beyond the last checkpoint" is at most the step in hand.
"""

import argparse
import multiprocessing
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "run")]

import test_train_faults as faults  # noqa: E402  the victim of these kills is the tests'
from drawn_faces import draw_folder  # noqa: E402

from faceprior.dataset.prepare import prepare  # noqa: E402
from faceprior.training.checkpoint import read  # noqa: E402

STEPS = 20
# Seconds, about: a step with its checkpoint, the writing of one, the start until the first step.
STEP, WRITE, START = 0.3, 0.1, 1.0


def being_written(run: Path) -> bool:
    return any((run / "checkpoints").glob(".step-*.tmp"))


def moment(run: Path) -> str:
    """What a process was at when it was killed, by what it left: only a writer leaves a part of a file."""
    parts = [path.name for path in run.rglob(".*.tmp")]
    if any(name.startswith(".step-") for name in parts):
        return "writing a checkpoint"
    return "writing another file" if parts else "computing or starting"


def kill_once(data: Path, run: Path, overrides: tuple[str, ...], chance: random.Random) -> int | None:
    """Starts a trainer and kills it somewhere; its exit status."""
    before, aim = faults.newest(run), chance.random()
    process = faults.start(data, run, overrides)
    deadline = time.monotonic() + 120

    def wait_until(happened: Callable[[], object]) -> None:
        while not happened() and process.is_alive() and time.monotonic() < deadline:
            time.sleep(0.0005)

    if aim < 1 / 2:  # at work
        wait_until(lambda: faults.newest(run) > before)
        time.sleep(chance.uniform(0, STEP))
    elif aim < 5 / 6:  # writing a checkpoint
        wait_until(lambda: being_written(run))
        time.sleep(chance.uniform(0, WRITE))
    else:  # starting, perhaps at work already
        time.sleep(chance.uniform(0, START))
    process.kill()
    process.join()
    return process.exitcode


def logged(run: Path) -> int:
    """The last step that the journal has: it is written as soon as a step is over."""
    path = run / "metrics.jsonl"
    lines = path.read_bytes().splitlines() if path.exists() else []
    return sum(line.endswith(b"}") for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop earlier, with the counts so far")
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    chance, moments, lost = random.Random(a.seed), Counter(), Counter()
    overrides = (*faults.BUSY, f"run.steps={STEPS}")
    began, kills, runs, dearest = time.monotonic(), 0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        draw_folder(folder / "drawn", {"train": 8, "val": 1, "test": 1})
        prepare([folder / "drawn"], folder / "shards", workers=1)
        whole = faults.start(folder / "shards", folder / "whole", overrides)
        whole.join()
        expected, run, kept = faults.weights(folder / "whole"), folder / "killed-0", 0
        while kills < a.kills and time.monotonic() - began < a.minutes * 60:
            status = kill_once(folder / "shards", run, overrides, chance)
            if status == -signal.SIGKILL:
                kills += 1
                moments[moment(run)] += 1
            elif status != 0:
                lost["resumption refused"] += 1
                break
            now = faults.newest(run)
            lost["checkpoint gone"] += now < kept
            dearest, kept = max(dearest, logged(run) - now), now
            if now:
                try:
                    read(run / "checkpoints" / f"step-{now:08d}.ckpt")
                except ValueError:
                    lost["newest checkpoint damaged"] += 1
            if now == STEPS:
                runs += 1
                lost["other bits"] += different(faults.weights(run), expected)
                run, kept = folder / f"killed-{runs}", 0
        last = faults.start(folder / "shards", run, overrides)
        last.join()
        lost["resumption refused"] += last.exitcode != 0
        if not last.exitcode:
            runs += 1
            lost["other bits"] += different(faults.weights(run), expected)
    where = ", ".join(f"{what}: {n}" for what, n in moments.most_common())
    print(f"kills: {kills} ({where}) in {time.monotonic() - began:.0f} s")
    print(f"runs finished with the same bits as one never killed: {runs - lost['other bits']} of {runs}")
    print(f"steps lost to a kill, at most: {dearest}")
    print(f"lost: {(+lost and dict(+lost)) or 'nothing'}")
    return int(bool(+lost))


def different(a: dict, b: dict) -> bool:
    return a.keys() != b.keys() or not all((a[key] == b[key]).all() for key in a)


if __name__ == "__main__":
    multiprocessing.freeze_support()
    sys.exit(main())
