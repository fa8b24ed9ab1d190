"""Where an upright 128x128 face lies in a photo, and moving pixels between the two (NumPy and Pillow).

Matrices are float64 (2, 3) between pixels whose centres are whole numbers, from 0.
"""

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..resampling import pillow_bicubic

MATRIX = 320  # pixels: up to here a product of matrices is faster than Pillow, which takes channels one by one


def upright_to_photo(frame: Frame, transform: np.ndarray, size: int = 128) -> np.ndarray:
    """Pixels of the upright output (`size` a side) -> pixels of the photo, float64 (2, 3).

    frame: what was cut from the photo; transform (2, 3): upright normalised -> cut normalised (STN).
    """
    t = np.asarray(transform, np.float64)
    # pixel of the output -> normalised
    a = t[:, :2] * (2 / size)
    b = t[:, :2] @ np.full(2, 1 / size - 1) + t[:, 2]
    axes = np.array([frame.right, frame.down]).T * (frame.side / 2)
    return np.column_stack([axes @ a, axes @ b + np.array(frame.centre)])


def transform_between(cut: Frame, upright: Frame) -> np.ndarray:
    """The (2, 3) transform that an STN without error predicts: normalised `upright` -> normalised `cut`."""
    u, c = (np.array([f.right, f.down]).T * (f.side / 2) for f in (upright, cut))
    to_cut = np.linalg.inv(c)
    return np.column_stack([to_cut @ u, to_cut @ (np.array(upright.centre) - cut.centre)])


def upright_to_cut(transform: np.ndarray, size: int = 128, cut_size: int = 128) -> np.ndarray:
    """Pixels of the upright output -> pixels of the cut, float64 (2, 3)."""
    return upright_to_photo(Frame(((cut_size - 1) / 2,) * 2, (1.0, 0.0), float(cut_size)), transform, size)


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(2, 3) and (..., 2) -> (..., 2)."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: np.ndarray) -> np.ndarray:
    a = np.linalg.inv(matrix[:, :2])
    return np.column_stack([a, -a @ matrix[:, 2]])


def compose(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """The matrix that applies `inner` first."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def scaling(factor: float) -> np.ndarray:
    """Pixel centres of a picture -> pixel centres of the picture `factor` times as large."""
    return np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]])


def warp(
    image: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BICUBIC,
    *,
    repeat: bool = True,
) -> np.ndarray:
    """float32 (h, w[, C]) -> float32 (H, W[, C]) for size = (W, H).

    `matrix` maps pixels of the result to pixels of `image`. Outside: edges repeated, or zero. No
    anti-aliasing: reduce the image first where the result is much smaller.
    """
    # Zeros or edges beyond the border, so that bicubic has its four neighbours up to the very edge.
    pad = max(8, max(image.shape[:2]) // 4) if repeat else 2
    shift = np.array([[1.0, 0, pad], [0, 1.0, pad]])
    m = compose(shift, matrix)
    a, t = m[:, :2], m[:, 2] + 0.5 - m[:, :2] @ [0.5, 0.5]  # Pillow counts from the edge of the first pixel
    data = (a[0, 0], a[0, 1], t[0], a[1, 0], a[1, 1], t[1])
    planes = image[..., None] if image.ndim == 2 else image
    out = np.empty((size[1], size[0], planes.shape[2]), np.float32)
    for c in range(planes.shape[2]):
        plane = np.pad(planes[..., c].astype(np.float32), pad, mode="edge" if repeat else "constant")
        out[..., c] = np.asarray(
            Image.fromarray(plane).transform(size, Image.Transform.AFFINE, data, resample), np.float32
        )
    return out[..., 0] if image.ndim == 2 else out


def resize(
    image: np.ndarray, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    """float32 (h, w[, C]) -> (H, W[, C]) for size = (W, H), anti-aliased, unrounded."""
    if image.shape[1::-1] == size:
        return image.astype(np.float32)
    if resample == Image.Resampling.BICUBIC and max(*image.shape[:2], *size) <= MATRIX:
        return _product(np.ascontiguousarray(image, np.float32), size)
    planes = image[..., None] if image.ndim == 2 else image
    done = [
        np.asarray(Image.fromarray(np.ascontiguousarray(planes[..., c], np.float32)).resize(size, resample))
        for c in range(planes.shape[2])
    ]
    return done[0].copy() if image.ndim == 2 else np.stack(done, -1)


def _product(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """`resize` by the matrices of its filter, all channels at once: of a face's few pixels the faster way."""
    down, across = pillow_bicubic(image.shape[0], size[1]), pillow_bicubic(image.shape[1], size[0])
    rows = (down @ image.reshape(image.shape[0], -1)).reshape(size[1], *image.shape[1:])
    return across @ rows if image.ndim == 3 else rows @ across.T


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """float32 (H, W[, C]) -> the same, Gaussian (three box means in a row), edges repeated."""
    radius = max(1, round(sigma * 0.95))  # three boxes of 2r+1: variance r(r+1)
    out = image.astype(np.float32)
    for axis in (0, 1):
        for _ in range(3):
            pads = [(0, 0)] * out.ndim
            pads[axis] = (radius + 1, radius)
            total = np.cumsum(np.pad(out, pads, mode="edge"), axis=axis, dtype=np.float64)
            n = out.shape[axis]
            high = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + n), axis)
            low = np.take(total, np.arange(n), axis)
            out = ((high - low) / (2 * radius + 1)).astype(np.float32)
    return out
