"""Times on a machine that is not ours alone: every candidate once a round, so that all meet the same neighbours."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Times:
    """Seconds of each round, by candidate."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def best(self, name: str) -> float:
        return min(self.seconds[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times as long as `base`: the median over the rounds, each compared within itself."""
        pairs = zip(self.seconds[name], self.seconds[base], strict=True)
        return statistics.median(mine / other for mine, other in pairs)


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
"""What counts as time. On a machine with other work, the CPU time of one thread is about what the wall would show on a
quiet one; with more threads it says nothing (they wait by spinning)."""


def interleaved(
    calls: dict[str, Callable[[], object]], *, seconds: float, clock: str = "wall", rounds: int = 5, warm: int = 2
) -> Times:
    """Rounds of one call of each: at least `rounds`, and more until `seconds` (of the wall) are over, 200 at most."""
    for _ in range(warm):
        for call in calls.values():
            call()
    times = Times({name: [] for name in calls})
    now, began, done = CLOCKS[clock], time.perf_counter(), 0
    while done < rounds or (done < 200 and time.perf_counter() - began < seconds):
        for name, call in calls.items():
            start = now()
            call()
            times.seconds[name].append(now() - start)
        done += 1
    return times
