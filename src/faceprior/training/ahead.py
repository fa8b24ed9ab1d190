"""Batches begun some steps ahead, on a GPU: while it learns, other processes spoil the rough LRs of what comes next.

What a step sees hangs on the seed and the step alone, so nothing is stored, and a run gives the same whether its
batches are begun ahead or not.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing.connection import wait

from ..dataset.pairs import Pairs

Begin = Callable[[int, Executor], Callable[[], Pairs]]


class Ahead:
    """`begin(step, pool)` begins a step's batch and gives what finishes it. `processes` work, one batch each; so many
    batches and two more are under way, each with its faces' contexts on the device (147 KB a face)."""

    def __init__(self, begin: Begin, processes: int, last: int):
        self.begin, self.last, self.depth = begin, last, processes + 2
        # A process of its own, not a fork: a fork of one that uses a GPU breaks.
        self.pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin_work)
        self._begun: dict[int, Callable[[], Pairs]] = {}

    def at(self, step: int) -> Pairs:
        """The batch of `step`, steps being asked for in their order."""
        for ahead in range(step, min(step + self.depth, self.last)):
            if ahead not in self._begun:
                self._begun[ahead] = self.begin(ahead, self.pool)
        return self._begun.pop(step)()

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


def _begin_work() -> None:
    """Ctrl-C is the trainer's to answer; where it is gone, however it ended, nobody wants the work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def leave_with_it() -> None:
        wait([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=leave_with_it, daemon=True).start()


def processes_here(wanted: int | None, device: str, rough: float, world: int) -> int:
    """How many processes work ahead for one that trains: none where nothing is rough. Where it is not said: on a GPU
    its share of the cores, on a CPU none, since the network needs them itself."""
    if not rough:
        return 0
    if wanted is not None:
        return wanted
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // world - 1) if device == "cuda" else 0
