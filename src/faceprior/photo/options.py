"""What a user chooses for a photo; checked once, errors name the flag."""

from dataclasses import dataclass
from typing import ClassVar

from ..errors import FacepriorError

# Pixels of an enlarged photo (4 bytes each in memory, of 16 bits 10). Beyond it the scale is lowered, and that is said.
MAX_PIXELS = 200_000_000
CANVASES = ("auto", "network", "faces", "lanczos")
# Of max_size, and the longest side of an image that is a portrait, an avatar, a thumbnail rather than a photo.
USUAL_MOST, LITTLE = 60.0, 256
KINDS = ("auto", "photo", "cropped")


@dataclass(frozen=True)
class PhotoOptions:
    """Sizes are sides of the network's square in pixels of the photo, about 1.05 times the height of a face."""

    LEAST: ClassVar[float] = 4.0  # of min_size

    scale: float = 4  #                     how many times as large the photo becomes, 1..8; fractions too
    strength: float = 1.0  #                0 leaves the enlarged photo, 1 puts the network's faces in
    min_size: float = 8.0  #                smaller faces are left as they are
    max_size: float = USUAL_MOST  #         faces of more detail are left; see `most`
    faces: tuple[int, ...] | None = None  # numbers in reading order from 1; None = all
    consistent: bool = False  #             make each face agree with the photo's own pixels exactly
    max_pixels: int = MAX_PIXELS
    canvas: str = "auto"  #                 what enlarges all but the faces, one of CANVASES, see `canvas.paint`
    faces_only: bool = False  #             a photo without faces is not enlarged
    kind: str = "auto"  #                   "photo", "cropped", or "auto": see `cutface.py`
    min_score: float = 0.0  #               faces of which the detector is less sure are left, 0..1
    keep_sharpening: bool = False  #        enlarge what a camera or a program sharpened as it is, see `sharpened.py`
    keep_softness: bool = False  #          enlarge what a lens or a scanner left soft as it is, see `softened.py`
    place: bool = False  #                  keep where the photo was taken (GPS) in the result's metadata

    @property
    def keeps(self) -> dict[str, bool]:
        """What became of a photo's waves that is not to be undone, as `softened.undone` and `Given.of` take it."""
        return {"keep_sharpening": self.keep_sharpening, "keep_softness": self.keep_softness}

    def most(self, height: int, width: int) -> float:
        """max_size for a photo of that size. In a little one the face is what it is about: unless another size was
        chosen, it is restored however large it is (the photo's own detail stays, so it loses nothing)."""
        return float("inf") if self.max_size == USUAL_MOST and max(height, width) <= LITTLE else self.max_size

    def __post_init__(self) -> None:
        if not (isinstance(self.scale, int | float) and 1 <= self.scale <= 8):
            raise FacepriorError(f"--scale {self.scale:g}: expected a number from 1 to 8")
        if self.scale == int(self.scale):
            object.__setattr__(self, "scale", int(self.scale))
        if not 0 <= self.strength <= 1:
            raise FacepriorError(f"--strength {self.strength}: expected 0 to 1")
        if not self.LEAST <= self.min_size <= self.max_size:
            raise FacepriorError(
                f"--min-size {self.min_size:g}, --max-size {self.max_size:g}: expected {self.LEAST:g} <= min <= max"
            )
        if self.canvas not in CANVASES:
            raise FacepriorError(f"--canvas {self.canvas}: expected {', '.join(CANVASES)}")
        if not 0 <= self.min_score <= 1:
            raise FacepriorError(f"--min-score {self.min_score:g}: expected 0 to 1")
        if self.kind not in KINDS:
            raise FacepriorError(f"kind {self.kind!r}: expected {', '.join(KINDS)}")
        if self.faces is not None and (not self.faces or min(self.faces) < 1):
            raise FacepriorError("--faces: expected numbers from 1, as in 1,3")
