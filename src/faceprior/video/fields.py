"""Interlaced frames -> whole ones. Each holds two fields, half the lines each, a moment apart: what moves is combed."""

from collections import deque
from collections.abc import Iterable, Iterator

import av
import numpy as np

from .filters import Chain

SMALLEST = 4  # lines and columns that the filters take
BLOCK = 16  # pixels a side that are judged together
COMBED = 1.3, 6.0  # a block: neighbouring lines differ that much more than every other one, and by so many levels
PART = 0.01  # of a frame's blocks


class Deinterlacer:
    """One frame out for one frame in; those of the stream that are whole pass as they are.

    Nothing is touched before the first interlaced frame; from there on each frame waits for the next. bwdif keeps
    what rests at its full height and interpolates what moves. It takes a picture for resting that repeats (a freeze
    frame, a slowed scene) with two moments in it: where its result is still combed, every other line is
    interpolated from those beside it (estdif).
    """

    def __init__(self) -> None:
        self.used = False
        self._chain = Chain([("bwdif", "mode=send_frame:parity=auto:deint=interlaced")])
        self._waiting: deque[av.VideoFrame] = deque()  # what the filter was given and has not given back

    def push(self, frame: "av.VideoFrame") -> Iterator["av.VideoFrame"]:
        if frame.interlaced_frame and min(frame.width, frame.height) >= SMALLEST:
            self.used = True
        if not self.used:
            yield frame
            return
        self._waiting.append(frame)
        yield from self._checked(self._chain.push(frame))

    def end(self) -> Iterator["av.VideoFrame"]:
        yield from self._checked(self._chain.end())

    def _checked(self, made: Iterable["av.VideoFrame"]) -> Iterator["av.VideoFrame"]:
        for frame in made:
            given = self._waiting.popleft()
            yield from alone(given) if given.interlaced_frame and combed(frame.to_ndarray(format="gray")) else [frame]


def alone(frame: "av.VideoFrame") -> list["av.VideoFrame"]:
    """Made whole without those before and after it."""
    chain = Chain([("estdif", "mode=frame:parity=auto:deint=interlaced")])
    return [*chain.push(frame), *chain.end()]


def combed(grey: np.ndarray) -> bool:
    """uint8 (H, W): whether parts of it still hold two moments in turns."""
    lines = grey.astype(np.int16)
    if lines.shape[0] < BLOCK + 4 or lines.shape[1] < BLOCK:
        return False
    middle = 2 * lines[2:-2]
    near = _blocks(np.abs(middle - lines[1:-3] - lines[3:-1]))
    far = _blocks(np.abs(middle - lines[:-4] - lines[4:]))
    more, levels = COMBED
    return float(((near > more * far) & (near > 2 * levels)).mean()) > PART


def _blocks(values: np.ndarray) -> np.ndarray:
    """Means of whole blocks."""
    h, w = (v // BLOCK * BLOCK for v in values.shape)
    return values[:h, :w].reshape(h // BLOCK, BLOCK, w // BLOCK, BLOCK).mean((1, 3))
