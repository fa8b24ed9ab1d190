"""One picture of one client: bytes in, `PhotoResult` out."""

import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .._version import __version__
from ..photo.boxes import Detection
from ..photo.canvas import packaged_canvas
from ..photo.pipeline import Detector, upscale_photo
from ..photo.result import PhotoResult
from ..photo.targets import own_stem
from ..runtime.canvas import CanvasNetwork
from ..runtime.upscaler import Upscaler
from .limits import Limits, Refused, read_photo
from .turns import Turns
from .wanted import Wanted

LONGEST = 80  # characters of a download's name
Report = Callable[[float, str], None]  # part done, 0..1, and what is being done


def _silent(part: float, stage: str) -> None:
    pass


@dataclass
class Service:
    """What the page and the HTTP address share: the model, the detector, the limits, the queue.

    both: loads the model with its perceptual variant, too; turned: makes a detector that finds turned faces; canvas:
    loads what enlarges the rest of a photo. They are made when they are first asked for.
    """

    upscaler: Upscaler
    detector: Detector
    limits: Limits
    both: Callable[[], Upscaler] | None = None
    turned: Callable[[], Detector] | None = None
    canvas: Callable[[], CanvasNetwork | None] = packaged_canvas

    def __post_init__(self) -> None:
        self.turns = Turns(self.limits.workers, self.limits.queue)
        self._lock, self._made = threading.Lock(), {}

    @property
    def about(self) -> dict[str, Any]:
        return {"faceprior": __version__, "model": asdict(self.upscaler.info)}

    @property
    def has_sharp(self) -> bool:
        """Whether a request may choose the sharpness."""
        return self.both is not None and self.upscaler.has_sharp

    def restore(
        self, data: bytes, wanted: Wanted, report: Report = _silent
    ) -> tuple[PhotoResult, dict[str, Any]]:
        """-> the result, and what its JSON says of the model. Refused where the upload or the wish cannot be served."""
        report(0.05, "Reading the photo")
        picture = read_photo(data, self.limits)
        upscaler = self._upscaler(wanted.sharpness)
        about = {**self.about, "model": asdict(upscaler.info)}
        if wanted.cropped:
            return upscale_photo(picture, upscaler, (), replace(wanted.options, kind="cropped")), about
        detector = self._detector(wanted.any_turn)

        def find(rgb: np.ndarray) -> list[Detection]:
            report(0.15, "Finding faces")
            found = detector(rgb)
            report(0.4, f"Restoring {len(found)} face{'' if len(found) == 1 else 's'}")
            return found

        def tiles(done: int, total: int) -> None:
            report(0.4 + 0.4 * done / max(1, total), f"Enlarging the photo: {done} of {total} parts")

        faces = list(wanted.boxes) if wanted.boxes is not None else find
        return upscale_photo(picture, upscaler, faces, wanted.options, canvas=self.canvas, progress=tiles), about

    def _upscaler(self, sharpness: float | None) -> Upscaler:
        if sharpness is None or sharpness == self.upscaler.sharpness:
            return self.upscaler
        if not self.has_sharp:
            raise Refused(400, "sharpness: this server's model has no sharp variant")
        both = self.upscaler if self.upscaler.sharpness > 0 else self._once("both", self.both)
        return both.at(sharpness)

    def _detector(self, any_turn: bool) -> Detector:
        if not any_turn:
            return self.detector
        if self.turned is None:
            raise Refused(400, "any_turn: this server's detector does not turn")
        return self._once("turned", self.turned)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            return self._made[name]


def file_name(data: bytes, given: str | None = None) -> str:
    """What the results are called: after the upload, by letters, digits and a few signs of its name alone."""
    stem = re.sub(r"[^\w ()-]+", "_", Path(given or "").stem).strip(" _-")[:LONGEST].strip()
    stem = f"{own_stem(stem)}-restored" if stem else "photo"  # 80 letters may be 320 bytes
    return f"{stem}.jpg" if data[:2] == b"\xff\xd8" else f"{stem}.png"
