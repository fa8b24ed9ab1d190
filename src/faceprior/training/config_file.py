"""A configuration's TOML: a preset's or a file, over what it extends, under `section.key=value` overrides."""

import re
import tomllib
from importlib import resources
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
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FacepriorError(f"{origin}: not TOML: {error}") from None
    base = raw.pop("extends", None)
    if base is None:
        return origin, raw
    if origin in above:
        raise FacepriorError(f"{origin}: extends itself")
    beside = Path(name).parent / str(base)
    found = beside if not origin.startswith("preset ") and beside.is_file() else str(base)
    _, tree = read_tree(found, (*above, origin))
    for section, keys in raw.items():
        under = tree.get(section)
        tree[section] = {**under, **keys} if isinstance(under, dict) and isinstance(keys, dict) else keys
    return origin, tree


def _read(name: str | Path) -> tuple[str, str]:
    """-> (what to call it in an error, its text)."""
    path = Path(name)
    preset = resources.files(PRESETS.rpartition(".")[0]) / PRESETS.rpartition(".")[2] / f"{name}.toml"
    if re.fullmatch(r"[\w-]+(/[\w-]+)?", str(name)) and preset.is_file():
        return f"preset {name}", preset.read_text(encoding="utf-8")
    try:
        return str(name), path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # no UTF-8, or a name with a zero in it
        names = [known.name for known in presets()]
        reason = getattr(error, "strerror", None) or "not a UTF-8 text file"
        shown = ", ".join(known for known in names if "/" not in known)
        near = near_names(str(name), names) if path.suffix != ".toml" else ""
        near = near or f"; give a TOML file or one of the presets {shown}"
        raise FacepriorError(f"{name}: {reason}{near} (`faceprior presets` lists all)") from None


def override(raw: dict[str, Any], word: str) -> None:
    """Put `section.key=value` into the tree."""
    key, equals, value = word.partition("=")
    parts = key.strip().split(".")
    if not equals or len(parts) != 2 or not all(parts):
        raise FacepriorError(f"--set {word}: give section.key=value")
    try:
        parsed = tomllib.loads(f"value = {value.strip()}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        parsed = value.strip()  # a bare word: a string
    section = raw.setdefault(parts[0], {})
    if not isinstance(section, dict):
        raise FacepriorError(f"--set {word}: {parts[0]} is not a section")
    section[parts[1]] = parsed
