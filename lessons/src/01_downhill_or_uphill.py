# ---
# jupyter:
#   minigen:
#     title: Downhill or uphill
#     zh: 梯度下降的符号
#     says: Six update rules with one wrong sign, and an engine of thirty lines that finds which way is down.
#     minutes: 25
#     budget_s: 5
#     needs: ["00"]
#     covers: [F3, F4, F10, F11, F15, F16, E1]
#     picture: 2
#     terms:
#     - [gradient, 梯度, "∇L", gradient, "F3, F4"]
#     - [gradient descent, 梯度下降, "θ − α∇L", "", "F3, F4"]
#     - [gradient ascent, 梯度上升（原文误作梯度提升）, "θ + α∇V", "", "F3, F4"]
#     - [learning rate, 学习率, "α, β", rate, "F3, F4"]
#     - [reverse-mode differentiation, 反向模式自动微分, "", slopes, ""]
# ---

# %% [markdown]
# # 01 · Downhill or uphill · 梯度下降的符号
#
# *25 minutes to read, 5 seconds to run.  Before it: lesson 00.*
#
# A loss is what one wants small.  The article adds its gradient to the weights.  Is that down or up?  To find out we
# build, in thirty lines, an engine that differentiates any sum of products, and let it walk.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# Under 梯度提升策略 the article updates both networks of a GAN (F3, F4):
#
# $$\theta_G\leftarrow\theta_G+\alpha\nabla_{\theta_G}L_G \tag{F3}$$
# $$\theta_D\leftarrow\theta_D+\beta\nabla_{\theta_D}L_D \tag{F4}$$
#
# The case 使用GAN生成高清电影场景 repeats them as F10 and F11, and 使用VAE生成角色动画 has the same sign for encoder
# and decoder, F15 and F16.  Six rules, one sign.
#
# A word first.  梯度提升 is the Chinese for gradient *boosting*, which adds tree after tree to a model and has
# nothing to do with this.  Going down is 梯度下降, gradient descent; going up is 梯度上升, gradient ascent.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $\theta$ | what is trained; here a point $(x, y)$ | 参数 | `x`, `y` | () | F3 |
# | $L$ | the loss | 损失 | `loss` | () | F3, F4, F10, F11, F15, F16 |
# | $\nabla L$ | slopes of the loss by each parameter | 梯度 | `gradient` | as $\theta$ | F3 |
# | $\alpha,\beta$ | how far to step | 学习率 | `rate` | () | F3, F4 |

# %%
import io
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, invariant_check, value_check
from minigen.losses import gan
from minigen.losses.vae import gaussian_kl, gaussian_nll

started = time.perf_counter()
SEED = 0  # another number draws other points; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the chain rule to thirty lines · 从链式法则到三十行代码
#
# Every result knows the numbers it was made from, and its slope by each of them: 1 and 1 for $a+b$, $b$ and $a$ for
# $ab$.  The chain rule says how slopes travel from the result down:
#
# $$\frac{\partial L}{\partial p}=
# \sum_{\text{children } c}\frac{\partial L}{\partial c}\,\frac{\partial c}{\partial p}$$
#
# The sum runs over *all* children.  So a number may hand its slope on only when all of its children have reported:
# youngest first.  A counter that stamps each number at its birth gives that order.


# %%
clock = itertools.count()


class Value:
    """A number that remembers its parents, each with the slope of this number by it."""

    def __init__(self, number, parents=()):
        self.number, self.parents, self.order = number, parents, next(clock)

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.number + other.number, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.number * other.number, [(self, other.number), (other, self.number)])

    def __sub__(self, other):
        return self + -1 * other

    __radd__, __rmul__ = __add__, __mul__


def slopes(loss):
    """{value: ∂loss/∂value} for all that loss was made from."""
    below, waiting = {loss}, [loss]
    while waiting:
        found = {parent for parent, _ in waiting.pop().parents} - below
        below |= found
        waiting += found
    gathered = {loss: 1.0}
    for value in sorted(below, key=lambda value: value.order, reverse=True):
        for parent, slope in value.parents:
            gathered[parent] = gathered.get(parent, 0.0) + gathered[value] * slope
    return gathered


