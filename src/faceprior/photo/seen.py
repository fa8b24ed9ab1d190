"""What the networks are given of a photo: its pixels without what sharpened them, or left them or single faces soft."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .cutstate import CutState, squares_of
from .decode import DecodedImage
from .options import PhotoOptions
from .quality import told_quality
from .sharpened import SIDES, Sharpening
from .softened import Response, Softness, most_of, raised, response_of, undone
from .unsharpen import FADED, unsharpened, unsharpened_at

if TYPE_CHECKING:
    from .result import PhotoFace

SURE = SIDES[1]  # pixels of the shorter side: in smaller photos the faces tell more of sharpening than the rest


@dataclass(frozen=True)
class Seen:
    """rgb: uint8 (H, W, 3); response: of the whole photo, that was undone in it; soft: faces that were soft where the
    photo is not, and are not now: each has its `softness`."""

    rgb: np.ndarray
    response: Response | None = None
    soft: Sequence["PhotoFace"] = ()

    @classmethod
    def of(cls, picture: DecodedImage, scale: float, options: PhotoOptions, faces: Sequence["PhotoFace"]) -> "Seen":
        """faces: those that are to be restored. At scale 1 all but them stays, and they are to look like the rest."""
        rgb = picture.rgb
        if scale == 1 or options.consistent or (options.keep_sharpening and options.keep_softness):
            return cls(rgb)
        response = undone(_response(picture, faces), **options.keeps)
        if response is not None:
            return cls(unsharpened(rgb, response), response)
        soft = [] if options.keep_softness else [face for face in faces if _is_soft(face, picture)]
        return cls(unsharpened_at(rgb, ((face.frame, face.softness) for face in soft)) if soft else rgb, None, soft)


def _response(picture: DecodedImage, faces: Sequence["PhotoFace"]) -> Response | None:
    found, small = response_of(picture.rgb, picture.quality), min(picture.rgb.shape[:2]) < SURE
    if not small and not isinstance(found, Softness):
        return found
    state = CutState.of(squares_of(picture.rgb, (face.frame for face in faces)), told_quality(picture.quality))
    if state is None:
        return found
    if small and (state.sharpening is not None or isinstance(found, Sharpening)):
        return state.sharpening
    return found if state.may_be_soft else None


def _is_soft(face: "PhotoFace", picture: DecodedImage) -> bool:
    """Written on the face, too."""
    state = CutState.of(squares_of(picture.rgb, [face.frame]), told_quality(picture.quality))
    found = None if state is None else state.softness_alone
    if found is not None:  # what is around the face is raised, too, where grain shows more
        (around,) = squares_of(picture.rgb, [face.frame.grown(2 * FADED)])
        face.softness = raised(-found.fine, -found.middle, min(found.most, most_of(around)))
    return face.softness is not None
