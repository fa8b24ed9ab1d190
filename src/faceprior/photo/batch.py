"""Many photos: in parallel, resumable; one bad file never stops the rest."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FacepriorError
from ..runtime.canvas import CanvasNetwork
from .boxes import boxes_of, read_boxes_file
from .canvas import PATIENCE, packaged_canvas
from .decode import read_image
from .options import PhotoOptions
from .pipeline import Detector, Network, upscale_photo
from .result import PhotoResult
from .said import Left, advice, left_faces
from .targets import Job, check_files, check_targets
from .write import KEPT, lost_in, photo_target, save_photo, write_photo


@dataclass
class Outcome:
    """What became of one photo: "done", "skipped" (it was done before) or "failed", with the reason.

    cropped: it was taken for a face that is cut out; doubtful: and restored with a doubt, which is the reason
    written: whether the enlarged photo was written; notes: what the user should know first
    """

    photo: Path
    status: str
    reason: str | None = None
    restored: int = 0
    left: list[Left] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cropped: bool = False
    doubtful: bool = False
    written: bool = True
    unseen: float = 1.0  # the part of it that `on_part` was not told


class _Seen:
    """A photo's tiles, as parts of a photo: they are most of its time where the canvas network paints it."""

    MOST = 0.9

    def __init__(self, told: Callable[[float], None] | None):
        self.part, self._told = 0.0, told

    def __call__(self, done: int, total: int) -> None:
        step = self.MOST / total
        self.part += step
        if self._told is not None:
            self._told(step)


@dataclass
class Summary:
    outcomes: list[Outcome] = field(default_factory=list)

    def count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def failed(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "failed"]

    @property
    def exit_status(self) -> int:
        """0 all went well, 1 some failed, 2 nothing could be done."""
        return min(len(self.failed), 1) + (0 < len(self.failed) == len(self.outcomes))

    def text(self) -> str:
        """One line: 3 photos done (1 taken for a cut face), 1 skipped, 0 failed; 42 faces restored, 5 left
        (too large: 5)."""
        restored = sum(outcome.restored for outcome in self.outcomes)
        left = Counter(face.kind for outcome in self.outcomes for face in outcome.left)
        reasons = f" ({', '.join(f'{why}: {n}' for why, n in left.most_common())})" if left else ""
        done = self.count("done")
        finished = [outcome for outcome in self.outcomes if outcome.status == "done"]
        cut = sum(outcome.cropped for outcome in finished)
        bare = sum(not outcome.written for outcome in finished)
        doubts = sum(outcome.doubtful for outcome in finished)
        parts = [f"{n} {what}" for n, what in ((cut, "taken for a cut face"), (bare, "not written")) if n]
        more = f" ({', '.join(parts)})" if parts else ""
        return (
            f"{done} photo{'' if done == 1 else 's'} done{more}, "
            f"{self.count('skipped')} skipped, {len(self.failed)} failed; "
            f"{restored} face{'' if restored == 1 else 's'} restored{f' ({doubts} doubtful)' if doubts else ''}, "
            f"{left.total()} left{reasons}"
        )

    def advice(self, options: PhotoOptions) -> list[str]:
        """What to do about the faces that were left."""
        return advice([face for outcome in self.outcomes for face in outcome.left], options)


