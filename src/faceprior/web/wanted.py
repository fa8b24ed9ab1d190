"""What one request asks for: the command's options, from text. One table serves the parser and the description."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import FacepriorError
from ..photo.boxes import Detection, as_detections
from ..photo.options import CANVASES, PhotoOptions
from ..photo.words import python_words
from .limits import Limits, Refused

ANSWERS = ("zip", "photo", "json")
MOST_BOXES = 1000


@dataclass(frozen=True)
class Wanted:
    """sharpness: None as the server was started; boxes: the faces themselves; cropped: the picture is one face."""

    options: PhotoOptions
    sharpness: float | None = None
    any_turn: bool = False
    boxes: tuple[Detection, ...] | None = None
    cropped: bool = False
    sheet: bool = True
    answer: str = "zip"


@dataclass(frozen=True)
class Field:
    """schema: of the OpenAPI description; photo: whether it is one of `PhotoOptions`."""

    read: Callable[[str], Any]
    schema: dict[str, Any]
    about: str
    photo: bool = False


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0", "on", "off"):  # on: what a form's checkbox sends
        raise ValueError(text)
    return text.lower() in ("true", "1", "on")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _boxes(text: str) -> tuple[Detection, ...]:
    try:
        items = json.loads(text)
        if not isinstance(items, list):
            raise ValueError(text)
        if len(items) > MOST_BOXES:
            raise Refused(400, f"boxes: {len(items):,} of them; expected {MOST_BOXES:,} at most")
        return tuple(as_detections(items, "boxes"))
    except Refused:
        raise
    except (RecursionError, FacepriorError) as error:
        raise ValueError(text) from error


def _one_of(words: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return read


FLAG = {"type": "boolean", "default": False}
FIELDS = {
    "answer": Field(
        _one_of(ANSWERS),
        {"type": "string", "enum": list(ANSWERS), "default": "zip"},
        "What comes back: everything as a zip, the enlarged photo alone, or the JSON alone.",
    ),
    "scale": Field(
        float,
        {"type": "number", "minimum": 1, "maximum": 8, "default": 4},
        "How many times as large the photo becomes, fractions too.",
        True,
    ),
    "strength": Field(
        float,
        {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
        "0 the photo enlarged, 1 the restored faces.",
        True,
    ),
    "min_size": Field(
        float, {"type": "number", "minimum": 4, "default": 8}, "Leave smaller faces, in pixels of the photo.", True
    ),
    "max_size": Field(
        float, {"type": "number", "minimum": 4, "default": 60}, "Leave faces that hold more pixels of detail.", True
    ),
    "faces": Field(
        _numbers,
        {"type": "string", "pattern": r"^\d+(,\d+)*$", "example": "1,3"},
        "Only these, numbered in reading order from 1.",
        True,
    ),
    "consistent": Field(_truth, FLAG, "Make each face agree with the photo's own pixels.", True),
    "keep_sharpening": Field(
        _truth, FLAG, "Enlarge what a camera or a program sharpened as it is, instead of taking that out first.", True
    ),
    "keep_softness": Field(
        _truth, FLAG, "Enlarge what a lens or a scanner left soft as it is, instead of making that good first.", True
    ),
    "canvas": Field(
        _one_of(CANVASES),
        {"type": "string", "enum": list(CANVASES), "default": "auto"},
        "What enlarges all but the faces: a small network, that around the faces alone, Lanczos, or auto: the network "
        "if within a minute, else around the faces.",
        True,
    ),
    "sharpness": Field(
        float,
        {"type": "number", "minimum": 0, "maximum": 1, "example": 0},
        "From the plain model (0) to its perceptual variant (1): sharper, a little further from the truth.",
    ),
    "sharp": Field(_truth, {"type": "boolean"}, "The same as sharpness 1, or 0 where it is false."),
    "any_turn": Field(_truth, FLAG, "Find faces lying on their side or upside down, too."),
    "boxes": Field(
        _boxes,
        {"type": "string", "example": "[[120, 80, 24, 30]]"},
        "The faces themselves instead of a detector: JSON, [x, y, width, height] each, in pixels of the photo; "
        f"at most {MOST_BOXES:,}.",
    ),
    "cropped": Field(
        _truth,
        FLAG,
        "The picture is one face already cut out: its central square becomes 128x128. Of the others answer, sharpness, "
        "consistent, sheet, keep_sharpening and keep_softness count.",
    ),
    "sheet": Field(_truth, {"type": "boolean", "default": True}, "A contact sheet in the zip: every face at a glance."),
}


def parse(given: Mapping[str, str], limits: Limits) -> Wanted:
    """Refused, with the option's name, where a value is none of it."""
    chosen: dict[str, Any] = {}
    for name, text in given.items():
        if name not in FIELDS:
            raise Refused(400, f"unknown option {name[:40]!r}; known: {', '.join(FIELDS)}")
        try:
            chosen[name] = FIELDS[name].read(text)
        except ValueError:
            words = FIELDS[name].schema.get("enum")
            about = f"expected {', '.join(words)}" if words else FIELDS[name].about
            raise Refused(400, f"{name}: not a value of this option. {about}") from None
    if not 0 <= chosen.get("sharpness", 0) <= 1:
        raise Refused(400, f"sharpness {chosen['sharpness']:g}: expected 0 to 1")
    if "sharp" in chosen:
        sharp = float(chosen.pop("sharp"))
        if chosen.setdefault("sharpness", sharp) != sharp:
            raise Refused(400, "sharp, sharpness: choose one")
    photo = {name: chosen.pop(name) for name in list(chosen) if FIELDS[name].photo}
    return Wanted(photo_options(limits, **photo), **chosen)


def photo_options(limits: Limits, **chosen: Any) -> PhotoOptions:
    try:
        return PhotoOptions(**chosen, max_pixels=limits.max_output)
    except FacepriorError as error:
        raise Refused(400, python_words(str(error))) from None
