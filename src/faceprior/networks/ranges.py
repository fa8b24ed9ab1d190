"""What every description of a network is held to: its fields' types, and how far each number may go.

One place for all kinds, and for both ways in: a TOML file's [model], and the header of a weights file, which anybody
may have written. A network that would fill the machine is refused here, before anything of it is made.
"""

import math
from dataclasses import fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

WIDEST = 8192  #  channels of a layer; the paper's widest has 2,048
DEEPEST = 256  #  layers or blocks in a row
MANY = 10**9  #   faces
# Field -> (least, most); what is not named here is a count of channels, or no number.
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("blocks", "tail_blocks", "layers"), (1, DEEPEST)),
    "faces": (1, MANY),
    "passes": (1, 1000),
    "patch": (1, 16),
    "stride": (1, 16),
    "bases": (1, 136),  # the 68 landmarks' coordinates
    "max_angle": (0, 180),
    "max_log_scale": (0, 3),
    "max_shift": (0, 1),
    "ridge": (0, 1e12),
}


def check_fields(config: Any, own: dict[str, tuple[float, float]] | None = None) -> None:
    """Of a frozen dataclass: lists, as TOML and JSON give them, become tuples; then every field has its type (whole
    numbers where they are annotated, no truth values for them, as many in a tuple as it says) and its range, `own`
    before `RANGES`. ValueError, `field: expected ..., got ...`, for the first that has not."""
    for f in fields(config):
        if isinstance(value := getattr(config, f.name), list):
            object.__setattr__(config, f.name, tuple(value))
    for name, hint in _hints(type(config)).items():
        value = getattr(config, name)
        if get_origin(hint) is Literal:
            if not isinstance(value, str) or value not in get_args(hint):
                raise ValueError(f"{name}: expected one of {', '.join(get_args(hint))}, got {value!r:.60}")
            continue
        each = get_args(hint) if get_origin(hint) is tuple else ()
        kind = each[0] if each else hint
        values = value if each else (value,)
        low, high = (own or {}).get(name) or RANGES.get(name, (1, WIDEST))
        right = isinstance(values, tuple) and (not each or Ellipsis in each or len(values) == len(each))
        if not right or not all(_is(kind, v) and (kind in (bool, str) or low <= v <= high) for v in values):
            raise ValueError(f"{name}: expected {_allowed(kind, each, low, high)}, got {value!r:.60}")
    if getattr(config, "landmarks", False) and getattr(config, "localisation", "cascade") != "cascade":
        raise ValueError("landmarks: only the localisation 'cascade' learns them")


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {f.name: hints[f.name] for f in fields(cls)}


def _is(kind: type, value: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _allowed(kind: type, each: tuple, low: float, high: float) -> str:
    if kind in (bool, str):
        return "true or false" if kind is bool else "a name"
    one, many = ("a whole number", "whole numbers") if kind is int else ("a number", "numbers")
    what = one if not each else many if Ellipsis in each else f"{len(each)} {many}"
    return f"{what} from {low:g} to {high:g}"
