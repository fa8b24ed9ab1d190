"""A configuration's TOML: a preset's or a file, over what it extends, under `section.key=value` overrides."""

import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ..errors import FacepriorError
from .near import near_names
from .presets import presets

PRESETS = "faceprior.presets"


def read_tree(name: str | Path, above: tuple[str, ...] = ()) -> tuple[str, dict[str, Any]]:
    """-> (what to call it in an error, the file's tree over that of the file it extends)."""
    origin, text = _read(name)
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a whole number of 5,000 digits is a ValueError
        raise FacepriorError(f"{origin}: not TOML: {error}") from None
    base = raw.pop("extends", None)
    if base is None:
        return origin, raw
    if not isinstance(base, str) or not base:
        raise FacepriorError(f"{origin}: extends: expected a preset's name or a file, got {base!r:.60}")
    if origin in above:
        raise FacepriorError(f"{origin}: extends itself")
    beside = Path(name).parent / base
    found = beside if not origin.startswith("preset ") and _is_file(beside) else base
    _, tree = read_tree(found, (*above, origin))
    for section, keys in raw.items():
        under = tree.get(section)
        tree[section] = {**under, **keys} if isinstance(under, dict) and isinstance(keys, dict) else keys
    return origin, tree


def _read(name: str | Path) -> tuple[str, str]:
    """-> (what to call it in an error, its text)."""
    path = Path(name)
    preset = resources.files(PRESETS.rpartition(".")[0]) / PRESETS.rpartition(".")[2] / f"{name}.toml"
    if re.fullmatch(r"[\w-]+(/[\w-]+)?", str(name)) and _is_file(preset):
        return f"preset {name}", preset.read_text(encoding="utf-8")
    try:
        return str(name), path.read_text(encoding="utf-8-sig")  # Windows' editors write a mark
    except (OSError, ValueError) as error:  # no UTF-8, or a name with a zero in it
        names = [known.name for known in presets()]
        reason = getattr(error, "strerror", None) or "not a UTF-8 text file"
        shown = ", ".join(known for known in names if "/" not in known)
        near = near_names(str(name), names) if path.suffix != ".toml" else ""
        near = near or f"; give a TOML file or one of the presets {shown}"
        raise FacepriorError(f"{name}: {reason}{near} (`faceprior presets` lists all)") from None


def _is_file(path: Traversable) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a zero in it
        return False


def override(raw: dict[str, Any], word: str) -> None:
    """Put `section.key=value` into the tree."""
    key, equals, value = word.partition("=")
    parts = key.strip().split(".")
    if not equals or len(parts) != 2 or not all(parts):
        raise FacepriorError(f"--set {word}: give section.key=value")
    try:
        (parsed,) = tomllib.loads(f"value = {value.strip()}").values()  # one alone: no further lines
    except (ValueError, RecursionError):
        parsed = value.strip()  # a bare word: a string
    section = raw.setdefault(parts[0], {})
    if not isinstance(section, dict):
        raise FacepriorError(f"--set {word}: {parts[0]} is not a section")
    section[parts[1]] = parsed
