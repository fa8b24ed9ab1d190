"""A value as a TOML file writes it has the type of its key: `true` is no number, "8" neither, and 1 no truth value.

Pydantic takes each for the others, so that `run.batch = true` would train on single faces.
"""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin


def check_plain(value: Any, annotation: Any, *, also: tuple[type, ...] = ()) -> Any:
    """`value`, a scalar or lists of them, for a key of that annotation; `also`: types that a validator of the key's own
    reads. ValueError for a truth value, text or a number where the annotation has none of these."""
    taken = scalars(annotation) | {*also}
    for one in _leaves(value):
        if isinstance(one, bool):
            wrong = bool not in taken and bool(taken & {int, float})
        elif isinstance(one, str):
            wrong = str not in taken and bool(taken & {int, float, bool})
        else:
            wrong = isinstance(one, int | float) and taken == {bool}
        if wrong:
            raise ValueError("expected true or false" if taken == {bool} else "expected a number, without quotes")
    return value


def scalars(annotation: Any) -> set[type]:
    """The types of the scalars that an annotation takes: of `tuple[int, int] | None` int."""
    if annotation in (bool, int, float, str):
        return {annotation}
    if get_origin(annotation) is Literal:
        return {type(choice) for choice in get_args(annotation)}
    if get_origin(annotation) is Annotated:
        return scalars(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, list, tuple):
        return set().union(*(scalars(part) for part in get_args(annotation)))
    return set()


def _leaves(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        return [value]
    return [leaf for part in value for leaf in (part if isinstance(part, list | tuple) else [part])]
