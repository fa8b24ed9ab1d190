"""Photos with faces in them: which files are photos, the detector, the batch, what is said at the end."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from .._version import __version__
from ..errors import FacepriorError, one_line
from ..photo.batch import Job, Outcome, Summary, upscale_photos
from ..photo.canvas import packaged_canvas
from ..photo.cropped import LARGEST
from ..photo.decode import longest_side
from ..photo.detect import make_detector
from ..photo.options import PhotoOptions
from ..runtime.canvas import CanvasNetwork
from ..runtime.upscaler import Upscaler
from .inputs import unique_stems
from .progress import counting


def is_photo(file: Path) -> bool:
    """Whether an image is larger than a cropped face. Only its header is read; what is no image is no photo."""
    return (longest_side(file) or 0) > LARGEST


def numbers(text: str | None) -> tuple[int, ...] | None:
    """ "1,3" -> (1, 3)."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise FacepriorError(f"--faces {text}: expected numbers from 1, as in 1,3") from None


def jobs_for(files: Sequence[Path], inputs: Iterable[str], reserved: Iterable[str] = ()) -> list[Job]:
    """A job for each file: a folder that was searched keeps its tree, and no two photos share a name."""
    roots = [Path(text) for text in inputs if Path(text).is_dir()]
    below: dict[Path, list[Path]] = {}
    for file in files:
        root = next((root for root in roots if file.is_relative_to(root)), file.parent)
        below.setdefault(file.parent.relative_to(root), []).append(file)
    found = {}
    for folder, members in below.items():
        taken = reserved if folder == Path() else ()
        for file, stem in zip(members, unique_stems(members, taken, ".sheet"), strict=True):
            found[file] = Job(file, folder, stem)
    return [found[file] for file in files]


def restore_photos(
    jobs: Sequence[Job],
    out: Path,
    upscaler: Upscaler,
    options: PhotoOptions,
    *,
    boxes: Path | None,
    detector: str,
    weights: Path | None,
    offline: bool,
    any_turn: bool,
    threads: int | None,
    workers: int,
    resume: bool,
    overwrite: bool,
    sheet: bool,
    protected: Sequence[Path] = (),
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
) -> Summary:
    """Runs the batch under a progress bar and prints what a user should know of each photo.

    protected: files besides the photos that no result may replace.
    """
    if out.exists() and not out.is_dir():
        raise FacepriorError(f"{out}: is a file; -o names a folder")
    finder = None
    if boxes is None:
        finder = make_detector(
            detector, weights=weights, any_turn=any_turn, threads=threads, offline=offline, warn=_warn
        )
    about = {"faceprior": __version__, "model": asdict(upscaler.info)}
    with counting("Photos", len(jobs)) as advance:

        def on_done(outcome: Outcome) -> None:
            advance(outcome.unseen)
            for note in outcome.notes:
                print(one_line(f"note: {outcome.photo}: {note}"), file=sys.stderr)
            if outcome.status == "failed":
                print(one_line(f"failed: {outcome.reason}"), file=sys.stderr)

        return upscale_photos(
            jobs, out, upscaler, finder, options, boxes=boxes, about=about, workers=workers, resume=resume,
            overwrite=overwrite, sheet=sheet, on_done=on_done, protected=protected, canvas=canvas, on_part=advance,
        )  # fmt: skip


def _warn(text: str) -> None:
    print(one_line(f"warning: {text}"), file=sys.stderr)
