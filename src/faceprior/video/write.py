"""Frames and packets of sound -> a video file, written beside its place and renamed."""

from contextlib import ExitStack, suppress
from pathlib import Path

import av
import av.error
import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..files import beside, settle
from .read import Video

# What a file's ending becomes. Matroska holds any sound, MP4 does not.
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
IN_MP4 = {"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}
# The best encoder that this PyAV has, and how good.
ENCODERS = (("libx264", {"crf": "18", "preset": "fast"}), ("libopenh264", {"b": "12M"}), ("mpeg4", {"q": "3"}))
FRAME_PIXELS = 4096 * 2304  # more than that few players show


def video_target(folder: Path, stem: str, video: Video) -> Path:
    ending = video.path.suffix.lower()
    sounds = {stream.codec_context.name for stream in video.audio}
    if ending not in FORMATS or (FORMATS[ending] == "mp4" and not sounds <= IN_MP4):
        ending = ".mkv"
    return folder / f"{stem}{ending}"


class VideoWriter:
    """A context manager: left without an error the file takes its place, else it is removed."""

    def __init__(self, target: Path, video: Video, width: int, height: int):
        self.target = target
        # H.264 in 4:2:0 has even sides: a last column or row is doubled.
        self.size = (width + width % 2, height + height % 2)
        self._cleaning = ExitStack()
        self.beside = self._cleaning.enter_context(beside(target))
        format = FORMATS[target.suffix]
        self.container = self._say(lambda: av.open(
            str(self.beside), "w", format=format, options={"movflags": "+faststart"} if format != "matroska" else {}
        ))  # fmt: skip
        name, options = next((n, o) for n, o in ENCODERS if n in _encoders())
        self.encoder = name
        self.stream = self.container.add_stream(name, rate=video.rate, options=options)
        context, source = self.stream.codec_context, video.stream.codec_context
        context.width, context.height = self.size
        context.pix_fmt = "yuv420p"
        context.time_base = video.time_base
        context.colorspace, context.color_range = video.matrix, 1
        context.color_primaries, context.color_trc = source.color_primaries, source.color_trc
        self.time_base, self.matrix = video.time_base, video.matrix
        self.sounds = {s.index: self.container.add_stream_from_template(s) for s in video.audio}

    def frame(self, picture: Image.Image, pts: int) -> None:
        pixels = np.asarray(picture)
        width, height = self.size
        if pixels.shape[:2] != (height, width):
            pixels = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), "edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=self.matrix)
        frame.pts, frame.time_base = pts, self.time_base
        self._say(lambda: self.container.mux(self.stream.encode(frame)))

    def sound(self, packet: "av.Packet") -> None:
        packet.stream = self.sounds[packet.stream.index]
        self._say(lambda: self.container.mux(packet))

    def _say(self, work):
        try:
            return work()
        except (av.error.FFmpegError, OSError) as error:
            raise FacepriorError(f"{self.target}: cannot write ({error.strerror or error})") from None

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is None:
                self._say(lambda: self.container.mux(self.stream.encode(None)))
                self._say(self.container.close)
                self._say(lambda: settle(self.beside, self.target))
            else:
                with suppress(av.error.FFmpegError, OSError):  # it goes anyway
                    self.container.close()
        finally:
            self._cleaning.close()


def _encoders() -> set[str]:
    found = set()
    for name, _ in ENCODERS:
        try:
            av.Codec(name, "w")
        except ValueError:
            continue
        found.add(name)
    return found
