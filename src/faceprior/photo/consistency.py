"""Does a restored face, put back and reduced, give the pixels it was made from? In dB; and making it so."""

import numpy as np

from .warp import inverse, resize, resize_planes, upright_to_cut, warp, warp_planes

HR = 128
FEWEST = 1 / 16  # of the LR pixels that must count
COVERED = 0.98  # an LR pixel counts where the upright output covers this much of what it was reduced from


def project(image: np.ndarray, transform: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The LR that an output implies.

    image (128, 128, 3) on the 0..255 scale; transform (2, 3) -> float32 (size, size, 3), unrounded, and the part
    of each pixel that the output covers, float32 (size, size): an upright square does not fill a tilted one.
    """
    back = inverse(upright_to_cut(transform))
    planes = warp_planes(np.asarray(image).transpose(2, 0, 1), back, (HR, HR))
    return resize_planes(planes, (size, size)).transpose(1, 2, 0), _cover(back, size)


def _cover(back: np.ndarray, size: int) -> np.ndarray:
    """float32 (size, size): what of each LR pixel's HR pixels lies in the output, between its pixels by their distance.
    back: pixels of the cut -> of the output."""
    across, down = (back[:, k, None] * np.arange(HR) for k in (0, 1))
    x, y = ((down[k][:, None] + across[k] + back[k, 2]).astype(np.float32) for k in (0, 1))
    for v in (x, y):  # 1 within, 0 a pixel outside
        np.minimum(v, HR - 1 - v, out=v)
        np.clip(v + 1, 0, 1, out=v)
    factor = HR // size
    return (x * y).reshape(size, factor, size, factor).mean((1, 3))


def lr_consistency(image: np.ndarray, lr: np.ndarray, transform: np.ndarray) -> float:
    """PSNR in dB between the LR that the output implies and the real one, uint8 (size, size, 3), where covered.

    99 where they agree to a hundredth of a level; NaN where the output covers next to nothing.
    """
    implied, cover = project(image, transform, len(lr))
    counted = cover >= COVERED
    if counted.mean() < FEWEST:
        return float("nan")
    error = np.mean((implied - lr.astype(np.float32))[counted] ** 2)
    return float(min(99.0, 10 * np.log10(255.0**2 / max(float(error), 1e-9))))


def enforce(image: np.ndarray, lr: np.ndarray, transform: np.ndarray, steps: int = 12) -> np.ndarray:
    """Iterative back-projection: uint8 (128, 128, 3) -> the same face, uint8, whose LR is the real one.

    Each step adds what is missing in the LR, enlarged smoothly and turned upright; detail finer than an LR
    pixel is the network's still.
    """
    forth = upright_to_cut(transform)
    out = np.asarray(image, np.float32)
    for _ in range(steps):
        implied, cover = project(out, transform, len(lr))
        missing = (lr.astype(np.float32) - implied) * (cover >= 0.5)[..., None] * cover[..., None]
        # Clipped each time: what 8 bit cannot hold must be made up for elsewhere.
        out = np.clip(out + warp(resize(missing, (HR, HR)), forth, (HR, HR)), 0, 255)
    return np.rint(out).astype(np.uint8)
