"""One trainer a run folder.

The lock is the kernel's (flock), not a file's existence: it goes with the process, however that ends.
"""

import fcntl
import os
from pathlib import Path

from ..errors import FacepriorError


class RunLock:
    def __init__(self, folder: Path):
        self._file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._file, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._file)
            raise FacepriorError(f"{folder}: another trainer is at work here (process {holder})") from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)  # closing drops the lock
