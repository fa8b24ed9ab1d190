"""One face of a photo, near enough to see what changed: the same square before and after."""

from PIL import Image

from ..photo.result import PhotoFace, PhotoResult

SIDE = 640  # pixels of each picture
AROUND = 1.7  # sides of the cut square: the face, its hair, a little of what is behind


def closeup(result: PhotoResult, face: PhotoFace) -> tuple[Image.Image, Image.Image]:
    """(enlarged without the network, restored), both SIDE x SIDE; at the photo's edge the square is moved inwards."""
    width, height = result.before.shape[1], result.before.shape[0]
    side = min(AROUND * face.size, width, height)
    x, y = (c + 0.5 for c in face.frame.centre)  # pixel centres are whole numbers, the box counts edges
    left = min(max(x - side / 2, 0.0), width - side)
    top = min(max(y - side / 2, 0.0), height - side)
    box = (left, top, left + side, top + side)
    size = (SIDE, SIDE)
    before = Image.fromarray(result.before).resize(size, Image.Resampling.BICUBIC, box)
    scaled = tuple(v * result.scale for v in box)
    return before, result.photo.resize(size, Image.Resampling.BICUBIC, scaled)