# %% [markdown]
# Two landscapes to walk in, a bowl and the bent valley of Rosenbrock (1960), here less steep than his:
#
# $$L_{bowl}=x^2+y^2\qquad L_{banana}=(x-1)^2+5\,(y-x^2)^2$$
#
# The same text serves `Value`s, minigen's tensors and arrays, since all of them know `+`, `-` and `*`.


# %%
def bowl(x, y):
    return x * x + y * y


def banana(x, y):
    off = y - x * x  # used twice below, as x is three times: shared numbers
    return (x - 1) * (x - 1) + 5 * off * off


def by_hand(f, x, y):
    """The loss at a point, and its two slopes, from the engine above."""
    x, y = Value(x), Value(y)
    loss = f(x, y)
    found = slopes(loss)
    return loss.number, np.array([found[x], found[y]])


def check_value(seed=0):
    cases = [([1.0, 1.0], 0.0), ([-1.0, 2.0], 9.0)]
    value_check(lambda x, y: by_hand(banana, x, y)[0], cases, name="banana")


def check_gradient(seed=0):
    """Our slopes are minigen's, and minigen's are those of differences."""
    point = np.random.default_rng(seed).normal(size=2)
    x, y = (minigen.tensor(np.float64(number), requires_grad=True) for number in point)
    theirs = np.array([gradient.item() for gradient in minigen.grad(banana(x, y), [x, y])])
    value_check(lambda: by_hand(banana, *point)[1], [([], theirs)], rtol=1e-12, name="slopes")
    grad_check(banana, {"x": point[0], "y": point[1]}, order=2)


def check_shared_numbers(seed=0):
    """y = 2⁵⁰ x by doubling fifty times: 2⁵⁰ ways lead down, and each number is visited once."""
    x = y = Value(1.0)
    for _ in range(50):
        y = y + y
    value_check(lambda: slopes(y)[x], [([], 2.0**50)], name="fifty doublings")


check_value()
check_gradient()
check_shared_numbers()

# %% [markdown]
# ## The same shape in the library · 库中的同一结构
#
# `minigen/autograd` is these thirty lines, with arrays for numbers.  Open the files beside this page:
#
# | here | there | file |
# |---|---|---|
# | `parents` of a `Value` | `inputs` of a `Node` | `minigen/autograd/node.py`, class `Node` |
# | `clock`, `order` | `_clock`, `order` | the same |
# | the slopes in `__add__`, `__mul__` | `add.vjp(…)`, `multiply.vjp(…)` | `minigen/ops/arithmetic.py` |
# | the first loop of `slopes`, and the sorting | `_nodes_below` | `minigen/autograd/gradients.py` |
# | `gathered` and the second loop | `gathered` in `_walk` | the same |
#
# What there is more of: broadcasting is undone (`unbroadcast`), only what leads to a wanted number is visited
# (`_plan`), and rules are made of operations, so that a derivative can be differentiated again.  `draw_graph` shows
# what was remembered: `#3` is `off`, and is used twice.

# %%
x, y = minigen.Parameter(3.0, name="x"), minigen.Parameter(4.0, name="y")
print(minigen.draw_graph(banana(x, y)))

# %% [markdown]
# ## Experiment: a bowl and a banana · 实验：一只碗，一根香蕉
#
# Why a sign decides.  For a short step Taylor's series gives
#
# $$L(\theta\pm\alpha\nabla L)\approx L(\theta)\pm\alpha\,\|\nabla L\|^2$$
#
# and $\|\nabla L\|^2$ is never negative.  So a step that is short enough makes the loss fall with minus and rise
# with plus, whatever the loss is.  Walk from one start with both signs, on the engine above.


# %%
def walk(f, start, sign, rate, steps, far=1e6):
    """The points of a walk, and the loss at each; it ends early where the loss is beyond `far`."""
    point, path, losses = np.array(start), [], []
    for _ in range(steps):
        loss, gradient = by_hand(f, *point)
        path.append(point)
        losses.append(loss)
        if loss > far:
            break
        point = point + sign * rate * gradient
    return np.array(path), losses


PLACES = {"bowl": (bowl, [1.2, 1.6], 0.1, 20), "banana": (banana, [-1.2, 1.0], 0.02, 400)}
walks = {
    (name, sign): walk(f, start, sign, *rest)
    for name, (f, start, *rest) in PLACES.items()
    for sign in (-1, 1)
}
for (name, sign), (_, losses) in walks.items():
    last = f"{losses[-1]:.4g} at step {len(losses)}"
    print(f"{name:6} {'+' if sign > 0 else '−'}  loss {losses[0]:.2f} at step 1, {last}")

