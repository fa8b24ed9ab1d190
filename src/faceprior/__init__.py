"""faceprior: face super-resolution guided by facial component heatmaps.

>>> import faceprior
>>> model = faceprior.load()              # doctest: +SKIP
>>> result = model(lr)                    # uint8 (N, 16, 16, 3)  # doctest: +SKIP
>>> result.images.shape                   # uint8 (N, 128, 128, 3)  # doctest: +SKIP
>>> faceprior.upscale("party.jpg")        # finds, restores, puts back: a PhotoResult  # doctest: +SKIP
"""

from ._version import __version__
from .errors import FacepriorError

__all__ = ["FacepriorError", "Upscaler", "__version__", "load", "upscale"]


def __getattr__(name: str):
    # NumPy and ONNX Runtime are imported when first used, so that `import faceprior` is quick.
    if name in ("load", "Upscaler"):
        from .runtime import upscaler

        return getattr(upscaler, name)
    if name == "upscale":
        from .photo.api import upscale

        return upscale
    raise AttributeError(f"module 'faceprior' has no attribute {name!r}")
