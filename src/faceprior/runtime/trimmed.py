"""A part of an ONNX file: what some of its outputs need, on the bytes alone.

ONNX Runtime computes every output that a file has, whichever is asked for; so what is not wanted is cut away first.
"""

from collections.abc import Sequence

from .wire import bytes_field, fields

# Fields of the protocol buffers of ONNX.
_MODEL_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO = 1, 5, 11, 12, 13  # of a graph
_NODE_INPUT, _NODE_OUTPUT, _NODE_ATTRIBUTE = 1, 2, 5
_ATTRIBUTE_GRAPHS = (6, 11)
_VALUE_NAME, _TENSOR_NAME = 1, 8
IN_BOTH = 8  # nodes of two parts: the conversions of the input, no layers


def output_names(model: bytes) -> list[str]:
    """The names of a file's outputs. ValueError where it is no protocol buffer."""
    return [_name(content, _VALUE_NAME) for field, _, content in fields(_graph(model)) if field == _OUTPUT]


def keep_outputs(model: bytes, names: Sequence[str]) -> bytes:
    """`model` with the outputs `names` alone, in that order, and what they need. ValueError where one is missing, or
    where a node holds a graph of its own (a branch, a loop)."""
    return _assembled(model, names, ())


def split(model: bytes, names: Sequence[str], middle: str) -> tuple[bytes, bytes] | None:
    """`model` in two: what its output `middle` needs, and what the outputs `names` need once that is an input.

    None where much of it would be in both. ValueError as `keep_outputs`.
    """
    first, second = _assembled(model, [middle], ()), _assembled(model, names, (middle,))
    return (first, second) if len(_made(first) & _made(second)) <= IN_BOTH else None


def _made(model: bytes) -> set[str]:
    """The names of what a file's nodes give."""
    return {name for field, _, content in fields(_graph(model)) if field == _NODE for name in _ends(content)[1]}


def _assembled(model: bytes, names: Sequence[str], given: Sequence[str]) -> bytes:
    """`keep_outputs`, with the outputs `given` as inputs, so that nothing computes them."""
    nodes, outputs, contents, others = [], {}, {}, []
    for field, whole, content in fields(_graph(model)):
        if field == _NODE:
            nodes.append((whole, *_ends(content)))
        elif field == _OUTPUT:
            outputs[_name(content, _VALUE_NAME)] = whole
            contents[_name(content, _VALUE_NAME)] = content
        elif field != _VALUE_INFO:  # what is known of the values in between; a runtime finds it again
            others.append((field, whole, content))
    if missing := [name for name in (*names, *given) if name not in outputs]:
        raise ValueError(f"no output {missing[0]!r}")
    needed, kept = set(names), []
    for whole, inputs, made in reversed(nodes):  # sorted: what a node needs comes before it
        if needed.intersection(made) and not set(made) & set(given):
            needed.update(inputs)
            kept.append(whole)
    parts = list(reversed(kept))
    named = {_INITIALIZER: _TENSOR_NAME, _INPUT: _VALUE_NAME}
    parts += [w for field, w, content in others if field not in named or _name(content, named[field]) in needed]
    parts += [bytes_field(_INPUT, contents[name]) for name in given]
    parts += [outputs[name] for name in names]
    graph = bytes_field(_MODEL_GRAPH, b"".join(parts))
    return b"".join(graph if field == _MODEL_GRAPH else whole for field, whole, _ in fields(model))


def required(model: bytes, name: str) -> bytes:
    """`model` whose input `name` has no default: without the initializer of that name, where it has one."""
    parts = []
    for field, whole, content in fields(_graph(model)):
        if field != _INITIALIZER or _name(content, _TENSOR_NAME) != name:
            parts.append(whole)
    graph = bytes_field(_MODEL_GRAPH, b"".join(parts))
    return b"".join(graph if field == _MODEL_GRAPH else whole for field, whole, _ in fields(model))


def _graph(model: bytes) -> bytes:
    found = [content for field, _, content in fields(model) if field == _MODEL_GRAPH]
    if len(found) != 1:
        raise ValueError("not a file of ONNX")
    return found[0]


def _ends(node: bytes) -> tuple[list[str], list[str]]:
    """The names of a node's inputs and outputs."""
    inputs, outputs = [], []
    for field, _, content in fields(node):
        if field == _NODE_INPUT:
            inputs.append(_text(content))
        elif field == _NODE_OUTPUT:
            outputs.append(_text(content))
        elif field == _NODE_ATTRIBUTE and any(inner in _ATTRIBUTE_GRAPHS for inner, _, _ in fields(content)):
            raise ValueError("a node holds a graph of its own")
    return inputs, outputs


def _name(message: bytes, field: int) -> str:
    return next((_text(content) for found, _, content in fields(message) if found == field), "")


def _text(content: bytes) -> str:
    return bytes(content).decode("utf-8", "replace")
