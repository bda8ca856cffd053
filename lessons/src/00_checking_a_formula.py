# ---
# jupyter:
#   minigen:
#     title: Checking a formula
#     zh: 如何检验一个公式
#     says: Three oracles, the right size of a small step, and why a check with a cotangent of ones sees nothing.
#     minutes: 30
#     budget_s: 5
#     needs: []
#     covers: [F1, S18]
#     picture: 2
#     terms:
#     - [central difference, 中心差分, "", central, ""]
#     - [step of a difference, 步长, h, h, ""]
#     - [rounding error, 舍入误差, ε, eps, ""]
#     - [cotangent, 余切向量, dL/dy, dy, ""]
#     - [gradient check, 梯度检验, "", grad_check, ""]
#     - [invariant, 不变量, "", invariant_check, ""]
#     - [planted bug, 变异体（植入的错误）, "", BUGS, ""]
# ---

# %% [markdown]
# # 00 · Checking a formula · 如何检验一个公式
#
# *30 minutes to read, 5 seconds to run.  Before it: nothing.*
#
# The article prints sixteen formulas and four pieces of a program, and shows no test of any.  Which of them are right?
# Nobody should answer that by authority, neither the article nor these lessons.  This lesson builds the judge: a
# machine that says of a formula, right or wrong, and if wrong, where.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# As an example take the first formula of all, F1 in 生成对抗网络（GAN）的数学模型, the loss of a generator.  The
# discriminator answers with a logit $a$, and $D=\sigma(a)$; then F1 is
#
# $$L_G=-\mathbb E_z\left[\log D(G(z))\right]=\mathbb E\left[\log\left(1+e^{-a}\right)\right] \tag{F1}$$
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $a$ | the discriminator's answers to generated pictures | 判别器的 logit | `logits` | (N,) | F1 |
# | $L_G$ | the generator's loss, in nats per image | 生成器损失 | `loss_g` | () | F1 |
# | $h$ | the step of a difference | 步长 | `h` | () | – |
# | $dy$ | $\partial L/\partial y$, what comes down to a result $y$ | 余切向量 | `dy` | as y | – |
# | $\varepsilon$ | distance from 1 to the next number | 机器精度 | `eps` | () | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from minigen.check import CheckError, checklist, grad_check, invariant_check, op_check, value_check
from minigen.check.mutants import plant
from minigen.losses import gan
from minigen.models.dcgan import Discriminator, Generator

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to five lines · 从公式到代码
#
# `forward(x)` gives $y$, and `backward(dy, y, x)` gives $\partial L/\partial x$ when $\partial L/\partial y$ is known.
# `logaddexp(0, -a)` is $\log(e^0+e^{-a})$, without overflow.


# %%
def loss_g(logits):
    """F1 from logits: the mean of log(1 + exp(−a))."""
    return np.logaddexp(0, -logits).mean()


def loss_g_backward(dy, y, logits):
    return -dy / (1 + np.exp(logits)) / logits.size


# %% [markdown]
# Three oracles can be asked, and each sees something else.
#
# - **Value**: is it the number known by other means?  At $a=0$ the loss is $\ln 2$; at $a=(-2,\,0.5)$ paper and pencil
#   give 1.300502.
# - **Gradient**: is `backward` the derivative of `forward`?  Ask differences of `forward`.
# - **Invariant**: does something hold for *every* input?  $-\log D$ is never negative, and finite.


# %%
def ask_value(forward, backward, seed=0):
    cases = [([np.zeros(3)], np.log(2)), ([np.array([-2, 0.5])], 1.3005024976)]
    value_check(forward, cases, quiet=True)


def ask_gradient(forward, backward, seed=0):
    op_check(forward, backward, lambda rng: [rng.normal(size=5)], seeds=[seed], quiet=True)


def ask_invariant(forward, backward, seed=0):
    invariant_check(forward, lambda rng: rng.uniform(-1000, 1000, 8), seed=seed, quiet=True)


def check_three_oracles(seed=0):
    for ask in (ask_value, ask_gradient, ask_invariant):
        ask(loss_g, loss_g_backward, seed)


