"""A worker: holds one network and one detector, takes chunks of images, writes their results."""

import hashlib
import io
import json
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import FacepriorError, one_line
from ..photo.cropped import HEATMAPS, describe
from ..photo.cutface import CutFace, Given, restore_cut
from ..photo.decode import DecodedImage, read_bytes
from ..photo.pipeline import upscale_photo
from ..photo.said import left_faces
from ..photo.write import write_photo
from ..runtime.pictures import overlay
from .attempts import MOST, Attempts
from .listing import STATE, Chunk
from .names import marks
from .places import reason
from .plan import Plan

TABLE = f"{STATE}/faces"  # lines of JSON, a file a chunk

File = tuple[str, str, int, int]  # name, stem, bytes, ns


@dataclass
class Outcome:
    """What became of a chunk. failed: (file, reason); restored, left: faces of photos; doubtful: cut faces."""

    done: int = 0
    skipped: int = 0
    restored: int = 0
    doubtful: int = 0
    left: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, str]] = field(default_factory=list)


class Restorer:
    """Ray keeps one in each worker. It is also what a worker does without Ray: `restore(chunk)`."""

    def __init__(self, plan: Plan):
        self.plan = plan
        plan.allow_pixels()
        self.upscaler = plan.upscaler()
        self.attempts = Attempts(plan.out)
        self.pool = ThreadPoolExecutor(plan.readers)
        self._detector = None

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, list[str]]:
        """Rows of {"chunk": JSON} -> rows of {"outcome": JSON}."""
        return {"outcome": [self._one(str(text)) for text in batch["chunk"]]}

    def _one(self, text: str) -> str:
        chunk = Chunk.from_dict(json.loads(text))
        return json.dumps(asdict(self.restore(chunk)))

    def restore(self, chunk: Chunk) -> Outcome:
        shown = [(chunk.place.shown(chunk.source(name)), why) for name, why in chunk.failed]
        outcome = Outcome(skipped=chunk.skipped, failed=shown)
        files = chunk.files
        names = [chunk.target(name) for name, *_ in files]
        try:
            before = self.attempts.begin(*names) if files else 0
            if before:
                files = self._still_to_do(chunk, outcome)
        except Exception as error:  # the output is out of reach, most likely
            why = f"{self.plan.out.shown()}: {reason(error)}"
            outcome.failed += [(chunk.place.shown(chunk.source(file[0])), why) for file in chunk.files]
            outcome.done = 0
            return outcome
        if before:  # a worker died here, or Ray lost what it said
            for file in files:
                self._alone(chunk, file, outcome)
        else:
            self._work(chunk, files, outcome)
        return outcome

    def _still_to_do(self, chunk: Chunk, outcome: Outcome) -> list[File]:
        """Ray gives a chunk again when a worker dies: what that one had written is left alone.

        Asked for no other chunk: what was there before the run was not listed, and a store bills every question.
        """
        wanted = [[chunk.target(mark) for mark in marks(name, stem, self.plan.kind)] for name, stem, *_ in chunk.files]
        flat = self.plan.out.stat([name for names in wanted for name in names])
        found, files = iter(flat), []
        for file, names in zip(chunk.files, wanted, strict=True):
            entries = [next(found) for _ in names]
            if any(entry is not None and entry.modified >= self.plan.since for entry in entries):
                outcome.done += 1  # in this run, or it would not have been listed
            else:
                files.append(file)
        return files

    def _alone(self, chunk: Chunk, file: File, outcome: Outcome) -> None:
        name = chunk.target(file[0])
        try:
            deaths = self.attempts.begin(name, "alone")
        except Exception as error:
            why = f"{self.plan.out.shown()}: {reason(error)}"
            outcome.failed.append((chunk.place.shown(chunk.source(file[0])), why))
            return
        if deaths >= MOST:
            why = f"{MOST + 1} workers died while they were at it"
            outcome.failed.append((chunk.place.shown(chunk.source(file[0])), why))
            return  # its mark stays, should the rest of the chunk kill again
        self._work(chunk, [file], outcome)
        with suppress(Exception):
            self.attempts.end(name, "alone")

    def _work(self, chunk: Chunk, files: list[File], outcome: Outcome) -> None:
        work = _Work(self, chunk, outcome)
        for file, loaded in self._ahead(lambda file: self._load(chunk, file), files):
            work.take(file, loaded)
        work.close()

    def _load(self, chunk: Chunk, file: File) -> DecodedImage | FacepriorError:
        shown = chunk.place.shown(chunk.source(file[0]))
        try:
            return read_bytes(chunk.place.read(chunk.source(file[0])), shown)
        except FacepriorError as error:
            return error
        except FileNotFoundError:
            return FacepriorError(f"{shown}: no such file")
        except Exception as error:
            return FacepriorError(f"{shown}: {reason(error)}")

    def _ahead(self, load: Callable[[File], Any], files: Iterable[File]) -> Iterator[tuple[File, Any]]:
        """Files in their order, some being read while the one before is worked on."""
        waiting: deque[tuple[File, Future]] = deque()
        for file in files:
            waiting.append((file, self.pool.submit(load, file)))
            if len(waiting) > (2 if self.plan.kind == "photos" else self.plan.readers):
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()

    @property
    def detector(self):
        if self._detector is None:
            self._detector = self.plan.finder.load(self.plan.threads)
        return self._detector


