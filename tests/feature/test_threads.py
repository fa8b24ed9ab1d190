"""How many photos at a time, and threads of each."""

import pytest

from faceprior.runtime import threads
from faceprior.runtime.threads import side_by_side, thread_count

GB = 1024**3


@pytest.mark.parametrize(
    ("photos", "cores", "memory", "expected"),
    [
        (1, 8, 64, (1, None)),  # one photo has them all
        (2, 8, 64, (2, 4)),
        (100, 2, 64, (2, 1)),
        (100, 16, 64, (4, 4)),
        (100, 3, 64, (3, 1)),
        (100, 16, 4, (2, 8)),  # a small memory
        (100, 16, 1, (1, None)),
        (0, 2, 64, (1, None)),
    ],
)
def test_photos_at_a_time(photos, cores, memory, expected, monkeypatch):
    monkeypatch.setattr(threads, "_memory", lambda: memory * GB)
    monkeypatch.setattr(threads, "thread_count", lambda asked: asked or cores)
    assert side_by_side(photos, None) == expected


def test_never_more_threads_than_were_asked_for():
    for asked in range(1, 9):
        jobs, each = side_by_side(50, asked)
        assert jobs * (each or asked) <= asked


def test_this_machine_has_room_for_one():
    jobs, each = side_by_side(50, None)
    assert jobs >= 1 and jobs * (each or 1) <= thread_count(None)