def check_library(seed=0):
    """minigen's own F1, whose derivative the engine finds: gradient, and gradient of the gradient."""
    logits = np.random.default_rng(seed).normal(size=(5, 1))
    value_check(gan.nonsaturating.generator, [([logits], loss_g)])
    grad_check(gan.nonsaturating.generator, {"logits": logits}, order=2)


check_three_oracles()
check_library()

# %% [markdown]
# ## Experiment: who sees what · 实验：谁能看见什么
#
# Trust no judge that has never said no.  Here are three mistakes: a mean forgotten in `backward`; F1 with its
# labels exchanged, $-\log(1-D)$, and the *right derivative of that*; and the formula typed as it is printed.

# %%
MISTAKES = {
    "backward without the mean": (loss_g, lambda dy, y, a: -dy / (1 + np.exp(a))),
    "labels exchanged": (
        lambda a: np.logaddexp(0, a).mean(),
        lambda dy, y, a: dy / (1 + np.exp(-a)) / a.size,
    ),
    "log(1 + exp(-a)) as printed": (lambda a: np.log(1 + np.exp(-a)).mean(), loss_g_backward),
}


def caught(ask, *arguments):
    """Does this check complain?"""
    try:
        ask(*arguments)
    except AssertionError:
        return True
    return False


print(f"{'':30}value    gradient invariant")
for mistake, pair in MISTAKES.items():
    found = [caught(ask, *pair, SEED) for ask in (ask_value, ask_gradient, ask_invariant)]
    print(f"{mistake:30}" + "".join(f"{'caught' if seen else '-':9}" for seen in found))
    assert sum(found) == 1  # each mistake is seen by one oracle, and by that one alone

# %% [markdown]
# One mistake each.  **A gradient check cannot find a wrong formula**: forward and backward agree on it.  Nor would
# the value at $a=0$ alone have found the exchanged labels, since both formulas give $\ln 2$ there.  And only the
# invariant went to logits where $e^{-a}$ overflows.

# %% [markdown]
# ## Experiment: how small a step · 实验：步长多小才好
#
# How does a machine know a derivative without calculus?  From two values, one on each side:
#
# $$f'(x)\approx\frac{f(x+h)-f(x-h)}{2h}$$
#
# Taylor's series says that this is wrong by $h^2f'''/6$, so $h$ should be small.  But $f$ is known to a relative
# $\varepsilon$ only, and the difference divides that by $h$, so $h$ should be large:
#
# $$\text{error}\approx\frac{h^2}{6}\,|f'''|+\frac{\varepsilon}{h}\,|f|,\qquad
# \text{least near } h=(3\,\varepsilon)^{1/3}\text{ where } |f|\approx|f'''|$$


# %%
def central(f, x, h):
    return (f(x + h) - f(x - h)) / (2 * h)


points = rng.uniform(-2, 2, 500)
steps = np.logspace(-1, -13, 49)
errors = {}
for dtype in (np.float32, np.float64):
    x = points.astype(dtype)
    wrong = [central(np.sin, x, dtype(h)) - np.cos(points) for h in steps]
    errors[dtype] = np.sqrt(np.mean(np.square(wrong), axis=1))  # root mean square over the points
    best, eps = errors[dtype].argmin(), np.finfo(dtype).eps
    print(
        f"{dtype.__name__}: least error {errors[dtype][best]:.0e} at h = {steps[best]:.0e}; ",
        end="",
    )
    print(f"(3 eps)^(1/3) = {(3 * eps) ** (1 / 3):.0e}")
assert errors[np.float64].min() < 1e-9 < 1e-6 < errors[np.float32].min()

# %%
figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
axes.loglog(steps, errors[np.float32], "s--", markersize=4, label="float32")
axes.loglog(steps, errors[np.float64], "o-", markersize=4, label="float64")
axes.loglog(steps[:20], steps[:20] ** 2 / 6, ":", color="0.4", label="h² / 6: the step is too long")
axes.loglog(
    steps[16:], eps / 2 / steps[16:], "-.", color="0.4", label="ε / 2h: digits are lost (float64)"
)
axes.set(
    xlabel="step h",
    ylabel="error of the slope of sin",
    title="A step can be too long and too short",
)
axes.set_ylim(1e-13, 1e2)
axes.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# **Figure 1.** Error of the central difference against the step, both axes logarithmic: two curves shaped like a V.
# In float64 the bottom lies near h = 1e-5 with eleven right digits, in float32 near 3e-3 with five.
#
# That is why every check of these lessons runs in float64, and why no single $h$ may convict: `grad_check` looks
# again, at longer steps and with the measured noise of $f$, before it calls a gradient wrong.

