"""What a graph keeps alive and for how long: no recursion, no reference cycles, nothing left behind."""

import gc
import sys
import tracemalloc
import weakref

import numpy as np
import pytest

import minigen
from minigen import GraphError, Parameter, ShapeError, Tensor, grad
from minigen.autograd import kernel
from minigen.autograd.op import fused

LONG = 100_000  # far beyond any recursion limit


def chain(x):
    y = x
    for _ in range(LONG):
        y = y + 1.0
    return y


def test_a_chain_of_100000_operations_is_walked_and_freed_without_recursion():
    assert sys.getrecursionlimit() < LONG
    x = Tensor(np.zeros(1), requires_grad=True)
    y = chain(x)
    assert grad(y, [x])[0].item() == 1
    del y


def test_a_long_graph_that_nobody_walked_is_freed_without_recursion():
    x = Tensor(np.zeros(1), requires_grad=True)
    y = chain(x)
    node = weakref.ref(y.node.inputs[0])
    del y
    assert node() is None


def test_a_long_graph_can_be_walked_under_create_graph_and_twice():
    x = Tensor(np.ones(1), requires_grad=True)
    y = x
    for _ in range(3_000):
        y = y * x
    (dx,) = grad(y, [x], create_graph=True)
    assert dx.item() == 3_001
    assert grad(dx, [x])[0].item() == 3_000 * 3_001


def test_a_wide_fan_out_is_walked_once_a_node():
    x = y = Tensor(np.ones(1), requires_grad=True)
    for _ in range(60):  # 2⁶⁰ ways, 60 nodes
        y = y + y
    assert grad(y, [x])[0].item() == 2.0**60


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def networks_step(w, v, x):
    h = minigen.batch_norm((x @ w).tanh(), np.ones(4), np.zeros(4)).sigmoid()
    return ((h @ v) ** 2).mean()


def plain(w, v, x):
    return grad(networks_step(w, v, x), [w, v])


def stored(w, v, x):
    networks_step(w, v, x).backward()
    w.grad = v.grad = None


def twice(w, v, x):
    gradients = grad(networks_step(w, v, x), [w, v], create_graph=True)
    return grad(sum((g * g).sum() for g in gradients), [w, v])


def unwalked(w, v, x):
    networks_step(w, v, x)


def refused(w, v, x):
    with pytest.raises(ShapeError):
        networks_step(w, v, x) + np.ones((7, 7)) @ v
    with pytest.raises(GraphError):
        grad(networks_step(w, v, x), [w, x])
    loss = networks_step(w, v, x)
    grad(loss, [w])
    with pytest.raises(GraphError):
        grad(loss, [w])
    with pytest.raises(TypeError):
        np.arctan(loss)


def looked_at(w, v, x):
    with minigen.detect_anomaly():
        grad(networks_step(w, v, x), [w])
    loss = networks_step(w, v, x)
    str(minigen.draw_graph(loss)), minigen.draw_graph(loss)._repr_svg_()


def met_numpy(w, v, x):
    y = networks_step(w, v, x).detach()
    np.concatenate([y.reshape(1), np.ones(1)]), np.add(np.ones(1), y), np.asarray(y), repr(y)


STEPS = [plain, stored, twice, unwalked, refused, looked_at, met_numpy]


def materials():
    rng = np.random.default_rng(0)
    w, v = Parameter(rng.standard_normal((3, 4))), Parameter(rng.standard_normal((4, 1)))
    return w, v, Tensor(rng.standard_normal((8, 3)))


@pytest.mark.parametrize("step", [step for step in STEPS if step is not refused], ids=lambda step: step.__name__)
def test_a_step_leaves_nothing_for_the_collector(step, no_collector):
    inputs = materials()
    step(*inputs)
    gc.collect()
    step(*inputs)
    assert gc.collect() == 0


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_a_step_keeps_no_tensor_alive(step, no_collector):
    def count():
        return sum(type(thing) in (Tensor, Parameter) for thing in gc.get_objects())

    inputs = materials()
    step(*inputs)
    if step is refused:  # pytest.raises itself holds the traceback in a cycle
        gc.collect()
    before = count()
    for _ in range(3):
        step(*inputs)
    if step is refused:
        gc.collect()
    assert count() == before


def test_an_error_inside_an_operation_leaves_no_cycle(no_collector):
    w, v, x = materials()

    def fail():
        try:
            x @ w + np.ones((7, 7))
        except ShapeError:
            return True

    fail()
    gc.collect()
    assert fail()
    assert gc.collect() == 0


def test_memory_returns_to_where_it_was_after_a_step(no_collector):
    w = Parameter(np.ones((200, 200)))
    x = Tensor(np.ones((200, 200)))

    def step():
        h = x
        for _ in range(20):
            h = (h @ w) * 0.001
        return grad(h.sum(), [w])

    step()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(3):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < w.data.nbytes / 10


def test_the_walk_releases_a_graph_as_it_goes():
    x = Tensor(np.ones(3), requires_grad=True)
    h = x.exp()
    y = h.tanh().sum()
    inside = weakref.ref(y.node.inputs[0])
    grad(y, [x])
    assert inside() is None and h.node.released


def test_a_kernels_leavings_are_released_with_the_graph():
    class Leavings:
        pass

    @fused
    def leaving_test(x):
        return x * 2

    @kernel(leaving_test, backend="numpy")
    class LeavingKernel:
        @staticmethod
        def value(x):
            return x * 2, Leavings()

        @staticmethod
        def vjp(dy, y, saved, wanted, x):
            return [dy * 2]

    try:
        x = Tensor(np.ones(1), requires_grad=True)
        y = leaving_test(x)
        leavings = weakref.ref(y.node.saved[1])
        assert leavings() is not None
        grad(y, [x])
        assert leavings() is None
    finally:
        del minigen.autograd.FUSED["leaving_test"]
