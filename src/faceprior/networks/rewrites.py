"""Exact rewrites of an exported graph that runtimes do not make by themselves; docs/performance.md has what each gains.

Each takes a graph with known shapes (the batch excepted), changes it in place where its pattern occurs, and says
how often it did. None knows a layer's name, so they hold for any network that is exported.
"""

from collections.abc import Callable

import numpy as np
import onnx
import onnx_ir as ir
from onnx_ir.passes import common

Rewrite = Callable[[ir.Graph], int]


def rewritten(model: onnx.ModelProto, rewrites: tuple[Rewrite, ...] | None = None) -> onnx.ModelProto:
    """`model` after every rewrite of `REWRITES`, or those given; it is not changed itself."""
    known = ir.from_proto(onnx.shape_inference.infer_shapes(model, data_prop=True))
    for rewrite in REWRITES if rewrites is None else rewrites:
        rewrite(known.graph)
    common.RemoveUnusedNodesPass()(known)
    common.TopologicalSortPass()(known)
    return ir.to_proto(known)


def split_concat(graph: ir.Graph) -> int:
    """Conv(Concat(a, b)) -> Conv(a) + Conv(b), also where a GridSample stands between the two.

    The joined tensor is never written, and no convolution gets a number of channels that its kernels must pad: the
    LR's 3 channels or the 4 heatmaps beside 32 features cost as much as 16 more.
    """
    count = 0
    for conv in [node for node in graph if node.op_type == "Conv"]:
        source, weights = conv.inputs[0], _constant(conv.inputs[1])
        sampler = source.producer() if source is not None else None
        grid = None
        if sampler is not None and sampler.op_type == "GridSample" and _only_use(source):
            grid, source = sampler, sampler.inputs[0]
        concat = source.producer()
        if concat is None or concat.op_type != "Concat" or not _only_use(source) or weights is None:
            continue
        sizes = [_channels(part) for part in concat.inputs]
        if concat.attributes.get_int("axis") != 1 or None in sizes or conv.attributes.get_int("group", 1) != 1:
            continue
        total, begin = None, 0
        for part, size in zip(concat.inputs, sizes, strict=True):
            x = part
            if grid is not None:
                x = _node(graph, conv, "GridSample", [part, grid.inputs[1]], grid.attributes.values())
            inputs = [x, _initializer(graph, weights[:, begin : begin + size], conv.inputs[1].name)]
            if begin == 0 and len(conv.inputs) > 2:
                inputs.append(conv.inputs[2])  # the bias, once
            y = _node(graph, conv, "Conv", inputs, conv.attributes.values())
            total = y if total is None else _node(graph, conv, "Add", [total, y])
            begin += size
        _replace(conv, total)
        count += 1
    return count