# %% [markdown]
# ## Erratum of a check: a cotangent of ones is blind · 勘误：全 1 的余切向量是盲的
#
# To check a function with many results, one weighs them with numbers $dy$ and compares slopes along a direction $d$:
#
# $$\sum_i d_i\,\frac{\partial L}{\partial x_i}\;\overset{?}{=}\;\frac{L(x+hd)-L(x-hd)}{2h},
# \qquad L=\sum_j dy_j\,y_j$$
#
# > **Claim.** `y.sum().backward()` and a comparison prove a backward right.  That is $dy=1$, as many courses have it.
# >
# > **Test.** Plant twelve bugs in three right backwards: those of a softmax, of a standardisation (the heart of
# > batch normalisation), and of F1.  Ask three checkers ten times each.
# >
# > **Right.** $dy$ drawn at random, *and* a tight tolerance; then all that a gradient owes besides its numbers.
#
# Why ones must fail is a line of algebra.  Rows of a softmax sum to 1, standardised columns to 0, whatever $x$ is:
#
# $$\sum_j \mathrm{softmax}(x)_j=1\quad\Rightarrow\quad\frac{\partial}{\partial x_i}\sum_j y_j=0$$
#
# so with ones the right answer is 0, and a backward that returns zeros, or the wrong sign, passes.  So does one that
# ignores $dy$ and takes it for 1.


# %%
def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_backward(dy, y, x):
    return y * (dy - (dy * y).sum(-1, keepdims=True))


def standardise(x):
    return (x - x.mean(0)) / x.std(0)


def standardise_backward(dy, y, x):
    return (dy - dy.mean(0) - y * (dy * y).mean(0)) / x.std(0)


# %% [markdown]
# Three bugs are written out, since people who derive a backward by hand forget just these terms.  Nine come from
# minigen's table of mutations, which `plant` puts into a right backward.

# %%
RIGHT = [
    (softmax, softmax_backward),
    (standardise, standardise_backward),
    (loss_g, loss_g_backward),
]
BUGS = {
    "softmax: diagonal only": (softmax, lambda dy, y, x: dy * y * (1 - y)),
    "standardise: σ held fixed": (standardise, lambda dy, y, x: (dy - dy.mean(0)) / x.std(0)),
    "standardise: μ held fixed": (
        standardise,
        lambda dy, y, x: (dy - y * (dy * y).mean(0)) / x.std(0),
    ),
}
PLANTED = [
    "zeros, sign, dy ignored",
    "zeros, one entry times 1.01",
    "times N, times 1.001, dy ignored, changes an input",
]
for (forward, backward), names in zip(RIGHT, PLANTED, strict=True):
    x = rng.normal(size=(4, 3))  # for its shape
    wrong = dict(plant(backward, (np.ones_like(forward(x)), forward(x), x)))
    BUGS |= {f"{forward.__name__}: {name}": (forward, wrong[name]) for name in names.split(", ")}
BUGS = dict(sorted(BUGS.items()))

# %% [markdown]
# The first checker has ones and a tight tolerance, the second random numbers and a loose one, the third is `op_check`.


# %%
def along_a_line(forward, backward, x, dy, rng, rtol):
    """Is Σ d · dx the slope of Σ dy · y along a random direction d?"""
    d = rng.normal(size=x.shape)
    slope = (dy * (forward(x + 1e-6 * d) - forward(x - 1e-6 * d))).sum() / 2e-6
    assert abs((d * backward(dy, forward(x), x)).sum() - slope) <= rtol * abs(slope) + 1e-8


def ones_tight(forward, backward, x, rng):
    along_a_line(forward, backward, x, np.ones_like(forward(x)), rng, rtol=1e-6)


def random_loose(forward, backward, x, rng):
    along_a_line(forward, backward, x, rng.normal(size=forward(x).shape), rng, rtol=1e-2)


