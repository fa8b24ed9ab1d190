"""How many threads this process may really use."""

import operator
import os
from pathlib import Path

from ..errors import FacepriorError

TOGETHER = 4  # photos at a time, where nothing was asked
ROOM = 2 * 1024**3  # bytes of the machine's memory for each: one of 12 megapixels at x4 takes 1.2 GB
MOST = 1024  # more only cost memory: 100,000 end in the kernel's killing the process


def thread_count(asked: int | None) -> int:
    """`asked`, or the CPUs this process may use: a container on a large machine often has two of its 64."""
    if asked is not None:
        try:
            asked = operator.index(asked)
        except TypeError:
            raise FacepriorError(f"threads: expected a whole number, got {asked!r}") from None
        if not 1 <= asked <= MOST:
            raise FacepriorError(f"threads: expected 1 to {MOST}, got {asked}")
        return asked
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _cgroup_quota() or count))


def side_by_side(photos: int, threads: int | None) -> tuple[int, int | None]:
    """-> (photos at a time, threads of each), for so many photos and `threads` in all.

    A core for each photo does a quarter more than all cores in one (docs/performance.md). At most `TOGETHER`, and no
    more than the memory has room for.
    """
    cores = thread_count(threads)
    jobs = max(1, min(TOGETHER, cores, photos, _memory() // ROOM))
    return jobs, cores // jobs if jobs > 1 else threads


def _memory() -> int:
    """Bytes of this machine, or as much as two photos want where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return 2 * ROOM


def _cgroup_quota() -> int | None:
    """The CPU quota of the control group (version 2), rounded up, or None."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
