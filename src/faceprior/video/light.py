"""The limits of light that a clip in PQ names (HDR10: SMPTE ST 2086, and the brightest pixel and frame), for x265."""

import struct
from contextlib import suppress
from typing import Any

_CHROMA, _LIGHT = 50_000, 10_000  # x265 counts chromaticities in 1/50000, luminances in 1/10000 cd/m2


def light_of(frame: Any) -> str | None:
    """A decoded frame -> options for `x265-params`, None where it names none."""
    options = [text for text in (_mastering(_data(frame, "MASTERING_DISPLAY_METADATA")),
                                 _brightest(_data(frame, "CONTENT_LIGHT_LEVEL"))) if text]  # fmt: skip
    return ":".join(options) or None


DYNAMIC = {
    "DOVI_METADATA": "Dolby Vision", "DOVI_RPU_BUFFER": "Dolby Vision", "DYNAMIC_HDR_PLUS": "HDR10+",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
}  # fmt: skip


def dynamic_of(frame: Any) -> str | None:
    """What a decoded frame carries of its own light, beside its picture; None where that is nothing."""
    return next((name for key, name in DYNAMIC.items() if _data(frame, key)), None)


def _data(frame: Any, name: str) -> bytes:
    with suppress(KeyError, ValueError):
        return bytes(frame.side_data[name])
    return b""


def _mastering(data: bytes) -> str | None:
    """FFmpeg's AVMasteringDisplayMetadata: rationals x, y of red, green, blue, white, then least and most light."""
    if len(data) < 88:
        return None
    *rationals, has_primaries, has_light = struct.unpack("=22i", data[:88])
    if not (has_primaries and has_light) or not all(rationals[1::2]):
        return None
    values = [n / d for n, d in zip(rationals[::2], rationals[1::2], strict=True)]
    red, green, blue, white = ((round(x * _CHROMA), round(y * _CHROMA)) for x, y in zip(values[0:8:2], values[1:8:2],
                                                                                     strict=True))  # fmt: skip
    point = "{0[0]},{0[1]}"
    named = f"G({point.format(green)})B({point.format(blue)})R({point.format(red)})WP({point.format(white)})"
    return f"master-display={named}L({round(values[9] * _LIGHT)},{round(values[8] * _LIGHT)})"


def _brightest(data: bytes) -> str | None:
    """AVContentLightMetadata: cd/m2 of the brightest pixel, and of the brightest frame on average."""
    if len(data) < 8:
        return None
    pixel, frame = struct.unpack("=2I", data[:8])
    return f"max-cll={pixel},{frame}" if pixel or frame else None
