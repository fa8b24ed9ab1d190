"""`prepare`: photos with landmarks in, shards of context crops out.

A face is used, or listed in `report.csv` with the reason it was not. The result does not depend on the number
of workers. The folder appears under its name only when it is complete.
"""

import csv
import glob
import json
import os
import re
import shutil
import signal
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .._version import __version__
from ..errors import FacepriorError
from ..face.pose import head_pose, visible_from_pose
from ..files import process_lives, write_text
from . import layouts
from .context import CONTEXT, HR, context_frame, encode, render
from .layouts import Face, Skip
from .layouts.files import in_utf8
from .layouts.persons import RULES
from .shards import FORMAT, LANDMARK_RANGE, MANIFEST, SPLITS, ShardWriter
from .split import deal

REPORT = "report.csv"
MAX_OUTSIDE = 10  # landmarks, of 68, that may lie outside the image
MAX_COORDINATE = 1e6  # pixels; no image that is read is as wide
MAX_SPAN = 4.0  # of the context's side, in sides of the image; real faces have at most 2.7
_CHUNK = 32  # faces a worker takes at once


@dataclass(frozen=True)
class PrepareOptions:
    """What decides the contents of the shards; kept in the manifest."""

    layout: str = "auto"  # or "pts", "celeba", "table"
    persons: str = "auto"  # or "name", "image": layouts/persons.py
    split_salt: str = ""
    test_only: bool = False  # every face into the test split
    test_sources: tuple[str, ...] = ()  # names of sources all of whose faces go there: never trained on
    min_side: float = 40.0  # pixels of the photo across the HR frame; the LR has 16, so less teaches little

    def only_tests(self, source: str) -> bool:
        return self.test_only or source in self.test_sources


@dataclass(frozen=True)
class Summary:
    """What was made. `faces[split][source]`, `persons[split]` and `skipped[source][reason]` are counts."""

    faces: dict[str, dict[str, int]]
    persons: dict[str, int]
    skipped: dict[str, dict[str, int]]
    bytes: int
    validates: str | None = None  # the person who does because by lot nobody did (`split.deal`)

    @property
    def total(self) -> int:
        return sum(sum(by_source.values()) for by_source in self.faces.values())