def upscale_photos(
    jobs: Sequence[Job],
    out: Path,
    network: Network,
    detector: Detector | None,
    options: PhotoOptions = PhotoOptions(),
    *,
    boxes: Path | None = None,
    about: dict[str, Any] | None = None,
    workers: int = 1,
    resume: bool = False,
    overwrite: bool = False,
    write_faces: bool = True,
    sheet: bool = True,
    target: Path | None = None,
    protected: Iterable[Path] = (),
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
    on_part: Callable[[float], None] | None = None,
    on_done: Callable[[Outcome], None] | None = None,
) -> Summary:
    """Every job -> its files under `out`, see `write_photo`.

    detector: may be None where `boxes` is given (`read_boxes`); about: model and version for the JSON;
    workers: photos at a time, each with its own memory; resume: skip photos whose JSON says that the same file
    was done with the same settings; overwrite: replace results of an earlier run (an input, never);
    target: the one file that a single photo gives;
    protected: files besides the photos that no result may replace; canvas: as of `upscale_photo`;
    on_part: called with each part of a photo that is done, which its outcome's `unseen` completes to 1;
    on_done: called after each photo, one at a time.
    """
    settings = {**asdict(options), "detector": getattr(detector, "name", "boxes"), **(about or {})}
    settings = json.loads(json.dumps(settings))  # as it reads back: tuples are lists
    inputs = {path.resolve() for path in (*(job.photo for job in jobs), *protected)}
    summary = Summary()
    held = None if boxes is None else read_boxes_file(boxes)  # once: a pipe gives it once

    def one(job: Job) -> Outcome:
        folder = out / job.folder
        try:
            stat = job.photo.stat()
            source = {"bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}
            if target is None and resume and _done(folder / f"{job.stem}.json", source, settings):
                return Outcome(job.photo, "skipped")
            if target is None:
                check_targets(job, folder, inputs, overwrite or resume)
            else:
                check_files([target] if target.exists() else [], inputs, overwrite)
            picture = read_image(job.photo)
            faces = boxes_of(held, boxes, job.photo) if boxes is not None else detector
            if faces is None:
                raise FacepriorError(f"{job.photo}: neither a detector nor boxes")
            seen = _Seen(on_part)
            # Side by side each photo takes longer, and all of them together no longer.
            patience = PATIENCE * max(1, min(workers, len(jobs)))
            result = upscale_photo(
                picture, network, faces, options, canvas=canvas, progress=seen, patience=patience
            )
            extra = {**(about or {}), "source": source, "settings": settings}
            written = bool(result.restored) or not options.faces_only
            if target is not None or not (written or result.faces):
                notes = list(result.notes)
                if written:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    save_photo(result, target)
                    notes += lost_in(result, KEPT[target.suffix.lower()])
                return outcome_of(job.photo, result, notes, written, 1 - seen.part)
            if not written:  # nor left from an earlier run
                photo_target(result, folder, job.photo.name, job.stem)[0].unlink(missing_ok=True)
            said = write_photo(
                result, folder, job.photo.name, stem=job.stem, about=extra, faces=write_faces, sheet=sheet,
                photo=written,
            )  # fmt: skip
        except FacepriorError as error:
            return Outcome(job.photo, "failed", str(error))
        except OSError as error:
            place = error.filename if isinstance(error.filename, str | os.PathLike) else job.photo  # also of results
            return Outcome(job.photo, "failed", f"{place}: {error.strerror or error}")
        except MemoryError:
            return Outcome(job.photo, "failed", f"{job.photo}: not enough memory (a smaller --scale needs less)")
        except Exception as error:  # a defect in one photo must not cost the user the other thousand
            return Outcome(job.photo, "failed", f"{job.photo}: internal error ({type(error).__name__}: {error})")
        notes = [note for note in said["notes"] if note not in result.advice]  # that is said once for all photos
        return outcome_of(job.photo, result, notes, written, 1 - seen.part)

    for outcome in _parallel(one, jobs, workers):
        summary.outcomes.append(outcome)
        if on_done is not None:
            on_done(outcome)
    return summary


def outcome_of(photo: Path, result: PhotoResult, notes: list[str], written: bool, unseen: float) -> Outcome:
    """Of a photo that is done."""
    left = left_faces(result.faces)
    if not result.restored:  # said first
        count = f"all {len(left)} faces were left" if len(left) > 1 else "its face was left" if left else None
        end = [] if written else ["the photo was not written"] if left else ["nothing was written"]
        notes = ["; ".join(["nothing was restored", *([count] if count else []), *notes, *end])]
    doubts = [face.reason for face in result.faces if face.status == "doubtful"]
    cropped = result.kind == "cropped"
    doubt = doubts[0] if doubts else None
    return Outcome(photo, "done", doubt, len(result.restored), left, notes, cropped, bool(doubts), written, unseen)


def _parallel(work: Callable[[Job], Outcome], jobs: Iterable[Job], workers: int) -> Iterator[Outcome]:
    """Results as they come; no more than `workers` under way."""
    if workers <= 1:
        yield from map(work, jobs)
        return
    pool = ThreadPoolExecutor(workers)
    waiting: set[Future[Outcome]] = set()
    stopped = True
    try:
        for job in jobs:
            waiting.add(pool.submit(work, job))
            if len(waiting) >= workers:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        while waiting:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in ended)
        stopped = False
    finally:
        pool.shutdown(wait=not stopped, cancel_futures=True)  # whoever presses Ctrl-C waits for nobody


def _done(path: Path, source: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether a JSON (written last) says that this very file was done with these settings."""
    try:
        data = json.loads(path.read_text("utf-8"))
        files = [path.parent / name for name in data["files"].values()]
        return data["source"] == source and data["settings"] == settings and all(f.is_file() for f in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False
