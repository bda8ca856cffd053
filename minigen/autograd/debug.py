"""Looking at a graph: `detect_anomaly` finds where the first NaN was born, `draw_graph` shows what was recorded."""

import contextlib
from html import escape
from typing import Any

from minigen.autograd.op import Node
from minigen.autograd.tensor import Tensor, switch


def detect_anomaly() -> contextlib.AbstractContextManager[None]:
    """Inside `with detect_anomaly():` the first NaN or infinity raises AnomalyError, forward or backward.

    The error names the operation and the line of your code.  Every result is looked at, so it is slow: for searching.
    """
    return switch("anomaly", True)


def draw_graph(y: Tensor) -> "GraphDrawing":
    """The graph that made y: print it for text, show it in a notebook for a picture, `.dot` for Graphviz."""
    return GraphDrawing(y)


class GraphDrawing:
    """The operations and leaves below a tensor, each listed once, inputs before what uses them."""

    def __init__(self, y: Tensor):
        self.boxes: list[tuple[str, str, bool]] = []  # (what it is, its shape, a leaf?)
        self.arrows: list[tuple[int, int]] = []
        self._number: dict[Any, int] = {}
        self._collect(y)

    def _collect(self, y: Tensor) -> None:
        tensors: list[Tensor] = [y]
        nodes: dict[Node, Tensor] = {}
        while tensors:
            tensor = tensors.pop()
            if tensor.node is None:
                self._box(tensor, tensor)
            elif tensor.node not in nodes:
                nodes[tensor.node] = tensor
                tensors += [x for x in tensor.node.inputs if isinstance(x, Tensor)]
        for node in sorted(nodes, key=lambda node: node.order):
            here = self._box(node, nodes[node])
            self.arrows += [
                (self._number[x if x.node is None else x.node], here) for x in node.inputs if isinstance(x, Tensor)
            ]

    def _box(self, key: Any, tensor: Tensor) -> int:
        if key not in self._number:
            kind = "parameter" if tensor.requires_grad else "constant"
            name = (tensor.name or kind) if tensor.node is None else tensor.node.op.name
            self._number[key] = len(self.boxes)
            self.boxes.append((name, "×".join(map(str, tensor.shape)) or "one number", tensor.node is None))
        return self._number[key]

    def __str__(self) -> str:
        lines = []
        for i, (name, shape, _) in enumerate(self.boxes):
            inputs = ", ".join(f"#{a}" for a, b in self.arrows if b == i)
            lines.append(f"#{i} {name}({inputs})  {shape}" if inputs else f"#{i} {name}  {shape}")
        return "\n".join(lines)

    __repr__ = __str__

    @property
    def dot(self) -> str:
        """The same graph in Graphviz' language."""
        boxes = "".join(
            f'  n{i} [label="{name}\\n{shape}", shape={"ellipse" if leaf else "box"}];\n'
            for i, (name, shape, leaf) in enumerate(self.boxes)
        )
        return "digraph {\n" + boxes + "".join(f"  n{a} -> n{b};\n" for a, b in self.arrows) + "}\n"

    def _repr_svg_(self) -> str:
        """The picture a notebook shows: one row a depth, leaves rounded and coloured, arrows downwards."""
        depth = [0] * len(self.boxes)
        for a, b in self.arrows:  # arrows come in the order of making, so a's depth is settled before b's
            depth[b] = max(depth[b], depth[a] + 1)
        width, height, gap = 130, 40, 24
        column: dict[int, int] = {}
        at = []
        for row in depth:
            x = column.get(row, 0)
            column[row] = x + 1
            at.append((x * (width + gap) + gap, row * (height + gap) + gap))
        lines = "".join(
            f'<line x1="{at[a][0] + width / 2}" y1="{at[a][1] + height}" x2="{at[b][0] + width / 2}" y2="{at[b][1]}" '
            'stroke="#888" marker-end="url(#tip)"/>'
            for a, b in self.arrows
        )
        boxes = "".join(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="{18 if leaf else 4}" '
            f'fill="{"#dbeafe" if leaf else "#f3f4f6"}" stroke="#555"/>'
            f'<text x="{x + width / 2}" y="{y + 17}" text-anchor="middle" font-size="12">{escape(name)}</text>'
            f'<text x="{x + width / 2}" y="{y + 32}" text-anchor="middle" font-size="10" fill="#555">{shape}</text>'
            for (x, y), (name, shape, leaf) in zip(at, self.boxes, strict=True)
        )
        right = max(column.values()) * (width + gap) + gap
        bottom = (max(depth) + 1) * (height + gap) + gap
        tip = (
            '<marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
            '<path d="M0,0 L7,3 L0,6"/></marker>'
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{bottom}" font-family="sans-serif">'
            f"<defs>{tip}</defs>{lines}{boxes}</svg>"
        )
