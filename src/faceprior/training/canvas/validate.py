"""How good the canvas is on held-back images, in dB over Lanczos: clean, and as JPEG files of three qualities."""

import numpy as np
import torch
from PIL import Image

from ...dataset.rough import condition, jpeg
from ...networks.canvas import SCALE, Canvas
from .pictures import Pictures, to_quarter

QUALITIES = (None, 90, 75, 50)
Array = np.ndarray


def psnr(a: Array, b: Array) -> float:
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * np.log10(255**2 / max(error, 1e-10))


@torch.no_grad()
def enlarge(network: Canvas, image: Array, told: tuple[float, float]) -> Array:
    """uint8 (h, w, 3) -> uint8 (4h, 4w, 3)."""
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    y = network(x, torch.tensor([told])).picture
    return y.add(1).mul(127.5).round().clamp(0, 255)[0].permute(1, 2, 0).byte().numpy()


class Validation:
    """`start`: of the network before it learns, measured once."""

    def __init__(self, pictures: Pictures, network: Canvas, faces: int = 32):
        self.sets = {"photos": pictures.val_photos, "faces": pictures.val_faces[:faces]}
        self.sets = {name: images for name, images in self.sets.items() if images}
        self._lanczos: dict[tuple, float] = {}
        self.start = self(network)

    def __call__(self, network: Canvas) -> dict[str, float]:
        """{"photos/clean": mean gain in dB, "photos/clean/min": ..., "photos/75": ...}."""
        training = network.training
        network.eval()
        result = {}
        for name, images in self.sets.items():
            for quality in QUALITIES:
                gains = [self._gain(network, (name, i, quality), hr, quality) for i, hr in enumerate(images)]
                key = f"{name}/{quality or 'clean'}"
                result |= {key: float(np.mean(gains)), f"{key}/min": float(np.min(gains))}
        network.train(training)
        return result

    def _gain(self, network: Canvas, key: tuple, hr: Array, quality: int | None) -> float:
        lr = to_quarter(hr)
        lr = lr if quality is None else jpeg(lr, quality)
        if key not in self._lanczos:
            size = (lr.shape[1] * SCALE, lr.shape[0] * SCALE)
            self._lanczos[key] = psnr(np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS)), hr)
        return psnr(enlarge(network, lr, condition(quality)), hr) - self._lanczos[key]
