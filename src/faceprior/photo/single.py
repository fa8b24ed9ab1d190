"""`model.restore(image)`: one picture of one face, of any size and kind -> a `FaceResult`."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import FacepriorError
from ..face.similarity import similarity_parameters
from ..files import write_atomically
from ..runtime.pictures import overlay, panels
from .cropped import IDENTITY
from .cutface import Given, restore_cut
from .given import Picture, decoded
from .mask import Component, components
from .metadata import Metadata
from .sharpened import Sharpening
from .sheet import png
from .softened import Softness, named

if TYPE_CHECKING:
    from ..runtime.upscaler import Upscaler


@dataclass(frozen=True, repr=False, eq=False)
class FaceResult:
    """One restored face.

    image:      uint8 (128, 128, 3), RGB, upright
    heatmaps:   float32 (4, 64, 64), about [0, 1], upright: eyes, nose, mouth, chin
    transform:  float32 (2, 3), normalised upright coordinates -> normalised input coordinates
    lr:         uint8 (n, n, 3), what the network saw: the face's own pixels, 8 to 48, or those of the model's one size
    components: where each component was taken to be, in pixels of `image`
    note:       what the user should know of the input (a frame of an animation, a scaled depth), or None
    doubt:      why the result is not to be trusted, or None
    looks:      how often it was cut: again where the network saw it beyond what it was trained on
    sharpening: what the picture was sharpened by, which was taken out of it first, or None
    softness:   how soft it was, which was made good first, or None
    scale, mode, metadata: as of `PhotoResult`: what the picture's square became; "L" where it was grey alone, "RGB"
    """

    image: NDArray[np.uint8]
    heatmaps: NDArray[np.float32]
    transform: NDArray[np.float32]
    lr: NDArray[np.uint8]
    components: list[Component]
    note: str | None = None
    doubt: str | None = None
    looks: int = 1
    sharpening: Sharpening | None = None
    scale: float = 1.0
    mode: str = "RGB"
    metadata: Metadata = field(default_factory=Metadata)
    softness: Softness | None = None

    @property
    def angle(self) -> float:
        """Degrees by which the face was tilted, as the network saw it."""
        return float(similarity_parameters(self.transform)[0])

    @property
    def overlay(self) -> NDArray[np.uint8]:
        """uint8 (128, 128, 3): the face with its four components in colour."""
        return overlay(self.image, self.heatmaps)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """The 128x128 face as a PNG, grey where the picture was, with what its file said. FacepriorError where `path`
        exists, unless `overwrite`."""
        target = Path(path)
        if target.suffix.lower() != ".png":
            raise FacepriorError(f"{target}: a face is written as .png")
        # False, where Path raises, of a name that is too long: writing says that.
        if os.path.exists(target) and not overwrite:  # noqa: PTH110
            raise FacepriorError(f"{target}: exists; overwrite=True replaces it")
        face = Image.fromarray(self.image)
        face = face.convert("L") if self.mode == "L" else face
        write_atomically(target, lambda file: self.metadata.save(face, file, "PNG", self.scale))
        return target

    def __repr__(self) -> str:
        seen = ", ".join(c.name for c in self.components if c.visible) or "no component"
        doubt = f"; doubtful: {self.doubt}" if self.doubt else ""
        return f"FaceResult(128x128, tilted by {self.angle:.1f} degrees; sees {seen}{doubt})"

    def _repr_png_(self) -> bytes:
        """What the network saw, its face, its heatmaps: for notebooks."""
        seen = f"{len(self.lr)}x{len(self.lr)}", self.lr
        return png(panels([seen, ("128x128", self.image), ("heatmaps", self.overlay)], 192))


def restore_face(
    upscaler: "Upscaler", picture: Picture, *, keep_sharpening: bool = False, keep_softness: bool = False
) -> FaceResult:
    """The picture's central square, as the command takes a cropped face; transparency over white. A model with a larger
    one (`Upscaler.larger`) gives it to the one that suits it."""
    given = Given.of(decoded(picture), upscaler, keep_sharpening=keep_sharpening, keep_softness=keep_softness)
    (face,) = restore_cut([given])
    if not face.finite:
        raise FacepriorError(f"model {upscaler.info.name!r}: the network gave numbers that are not finite")
    seen = components(face.heatmaps, IDENTITY)
    return FaceResult(
        face.image, face.heatmaps, face.transform, face.lr, seen, given.note, face.doubt, face.looks,
        scale=given.enlarged, mode=given.mode, metadata=given.metadata, **named(given.response),
    )  # fmt: skip
