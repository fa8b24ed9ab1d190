"""`faceprior.upscale("party.jpg")`: a photo in any form -> a `PhotoResult`, with the default model and detector."""

import math
import operator
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from .._version import __version__
from ..errors import FacepriorError, FacepriorWarning
from ..runtime.threads import thread_count
from ..runtime.upscaler import Upscaler
from .boxes import Detection, as_detections, read_boxes
from .canvas import canvas_loader
from .decode import any_number_of_pixels
from .detect import make_detector
from .given import Picture, decoded
from .kept import model_for
from .options import PhotoOptions
from .pipeline import Detector, upscale_photo
from .result import PhotoResult
from .words import Line, in_python, python_words

Box = tuple[float, float, float, float]  # x, y, width, height in pixels of the photo


class UpscaleOptions(TypedDict, total=False):
    """The keywords of `upscale` but for the model's: what `Upscaler.photo` takes."""

    scale: float
    strength: float
    min_size: float
    max_size: float
    faces: Sequence[int] | None
    consistent: bool
    canvas: str
    boxes: str | Path | Sequence[Detection | Box] | None
    detector: str | Detector
    detector_weights: str | Path | None
    offline: bool
    any_turn: bool
    cropped: bool
    photos: bool
    min_score: float
    keep_gps: bool
    keep_sharpening: bool
    keep_softness: bool
    pixel_limit: bool
    warn: Callable[[str], None] | None


def upscale(
    photo: Picture,
    *,
    model: Upscaler | str | Path | None = None,
    sharp: bool = False,
    sharpness: float | None = None,
    scale: float = 4,
    strength: float = 1.0,
    min_size: float = 8.0,
    max_size: float = 60.0,
    faces: Sequence[int] | None = None,
    consistent: bool = False,
    canvas: str = "auto",
    boxes: str | Path | Sequence[Detection | Box] | None = None,
    detector: str | Detector = "auto",
    detector_weights: str | Path | None = None,
    offline: bool = False,
    any_turn: bool = False,
    cropped: bool = False,
    photos: bool = False,
    min_score: float = 0.0,
    keep_gps: bool = False,
    keep_sharpening: bool = False,
    keep_softness: bool = False,
    device: str = "auto",
    threads: int | None = None,
    backend: str = "auto",
    precision: str = "f32",
    pixel_limit: bool = True,
    warn: Callable[[str], None] | None = None,
) -> PhotoResult:
    """Finds the small faces of a photo, restores them and puts them back. The keywords are the command's flags.

    photo:      a file, its bytes, an image of Pillow, or uint8 (H, W), (H, W, 3) RGB or (H, W, 4) RGBA
    model:      an `Upscaler`, or what `load` takes; sharp, sharpness, device, threads, backend, precision: as of
                `load`, of a model that is not loaded yet (what contradicts one that is, is refused). The model of the
                last calls is kept until its file changes
    scale:      how many times as large the photo becomes, 1..8; fractions too
    strength:   0 the photo enlarged, 1 the restored faces
    min_size, max_size: sides of the cut square, in pixels of the photo (about 1.05 times a face's height); smaller and
                larger faces are left as they are; max_size counts the pixels that hold detail
    faces:      only these, numbered in reading order from 1; None: all
    consistent: make each face agree with the photo's own pixels
    canvas:     what enlarges all but the faces: "network", "faces" (the network around them, Lanczos beyond),
                "lanczos", or "auto": the network where that takes up to a minute, else "faces"
    boxes:      the faces themselves instead of a detector: (x, y, width, height) each, `Detection`s, or a JSON file
    detector:   "auto", "yunet", "embedded" (no download), or a function: uint8 (H, W, 3) -> list of `Detection`
    detector_weights: YuNet's file, else $FACEPRIOR_DETECTOR_WEIGHTS or fetched once; offline: fetch nothing
    any_turn:   find faces of every turn in one photo; one that lies on its side as a whole is noticed by itself
    cropped, photos: it is one face that is cut out; it is none, however small. Neither: a cut face only where no face
                is found and it is small and about square (`result.kind` says which)
    min_score:  leave faces of which the detector is less sure, 0..1
    keep_gps:   keep where the photo was taken in the result's metadata
    keep_sharpening: enlarge what a camera or a program sharpened as it is; else that is measured and taken out first
    keep_softness: enlarge a photo that a lens or a scanner left soft as soft as it is; else that is made good first
    pixel_limit: refuse files of more than 179 megapixels, which may be decompression bombs
    warn:       is given what the user should know (the embedded detector took over); None: a FacepriorWarning
    Raises FacepriorError, of one line, for what a user can mend.
    """
    with in_python():
        if cropped and photos:
            raise FacepriorError("cropped and photos: choose one")
        if cropped and boxes is not None:
            raise FacepriorError("boxes: is for photos; it does not go with cropped")
        threads = None if threads is None else thread_count(threads)
        chosen = PhotoOptions(
            _number("scale", scale),
            _number("strength", strength),
            _number("min_size", min_size),
            _number("max_size", max_size),
            None if faces is None else _numbers(faces),
            bool(consistent),
            canvas=canvas,
            kind="cropped" if cropped else "photo" if photos else "auto",
            min_score=_number("min_score", min_score),
            place=bool(keep_gps),
            keep_sharpening=bool(keep_sharpening),
            keep_softness=bool(keep_softness),
        )
        with any_number_of_pixels(not pixel_limit):
            picture = decoded(photo)
        found = _found(photo, boxes, detector, detector_weights, offline, any_turn, threads, warn)
        network = model_for(
            model, sharp=bool(sharp), sharpness=None if sharpness is None else _number("sharpness", sharpness),
            device=device, threads=threads, backend=backend, precision=precision,
        )  # fmt: skip
        painter = canvas_loader(backend=backend, threads=threads, precision=precision)
        result = upscale_photo(picture, network, found, chosen, canvas=painter)
    # Absolute: `save` never writes over it, also where the program has gone to another folder since.
    result.source = Path(os.fsdecode(photo)).absolute() if isinstance(photo, str | os.PathLike) else None
    result.notes, result.advice = [*map(Line.of, result.notes)], [*map(Line.of, result.advice)]
    result.about = {"faceprior": __version__, "model": asdict(network.info)}
    return result


