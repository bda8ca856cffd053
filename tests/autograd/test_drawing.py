"""draw_graph: text, Graphviz and a picture of what was recorded."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigen
from minigen import GraphError, Parameter, Tensor, draw_graph, grad


def network():
    w = Parameter(np.ones((3, 2), np.float32), name="dense.weight")
    x = Tensor(np.ones((4, 3), np.float32), name="images")
    h = x @ w
    return w, (h.tanh() + h).mean()


def test_the_text_lists_inputs_before_what_uses_them():
    assert str(draw_graph(network()[1])).splitlines() == [
        "#0 images  4×3",
        "#1 dense.weight  3×2",
        "#2 matrix_product(#0, #1)  4×2",
        "#3 tanh(#2)  4×2",
        "#4 add(#3, #2)  4×2",
        "#5 mean(#4)  one number",
    ]


def test_nameless_leaves_are_parameters_or_constants():
    x = Tensor(np.ones(2), requires_grad=True)
    assert str(draw_graph(x * Tensor(np.ones(2)))).splitlines()[:2] == ["#0 parameter  2", "#1 constant  2"]
    assert repr(draw_graph(x)) == "#0 parameter  2"


def test_a_tensor_used_twice_has_one_box_and_two_arrows():
    x = Tensor(np.ones(2), requires_grad=True)
    assert str(draw_graph(x + x)).splitlines()[1] == "#1 add(#0, #0)  2"


def test_dot_is_quoted():
    w = Parameter(np.ones(1), name='a "strange" \\ name')
    dot = draw_graph(w * 2).dot
    assert dot.startswith("digraph {\n") and dot.endswith("}\n")
    assert r'n0 [label="a \"strange\" \\ name\n1", shape=ellipse];' in dot
    assert "  n0 -> n1;" in dot


@pytest.mark.parametrize(
    "make", [lambda: network()[1], lambda: Parameter(np.ones(1), name="<&>"), lambda: minigen.tensor(1)]
)
def test_the_picture_is_well_formed(make):
    drawing = draw_graph(make())
    picture = ElementTree.fromstring(drawing._repr_svg_())
    namespace = "{http://www.w3.org/2000/svg}"
    assert picture.tag == namespace + "svg"
    boxes = picture.findall(namespace + "rect")
    assert len(boxes) == len(drawing.boxes) and len(picture.findall(namespace + "line")) == len(drawing.arrows)
    corners = {(box.get("x"), box.get("y")) for box in boxes}
    assert len(corners) == len(boxes)


def test_a_released_graph_cannot_be_drawn():
    w, loss = network()
    grad(loss, [w])
    with pytest.raises(GraphError, match="released"):
        draw_graph(loss)


def test_a_graph_of_ten_thousand_operations_is_drawn_in_reasonable_time():
    x = Tensor(np.ones(1), requires_grad=True)
    for _ in range(10_000):
        x = x + 1
    assert str(draw_graph(x)).count("\n") == 10_000
