"""Faces that are already cut out: which images count as such, and what the network makes of them.

The rule, for every caller: faces are looked for in everything. An image is a cut face where the user says so, or where
no face is found in it and it is small and about square: YuNet finds a face in 93 % of tightly cut ones of 16 pixels, in
99 % of 20 and in all from 24 on (300 faces of CelebA, Helen and UTKFace, tilted by up to 20 degrees), so a larger image
without a face in it is seldom a face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..face.trained import PAPER, TrainedRange
from ..runtime.backends.base import HR_SIZE
from .choice import network_for, size_of
from .cropped import central_square, face_to_lr
from .cut import cut_lr
from .cutstate import CutState
from .decode import DecodedImage
from .judge import doubt_of
from .looks import SECOND_LOOKS, believable, centred, upright_turn
from .metadata import Metadata
from .own import own_size
from .quality import conditions, told, told_quality
from .softened import Response, response_of, undone
from .tiles import reduce
from .tint import Tint, tint_of
from .unsharpen import unsharpened

SMALL = 64  # pixels of the longer side
SQUARE = 1.25  # the longer side at most, as a multiple of the shorter
MEASURED = 64  # pixels of the shorter side from which on noise and an earlier file can be measured
SHARPEST = 512  # pixels of the shorter side that are kept for further cuts, which are of 48 at most


@dataclass
class CutFace:
    """A cut face and what the network made of it.

    frame: what was cut in the end, in pixels of `Given.rgb`; looks: how often the network looked
    doubt: why the result is not to be trusted, or None
    """

    frame: Frame
    lr: np.ndarray  #         uint8 (n, n, 3)
    image: np.ndarray  #      uint8 (128, 128, 3)
    heatmaps: np.ndarray  #   float32 (4, 64, 64)
    transform: np.ndarray  #  float32 (2, 3)
    looks: int = 1
    doubt: str | None = None
    response: Response | None = None  # that was undone in the picture

    @property
    def finite(self) -> bool:
        return bool(np.isfinite(self.transform).all() and np.isfinite(self.heatmaps).all())


def may_be_cut(height: int, width: int) -> bool:
    """Whether an image in which no face was found counts as a cut face."""
    return max(height, width) <= SMALL and max(height, width) <= SQUARE * min(height, width)


@dataclass(frozen=True)
class Given:
    """A picture that is a face, as far as it is needed: the network that suits it, what that sees of it, a copy of
    bounded size for further cuts, and what its result's file takes from it.

    lr: uint8 (n, n, 3), of the network's size or of its own (`own.py`); rgb: uint8 (H, W, 3), the shorter side at most
    SHARPEST; factor: by which it is smaller; tint: of the whole picture, or None; enlarged: pixels of the result for
    one of the picture
    """

    network: Any
    lr: np.ndarray
    rgb: np.ndarray
    factor: int
    tint: Tint | None
    enlarged: float
    mode: str
    metadata: Metadata
    note: str | None
    condition: tuple[float, float] | None = None  # of the picture, where the network is told
    response: Response | None = None  # that was undone in it

    @classmethod
    def of(
        cls,
        picture: DecodedImage,
        network: Any,
        *,
        place: bool = False,
        keep_sharpening: bool = False,
        keep_softness: bool = False,
    ) -> "Given":
        """Transparency goes over white. network: a model, or its larger one is taken (`choice.py`); place: keep where
        the picture was taken; keep_sharpening, keep_softness: what a program sharpened, or a lens left soft, stays as
        it is."""
        given = rgb = picture.over()
        state = CutState.of([_square(given)], told_quality(picture.quality))
        response = None
        if not (keep_sharpening and keep_softness):  # of what has a photo's pixels, as of one
            response = response_of(given, picture.quality) if state is None else state.response
            response = undone(response, keep_sharpening=keep_sharpening, keep_softness=keep_softness)
        if response is not None:
            rgb = unsharpened(given, response)
        network, detail = network_for(network, rgb, central_square(rgb))
        size = own_size(network, central_square(rgb), detail) or size_of(network)
        factor = -(-min(rgb.shape[:2]) // SHARPEST)
        metadata = picture.metadata or Metadata()
        kept = reduce(rgb, factor) if factor > 1 else rgb
        condition = _condition(given, picture.quality, rgb, state) if getattr(network, "told", False) else None
        return cls(
            network, face_to_lr(rgb, size), kept, factor, tint_of(rgb),
            HR_SIZE / min(rgb.shape[:2]), picture.mode, metadata if place else metadata.without_place(), picture.note,
            condition, response,
        )  # fmt: skip

    def save(self, image: np.ndarray, file: BinaryIO) -> None:
        """The result, uint8 (128, 128, 3), as PNG: grey as grey, with the picture's metadata."""
        shown = Image.fromarray(image)
        shown = shown.convert("L") if self.mode == "L" else shown
        self.metadata.save(shown, file, "PNG", self.enlarged)

    def in_picture(self, frame: Frame) -> Frame:
        """A frame of `rgb` -> the same in pixels of the picture."""
        x, y = ((v + 0.5) * self.factor - 0.5 for v in frame.centre)
        return Frame((x, y), frame.right, frame.side * self.factor)


