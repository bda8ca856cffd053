"""grad_check: is this derivative right?  Finite differences in float64, a random cotangent, a named element.

grad_check(softplus, [x])                                   # the engine's gradient of f
grad_check(f, {"mu": mu, "logvar": logvar}, order=2)        # and the gradient of the gradient
grad_check(f, [x, w], backward=my_backward)                 # backward(dy, y, x, w), on bare arrays
"""

import sys
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import array_module, to_host
from minigen.check import around
from minigen.check.diagnose import Sizes, diagnose, place_of
from minigen.check.hints import hint
from minigen.check.numeric import Plan, Point, compare, signs
from minigen.check.problem import Graph, Rule, Variable, as_input, is_float, kept, name_inputs, name_parameters
from minigen.check.verdict import Finding, Found, GradCheckError, Report, TensorReport
from minigen.errors import SettingError


def grad_check(
    f: Callable[..., Any],
    inputs: Any,
    *,
    params: Any = None,
    backward: Callable[..., Any] | None = None,
    order: int = 1,
    name: str | None = None,
    rng: Any = None,
    seed: int = 0,
    full: int = 2000,
    samples: int = 20,
    projections: int = 3,
    rtol: float = 1e-5,
    step: float | None = None,
    subgradient: bool = False,
    expect_zero: Iterable[str] = (),
    reveal: bool = True,
    quiet: bool = False,
) -> None:
    """Raise GradCheckError unless every derivative of f, up to `order`, agrees with finite differences.

    f: tensors → one tensor of any shape; an operation, a loss, a module or a lambda.  inputs: a list, or a dict of
    names; floating ones are copied to float64 and differentiated by, integers and booleans are held fixed.
    params: a module, a dict or a list of parameters, checked as well (default: those of f, if f is a module).
    backward(dy, y, *inputs): a rule of your own in the engine's place; then f and backward see bare arrays.
    rng: the generators f draws from, put back before every evaluation.  seed: of the cotangent and the sampling.
    full: up to so many entries every one is checked; beyond, `projections` directions and `samples` entries a tensor.
    step: h in place of a millionth of each tensor's root mean square.  subgradient: the inputs lie on kinks on purpose.
    expect_zero: inputs (or last parts of parameter names) whose gradient is 0, which otherwise is noticed.
    reveal=False: the message leaves out the numbers.  quiet: nothing on stdout when it passes.
    """
    report = grad_report(
        f,
        inputs,
        params=params,
        backward=backward,
        order=order,
        name=name,
        rng=rng,
        seed=seed,
        full=full,
        samples=samples,
        projections=projections,
        rtol=rtol,
        step=step,
        subgradient=subgradient,
        expect_zero=expect_zero,
        reveal=reveal,
    )
    if report.failure is not None:
        raise GradCheckError(report.failure)
    if not quiet:
        say(str(report))
        for text in report.warnings:
            say(f"  warned: {text}")


def grad_report(
    f: Callable[..., Any],
    inputs: Any,
    *,
    params: Any = None,
    backward: Callable[..., Any] | None = None,
    order: int = 1,
    name: str | None = None,
    rng: Any = None,
    seed: int = 0,
    full: int = 2000,
    samples: int = 20,
    projections: int = 3,
    rtol: float = 1e-5,
    step: float | None = None,
    subgradient: bool = False,
    expect_zero: Iterable[str] = (),
    reveal: bool = True,
    quiet: bool = True,
) -> Report:
    """The arguments of grad_check; returns a Report with verdicts and both gradients, and raises only on misuse."""
    if not isinstance(order, int) or order < 1:
        raise SettingError(f"grad_check: order {order!r} must be 1, 2, …; values are checked by a closed form.")
    if samples < 1 or projections < 1:
        raise SettingError(f"grad_check: samples={samples} and projections={projections} must be at least 1.")
    if backward is not None and (order > 1 or params is not None):
        raise SettingError("grad_check: backward= is checked alone at order 1; make it a rule of an op for more.")
    if params is None and backward is None and hasattr(f, "named_parameters"):
        params = f
    rngs = [] if rng is None else list(rng) if isinstance(rng, list | tuple) else [rng]
    named = name_parameters(params)
    title = name or name_of(f)
    report = Report(title, seed)
    plan = Plan(np.random.default_rng(seed), full, samples, projections, rtol, step, subgradient)
    expected = tuple(expect_zero)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"), kept(named, params, rngs):
        warnings.simplefilter("always")
        problem = _problem(f, inputs, named, backward, rngs)
        check = _Check(report, plan, expected, reveal)
        try:
            for _ in range(order):
                problem = check.one_order(problem) or problem
        except Found as found:
            report.failure = found.finding
            report.failure.headline = f"{title}: {report.failure.headline}"
    report.warnings = list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))
    if not quiet:
        say(str(report))
    return report


