"""A recipe's step as one CUDA graph (`--graph`), compared with the step itself before it is trusted."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen.cuda_graph import StepGraph, own_stream
from minigen.data import Batches
from minigen.train.measured import bare, count, numbers, on_device

TIMES = 3  # steps of a comparison: a number that should have moved is seen in the second, its effect in the third
LINE_EVERY = 50  # steps from one line of metrics to the next, so that the GPU is seldom waited for
CLOSE = 1e-3  # how near the measurements must be: rounding alone is far below
ALIKE = 0.2  # how near all changes of a network or an optimiser, as a share of their length

Step = Callable[..., dict[str, Any]]  # takes batches of the host, returns measurements


@contextlib.contextmanager
def stepping(recipe: Any, batches: Batches, *, graph: bool) -> Iterator[tuple[Step, bool]]:
    """(step, whether it is a graph): how the loop is to take the recipe's steps, for the length of the with-block.

    With `graph` a graph is captured and compared with the step first, which leaves recipe and batches as they were.
    Where that fails one printed sentence says why, and the steps are taken one operation at a time.
    """

    def eager(*given: Any) -> dict[str, Any]:
        return recipe.step(*map(on_device, given))

    if not graph:
        yield eager, False
        return
    with own_stream():
        captured, why_not = _captured(recipe, batches)
        if captured is None:
            print(f"capture failed: {why_not} Training goes on without a graph.")
            yield eager, False
            return
        replay, shapes = captured
        print(f"graph: a step is one CUDA graph; {TIMES} replays gave what {TIMES} steps give")

        def step(*given: Any) -> dict[str, Any]:
            return replay(*given) if _shapes(given) == shapes else eager(*given)  # an epoch's last batch is shorter

        yield step, True


def _captured(recipe: Any, batches: Batches) -> tuple[tuple[Step, Any] | None, str]:
    """(how to replay a step and the shapes of its batches, ""), or (None, why there is no graph)."""
    if recipe.graphless:
        return None, recipe.graphless
    graph = StepGraph(lambda *given: bare(recipe.step(*given)), [x for _, x in recipe.named_tensors()])
    before, done = recipe.save_state(), recipe.step_count
    place = batches.state()
    some = [_of_full_size(batches, recipe.batches_per_step) for _ in range(TIMES)]
    batches.restore(place)
    try:
        expected = _steps(recipe, [graph.warm_up] * TIMES, some)
        recipe.load_state(*before)
        recipe.step_count = done
        found = _steps(recipe, [graph.capture] + [graph.replay] * (TIMES - 1), some)
        why_not = _difference(before[0], found, expected)
    except Exception as error:  # whatever the device refuses: the steps themselves will show a fault that is theirs
        why_not = f"{type(error).__name__}: {_sentence(error)}"
    finally:
        recipe.load_state(*before)
        recipe.step_count = done
    return (None, why_not) if why_not else ((graph.replay, _shapes(some[0])), "")


def _of_full_size(batches: Batches, many: int) -> list[Any]:
    """The next so many batches that are no rest of an epoch."""
    full = min(batches.batch, len(batches.items))
    found: list[Any] = []
    while len(found) < many:
        batch = next(batches)
        if count(batch) == full:
            found.append(batch)
    return found


def _steps(recipe: Any, ways: list[Step], some: list[list[Any]]) -> tuple[list[dict[str, Any]], dict[str, Any], Any]:
    """What was measured in each of some steps; the state after them, arrays and random numbers."""
    rows = []
    for step, batches in zip(ways, some, strict=True):
        rows.append(numbers(step(*batches)))
        recipe.step_count += 1
    return rows, *recipe.save_state()


def _difference(before: dict[str, Any], found: Any, expected: Any) -> str:
    """Where replays and steps part, in a sentence; empty where they do not.

    Of the state it is the change that counts, holder by holder: a stale number changes nothing, and rounding may turn
    a single weight round where its gradient is 0.
    """
    for i, (got, wanted) in enumerate(zip(found[0], expected[0], strict=True), 1):
        for name, value in wanted.items():
            digits = 2e-4 if isinstance(value, list) else 1e-6  # rows of numbers have four
            if not np.allclose(got[name], value, rtol=CLOSE, atol=digits, equal_nan=True):
                return f"in step {i} of a comparison its {name} is {got[name]}, and the step's own is {value}."
    if found[2] != expected[2]:
        return "it draws other random numbers than the step itself."
    apart: dict[str, float] = {}
    moved: dict[str, float] = {}
    for name, wanted in expected[1].items():
        got, holder = found[1][name], name.partition("/")[0]
        if wanted.dtype.kind != "f" and not np.array_equal(got, wanted):
            return f"after {TIMES} steps {name} is {got}, and after the step's own {wanted}."
        apart[holder] = apart.get(holder, 0.0) + _square(got, wanted)
        moved[holder] = moved.get(holder, 0.0) + _square(wanted, before[name])
    for holder, square in apart.items():
        if not square <= ALIKE**2 * moved[holder]:  # a NaN is not near
            return f"after {TIMES} steps {holder} has not changed as by the step itself."
    return ""


def _square(a: Any, b: Any) -> float:
    """The squared distance of two arrays."""
    return float(((a.astype(np.float64) - b) ** 2).sum())


def _shapes(batches: Any) -> Any:
    return [tuple(x.shape for x in batch) if isinstance(batch, tuple) else batch.shape for batch in batches]


def _sentence(error: Exception) -> str:
    said = str(error).strip().partition("\n")[0] or "no reason given"
    return said if said.endswith(".") else said + "."
