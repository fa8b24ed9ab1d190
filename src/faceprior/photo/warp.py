"""Where an upright 128x128 face lies in a photo, and moving pixels between the two (NumPy and Pillow).

Matrices are float64 (2, 3) between pixels whose centres are whole numbers, from 0.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from ..face.frame import Frame
from ..resampling import pillow_bicubic

MATRIX = 320  # pixels: up to here a product of matrices is faster than Pillow, which takes channels one by one
# Multiplications of one product of matrices up to which NumPy's BLAS (OpenBLAS) starts no threads. It knows nothing of
# `threads`, and on a busy machine products of this size take several times as long on two threads as on one.
ALONE = 2**19 - 1


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
    if image.ndim == 2:
        return warp_planes(image[None], matrix, size, resample, repeat=repeat)[0]
    out = warp_planes(np.moveaxis(image, 2, 0), matrix, size, resample, repeat=repeat)
    return np.ascontiguousarray(np.moveaxis(out, 0, 2))


def warp_planes(
    planes: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BICUBIC,
    *,
    repeat: bool = True,
) -> np.ndarray:
    """(C, h, w) -> float32 (C, H, W) for size = (W, H), as `warp`."""
    # Zeros or edges beyond the border, so that bicubic has its four neighbours up to the very edge.
    pad = max(8, max(planes.shape[1:]) // 4) if repeat else 2
    matrix = compose(np.array([[1.0, 0, pad], [0, 1.0, pad]]), matrix)
    pads, mode = ((0, 0), (pad, pad), (pad, pad)), "edge" if repeat else "constant"
    padded = np.pad(planes.astype(np.float32, order="C"), pads, mode=mode)
    return transformed(list(padded), matrix, size, resample)


def transformed(
    planes: Sequence[np.ndarray | Image.Image],
    matrix: np.ndarray,
    size: tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> np.ndarray:
    """C channels, float32 (h, w) or of mode F -> float32 (C, H, W), as `warp`, but just 0 outside of the image."""
    data = _for_pillow(matrix)
    out = np.empty((len(planes), size[1], size[0]), np.float32)
    for plane, moved in zip(planes, out, strict=True):
        image = plane if isinstance(plane, Image.Image) else Image.fromarray(plane)
        moved[:] = np.asarray(image.transform(size, Image.Transform.AFFINE, data, resample))
    return out


def transformed_rgb(picture: Image.Image, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture of mode RGB -> float32 (3, H, W), as `transformed` makes it by bicubic, within half a level: all three
    channels at once take Pillow 0.6 of the time. What overshoots 0..255 is cut off there."""
    moved = picture.transform(size, Image.Transform.AFFINE, _for_pillow(matrix), Image.Resampling.BICUBIC)
    out = np.asarray(moved).transpose(2, 0, 1).astype(np.float32, order="C")
    out += 0.5  # Pillow leaves out what is beyond a whole level, and does not round
    return out


def _for_pillow(matrix: np.ndarray) -> tuple[float, ...]:
    """Which counts pixels from the first one's edge."""
    a, t = matrix[:, :2], matrix[:, 2] + 0.5 - matrix[:, :2] @ [0.5, 0.5]
    return (a[0, 0], a[0, 1], t[0], a[1, 0], a[1, 1], t[1])


def resize(
    image: np.ndarray, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    """float32 (h, w[, C]) -> (H, W[, C]) for size = (W, H), anti-aliased, unrounded."""
    if image.ndim == 2:
        return resize_planes(image[None], size, resample)[0]
    return np.ascontiguousarray(np.moveaxis(resize_planes(np.moveaxis(image, 2, 0), size, resample), 0, 2))


def resize_planes(
    planes: np.ndarray, size: tuple[int, int], resample: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    """float32 (C, h, w) -> (C, H, W) for size = (W, H), as `resize`; faster, since each channel lies in one piece."""
    planes = np.ascontiguousarray(planes, np.float32)
    height, width = planes.shape[1:]
    if (width, height) == size:
        return planes.copy()
    if resample == Image.Resampling.BICUBIC and max(height, width, *size) <= MATRIX:
        return separable(pillow_bicubic(height, size[1]), planes, pillow_bicubic(width, size[0]))
    return np.stack([np.asarray(Image.fromarray(plane).resize(size, resample)) for plane in planes])


def separable(down: np.ndarray, planes: np.ndarray, across: np.ndarray) -> np.ndarray:
    """down @ planes @ across.T for float32 (H', H), (..., H, W), (W', W) -> (..., H', W')."""
    rows = np.empty((*planes.shape[:-2], len(down), planes.shape[-1]), np.float32)
    step = max(1, ALONE // down.size)
    for at in range(0, planes.shape[-1], step):
        part = (..., slice(at, at + step))
        np.matmul(down, planes[part], out=rows[part])
    flat = rows.reshape(-1, planes.shape[-1])
    out = np.empty((len(flat), len(across)), np.float32)
    step = max(1, ALONE // across.size)
    for at in range(0, len(flat), step):
        np.matmul(flat[at : at + step], across.T, out=out[at : at + step])
    return out.reshape(*rows.shape[:-1], len(across))


def blurring(size: int, sigma: float) -> np.ndarray:
    """float32 (size, size): a Gaussian (three box means in a row) along one axis, edges repeated."""
    return _boxes(size, max(1, round(sigma * 0.95)))  # three boxes of 2r+1: variance r(r+1)


@lru_cache(256)
def _boxes(size: int, radius: int) -> np.ndarray:
    box = np.zeros((size, size))
    reached = np.clip(np.arange(size)[:, None] + np.arange(-radius, radius + 1), 0, size - 1)
    np.add.at(box, (np.arange(size)[:, None], reached), 1 / (2 * radius + 1))
    return (box @ box @ box).astype(np.float32)