def name_of(f: Any) -> str:
    name = getattr(f, "name", None) or getattr(f, "__name__", None) or type(f).__name__
    return "f" if name == "<lambda>" else str(name)


def say(text: str) -> None:
    """One line on stdout, in what its encoding can show."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    print(text.encode(encoding, "replace").decode(encoding))


def _problem(f: Any, inputs: Any, named: dict[str, Tensor], backward: Any, rngs: list[Any]) -> Graph | Rule:
    """What is to be differentiated, with every floating input as a variable and the others held fixed."""
    given = {name: as_input(name, x) for name, x in name_inputs(f, inputs).items()}
    free = [name for name, x in given.items() if is_float(x)]
    variables = [Variable(name, given[name]) for name in free]
    variables += [Variable(name, array_module(p.data).array(p.data, np.float64), p) for name, p in named.items()]
    if not variables:
        raise SettingError("grad_check: there is no floating-point input or parameter to differentiate by.")
    states = [rng.bit_generator.state for rng in rngs]

    def arguments(values: list[Any]) -> list[Any]:
        for rng, state in zip(rngs, states, strict=True):
            rng.bit_generator.state = state
        own = iter(values)
        return [next(own) if is_float(x) else x for x in given.values()]

    if backward is None:
        return Graph(lambda leaves: f(*arguments(leaves[: len(free)])), variables)
    return Rule(
        f, backward, variables, lambda values: [x.data if isinstance(x, Tensor) else x for x in arguments(values)]
    )


class _Check:
    """One run of grad_check: the report it fills, and what every finding has in common."""

    def __init__(self, report: Report, plan: Plan, expected: tuple[str, ...], reveal: bool):
        self.report, self.plan, self.expected, self.reveal = report, plan, expected, reveal
        self.spent = 0  # evaluations at lower orders
        self.scale = 0.0  # of the values one order below

    def one_order(self, problem: Any) -> Graph | None:
        """Check a gradient of `problem`; returns the problem of the next order."""
        arrays = [variable.array for variable in problem.variables]
        self.report.size = sum(x.size for x in arrays)

        def finding(headline: str, verdict: str, **parts: Any) -> Finding:
            self.report.evaluations = self.spent + problem.evaluations
            again = (
                f"seed {self.report.seed}, random dy, float64, {self.report.size} entries, "
                f"{self.report.evaluations} evaluations"
            )
            if problem.order > 1:
                headline += f" (order {problem.order})"
            return Finding(headline, verdict, again=again, seed=self.report.seed, reveal=self.reveal, **parts)

        y = around.before(problem, arrays, finding)
        c = array_module(y).asarray(signs(self.plan.rng, y.shape))
        if problem.order == 1:
            gradients = around.around(problem, arrays, y, c, self.plan.rng, finding)
        else:
            gradients = problem.gradient(arrays, c)
        point = Point(problem, arrays, c, self.scale)
        self.scale = point.scale
        whole = self.report.size <= self.plan.full
        compared = [compare(point, k, dx, self.plan, whole) for k, dx in enumerate(gradients)]
        self.report.tensors += compared
        self._judge(point, compared, y, finding)
        if problem.order == 1:
            around.single_precision(problem, arrays, c, finding)
        if isinstance(problem, Graph):
            around.two_walks(problem, arrays, c, finding)
        self.report.evaluations = self.spent = self.spent + problem.evaluations
        return problem.derivative(c) if isinstance(problem, Graph) else None

    def _judge(self, point: Point, compared: list[TensorReport], y: Any, finding: Any) -> None:
        """Raise for the first tensor that is wrong, or was not checked; take note of zero gradients."""
        for verdict in ("wrong", "nan", "inconclusive"):
            for k, tensor in enumerate(compared):
                if tensor.verdict == verdict:
                    raise Found(self._failure(point, k, tensor, compared, y, finding))
        if point.problem.order == 1:
            self.report.zero += [t.name for t in compared if t.verdict == "zero" and not self._expected_zero(t.name)]

    def _expected_zero(self, name: str) -> bool:
        return name in self.expected or name.rpartition(".")[2] in self.expected

    def _failure(self, point: Point, k: int, tensor: TensorReport, compared: Any, y: Any, finding: Any) -> Finding:
        order = tensor.order
        what = "gradient" if order == 1 else "second derivative" if order == 2 else f"derivative of order {order}"
        if tensor.verdict == "inconclusive":
            counts = f"{tensor.kinks} kinks, {tensor.inconclusive} below the noise, of {tensor.entries} entries"
            text = f"the {what} with respect to {tensor.name} is inconclusive: differences cannot decide here"
            return finding(
                text, "inconclusive", where=f"{tensor.name} of shape {tensor.shape}; {counts}", hint=hint("elsewhere")
            )
        assert tensor.worst is not None
        place = np.unravel_index(tensor.worst, tensor.shape)
        where = f"{place_of(tensor.name, place)} of shape {tensor.shape}"
        if tensor.verdict == "nan":
            text = f"NaN on both sides: f itself is not finite here (with respect to {tensor.name})"
            return finding(text, "nan", where=where, hint=hint("domain"))
        yours, numeric = float(tensor.analytic[place]), float(tensor.numeric[place])
        ratio = f"   ratio {yours / numeric:.4f}" if numeric and np.isfinite(yours) else ""
        whole = tensor.entries == tensor.analytic.size
        where += f"; {tensor.disagree} of {tensor.entries} entries disagree" if whole else "; found by sampling"
        right = [t.name for t in compared if t.verdict in ("pass", "zero")]
        if right:
            where += f"; {' and '.join(right[:3])} {'is' if len(right) == 1 else 'are'} right"
        return finding(
            f"the {what} with respect to {tensor.name} is wrong",
            "wrong",
            where=where,
            numbers=f"yours {yours:.6g}   numerical {numeric:.6g} ± {tensor.spread:.0e}{ratio}",
            hint=diagnose(
                to_host(tensor.analytic),
                to_host(tensor.numeric),
                x=to_host(point.arrays[k]),
                name=tensor.name,
                sizes=_sizes(point, k, y),
                order=order,
            ),
        )


def _sizes(point: Point, k: int, y: Any) -> Sizes:
    """Lengths that a sum and a mean may differ by, with their names."""
    x, name = point.arrays[k], point.problem.variables[k].name
    sizes = [(n, f"the length of axis {i} of {name}", f"{name} 第 {i} 轴的长度") for i, n in enumerate(x.shape)]
    for other, variable in zip(point.arrays, point.problem.variables, strict=True):
        called = variable.name
        sizes += [
            (n, f"the length of axis {i} of {called}", f"{called} 第 {i} 轴的长度") for i, n in enumerate(other.shape)
        ]
        sizes.append((other.size, f"the number of entries of {called}", f"{called} 的元素个数"))
        if other.ndim > 1:
            rows = other.size // (other.shape[-1] or 1)
            sizes.append((rows, f"the number of rows of {called}", f"{called} 的行数"))
    sizes += [(n, f"the length of axis {i} of the result", f"结果第 {i} 轴的长度") for i, n in enumerate(y.shape)]
    return [*sizes, (y.size, "the number of entries of the result", "结果的元素个数")]
