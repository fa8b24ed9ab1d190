"""How far a long evaluation is, in lines: for log files and pipes, where no bar can be drawn."""

import time
from collections.abc import Callable

LINE_EVERY = 30.0  # seconds; what takes less is told nothing of


def spoken(
    say: Callable[[str], None], every: float = LINE_EVERY, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """Gives a `progress(done, total)` in faces, which says a line no more often than once in `every` seconds."""
    last = clock()
    first: tuple[int, float] | None = None  # faces are decoded before the first are told of: no part of the pace

    def progress(done: int, total: int) -> None:
        nonlocal last, first
        now = clock()
        if first is None:
            first = done, now
        if now - last < every or not first[0] < done < total:
            return
        last = now
        left = (now - first[1]) / (done - first[0]) * (total - done)
        say(f"{done} of {total} faces evaluated, about {_time(left)} left")

    return progress


def _time(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
