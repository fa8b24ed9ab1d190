"""What holds for a whole process (Pillow's limit of pixels, the filters of warnings) and is changed for a while."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Lock


class Shared:
    """A change that threads may ask for side by side, as a context manager: made by the first, undone by the last. Each
    on its own would put back what another had changed, and leave the change in place for ever."""

    def __init__(self, change: Callable[[], AbstractContextManager[None]]):
        self._change, self._lock, self._inside = change, Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._made = self._change()
                self._made.__enter__()
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._made.__exit__(None, None, None)
