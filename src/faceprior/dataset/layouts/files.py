"""Which files of a folder are images, in a fixed order."""

from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif"})


def image_files(folder: Path) -> list[Path]:
    """Images below `folder`, sorted by their path with "/" (the same on every system)."""
    found = (p for p in folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
    return sorted(found, key=lambda p: p.relative_to(folder).as_posix())


def in_utf8(name: str) -> str:
    """A file's name as a text file or a column holds it: bytes that are no UTF-8 are written \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
