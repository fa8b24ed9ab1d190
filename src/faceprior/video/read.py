"""A video file -> upright frames, and the packets of its sound as they are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import av
import av.error
import numpy as np
from PIL import Image

from ..errors import FacepriorError

FRAME_LIMIT = 40_000_000  # pixels: 8K has 33 million
BT709, BT601 = 1, 5  # how FFmpeg numbers the matrices between YUV and RGB


@dataclass(frozen=True)
class VideoFrame:
    """rgb: uint8 (H, W, 3), upright; pts: its time in the stream's time base."""

    rgb: np.ndarray
    pts: int


class Video:
    """An open file, a context manager; read once. Every failure is a FacepriorError of one line."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.container = av.open(str(path))
        except av.error.FFmpegError as error:
            raise self._broken(error) from None
        streams = self.container.streams
        # Pictures of covers and previews are video streams, too.
        moving = [s for s in streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not moving:
            self.container.close()
            raise FacepriorError(f"{path}: holds no video")
        self.stream = moving[0]
        self.stream.thread_type = "AUTO"
        self.audio = list(streams.audio)
        self.size: tuple[int, int] | None = None  # width and height of the first frame; others are brought to it
        self._check(self.stream.codec_context.width, self.stream.codec_context.height)
        self.time_base = self.stream.time_base
        self.matrix = BT709 if self.stream.codec_context.colorspace == BT709 else BT601
        self.rate = self.stream.average_rate or self.stream.guessed_rate or 25
        self.frames = self.stream.frames or self._estimate()

    def read(self, sound: Callable[["av.Packet"], None]) -> Iterator[VideoFrame]:
        """Frames in the order of showing; `sound` gets the packets of sound between them."""
        last: int | None = None
        try:
            for packet in self.container.demux([self.stream, *self.audio]):
                if packet.stream.type == "audio":
                    if packet.dts is not None:  # the last, empty one has none
                        sound(packet)
                    continue
                for frame in packet.decode():
                    # Times must rise; some files have none, or doubles.
                    least = 0 if last is None else last + 1
                    time = frame.pts if frame.pts is not None else least
                    last = time if last is None else max(least, time)
                    yield VideoFrame(upright(self._rgb(frame), frame.rotation), last)
        except av.error.FFmpegError as error:
            raise self._broken(error) from None

    def seconds(self, pts: int) -> float:
        return float(pts * self.time_base)

    def _rgb(self, frame: "av.VideoFrame") -> np.ndarray:
        if self.size is None:
            self.size = frame.width, frame.height
        self._check(frame.width, frame.height)
        width, height = self.size
        return frame.reformat(width, height, format="rgb24", src_colorspace=self.matrix).to_ndarray()

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


def upright(rgb: np.ndarray, rotation: int) -> np.ndarray:
    """rotation: degrees counter-clockwise that a player turns the picture by (phones film lying down)."""
    return np.ascontiguousarray(np.rot90(rgb, round(rotation / 90) % 4))
