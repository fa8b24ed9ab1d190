"""What a user chooses for a photo; checked once, errors name the flag."""

from dataclasses import dataclass

from ..errors import FacepriorError

# Pixels of an enlarged photo (4 bytes each in memory). Beyond it the scale is lowered, and that is said.
MAX_PIXELS = 200_000_000
CANVASES = ("auto", "network", "lanczos")


@dataclass(frozen=True)
class PhotoOptions:
    """Sizes are sides of the network's square in pixels of the photo, about 1.05 times the height of a face."""

    scale: int = 4  #                       how many times as large the photo becomes, 1..8
    strength: float = 1.0  #                0 leaves the enlarged photo, 1 puts the network's faces in
    min_size: float = 8.0  #                smaller faces are left as they are
    max_size: float = 60.0  #               larger faces are left as they are
    faces: tuple[int, ...] | None = None  # numbers in reading order from 1; None = all
    consistent: bool = False  #             make each face agree with the photo's own pixels exactly
    max_pixels: int = MAX_PIXELS
    canvas: str = "auto"  #                 what enlarges all but the faces: "network", "lanczos" or, by time, "auto"
    faces_only: bool = False  #             a photo without faces is not enlarged

    def __post_init__(self) -> None:
        if not (isinstance(self.scale, int) and 1 <= self.scale <= 8):
            raise FacepriorError(f"--scale {self.scale}: expected a whole number from 1 to 8")
        if not 0 <= self.strength <= 1:
            raise FacepriorError(f"--strength {self.strength}: expected 0 to 1")
        if not 4 <= self.min_size <= self.max_size:
            raise FacepriorError(
                f"--min-size {self.min_size:g}, --max-size {self.max_size:g}: expected 4 <= min <= max"
            )
        if self.canvas not in CANVASES:
            raise FacepriorError(f"--canvas {self.canvas}: expected {' or '.join(CANVASES[1:])}")
        if self.faces is not None and (not self.faces or min(self.faces) < 1):
            raise FacepriorError("--faces: expected numbers from 1, as in 1,3")
