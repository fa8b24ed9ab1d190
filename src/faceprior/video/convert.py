"""A video file -> the same with its faces restored. Memory: the frames between two looks of the detector."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import FacepriorError
from ..files import write_atomically
from ..photo.boxes import Detection
from ..photo.canvas import FramePainter, packaged_canvas, readable
from ..photo.enlarge import fitting_scale
from ..photo.options import PhotoOptions
from ..photo.pipeline import Detector, Network
from ..runtime.canvas import CanvasNetwork
from .read import Video, VideoFrame
from .restore import FrameRestorer
from .track import Tracker, between
from .write import FRAME_PIXELS, VideoWriter, video_target

EVERY = 5  # frames from one look of the detector to the next


@dataclass
class VideoReport:
    """faces: in how many frames each number was restored; notes: what the user should know."""

    target: Path
    frames: int = 0
    scale: int = 1
    faces: dict[int, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def upscale_video(
    path: Path,
    folder: Path,
    network: Network,
    detector: Detector,
    options: PhotoOptions = PhotoOptions(),
    *,
    stem: str | None = None,
    every: int = EVERY,
    overwrite: bool = False,
    about: dict[str, Any] | None = None,
    on_start: Callable[[int], None] | None = None,
    on_frame: Callable[[], None] | None = None,
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
    say: Callable[[str], None] | None = None,
) -> VideoReport:
    """`folder`/stem.mp4 (or .mov, .mkv) and stem.json. on_start: gets the number of frames, as the file says it.

    canvas: gives the network that enlarges frames, where the options ask for it; say: is told what a user should know
    before that long work
    """
    with Video(path) as video:
        target = video_target(folder, stem or path.stem, video)
        table = folder / f"{stem or path.stem}.json"
        if target.resolve() == path.resolve():
            raise FacepriorError(f"{path}: would be overwritten; choose another folder with -o")
        if not overwrite and (existing := [p for p in (target, table) if p.exists()]):
            raise FacepriorError(f"{existing[0]}: exists; --overwrite replaces")
        folder.mkdir(parents=True, exist_ok=True)
        if on_start is not None:
            on_start(video.frames)
        report = VideoReport(target)
        step = on_frame or (lambda: None)
        _convert(video, report, network, detector, options, every, step, canvas, say or report.notes.append)
    data = {
        "format": 1, "video": path.name, "scale": report.scale, "frames": report.frames, **(about or {}),
        "files": {"video": target.name}, "notes": report.notes,
        "faces": [{"number": n, "frames": count} for n, count in report.faces.items()],
    }  # fmt: skip
    write_atomically(table, lambda file: file.write(json.dumps(data, indent=1, ensure_ascii=False).encode()))
    return report


def _convert(
    video: Video, report: VideoReport, network: Network, detector: Detector, options: PhotoOptions, every: int,
    on_frame: Callable[[], None], canvas: Callable[[], CanvasNetwork | None], say: Callable[[str], None],
) -> None:  # fmt: skip
    tracker = Tracker()

    def look(frame: VideoFrame) -> dict[int, Detection]:
        return tracker.look(detector(frame.rgb), video.seconds(frame.pts))

    sounds: list[Any] = []
    frames = video.read(sounds.append)
    first = next(frames, None)
    if first is None:
        raise FacepriorError(f"{video.path}: holds no frame that can be read")
    height, width = first.rgb.shape[:2]
    report.scale = fitting_scale(width, height, options.scale, min(options.max_pixels, FRAME_PIXELS))
    if report.scale < options.scale:
        report.notes.append(f"enlarged {report.scale} times, not {options.scale}: few players show larger frames")
    painter = None
    if options.canvas == "network" and report.scale > 1:  # never of itself: a minute of video has 1,500 frames
        found = canvas()
        if found is None:
            raise FacepriorError("--canvas network: no canvas is packaged with this build of faceprior")
        painter = FramePainter(first.rgb, report.scale, found)
        whole = f", {readable(painter.seconds * video.frames)} for all {video.frames}" if video.frames else ""
        say(f"the canvas network takes about {painter.seconds:.1f} s a frame{whole}; --canvas lanczos is fast")
    restorer = FrameRestorer(network, options, report.scale, painter)
    with VideoWriter(report.target, video, width * report.scale, height * report.scale) as writer:
        faces = look(first)
        for chunk, ahead in chunks(chain([first], frames), every):
            # Where a face is between two looks is known once the second was taken.
            end = ahead or chunk[-1]
            leaving = tracker.leaving()
            after = look(end)
            for frame in chunk:
                part = (frame.pts - chunk[0].pts) / max(1, end.pts - chunk[0].pts)
                here = {n: between(face, after.get(n, face), part) for n, face in faces.items()}
                writer.frame(restorer(frame.rgb, video.seconds(frame.pts), here, leaving), frame.pts)
                report.frames += 1
                on_frame()
            for packet in sounds:
                writer.sound(packet)
            sounds.clear()
            faces = after
        for packet in sounds:
            writer.sound(packet)
    report.faces = {n: face.frames for n, face in sorted(restorer.faces.items()) if face.frames}
    if not report.faces:
        report.notes.append("no face restored")


def chunks(frames: Iterable[VideoFrame], size: int) -> Iterator[tuple[list[VideoFrame], VideoFrame | None]]:
    """`size` frames at a time, each time with the one after them, None at the end."""
    waiting: list[VideoFrame] = []
    for frame in frames:
        if len(waiting) == size:
            yield waiting, frame
            waiting = []
        waiting.append(frame)
    if waiting:
        yield waiting, None
