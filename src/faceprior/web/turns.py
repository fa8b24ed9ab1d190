"""Who is served when: a few photos at a time, a few that wait, the rest refused at once."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from .limits import Refused

T = TypeVar("T")


class Turns:
    """A place is held from before the upload is read until its work has ended, so that neither the bodies in
    memory nor the work left behind by clients that went away can pile up."""

    def __init__(self, workers: int, waiting: int):
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="faceprior")
        self.places, self.taken = workers + waiting, 0
        self._lock = threading.Lock()

    def enter(self) -> "Place":
        with self._lock:
            if self.taken >= self.places:
                raise Refused(503, "busy: too many photos are waiting; try again in a minute")
            self.taken += 1
        return Place(self._pool, self._leave)

    def _leave(self) -> None:
        with self._lock:
            self.taken -= 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Place:
    """Give it back by leaving the `with`, unless work was submitted: then it ends with the work."""

    def __init__(self, pool: ThreadPoolExecutor, release: Callable[[], None]):
        self._pool, self._release = pool, release
        self._submitted = False

    def submit(self, work: Callable[[], T]) -> "Future[T]":
        future = self._pool.submit(work)
        self._submitted = True
        future.add_done_callback(lambda _: self._release())
        return future

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._submitted:
            self._release()