class _Work:
    """Images of one chunk on their way: decoded, joined to batches, restored, encoded, written."""

    def __init__(self, worker: Restorer, chunk: Chunk, outcome: Outcome):
        self.worker, self.plan, self.chunk, self.outcome = worker, worker.plan, chunk, outcome
        self.batch: list[tuple[File, Given]] = []
        self.rows: list[dict[str, Any]] = []
        self.writing: list[tuple[File, Callable[[], None]]] = []  # with a table: after it
        self.written: list[tuple[File, Future]] = []

    def take(self, file: File, image: DecodedImage | FacepriorError) -> None:
        try:
            if isinstance(image, FacepriorError):
                raise image
            if self.plan.kind != "cropped":
                self._photo(file, image)
                return
            how = self.plan.options
            self.batch.append((file, Given.of(image, self.worker.upscaler, place=how.place, **how.keeps)))
        except Exception as error:  # a defect in one image must not cost the user the other millions
            self._fail(file, error)
        if len(self.batch) == self.worker.upscaler.batch:
            self._faces()

    def close(self) -> None:
        """Everything written, or in the outcome with the reason."""
        self._faces()
        if self.rows:
            # Before the images, which say that all is done: a row may come twice after a kill, never too few.
            key = hashlib.sha256("\n".join(row["input"] for row in self.rows).encode()).hexdigest()[:32]
            text = "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in self.rows)
            try:
                self.plan.out.write(f"{TABLE}/{key}.jsonl", text.encode("utf-8", "backslashreplace"))
            except Exception as error:
                for file, _ in self.writing:
                    self._fail(file, error)
                self.writing = []
        for file, write in self.writing:
            self.written.append((file, self.worker.pool.submit(write)))
        for file, future in self.written:
            try:
                future.result()
                self.outcome.done += 1
            except Exception as error:
                self._fail(file, error)

    def _fail(self, file: File, error: BaseException) -> None:
        shown = self.chunk.place.shown(self.chunk.source(file[0]))
        why = str(error).removeprefix(one_line(f"{shown}: ")) if isinstance(error, FacepriorError) else reason(error)
        if not isinstance(error, FacepriorError | OSError | MemoryError):
            why = f"internal error ({type(error).__name__}: {why})"
        self.outcome.failed.append((shown, why))

    # -- cropped faces

    def _faces(self) -> None:
        batch, self.batch = self.batch, []
        if not batch:
            return
        try:
            faces = restore_cut([given for _, given in batch])
        except Exception as error:
            for file, _ in batch:
                self._fail(file, error)
            return
        for (file, given), face in zip(batch, faces, strict=True):
            if not face.finite:
                self._fail(file, FacepriorError("the network gave numbers that are not finite"))
                continue
            name, stem, *_ = file
            target = self.chunk.target(stem)
            write = self._writer(target, given, face)
            if self.plan.table:
                shown = self.chunk.place.shown(self.chunk.source(name))
                row = describe(shown, target, given.note, face, overlays=self.plan.heatmaps)
                self.rows.append({**row, "model": self.plan.sha256})
                self.writing.append((file, write))
            else:
                self.written.append((file, self.worker.pool.submit(write)))
            self.outcome.doubtful += face.doubt is not None

    def _writer(self, target: str, given: Given, face: CutFace) -> Callable[[], None]:
        def write() -> None:
            if self.plan.heatmaps:
                self.plan.out.write(f"{target}{HEATMAPS}.png", _png(overlay(face.image, face.heatmaps)))
            stream = io.BytesIO()
            given.save(face.image, stream)
            self.plan.out.write(f"{target}.png", stream.getvalue())  # last: it says that the face is done

        return write

    # -- photos

    def _photo(self, file: File, image: DecodedImage) -> None:
        name, stem, size, modified = file
        plan = self.plan
        # Of millions of photos none is worth a minute that nobody asked for.
        options = replace(plan.options, canvas="faces") if plan.options.canvas == "auto" else plan.options
        result = upscale_photo(image, self.worker.upscaler, self.worker.detector, options)
        settings = {**asdict(plan.options), "detector": self.worker.detector.name, **plan.about}
        about = {**plan.about, "source": {"bytes": size, "modified_ns": modified}, "settings": settings}
        with tempfile.TemporaryDirectory(prefix="faceprior-") as folder:
            said = write_photo(result, Path(folder), name, stem=stem, about=about, sheet=plan.sheet)
            files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
            files.sort(key=lambda p: p.name == said["files"]["photo"] and p.parent == Path(folder))
            for path in files:  # the photo last: it says that all is done
                plan.out.write(self.chunk.target(path.relative_to(folder).as_posix()), path.read_bytes())
        self.outcome.done += 1
        self.outcome.restored += len(result.restored)
        self.outcome.left += Counter(face.kind for face in left_faces(result.faces))
        self.outcome.doubtful += any(face.status == "doubtful" for face in result.faces)


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
