"""A video file -> upright, whole frames of RGB, and the packets of its other tracks as they are."""

import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import av.error
import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..photo.lossy import ALIKE
from .canvas import EXTREME, Raster
from .colour import PQ, UNTAGGED, colour_of, depth
from .fields import Deinterlacer
from .filters import ToRGB
from .light import dynamic_of, light_of
from .tracks import tracks_of

FRAME_LIMIT = 40_000_000  # pixels: 8K has 33 million
# Codecs that lose detail and are told as clean all the same: for editing, where next to nothing is lost; and of JPEGs,
# whose blocks are measured.
CLEAN = frozenset({"prores", "dnxhd", "cfhd", "mjpeg", "mjpegb", "amv"})


@dataclass(frozen=True)
class VideoFrame:
    """pixels: uint8 (H, W, 3), upright, as stored (they may not be square), uint16 where the clip has more bits;
    pts: its time in the stream's time base."""

    pixels: np.ndarray
    pts: int


class Video:
    """An open file, a context manager; read once. Every failure is a FacepriorError of one line.

    `read` says the rest: raster and light are known with the first frame, notes at the end.
    """

    raster: Raster
    light: str | None = None  # the limits of its light, as HDR10 has them

    def __init__(self, path: Path):
        self.path = path
        try:
            self.container = av.open(str(path), metadata_errors="replace")
        except av.error.FFmpegError as error:
            raise self._broken(error) from None
        try:
            self._choose()
        except BaseException:
            self.container.close()
            raise

    def _choose(self) -> None:
        # Pictures of covers and previews are video streams, too.
        moving = [s for s in self.container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not moving:
            raise FacepriorError(f"{self.path}: holds no video")
        known = [s for s in moving if s.codec_context is not None]
        if not known:
            raise FacepriorError(f"{self.path}: no decoder here reads its pictures; convert it to H.264 first")
        self.stream = known[0]
        self.stream.thread_type = "AUTO"
        context = self.stream.codec_context
        self._check(context.width, context.height)
        self.tracks = tracks_of(self.container, self.stream)
        self.colour = colour_of(context, self.path)
        self.quality = quality_of(context.codec)
        self.aspect, doubt = _aspect(self.stream)
        self.time_base = self.stream.time_base
        self.rate = self.stream.average_rate or self.stream.guessed_rate or 25
        self.frames = self.stream.frames or self._estimate()
        self.notes = [*doubt, *self.tracks.notes]
        if depth(context) > 10:
            self.notes.append(f"its {depth(context)} bits a colour are written as 10")
        apart = self.stream.metadata.get("alpha_mode") == "1"  # of WebM: a picture of its own, which is not decoded
        if apart or (context.format is not None and any(c.is_alpha for c in context.format.components)):
            self.notes.append("its transparency is left out")

    def read(self, other: Callable[["av.Packet"], None]) -> Iterator[VideoFrame]:
        """Frames in the order of showing; `other` gets the packets of sound and subtitles between them."""
        fields = Deinterlacer()
        to_rgb: ToRGB | None = None
        turned = np.eye(2, dtype=int)
        last: int | None = None

        def whole() -> Iterator["av.VideoFrame"]:
            for packet in self.container.demux([self.stream, *self.tracks.sound, *self.tracks.texts]):
                if packet.stream.index == self.stream.index:
                    for frame in packet.decode():
                        yield from fields.push(frame)
                elif packet.dts is not None:  # the last, empty one has none
                    other(packet)
            yield from fields.end()

        try:
            for frame in whole():
                self._check(frame.width, frame.height)
                if to_rgb is None:
                    # The first one decides for all; others are brought to it.
                    to_rgb = ToRGB(self.colour, frame.width, frame.height)
                    turned = turn_of(frame)
                    self._first(frame, turned)
                # Times must rise; some files have none, or doubles.
                least = 0 if last is None else last + 1
                time = least if frame.pts is None else round(frame.pts * (frame.time_base or 0) / self.time_base)
                last = time if last is None else max(least, time)
                yield VideoFrame(upright(to_rgb(frame), turned), last)
        except av.error.FFmpegError as error:
            raise self._broken(error) from None
        if fields.used:
            self.notes.append("interlaced: its fields were made whole frames first")

    def seconds(self, pts: int) -> float:
        return float(pts * self.time_base)

    def _first(self, frame: "av.VideoFrame", turned: np.ndarray) -> None:
        width, height, aspect = frame.width, frame.height, self.aspect
        if turned[0, 0] == 0:
            width, height, aspect = height, width, 1 / aspect
        self.raster = Raster(width, height, aspect, self.colour)
        self._check(*self.raster.seen_size)
        self.light = light_of(frame) if self.colour.transfer == PQ else None
        if dynamic := dynamic_of(frame):
            if not self.colour.hdr and self.stream.codec_context.color_trc == UNTAGGED:
                raise FacepriorError(
                    f"{self.path}: {dynamic} without a picture that others can show; convert it to HDR10 or SDR first"
                )
            self.notes.append(f"its {dynamic} data is left out; the picture under it stays")

    def _check(self, width: int, height: int) -> None:
        """Several frames are in memory at a time, each enlarged: the limit is lower than that of photos."""
        if width * height > FRAME_LIMIT and Image.MAX_IMAGE_PIXELS is not None:
            self.container.close()
            raise FacepriorError(
                f"{self.path}: frames of {width}x{height}, more than {FRAME_LIMIT // 10**6} megapixels; "
                "--no-pixel-limit takes it all the same"
            )

    def _estimate(self) -> int:
        seconds = (self.container.duration or 0) / 1e6
        return max(1, round(seconds * float(self.rate)))

    def _broken(self, error: Exception) -> FacepriorError:
        reason = getattr(error, "strerror", None) or str(error)
        return FacepriorError(f"{self.path}: damaged, or no video that can be read ({' '.join(reason.split())})")

    def __enter__(self) -> "Video":
        return self

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.container.close()


def _aspect(stream: Any) -> tuple[Fraction, list[str]]:
    """Width of a stored pixel by its height, 1 where that is not known; what to say of it."""
    aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    if not aspect or aspect <= 0:
        return Fraction(1), []
    if not Fraction(1, EXTREME) <= aspect <= EXTREME:
        shape = f"{aspect.numerator}:{aspect.denominator}"
        return Fraction(1), [f"pixels of {shape} are taken for a wrong tag, and for square ones"]
    return Fraction(aspect), []


def turn_of(frame: "av.VideoFrame") -> np.ndarray:
    """Where a player shows the stored axes, int (2, 2): columns are the images of right and down. From the display
    matrix (phones film lying down; some mirror), to whole quarter turns."""
    data = None
    with suppress(KeyError, ValueError):
        data = bytes(frame.side_data["DISPLAYMATRIX"])
    if data is None or len(data) < 36:
        return np.eye(2, dtype=int)
    a, b, _, c, d, *_ = struct.unpack("=9i", data[:36])
    # A point (x, y) goes to (a x + c y, b x + d y), y downwards.
    matrix = np.array([[a, c], [b, d]], float)
    main = np.diag(matrix) if abs(matrix[0, 0]) + abs(matrix[1, 1]) >= abs(matrix[0, 1]) + abs(matrix[1, 0]) else None
    if main is not None:
        return np.diag([-1 if v < 0 else 1 for v in main])
    return np.array([[0, -1 if matrix[0, 1] < 0 else 1], [-1 if matrix[1, 0] < 0 else 1, 0]])


def upright(pixels: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """(H, W, 3) as stored -> as shown."""
    if turned[0, 0] == 0:
        pixels = pixels.transpose(1, 0, 2)
        across, down = turned[0, 1], turned[1, 0]
    else:
        across, down = turned[0, 0], turned[1, 1]
    return np.ascontiguousarray(pixels[:: int(down), :: int(across)])


def quality_of(codec: Any) -> float | None:
    """Of a decoder, an `av.Codec`: the quality of JPEG as which its clips are told (`photo/lossy.py`); None: clean."""
    return ALIKE if codec.lossy and codec.name not in CLEAN else None
