"""`draw_graph` shows what was recorded: as text, as a picture in a notebook, in Graphviz' language."""

from html import escape
from typing import Any

from minigen.autograd.node import Node
from minigen.autograd.tensor import Tensor
from minigen.errors import GraphError

WIDTH, HEIGHT, GAP = 130, 40, 24  # of a box and between boxes, in pixels
ARROW_TIP = (
    '<marker id="tip" markerWidth="8" markerHeight="8" refX="7" refY="3" orient="auto">'
    '<path d="M0,0 L7,3 L0,6"/></marker>'
)


def draw_graph(y: Tensor) -> "GraphDrawing":
    """The graph that made y: print it for text, show it in a notebook for a picture, `.dot` for Graphviz.

    Layers that were computed together stand as one operation, such as `affine_leaky`; made inside `kernels_off()`, the
    graph has one for each.
    GraphError where a walk has released the graph already.
    """
    return GraphDrawing(y)


class GraphDrawing:
    """The operations and leaves below a tensor, each listed once, inputs before what uses them."""

    def __init__(self, y: Tensor):
        self.boxes: list[tuple[str, str, bool]] = []  # (what it is, its shape, a leaf?)
        self.arrows: list[tuple[int, int]] = []  # in the order of making
        self._collect(y)

    def _collect(self, y: Tensor) -> None:
        tensors: list[Tensor] = [y]
        made: dict[Node, Tensor] = {}
        while tensors:
            tensor = tensors.pop()
            if tensor.node is not None and tensor.node not in made:
                if tensor.node.released:
                    raise GraphError("this graph was released by an earlier walk; draw it before, or retain_graph.")
                made[tensor.node] = tensor
                tensors += [x for x in tensor.node.inputs if isinstance(x, Tensor)]
        number: dict[Any, int] = {}
        if y.node is None:
            self._box(y, number)
        for node in sorted(made, key=lambda node: node.order):
            below = [self._box(x, number) for x in node.inputs if isinstance(x, Tensor)]
            here = self._box(made[node], number)
            self.arrows += [(leaf, here) for leaf in below]

    def _box(self, tensor: Tensor, number: dict[Any, int]) -> int:
        """The number of a tensor's box, drawn where it is met first."""
        node = tensor.node
        place = tensor if node is None else node
        if place not in number:
            number[place] = len(self.boxes)
            kind = "parameter" if tensor.requires_grad else "constant"
            shape = "×".join(map(str, tensor.shape)) or "one number"
            self.boxes.append((node.op.name if node else tensor.name or kind, shape, node is None))
        return number[place]

    def __str__(self) -> str:
        below: dict[int, list[str]] = {}
        for a, b in self.arrows:
            below.setdefault(b, []).append(f"#{a}")
        return "\n".join(
            f"#{i} {name}{'' if leaf else '(' + ', '.join(below.get(i, [])) + ')'}  {shape}"
            for i, (name, shape, leaf) in enumerate(self.boxes)
        )

    __repr__ = __str__

    @property
    def dot(self) -> str:
        """The same graph in Graphviz' language."""
        boxes = "".join(
            f'  n{i} [label="{_quoted(name)}\\n{shape}", shape={"ellipse" if leaf else "box"}];\n'
            for i, (name, shape, leaf) in enumerate(self.boxes)
        )
        return "digraph {\n" + boxes + "".join(f"  n{a} -> n{b};\n" for a, b in self.arrows) + "}\n"

    def _repr_svg_(self) -> str:
        """The picture a notebook shows: one row a depth, leaves rounded and coloured, arrows downwards."""
        at = self._places()
        lines = "".join(
            f'<line x1="{at[a][0] + WIDTH / 2}" y1="{at[a][1] + HEIGHT}" x2="{at[b][0] + WIDTH / 2}" y2="{at[b][1]}" '
            'stroke="#888" marker-end="url(#tip)"/>'
            for a, b in self.arrows
        )
        boxes = "".join(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="{18 if leaf else 4}" '
            f'fill="{"#dbeafe" if leaf else "#f3f4f6"}" stroke="#555"/>'
            f'<text x="{x + WIDTH / 2}" y="{y + 17}" text-anchor="middle" font-size="12">{escape(name)}</text>'
            f'<text x="{x + WIDTH / 2}" y="{y + 32}" text-anchor="middle" font-size="10" fill="#555">{shape}</text>'
            for (x, y), (name, shape, leaf) in zip(at, self.boxes, strict=True)
        )
        right = max(x for x, _ in at) + WIDTH + GAP
        bottom = max(y for _, y in at) + HEIGHT + GAP
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{bottom}" font-family="sans-serif">'
            f"<defs>{ARROW_TIP}</defs>{lines}{boxes}</svg>"
        )

    def _places(self) -> list[tuple[int, int]]:
        """The corner of each box: as far down as its longest way from a leaf, side by side with its equals."""
        depth = [0] * len(self.boxes)
        for a, b in self.arrows:  # a's depth is settled before b's
            depth[b] = max(depth[b], depth[a] + 1)
        column: dict[int, int] = {}
        places = []
        for row in depth:
            column[row] = column.get(row, -1) + 1
            places.append((column[row] * (WIDTH + GAP) + GAP, row * (HEIGHT + GAP) + GAP))
        return places


def _quoted(name: str) -> str:
    """A name inside Graphviz' double quotes."""
    return name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
