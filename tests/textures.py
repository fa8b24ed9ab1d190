"""Pictures that hold detail in every pixel, as sharp photos do: `photo/detail.py` takes them for what they are."""

import numpy as np

FALL = 1.6  # the amplitude's power of the frequency, as faces' (the power's is twice that)


def texture(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """uint8 (height, width, channels)."""
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal((channels, height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    plane = np.fft.irfft2(noise / np.maximum(frequency, 1 / 60) ** FALL, (height, width))
    plane = 128 + 60 * plane / plane.std((1, 2), keepdims=True)
    return np.ascontiguousarray(np.clip(plane, 0, 255).astype(np.uint8).transpose(1, 2, 0))