def _found(
    photo: Picture,
    boxes: str | Path | Sequence[Detection | Box] | None,
    detector: str | Detector,
    weights: str | Path | None,
    offline: bool,
    any_turn: bool,
    threads: int | None,
    warn: Callable[[str], None] | None,
) -> Detector | list[Detection]:
    if isinstance(boxes, str) and not boxes:
        raise FacepriorError("boxes: an empty name; give boxes, or a JSON file")
    if isinstance(boxes, str | Path):
        return read_boxes(Path(boxes), Path(os.fsdecode(photo)) if isinstance(photo, str | os.PathLike) else None)
    if boxes is not None:
        return as_detections(boxes, "boxes")
    if not isinstance(detector, str):
        if not callable(detector):
            raise FacepriorError("detector: expected auto, yunet, embedded or a function; faces go into boxes")
        return lambda rgb: as_detections(detector(rgb), "detector")
    if detector == "embedded" and weights is not None:
        raise FacepriorError("detector_weights: are of YuNet; the embedded detector takes none")

    # Not cached: each call that makes do with the embedded detector says so.
    def said(text: str) -> None:
        if warn is not None:
            warn(python_words(text))
        else:
            warnings.warn(python_words(text), FacepriorWarning, stacklevel=5)

    return make_detector(detector, weights=weights, any_turn=any_turn, threads=threads, offline=offline, warn=said)


def _number(name: str, value: Any, *, whole: bool = False) -> Any:
    """A number of Python, also from NumPy's; FacepriorError for text, booleans and NaN."""
    try:
        if isinstance(value, bool | str):
            raise TypeError
        number = operator.index(value) if whole else float(value)
    except (TypeError, ValueError, OverflowError):
        got = f"{value!r:.80}"
        raise FacepriorError(f"{name}: expected a {'whole ' * whole}number, got {got}") from None
    if math.isnan(number):
        raise FacepriorError(f"{name}: expected a number, got nan")
    return number


def _numbers(faces: Any) -> tuple[int, ...]:
    try:
        if isinstance(faces, str):
            raise TypeError
        given = list(faces)
    except TypeError:
        raise FacepriorError(f"faces: expected numbers from 1, as [1, 3], got {faces!r}") from None
    return tuple(_number("faces", face, whole=True) for face in given)
