"""A whole configuration as TOML with a comment behind every key: what `faceprior train --print-config` prints.

The comments are those of the classes' own source, so that they are written once.
"""

import inspect
import io
import itertools
import json
import re
import textwrap
import tokenize
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic.fields import FieldInfo

from .config import LARGE, TrainConfig, parse_time

COLUMN, WIDTH = 36, 120  # where comments begin, if the value leaves room; and where they fold


def printed(config: TrainConfig, name: str) -> str:
    """TOML that `TrainConfig.load` reads back as the same configuration."""
    parts = [f"# {name}: every key, as `faceprior train` takes it; a key without a value is commented out.\n"]
    values = config.as_dict()
    for section in TrainConfig.model_fields:
        made = getattr(config, section)
        said = comments(type(made))
        parts.append(f"\n[{section}]\n")
        keys = list(type(made).model_fields) if section != "model" else list(values[section])
        for key in keys:
            note = said.get(key, "")
            if section != "model":
                note = "; ".join(filter(None, (note, allowed(type(made).model_fields[key]))))
            value = values[section].get(key)
            parts.append(_line(key, value, note))
    return "".join(parts)


def comments(cls: type) -> dict[str, str]:
    """Field -> its comment, of a class and its bases: lines of their own above it, what stands beside it, and lines
    below that are set further in."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(__name__.partition(".")[0]):
            found |= _comments(base)
    return found


def _comments(cls: type) -> dict[str, str]:
    try:
        source = inspect.getsource(cls)
    except OSError:  # installed without its source
        return {}
    found: dict[str, list[str]] = {}
    above: list[str] = []  # lines of the next field
    field, depth = None, 0
    tokens = list(tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline))
    for token, after in itertools.pairwise(tokens):
        depth += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        if token.type == tokenize.NAME and token.string in ("def", "class"):
            field, above = None, []
        elif token.type == tokenize.NAME and after.string == ":" and depth == 1 and token.start[1] == 4:
            field = token.string
            found[field], above = above, []
        elif token.type == tokenize.COMMENT and depth == 1 and not token.string.startswith("# --"):
            alone = token.line.lstrip().startswith("#") and not token.string.startswith("#  ")
            to = above if alone else found.get(field or "", [])
            to.append(token.string.lstrip("#").strip())
    return {field: " ".join(" ".join(lines).split()) for field, lines in found.items()}


def allowed(field: FieldInfo) -> str:
    """The values that a key may have, where its type says so."""
    choices = _choices(field.annotation)
    if choices:
        return " | ".join(json.dumps(choice) for choice in choices)
    limits = {type(m): m for m in _metadata(field)}
    if any(getattr(m, "func", None) is parse_time for m in _metadata(field)):
        return 'seconds, or as "1h30m"'
    low, high = limits.get(annotated_types.Ge), limits.get(annotated_types.Le)
    above, below = limits.get(annotated_types.Gt), limits.get(annotated_types.Lt)
    words = [f"{low.ge:g} or more" if low and low.ge else "", f"above {above.gt:g}" if above else ""]
    # (ceilings that only keep numbers from overflowing say nothing to a reader)
    words += [f"at most {high.le:g}" if high and high.le < LARGE else ""]
    words += [f"below {below.lt:g}" if below and below.lt < LARGE else ""]
    return ", ".join(filter(None, words))


def _metadata(field: FieldInfo) -> list[Any]:
    found = list(field.metadata)
    for part in get_args(field.annotation):  # Seconds | None
        found += getattr(part, "__metadata__", ())
    flat = []
    for item in found:
        flat += item.metadata if isinstance(item, FieldInfo) else [item]
    return flat


def _choices(annotation: Any) -> tuple:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    if get_origin(annotation) is Union:
        return next((c for c in map(_choices, get_args(annotation)) if c), ())
    return ()


def _line(key: str, value: Any, note: str) -> str:
    left = f"{key} = {_toml(value)}" if value is not None else f"# {key} ="
    first, *rest = textwrap.wrap(re.sub(r"\s+", " ", note), WIDTH - COLUMN - 2) or [""]
    lines = [f"{left:<{COLUMN}}# {first}" if first else left, *(f"{'':<{COLUMN}}# {more}" for more in rest)]
    return "".join(f"{line}\n" for line in lines)


def _toml(value: Any) -> str:
    """JSON's text of plain values and lists is TOML's."""
    return json.dumps(value, ensure_ascii=False)
