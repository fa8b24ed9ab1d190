"""What the server takes from strangers; checked once, errors name the flag."""

import io
from dataclasses import dataclass

from PIL import Image

from ..errors import FacepriorError
from ..photo.decode import UNWARNED, DecodedImage, TooManyPixels, read_stream
from ..photo.kinds import formats


@dataclass(frozen=True)
class Limits:
    max_upload: int = 20 * 2**20  #      bytes of a photo
    max_pixels: int = 25_000_000  #      of an uploaded photo; the enlarged one may have four times as many
    queue: int = 16  #                   photos that wait; more are refused
    workers: int = 1  #                  photos at a time
    timeout: float = 120.0  #            seconds from the upload to the answer
    keep: float = 900.0  #               seconds after which an upload and its results are removed
    connections: int = 200  #            open at a time

    def __post_init__(self) -> None:
        for name, least in (("max_upload", 1024), ("max_pixels", 256), ("queue", 1), ("workers", 1)):
            if getattr(self, name) < least:
                raise FacepriorError(f"--{name.replace('_', '-')} {getattr(self, name)}: expected {least} or more")
        for name in ("timeout", "keep"):
            if not 1 <= getattr(self, name) <= 86_400:
                raise FacepriorError(f"--{name} {getattr(self, name):g}: expected 1 to 86400 seconds")

    @property
    def patience(self) -> float:
        """Seconds for what should take none: a request's head, a client that reads, an upload that crawls."""
        return max(1.0, min(self.timeout / 12, 30.0))

    @property
    def max_output(self) -> int:
        return 4 * self.max_pixels


class Refused(FacepriorError):
    """A request that is not served. The message is for the one who asked; status, headers: of HTTP."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status, self.headers = status, headers


def read_photo(data: bytes, limits: Limits) -> DecodedImage:
    """An uploaded photo; its size is read from its header before its pixels are decoded."""
    if not data:
        raise Refused(400, "no photo: the upload is empty")
    if len(data) > limits.max_upload:
        raise Refused(413, f"the photo has {len(data)} bytes, more than {limits.max_upload}")
    try:
        with UNWARNED, Image.open(io.BytesIO(data), formats=formats()) as image:
            pixels = image.width * image.height
    except Exception:  # no image, or a broken one: the decoder below says what is wrong
        pixels = 0
    if pixels > limits.max_pixels:
        raise Refused(413, f"the photo has {pixels / 1e6:.1f} megapixels, more than {limits.max_pixels / 1e6:g}")
    try:
        return read_stream(data, "the photo", most=limits.max_pixels)  # a later page may be larger than the first
    except TooManyPixels as error:
        raise Refused(413, str(error)) from None
    except FacepriorError as error:
        raise Refused(415, str(error)) from None
