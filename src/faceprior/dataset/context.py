"""The context crop: what a shard keeps of a photo.

The upright frame grown by 224/128, rendered at 224x224: HR is its central 128x128, and every LR of the protocol
lies inside. Anti-aliased bicubic, edges replicated (the protocol of the paper's section 4.1 as this project
fixes it).
"""

import io
from math import ceil

import numpy as np
from PIL import Image

from ..face.frame import Frame

CONTEXT = 224
HR = 128
OFFSET = (CONTEXT - HR) // 2
JPEG_QUALITY = 92  # 4:4:4; measured: 38.5 dB or more on every conformance face, 15 KB a face
_REACH = 4  # pixels that the bicubic kernel, and rounding, may read beyond the frame


def context_frame(landmarks: np.ndarray) -> Frame:
    """Landmarks (68, 2) in pixels of a photo -> the context's frame. Raises ValueError as `Frame.from_landmarks`."""
    return Frame.from_landmarks(landmarks).grown(CONTEXT / HR)


def render(image: Image.Image, frame: Frame, size: int = CONTEXT) -> Image.Image:
    """A frame of an RGB image -> RGB size x size.

    Each pixel is the mean of k x k bicubic samples, at least two for each pixel of the image it spans. (Against
    the conformance vectors that mean reaches 49-51 dB where Pillow's own bicubic reduction reaches 43-49.)
    Where a pixel spans very many, the image is first averaged in blocks, so that the work is bounded by the
    result and not by the photo.
    """
    shrink = max(1, int(frame.side / size) // 4)
    image, origin = _region(image, frame, shrink)
    k = 2 * max(1, ceil(frame.side / shrink / size - 1e-6))
    m = frame.matrix(size * k)
    # Image pixels to region pixels (centres at whole numbers); Pillow counts from corners, hence the halves.
    a, t = m[:, :2] / shrink, (m[:, 2] - origin + 0.5) / shrink
    c = t - a @ np.full(2, 0.5)
    data = (a[0, 0], a[0, 1], c[0], a[1, 0], a[1, 1], c[1])
    big = image.transform((size * k, size * k), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return big.reduce(k)


def _region(image: Image.Image, frame: Frame, shrink: int) -> tuple[Image.Image, np.ndarray]:
    """The part of the image that the frame reads, edges replicated, averaged in blocks of `shrink`.

    Returns it and the image pixel (x, y) of its first pixel before averaging.
    """
    corners = frame.to_image(np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]), 1)
    low = np.floor(corners.min(0)).astype(int) - _REACH * shrink
    high = np.ceil(corners.max(0)).astype(int) + _REACH * shrink
    high += -(high - low) % shrink
    size = np.array(image.size)
    inner_low = np.clip(low, 0, size - 1)
    inner_high = np.clip(high, inner_low + 1, size)
    inner = np.asarray(image.crop((*inner_low.tolist(), *inner_high.tolist())))
    (left, top), (right, bottom) = inner_low - low, high - inner_high
    padded = np.pad(inner, ((top, bottom), (left, right), (0, 0)), mode="edge")
    region = Image.fromarray(padded)
    return (region.reduce(shrink) if shrink > 1 else region), low


def encode(context: Image.Image) -> bytes:
    """RGB 224x224 -> JPEG bytes, as a shard keeps them."""
    out = io.BytesIO()
    context.save(out, "JPEG", quality=JPEG_QUALITY, subsampling=0, optimize=True)
    return out.getvalue()
