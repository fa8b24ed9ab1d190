"""FFmpeg's filters in a row: YUV to RGB and back by the right matrix."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import av
import av.error
import av.filter
import numpy as np

from .colour import MATRICES, RGB, Colour

# Rounded, not cut; colours of half the size averaged and interpolated, not repeated.
CARE = "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"


class Chain:
    """Filters in a row for frames of one size and format; made anew where these change."""

    def __init__(self, steps: Sequence[tuple[str, str]]):
        self.steps = steps
        self._graph: av.filter.Graph | None = None
        self._made_for: tuple | None = None

    def push(self, frame: "av.VideoFrame") -> Iterator["av.VideoFrame"]:
        kind = (frame.width, frame.height, frame.format.name, frame.time_base)
        if kind != self._made_for:
            yield from self.end()
            self._graph, self._made_for = self._make(frame), kind
        self._graph.push(frame)
        yield from self._pull()

    def end(self) -> Iterator["av.VideoFrame"]:
        """What the filters have held back."""
        if self._graph is not None:
            self._graph.push(None)
            yield from self._pull()
        self._graph = self._made_for = None

    def _make(self, frame: "av.VideoFrame") -> av.filter.Graph:
        base = frame.time_base or Fraction(1, 1000)
        colours = f":colorspace={int(frame.colorspace)}:range={int(frame.color_range)}"
        graph = av.filter.Graph()
        nodes = [
            graph.add(
                "buffer",
                f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
                f":time_base={base.numerator}/{base.denominator}:pixel_aspect=1/1{colours}",
            ),
            *(graph.add(name, arguments) for name, arguments in self.steps),
            graph.add("buffersink"),
        ]
        for one, other in pairwise(nodes):
            one.link_to(other)
        graph.configure()
        return graph

    def _pull(self) -> Iterator["av.VideoFrame"]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield frame


class ToRGB:
    """A frame -> uint8 (H, W, 3), or uint16 where the clip has more bits, all of one size."""

    def __init__(self, colour: Colour, width: int, height: int):
        self.colour = colour
        scaled = f"w={width}:h={height}:out_range=full:flags={CARE}"
        self.format = "rgb24" if colour.bits == 8 else "rgb48le"
        self._chain = Chain([("scale", scaled), ("format", self.format)])

    def __call__(self, frame: "av.VideoFrame") -> np.ndarray:
        # The same for every frame, whatever single ones say.
        frame.colorspace = RGB if self.colour.rgb else self.colour.matrix
        frame.color_range = 2 if self.colour.rgb else self.colour.range
        (done,) = self._chain.push(frame)
        return done.to_ndarray(format=self.format)


class FromRGB:
    """uint8 or uint16 (H, W, 3), even sides -> a frame for the encoder."""

    def __init__(self, colour: Colour, pixel_format: str):
        how = f"out_color_matrix={MATRICES[colour.matrix]}:out_range={'full' if colour.full else 'limited'}"
        self._chain = Chain([("scale", f"{how}:flags={CARE}"), ("format", pixel_format)])

    def __call__(self, pixels: np.ndarray) -> "av.VideoFrame":
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24" if pixels.itemsize == 1 else "rgb48le")
        frame.colorspace, frame.color_range = RGB, 2
        frame.time_base, frame.pts = Fraction(1, 1000), 0
        (done,) = self._chain.push(frame)
        return done
