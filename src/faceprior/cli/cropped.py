"""Faces that are already cut out: decode, square, 16x16, the network, files."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from .._version import __version__
from ..errors import FacepriorError, one_line
from ..files import write_atomically
from ..photo.cropped import HEATMAPS, describe
from ..photo.cutface import Given, restore_cut
from ..photo.decode import read_image
from ..runtime.pictures import ContactSheet, overlay
from ..runtime.upscaler import Upscaler
from .inputs import unique_stems

SHEET, TABLE = "contact-sheet.png", "faces.json"


@dataclass(frozen=True)
class Options:
    heatmaps: bool = False  # write overlays
    table: bool = False  #     write the JSON
    sheet: bool = True
    overwrite: bool = False
    place: bool = False  #     keep where the picture was taken
    keep_sharpening: bool = False
    keep_softness: bool = False


@dataclass
class Report:
    done: int = 0
    sheet_left_out: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)  #   input, reason
    doubtful: list[tuple[str, str]] = field(default_factory=list)  # written all the same
    undone: Counter[str] = field(default_factory=Counter)  # how many were restored without sharpening, or softness


def upscale_cropped(
    files: Sequence[Path],
    out: Path,
    upscaler: Upscaler,
    options: Options,
    advance: Callable[[], object],
) -> Report:
    """Restores `files` into the folder `out`; `advance` is called once a file.

    A file that cannot be read or written is in the report and stops nothing. Raises FacepriorError before anything
    is written where an output would replace an input, or another file without `overwrite`.
    """
    stems = unique_stems(files, [Path(SHEET).stem], HEATMAPS)
    _check_targets(files, stems, out, options)
    report, sheet, rows = Report(), ContactSheet(), []
    for batch in _batches(files, stems, upscaler, options, report, advance):
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FacepriorError(f"{out}: cannot make this folder ({error.strerror or error})") from None
        faces = restore_cut([item.given for item in batch])
        for (file, stem, given), face in zip(batch, faces, strict=True):
            advance()
            image, heatmaps = face.image, face.heatmaps
            if not face.finite:
                report.failed.append((str(file), "the network gave numbers that are not finite"))
                continue
            try:
                write_atomically(out / f"{stem}.png", partial(given.save, image))
                if options.heatmaps:
                    _save(out / f"{stem}{HEATMAPS}.png", overlay(image, heatmaps))
            except FacepriorError as error:
                report.failed.append((str(file), str(error)))
                continue
            if options.sheet:
                sheet.add(file.name, face.lr, image, heatmaps)
            if face.doubt:
                report.doubtful.append((str(file), face.doubt))
            if options.table:
                rows.append(describe(str(file), stem, given.note, face, overlays=options.heatmaps))
            if face.response is not None:
                report.undone[face.response.NAME] += 1
            report.done += 1
    if (picture := sheet.picture()) is not None:
        _write(out / SHEET, lambda f: picture.save(f, "PNG"), report)
        report.sheet_left_out = report.done - len(sheet.rows)
    if options.table and report.done:
        failed = [{"input": name, "reason": reason} for name, reason in report.failed]
        about = {"format": 1, "faceprior": __version__, "model": asdict(upscaler.info)}
        text = json.dumps({**about, "faces": rows, "failed": failed}, indent=1, ensure_ascii=False, allow_nan=False)
        text = re.sub(r"\[\s+([-\d.,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)  # numbers in a line
        # A file name may hold bytes that are no text; they must not lose the whole table.
        _write(out / TABLE, lambda f: f.write(text.encode("utf-8", "backslashreplace")), report)
    return report


def _write(path: Path, write: Callable[[Any], Any], report: Report) -> None:
    try:
        write_atomically(path, write)
    except FacepriorError as error:
        report.failed.append((str(path), str(error).removeprefix(one_line(f"{path}: "))))


class Item(NamedTuple):
    file: Path
    stem: str
    given: Given


def _batches(
    files: Sequence[Path],
    stems: Sequence[str],
    upscaler: Upscaler,
    options: Options,
    report: Report,
    advance: Callable[[], object],
) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for file, stem in zip(files, stems, strict=True):
        try:
            keep = {"keep_sharpening": options.keep_sharpening, "keep_softness": options.keep_softness}
            batch.append(Item(file, stem, Given.of(read_image(file), upscaler, place=options.place, **keep)))
        except FacepriorError as error:
            report.failed.append((str(file), str(error).removeprefix(one_line(f"{file}: "))))
            advance()
        if len(batch) == upscaler.batch:
            yield batch
            batch = []
    if batch:
        yield batch


def _check_targets(files: Sequence[Path], stems: Sequence[str], out: Path, options: Options) -> None:
    if out.exists() and not out.is_dir():
        raise FacepriorError(f"{out}: is a file; -o names a folder")
    names = [f"{stem}.png" for stem in stems]
    if options.heatmaps:
        names += [f"{stem}{HEATMAPS}.png" for stem in stems]
    names += [SHEET] * options.sheet + [TABLE] * options.table
    existing = [path for name in names if (path := out / name).exists()]
    if not existing:
        return
    inputs = {file.resolve() for file in files}
    if (clash := next((p for p in existing if p.resolve() in inputs), None)) is not None:
        raise FacepriorError(f"{clash}: is an input and would be overwritten; choose another folder with -o")
    if not options.overwrite:
        more = f" (and {len(existing) - 1} more)" if len(existing) > 1 else ""
        raise FacepriorError(f"{existing[0]}: exists{more}; --overwrite replaces, -o names another folder")


def _save(path: Path, image: np.ndarray) -> None:
    write_atomically(path, lambda file: Image.fromarray(image).save(file, "PNG"))
