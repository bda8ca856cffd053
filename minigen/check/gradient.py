"""grad_check: is this derivative right?  Finite differences in float64, a random cotangent, a named element.

grad_check(softplus, [x])                                   # the engine's gradient of f
grad_check(f, {"mu": mu, "logvar": logvar}, order=2)        # and the gradient of the gradient
grad_check(f, [x, w], backward=my_backward)                 # backward(dy, y, x, w), on bare arrays
"""

import math
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigen.autograd import Tensor
from minigen.backend import array_module
from minigen.check import around
from minigen.check.explain import explain
from minigen.check.given import as_input, draw, is_float, kept, listed, name_inputs, name_parameters
from minigen.check.hints import language
from minigen.check.lines import Point, signs
from minigen.check.numeric import Plan, compare
from minigen.check.problem import Graph, Rule, Variable
from minigen.check.pytorch import applied, is_torch, torch_problem
from minigen.check.rough import rough
from minigen.check.speak import name_of, say
from minigen.check.torch_graph import TorchGraph
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
    fixed: Iterable[str] = (),
    reveal: bool = True,
    quiet: bool = False,
    lang: str | None = None,
) -> None:
    """Raise GradCheckError unless every derivative of f, up to `order`, agrees with finite differences.

    f: tensors → one tensor of any shape; an operation, a loss, a module or a lambda, of minigen or of PyTorch.  inputs:
    a list, a dict of names, or draw(rng), which gives either for default_rng(seed); floating ones are copied to float64
    and differentiated by, others are held fixed.
    params: a module, a dict or a list of parameters, checked as well (default: those of f, if f is a module).  What a
    module keeps (running statistics) is put back afterwards; one that is used inside a lambda must be passed here.
    backward(dy, y, *inputs): a rule of your own in the engine's place; then f and backward see bare arrays.
    rng: the generators f draws from, put back before every evaluation, as is PyTorch's global one.
    seed: of the cotangent and the sampling.
    full: up to so many entries every one is checked; beyond, `projections` directions and `samples` entries a tensor.
    step: h in place of a millionth of each tensor's root mean square.  subgradient: the inputs lie on kinks on purpose.
    expect_zero: inputs (or last parts of parameter names) whose gradient is 0, which otherwise is noticed.
    fixed: floating inputs that are not differentiated by (a target, a noise), for which a backward returns nothing.
    reveal=False: the message leaves out the numbers.  quiet: nothing on stdout when it passes.
    lang: hints in "en", "zh" or "both"; None: as the environment variable MINIGEN_LANG says, else English.
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
        fixed=fixed,
        reveal=reveal,
        lang=lang,
    )
    if report.failure is not None:
        raise GradCheckError(report.failure, report)
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
    fixed: Iterable[str] = (),
    reveal: bool = True,
    quiet: bool = True,
    lang: str | None = None,
) -> Report:
    """The arguments of grad_check; returns a Report with verdicts and both gradients, and raises only on misuse."""
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        raise SettingError(f"grad_check: order {order!r} must be 1, 2, …; values are checked by a closed form.")
    if samples < 1 or projections < 1:
        raise SettingError(f"grad_check: samples={samples} and projections={projections} must be at least 1.")
    if not 0 < rtol <= 0.01 or step is not None and not 0 < step < math.inf:
        raise SettingError(f"grad_check: rtol={rtol} must be above 0 and at most 0.01, and step={step} above 0.")
    if full < 0 or not isinstance(seed, int | np.integer) or seed < 0:
        raise SettingError(f"grad_check: full={full} and seed={seed!r} must be whole numbers from 0 up.")
    if backward is not None and (order > 1 or params is not None):
        raise SettingError("grad_check: backward= is checked alone at order 1; make it a rule of an op for more.")
    if params is None and backward is None and hasattr(f, "named_parameters"):
        params = f
    lang = language(lang)
    inputs, f = draw(inputs, seed), applied(f)
    rngs = [] if rng is None else list(rng) if isinstance(rng, list | tuple) else [rng]
    problem: Any
    if is_torch(f, inputs, params):
        if backward is not None:
            raise SettingError(
                "grad_check: backward= is a rule for bare arrays of NumPy; with PyTorch make it a "
                "torch.autograd.Function and pass its apply as f."
            )
        problem, keeping = torch_problem(f, inputs, params, rngs, listed(fixed))
    else:
        named = name_parameters(params)
        problem, keeping = _problem(f, inputs, named, backward, rngs, listed(fixed)), kept(named, params, rngs)
    title = name or name_of(f)
    report = Report(title, seed)
    plan = Plan(np.random.default_rng(seed), full, samples, projections, rtol, step, subgradient)
    expected = listed(expect_zero)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"), keeping:
        warnings.simplefilter("always")
        check = _Check(report, plan, expected, reveal)
        try:
            for _ in range(order):
                problem = check.one_order(problem) or problem
        except Found as found:
            report.failure = found.finding
            report.failure.headline = f"{title}: {report.failure.headline}"
            report.failure.lang = lang
    report.warnings = list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught))
    if not quiet:
        say(str(report))
    return report


def _problem(
    f: Any, inputs: Any, named: dict[str, Tensor], backward: Any, rngs: list[Any], fixed: tuple[str, ...]
) -> Graph | Rule:
    """What is to be differentiated, with every floating input as a variable unless it is held fixed."""
    named_given = name_inputs(f, inputs)
    given = {name: as_input(name, x) for name, x in named_given.items()}
    for name in fixed:
        if name not in given:
            raise SettingError(f"grad_check: fixed={name!r} names no input; they are {', '.join(given)}.")
    free = [name for name, x in given.items() if is_float(x) and name not in fixed]
    variables = [Variable(name, given[name]) for name in free]
    variables += [Variable(name, array_module(p.data).array(p.data, np.float64), p) for name, p in named.items()]
    if not variables:
        held = [f"{name} is {x.dtype}" for name, x in given.items() if hasattr(x, "dtype")]
        why = f" ({', '.join(held)}: whole numbers are held fixed; pass x.astype(float))" if held else ""
        raise SettingError(f"grad_check: there is no floating-point input or parameter to differentiate by{why}.")
    states = [rng.bit_generator.state for rng in rngs]

    def arguments(values: list[Any]) -> list[Any]:
        for rng, state in zip(rngs, states, strict=True):
            rng.bit_generator.state = state
        own = iter(values)
        return [next(own) if name in free else x for name, x in given.items()]

    if backward is None:
        return Graph(lambda leaves: f(*arguments(leaves[: len(free)])), variables)

    def bare(values: list[Any]) -> list[Any]:
        return [x.data if isinstance(x, Tensor) else x for x in arguments(values)]

    rule = Rule(f, backward, variables, bare, [name in free for name in given])
    rule.single = any(getattr(x, "dtype", None) == np.float32 for x in named_given.values())
    return rule


class _Check:
    """One run of grad_check: the report it fills, and what every finding has in common."""

    def __init__(self, report: Report, plan: Plan, expected: tuple[str, ...], reveal: bool):
        self.report, self.plan, self.expected, self.reveal = report, plan, expected, reveal
        self.spent = 0  # evaluations at lower orders
        self.scale = 0.0  # of the values one order below

    def one_order(self, problem: Any) -> Graph | TorchGraph | None:
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
        self.report.value_size = y.size
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
        if problem.order == 1 and problem.single:
            around.single_precision(problem, arrays, c, finding)
        if isinstance(problem, Rule) or isinstance(problem, TorchGraph) and problem.by_hand and problem.order == 1:
            rough(problem, arrays, c, self.plan.rng, finding)
        if not isinstance(problem, Rule):
            around.two_walks(problem, arrays, c, finding)
        self.report.evaluations = self.spent = self.spent + problem.evaluations
        return None if isinstance(problem, Rule) else problem.derivative(c)

    def _judge(self, point: Point, compared: list[TensorReport], y: Any, finding: Any) -> None:
        """Raise for the first tensor that is wrong, or was not checked; take note of zero gradients."""
        for verdict in ("wrong", "both NaN", "inconclusive"):
            for k, tensor in enumerate(compared):
                if tensor.verdict == verdict:
                    raise Found(explain(point, k, compared, y, self.plan, finding))
        if point.problem.order == 1:
            self.report.zero += [
                t.name for t in compared if t.verdict == "zero gradient" and not self._expected_zero(t.name)
            ]

    def _expected_zero(self, name: str) -> bool:
        return name in self.expected or name.rpartition(".")[2] in self.expected