def by_op_check(forward, backward, x, rng):
    op_check(forward, backward, [x], seeds=[int(rng.integers(1000))], quiet=True)


CHECKERS = {
    "dy = 1,\nwithin 1e-6": ones_tight,
    "random dy,\nwithin 1 %": random_loose,
    "op_check": by_op_check,
}


def times_caught(pair, seed, runs):
    """In how many runs, each with numbers of its own, does each of the three complain?"""
    counts = []
    for checker in CHECKERS.values():
        drawn = [np.random.default_rng([seed, run]) for run in range(runs)]
        counts.append(sum(caught(checker, *pair, rng.normal(size=(4, 3)), rng) for rng in drawn))
    return counts


def check_judges(seed=0):
    assert all(times_caught(pair, seed, 3) == [0, 0, 0] for pair in RIGHT), "a false alarm"
    counts = {bug: times_caught(pair, seed, 3) for bug, pair in BUGS.items()}
    for bug in ("softmax: zeros", "softmax: sign", "standardise: zeros"):
        assert counts[bug][0] == 0, "ones have seen it: the claim holds after all"
    assert all(by_op == 3 for _, _, by_op in counts.values()), "op_check has missed one"


check_judges()
rates = np.array([times_caught(pair, SEED, 10) for pair in BUGS.values()])
ones, loose, ours = (rates < 10).sum(axis=0)
print(f"let through at least once, of 12 bugs: by ones {ones}, loose {loose}, op_check {ours}")
assert ones > 6 and ours == 0
print("verdict: with dy = 1 most of these bugs pass, however tight the tolerance")

# %%
figure, axes = plt.subplots(figsize=(6.2, 4), layout="constrained")
axes.imshow(rates, cmap="cividis", vmin=0, vmax=10, aspect="auto")
for (row, column), rate in np.ndenumerate(rates):
    color = "black" if rate > 5 else "white"
    axes.text(column, row, f"{rate}", ha="center", va="center", color=color)
axes.set_xticks(range(3), CHECKERS)
axes.set_yticks(range(12), BUGS, fontsize=9)
axes.set_title("Runs of 10 in which the bug is caught")
plt.show()

# %% [markdown]
# **Figure 2.** Heat map of twelve planted bugs against three checkers, runs of ten in which each bug is caught: the
# column of ones is mostly 0, random numbers with a loose tolerance miss the small errors, the last column is all 10.

# %% [markdown]
# ## A claim in words: S18 · 文字论断 S18
#
# Words can be tested too, where they imply a number.  Under 核心概念与联系 the article calls its models large (大模型),
# names BERT as an example, and promises 数据驱动, 端到端 and 多模态 (S18).  The weights of its two networks, C2 and
# C3, can be counted.


# %%
def check_size(seed=0):
    rng = np.random.default_rng(seed)
    networks = (Generator(rng=rng), Discriminator(rng=rng))
    sizes = [sum(weights.size for weights in network.parameters()) for network in networks]
    right = np.array([2_305_472, 212_865])
    value_check(lambda: np.array(sizes), [([], right)], rtol=0, name="numbers of weights")


check_size()

# %% [markdown]
# 2.5 million weights together; BERT has 110 million in its smaller size (Devlin et al. 2019).  So the article's own
# programs are not large models in its own sense.  Nor are they multimodal: one takes 100 numbers of noise, the other
# a grey picture, and no text occurs.  Driven by data and trained end to end they are.  Half of S18 holds.

# %% [markdown]
# ## What the lessons will find · 勘误一览
#
# Each of E1 to E13 gets a box like the one above: claim, test, and a line that passes or fails.
#
# | | the article has | right | proved in |
# |---|---|---|---|
# | E1 | step along $+\nabla L$ for a loss | $-\nabla L$ | 01, 07 |
# | E2 | KL without the expectation over $z$ | $\mathbb E_{z\sim q}$ | 10 |
# | E3 | decoder makes $+\log p$ small | $-\log p$ | 12 |
# | E4 | D's output is a probability | a logit | 06, 09 |
# | E5 | a zero-sum game, with F1 | F1 is not minus F2 | 08 |
# | E6 | any $\lambda$ balances the VAE's loss | $\lambda=1$ is the bound | 12 |
# | E7 | likelihood of the output $x'$ | of the data $x$ | 12 |
# | E8 | encoder follows $L_E$ alone | the whole loss | 13 |
# | E9 | G extracts features | it expands noise | 09 |
# | E10 | D's error trains G | G's own loss, through D | 08 |
# | E11 | encoder gives a point | a distribution | 11 |
# | E12 | the training loop as printed | needs training mode, and more | 05, 09 |
# | E13 | two deconvolutions, each enlarges | three; the first keeps 7×7 | 04 |
# | E14 | Unrolled GAN by Mathieu et al. | Metz et al. | 08 |

