"""A captured step with our CUDA kernels, on the look-alike and, where there is one, on a GPU.

Here the kernels' texts are run by the shim, at every launch of the graph anew; on a GPU the same tests are the first
things to look at (docs/gpu.md), with more steps and the article's own widths:

    pytest tests/cuda/test_captured.py --backend cupy
"""

from types import SimpleNamespace

import numpy as np
import pytest

from minigen import backend
from minigen.cuda_graph import StepGraph, own_stream
from minigen.kernels import cuda_launch, cuda_products
from minigen.ops.draws import draw_normal, draw_uniform
from minigen.train.gan import Config, Gan
from minigen.train.measured import bare, numbers

from ..lookalike import counts, driver, graphs, lookalike
from ..ops.test_draws import near
from . import nodes, shim
from .conftest import on_cupy
from .test_launches import BUDGET

HERE = dict(width=0.02, latent=3, batch=3, steps=3, replays=3)
THERE = dict(width=1.0, latent=100, batch=64, steps=100, replays=10_000)


@pytest.fixture(params=["lookalike", pytest.param("cupy", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """CuPy or its look-alike, in use, and how much can be asked of it."""
    if request.param == "cupy":
        if why_not := backend.probe():
            pytest.skip(why_not.partition("\n")[0])
        monkeypatch.setattr(backend, "_chosen", "cupy")
        backend.use_precision("fp32")
        yield SimpleNamespace(xp=backend.current(), **THERE)
        backend.synchronize()
        return
    if shim.WHY_NOT:
        pytest.skip(shim.WHY_NOT)
    operations, kernels = on_cupy(), shim.kernels()
    stand_ins = {name: op.kernels["cupy"] for name, op in operations.items()}

    def run(name, blocks, args):
        bare_args = tuple(getattr(x, "_inside", x) for x in args)
        counts.note("kernels")
        graphs.changed(lambda: kernels.run(name, blocks, bare_args))

    monkeypatch.setattr(cuda_launch, "run", run)
    monkeypatch.setattr(nodes, "library", driver.Library)
    with lookalike.playing() as module:
        for name, op in operations.items():
            monkeypatch.setitem(op.kernels, "cupy", stand_ins[name])
        backend.use("cupy")
        yield SimpleNamespace(xp=module, **HERE)
        monkeypatch.undo()  # before the look-alike puts back what it found


def laid_out(device):
    """Factors of a product in the four ways in which a transposed view may be one."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(67, 33)).astype(np.float32), rng.normal(size=(33, 129)).astype(np.float32)
    for turned_a in (False, True):
        for turned_b in (False, True):
            x, y = device.xp.asarray(a), device.xp.asarray(b)
            x = device.xp.ascontiguousarray(x.T).T if turned_a else x
            y = device.xp.ascontiguousarray(y.T).T if turned_b else y
            yield x, y


def close(found, expected, rounding=1e-5):
    np.testing.assert_allclose(found.get(), expected.get(), rtol=rounding, atol=rounding * float(abs(expected).max()))


def test_our_product_equals_cupys_in_the_four_transpose_cases(device):
    products = cuda_products.Products(cuda_products.library(), device.xp)
    for x, y in laid_out(device):
        close(products(x, y), x @ y)


def test_our_product_can_be_captured(device):
    products = cuda_products.Products(cuda_products.library(), device.xp)
    factors, pool = list(laid_out(device)), device.xp.cuda.MemoryPool()
    expected = [x @ y for x, y in factors]
    with own_stream(), device.xp.cuda.using_allocator(pool.malloc):
        for x, y in factors:
            products(x, y)
        stream = device.xp.cuda.get_current_stream()
        stream.begin_capture()
        try:
            found = [products(x, y) for x, y in factors]
        finally:
            graph = stream.end_capture()
        for _ in range(2):
            for z in found:
                z.fill(np.nan)
            graph.launch()
            for z, wanted in zip(found, expected, strict=True):
                close(z, wanted)


def recipe_of(device, ema=0.9, draws="host"):
    """The article's GAN, and its batches."""
    sizes = dict(width=device.width, latent=device.latent, batch=device.batch)
    recipe = Gan(Config(**sizes, dropout=0.3, ema=ema, draws=draws))
    rng = np.random.default_rng(1)
    return recipe, lambda: rng.uniform(-1, 1, (device.batch, 28, 28, 1)).astype(np.float32)


def graph_of(recipe):
    return StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])


def run(device, draws, *, captured):
    """Measurements of some steps, and the state after them."""
    recipe, batch = recipe_of(device, draws=draws)
    rows = []
    with own_stream():
        of = graph_of(recipe)
        for i in range(device.steps):
            if captured and i:
                rows.append(numbers(of.replay(batch()) if i > 1 else of.capture(batch())))
            else:
                rows.append(numbers(of.warm_up(batch())))
        state = recipe.save_state()
    for optimiser in (recipe.optimiser_g, recipe.optimiser_d):
        optimiser.release()
    return rows, state


@pytest.mark.parametrize("draws", ["host", "device"])
def test_replays_equal_steps(draws, device):
    """On a GPU a hundred of them, by the same kernels and products."""
    (rows, (arrays, random)), (wanted, (expected, drawn)) = (run(device, draws, captured=c) for c in (True, False))
    assert random == drawn
    for got, row in zip(rows, wanted, strict=True):
        np.testing.assert_allclose(list(got.values()), list(row.values()), rtol=1e-3, atol=1e-5)
    for name, array in expected.items():
        np.testing.assert_allclose(arrays[name], array, rtol=1e-2, atol=1e-4, err_msg=name)


def test_memory_stays_as_it_is_over_many_replays(device):
    recipe, batch = recipe_of(device)
    x = batch()
    with own_stream():
        of = graph_of(recipe)
        of.warm_up(x)
        of.capture(x)
        for _ in range(min(100, device.replays)):
            of.replay(x)
        backend.synchronize()
        pool = device.xp.get_default_memory_pool()
        before = pool.total_bytes(), of.memory()
        for _ in range(device.replays):
            of.replay(x)
        backend.synchronize()
        assert (pool.total_bytes(), of.memory()) == before
    for optimiser in (recipe.optimiser_g, recipe.optimiser_d):
        optimiser.release()


@pytest.mark.parametrize("draws", ["host", "device"])
def test_every_replay_has_noise_and_coins_of_its_own(draws, device):
    """With weights that stay, only what is drawn can change what D says of the generated images."""
    recipe, batch = recipe_of(device, draws=draws)
    recipe.optimiser_g.learning_rate = recipe.optimiser_d.learning_rate = 0.0
    x = batch()
    with own_stream():
        of = graph_of(recipe)
        of.warm_up(x)
        answers = [numbers(of.capture(x) if i == 0 else of.replay(x)) for i in range(4)]
    for name in ("d_fake", "d_real"):  # noise and coins; coins alone
        assert len({row[name] for row in answers}) == 4, answers
    for optimiser in (recipe.optimiser_g, recipe.optimiser_d):
        optimiser.release()


def test_a_replay_draws_the_numbers_that_the_draw_by_itself_gives(device):
    rng, again = (backend.generator(5, "device") for _ in range(2))

    def step():
        return {"normal": draw_normal(rng, (5, 7)), "uniform": draw_uniform(rng, (3,))}

    with own_stream():
        of = StepGraph(step, ())
        of.warm_up()
        rows = [{name: x.get() for name, x in of.capture().items()}]
        rows += [{name: x.get() for name, x in of.replay().items()} for _ in range(3)]
    draw_normal(again, (5, 7)), draw_uniform(again, (3,))
    for row in rows:
        near(row["normal"], draw_normal(again, (5, 7), np.float32, np))
        np.testing.assert_array_equal(row["uniform"], draw_uniform(again, (3,), np.float32, np))
    assert len({row["uniform"].tobytes() for row in rows}) == 4


# Of a step's launches as the look-alike counts them (BUDGET) so many are matrix products.
PRODUCTS = 23
MARGIN = BUDGET // 10


def test_the_nodes_of_a_captured_step_are_its_counted_launches(device):
    """Here exactly.  On a GPU to a tenth, and a node more for each product, which cuBLAS may add up from two parts."""
    recipe, batch = recipe_of(device, ema=0.0)
    with own_stream():
        of = graph_of(recipe)
        of.warm_up(batch())
        with lookalike.counted() as counted:
            of.warm_up(batch())
        of.capture(batch())
        found = nodes.nodes_of(of._graph)
    for optimiser in (recipe.optimiser_g, recipe.optimiser_d):
        optimiser.release()
    total = sum(found.values())
    told = f"the graph has {total} nodes, {found}; counted were {BUDGET} launches, {PRODUCTS} of them products"
    print(told)
    fewest, most = BUDGET - MARGIN, BUDGET + MARGIN + PRODUCTS
    if device.xp is lookalike.cupy:
        assert counted.launches == BUDGET and counted.products == PRODUCTS, f"{told}; in this step {counted}"
        fewest = most = BUDGET
    assert fewest <= total <= most, f"{told}; a GPU's graph should have between {fewest} and {most}."
    assert found.keys() <= set(nodes.KINDS.values()), told
