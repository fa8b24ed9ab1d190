"""Put a restored face back into its photo: turned, colour-matched, feathered, true to the photo's own detail."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from ..face.frame import Frame
from .mask import ends, face_mask
from .warp import (
    apply,
    blurring,
    compose,
    inverse,
    resize_planes,
    scaling,
    separable,
    transformed,
    transformed_rgb,
    upright_to_photo,
)
from .window import Sampling, Window

TONE = 0.10  # of the face's side: standard deviation of what counts as tone, taken from the photo
SMOOTH = 3.0  # pixels: the standard deviation that a tone has at least where it is computed
# The network saw 16 or 32 pixels a side. What the photo holds beyond that is put back: nothing for a face of FEW times
# as many (noise and JPEG blocks), all of it from MANY. Without it a face of 64 px loses 12 dB against Lanczos,
# with all of it it gains 0.4 dB (an early model, 24 faces).
FEW, MANY = 0.5, 1.5
PASSES = 3
LEAST = 1 / 512  # of the mask: below it no pixel changes by half a grey level


@dataclass(frozen=True)
class Restored:
    """One face to paste. image uint8 (128, 128, 3) upright; heatmaps float32 (4, R, R); transform (2, 3).

    detail: pixels across the frame that the photo fills with detail, None: all of them; seen: that the network saw
    """

    frame: Frame
    image: np.ndarray
    heatmaps: np.ndarray
    transform: np.ndarray
    detail: float | None = None
    seen: int = 16


class Canvas(Protocol):
    """What faces are pasted on where that is no picture of 8 bits, as a frame of HDR; values of 0..255, unrounded."""

    def crop(self, region: tuple[int, int, int, int]) -> np.ndarray: ...

    def put(self, pixels: np.ndarray, corner: tuple[int, int]) -> None: ...


def paste(
    canvas: Image.Image | Canvas,
    photo: np.ndarray,
    face: Restored,
    scale: int,
    *,
    strength: float = 1.0,
    keep_detail: float | None = None,
    trust_canvas: bool = False,
) -> tuple[int, int, int, int] | None:
    """Blends one face into `canvas`, the photo uint8 (or float32) (H, W, 3) enlarged by `scale`, in place.

    strength: 0 leaves the canvas, 1 is the network's face. keep_detail 0..1: how much of the photo's own
    detail finer than the network's input is put back; None decides by the face's size.
    trust_canvas: that detail is the canvas's, as of a network that took a JPEG's blocks out of it, not the photo's.
    Returns the region touched, (left, top, right, bottom) of the canvas; None where nothing of it is visible.
    """
    to_photo = upright_to_photo(face.frame, face.transform)
    rect = _rectangle(to_photo, photo.shape[1], photo.shape[0])
    if rect is None or strength <= 0:
        return None
    x0, y0, x1, y1 = rect
    region = tuple(v * scale for v in rect)
    shift = np.array([[1.0, 0, -x0], [0, 1.0, -y0]])
    to_region = compose(scaling(scale), compose(shift, to_photo))  # upright 128 -> region
    mask = face_mask(face.heatmaps)
    window = Window.around(ends(mask > LEAST), to_region, ((y1 - y0) * scale, (x1 - x0) * scale))
    if window is None:
        return region  # type: ignore[return-value]
    whole = _planes(canvas.crop(region))
    before = window.of(whole)

    corner = window.columns.start, window.rows.start
    to_window = compose(np.array([[1.0, 0, -corner[0]], [0, 1.0, -corner[1]]]), to_region)
    side = float(np.sqrt(abs(np.linalg.det(to_region[:, :2])))) * 128  # of the face on the canvas
    # What lies outside the square is 0; its mask is 0 there, too.
    (alpha,) = transformed([mask], inverse(to_window), window.size, Image.Resampling.BILINEAR)
    n = max(16, int(np.ceil(side))) if side < 128 else 128
    if n < 128:  # smaller on the canvas than the network made it: reduced first, against aliasing
        to_window = compose(to_window, inverse(scaling(n / 128)))
    change = _moved(face.image, n, inverse(to_window), window.size, rounded=isinstance(canvas, Image.Image)) - before
    change -= _tone(change, alpha, TONE * side)

    # Of a photo that was enlarged or is blurred, no more is asked than what it holds.
    held = 1.0 if face.detail is None else min(1.0, face.detail / face.frame.side)
    many = side / scale * held / face.seen
    detail = float(np.clip((many - FEW) / (MANY - FEW), 0, 1)) if keep_detail is None else keep_detail
    if detail > 0:
        # What the blend lacks of the photo, at the photo's own sampling, is enlarged and added, PASSES times; what it
        # lacks then follows from what was added. The canvas lacks nothing of itself.
        samples = tuple(max(1, round(v * held)) for v in (x1 - x0, y1 - y0))
        sampling = Sampling(window, samples)
        lacking = -sampling.down(alpha * change)
        if not trust_canvas:
            native = resize_planes(_planes(photo[y0:y1, x0:x1]), samples)
            lacking += sampling.of(native - resize_planes(whole, samples))
        added = lacking.copy()
        for _ in range(PASSES - 1):
            lacking -= detail * sampling.down(alpha * sampling.up(lacking))
            added += lacking
        change += detail * sampling.up(added)
    blended = before + strength * alpha * change
    if isinstance(canvas, Image.Image):
        np.rint(np.clip(blended, 0, 255, out=blended), out=blended)
        pixels = Image.fromarray(blended.transpose(1, 2, 0).astype(np.uint8, order="C"))
        canvas.paste(pixels, (region[0] + corner[0], region[1] + corner[1]))
    else:
        window.of(whole)[:] = blended
        canvas.put(np.ascontiguousarray(whole.transpose(1, 2, 0)), region[:2])
    return region  # type: ignore[return-value]


def _moved(image: np.ndarray, n: int, matrix: np.ndarray, size: tuple[int, int], rounded: bool) -> np.ndarray:
    """uint8 (128, 128, 3), brought to n pixels a side -> float32 (3, H, W) for size = (W, H) by a matrix from there.
    rounded: to levels on the way, which a canvas of 8 bits hardly shows, in 0.6 of the time."""
    if rounded:
        picture = Image.fromarray(image)
        return transformed_rgb(picture.resize((n, n), Image.Resampling.BICUBIC), matrix, size)
    return transformed(resize_planes(_planes(image), (n, n)), matrix, size)


def _planes(image: Image.Image | np.ndarray) -> np.ndarray:
    """(H, W, 3) -> float32 (3, H, W): each channel in one piece, which takes NumPy a part of the time."""
    return np.asarray(image).transpose(2, 0, 1).astype(np.float32, order="C")


def _rectangle(to_photo: np.ndarray, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Whole pixels of the photo around the upright square, clipped to it."""
    corners = apply(to_photo, [(-0.5, -0.5), (127.5, -0.5), (127.5, 127.5), (-0.5, 127.5)]) + 0.5
    if not np.isfinite(corners).all():
        return None
    x0, y0 = (int(v) for v in np.floor(corners.min(0)) - 1)
    x1, y1 = (int(v) for v in np.ceil(corners.max(0)) + 1)
    x0, y0, x1, y1 = max(0, x0), max(0, y0), min(width, x1), min(height, y1)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def _tone(difference: np.ndarray, alpha: np.ndarray, sigma: float) -> np.ndarray:
    """The smooth part of a difference (3, H, W) where the face is, alpha (H, W): brightness, colour, light from a side.
    So smooth that it is made of fewer pixels."""
    size = alpha.shape[::-1]
    factor = max(1, int(sigma / SMOOTH))
    weighted = np.concatenate([difference * alpha, alpha[None]])
    if factor > 1:
        few = tuple(max(4, v // factor) for v in size)
        weighted = resize_planes(weighted, few, Image.Resampling.BOX)
        sigma *= (few[0] / size[0] + few[1] / size[1]) / 2
    height, width = weighted.shape[1:]
    weighted = separable(blurring(height, sigma), weighted, blurring(width, sigma))
    weighted = resize_planes(weighted, size)
    return weighted[:3] / np.maximum(weighted[3], 1e-3)
