"""A frame as it is stored, and as a detector, a network and `paste` want it: square pixels, 8 bits or their like."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from PIL import Image

from ..photo.enlarge import enlarge
from ..photo.warp import resize
from .colour import Colour
from .curve import seen_as, signal_of

LANCZOS = Image.Resampling.LANCZOS
REACH = 4  # pixels that the filters look at beyond an edge
EXTREME = 8  # a pixel that many times as wide as high, or as high as wide, is a broken tag


@dataclass
class Raster:
    """The pixels of a clip's upright frames.

    width, height: as stored; aspect: width of a pixel by its height; seen_size: width and height with square pixels,
    one of them larger than stored, none smaller: nothing is lost.
    """

    width: int
    height: int
    aspect: Fraction
    colour: Colour
    seen_size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        wide, high = max(self.aspect, Fraction(1)), max(1 / self.aspect, Fraction(1))
        self.seen_size = round(self.width * wide), round(self.height * high)

    @property
    def square(self) -> bool:
        return self.seen_size == (self.width, self.height)

    @property
    def plain(self) -> bool:
        """Whether a frame is what is seen of it."""
        return self.square and self.colour.bits == 8

    def seen(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 or uint16 (H, W, 3) -> uint8 (H', W', 3), as the detector and the network see it."""
        if self.colour.bits > 8:
            pixels = np.rint(np.minimum(seen_as(self.colour.transfer)[pixels], 255)).astype(np.uint8)
        return pixels if self.square else np.asarray(Image.fromarray(pixels).resize(self.seen_size, LANCZOS))

    def exact(self, pixels: np.ndarray) -> np.ndarray:
        """The same before it was rounded: float32 (H', W', 3) of what has more than 8 bits."""
        if self.colour.bits == 8:
            return self.seen(pixels)
        return resize(seen_as(self.colour.transfer)[pixels], self.seen_size, LANCZOS)


class FrameCanvas:
    """An enlarged frame that faces are pasted on, by `paste` of photos, in square pixels and values of 0..255.

    pixels: uint8 or uint16 (scale H, scale W, 3), as stored. Where no face is, they are those of the plain
    enlargement: only what a face changes is brought from square pixels to stored ones.
    """

    def __init__(self, pixels: np.ndarray, raster: Raster, scale: int):
        self.raster = raster
        self.pixels = enlarge_deep(pixels, scale) if pixels.itemsize > 1 else np.array(enlarge(pixels, scale))
        height, width = self.pixels.shape[:2]
        # Stored pixels for one square one.
        self._x = width / (raster.seen_size[0] * scale)
        self._y = height / (raster.seen_size[1] * scale)
        self._cropped: np.ndarray | None = None

    def crop(self, region: tuple[int, int, int, int]) -> np.ndarray:
        """left, top, right, bottom in square pixels -> float32 (h, w, 3)."""
        x0, y0, x1, y1 = region
        left, top, right, bottom = self._stored(region)
        inside = self._values(left, top, right, bottom)
        box = (x0 * self._x - left, y0 * self._y - top, x1 * self._x - left, y1 * self._y - top)
        self._cropped = _resized(inside, (x1 - x0, y1 - y0), box)
        return self._cropped

    def put(self, pixels: np.ndarray, corner: tuple[int, int]) -> None:
        """float32 (h, w, 3) in place of what was cropped last, at its left upper corner."""
        x0, y0 = corner
        h, w = pixels.shape[:2]
        left, top, right, bottom = self._stored((x0, y0, x0 + w, y0 + h))
        # In square pixels from the left upper corner of the change; beyond it nothing changes.
        box = (left / self._x - x0, top / self._y - y0, right / self._x - x0, bottom / self._y - y0)
        pad = int(np.ceil(max(-box[0], -box[1], box[2] - w, box[3] - h, 0))) + REACH
        change = np.pad(pixels - self._cropped, ((pad, pad), (pad, pad), (0, 0)))
        change = _resized(change, (right - left, bottom - top), tuple(v + pad for v in box))
        values = self._values(left, top, right, bottom) + change
        part = np.s_[top:bottom, left:right]
        if self.pixels.itemsize == 1:
            self.pixels[part] = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
        else:  # what no face touched stays to the bit
            touched = np.abs(change).max(-1, keepdims=True) > 0
            self.pixels[part] = np.where(touched, signal_of(values, self.raster.colour.transfer), self.pixels[part])

    def _stored(self, region: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Whole stored pixels around a region of square ones."""
        x0, y0, x1, y1 = region
        height, width = self.pixels.shape[:2]
        grown = 0 if self.raster.square else REACH
        return (
            max(0, int(np.floor(x0 * self._x)) - grown),
            max(0, int(np.floor(y0 * self._y)) - grown),
            min(width, int(np.ceil(x1 * self._x)) + grown),
            min(height, int(np.ceil(y1 * self._y)) + grown),
        )

    def _values(self, left: int, top: int, right: int, bottom: int) -> np.ndarray:
        pixels = self.pixels[top:bottom, left:right]
        if pixels.itemsize == 1:
            return pixels.astype(np.float32)
        return seen_as(self.raster.colour.transfer)[pixels]


def enlarge_deep(pixels: np.ndarray, scale: int) -> np.ndarray:
    """uint16 (H, W, 3) -> (scale H, scale W, 3), by Lanczos, each channel for itself."""
    height, width = pixels.shape[:2]
    out = np.empty((height * scale, width * scale, 3), np.uint16)
    for c in range(3):
        plane = resize(pixels[..., c].astype(np.float32), (width * scale, height * scale), LANCZOS)
        out[..., c] = np.rint(np.clip(plane, 0, 65535))
    return out


def _resized(values: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    """float32 (h, w, 3), a box of it -> (H, W, 3) for size = (W, H)."""
    h, w = values.shape[:2]
    if box == (0, 0, w, h) and size == (w, h):
        return values
    box = (max(0.0, box[0]), max(0.0, box[1]), min(float(w), box[2]), min(float(h), box[3]))
    planes = [
        np.asarray(Image.fromarray(np.ascontiguousarray(values[..., c], np.float32)).resize(size, LANCZOS, box=box))
        for c in range(3)
    ]
    return np.stack(planes, -1)