# %%
figure, both = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained")
for axes, name in zip(both, PLACES, strict=True):
    up, down = walks[name, 1][1], walks[name, -1][1]
    axes.semilogy(range(1, len(up) + 1), up, "s--", color="C1", label="θ + α∇L, as printed")
    axes.semilogy(range(1, len(down) + 1), down, "-", color="C0", label="θ − α∇L")
    axes.set(xlabel="step", ylabel="loss L (no unit)", title=f"The {name}")
both[0].legend(frameon=False, loc="upper left")
both[0].set_xticks([1, 5, 10, 15, 20])
both[1].set_xscale("log")
plt.show()

# %% [markdown]
# **Figure 1.** Loss per step on logarithmic axes, in the bowl and in the banana valley: with minus it falls at every
# step, with plus it rises at every step, in the banana beyond a thousand million at the fifth.

# %%
figure, both = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
x_grid, y_grid = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-2.5, 3.5, 121))
for axes, (name, (f, *_)) in zip(both, PLACES.items(), strict=True):
    levels = 2.0 ** np.arange(-2, 10)
    axes.contour(x_grid, y_grid, f(x_grid, y_grid), levels=levels, colors="0.7", linewidths=0.8)
    axes.plot(*walks[name, 1][0].T, "s--", color="C1", markersize=4, label="θ + α∇L, as printed")
    axes.plot(*walks[name, -1][0].T, "o-", color="C0", markersize=2.5, label="θ − α∇L")
    axes.plot(*walks[name, 1][0][0], "k*", markersize=11, label="start")
    axes.set(xlim=(-3, 3), ylim=(-2.5, 3.5), xlabel="x", ylabel="y", title=f"The {name}")
both[0].legend(loc="lower left", fontsize=8, framealpha=1)
plt.show()

# %% [markdown]
# **Figure 2.** Contours of both landscapes with both walks from one start: with minus the path runs to the bottom,
# in the banana down into the bend and along it to (1, 1); with plus it leaves the map.

# %% [markdown]
# ## Erratum E1: the sign · 勘误 E1：符号
#
# > **Claim.** F3, F4, F10, F11, F15, F16: the losses are trained by $\theta\leftarrow\theta+\alpha\nabla L$.
# >
# > **Test.** Twenty steps in the bowl from distance 2, ten in $(\theta-3)^2$ from 0, both with $\alpha=0.1$.  Then one
# > short step for each of the four losses that the six rules name (lessons 06, 10 and 12 explain them; here only the
# > sign matters).  A trained loss must fall.
# >
# > **Right.** $\theta\leftarrow\theta-\alpha\nabla L$


# %%
LOSSES = {  # one number t is trained: an answer of D, or what a VAE says of one x = 1
    "F3, F10: loss of G": gan.nonsaturating.generator,
    "F4, F11: loss of D": lambda t: gan.nonsaturating.discriminator(t, 0.5 * t),
    "F15: loss of encoder": lambda t: gaussian_kl(t, 0 * t - 1),
    "F16: loss of decoder": lambda t: gaussian_nll(t, 0 * t, np.ones((1, 1))),
}


def one_step(loss, start, rate=0.01):
    """The loss before, after a step of +rate · gradient, and after one of −rate · gradient."""
    t = minigen.tensor(np.full((1, 1), start), requires_grad=True)
    before = loss(t)
    (gradient,) = minigen.grad(before, [t])
    return before.item(), loss(t + rate * gradient).item(), loss(t - rate * gradient).item()


def check_e1(seed=0):
    cases = [(bowl, [1.2, 1.6], 20, 4), (lambda x, y: bowl(x - 3, y), [0.0, 0.0], 11, 9)]
    for f, start, steps, first in cases:
        for sign in (1, -1):  # each step multiplies the distance by 1 ± 0.2
            _, losses = walk(f, start, sign, 0.1, steps)
            right = first * (1 + 0.2 * sign) ** (2 * (steps - 1))
            value_check(lambda losses=losses: losses[-1], [([], right)], name="last loss")
    start = np.random.default_rng(seed).uniform(-2, -0.5)
    for name, loss in LOSSES.items():
        before, plus, minus = one_step(loss, start)
        assert minus < before < plus, name


