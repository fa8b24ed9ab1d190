"""SIGTERM and Ctrl-C as a polite request: the step in hand is finished, a checkpoint written, the run left."""

import signal
import threading
from types import FrameType


class StopRequest:
    """Inside `with`, the first signal sets `asked`; a second Ctrl-C is the usual KeyboardInterrupt."""

    signals = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.asked: str | None = None
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in self.signals}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number).name