# %% [markdown]
# ## Exercise A: a numerical gradient · 练习 A：数值梯度
#
# Write the central difference for a function of *many* numbers: `x` is an array of any shape, `f(x)` one number, and
# the answer has the shape of `x`.  Move one entry at a time (`np.ndindex` runs through the places of an array).  The
# check uses three functions of its own and asks how the error falls with `h`: it must be like $h^2$, a line of slope
# 2 on logarithmic axes.


# %% tags=["exercise"] name="exercise-a"
def numerical_gradient(f, x, h):
    """∂f/∂x by central differences of step h, in the shape of x; x itself is left as it was."""
    ### BEGIN SOLUTION
    slopes = np.zeros_like(x)
    for place in np.ndindex(*x.shape):
        moved = np.zeros_like(x)
        moved[place] = h
        slopes[place] = (f(x + moved) - f(x - moved)) / (2 * h)
    return slopes
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    functions = {  # f and its gradient
        "Σ sin x": (lambda x: np.sin(x).sum(), np.cos),
        "log Σ exp x": (lambda x: np.log(np.exp(x).sum()), lambda x: np.exp(x) / np.exp(x).sum()),
        "Σ x³": (lambda x: (x**3).sum(), lambda x: 3 * x**2),
    }
    for name, (f, gradient) in functions.items():
        x = np.random.default_rng(seed).normal(size=(2, 3))
        before = x.copy()
        value_check(
            lambda x, f=f: numerical_gradient(f, x, 1e-3),
            [([x], gradient)],
            rtol=0.01,
            atol=1e-3,
            name=name,
        )
        error = [
            np.linalg.norm(numerical_gradient(f, x, h) - gradient(before)) for h in (0.1, 0.01)
        ]
        assert np.array_equal(x, before), (
            f"{name}: x was changed; put every entry back, or work on a copy"
        )
        power = np.log10(error[0] / error[1])
        assert abs(power - 2) < 0.1, (
            f"{name}: the error falls like h to the power {power:.2f}, where 2 is wanted"
        )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="A forward difference: its error falls like h, not like h²."
# def numerical_gradient(f, x, h):
#     slopes = np.zeros_like(x)
#     for place in np.ndindex(*x.shape):
#         moved = np.zeros_like(x)
#         moved[place] = h
#         slopes[place] = (f(x + moved) - f(x)) / h
#     return slopes

# %% [raw] tags=["wrong"] name="exercise-a" says="Divided by h, though the two points are 2h apart."
# def numerical_gradient(f, x, h):
#     slopes = np.zeros_like(x)
#     for place in np.ndindex(*x.shape):
#         moved = np.zeros_like(x)
#         moved[place] = h
#         slopes[place] = (f(x + moved) - f(x - moved)) / h
#     return slopes

# %% [raw] tags=["wrong"] name="exercise-a" says="Entries of x are moved in place and not put back."
# def numerical_gradient(f, x, h):
#     slopes = np.zeros_like(x)
#     for place in np.ndindex(*x.shape):
#         x[place] += h
#         above = f(x)
#         x[place] -= 2 * h
#         slopes[place] = (above - f(x)) / (2 * h)
#     return slopes

# %% [raw] tags=["wrong"] name="exercise-a" says="All entries are moved at once: the slope along one direction."
# def numerical_gradient(f, x, h):
#     return np.full_like(x, (f(x + h) - f(x - h)) / (2 * h))

# %% [markdown]
# ## Exercise B: which backward is wrong · 练习 B：哪个反向传播有错
#
# Six pairs; some of them are wrong, and some only look so.  Judge each by eye first.  Then ask `op_check`: it raises
# a `CheckError` where a pair is wrong, with the place and a hint.

