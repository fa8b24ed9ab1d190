"""What a log file is told of a long evaluation."""

from faceprior.evaluation.spoken import spoken


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(times: list[float], every: float = 30.0, batch: int = 64) -> list[str]:
    """The lines of an evaluation whose batches end at `times`, seconds after its beginning."""
    clock, lines = Clock(), []
    progress = spoken(lines.append, every, clock)
    for k, at in enumerate(times, 1):
        clock.now = 100.0 + at
        progress(k * batch, len(times) * batch)
    return lines


def test_a_short_evaluation_says_nothing():
    assert run([1, 2, 3, 29]) == []
    assert run([10, 500]) == []  # its last batch: what follows is the table


def test_a_long_one_says_a_line_each_half_minute_with_the_time_that_is_left():
    lines = run([20 + 10 * k for k in range(10)])  # decoded in 10 s, then 10 s a batch
    assert lines == [
        "128 of 640 faces evaluated, about 1 min left",
        "320 of 640 faces evaluated, about 1 min left",
        "512 of 640 faces evaluated, about 20 s left",
    ]


def test_times_are_told_as_people_say_them():
    assert run([0, 40, 80])[0].endswith("about 1 min left")
    assert run([3600 * k for k in range(1, 4)])[0].endswith("about 1 h 0 min left")
    assert run([0, 1800, *range(1810, 1900, 10)])[0].endswith("about 4 h 30 min left")
