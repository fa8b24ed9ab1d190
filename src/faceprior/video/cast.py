"""Who is number 7: each tracked face, when it was there, and where it was seen best."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from ..photo.boxes import Detection
from ..photo.cut import cut, face_frame
from ..photo.options import PhotoOptions
from .restore import Face

CELL = 128  # pixels a side of what is shown of a face
MAX_SHOWN = 200  # faces of which a picture is kept, on one sheet
BETTER = 1.05  # times the score that another sight needs to take the place of an earlier one


@dataclass
class Sight:
    """Where a face was seen best. frame: from 0; detection: in pixels of the clip's upright frame, square ones."""

    frame: int
    seconds: float
    detection: Detection
    picture: np.ndarray | None = None  #  uint8 (128, 128, 3), as the clip has it
    image: np.ndarray | None = None  #    uint8 (128, 128, 3), what the network made of it; None where it was left


@dataclass
class Member:
    """A tracked face. first, last: frame and seconds; sizes: least and largest side of its square, in pixels."""

    number: int
    first: tuple[int, float]
    last: tuple[int, float]
    best: Sight
    sizes: tuple[float, float]
    restored: int = 0  # frames in which it was
    reason: str | None = None  # of one that never was
    detail: float = 0.0  #       the most pixels of detail that its square held


@dataclass
class Cast:
    members: dict[int, Member] = field(default_factory=dict)

    def see(
        self, rgb: np.ndarray, frame: int, seconds: float, here: Mapping[int, Detection], found: Collection[int],
        faces: Mapping[int, Face],
    ) -> None:  # fmt: skip
        """A frame, and the tracked faces that are in it. found: those that the detector has seen in this very frame;
        faces: what is known of those that were restored."""
        for number, detection in here.items():
            size = face_frame(detection).side
            member = self.members.get(number)
            if member is None:
                member = self.members[number] = Member(
                    number, (frame, seconds), (frame, seconds), Sight(frame, seconds, detection), (size, size)
                )
                self._show(member, rgb, faces.get(number))
            elif number in found and self._score(detection, size) > BETTER * self._score(member.best.detection):
                member.best = Sight(frame, seconds, detection)
                self._show(member, rgb, faces.get(number))
            member.last = frame, seconds
            member.sizes = min(member.sizes[0], size), max(member.sizes[1], size)

    def close(self, faces: Mapping[int, Face], options: PhotoOptions, most: float) -> None:
        """How many frames each was restored in, and why some never were.

        most: pixels of detail that a face may have
        """
        for number, member in self.members.items():
            face = faces.get(number)
            member.restored = face.frames if face else 0
            member.detail = face.details[1] if face else 0.0
            high = member.sizes[1]
            if member.restored:
                continue
            if options.faces is not None and number not in options.faces:
                member.reason = "not chosen"
            elif high < options.min_size:
                member.reason = f"too small: {high:.0f} px < {options.min_size:g}"
            elif face is not None and face.details[0] > most:
                member.reason = f"too large: {face.details[0]:.0f} px of detail > {most:g}"
            else:
                member.reason = "the network sees no face there"

    def _show(self, member: Member, rgb: np.ndarray, face: Face | None) -> None:
        if member.number > MAX_SHOWN:
            return
        square = face_frame(member.best.detection)
        member.best.picture = cut(rgb, square, CELL, Image.Resampling.BICUBIC)
        if face is not None and face.image is not None and face.weight > 0:
            member.best.image = face.image

    @staticmethod
    def _score(detection: Detection, size: float | None = None) -> float:
        """Sure and large: 20 px show a person, more add little."""
        size = face_frame(detection).side if size is None else size
        return max(detection.score, 0.01) * min(size, 20.0)


def describe(member: Member) -> dict[str, Any]:
    """One entry of the JSON. Boxes in pixels of the clip's upright frame, by edges, square pixels."""
    best = member.best
    entry: dict[str, Any] = {
        "number": member.number, "status": "restored" if member.restored else "left", "frames": member.restored,
    }  # fmt: skip
    if member.reason:
        entry["reason"] = member.reason
    entry["first"], entry["last"] = ({"frame": f, "seconds": round(s, 3)} for f, s in (member.first, member.last))
    entry["size"] = [round(v, 2) for v in member.sizes]
    entry["seen"] = {
        "frame": best.frame, "seconds": round(best.seconds, 3), "box": [round(float(v), 2) for v in best.detection.box],
        "score": round(best.detection.score, 4),
    }  # fmt: skip
    return entry
