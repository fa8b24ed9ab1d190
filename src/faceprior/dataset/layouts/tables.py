"""Tables beside the images: landmarks (CSV or CelebA's whitespace lists) and identities.

A landmark CSV has a header `image,x0,y0,...,x67,y67`, optionally `v0,...,v67` (1 visible, 0 hidden) and
`person`; coordinates count from 0. CelebA's own lists are read too: a count, a header without a name for the
first column, then `000001.jpg x y x y ...` separated by blanks.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import FacepriorError
from ...face.components import LANDMARKS


@dataclass(frozen=True)
class Row:
    """One image of a landmark table. `points` float64 (68, 2) is None where `reason` says why."""

    image: str
    points: np.ndarray | None
    visible: np.ndarray | None = None
    person: str | None = None
    reason: str = ""


def read_landmarks(path: Path) -> Iterator[Row]:
    """The rows of a landmark table, in its order. Raises FacepriorError where the table as a whole is unusable."""
    rows = _rows(path)
    header = next(rows, [])
    if header and header[0].isdigit() and len(header) == 1:  # CelebA: the count, then the header of the values
        header = ["image", *_lettered(next(rows, []))]
    column = {title.strip().lower(): i for i, title in enumerate(header)}
    if "image" not in column:
        raise FacepriorError(f"{path}: no column 'image'; the header must be image,x0,y0,...,x67,y67")
    points = sum(f"x{i}" in column and f"y{i}" in column for i in range(LANDMARKS))
    if points != LANDMARKS or f"x{LANDMARKS}" in column:
        found = sum(t[:1] == "x" and t[1:].isdigit() for t in column)
        raise FacepriorError(
            f"{path}: {found} landmarks an image; {LANDMARKS} are needed (iBUG order, columns x0,y0,...,x67,y67)"
        )
    xy = [column[f"{axis}{i}"] for i in range(LANDMARKS) for axis in "xy"]
    flags = [column[f"v{i}"] for i in range(LANDMARKS) if f"v{i}" in column]
    if flags and len(flags) != LANDMARKS:
        raise FacepriorError(f"{path}: {len(flags)} visibility columns; v0,...,v67 or none are needed")
    for row in rows:
        yield _row(row, column, xy, flags, len(header))


def _row(row: list[str], column: dict[str, int], xy: list[int], flags: list[int], width: int) -> Row:
    image = row[column["image"]] if len(row) > column["image"] else ""
    if len(row) != width:
        return Row(image, None, reason=f"landmark row has {len(row)} values, the header {width}")
    try:
        points = np.array([float(row[i]) for i in xy]).reshape(LANDMARKS, 2)
        visible = np.array([float(row[i]) > 0.5 for i in flags]) if flags else None
    except ValueError:
        return Row(image, None, reason="landmarks are not numbers")
    if not np.isfinite(points).all():
        return Row(image, None, reason="landmarks are not finite")
    return Row(image, points, visible, row[column["person"]] if "person" in column else None)


def read_identities(path: Path) -> dict[str, str]:
    """CSV with a header `image,person`, or CelebA's `identity_CelebA.txt` (blanks, none) -> {image: person}."""
    rows = list(_rows(path))
    if rows and [t.strip().lower() for t in rows[0]] == ["image", "person"]:
        rows = rows[1:]
    bad = next((row for row in rows if len(row) != 2), None)
    if bad is not None:
        raise FacepriorError(f"{path}: an identity row is not 'image,person': {' '.join(bad)[:60]}")
    return {image.strip(): person.strip() for image, person in rows}


def _rows(path: Path) -> Iterator[list[str]]:
    """Fields of the non-empty lines: by comma where the first line has one, or the name says so; else by blanks."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FacepriorError(f"{path}: cannot be read as a text table ({error})") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if path.suffix.lower() == ".csv" or (lines and "," in lines[0]):
        try:
            yield from csv.reader(lines)
        except csv.Error as error:
            raise FacepriorError(f"{path}: cannot be read as a text table ({error})") from None
        return
    yield from (line.split() for line in lines)


def _lettered(titles: list[str]) -> list[str]:
    """CelebA calls its columns `lefteye_x lefteye_y ...`; where 68 points come, they are x0 y0 x1 y1 ..."""
    if len(titles) % 2 == 0 and all(t.lower().endswith("_x" if i % 2 == 0 else "_y") for i, t in enumerate(titles)):
        return [f"{'xy'[i % 2]}{i // 2}" for i in range(len(titles))]
    return titles
