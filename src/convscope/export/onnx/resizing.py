"""Preprocess's cropping and resizing as ONNX operations, for images of any height and width.

Pillow's filters reach beyond whole pixels: its box may begin in the middle of one. ONNX's `Resize` cannot do that (and
few engines have its `antialias`), so the weights of every output row and column are computed here as Pillow computes
them, in float64, and applied as two matrix products. On photos that is within 1 of 255 of Pillow's result; with
`nearest`, a place exactly between two pixels may get the other one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...data.preprocess import Preprocess
from ...errors import UsageError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

# The half width of each filter, in pixels of the larger of both images.
SUPPORT = {"bilinear": 1.0, "bicubic": 2.0}


class Graph:
    """Collects operations; each method call such as `graph("Add", a, b)` returns the name of the result."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def __call__(self, operation: str, *inputs: Any, **attributes: Any) -> str:
        """Add an operation; inputs that are no names become constants."""
        from onnx import helper

        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        name = f"resize/{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, names, [name], name, **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Return the name of a constant: float64 for a float, int64 for whole numbers."""
        from onnx import numpy_helper

        array = value if isinstance(value, np.ndarray) else np.array(value)
        self.constants.append(numpy_helper.from_array(array, f"resize/constant_{len(self.constants)}"))
        return self.constants[-1].name

    def int64(self, value: str) -> str:
        """Return a scalar as an int64 vector of one number."""
        from onnx import TensorProto

        return self("Reshape", self("Cast", value, to=TensorProto.INT64), [1])

    def float64(self, value: str) -> str:
        """Return a value as float64."""
        from onnx import TensorProto

        return self("Cast", value, to=TensorProto.DOUBLE)


def put_before(model: ModelProto, preprocess: Preprocess) -> None:
    """Make `model`, whose input is `pixels`, take `image` instead: uint8 N x H x W x C of any H and W."""
    from onnx import TensorProto, helper

    if preprocess.superpixels:
        raise UsageError("--input image cannot hold the superpixels of this classifier: use --input pixels")
    graph, channels = Graph(), preprocess.input_size[0]
    pixels = _pixels(graph, preprocess)
    graph.nodes.append(helper.make_node("Identity", [pixels], ["pixels"], "resize/pixels"))
    network = list(model.graph.node)
    del model.graph.node[:], model.graph.input[:]
    model.graph.node.extend([*graph.nodes, *network])
    used = {name for node in graph.nodes for name in node.input}
    model.graph.initializer.extend(constant for constant in graph.constants if constant.name in used)
    model.graph.input.append(
        helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", "height", "width", channels])
    )


def _pixels(graph: Graph, preprocess: Preprocess) -> str:
    """Return the uint8 pixels N x C x H x W of `image`, as `Preprocess.array` gives them."""
    from onnx import TensorProto

    channels, height, width = preprocess.input_size
    border = preprocess.border
    inner = (height - 2 * border, width - 2 * border)
    shape = graph("Shape", "image")
    lengths = [graph.float64(graph("Gather", shape, axis)) for axis in (1, 2)]
    sizes = [graph.constant(float(side)) for side in inner]
    boxes = [(graph.constant(0.0), length) for length in lengths]
    if preprocess.crop_mode == "center":
        boxes = _center(graph, lengths, inner, preprocess.crop_pct)
    elif preprocess.crop_mode == "pad":
        sizes = _fitting(graph, lengths, inner)
    reach = [(graph.constant(0.0), length) for length in lengths]
    if channels == 3 and preprocess.interpolation != "nearest":
        boxes, reach = _whole_pixels_when_shrinking(graph, boxes, reach, sizes)
    # Pillow keeps the corners of a box in float32.
    boxes = [
        (
            graph.float64(graph("Cast", start, to=TensorProto.FLOAT)),
            graph.float64(graph("Cast", end, to=TensorProto.FLOAT)),
        )
        for start, end in boxes
    ]
    values = graph("Transpose", "image", perm=[0, 3, 1, 2])
    for axis in (1, 0):  # rows of pixels first, as Pillow does
        if preprocess.interpolation == "nearest":
            values = _nearest(graph, values, axis, boxes[axis], sizes[axis], lengths[axis])
        else:
            values = _filtered(graph, values, axis, boxes[axis], reach[axis], sizes[axis], preprocess.interpolation)
    if preprocess.crop_mode == "pad" or border:
        values = _framed(graph, values, sizes, (height, width))
    return graph("Cast", graph("Reshape", values, [0, channels, height, width]), to=TensorProto.UINT8)


def _center(graph: Graph, lengths: list[str], inner: tuple[int, int], crop_pct: float) -> list[tuple[str, str]]:
    """Return the box (begin, end) along each axis, in pixels of the image, that a crop in the centre keeps."""
    ratios = [graph("Div", float(side), length) for side, length in zip(inner, lengths, strict=True)]
    scale = graph("Div", graph("Max", ratios[1], ratios[0]), crop_pct)
    boxes = []
    for side, length in zip(inner, lengths, strict=True):
        seen = graph("Div", float(side), scale)
        begin = graph("Div", graph("Sub", length, seen), 2.0)
        end = graph("Min", graph("Add", begin, seen), length)
        boxes.append((graph("Max", begin, 0.0), end))
    return boxes


def _fitting(graph: Graph, lengths: list[str], inner: tuple[int, int]) -> list[str]:
    """Return the height and width of the whole image fitted into `inner`."""
    ratios = [graph("Div", float(side), length) for side, length in zip(inner, lengths, strict=True)]
    scale = graph("Min", ratios[1], ratios[0])
    return [graph("Max", graph("Round", graph("Mul", length, scale)), 1.0) for length in lengths]