check_e1()
print(f"{'one step of 0.01':22} before    with +    with −")
for name, loss in LOSSES.items():
    print(f"{name:22}", "   ".join(f"{number:.5f}" for number in one_step(loss, -1.0)))
print("verdict: with + every one of the four losses grows, with − it falls")

# %% [markdown]
# In fairness: the article's words and code know better.  Its steps for training a VAE ask for 梯度下降 (S16), and
# its listing C4 calls `apply_gradients`, which subtracts.  And plus has its place.  Goodfellow et al. (2014, algorithm
# 1) let the discriminator *ascend* the value of the game, $V=-L_D$, which is the same as descending $L_D$:
#
# $$\theta_D+\beta\nabla V=\theta_D-\beta\nabla L_D$$
#
# With $L_D$ in the place of $V$ the sign has to turn as well, and in the article it did not.
#
# The test takes the decoder's loss of F16 as mended, $-\log p$.  The article prints it with the other sign (E3, lesson
# 12), so that F16's plus happens to climb the likelihood; then it is the encoder's F15 that is wrong, and no one sign
# saves both.  F15 and F16 have one more fault together, E8, which lesson 13 proves.

# %% [markdown]
# ## The right sign is not enough · 符号对了还不够
#
# In a long trough, $L=x^2+5y^2$, each step multiplies $y$ by $1-10\alpha$.  It shrinks only if
#
# $$0<\alpha<\frac{2}{\lambda_{max}}=\frac{2}{10}$$
#
# where $\lambda_{max}$ is the largest second derivative.  And it is slow in $x$ if $\alpha$ is small.


# %%
def draw_trough(axes, rate):
    """Twenty steps downhill in the trough, on the given axes."""
    path, losses = walk(lambda x, y: x * x + 5 * y * y, [-2.5, 0.8], -1, rate, 20)
    x, y = np.meshgrid(np.linspace(-3, 3, 81), np.linspace(-1.5, 1.5, 81))
    levels = 2.0 ** np.arange(-3, 6)
    axes.contour(x, y, x**2 + 5 * y**2, levels=levels, colors="0.7", linewidths=0.7)
    axes.plot(*path.T, "o-", color="C0", markersize=3)
    axes.set(
        xlim=(-3, 3), ylim=(-1.5, 1.5), title=f"α = {rate:.3f}: L = {losses[-1]:.2g} at step 20"
    )


figure, four = plt.subplots(2, 2, figsize=(7, 4), layout="constrained", sharex=True, sharey=True)
for axes, rate in zip(four.flat, [0.01, 0.1, 0.19, 0.205], strict=True):
    draw_trough(axes, rate)
figure.supxlabel("x")
figure.supylabel("y")
plt.show()

# %% [markdown]
# **Figure 3.** Twenty steps downhill in a trough at four learning rates: at 0.01 the path creeps, at 0.1 it arrives,
# at 0.19 it zigzags but converges, at 0.205, beyond 2/10, every zigzag is longer than the last.
#
# Where ipywidgets is installed, a slider moves the rate (in a running notebook; an exported page has no kernel).


# %%
def picture(rate):
    """The trough at one learning rate, as the bytes of a PNG."""
    figure, axes = plt.subplots(figsize=(5, 2.8), layout="constrained")
    draw_trough(axes, rate)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    plt.close(figure)
    return buffer.getvalue()


def check_picture(seed=0):
    slow, fast = picture(0.02), picture(0.2)
    assert slow[:8] == fast[:8] == b"\x89PNG\r\n\x1a\n" and slow != fast


check_picture()
try:
    import ipywidgets
    from IPython.display import display
except ImportError:
    print("ipywidgets is not installed: Figure 3 stands in for the slider")
else:
    slider = ipywidgets.FloatSlider(value=0.1, min=0.005, max=0.22, step=0.005, description="rate")
    slider.readout_format = ".3f"
    image = ipywidgets.Image(value=picture(slider.value), format="png")

    def redraw(change):
        image.value = picture(change["new"])

    slider.observe(redraw, names="value")
    display(ipywidgets.VBox([slider, image]))

