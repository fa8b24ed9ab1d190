"""Which photos have lost detail other than JPEGs, which say by how much: WebP, AVIF and HEIC. (Of clips: `video/read`.)

How much they lost is not read. Networks that are told how rough a picture is do better where they are told some of it
than nothing: faces of files of WebP 75 and 90 and AVIF 50 and 75 gain 0.1 to 0.7 dB, those of x264 at crf 10 to 33 0.1
to 0.6, and the best that they could be told is within 0.1 of it (docs/results/photos.md).
"""

from typing import BinaryIO

ALIKE = 88.0  # the quality of JPEG as which such a picture is told
_ANIMATED = 16  # bytes of an animation's frame before its picture
_MOST_CHUNKS = 64


def quality_alike(stream: BinaryIO, format: str | None) -> float | None:
    """The quality of JPEG as which a picture of that format is told, or None where nothing is lost, or it is a JPEG."""
    if format in ("AVIF", "HEIF") or (format == "WEBP" and _is_lossy_webp(stream)):
        return ALIKE
    return None


def _is_lossy_webp(stream: BinaryIO) -> bool:
    place, at = stream.tell(), 12
    try:
        for _ in range(_MOST_CHUNKS):
            stream.seek(at)
            head = stream.read(8)
            if len(head) < 8 or head[:4] == b"VP8L":
                return False
            if head[:4] == b"VP8 ":
                return True
            size = int.from_bytes(head[4:], "little")
            at += 8 + (_ANIMATED if head[:4] == b"ANMF" else size + size % 2)
        return False
    finally:
        stream.seek(place)
