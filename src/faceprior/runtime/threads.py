"""How many threads this process may really use."""

import os
from pathlib import Path

from ..errors import FacepriorError

MOST = 1024  # more only cost memory: 100,000 end in the kernel's killing the process


def thread_count(asked: int | None) -> int:
    """`asked`, or the CPUs this process may use: a container on a large machine often has two of its 64."""
    if asked is not None:
        if not 1 <= asked <= MOST:
            raise FacepriorError(f"threads: expected 1 to {MOST}, got {asked}")
        return asked
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _cgroup_quota() or count))


def _cgroup_quota() -> int | None:
    """The CPU quota of the control group (version 2), rounded up, or None."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None
