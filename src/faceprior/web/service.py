"""One photo of one client: bytes in, `PhotoResult` out."""

from dataclasses import asdict, dataclass
from typing import Any

from .._version import __version__
from ..photo.options import PhotoOptions
from ..photo.pipeline import Detector, PhotoResult, upscale_photo
from ..runtime.upscaler import Upscaler
from .limits import Limits, read_photo
from .turns import Turns


@dataclass
class Service:
    """What the page and the HTTP address share: the model, the detector, the limits, the queue."""

    upscaler: Upscaler
    detector: Detector
    limits: Limits

    def __post_init__(self) -> None:
        self.turns = Turns(self.limits.workers, self.limits.queue)

    @property
    def about(self) -> dict[str, Any]:
        return {"faceprior": __version__, "model": asdict(self.upscaler.info)}

    def options(self, **chosen: Any) -> PhotoOptions:
        return PhotoOptions(**chosen, max_pixels=self.limits.max_output)

    def restore(self, data: bytes, options: PhotoOptions) -> PhotoResult:
        return upscale_photo(read_photo(data, self.limits), self.upscaler, self.detector, options)


def file_name(data: bytes) -> str:
    """What the results are called: never by a name that a client chose."""
    return "photo.jpg" if data[:2] == b"\xff\xd8" else "photo.png"
