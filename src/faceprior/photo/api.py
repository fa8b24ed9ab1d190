"""`faceprior.upscale("party.jpg")`: a photo in any form -> a `PhotoResult`, with the default model and detector."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import FacepriorError
from ..runtime.upscaler import Upscaler, load
from .boxes import Detection
from .decode import DecodedImage, read_image
from .detect import make_detector
from .options import PhotoOptions
from .pipeline import Detector, PhotoResult, upscale_photo

Photo = str | Path | np.ndarray | Image.Image | DecodedImage


def upscale(
    photo: Photo,
    *,
    model: Upscaler | str | Path | None = None,
    detector: Detector | Sequence[Detection] | str = "auto",
    detector_weights: str | Path | None = None,
    warn: Callable[[str], None] | None = None,
    **options: Any,
) -> PhotoResult:
    """Finds the small faces of a photo, restores them and puts them back.

    photo:    a file, uint8 (H, W, 3) RGB, or an image of Pillow
    model:    an `Upscaler`, or what `load` takes
    detector: "auto", "yunet", "embedded", a function, or the faces themselves
    options:  of `PhotoOptions`: scale, strength, min_size, max_size, faces, consistent
    """
    try:
        chosen = PhotoOptions(**options)
    except TypeError as error:
        raise FacepriorError(f"upscale: {error}") from None
    picture = decoded(photo)
    network = model if isinstance(model, Upscaler) else _model(model)
    if isinstance(detector, str):
        detector = _detector(detector, detector_weights, warn)
    return upscale_photo(picture, network, detector, chosen)


def decoded(photo: Photo) -> DecodedImage:
    """FacepriorError, of one line, where it is no picture."""
    if isinstance(photo, DecodedImage):
        return photo
    if isinstance(photo, str | Path):
        return read_image(photo)
    if isinstance(photo, Image.Image):
        alpha = np.asarray(photo.convert("RGBA").getchannel("A")) if photo.has_transparency_data else None
        return DecodedImage(np.asarray(photo.convert("RGB")), alpha, photo.info.get("icc_profile"))
    pixels = np.asarray(photo)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
        raise FacepriorError(f"photo: expected a file or uint8 (H, W, 3) RGB, got {pixels.dtype} {pixels.shape}")
    return DecodedImage(pixels)


@lru_cache(maxsize=2)
def _model(model: str | Path | None) -> Upscaler:
    return load(model)


# Not cached where it warns: each call that makes do with the embedded detector says so.
def _detector(kind: str, weights: str | Path | None, warn: Callable[[str], None] | None) -> Detector:
    if warn is None:
        import warnings

        def warn(text: str) -> None:
            warnings.warn(text, stacklevel=4)

    return make_detector(kind, weights=weights, warn=warn)
