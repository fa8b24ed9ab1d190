"""A video file -> the same with its faces restored. Memory: the frames between two looks of the detector."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..files import write_atomically
from ..photo.boxes import Detection
from ..photo.canvas import FacePainter, FramePainter, packaged_canvas, readable
from ..photo.enlarge import fitting_scale
from ..photo.options import PhotoOptions
from ..photo.pipeline import Detector, Network
from ..runtime.canvas import CanvasNetwork
from .canvas import FrameCanvas, Raster
from .cast import MAX_SHOWN, Cast, describe
from .colour import Colour
from .motion import Camera, Cuts
from .read import Video, VideoFrame
from .restore import FrameRestorer
from .sheet import cast_sheet
from .track import Tracker, between
from .tracks import Plan, plan
from .write import FRAME_PIXELS, VideoWriter, result_colour

EVERY = 5  # frames from one look of the detector to the next


@dataclass
class VideoReport:
    """faces: in how many frames each number was restored; sheet: where each is shown with its number, if anywhere;
    notes: what the user should know."""

    target: Path
    frames: int = 0
    scale: int = 1
    faces: dict[int, int] = field(default_factory=dict)
    sheet: Path | None = None
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
    sheet: bool = True,
    about: dict[str, Any] | None = None,
    on_start: Callable[[int], None] | None = None,
    on_frame: Callable[[], None] | None = None,
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
    say: Callable[[str], None] | None = None,
) -> VideoReport:
    """`folder`/stem.mp4 (or .mov, .mkv), stem.json and stem.sheet.png.

    on_start: gets the number of frames, as the file says it; canvas: gives the network that enlarges frames, where the
    options ask for it; say: is told what a user should know before that long work
    """
    if options.scale != int(options.scale):
        raise FacepriorError(f"{path}: --scale {options.scale:g}: clips are enlarged by whole numbers")
    stem = stem or path.stem
    with Video(path) as video:
        coded, doubt = result_colour(video)
        where = plan(folder, stem, path, video.tracks)
        table, picture = folder / f"{stem}.json", folder / f"{stem}.sheet.png"
        if where.target.resolve() == path.resolve():
            raise FacepriorError(f"{path}: would be overwritten; choose another folder with -o")
        files = [where.target, table, *([picture] if sheet else [])]
        if not overwrite and (existing := [p for p in files if p.exists()]):
            raise FacepriorError(f"{existing[0]}: exists; --overwrite replaces")
        folder.mkdir(parents=True, exist_ok=True)
        if on_start is not None:
            on_start(video.frames)
        report = VideoReport(where.target)
        watch = Watch(on_frame or (lambda: None), canvas, say or report.notes.append)
        cast = _convert(video, where, coded, report, network, detector, options, every, watch)
        report.notes = [*video.notes, *where.notes, *doubt, *report.notes]
    members = [cast.members[n] for n in sorted(cast.members)]
    drawn = cast_sheet(members) if sheet else None
    if drawn is not None:
        write_atomically(picture, lambda file: drawn.save(file, "PNG"))
        report.sheet = picture
        if len(members) > MAX_SHOWN:
            report.notes.append(f"the sheet shows the first {MAX_SHOWN} of {len(members)} faces")
    data = {
        "format": 1, "video": path.name, "scale": report.scale, "frames": report.frames, **(about or {}),
        "files": {"video": where.target.name, **({"sheet": picture.name} if drawn is not None else {})},
        "notes": report.notes, "faces": [describe(member) for member in members],
    }  # fmt: skip
    text = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
    encoded = text.encode("utf-8", "backslashreplace")  # a name may hold bytes that are no text
    write_atomically(table, lambda file: file.write(encoded))
    return report


@dataclass(frozen=True)
class Watch:
    """Who is told of a conversion, and who enlarges its frames: see `upscale_video`."""

    on_frame: Callable[[], None]
    canvas: Callable[[], CanvasNetwork | None]
    say: Callable[[str], None]


def _painter(
    first: VideoFrame, video: Video, scale: int, options: PhotoOptions, watch: Watch
) -> FramePainter | FacePainter | None:
    """The canvas network for what is around the faces; where that is asked for, for whole frames, and how long they
    take is said first: never of itself, for a minute of video has 1,500 frames. None: Lanczos."""
    if options.canvas == "lanczos" or scale == 1:
        return None
    found = watch.canvas()
    if found is None:
        if options.canvas == "auto":
            return None
        raise FacepriorError(f"--canvas {options.canvas}: no canvas is packaged with this build of faceprior")
    if options.canvas == "network" and not video.raster.plain:
        watch.say(
            "enlarged by Lanczos, but for the faces and what is around them: the canvas network takes whole frames "
            "of 8 bits and square pixels"
        )
    if options.canvas != "network" or not video.raster.plain:
        return FacePainter(video.raster.seen(first.pixels), scale, found, video.quality)
    keep = options.keep_sharpening or options.consistent
    painter = FramePainter(first.pixels, scale, found, video.quality, keep_sharpening=keep)
    whole = f", {readable(painter.seconds * video.frames)} for all {video.frames}" if video.frames else ""
    watch.say(f"the canvas network takes about {painter.seconds:.1f} s a frame{whole}; --canvas lanczos is fast")
    return painter


def _convert(
    video: Video, where: Plan, coded: Colour, report: VideoReport, network: Network, detector: Detector,
    options: PhotoOptions, every: int, watch: Watch,
) -> Cast:  # fmt: skip
    tracker, camera, cast = Tracker(), Camera(), Cast()

    def look(frame: VideoFrame) -> dict[int, Detection]:
        seen = video.raster.seen(frame.pixels)
        return tracker.look(detector(seen), video.seconds(frame.pts), camera(seen))

    others: list[Any] = []
    frames = video.read(others.append)
    first = next(frames, None)
    if first is None:
        raise FacepriorError(f"{video.path}: holds no frame that can be read")
    height, width = first.pixels.shape[:2]
    report.scale = int(fitting_scale(width, height, options.scale, min(options.max_pixels, FRAME_PIXELS)))
    if report.scale < options.scale:
        report.notes.append(f"enlarged {report.scale} times, not {options.scale}: few players show larger frames")
    painter = _painter(first, video, report.scale, options, watch)
    restorer = FrameRestorer(network, options, report.scale, painter, quality=video.quality)
    with VideoWriter(where, video, width * report.scale, height * report.scale, coded) as writer:
        faces, found = look(first), tracker.found()
        cuts = Cuts()
        for chunk, ahead, cut in chunks(chain([first], frames), every, lambda frame: cuts(frame.pixels)):
            # Where a face is between two looks is known once the second was taken.
            end = chunk[-1] if cut or ahead is None else ahead
            leaving = tracker.leaving()
            after = look(end)
            for frame in chunk:
                part = (frame.pts - chunk[0].pts) / max(1, end.pts - chunk[0].pts)
                here = {n: between(face, after.get(n, face), part) for n, face in faces.items()}
                seconds, seen = video.seconds(frame.pts), video.raster.seen(frame.pixels)
                writer.frame(_restored(restorer, video.raster, frame, seen, seconds, here, leaving), frame.pts)
                looked = found if frame is chunk[0] else frozenset()
                cast.see(seen, report.frames, seconds, here, looked, restorer.faces)
                report.frames += 1
                watch.on_frame()
            for packet in others:
                writer.other(packet)
            others.clear()
            if cut:  # nobody who was here is there
                tracker.forget()
                restorer.new_scene()
                after = look(ahead)
            faces, found = after, tracker.found()
        for packet in others:
            writer.other(packet)
    cast.close(restorer.faces, options, options.most(*restorer.seen_as))
    report.faces = {n: member.restored for n, member in sorted(cast.members.items()) if member.restored}
    report.notes += _left(cast, report, options)
    return cast


def _restored(
    restorer: FrameRestorer, raster: Raster, frame: VideoFrame, seen: np.ndarray, seconds: float,
    here: dict[int, Detection], leaving: frozenset[int],
) -> Image.Image | np.ndarray:  # fmt: skip
    """The enlarged frame as it is stored: RGB, or uint8 or uint16 (H, W, 3)."""
    if raster.plain:
        return restorer(seen, seconds, here, leaving)
    canvas = FrameCanvas(frame.pixels, raster, restorer.scale)
    restorer(seen, seconds, here, leaving, canvas=canvas, exact=raster.exact(frame.pixels))
    return canvas.pixels


def _left(cast: Cast, report: VideoReport, options: PhotoOptions) -> list[str]:
    """What a user should know of the faces that stayed as they were."""
    notes = [] if report.faces else ["no face restored"]
    large = [m for m in cast.members.values() if m.reason and m.reason.startswith("too large")]
    if large:
        many = f"{len(large)} face{'' if len(large) == 1 else 's'}"
        top = max(m.detail for m in large)
        how = f"--max-size {math.ceil(top)} takes them"
        notes.append(f"left as they were: {many} of more than {options.max_size:g} px of detail ({how})")
    absent = [n for n in options.faces or () if n not in cast.members]
    if absent:
        notes.append(f"there is no face {', '.join(map(str, absent))}: {len(cast.members)} followed")
    return notes


def chunks(
    frames: Iterable[VideoFrame], size: int, begins: Callable[[VideoFrame], bool] = lambda frame: False
) -> Iterator[tuple[list[VideoFrame], VideoFrame | None, bool]]:
    """`size` frames at a time, fewer before a cut, each time with the one after them (None at the end), and whether a
    scene begins with that. begins: is asked that of each frame."""
    waiting: list[VideoFrame] = []
    for frame in frames:
        cut = begins(frame)
        if waiting and (cut or len(waiting) == size):
            yield waiting, frame, cut
            waiting = []
        waiting.append(frame)
    if waiting:
        yield waiting, None, False