def _condition(rgb: np.ndarray, quality: float | None, seen: np.ndarray, state: CutState | None) -> tuple[float, float]:
    """How rough a cut face is; seen: without its sharpening or softness. Of few pixels noise cannot be told."""
    if min(rgb.shape[:2]) >= MEASURED:
        return told(rgb, quality, seen)
    return max(told_quality(quality), state.compression if state is not None else 0.0), 0.0


def _square(rgb: np.ndarray) -> np.ndarray:
    """The pixels in its middle."""
    side = min(rgb.shape[:2])
    top, left = ((length - side) // 2 for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]


def restore_cut(given: Sequence[Given]) -> list[CutFace]:
    """N pictures, all of one network and size in one call of it, and as many more as some need: a face outside of what
    the network was trained on is cut again where the network saw it."""
    found: dict[int, CutFace] = {}
    alike: dict[tuple[int, int], list[int]] = {}
    for i, one in enumerate(given):
        alike.setdefault((id(one.network), len(one.lr)), []).append(i)
    for rows in alike.values():
        found |= zip(rows, _restore([given[i] for i in rows], given[rows[0]].network), strict=True)
    return [found[i] for i in range(len(given))]


def _restore(given: Sequence[Given], network: Any) -> list[CutFace]:
    trained = getattr(network, "trained", PAPER)
    faces = _look([one.lr for one in given], [central_square(one.rgb) for one in given], network, given)
    for look in range(SECOND_LOOKS):
        off = [i for i, face in enumerate(faces) if face.finite and not trained.holds(face.transform)]
        frames = [_again(faces[i], trained) for i in off]
        lr = [cut_lr(given[i].rgb, frame, len(given[i].lr)) for i, frame in zip(off, frames, strict=True)]
        for i, face in zip(off, _look(lr, frames, network, [given[i] for i in off]), strict=True):
            face.looks = look + 2
            faces[i] = face
    for one, face in zip(given, faces, strict=True):
        face.response = one.response
        if face.finite:
            face.doubt = doubt_of(face.transform, face.heatmaps, trained, size_of(network))
            if one.tint is not None:
                face.image = one.tint.apply(face.image)
    return faces


def _again(face: CutFace, trained: TrainedRange) -> Frame:
    frame = centred(face.frame, face.transform) if believable(face.transform, trained) else face.frame
    return upright_turn(frame, face.transform)


def _look(lr: Sequence[np.ndarray], frames: Sequence[Frame], network: Any, given: Sequence[Given]) -> list[CutFace]:
    """frames: in pixels of each one's `Given.rgb`"""
    if not frames:
        return []
    stacked = np.stack(lr)
    more = {}
    if getattr(network, "told", False):
        size = len(stacked[0])
        rows = [
            conditions(one.condition or (0.0, 0.0), [one.in_picture(frame)], size)
            for one, frame in zip(given, frames, strict=True)
        ]
        more["condition"] = np.concatenate(rows)
    result = network(stacked, **more)
    return [
        CutFace(frame, stacked[i], result.images[i], result.heatmaps[i], result.transforms[i])
        for i, frame in enumerate(frames)
    ]
