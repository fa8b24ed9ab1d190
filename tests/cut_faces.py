"""What a network makes of pictures that are faces, by the package's own second look: for tests of what is around it."""

from collections.abc import Iterable

import numpy as np

from faceprior.photo.cutface import Given, restore_cut
from faceprior.photo.decode import DecodedImage


def restored(upscaler, pictures: Iterable[DecodedImage]) -> list[np.ndarray]:
    """uint8 (128, 128, 3) each."""
    return [face.image for face in restore_cut([Given.of(picture, upscaler) for picture in pictures])]
