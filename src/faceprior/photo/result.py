"""What became of a photo and of its faces."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..face.frame import Frame
from .boxes import Detection
from .canvas import LANCZOS, CanvasReport
from .mask import Component
from .metadata import Metadata
from .sharpened import Sharpening
from .softened import Softness


@dataclass(repr=False, eq=False)
class PhotoFace:
    """A face of a photo and what became of it.

    number: in reading order, from 1; size: side of the cut square in pixels of the photo; detail: how many of them the
            photo fills with detail (`detail.py`), None where that was not asked
    detection: where it was found; frame: the square that was cut
    status: "restored", "left" with the reason, or "doubtful" with it: a cut face that is restored all the same
    network: the name of the one that drew it
    image:  the network's face, upright; lr: what it saw; heatmaps, transform: as of `Result`
    components: where eyes, nose, mouth and chin were taken to be, in pixels of the photo
    softness: how soft it was in a photo that is not, and was not restored, or None
    lr_consistency: PSNR between the face, reduced again, and the pixels that its network saw (`lr`)
    These are None or empty where it was left before the network saw it.
    """

    number: int
    detection: Detection
    frame: Frame
    status: str = "left"
    reason: str | None = None
    detail: float | None = None
    network: str | None = None
    lr: np.ndarray | None = None  #         uint8 (n, n, 3)
    image: np.ndarray | None = None  #      uint8 (128, 128, 3)
    heatmaps: np.ndarray | None = None  #   float32 (4, 64, 64)
    transform: np.ndarray | None = None  #  float32 (2, 3)
    components: list[Component] = field(default_factory=list)
    lr_consistency: float | None = None  #  dB
    softness: Softness | None = None

    @property
    def size(self) -> float:
        return self.frame.side

    @property
    def restored(self) -> bool:
        return self.status in ("restored", "doubtful")

    def __repr__(self) -> str:
        return f"PhotoFace({self.number}, {self.size:.0f} px, {self.status}{f': {self.reason}' if self.reason else ''})"

    def _repr_png_(self) -> bytes | None:
        """What the network saw, its face, its heatmaps: for notebooks."""
        from .sheet import face_row, png

        return png(face_row(self)) if self.image is not None else None


@dataclass(repr=False, eq=False)
class PhotoResult:
    """A photo before and after.

    before: uint8 (H, W, 3); photo: RGB, `scale` times as large; alpha: L of the photo's size, or None
    faces:  every face that was found, in reading order; `restored` are those that the network drew
    icc:    the photo's colour profile, or None
    notes:  what the user should know of this photo
    source: the photo's file, absolute, or None where it was none; about: model and version, for the JSON
    kind: "photo", or "cropped": `before` is then the square that was taken for a face, `photo` the upright face
    mode: "L" where the file of the photo held grey alone (`photo` has equal channels then), else "RGB"
    sharpening: what the photo was sharpened by and was not enlarged with, None where nothing was taken out
    softness: how soft the photo was and was not enlarged, None where it was not, or was left so
    deep: uint16 (scale H, scale W, 3), what `photo` is in 16 bits a channel, where the photo's file had as many, else
          None; it may be read-only. `save` writes it to PNG and TIFF; the other formats hold 8 bits
    """

    before: np.ndarray
    photo: Image.Image
    scale: float  # of a cut face what its square became
    faces: list[PhotoFace]
    alpha: Image.Image | None = None
    icc: bytes | None = None
    notes: list[str] = field(default_factory=list)
    source: Path | None = None
    about: dict[str, Any] = field(default_factory=dict)
    canvas: CanvasReport = LANCZOS  # how all but the faces was enlarged
    kind: str = "photo"
    mode: str = "RGB"
    metadata: Metadata = field(default_factory=Metadata)
    advice: list[str] = field(default_factory=list)  # how those faces are restored that were left for their size
    deep: np.ndarray | None = None
    sharpening: Sharpening | None = None
    softness: Softness | None = None

    @property
    def image(self) -> np.ndarray:
        """uint8 (scale H, scale W, 3), or 4 channels where the photo had alpha. 16 bits are in `deep` alone."""
        return np.asarray(self.with_alpha())

    def with_alpha(self) -> Image.Image:
        if self.alpha is None:
            return self.photo
        return Image.merge("RGBA", (*self.photo.split(), self.alpha))

    @property
    def restored(self) -> list[PhotoFace]:
        return [face for face in self.faces if face.restored]

    def save(
        self,
        folder: str | Path,
        name: str | None = None,
        *,
        sheet: bool = True,
        faces: bool = True,
        overwrite: bool = False,
    ) -> Path:
        """Writes what `faceprior upscale` writes into `folder`; -> the enlarged photo's file.

        name: as party.jpg, where it is not to be the photo's own; sheet: also party.sheet.png, every face at a glance;
        faces: also the folder party/, each face by itself; overwrite: replace earlier results, never the photo itself.
        """
        from .saving import save_result

        return save_result(self, Path(folder), name, sheet=sheet, faces=faces, overwrite=overwrite)

    def __repr__(self) -> str:
        height, width = self.before.shape[:2]
        name = f"{self.source.name!r}, " if self.source else ""
        return (
            f"PhotoResult({name}{width}x{height} -> {self.photo.width}x{self.photo.height}, "
            f"{len(self.restored)} of {len(self.faces)} faces restored)"
        )

    def _repr_png_(self) -> bytes:
        """Before and after, side by side, for notebooks."""
        from .sheet import before_and_after, png

        return png(before_and_after(self))
