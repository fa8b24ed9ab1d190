"""Many photos: in parallel, resumable; one bad file never stops the rest."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import FacepriorError
from ..runtime.canvas import CanvasNetwork
from .boxes import read_boxes
from .canvas import packaged_canvas
from .decode import read_image
from .options import PhotoOptions
from .pipeline import Detector, Network, upscale_photo
from .write import write_photo


@dataclass(frozen=True)
class Job:
    """A photo, the folder under the output that takes its files, and what they are called."""

    photo: Path
    folder: Path
    stem: str


@dataclass
class Outcome:
    """What became of one photo: "done", "skipped" (it was done before) or "failed", with the reason."""

    photo: Path
    status: str
    reason: str | None = None
    restored: int = 0
    left: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
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
        """One line: 3 photos done, 1 skipped, 0 failed; 42 faces restored, 5 left (too large: 5)."""
        restored = sum(outcome.restored for outcome in self.outcomes)
        left = sum((outcome.left for outcome in self.outcomes), Counter())
        reasons = f" ({', '.join(f'{why}: {n}' for why, n in left.most_common())})" if left else ""
        done = self.count("done")
        return (
            f"{done} photo{'' if done == 1 else 's'} done, {self.count('skipped')} skipped, "
            f"{len(self.failed)} failed; {restored} face{'' if restored == 1 else 's'} restored, "
            f"{left.total()} left{reasons}"
        )


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
    protected: Iterable[Path] = (),
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas,
    on_part: Callable[[float], None] | None = None,
    on_done: Callable[[Outcome], None] | None = None,
) -> Summary:
    """Every job -> its files under `out`, see `write_photo`.

    detector: may be None where `boxes` is given (`read_boxes`); about: model and version for the JSON;
    workers: photos at a time, each with its own memory; resume: skip photos whose JSON says that the same file
    was done with the same settings; overwrite: replace results of an earlier run (an input, never);
    protected: files besides the photos that no result may replace; canvas: as of `upscale_photo`;
    on_part: called with each part of a photo that is done, which its outcome's `unseen` completes to 1;
    on_done: called after each photo, one at a time.
    """
    settings = {**asdict(options), "detector": getattr(detector, "name", "boxes"), **(about or {})}
    settings = json.loads(json.dumps(settings))  # as it reads back: tuples are lists
    inputs = {path.resolve() for path in (*(job.photo for job in jobs), *protected)}
    summary = Summary()

    def one(job: Job) -> Outcome:
        folder = out / job.folder
        try:
            stat = job.photo.stat()
            source = {"bytes": stat.st_size, "modified_ns": stat.st_mtime_ns}
            if resume and _done(folder / f"{job.stem}.json", source, settings):
                return Outcome(job.photo, "skipped")
            check_targets(job, folder, inputs, overwrite or resume)
            picture = read_image(job.photo)
            faces = read_boxes(boxes, job.photo) if boxes is not None else detector
            if faces is None:
                raise FacepriorError(f"{job.photo}: neither a detector nor boxes")
            seen = _Seen(on_part)
            result = upscale_photo(picture, network, faces, options, canvas=canvas, progress=seen)
            if options.faces_only and not result.faces:
                return Outcome(job.photo, "done", None, 0, Counter(), ["no face found, so nothing was written"])
            extra = {**(about or {}), "source": source, "settings": settings}
            write_photo(result, folder, job.photo.name, stem=job.stem, about=extra, faces=write_faces, sheet=sheet)
        except FacepriorError as error:
            return Outcome(job.photo, "failed", str(error))
        except OSError as error:
            return Outcome(job.photo, "failed", f"{job.photo}: {error.strerror or error}")
        except MemoryError:
            return Outcome(job.photo, "failed", f"{job.photo}: not enough memory (a smaller --scale needs less)")
        except Exception as error:  # a defect in one photo must not cost the user the other thousand
            return Outcome(job.photo, "failed", f"{job.photo}: internal error ({type(error).__name__}: {error})")
        left = Counter((face.reason or "left").split(":")[0] for face in result.faces if not face.restored)
        return Outcome(job.photo, "done", None, len(result.restored), left, result.notes, 1 - seen.part)

    for outcome in _parallel(one, jobs, workers):
        summary.outcomes.append(outcome)
        if on_done is not None:
            on_done(outcome)
    return summary


def check_targets(job: Job, folder: Path, inputs: set[Path], overwrite: bool) -> None:
    """FacepriorError where a file of this job would replace an input, or an earlier result unasked."""
    endings = {job.photo.suffix, ".png", ".sheet.png", ".json"}
    existing = [path for ending in sorted(endings) if (path := folder / f"{job.stem}{ending}").exists()]
    faces = folder / job.stem  # which faces it will get is not known yet: anything in there counts
    existing += sorted(path for path in faces.iterdir() if path.is_file()) if faces.is_dir() else []
    for path in existing:
        if path.resolve() in inputs:
            raise FacepriorError(f"{path}: is an input and would be overwritten; choose another folder with -o")
    if existing and not overwrite:
        raise FacepriorError(f"{existing[0]}: exists; --overwrite replaces, --resume skips what is done")


def _parallel(work: Callable[[Job], Outcome], jobs: Iterable[Job], workers: int) -> Iterator[Outcome]:
    """Results as they come; no more than `workers` under way, so that Ctrl-C waits for few."""
    if workers <= 1:
        yield from map(work, jobs)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[Outcome]] = set()
        try:
            for job in jobs:
                waiting.add(pool.submit(work, job))
                if len(waiting) >= workers:
                    ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in ended)
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        finally:
            pool.shutdown(cancel_futures=True)


def _done(path: Path, source: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether a JSON (written last) says that this very file was done with these settings."""
    try:
        data = json.loads(path.read_text("utf-8"))
        files = [path.parent / name for name in data["files"].values()]
        return data["source"] == source and data["settings"] == settings and all(f.is_file() for f in files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
