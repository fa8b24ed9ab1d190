"""faceprior: face super-resolution guided by facial component heatmaps.

>>> import faceprior
>>> model = faceprior.load()              # doctest: +SKIP
>>> result = model(lr)                    # uint8 (N, 16, 16, 3)  # doctest: +SKIP
>>> result.images.shape                   # uint8 (N, 128, 128, 3)  # doctest: +SKIP
>>> model.restore("face.png")             # one face, of any size: a FaceResult  # doctest: +SKIP
>>> faceprior.upscale("party.jpg")        # finds, restores, puts back: a PhotoResult  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__
from .errors import FacepriorError, FacepriorWarning
from .silence import silence

if TYPE_CHECKING:
    from .photo.api import upscale
    from .photo.boxes import Detection
    from .photo.result import PhotoFace, PhotoResult
    from .photo.single import FaceResult
    from .runtime.upscaler import ModelInfo, Result, Upscaler, load

__all__ = [
    "Detection",
    "FaceResult",
    "FacepriorError",
    "FacepriorWarning",
    "ModelInfo",
    "PhotoFace",
    "PhotoResult",
    "Result",
    "Upscaler",
    "__version__",
    "load",
    "upscale",
]

silence()

# NumPy and ONNX Runtime are imported when first used, so that `import faceprior` is quick. As above, for type checkers.
_PLACES = {
    **dict.fromkeys(("load", "Upscaler", "Result", "ModelInfo"), ".runtime.upscaler"),
    "upscale": ".photo.api",
    "Detection": ".photo.boxes",
    **dict.fromkeys(("PhotoFace", "PhotoResult"), ".photo.result"),
    "FaceResult": ".photo.single",
}


def __getattr__(name: str) -> object:
    if name in _PLACES:
        return getattr(import_module(_PLACES[name], __name__), name)
    raise AttributeError(f"module 'faceprior' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