def _whole_pixels_when_shrinking(
    graph: Graph, boxes: list[tuple[str, str]], reach: list[tuple[str, str]], sizes: list[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Round the box to whole pixels, beyond which nothing is read, if both sides get smaller: as `Preprocess` does."""
    smaller = [
        graph("Greater", graph("Sub", end, begin), size) for (begin, end), size in zip(boxes, sizes, strict=True)
    ]
    both = graph("And", *smaller)
    chosen, read = [], []
    for (begin, end), (first, last) in zip(boxes, reach, strict=True):
        rounded = graph("Round", begin), graph("Round", end)
        chosen.append((graph("Where", both, rounded[0], begin), graph("Where", both, rounded[1], end)))
        read.append((graph("Where", both, rounded[0], first), graph("Where", both, rounded[1], last)))
    return chosen, read


def _centers(graph: Graph, box: tuple[str, str], size: str) -> tuple[str, str]:
    """Return the centre of each output pixel in coordinates of the image, and the length of an output pixel there."""
    scale = graph("Div", graph("Sub", box[1], box[0]), size)
    steps = graph("Add", graph("Range", 0.0, size, 1.0), 0.5)
    return graph("Add", box[0], graph("Mul", steps, scale)), scale


def _nearest(graph: Graph, values: str, axis: int, box: tuple[str, str], size: str, length: str) -> str:
    from onnx import TensorProto

    # Added up step by step, as Pillow does: where a centre lies between two pixels, the last bit decides.
    scale = graph("Div", graph("Sub", box[1], box[0]), size)
    first = graph("Add", box[0], graph("Mul", scale, 0.5))
    further = graph("Expand", graph("Reshape", scale, [1]), graph("Sub", graph.int64(size), [1]))
    centers = graph("CumSum", graph("Concat", graph("Reshape", first, [1]), further, axis=0), 0)
    index = graph("Min", graph("Floor", centers), graph("Sub", length, 1.0))
    return graph("Gather", values, graph("Cast", index, to=TensorProto.INT64), axis=2 + axis)


def _filtered(
    graph: Graph, values: str, axis: int, box: tuple[str, str], reach: tuple[str, str], size: str, interpolation: str
) -> str:
    """Resize one axis; float32 whole numbers, as Pillow rounds after each axis."""
    from onnx import TensorProto

    centers, scale = _centers(graph, box, size)
    stretch = graph("Max", scale, 1.0)  # an image that gets larger is not blurred
    support = graph("Mul", stretch, SUPPORT[interpolation])
    # Only the pixels that some weight can reach.
    first = graph("Floor", graph("Max", graph("Sub", box[0], support), reach[0]))
    last = graph("Ceil", graph("Min", graph("Add", box[1], support), reach[1]))
    part = graph("Slice", values, graph.int64(first), graph.int64(last), [2 + axis])
    positions = graph("Unsqueeze", graph("Add", graph("Range", first, last, 1.0), 0.5), [0])
    distance = graph("Abs", graph("Div", graph("Sub", positions, graph("Unsqueeze", centers, [1])), stretch))
    weights = _triangle(graph, distance) if interpolation == "bilinear" else _cubic(graph, distance)
    weights = graph("Div", weights, graph("ReduceSum", weights, [1], keepdims=1))
    # To the 22 bits that Pillow keeps of a weight.
    weights = graph("Div", graph("Round", graph("Mul", weights, 2.0**22)), 2.0**22)
    part = graph.float64(part)  # a pixel times such a weight has 30 bits, and the last one decides between two pixels
    if axis == 1:
        result = graph("MatMul", part, graph("Transpose", weights, perm=[1, 0]))
    else:
        result = graph("MatMul", weights, part)
    zero, white = (np.array(value, np.float32) for value in (0, 255))
    whole = graph("Cast", graph("Floor", graph("Add", result, 0.5)), to=TensorProto.FLOAT)
    return graph("Clip", whole, zero, white)


def _triangle(graph: Graph, distance: str) -> str:
    return graph("Max", graph("Sub", 1.0, distance), 0.0)


def _cubic(graph: Graph, distance: str, a: float = -0.5) -> str:
    """Return Keys's cubic convolution (1981) with Pillow's coefficient."""
    square = graph("Mul", distance, distance)
    inner = graph("Sub", graph("Mul", distance, a + 2), a + 3)
    near = graph("Add", graph("Mul", inner, square), 1.0)
    outer = graph("Add", graph("Mul", graph("Sub", distance, 5.0), square), graph("Mul", distance, 8.0))
    far = graph("Mul", graph("Sub", outer, 4.0), a)
    beyond = graph("Where", graph("Less", distance, 2.0), far, 0.0)
    return graph("Where", graph("Less", distance, 1.0), near, beyond)


def _framed(graph: Graph, values: str, sizes: list[str], outer: tuple[int, int]) -> str:
    """Add the black bars and the border around a picture of `sizes`."""
    from onnx import TensorProto

    values = graph("Cast", values, to=TensorProto.FLOAT)
    before, after = [graph.constant([0, 0])], [graph.constant([0, 0])]
    for size, side in zip(sizes, outer, strict=True):
        missing = graph("Sub", float(side), size)
        half = graph("Floor", graph("Div", missing, 2.0))
        before.append(graph.int64(half))
        after.append(graph.int64(graph("Sub", missing, half)))
    pads = graph("Concat", *before, *after, axis=0)
    return graph("Pad", values, pads, np.array(0, np.float32), mode="constant")