def convolve_before_shuffle(graph: ir.Graph) -> int:
    """DepthToSpace(2), Relu, Conv 3x3 -> Relu, Conv 3x3 with four times the channels, DepthToSpace(2).

    The same sums at half the resolution: the shuffle, which is slow, then moves the few channels of the picture
    instead of the many before it.
    """
    count = 0
    for conv in [node for node in graph if node.op_type == "Conv"]:
        weights, relu = _constant(conv.inputs[1]), None
        shuffle = conv.inputs[0].producer()
        if shuffle is not None and shuffle.op_type == "Relu" and _only_use(shuffle.outputs[0]):
            relu, shuffle = shuffle, shuffle.inputs[0].producer()
        if shuffle is None or shuffle.op_type != "DepthToSpace" or not _only_use(shuffle.outputs[0]):
            continue
        a = conv.attributes
        plain = (
            shuffle.attributes.get_int("blocksize") == 2
            and shuffle.attributes.get_string("mode", "DCR") == "CRD"
            and weights is not None
            and weights.shape[2:] == (3, 3)
            and list(a.get_ints("pads", [0] * 4)) == [1] * 4
            and set(a.get_ints("strides", [1])) == {1}
            and set(a.get_ints("dilations", [1])) == {1}
            and a.get_int("group", 1) == 1
        )
        if not plain or len(weights) > weights.shape[1]:  # more channels after than before: nothing to win
            continue
        outputs, inputs = weights.shape[:2]
        coarse = np.zeros((outputs, 2, 2, inputs, 2, 2, 3, 3), weights.dtype)
        for py, px, ky, kx in np.ndindex(2, 2, 3, 3):
            y, x = py + ky - 1, px + kx - 1  # in fine pixels from the coarse pixel's first one: -1..2
            coarse[:, py, px, :, y % 2, x % 2, y // 2 + 1, x // 2 + 1] = weights[:, :, ky, kx]
        x = shuffle.inputs[0]
        if relu is not None:
            x = _node(graph, conv, "Relu", [x])
        new = [x, _initializer(graph, coarse.reshape(4 * outputs, 4 * inputs, 3, 3), conv.inputs[1].name)]
        if len(conv.inputs) > 2:
            new.append(_initializer(graph, np.repeat(_constant(conv.inputs[2]), 4), conv.inputs[2].name))
        y = _node(graph, conv, "Conv", new, a.values())
        _replace(conv, _node(graph, conv, "DepthToSpace", [y], shuffle.attributes.values()))
        count += 1
    return count


FINER = 16  # subdivisions of a pixel: the straight line between them is off by less than 1/1000 of full contrast
BEYOND = 2  # pixels outside the border where a cubic still changes


def cubic_by_table(graph: ir.Graph) -> int:
    """GridSample(cubic, border) of a small square image -> the same cubic on a fine raster, then linear between.

    The raster is two small matrix products; a linear sample costs a tenth of a cubic one, where the padding is
    "zeros": so the positions are clipped to the raster instead.
    """
    count = 0
    for node in [n for n in graph if n.op_type == "GridSample"]:
        a, shape = node.attributes, node.inputs[0].shape
        if a.get_string("mode", "linear") != "cubic" or a.get_string("padding_mode", "zeros") != "border":
            continue
        sides = [] if shape is None else [side for side in shape[2:] if isinstance(side, int)]
        if a.get_int("align_corners", 0) or len(sides) != 2 or sides[0] != sides[1] or sides[0] > 32:
            continue
        matrix = _cubic_matrix(sides[0])
        x = _node(graph, node, "MatMul", [node.inputs[0], _initializer(graph, matrix.T, "cubic_columns")])
        x = _node(graph, node, "MatMul", [_initializer(graph, matrix, "cubic_rows"), x])
        last = 1 - 1 / len(matrix)  # the centre of the outermost fine pixel
        shrink, low, high = (
            _initializer(graph, np.array(value, np.float32), "cubic_range")
            for value in (sides[0] / (sides[0] + 2 * BEYOND), -last, last)
        )
        grid = _node(graph, node, "Mul", [node.inputs[1], shrink])
        grid = _node(graph, node, "Clip", [grid, low, high])
        linear = [ir.AttrString("mode", "linear"), ir.AttrString("padding_mode", "zeros")]
        _replace(node, _node(graph, node, "GridSample", [x, grid], [*linear, ir.AttrInt64("align_corners", 0)]))
        count += 1
    return count


def _cubic_matrix(size: int) -> np.ndarray:
    """float32 (FINER * (size + 2 BEYOND), size): Keys' cubic (a = -0.75) at every fine position, the ends repeated."""
    positions = (np.arange(FINER * (size + 2 * BEYOND)) + 0.5) / FINER - 0.5 - BEYOND
    matrix = np.zeros((len(positions), size))
    for row, position in zip(matrix, positions, strict=True):
        first = int(np.floor(position)) - 1
        for tap in range(first, first + 4):
            row[min(max(tap, 0), size - 1)] += _keys(abs(position - tap))
    return matrix.astype(np.float32)


def _keys(t: float, a: float = -0.75) -> float:
    if t <= 1:
        return ((a + 2) * t - (a + 3)) * t * t + 1
    return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a if t < 2 else 0.0


REWRITES: tuple[Rewrite, ...] = (split_concat, convolve_before_shuffle, cubic_by_table)


def _only_use(value: ir.Value) -> bool:
    return len(value.uses()) == 1 and not value.is_graph_output()


def _channels(value: ir.Value) -> int | None:
    size = value.shape[1] if value.shape is not None and len(value.shape) > 1 else None
    return size if isinstance(size, int) else None


def _constant(value: ir.Value | None) -> np.ndarray | None:
    tensor = None if value is None else ir.convenience.get_const_tensor(value)
    return None if tensor is None else tensor.numpy()


def _initializer(graph: ir.Graph, array: np.ndarray, name: str) -> ir.Value:
    """A new initialiser, named after the one that it comes from."""
    k = 0
    while f"{name}.{k}" in graph.initializers:
        k += 1
    value = ir.Value(name=f"{name}.{k}", const_value=ir.tensor(np.ascontiguousarray(array), name=f"{name}.{k}"))
    graph.register_initializer(value)
    return value


def _node(graph: ir.Graph, before: ir.Node, op: str, inputs: list, attributes=()) -> ir.Value:
    node = ir.node(op, inputs)
    for attribute in attributes:
        node.attributes.add(attribute)
    graph.insert_before(before, node)
    return node.outputs[0]


def _replace(old: ir.Node, new: ir.Value) -> None:
    """`new` takes the place, the name and the shape of the only output of `old`, which goes."""
    ir.convenience.replace_nodes_and_values(old.graph, old, [old], [], [old.outputs[0]], [new])
