"""adjoint_check: are two linear maps each other's transpose?  ⟨y, A x⟩ = ⟨Aᵗ y, x⟩ for random x and y."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minigen.check.hints import Hint, hint, language
from minigen.check.lines import signs
from minigen.check.oracles import judging
from minigen.check.speak import name_of, say
from minigen.check.values import result
from minigen.check.verdict import AdjointCheckError, Finding, Found
from minigen.errors import SettingError


def adjoint_check(
    A: Callable[[Any], Any],
    At: Callable[[Any], Any],
    x_shape: tuple[int, ...],
    y_shape: tuple[int, ...],
    *,
    pairs: int = 5,
    rtol: float = 1e-10,
    seed: int = 0,
    name: str | None = None,
    reveal: bool = True,
    quiet: bool = False,
    lang: str | None = None,
) -> None:
    """Raise AdjointCheckError unless ⟨y, A x⟩ = ⟨Aᵗ y, x⟩ on `pairs` random pairs, and A and At are linear.

    A: arrays of x_shape → arrays of y_shape; At: the way back.  The tolerance is `rtol` of the sum of the products'
    sizes, Σ |y · A x|, so a value near 0 by cancellation is judged fairly.  In float64.  reveal=False: the message
    leaves out the numbers.  quiet: nothing on stdout when it passes.  lang: hints in "en", "zh" or "both".
    """
    if pairs < 1:
        raise SettingError(f"adjoint_check: pairs={pairs} must be at least 1; without one nothing is checked.")
    rng = np.random.default_rng(seed)
    title, lang = name or name_of(A), language(lang)
    again = f"seed {seed}, {pairs} pairs, float64"

    def fail(headline: str, why: Hint | None, where: str = "", numbers: str = "") -> None:
        raise Found(Finding(headline, "wrong", where, numbers, why, again, seed))

    def apply(f: Callable[[Any], Any], x: np.ndarray, shape: tuple[int, ...], called: str) -> np.ndarray:
        copy = x.copy()
        y = result(f(x), called, "")
        if y.shape != tuple(shape):
            fail(f"{called} gives shape {y.shape}; {tuple(shape)} was announced", hint("shape of the map"))
        if not np.array_equal(x, copy):
            fail(f"{called} changes its input", hint("in place"))
        if y.dtype.kind != "f" or y.dtype.itemsize < 8:
            fail(f"{called} gives {y.dtype}; float64 is expected", hint("float32") if y.dtype.kind == "f" else None)
        if not np.isfinite(y).all():
            fail(f"{called} gives NaN or infinity", hint("domain"))
        return y.copy()  # the map may use its array again

    with judging(AdjointCheckError, title, reveal, quiet, lang):
        for f, shape, out, called in ((A, x_shape, y_shape, "A"), (At, y_shape, x_shape, "At")):
            u, v = signs(rng, tuple(shape)), signs(rng, tuple(shape))
            whole = apply(f, 2 * u - 3 * v, out, called)
            parts = 2 * apply(f, u, out, called) - 3 * apply(f, v, out, called)
            size = float(abs(whole).max(initial=0.0)) + float(abs(parts).max(initial=0.0))
            if not float(abs(whole - parts).max(initial=0.0)) <= max(rtol, 1e-12) * size:
                fail(f"{called} is not linear", hint("additive"))
        ratios = []
        worst = everything = 0.0
        failed: tuple[int, float, float] | None = None
        for k in range(pairs):
            x, y = signs(rng, tuple(x_shape)), signs(rng, tuple(y_shape))
            ax, aty = apply(A, x, y_shape, "A"), apply(At, y, x_shape, "At")
            left, right = float((y * ax).sum()), float((aty * x).sum())
            size = float(abs(y * ax).sum()) + float(abs(aty * x).sum())
            error = abs(left - right)
            ratios.append(right / left if left else np.nan)
            if not error <= rtol * size and failed is None:
                failed = (k, left, right)
            worst = max(worst, error / size if size else 0.0)
            everything += size
        if failed is not None:
            k, left, right = failed
            fail(
                "At is not the transpose of A", _why(ratios), f"pair {k}", f"⟨y, Ax⟩ {left:.6g}   ⟨Aᵗy, x⟩ {right:.6g}"
            )
        if not quiet:
            text = f"adjoint_check {title}: right; {pairs} pairs, worst relative difference {worst:.1e}"
            say(text + ("" if everything else "; both maps are 0 everywhere: nothing was tested"))


def _why(ratios: list[float]) -> Hint:
    """A ratio that is the same for every pair is a factor."""
    ratio = ratios[0]
    if len(ratios) > 1 and np.isfinite(ratios).all() and np.allclose(ratios, ratio, rtol=1e-6, atol=0):
        for value, key in ((-1, "sign"), (2, "double"), (0.5, "half"), (0, "zero")):
            if np.isclose(ratio, value, rtol=1e-6):
                return hint(key)
        return hint("factor", r=f"{ratio:.5g}")
    return hint("adjoint")