# %% [markdown]
# ## Exercise A: one step of SGD · 练习 A：一步 SGD
#
# `loss(*weights)` takes tensors and gives one number; `weights` is a list of arrays of any shapes.  Make tensors of
# them that require a gradient, ask `minigen.grad`, and return the arrays after one step *down*, as a new list
# (`.numpy()` gives the array in a tensor).  The check starts from 20 random points, and the loss must fall at each, by
# at least $\tfrac12\alpha\|\nabla L\|^2$.


# %% tags=["exercise"] name="exercise-a"
def sgd_step(loss, weights, rate):
    """Arrays → arrays after one step of stochastic gradient descent."""
    ### BEGIN SOLUTION
    tensors = [minigen.tensor(array, requires_grad=True) for array in weights]
    moves = minigen.grad(loss(*tensors), tensors)
    return [array - rate * move.numpy() for array, move in zip(weights, moves, strict=True)]
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    def loss(w, b):  # no second derivative above 2: up to a rate of 1/2 the promise holds
        return (w * w).sum() + 0.5 * (b * b).sum()

    def kept(w, b):
        after = sgd_step(loss, [w.copy(), b.copy()], 0.25)
        assert [np.shape(a) for a in after] == [w.shape, b.shape], (
            "one array for each weight, in its shape"
        )
        fell = loss(w, b) - loss(*after)
        return fell - 0.5 * 0.25 * ((2 * w) ** 2).sum() - 0.5 * 0.25 * (b**2).sum()

    def draw(rng):
        return rng.normal(size=(2, 3)), rng.normal(size=4)

    invariant_check(
        kept, draw, n=20, seed=seed, says="the loss falls by at least half of rate × |gradient|²"
    )
    one = np.ones(1)
    cases = [([2 * one, 3 * one], np.array([1.6, 2.7]))]
    value_check(
        lambda w, b: np.concatenate(sgd_step(loss, [w, b], 0.1)),
        cases,
        name="a step of 0.1 from (2, 3)",
    )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="Plus, as F3 and F4 print it."
# def sgd_step(loss, weights, rate):
#     tensors = [minigen.tensor(array, requires_grad=True) for array in weights]
#     moves = minigen.grad(loss(*tensors), tensors)
#     return [array + rate * move.numpy() for array, move in zip(weights, moves, strict=True)]

# %% [raw] tags=["wrong"] name="exercise-a" says="The learning rate is forgotten."
# def sgd_step(loss, weights, rate):
#     tensors = [minigen.tensor(array, requires_grad=True) for array in weights]
#     moves = minigen.grad(loss(*tensors), tensors)
#     return [array - move.numpy() for array, move in zip(weights, moves, strict=True)]

# %% [raw] tags=["wrong"] name="exercise-a" says="Only the first weight is moved."
# def sgd_step(loss, weights, rate):
#     first = minigen.tensor(weights[0], requires_grad=True)
#     (move,) = minigen.grad(loss(first, *weights[1:]), [first])
#     return [weights[0] - rate * move.numpy(), *weights[1:]]

# %% [raw] tags=["wrong"] name="exercise-a" says="Only the gradient's sign is used: every step is equally long."
# def sgd_step(loss, weights, rate):
#     tensors = [minigen.tensor(array, requires_grad=True) for array in weights]
#     moves = minigen.grad(loss(*tensors), tensors)
#     return [array - rate * np.sign(move.numpy()) for array, move in zip(weights, moves, strict=True)]

# %% [markdown]
# ## Exercise B: six signs · 练习 B：六个符号
#
# Which sign belongs to each of these, so that the player gets what it wants?  Answer +1 or −1.  The check does not
# look signs up: it takes a step with yours, and measures what is wanted.
#
# | name | player moves along ± its gradient | what the player wants |
# |---|---|---|
# | `"V, by D"` | $V=\mathbb E\log D(x)+\mathbb E\log(1-D(G(z)))$ | D tells real from generated |
# | `"-V, by D"` | $-V=L_D$ (F2) | the same |
# | `"V, by G"` | the same $V$, moved by G | D takes what G makes for real |
# | `"L_G, by G"` | $L_G=-\mathbb E\log D(G(z))$ (F1) | the same |
# | `"log p(x)"` | the log-likelihood of the data | the data become probable |
# | `"-ELBO"` | minus the bound that a VAE is trained with | the bound comes up to $\log p(x)$ |


