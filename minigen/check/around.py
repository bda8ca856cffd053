"""What a gradient owes besides being right: its shape and dtype, linearity in dy, and leaving everything as it was."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import Array, array_module
from minigen.check.hints import Hint, hint
from minigen.check.lines import closer, signs
from minigen.check.problem import Graph, Rule
from minigen.check.verdict import Finding, Found

Say = Callable[..., Finding]  # (headline, verdict, where=, numbers=, hint=) → a finding with the rest filled in


def before(problem: Any, arrays: list[Array], say: Say) -> Array:
    """f gives one finite float64 array, the same again when asked again, and leaves its inputs alone; returns it."""
    copies = [x.copy() for x in arrays]
    y = problem.value(arrays).copy()
    _unchanged(problem, arrays, copies, say, "f changes its input {}")
    if y.dtype.kind == "f" and y.dtype.itemsize < 8:
        raise Found(
            say(f"f drops to {y.dtype} inside; the check cannot see below 1e-7", "broken", hint=hint("float32"))
        )
    if y.dtype.kind != "f":
        raise Found(say(f"f returns {y.dtype}, which has no derivative", "broken"))
    xp = array_module(y)
    if not _same(y, problem.value(arrays)):
        raise Found(
            say("f gives two results for one input; random generators go into rng=", "broken", hint=hint("repeat"))
        )
    if not bool(xp.isfinite(y).all()):
        raise Found(say("NaN or infinity in the result: f itself is not finite here", "both NaN", hint=hint("domain")))
    return y


def around(problem: Any, arrays: list[Array], y: Array, c: Array, rng: np.random.Generator, say: Say) -> list[Array]:
    """Every promise that needs no differences; returns the gradients for the cotangent c."""
    if isinstance(problem, Rule) and problem.calls_f_nearby(arrays, c):
        raise Found(say("the backward calls a function beside its input", "broken", hint=hint("differences")))
    copies, dy = [x.copy() for x in arrays], c.copy()
    shapes = {v.name: x.shape for v, x in zip(problem.variables, arrays, strict=True)} | {"the result": y.shape}
    found = problem.gradient(arrays, dy)
    _unchanged(problem, arrays, copies, say, "the backward changes the input {}")
    if not _same(dy, c):
        raise Found(say("the backward changes dy", "broken", hint=hint("in place")))
    if isinstance(problem, Rule):
        _leaves_y(problem, arrays, c, say)
    gradients = [
        _as_gradient(variable.name, dx, x, say, shapes)
        for variable, dx, x in zip(problem.variables, found, arrays, strict=True)
    ]
    size = Sizes(problem, arrays, c)
    _linear(problem, arrays, c, gradients, rng, size, say)
    for what, other in _lying_differently(c):
        reference = gradients if what != "stride-0" else problem.gradient(arrays, other.copy())
        try:
            result = problem.gradient(arrays, other)
        except (ValueError, RuntimeError) as error:  # NumPy's word and PyTorch's for a view that cannot be
            raise Found(say(f"a {what} dy makes the backward fail: {error}", "broken", hint=hint("strides"))) from error
        text = f"a {what} dy gives another gradient"
        _agree(problem, reference, result, 1e-10, size, text, hint("strides"), say)
    return gradients


def two_walks(problem: Graph, arrays: list[Array], c: Array, say: Say) -> None:
    """The plain walk, the recorded one, and each gradient asked for alone agree to 1e-12 of the largest entry."""
    y, leaves = problem.run(arrays)
    kept = y.data.copy()
    plain = problem.walk(y, leaves, c)
    if not _same(y.data, kept):
        raise Found(say("the walk changes the result y", "broken", hint=hint("in place")))
    size = Sizes(problem, arrays, c)
    recorded = problem.walk(y, leaves, c, create_graph=True)
    text = "create_graph=True gives another gradient"
    _agree(problem, recorded, plain, 1e-12, size, text, hint("walks"), say)
    for k, leaf in enumerate(leaves):
        alone = problem.walk(y, [leaf], c)
        text = "asked for alone, a gradient differs"
        _agree(problem, [plain[k]], alone, 1e-12, size, text, hint("alone"), say, first=k)


def _unchanged(problem: Any, arrays: list[Array], copies: list[Array], say: Say, text: str) -> None:
    for variable, x, copy in zip(problem.variables, arrays, copies, strict=True):
        if not _same(x, copy):
            raise Found(say(text.format(variable.name), "broken", hint=hint("in place")))


def _leaves_y(problem: Rule, arrays: list[Array], c: Array, say: Say) -> None:
    y = problem.value(arrays)
    copy = y.copy()
    problem.backward(c.copy(), y, *problem.arguments(arrays))
    if not _same(y, copy):
        raise Found(say("the backward changes y", "broken", hint=hint("in place")))


def _as_gradient(name: str, dx: Any, x: Array, say: Say, others: dict[str, tuple[int, ...]] | None = None) -> Array:
    """dx as an array, or what is wrong with it.  others: the shapes of all inputs and of the result, by name."""
    if dx is None:
        raise Found(say(f"the backward returns None for {name}: is a return missing?", "broken"))
    if isinstance(dx, Tensor) or not hasattr(dx, "dtype"):
        raise Found(say(f"the gradient with respect to {name} is {type(dx).__name__}, not an array", "broken"))
    if array_module(dx) is not array_module(x):
        raise Found(
            say(f"the gradient with respect to {name} is on {array_module(dx).__name__}, its input is not", "broken")
        )
    if dx.shape != x.shape:
        raise Found(
            say(
                f"the gradient with respect to {name} has shape {dx.shape}; {name} has {x.shape}",
                "broken",
                hint=_misshapen(dx.shape, x.shape, others or {}),
            )
        )
    if dx.dtype != x.dtype:
        text = f"the gradient with respect to {name} is {dx.dtype}; {name} is {x.dtype}"
        raise Found(say(text, "broken", hint=hint("float32")))
    return array_module(x).asarray(dx)


def _misshapen(got: tuple[int, ...], wanted: tuple[int, ...], others: dict[str, tuple[int, ...]]) -> Hint:
    """Why a gradient may have another shape: a sum that is missing, too many or along the wrong axis; an exchange."""
    added = len(got) - len(wanted)
    if [n for n in got if n != 1] == [n for n in wanted if n != 1]:
        return hint("length 1")
    if added >= 0 and all(n in (1, m) for n, m in zip(wanted, got[added:], strict=True)):
        axes = [*range(added), *(added + k for k, n in enumerate(wanted) if n != got[added + k])]
        return hint("unbroadcast", axis=axes[0] if len(axes) == 1 else tuple(axes))
    if got == () != wanted:
        return hint("over all")
    if len(got) == len(wanted) > 1 and sorted(got) == sorted(wanted):
        return hint("axes moved")
    for name, shape in others.items():
        if got == shape:
            return hint("of another", name=name)
    for name, shape in others.items():
        if len(got) == 1 and got[0] in shape:
            return hint("other axis", n=got[0], axis=shape.index(got[0]), name=name)
    return hint("shape")


def single_precision(problem: Any, arrays: list[Array], c: Array, say: Say) -> None:
    """float32 in, float32 gradients out, wherever f itself stays in float32."""
    small = [x.astype(np.float32) for x in arrays]
    y = problem.value(small)
    if y.dtype != np.float32 or y.shape != c.shape:
        return  # f holds float64 constants of its own
    for variable, dx, x in zip(problem.variables, problem.gradient(small, c.astype(np.float32)), small, strict=True):
        if getattr(dx, "dtype", x.dtype) != x.dtype and getattr(dx, "shape", None) == x.shape:
            text = f"for {variable.name} in float32 the gradient is {dx.dtype} (the check runs once in float32 too)"
            raise Found(say(text, "broken", hint=hint("float64")))
        _as_gradient(variable.name, dx, x, say)


def _linear(problem: Any, arrays: list[Array], c: Array, g: list[Array], rng: Any, size: "Sizes", say: Say) -> None:
    """Twice dy gives twice the gradient, a sum gives the sum, and 0 gives exactly 0."""
    other = array_module(c).asarray(signs(rng, c.shape))
    for dy, expected in ((2 * c, [2 * dx for dx in g]), (0.7 * c, [0.7 * dx for dx in g]), (c + other, None)):
        if expected is None:
            expected = [dx + more for dx, more in zip(g, problem.gradient(arrays, other), strict=True)]
        result = problem.gradient(arrays, dy)
        for k, (variable, one, got, want) in enumerate(zip(problem.variables, g, result, expected, strict=True)):
            if _near(got, want, 1e-9, g, size, k):  # float32 inside a rule shows as 1e-8
                continue
            ignores = c.size and _same(got, one)
            text = (
                f"the gradient with respect to {variable.name} does not depend on dy"
                if ignores
                else f"the gradient with respect to {variable.name} is not linear in dy"
            )
            single = _near(got, want, 1e-4, g, size, k)  # linear, but for the rounding of float32
            raise Found(say(text, "wrong", hint=hint("ignores dy" if ignores else "noise" if single else "linear")))
    for variable, one, got in zip(problem.variables, g, problem.gradient(arrays, 0 * c), strict=True):
        if array_module(one).isfinite(one).all() and got.any():
            text = f"the gradient with respect to {variable.name} is not 0 for dy = 0"
            raise Found(say(text, "wrong", hint=hint("linear")))


def _lying_differently(dy: Array) -> Iterator[tuple[str, Array]]:
    """dy in other arrangements of memory; the last has one value throughout and cannot be written to."""
    xp = array_module(dy)
    if dy.ndim:
        wide = xp.zeros((*dy.shape[:-1], 2 * dy.shape[-1]), dy.dtype)
        wide[..., ::2] = dy
        yield "non-contiguous", wide[..., ::2]
        back = (slice(None, None, -1),) * dy.ndim
        yield "negative-stride", dy[back].copy()[back]
    if dy.ndim > 1:
        yield "transposed", xp.asfortranarray(dy)
    yield "stride-0", xp.broadcast_to(xp.asarray(0.75), dy.shape)


def _agree(
    problem: Any, want: Any, got: Any, rtol: float, size: "Sizes", text: str, why: Hint, say: Say, first: int = 0
) -> None:
    for k, (one, other) in enumerate(zip(want, got, strict=True), start=first):
        if not _near(other, one, rtol, want, size, k):
            name = problem.variables[k].name
            difference = f"largest difference {float(abs(one - other).max()):.2g}" if one.shape == other.shape else ""
            raise Found(say(f"{text} with respect to {name}", "broken", numbers=difference, hint=why))


def _near(got: Array, want: Array, rtol: float, g: list[Array], size: "Sizes", k: int) -> bool:
    """Equal up to `rtol` of the largest entry, or to the rounding of what the k-th gradient is made of."""
    if got.shape != want.shape:
        return False
    if not want.size:
        return True
    xp = array_module(want)
    sane = xp.isfinite(want)
    if not bool((sane == xp.isfinite(got)).all()):
        return False
    want, got = want[sane], got[sane]
    if not want.size:
        return True
    error, room = float(abs(got - want).max()), rtol * float(abs(want).max())
    return error <= room + 1e-14 * (max(map(_largest, g)) + size.here) or error <= room + 1e-14 * size.elsewhere[k]


class Sizes:
    """How large the numbers are that gradients are made of: what cancels leaves their rounding behind."""

    def __init__(self, problem: Any, arrays: list[Array], c: Array):
        self.problem, self.arrays, self.c = problem, arrays, c
        self.here = _largest(c) * max(1.0, *map(_largest, arrays))  # dy, or dy times an input

    @functools.cached_property
    def elsewhere(self) -> list[float]:
        """The largest entries of the gradients where an input is closer to 0, and they need not cancel.

        Where softmax is nearly sure, attention's gradient by k is dy · v · q, all but a trillionth of it taken away.
        No more than 10,000 times `here`: a function that is steep at 0 would otherwise be excused everywhere.
        """
        places = closer(self.arrays, lambda arrays: self.problem.gradient(arrays, self.c.copy()))
        largest = [max(map(_largest, found)) for found in zip(*places, strict=True)] or [0.0] * len(self.arrays)
        return [min(size, 1e4 * self.here) for size in largest]


def _largest(x: Array) -> float:
    """The largest finite entry."""
    x = x[array_module(x).isfinite(x)]
    return float(abs(x).max()) if x.size else 0.0


def _same(a: Array, b: Array) -> bool:
    """Bit for bit, NaN being equal to NaN."""
    return a.shape == b.shape and bool(((a == b) | ((a != a) & (b != b))).all())
