"""Faces found in a photo: one record, their overlap, their order, and boxes that a user brings."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FacepriorError


@dataclass(frozen=True)
class Detection:
    """A face in a photo. Pixel centres are whole numbers from 0; the box spans pixel edges.

    box:    x, y, width, height in pixels of the photo, along its axes whatever the face's roll
    score:  0..1; 1 for boxes that a user gave
    points: (5, 2) right eye, left eye, nose, right and left mouth corner, the person's right; or None
    turn:   quarter turns clockwise that the face is turned by, 0..3: 2 is upside down
    """

    box: tuple[float, float, float, float]
    score: float = 1.0
    points: tuple[tuple[float, float], ...] | None = None
    turn: int = 0


def overlaps(box: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(4,) against (N, 4), x y w h -> intersection over union and over the smaller of the two, each (N,)."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[:2] + box[2:], boxes[:, :2] + boxes[:, 2:])
    width, height = np.maximum(high - low, 0).T
    common = width * height
    area, areas = box[2] * box[3], boxes[:, 2] * boxes[:, 3]
    union, smaller = area + areas - common, np.minimum(area, areas)
    return common / np.maximum(union, 1e-9), common / np.maximum(smaller, 1e-9)


def suppress(boxes: np.ndarray, scores: np.ndarray, iou: float = 0.3, inside: float = 0.7) -> list[int]:
    """Non-maximum suppression -> the indices kept, best score first.

    A box mostly `inside` a better one of similar size (a quarter of the area or more) is the same face seen
    in part; a much smaller one is a face of its own (a child held up, a portrait on a shirt).
    """
    areas = np.prod(boxes[:, 2:], axis=1)
    rest = np.argsort(-scores, kind="stable")
    kept = []
    while len(rest):
        best, rest = int(rest[0]), rest[1:]
        kept.append(best)
        union, small = overlaps(boxes[best], boxes[rest])
        ratio = np.minimum(areas[best], areas[rest]) / np.maximum(np.maximum(areas[best], areas[rest]), 1e-9)
        rest = rest[(union <= iou) & ~((small > inside) & (ratio > 0.25))]
    return kept


def reading_order(found: list[Detection]) -> list[Detection]:
    """Rows from the top, each from the left: how a person would number the faces of a group photo."""
    rows: list[list[Detection]] = []
    for face in sorted(found, key=lambda f: f.box[1] + f.box[3] / 2):
        y = face.box[1] + face.box[3] / 2
        if rows and y - (rows[-1][0].box[1] + rows[-1][0].box[3] / 2) < 0.75 * rows[-1][0].box[3]:
            rows[-1].append(face)
        else:
            rows.append([face])
    return [face for row in rows for face in sorted(row, key=lambda f: f.box[0])]


LARGEST_FILE = 2**25  # bytes
FARTHEST = 1e6  # pixels from the photo's corner


def read_boxes(path: Path, photo: Path | None = None) -> list[Detection]:
    """Boxes from a JSON file: `[[x, y, w, h], ...]`, `{"faces": [{"box": [...]}, ...]}` (what this program
    writes), or `{"party.jpg": [[x, y, w, h], ...], ...}` for several photos."""
    return boxes_of(read_boxes_file(path), path, photo)


def read_boxes_file(path: Path) -> Any:
    """What a JSON file holds, for `boxes_of`. Of a pipe, which gives it once."""
    try:
        with Path(path).open("rb") as file:  # it may be a pipe, and may have no end
            text = file.read(LARGEST_FILE + 1)
        if len(text) > LARGEST_FILE:
            raise FacepriorError(f"{path}: more than {LARGEST_FILE >> 20} MB of boxes")
        return json.loads(text.decode("utf-8-sig"))  # editors of Windows put a mark before it
    except FileNotFoundError:
        raise FacepriorError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8, no JSON; a name that no file can have
        raise FacepriorError(f"{path}: cannot read boxes ({error})") from None


def boxes_of(data: Any, path: Path, photo: Path | None = None) -> list[Detection]:
    """The boxes of a photo among what a file holds (`read_boxes`), which is called `path` in errors."""
    if isinstance(data, dict):
        if "faces" in data:
            data = data["faces"]
        elif photo is not None and photo.name in data:
            data = data[photo.name]
        else:
            name = photo.name if photo else "the photo"
            raise FacepriorError(f'{path}: holds neither "faces" nor "{name}"')
    return as_detections(data, path)


def as_detections(items: Any, name: object) -> list[Detection]:
    """Boxes [x, y, w, h], {"box": ...} or `Detection`s, which are checked alike; `name` stands for them in errors."""
    try:
        return [_detection(item) for item in items]
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise FacepriorError(f"{name}: a box is [x, y, width, height] in pixels ({error})") from None


def _detection(item: object) -> Detection:
    if isinstance(item, Detection):
        box, score, turn, points = item.box, item.score, item.turn, item.points
    elif isinstance(item, dict):
        box, score, turn, points = item["box"], item.get("score", 1.0), item.get("turn", 0), item.get("points")
    else:
        box, score, turn, points = item, 1.0, 0, None
    score, turn = float(score), int(turn) % 4
    if not math.isfinite(score):
        raise ValueError(f"the score {score} is no number")
    x, y, w, h = (float(v) for v in box)  # type: ignore[union-attr]
    if not all(abs(v) <= FARTHEST for v in (x, y, w, h)) or w <= 0 or h <= 0:
        raise ValueError(f"{[x, y, w, h]} is not a box")
    if points is not None:
        p = np.asarray(points, float)
        if p.shape != (5, 2) or not (np.abs(p) <= FARTHEST).all():
            raise ValueError("points are five (x, y)")
        points = tuple((float(a), float(b)) for a, b in p)
    return Detection((x, y, w, h), score, points, turn)