# %% tags=["exercise"] name="exercise-b"
def signs():
    """{name: +1 or -1} for the six objectives of the table."""
    ### BEGIN SOLUTION
    wants_more = ["V, by D", "log p(x)"]
    wants_less = ["-V, by D", "V, by G", "L_G, by G", "-ELBO"]
    return {name: +1 for name in wants_more} | {name: -1 for name in wants_less}
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    start = np.random.default_rng(seed).uniform(-0.5, 0.5)
    game = (
        gan.nonsaturating
    )  # D answers t to real data, -t to generated; or G's picture is t, and D answers t

    def log_p(t):  # of the number 2 under N(t, 1)
        return -gaussian_nll(t, 0 * t, np.full((1, 1), 2.0))

    objectives = {  # what is differentiated, and what the player wants more of
        "V, by D": (lambda t: -game.discriminator(t, -t), lambda t: t),
        "-V, by D": (lambda t: game.discriminator(t, -t), lambda t: t),
        "V, by G": (lambda t: -game.discriminator(0 * t, t), lambda t: t),
        "L_G, by G": (game.generator, lambda t: t),
        "log p(x)": (log_p, lambda t: -((t - 2) ** 2)),
        "-ELBO": (
            lambda t: gaussian_kl(t - 1, 0 * t),
            lambda t: -((t - 1) ** 2),
        ),  # all but a constant
    }
    answer = signs()
    assert set(answer) == set(objectives), (
        "one sign for each of the six names, spelt as in the table"
    )
    assert set(answer.values()) <= {1, -1}, "a sign is +1 or -1"
    worse = []
    for name, (objective, wanted) in objectives.items():
        t = minigen.tensor(np.full((1, 1), start), requires_grad=True)
        (gradient,) = minigen.grad(objective(t).sum(), [t])
        if wanted(start + answer[name] * 0.01 * gradient.item()) <= wanted(start):
            worse.append(name)
    assert not worse, (
        f"{len(worse)} of 6 players move away from what they want, among them that of {worse[0]}"
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Plus for all, as in the article."
# def signs():
#     return dict.fromkeys(["V, by D", "-V, by D", "V, by G", "L_G, by G", "log p(x)", "-ELBO"], 1)

# %% [raw] tags=["wrong"] name="exercise-b" says="Minus for all: not everything is a loss."
# def signs():
#     return dict.fromkeys(["V, by D", "-V, by D", "V, by G", "L_G, by G", "log p(x)", "-ELBO"], -1)

# %% [raw] tags=["wrong"] name="exercise-b" says="V is ascended by both players."
# def signs():
#     return {"V, by D": 1, "-V, by D": -1, "V, by G": 1, "L_G, by G": -1, "log p(x)": 1, "-ELBO": -1}

# %% [markdown]
# ## A question in words · 一道文字题
#
# Suppose a program has the article's plus in *both* places, F3 and F4, and a colleague says that two wrong signs
# cancel.  Do they?  What would you look at after a few hundred steps?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  They do not cancel: each loss belongs to its own weights, and each rises (1).
# D learns to call real data false and generated data real, so its loss grows and its accuracy falls below one half
# (1).  Look at D's loss against $2\ln 2=1.386$ and at its accuracy, not at the first pictures: G chases an inverted D
# and may pass the data on its way out (1).

# %% [markdown]
# ## What to take along · 小结
#
# - The gradient points uphill.  The step is $-\alpha\nabla L$ for a loss, $+\alpha\nabla V$ for what is wanted large.
# - Ask of every update rule: is this a loss or a value, and who moves?
# - Reverse mode: remember parents and slopes, then walk from the youngest number to the oldest, adding up.
# - The right sign with $\alpha>2/\lambda_{max}$ diverges as well.
#
# **New terms**: gradient (梯度), gradient descent (梯度下降), gradient ascent (梯度上升), learning rate (学习率),
# reverse-mode differentiation (反向模式自动微分).  **Read next**: `SGD` in `minigen/optim/sgd.py`, whose docstring
# begins with the minus, and `_walk` in `minigen/autograd/gradients.py`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_shared_numbers,
        check_e1,
        check_picture,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=5,
)