def prepare(
    sources: Sequence[Path],
    out: Path,
    options: PrepareOptions = PrepareOptions(),
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Summary:
    """Write the shards of `sources` into the new folder `out`.

    `workers` processes (default: the cores this process may use; 1: none besides this one). `progress` is
    called with (done, all) items. Raises FacepriorError on unusable arguments, where a source as a whole
    cannot be read, and where no face is usable at all; then `out` is as it was.
    """
    # The folder itself, not a link to it or ".": what is not its own name cannot be renamed.
    sources, out = [Path(s) for s in sources], Path(os.path.realpath(out))
    _recover(out)
    _check(sources, out, options, overwrite)
    items = [i for s in sources for i in layouts.read(s, layout=options.layout, persons=options.persons)]
    with _appearing(out, overwrite) as folder:
        summary, shards = _write(items, folder, options, workers or _cores(), progress)
        if not summary.total:
            raise FacepriorError(f"no usable face in {', '.join(map(str, sources))}: {_reasons(summary)}")
        manifest = {
            "format": FORMAT,
            "version": __version__,
            "options": asdict(options),
            "test_only": sorted(s for s in map(_name, sources) if options.only_tests(s)),
            "faces": summary.faces,
            "persons": summary.persons,
            "skipped": summary.skipped,
            "shards": shards,
        }
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        write_text(folder / MANIFEST, text)
    return summary


def make_row(face: Face, min_side: float) -> dict[str, Any] | str:
    """A face -> a row of `SCHEMA`, or the reason in a few words why it is of no use. Never raises on bad data."""
    if np.abs(face.landmarks).max() > MAX_COORDINATE:
        return "landmarks outside any image"
    try:
        frame = context_frame(face.landmarks)
        pose = head_pose(face.landmarks, face.visible)
    except ValueError as error:
        return str(error)
    side = frame.side * HR / CONTEXT
    if side < min_side:
        return f"face too small ({side:.0f} px, {min_side:g} are needed)"
    image = _decoded(face.path)
    if isinstance(image, str):
        return image
    outside = (face.landmarks < -0.5) | (face.landmarks > np.array(image.size) - 0.5)
    if outside.any(1).sum() > MAX_OUTSIDE:
        return f"face outside the image ({outside.any(1).sum()} of 68 landmarks)"
    landmarks = frame.from_image(face.landmarks, CONTEXT).astype(np.float32)
    low, high = LANDMARK_RANGE
    if frame.side > MAX_SPAN * max(image.size) or landmarks.min() < low or landmarks.max() > high:
        return "a landmark lies far from the face"
    visible = face.visible if face.visible is not None else visible_from_pose(pose.yaw, pose.pitch)
    return {
        "image": encode(render(image, frame)),
        "landmarks": landmarks.ravel(),
        "visible": visible.tolist(),
        "source": in_utf8(face.source),
        "person": in_utf8(face.person),
        "name": in_utf8(face.name),
        "yaw": pose.yaw,
        "side": side,
        "corners": frame.from_image(_corners(image), CONTEXT).astype(np.float32).ravel(),
    }


def _corners(image: Image.Image) -> np.ndarray:
    """(4, 2) outer corners TL, TR, BR, BL in pixels of the image."""
    w, h = image.width - 0.5, image.height - 0.5
    return np.array([[-0.5, -0.5], [w, -0.5], [w, h], [-0.5, h]])


def _decoded(path: Path) -> Image.Image | str:
    """RGB as stored (landmark files count stored pixels, so the EXIF orientation is left alone), or the reason."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the limit itself stays: beyond it Pillow raises
            with Image.open(path) as image:
                if image.mode.startswith("I;16"):
                    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
                return image.convert("RGB")
    except Exception as error:  # decoders raise many kinds, and none may end the run
        return f"image unreadable ({type(error).__name__}: {' '.join(str(error).split())[:120]})"


def _rows(items: list[Face | Skip], min_side: float) -> list[dict[str, Any] | str]:
    return [i.reason if isinstance(i, Skip) else make_row(i, min_side) for i in items]


def _made(items: list[Face | Skip], min_side: float, workers: int) -> Iterator[list[dict[str, Any] | str]]:
    """Rows or reasons of the items, chunk by chunk in their order; few chunks are in memory at once."""
    chunks = [items[i : i + _CHUNK] for i in range(0, len(items), _CHUNK)]
    if workers == 1 or len(chunks) == 1:
        yield from (_rows(chunk, min_side) for chunk in chunks)
        return
    waiting: deque[Future[list[dict[str, Any] | str]]] = deque()
    left = iter(chunks)
    try:
        with ProcessPoolExecutor(min(workers, len(chunks)), mp_context=get_context("spawn")) as pool:
            try:
                while True:
                    with _deaf_to_interrupts():
                        wanted = 3 * workers - len(waiting)
                        waiting.extend(pool.submit(_rows, chunk, min_side) for chunk in islice(left, wanted))
                    if not waiting:
                        return
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
    except BrokenProcessPool:
        raise FacepriorError("a worker was killed, as where memory runs out; fewer --workers need less") from None


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes begun inside take no Ctrl-C: it reaches all of them, and theirs would end in tracebacks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _write(
    items: list[Face | Skip],
    folder: Path,
    options: PrepareOptions,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[Summary, dict[str, dict[str, Any]]]:
    writers = {split: ShardWriter(folder, split) for split in SPLITS}
    faces: dict[str, Counter[str]] = {split: Counter() for split in SPLITS}
    persons: dict[str, set[tuple[str, str]]] = {split: set() for split in SPLITS}
    skipped: dict[str, Counter[str]] = {}
    known = {(i.source, in_utf8(i.person)) for i in items if isinstance(i, Face) and not options.only_tests(i.source)}
    dealt, validates = deal(sorted(known), options.split_salt)
    done = 0
    with (folder / REPORT).open("w", newline="", encoding="utf-8") as file:
        report = csv.writer(file, lineterminator="\n")
        report.writerow(["source", "name", "reason"])
        for rows in _made(items, options.min_side, workers):
            for item, row in zip(items[done:], rows, strict=False):
                if isinstance(row, str):
                    report.writerow([in_utf8(item.source), in_utf8(item.name), row])
                    skipped.setdefault(item.source, Counter())[row.split(" (")[0]] += 1
                    continue
                split = dealt.get((item.source, row["person"]), "test")  # those of test sources were not dealt
                writers[split].add(row)
                faces[split][item.source] += 1
                persons[split].add((item.source, row["person"]))
            done += len(rows)
            if progress:
                progress(done, len(items))
    for writer in writers.values():
        writer.flush()
    shards = {name: about for writer in writers.values() for name, about in writer.files.items()}
    summary = Summary(
        faces={split: dict(counts) for split, counts in faces.items()},
        persons={split: len(who) for split, who in persons.items()},
        skipped={source: dict(counts) for source, counts in skipped.items()},
        bytes=sum(about["bytes"] for about in shards.values()),
        validates=validates[1] if validates and persons["val"] else None,
    )
    return summary, shards


def _check(sources: list[Path], out: Path, options: PrepareOptions, overwrite: bool) -> None:
    if not sources:
        raise FacepriorError("no source folder given")
    if options.persons not in RULES:
        raise FacepriorError(f"persons {options.persons!r} is not known; use {', '.join(RULES)}")
    names = Counter(map(_name, sources))
    if unknown := [name for name in options.test_sources if name not in names]:
        raise FacepriorError(f"test source {unknown[0]!r} is not among the sources: {', '.join(sorted(names))}")
    twice = [name for name, n in names.items() if n > 1]
    if twice:
        raise FacepriorError(f"two sources are named {twice[0]!r}; the name keeps persons apart, so rename one folder")
    for source in sources:
        if out.resolve() == source.resolve() or out.resolve() in source.resolve().parents:
            raise FacepriorError(f"{out}: would replace the source {source}; choose another output folder")
    if not out.exists():
        return
    if not out.is_dir():
        raise FacepriorError(f"{out}: exists and is not a folder")
    if os.path.ismount(out):
        raise FacepriorError(f"{out}: a mounted file system, which cannot be replaced; name a new folder inside it")
    if any(out.iterdir()):
        if not overwrite:
            raise FacepriorError(f"{out}: not empty; choose another folder or pass --overwrite")
        if not (out / MANIFEST).is_file():
            raise FacepriorError(f"{out}: not a prepared folder (no {MANIFEST}), so it is not overwritten")


@contextmanager
def _appearing(out: Path, overwrite: bool) -> Iterator[Path]:
    """A temporary folder beside `out` that takes its name at the end, or leaves no trace on an error."""
    partial = out.parent / f".{out.name}.partial-{os.getpid()}"
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise FacepriorError(f"{out}: cannot be made ({error.strerror})") from None
    try:
        yield partial
        if out.exists():
            old = out.parent / f".{out.name}.old-{os.getpid()}"
            out.rename(old)
            partial.rename(out)
            shutil.rmtree(old)
        else:
            partial.rename(out)
    except OSError as error:
        raise FacepriorError(f"{out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _recover(out: Path) -> None:
    """What a killed run left: its half of a folder goes; the folder that it was replacing comes back."""
    for left in sorted(out.parent.glob(f".{glob.escape(out.name)}.*-*")):
        match = re.fullmatch(r"(partial|old)-(\d+)", left.name[len(out.name) + 2 :])
        if match is None or process_lives(int(match[2])):
            continue
        if match[1] == "old" and not out.exists():
            with suppress(OSError):
                left.rename(out)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _name(source: Path) -> str:
    """What its faces' `source` is."""
    return in_utf8(source.resolve().name)


def _reasons(summary: Summary) -> str:
    totals: Counter[str] = Counter()
    for counts in summary.skipped.values():
        totals.update(counts)
    return ", ".join(f"{reason} ({n})" for reason, n in totals.most_common(3)) or "the folder is empty"


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1
