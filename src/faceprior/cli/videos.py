"""Videos given to `faceprior upscale`."""

import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from .._version import __version__
from ..errors import FacepriorError, one_line
from ..photo.canvas import packaged_canvas
from ..photo.options import PhotoOptions
from ..photo.pipeline import Detector
from ..runtime.canvas import CanvasNetwork
from ..runtime.upscaler import Upscaler
from .inputs import unique_stems
from .progress import counting

# A file with such an ending is a video. (GIF and WebP are pictures, of which the first is taken.)
SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".3gp", ".wmv"}
)


def is_video(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def chosen(files: Iterable[Path]) -> list[Path]:
    """The videos among them. Without PyAV that is said before hours of photos, not after."""
    videos = [file for file in files if is_video(file)]
    if videos and find_spec("av") is None:
        raise FacepriorError(f"{videos[0]}: videos need PyAV: pip install 'faceprior[video]'")
    return videos


def restore_videos(
    files: Sequence[Path],
    out: Path,
    upscaler: Upscaler,
    detector: Detector,
    options: PhotoOptions,
    *,
    reserved: Iterable[str] = (),
    overwrite: bool,
    sheet: bool = True,
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
) -> list[tuple[str, str]]:
    """One after the other, a bar for each; what failed, with the reason. reserved: stems that others have."""
    from ..video.convert import VideoReport, upscale_video

    if out.exists() and not out.is_dir():
        raise FacepriorError(f"{out}: is a file; -o names a folder")
    about = {"faceprior": __version__, "model": asdict(upscaler.info)}

    def one(file: Path, stem: str) -> VideoReport:
        bar: list[Callable[[], None]] = []
        with ExitStack() as stack:
            return upscale_video(
                file, out, upscaler, detector, options, stem=stem, overwrite=overwrite, sheet=sheet, about=about,
                on_start=lambda total: bar.append(stack.enter_context(counting(file.name, total))),
                on_frame=lambda: bar[0](), canvas=canvas,
                say=lambda text: print(one_line(f"note: {file}: {text}"), file=sys.stderr),
            )  # fmt: skip

    failed = []
    for file, stem in zip(files, unique_stems(files, reserved), strict=True):
        try:
            report = one(file, stem)
        except Exception as error:  # a defect of one clip must not cost the user the next
            reason = _reason(file, error)
            print(one_line(f"failed: {reason}"), file=sys.stderr)
            failed.append((str(file), reason))
            continue
        for note in report.notes:
            print(one_line(f"note: {file}: {note}"), file=sys.stderr)
        faces = f"{len(report.faces)} face{'' if len(report.faces) == 1 else 's'}"
        who = f" (numbered in {report.sheet.name})" if report.sheet else ""
        frames = f"{report.frames} frame{'' if report.frames == 1 else 's'}"
        print(one_line(f"{frames}, {faces} -> {report.target}{who}"))
    return failed


def _reason(file: Path, error: Exception) -> str:
    if isinstance(error, FacepriorError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{file}: not enough memory (a smaller --scale needs less)"
    if isinstance(error, OSError) and type(error).__module__ == "builtins":
        return f"{file}: {error.strerror or error}"
    return f"{file}: internal error ({type(error).__name__}: {error})"