# %%
weight = rng.normal(size=(3, 3))
PAIRS = {  # forward(x), backward(dy, y, x); x has shape (4, 3)
    "softplus": (lambda x: np.logaddexp(0, x), lambda dy, y, x: dy * (1 - np.exp(-y))),
    "leaky ReLU": (
        lambda x: np.where(x > 0, x, 0.2 * x),
        lambda dy, y, x: dy * np.where(y > 0, 1, 0.2),
    ),
    "log softmax": (
        lambda x: x - np.log(np.exp(x).sum(axis=-1, keepdims=True)),
        lambda dy, y, x: dy - np.exp(y) * dy.sum(axis=-1, keepdims=True),
    ),
    "mean of squares": (lambda x: (x * x).mean(), lambda dy, y, x: 2 * dy * x / len(x)),
    "product": (lambda x: x @ weight, lambda dy, y, x: dy @ weight),
    "rows reversed": (lambda x: x[::-1], lambda dy, y, x: 1.0 * dy),
}


# %% tags=["exercise"] name="exercise-b"
def wrong_backwards():
    """The names of the wrong pairs, as a set: written down, or found."""
    ### BEGIN SOLUTION
    found = set()
    for name, (forward, backward) in PAIRS.items():
        try:
            op_check(forward, backward, [np.array([[0.5, -1, 2], [1.5, 0.3, -0.2]])], quiet=True)
        except CheckError:
            found.add(name)
    return found
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    answer = set(wrong_backwards())
    assert answer <= set(PAIRS), f"these are no names of pairs: {sorted(answer - set(PAIRS))}"
    rng = np.random.default_rng(seed)
    truth = {
        name
        for name, pair in PAIRS.items()
        if caught(by_op_check, *pair, rng.normal(size=(4, 3)), rng)
    }
    misjudged = len(answer ^ truth)
    assert not misjudged, (
        f"{6 - misjudged} of 6 judged rightly; ask op_check about each, not a cotangent of ones"
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="What a cotangent of ones convicts: the reversal is not among them."
# def wrong_backwards():
#     x = np.random.default_rng(0).normal(size=(4, 3))
#     return {name for name, pair in PAIRS.items() if caught(ones_tight, *pair, x, np.random.default_rng(1))}

# %% [raw] tags=["wrong"] name="exercise-b" says="By eye: softplus looks wrong, since σ(x) is not to be seen."
# def wrong_backwards():
#     return {"softplus", "product", "mean of squares", "rows reversed"}

# %% [raw] tags=["wrong"] name="exercise-b" says="The pairs that pass, instead of those that do not."
# def wrong_backwards():
#     return {"softplus", "leaky ReLU", "log softmax"}

# %% [markdown]
# ## A question in words · 一道文字题
#
# Somebody writes a new loss, lets an engine differentiate it, runs a gradient check with random cotangents in
# float64, and it passes with ten digits.  What has been shown, and what has not?  Name two more things you would ask.

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Shown: the derivative belongs to the function as it was typed (1).  Not
# shown: that this function is the formula that was meant; a wrong sign or factor in the loss passes (1).  To ask: a
# value known by other means, at a point that can tell the likely mistakes apart, and an invariant, such as a bound,
# over a wide range of inputs (1).

# %% [markdown]
# ## What to take along · 小结
#
# - Value, gradient and invariant are three oracles.  A gradient check cannot find a wrong formula.
# - Trust a check only after you have seen it fail on a planted bug.
# - A difference has a best step, $(3\varepsilon)^{1/3}$; float64 keeps eleven digits there, float32 five.
# - $dy$ is random and the tolerance tight.  With $dy=1$ a gradient of zeros passes for softmax and normalisation.
#
# **New terms**: central difference (中心差分), step (步长), rounding error (舍入误差), cotangent (余切向量), gradient
# check (梯度检验), invariant (不变量), planted bug (变异体).  **Read next**: `op_check` in
# `minigen/check/operation.py`, and `docs/checking.md`, which lists what else a gradient owes.

# %%
checklist(
    [
        check_three_oracles,
        check_library,
        check_judges,
        check_size,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=5,
)
