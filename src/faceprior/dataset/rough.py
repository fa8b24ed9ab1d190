"""What photos go through before somebody enlarges them, and what a network can be told of it afterwards.

Everything works on uint8 RGB arrays (h, w, 3), of a face or of a photo, and draws from a NumPy generator. A network
is told two numbers in [0, 1], 0 = none (`condition`): the roughness of the file's JPEG quality, which its
quantisation tables tell exactly, and the noise, which a measurement tells.
"""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

Array = np.ndarray

WORST_QUALITY = 40  # JPEG qualities from here down are told as 1
MOST_NOISE = 25.0  #  grey levels: standard deviations from here up are told as 1
BLOCK = 8  #          pixels of a JPEG block
KERNELS = (
    Image.Resampling.NEAREST,
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
)
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Chances:
    """How often each thing happens to a photo (probabilities), and how much of it (ranges, uniform)."""

    blur: float = 0.2
    blur_sigma: tuple[float, float] = (0.3, 0.9)  # pixels
    resample: float = 0.2
    resample_factor: tuple[float, float] = (0.5, 1.0)  # reduced by this and enlarged again
    noise: float = 0.35
    noise_sigma: tuple[float, float] = (1.0, 18.0)  # grey levels
    sharpen: float = 0.15
    sharpen_amount: tuple[float, float] = (0.3, 1.2)
    jpeg: float = 0.85
    jpeg_twice: float = 0.25  # of those
    quality: tuple[int, int] = (40, 95)
    grey: float = 0.05


CHANCES = Chances()


def condition(quality: float | None, noise: float = 0.0) -> tuple[float, float]:
    """(q, n) for networks: of a file's JPEG quality (1..100; None = not a JPEG) and its noise in grey levels."""
    q = 0.0 if quality is None else (100 - quality) / (100 - WORST_QUALITY)
    return min(1.0, max(0.0, q)), min(1.0, max(0.0, noise / MOST_NOISE))


def reduced_condition(told: tuple[float, float], part: float) -> tuple[float, float]:
    """What is left of a photo's `condition` in a picture that it was reduced to, `part` of its size: so many pixels are
    averaged that noise and blocks shrink alike; enlarged (`part` above 1) they stay."""
    return told[0] * min(1.0, part), told[1] * min(1.0, part)


def roughen(image: Array, rng: np.random.Generator, chances: Chances = CHANCES) -> tuple[Array, tuple[float, float]]:
    """A photo as people have it -> (uint8 of the same shape, the `condition` it is told with).

    In the order of life: lens, an earlier enlargement, sensor, sharpening, files. The noise told is what is left of
    it at the end, as a measurement would find it: JPEG takes part of it away, sharpening adds to it.
    """
    x = image
    if rng.random() < chances.blur:
        x = blur(x, rng.uniform(*chances.blur_sigma))
    if rng.random() < chances.resample:
        x = resample(x, rng.uniform(*chances.resample_factor), rng)
    if rng.random() < chances.grey:
        x = grey(x)
    quiet = None
    if rng.random() < chances.noise:
        quiet, x = x, noise(x, rng.uniform(*chances.noise_sigma), rng)
    if rng.random() < chances.sharpen:
        amount, radius = rng.uniform(*chances.sharpen_amount), rng.uniform(0.5, 1.2)
        x = sharpen(x, amount, radius)
        quiet = None if quiet is None else sharpen(quiet, amount, radius)
    quality = None
    if rng.random() < chances.jpeg:
        for _ in range(2 if rng.random() < chances.jpeg_twice else 1):
            quality = int(rng.integers(chances.quality[0], chances.quality[1] + 1))
            subsampling, shift = str(rng.choice(SUBSAMPLINGS)), tuple(rng.integers(0, BLOCK, 2))
            x = jpeg(x, quality, subsampling, shift)
            quiet = None if quiet is None else jpeg(quiet, quality, subsampling, shift)
    left = 0.0 if quiet is None else float(((x.astype(np.float64) - quiet) @ _LUMA).std())
    return x, condition(quality, left)


def jpeg(image: Array, quality: int, subsampling: str = "4:2:0", shift: tuple[int, int] = (0, 0)) -> Array:
    """Through a JPEG file; `shift` (rows, columns), 0..7, is where its grid of blocks begins before the image."""
    height, width = image.shape[:2]
    (top, left), unit = (int(s) for s in shift), 2 * BLOCK  # an MCU of subsampled chroma
    padded = np.pad(image, ((top, -(top + height) % unit), (left, -(left + width) % unit), (0, 0)), "edge")
    file = io.BytesIO()
    Image.fromarray(padded).save(file, "JPEG", quality=int(quality), subsampling=subsampling)
    return np.asarray(Image.open(file))[top : top + height, left : left + width].copy()


def blur(image: Array, sigma: float) -> Array:
    """A Gaussian of `sigma` pixels, edges replicated."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    x = np.pad(image.astype(np.float32), ((reach, reach), (reach, reach), (0, 0)), "edge")
    x = sum(k * x[i : i + image.shape[0]] for i, k in enumerate(kernel))
    x = sum(k * x[:, i : i + image.shape[1]] for i, k in enumerate(kernel))
    return _eight_bit(x)


def resample(image: Array, factor: float, rng: np.random.Generator) -> Array:
    """Reduced by `factor` and enlarged again, each by a kernel that programs use; back at the same size."""
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    down, up = KERNELS[rng.integers(1, len(KERNELS))], KERNELS[rng.integers(2, len(KERNELS))]
    return np.asarray(Image.fromarray(image).resize(size, down).resize((width, height), up))


def noise(image: Array, sigma: float, rng: np.random.Generator) -> Array:
    """Noise of about `sigma` grey levels: a sensor's (more in the light), a scanner's (even), or film's grain."""
    kind = rng.integers(3)
    x = image.astype(np.float32)
    if kind == 0:  # Poisson: the variance grows with the light
        n = rng.standard_normal(x.shape, np.float32) * np.sqrt((x + 8) / 128)
    elif kind == 1:
        n = rng.standard_normal(x.shape, np.float32)
    else:  # grain: clumps of about a pixel or two, alike in all colours, most in the middle greys
        n = np.repeat(rng.standard_normal((*x.shape[:2], 1), np.float32), 3, 2)
        soft = n + np.roll(n, 1, 0) * 0.5 + np.roll(n, 1, 1) * 0.5 + np.roll(n, (1, 1), (0, 1)) * 0.25
        level = x.mean(2, keepdims=True) / 255
        n = soft / np.sqrt(1.5625) * (0.4 + 2.4 * level * (1 - level))
    return _eight_bit(x + n * np.float32(sigma))


def sharpen(image: Array, amount: float, radius: float = 1.0) -> Array:
    """Unsharp masking, as cameras and programs do it."""
    return _eight_bit(image + np.float32(amount) * (image.astype(np.float32) - blur(image, radius)))


def grey(image: Array) -> Array:
    """BT.601 luma in all three channels."""
    return np.repeat(_eight_bit(image @ _LUMA)[..., None], 3, 2)


def _eight_bit(x: Array) -> Array:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)
