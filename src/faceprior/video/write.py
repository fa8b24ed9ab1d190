"""Frames and packets of sound -> a video file, written beside its place and renamed."""

from contextlib import ExitStack, suppress
from typing import Any

import av
import av.error
import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..files import beside, settle
from .colour import Colour
from .filters import FromRGB
from .read import Video
from .tracks import PLAIN, Plan

# The best encoder that this PyAV has, and how good.
ENCODERS = (("libx264", {"crf": "18", "preset": "fast"}), ("libopenh264", {"b": "12M"}), ("mpeg4", {"q": "3"}))
DEEP = "libx265"  # of 10 bits, which few players know in H.264
# Of a clip of so few frames x265 gives the times to decode at from memory that it never set; they lie in order.
REORDERED = 2
FRAME_PIXELS = 4096 * 2304  # more than that few players show
# What is said of a clip and stays true of it enlarged. Not among them: where it was taken.
KEPT_WORDS = (
    "creation_time", "date", "year", "title", "artist", "album_artist", "album", "author", "comment", "composer",
    "copyright", "description", "synopsis", "genre", "show", "episode_id", "track", "make", "model",
)  # fmt: skip


def result_colour(video: Video) -> tuple[Colour, list[str]]:
    """How the result is coded; what to say of it. Raises FacepriorError for HDR that cannot stay HDR."""
    colour = video.colour
    if colour.bits == 8 or DEEP in encoders([DEEP]):
        return colour, []
    if colour.hdr:
        raise FacepriorError(
            f"{video.path}: is HDR, and this PyAV cannot write 10 bits (no {DEEP}); install its wheel, or convert the "
            "clip to SDR first"
        )
    shallow = Colour(colour.matrix, colour.full, colour.primaries, colour.transfer, 8, colour.rgb)
    return shallow, [f"10 bits a colour are written as 8: this PyAV has no {DEEP}"]


class VideoWriter:
    """A context manager: left without an error the file takes its place, else it is removed."""

    def __init__(self, plan: Plan, video: Video, width: int, height: int, colour: Colour):
        """width, height: of the frames that `frame` will get; colour: of `result_colour`."""
        self.target, self.video, self.colour = plan.target, video, colour
        # H.264 and H.265 in 4:2:0 have even sides: a last column or row is doubled.
        self.size = (width + width % 2, height + height % 2)
        self._cleaning = ExitStack()
        self.beside = self._cleaning.enter_context(beside(self.target))
        options = {"movflags": "+faststart"} if plan.format != "matroska" else {}
        self.container = self._say(lambda: av.open(str(self.beside), "w", format=plan.format, options=options))
        self.container.metadata.update(_words(video.container.metadata, KEPT_WORDS))
        self._pictures(plan)
        self._copied: dict[int, Any] = {}
        self._plain: dict[int, tuple[Any, av.AudioResampler]] = {}
        for source in video.tracks.sound:
            if source.index in plan.plain:
                rate, layout = source.codec_context.sample_rate, source.codec_context.layout
                made = self.container.add_stream(PLAIN, rate=rate, layout=layout.name)
                self._plain[source.index] = made, av.AudioResampler("s16", layout, rate)
            else:
                made = self._copied[source.index] = self.container.add_stream_from_template(source)
            _describe(made, source)
        for source in plan.texts:
            made = self._copied[source.index] = self.container.add_stream_from_template(source)
            _describe(made, source)

    def _pictures(self, plan: Plan) -> None:
        video, colour = self.video, self.colour
        if colour.bits == 8:
            name, options = next((n, o) for n, o in ENCODERS if n in encoders(n for n, _ in ENCODERS))
        else:
            light = f":hdr10=1:{video.light}" if video.light else ""
            name, options = DEEP, {"crf": "18", "preset": "fast", "x265-params": f"log-level=error{light}"}
        self.encoder = name
        self.stream = self.container.add_stream(name, rate=video.rate, options=options)
        context = self.stream.codec_context
        context.width, context.height = self.size
        context.pix_fmt = "yuv420p" if colour.bits == 8 else "yuv420p10le"
        context.time_base = video.time_base
        context.colorspace, context.color_range = colour.matrix, colour.range
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        context.sample_aspect_ratio = video.raster.aspect
        if name == DEEP and plan.format != "matroska":
            context.codec_tag = "hvc1"  # what players of Apple ask for
        _describe(self.stream, video.stream)
        if plan.timecode:
            self.stream.metadata["timecode"] = plan.timecode
        self._frames = 0
        self._to_yuv = FromRGB(colour, context.pix_fmt)

    def frame(self, picture: Image.Image | np.ndarray, pts: int) -> None:
        """RGB, or uint8 or uint16 (H, W, 3), of 8 or 16 bits as the result's colours ask for."""
        pixels = np.asarray(picture)
        if self.colour.bits == 8 and pixels.itemsize > 1:
            pixels = np.rint(pixels / 257.0).astype(np.uint8)
        width, height = self.size
        if pixels.shape[:2] != (height, width):
            pixels = np.pad(pixels, ((0, height - pixels.shape[0]), (0, width - pixels.shape[1]), (0, 0)), "edge")

        def encode() -> None:
            frame = self._to_yuv(pixels)
            frame.pts, frame.time_base = pts, self.video.time_base
            self.container.mux(self.stream.encode(frame))

        self._say(encode)
        self._frames += 1

    def other(self, packet: "av.Packet") -> None:
        """A packet of sound or of subtitles."""
        index = packet.stream.index
        if index in self._plain:
            self._sound(index, packet.decode())
        elif index in self._copied:
            packet.stream = self._copied[index]
            self._say(lambda: self.container.mux(packet))

    def _sound(self, index: int, frames: list[Any]) -> None:
        stream, resampler = self._plain[index]

        def encode() -> None:
            for frame in frames:
                for part in resampler.resample(frame):
                    self.container.mux(stream.encode(part))

        self._say(encode)

    def _end(self) -> None:
        for index, (stream, _) in self._plain.items():
            self._sound(index, [None])
            self.container.mux(stream.encode(None))
        for packet in self.stream.encode(None):
            if self._frames <= REORDERED:
                packet.dts = packet.pts
            self.container.mux(packet)
        self.container.close()

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
                self._say(self._end)
                self._say(lambda: settle(self.beside, self.target))
            else:
                with suppress(av.error.FFmpegError, OSError):  # it goes anyway
                    self.container.close()
        finally:
            self._cleaning.close()


def _words(metadata: dict[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: value for name, value in metadata.items() if name.lower() in names}


def _describe(made: Any, source: Any) -> None:
    """Its language and title, and whether it is what a player begins with."""
    made.metadata.update(_words(source.metadata, ("language", "title")))
    made.disposition = source.disposition.value


def encoders(names: Any) -> set[str]:
    """Those of them that this PyAV has."""
    found = set()
    for name in names:
        with suppress(ValueError):
            av.Codec(name, "w")
            found.add(name)
    return found
