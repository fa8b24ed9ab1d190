"""Small clips of any kind, written plane by plane, and what is read back from one; needs PyAV."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

# Kr, Kb of the matrices by FFmpeg's numbers (H.273, table 4): luma is Kr R + (1 - Kr - Kb) G + Kb B.
WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}
RATE = 25


def to_yuv(rgb: np.ndarray, matrix: int, full: bool = False, bits: int = 8) -> list[np.ndarray]:
    """float (H, W, 3) of 0..1, even sides -> Y, U, V, the latter two of half the size, by the formulas of H.273."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = np.moveaxis(np.asarray(rgb, float), -1, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    u, v = (p.reshape(p.shape[0] // 2, 2, p.shape[1] // 2, 2).mean((1, 3)) for p in (u, v))
    step, top = 2.0 ** (bits - 8), 2**bits - 1
    planes = (y * top, u * top, v * top) if full else ((16 + 219 * y) * step, 224 * u * step, 224 * v * step)
    kind = np.uint8 if bits == 8 else np.uint16
    shifted = (planes[0], *(p + 2 ** (bits - 1) for p in planes[1:]))
    return [np.rint(np.clip(p, 0, top)).astype(kind) for p in shifted]


def to_rgb(planes: list[np.ndarray], matrix: int, full: bool = False, bits: int = 8) -> np.ndarray:
    """The inverse: float (H, W, 3), 0..1, colours repeated."""
    kr, kb = WEIGHTS[matrix]
    step, top, middle = 2.0 ** (bits - 8), 2**bits - 1, 2 ** (bits - 1)
    y, u, v = (p.astype(float) for p in planes)
    u, v = (np.repeat(np.repeat(p - middle, 2, 0), 2, 1)[: y.shape[0], : y.shape[1]] for p in (u, v))
    y, u, v = (y / top, u / top, v / top) if full else ((y / step - 16) / 219, u / step / 224, v / step / 224)
    r, b = y + (2 - 2 * kr) * v, y + (2 - 2 * kb) * u
    return np.stack([r, (y - kr * r - kb * b) / (1 - kr - kb), b], -1)


def frame_of(planes: list[np.ndarray], pixel_format: str) -> "av.VideoFrame":
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pixel_format)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((values.shape[0], plane.line_size // values.itemsize), values.dtype)
        rows[:, : values.shape[1]] = values
        plane.update(rows.tobytes())
    return frame


def planes_of(frame: "av.VideoFrame") -> list[np.ndarray]:
    kind = np.uint16 if "10" in frame.format.name else np.uint8
    return [
        np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind().itemsize)[: plane.height, : plane.width]
        for plane in frame.planes
    ]


def write_clip(
    path: Path,
    frames: Iterable[list[np.ndarray]],
    *,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    tags: tuple[int, int, int, int] = (2, 0, 2, 2),
    aspect: Fraction | None = None,
    rotation: int = 0,
    sounds: Iterable[str] = (),
    metadata: dict[str, str] | None = None,
    timecode: str | None = None,
) -> Path:
    """frames: planes, of 8 or 10 bits; tags: matrix, range, primaries, transfer; sounds: codecs, a track each."""
    frames = list(frames)
    height, width = frames[0][0].shape
    with av.open(str(path), "w") as out:
        out.metadata.update(metadata or {})
        video = out.add_stream(codec, rate=RATE, options=options or {"crf": "4"})
        context = video.codec_context
        context.width, context.height = width, height
        context.pix_fmt = "yuv420p" if frames[0][0].itemsize == 1 else "yuv420p10le"
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = tags
        if aspect is not None:
            context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        if timecode:
            video.metadata["timecode"] = timecode
        tracks = [out.add_stream(name, rate=22_050, layout="mono") for name in sounds]
        for i, planes in enumerate(frames):
            frame = frame_of(planes, context.pix_fmt)
            frame.pts = i
            frame.time_base = Fraction(1, RATE)
            out.mux(video.encode(frame))
        for packet in video.encode(None):
            if len(frames) < 3:  # of so few, x265 gives times from memory that it never set
                packet.dts = packet.pts
            out.mux(packet)
        for track in tracks:
            for part in _tone(track, len(frames) / RATE):
                out.mux(track.encode(part))
            out.mux(track.encode(None))
    return path


def _tone(track, seconds: float) -> Iterable["av.AudioFrame"]:
    samples = (9000 * np.sin(np.arange(int(22_050 * seconds)) * 2 * np.pi * 440 / 22_050)).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = 22_050, 0, Fraction(1, 22_050)
    track.codec_context.open(strict=False)
    size = track.codec_context.frame_size or None
    resampler = av.AudioResampler(track.codec_context.format, "mono", 22_050, frame_size=size)
    return [*resampler.resample(frame), *(resampler.resample(None) if size is None else [])]


def unknown(path: Path, fourcc: bytes) -> Path:
    """A track of a QuickTime file under a name that nothing decodes."""
    data = path.read_bytes()
    assert fourcc in data
    path.write_bytes(data.replace(fourcc, b"zZzZ"))
    return path


def tags_of(path: Path) -> tuple[int, int, int, int]:
    with av.open(str(path)) as file:
        c = file.streams.video[0].codec_context
        return c.colorspace, c.color_range, c.color_primaries, c.color_trc


def decoded(path: Path) -> list["av.VideoFrame"]:
    with av.open(str(path)) as file:
        return list(file.decode(video=0))


def sounds_of(path: Path) -> list[tuple[str, bytes]]:
    """Codec and bytes of each track of sound that is known."""
    with av.open(str(path)) as file:
        known = [s for s in file.streams.audio if s.codec_context is not None]
        found = {s.index: [] for s in known}
        for packet in file.demux(known) if known else ():
            found[packet.stream.index].append(bytes(packet))
        return [(s.codec_context.name, b"".join(found[s.index])) for s in known]


def grey(width: int = 64, height: int = 48, count: int = 3) -> list[list[np.ndarray]]:
    """Frames of a ramp, each a little lighter."""
    ramp = np.linspace(0.2, 0.6, width)[None, :, None] * np.ones((height, 1, 3))
    return [to_yuv(ramp + 0.05 * i, 5) for i in range(count)]
