"""Photos with faces in them: which files are photos, the detector, the batch, what is said at the end."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from .._version import __version__
from ..errors import FacepriorError, one_line
from ..files import remove_unfinished
from ..photo.batch import Job, Outcome, Summary, upscale_photos
from ..photo.canvas import packaged_canvas
from ..photo.detect import make_detector
from ..photo.options import PhotoOptions
from ..photo.write import KEPT
from ..runtime.canvas import CanvasNetwork
from ..runtime.upscaler import Upscaler
from .inputs import unique_stems
from .progress import counting


def one_file(out: Path, count: int) -> Path | None:
    """`out` where it names the file of one photo (result.jpg), None where it names a folder."""
    if out.suffix.lower() not in KEPT or out.is_dir():
        return None
    if count != 1:
        raise FacepriorError(f"{out}: names one file, and there are {count} photos; -o names a folder")
    return out


@contextmanager
def stopping(workers: int, resumable: bool) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run at once: photos that other threads are at are left, and nothing of them stays."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        code = 130
        if isinstance(stop, KeyboardInterrupt):
            more = "; --resume goes on" if resumable else ""
            print(f"faceprior: stopped{more}", file=sys.stderr, flush=True)
        else:
            code = stop.code if isinstance(stop.code, int) else 1
        if workers > 1:  # Python would wait for the threads
            remove_unfinished()
            sys.stdout.flush()
            os._exit(code)
        sys.exit(code)


def numbers(text: str | None) -> tuple[int, ...] | None:
    """ "1,3" -> (1, 3)."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise FacepriorError(f"--faces {text}: expected numbers from 1, as in 1,3") from None


def jobs_for(files: Sequence[Path], inputs: Iterable[str], reserved: Iterable[str] = ()) -> list[Job]:
    """A job for each file: a folder that was searched keeps its tree, and no two photos share a name. Nor does a photo
    with a folder of results: the faces of party.jpg would be among those of the photos in party/."""
    roots = [Path(text) for text in inputs if Path(text).is_dir()]
    below: dict[Path, list[Path]] = {}
    for file in files:
        root = next((root for root in roots if file.is_relative_to(root)), file.parent)
        below.setdefault(file.parent.relative_to(root), []).append(file)
    folders: dict[Path, set[str]] = {}
    for folder in below:
        for path in (folder, *folder.parents):
            if path.name:
                folders.setdefault(path.parent, set()).add(path.name)
    found = {}
    for folder, members in below.items():
        taken = {*folders.get(folder, ()), *(reserved if folder == Path() else ())}
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
    target: Path | None = None,
    protected: Sequence[Path] = (),
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
) -> Summary:
    """Runs the batch under a progress bar and prints what a user should know of each photo.

    target: the file of the one photo, instead of a folder; protected: files besides the photos that no result may
    replace.
    """
    if target is None and out.exists() and not out.is_dir():
        raise FacepriorError(f"{out}: is a file; -o names a folder, or a file for one photo: result.jpg")
    if target is not None and resume:
        raise FacepriorError(f"--resume: goes by the folder of an earlier run, and {target} is one file")
    finder = None
    if boxes is None:
        finder = make_detector(
            detector, weights=weights, any_turn=any_turn, threads=threads, offline=offline, warn=_warn
        )
    about = {"faceprior": __version__, "model": asdict(upscaler.info)}
    with stopping(workers, target is None), counting("Photos", len(jobs)) as advance:

        def on_done(outcome: Outcome) -> None:
            advance(outcome.unseen)
            for note in outcome.notes:
                print(one_line(f"note: {outcome.photo}: {note}"), file=sys.stderr)
            if outcome.status == "failed":
                print(one_line(f"failed: {outcome.reason}"), file=sys.stderr)
            elif outcome.doubtful:
                print(one_line(f"doubtful: {outcome.photo}: {outcome.reason}"), file=sys.stderr)

        return upscale_photos(
            jobs, out, upscaler, finder, options, boxes=boxes, about=about, workers=workers, resume=resume,
            overwrite=overwrite, sheet=sheet, target=target, on_done=on_done, protected=protected, canvas=canvas,
            on_part=advance,
        )  # fmt: skip


def _warn(text: str) -> None:
    print(one_line(f"warning: {text}"), file=sys.stderr)
