"""The presets that ship, by name, with what each one says of itself. Needs no PyTorch."""

import re
import tomllib
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True)
class Preset:
    """about: the first sentence of the file's own comment; extends: the preset that it starts from, or None."""

    name: str
    about: str
    extends: str | None = None


def presets() -> list[Preset]:
    """Those of the package, then the rows of each table, by name."""
    root = resources.files("faceprior") / "presets"
    files = {}
    for item in root.iterdir():
        for file in item.iterdir() if item.is_dir() else [item]:
            name = file.name.removesuffix(".toml")
            if name != file.name and not name.startswith("_"):  # _common: what rows share, none by itself
                files[name if file is item else f"{item.name}/{name}"] = file.read_text(encoding="utf-8")
    order = sorted(files, key=lambda name: (name.rpartition("/")[0], name))
    return [Preset(name, about(files[name]), tomllib.loads(files[name]).get("extends")) for name in order]


def about(text: str) -> str:
    """The first sentence of a TOML file's leading comment, without its full stop; empty where there is none."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    said = " ".join(lines)
    return re.split(r"(?<!al)\. (?=[A-Z\"'])", said)[0].rstrip(".")
