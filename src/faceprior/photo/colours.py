"""What colours a file's numbers mean: any mode of Pillow's -> RGB and the profile that still holds; what else it
says of them."""

from typing import BinaryIO

from PIL import Image

from .made_profile import PLAIN_PRIMARIES, PLAIN_TRANSFERS
from .png import colour_chunks
from .profile import managed

_FIRST = 2**16  # bytes of a file

# Pillow's modes that hold RGB by themselves, and greys of 8 bits.
OF_RGB, OF_GREY = ("RGB", "RGBA", "RGBX", "RGBa", "P", "PA", "YCbCr"), ("1", "L", "LA", "La")
Converted = tuple[Image.Image, Image.Image | None, bytes | None, str | None]


def to_rgb(image: Image.Image, icc: bytes | None) -> Converted:
    """Any mode of 8 bits -> RGB image, L alpha or None, the profile that still holds, a note or None. Of greys the
    profile is not applied."""
    mode = image.mode
    kept = icc if mode in OF_RGB else None
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        if mode == "La":
            image = image.convert("LA")
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A"), kept, None
    if icc is not None and kept is None and mode not in OF_GREY:
        applied = managed(image, icc)
        if applied is not None:
            return applied, None, None, None
    return image.convert("RGB"), None, kept, None


def colours_of(stream: BinaryIO, format: str | None, profile: bool) -> dict[str, bytes]:
    """As `Metadata` keeps it. A profile goes before all but cICP."""
    if format == "PNG":
        return {name: data for name, data in colour_chunks(stream).items() if not profile or name == "cICP"}
    if profile or format not in ("AVIF", "HEIF"):
        return {}
    stream.seek(0)
    head = stream.read(_FIRST)
    at = head.find(b"colrnclx") + 8
    if at < 8 or len(head) < at + 4:
        return {}
    primaries, transfer = head[at + 1], head[at + 3]
    plain = primaries in PLAIN_PRIMARIES and transfer in PLAIN_TRANSFERS
    return {} if plain or primaries == 2 or transfer == 2 else {"cICP": bytes([primaries, transfer, 0, 1])}
