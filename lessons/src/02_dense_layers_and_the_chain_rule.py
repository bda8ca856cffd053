# ---
# jupyter:
#   minigen:
#     title: Dense layers and the chain rule
#     zh: 全连接层与链式法则
#     says: What a dense layer computes, why gradients add wherever a number is used twice, and where they get lost.
#     minutes: 45
#     budget_s: 10
#     needs: ["01"]
#     covers: [C2, C3, S19]
#     picture: 2
#     terms:
#     - [dense layer, 全连接层, "y = xw + b", Dense, "C2, C3"]
#     - [chain rule, 链式法则, "", "", ""]
#     - [computational graph, 计算图, "", draw_graph, ""]
#     - [activation function, 激活函数, "φ", bend, "C2, C3"]
#     - [vanishing gradient, 梯度消失, "", shares, S19]
#     - [saturation, 饱和, "φ′ ≈ 0", slope, S19]
# ---

# %% [markdown]
# # 02 · Dense layers and the chain rule · 全连接层与链式法则
#
# *45 minutes to read, 10 seconds to run.  Before it: lesson 01.*
#
# The article's generator begins with a dense layer, and its discriminator ends with one.  What does such a layer
# compute, how do slopes come back through it, and what can go wrong on the way?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# (C2, S19 and the like number the article's code blocks and statements.)  In 项目实战 the generator (C2) begins with
# `Dense(7 * 7 * 256, use_bias=False)`: 100 numbers of noise become 12,544, through 1,254,400 weights.  (The article's
# explanation of C2 says several dense layers; its code has one.)  The discriminator (C3) ends with `Dense(1)`: 6,272
# numbers become one, through 6,273.  Both are the same formula:
#
# $$y=xw+b,\qquad y_{nj}=\sum_i x_{ni}\,w_{ij}+b_j$$
#
# Between layers stands `LeakyReLU(alpha=0.2)`, which lets positive numbers through and multiplies negative ones by
# 0.2.  代码解读与分析 says of it, and of batch normalisation, that it makes training stable (S19).
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x$ | what goes in, a row for each picture | 输入 | `x` | (N, C) | C2, C3 |
# | $w,\ b$ | weight and bias | 权重、偏置 | `w`, `b` | (C, OC), (OC,) | C2, C3 |
# | $y$ or $a$ | what comes out | 输出 | `y`, `a` | (N, OC) | C2, C3 |
# | $\varphi$ | the bend between two layers | 激活函数 | `bend` | as its input | C2, C3 |
# | $dL/dy$ | slope of the loss by $y$ | 上游梯度 | `dy` | as $y$ | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, op_check, value_check
from minigen.losses import binary_cross_entropy
from minigen.nn import Dense, LeakyReLU, Sequential
from minigen.optim import SGD, Adam

started = time.perf_counter()
SEED = 0  # another number draws other points and weights; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to one line · 从公式到代码
#
# Is the matrix product really that sum?


# %%
def dense(x, w, b):
    """y = x w + b: x (N, C), w (C, OC), b (OC,) → (N, OC)."""
    return x @ w + b


def written_out(x, w, b):
    (N, C), OC = x.shape, len(b)
    rows = [[sum(x[n, i] * w[i, j] for i in range(C)) + b[j] for j in range(OC)] for n in range(N)]
    return np.array(rows)


def check_value(seed=0):
    rng = np.random.default_rng(seed)
    layer = Dense(3, 7, rng=rng).astype(np.float64)
    x, w, b = rng.normal(size=(5, 3)), layer.weight.numpy(), layer.bias.numpy()
    # each case: (arguments, expected), the expected result or a function that gives it
    value_check(dense, [([x, w, b], written_out), ([x, w, b], layer(x))], rtol=1e-12)


check_value()

# %% [markdown]
# ## Two moons, every weight checked · 双月数据：检验每一个权重
#
# Dense layers alone, however many, are one dense layer: a product of matrices is a matrix.  The bend makes the
# difference.  Two interlocking half circles, which no straight line separates, need it.  We train both.
# (Their loss, `binary_cross_entropy`, and why it wants $a$ and not $\sigma(a)$, is lesson 06.)


# %%
def two_moons(n, rng, noise=0.1):
    """n points of two half circles in turn, (n, 2), and which of them each belongs to, (n, 1)."""
    targets, angle = np.arange(n) % 2, rng.uniform(0, np.pi, n)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x[targets == 0] = [1, 0.5] - x[targets == 0]  # the other moon: turned round and shifted
    x += noise * rng.standard_normal((n, 2))
    return x.astype(np.float32), targets[:, None].astype(np.float32)


def small_net(rng):
    return Sequential(Dense(2, 16, rng=rng), LeakyReLU(0.2), Dense(16, 1, rng=rng))


def check_gradient(seed=0):
    """All 65 weights of the net and the 40 numbers that go in, against differences."""
    rng = np.random.default_rng(seed)
    (x, targets), net = two_moons(20, rng), small_net(rng)
    grad_check(
        lambda x: binary_cross_entropy(net(x), targets), {"x": x}, params=net, name="two moons"
    )


check_gradient()

(x, targets), net, line = two_moons(200, rng), small_net(rng), Dense(2, 1, rng=rng)
ends = []
for name, model in (("one dense layer", line), ("two, with a bend", net)):
    adam = Adam(model.parameters(), 0.1)
    for _ in range(300):
        loss = binary_cross_entropy(model(x), targets)
        adam.update(minigen.grad(loss, model.parameters()))
    ends.append(loss.item())
    right = ((model(x).numpy() > 0) == (targets == 1)).mean()
    print(f"{name:17} loss {loss:.3f} nats, {right:.1%} right")
print(f"{'guessing':17} loss {np.log(2):.3f} nats")
assert ends[1] < ends[0]

# %%
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
across, up = np.meshgrid(np.linspace(-1.5, 2.5, 121), np.linspace(-1, 1.5, 91))
answers = net(np.stack([across.ravel(), up.ravel()], axis=1).astype(np.float32))
p = minigen.sigmoid(answers).numpy().reshape(across.shape)
shades = axes.contourf(across, up, p, levels=np.linspace(0, 1, 11), cmap="cividis")
axes.contour(across, up, p, levels=[0.5], colors="w", linestyles="--")
for moon, marker, colour in ((1, "o", "w"), (0, "^", "k")):
    at = x[targets[:, 0] == moon]
    axes.plot(*at.T, marker, color=colour, markeredgecolor="0.5", markersize=4, label=f"{moon}")
figure.colorbar(shades, label="σ(a), from 0 to 1", ticks=[0, 0.5, 1])
axes.set(xlabel="x₁", ylabel="x₂", title="What two dense layers make of two moons")
axes.legend(title="moon", loc="upper right")
plt.show()

# %% [markdown]
# **Figure 1.** The two moons as points and the answer of the trained net as shades: the dashed line where it changes
# its mind is bent round both moons, which one dense layer, with its straight line, could not do.
#
# ## Gradients add · 梯度相加
#
# The chain rule has a sum in it.  If a number is used in several places $u$, each use sends its share back:
#
# $$\frac{dL}{dw}=\sum_{u}\frac{dL}{dy_u}\,\frac{\partial y_u}{\partial w}$$
#
# The smallest example: one weight, one bias, two pictures $x=3$ and $x=-1$, so that both $w$ and $b$ are used twice.
# With $w=2$ and $b=1$ you can follow it in your head:
#
# $$a_1=3w+b\qquad a_2=-w+b\qquad L=a_1^2+a_2^2$$
#
# `draw_graph` shows what the engine has remembered: each line one number, in brackets the lines that it was made from.
# `#0` and `#2`, $w$ and $b$, occur in two brackets each.  Constants such as 3 and −1 are not shown.

# %%
w = minigen.tensor(np.float64(2), requires_grad=True, name="w")
b = minigen.tensor(np.float64(1), requires_grad=True, name="b")
a1, a2 = w * 3.0 + b, w * -1.0 + b
loss = a1 * a1 + a2 * a2
print(minigen.draw_graph(loss))
dw, db, da1, da2 = (slope.item() for slope in minigen.grad(loss, [w, b, a1, a2]))
print(f"dL/da₁ = {da1:g}, dL/da₂ = {da2:g}, dL/dw = {dw:g}, dL/db = {db:g}")
assert (dw, db) == (da1 * 3 + da2 * -1, da1 + da2)


def check_gradients_add(seed=0):
    """One matrix in two layers: its gradient is the sum of those of two matrices with the same numbers."""
    rng = np.random.default_rng(seed)
    x, start = rng.normal(size=(4, 3)), rng.normal(size=(3, 3))
    once, twice, shared = (minigen.tensor(start, requires_grad=True) for _ in range(3))

    def two_layers(first, second):
        return (minigen.tanh(minigen.tanh(x @ first) @ second) ** 2).sum()

    shares = minigen.grad(two_layers(once, twice), [once, twice])
    (whole,) = minigen.grad(two_layers(shared, shared), [shared])
    value_check(whole.numpy, [([], shares[0] + shares[1])], rtol=1e-12, name="shared matrix")


check_gradients_add()

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
places = {"w": (0, 1), "b": (0, 0), "a₁": (1, 1), "a₂": (1, 0), "L": (2, 0.5)}
shares = {"w a₁": da1 * 3, "w a₂": da2 * -1, "b a₁": da1, "b a₂": da2, "a₁ L": da1, "a₂ L": da2}
centred = {"ha": "center", "va": "center"}
for arrow, share in shares.items():
    here, there = (np.array(places[name]) for name in arrow.split())
    axes.annotate("", there, here, arrowprops={"arrowstyle": "->", "shrinkA": 34, "shrinkB": 38})
    text = f"{share:g}".replace("-", "−")
    axes.text(*(here + 0.37 * (there - here)), text, backgroundcolor="w", weight="bold", **centred)
numbers = zip((w, b, a1, a2, loss), (dw, db, da1, da2, 1), strict=True)
for (name, place), (number, slope) in zip(places.items(), numbers, strict=True):
    text = f"{name}\nvalue {number:g}\nslope {slope:g}".replace("-", "−")
    axes.text(*place, text, bbox={"boxstyle": "round,pad=0.5", "facecolor": "0.93"}, **centred)
axes.set(xlim=(-0.35, 2.4), ylim=(-0.35, 1.35), title="Values go right, slopes come back and add")
axes.axis("off")
plt.show()

# %% [markdown]
# **Figure 2.** The graph of the example: boxes with value and slope, on each arrow the share that comes back along it.
# From $a_1$ and $a_2$, with slopes 14 and −2, the shares 42 and 2 add to 44 at $w$, and 14 and −2 to 12 at $b$.
#
# A batch is the same with more arrows.  Picture $n$ uses the weight $w_{ij}$ once, in $y_{nj}$, with slope $x_{ni}$,
# and the bias $b_j$ once, with slope 1; and the input $x_{ni}$ is used by every output $y_{nj}$, with slope $w_{ij}$.
# Exercise A makes three short expressions of these three clauses.
#
# ## backward is grad plus storing · backward 就是 grad 加上存储
#
# `minigen.grad` returns gradients.  The `backward` of most libraries *stores* them in the tensors, and since gradients
# add, it adds there to what it finds:


# %%
def backward(loss, leaves):
    """Add dL/dleaf to the grad of every leaf."""
    for leaf, dx in zip(leaves, minigen.grad(loss, leaves), strict=True):
        leaf.grad = dx if leaf.grad is None else leaf.grad + dx


def check_backward(seed=0):
    """Ours and the library's store the gradient, and two walks store it twice."""
    rng = np.random.default_rng(seed)
    (x, targets), ours, theirs = two_moons(20, rng), small_net(rng), small_net(rng)
    theirs.load_state_dict(ours.state_dict())
    once = minigen.grad(binary_cross_entropy(ours(x), targets), ours.parameters())
    for walks in (1, 2):
        backward(binary_cross_entropy(ours(x), targets), ours.parameters())
        binary_cross_entropy(theirs(x), targets).backward()
        for net in (ours, theirs):
            for p, dx in zip(net.parameters(), once, strict=True):
                value_check(p.grad.numpy, [([], walks * dx.numpy())], rtol=1e-5, quiet=True)
    print("two walks store the gradient twice, here and in the library")


check_backward()

# %% [markdown]
# So whoever uses `backward` has to empty `grad` before the next walk.  Forget it, and each step uses the *sum of all
# gradients so far*: on $L=\tfrac12w^2$, $w_{t+1}=w_t-\alpha\sum_{s\le t}w_s$.  Subtract the same line for $t-1$:
#
# $$w_{t+1}-w_t=(w_t-w_{t-1})-\alpha w_t$$
#
# a spring without friction: it swings through the minimum for ever, where plain descent shrinks by $1-\alpha$ a step.


# %%
def descend(forget, steps=200, rate=0.1):
    """|w| at each step of descent on ½ w² from w = 1."""
    w, path = minigen.tensor(np.float64(1), requires_grad=True), []
    for _ in range(steps):
        path.append(abs(w.item()))
        backward(0.5 * w * w, [w])
        w.data = w.data - rate * w.grad.data
        if not forget:
            w.grad = None
    return path


emptied, forgotten = descend(forget=False), descend(forget=True)
print(f"grad emptied  : largest |w| in the last 50 steps {max(emptied[-50:]):.1e}")
print(f"grad forgotten: largest |w| in the last 50 steps {max(forgotten[-50:]):.2f}")
assert max(emptied[-50:]) < 1e-6 and max(forgotten[-50:]) > 0.9

# %% [markdown]
# The training programs of minigen call `grad`, so there is nothing to empty and nothing to forget.
#
# ## Experiment: vanishing gradients and saturation · 实验：梯度消失与饱和
#
# On its way back a slope is multiplied by every bend.  In a net one unit wide,
# $a_1\to\varphi\to\times w_2\to a_2\to\dots\to a_k$,
#
# $$\frac{dL}{da_1}=\frac{dL}{da_k}\prod_{l=1}^{k-1}\varphi'(a_l)\,w_{l+1}$$
#
# For the sigmoid $\varphi'\le\tfrac14$, so six bends leave at most $4^{-6}=1/4096$ of what weights of size 1 let
# through.  For tanh $\varphi'\le1$, but nearly 0 where $|a|$ is large: the unit is *saturated*.  For LeakyReLU it is 1
# or 0.2, never less.  We put six bends in a row, with weights as they start, and three times as large.

# %%
BENDS = {"sigmoid": minigen.sigmoid, "tanh": minigen.tanh, "leaky ReLU": minigen.leaky_relu}


def stack(rng, times=1):
    """Seven dense layers, 2 → 32 → … → 32 → 1, their first weights multiplied."""
    layers = [Dense(2, 32, rng=rng), *(Dense(32, 32, rng=rng) for _ in range(5))]
    for layer in layers:
        layer.weight.data = times * layer.weight.data
    return [*layers, Dense(32, 1, rng=rng)]


def answer(layers, bend, x):
    """What the layers answer, and what went into the last bend."""
    for layer in layers[:-1]:
        a = layer(x)
        x = bend(a)
    return layers[-1](x), a


last_slopes, shares = {}, {}
for name, bend in BENDS.items():
    for times in (1, 3):
        layers = stack(np.random.default_rng(SEED), times)
        logits, a = answer(layers, bend, x)
        ends, loss = [layers[0].weight, layers[-1].weight], binary_cross_entropy(logits, targets)
        first, last = (np.sqrt((g**2).mean().item()) for g in minigen.grad(loss, ends))
        a = minigen.tensor(a.numpy(), requires_grad=True)
        (slope,) = minigen.grad(bend(a).sum(), [a])
        last_slopes[name, times], shares[name, times] = slope.numpy().ravel(), first / last
        print(
            f"{name:10} weights × {times}: gradient of the first layer / of the last {first / last:.4f}"
            f"   slopes below 0.05: {(slope.numpy() < 0.05).mean():.0%}"
        )

assert shares["sigmoid", 1] < shares["leaky ReLU", 1] / 10
assert last_slopes["sigmoid", 1].max() <= 0.25 and last_slopes["leaky ReLU", 3].min() > 0.199

# %%
figure, three = plt.subplots(1, 3, figsize=(7, 2.8), layout="constrained", sharey=True)
for axes, name in zip(three, BENDS, strict=True):
    for times, style in ((1, {"color": "0.75"}), (3, {"histtype": "step", "color": "k"})):
        slope = last_slopes[name, times]
        share = np.full(slope.size, 100 / slope.size)
        label = "first weights" if times == 1 else "3 × as large"
        axes.hist(slope, bins=20, range=(0, 1), weights=share, label=label, **style)
    axes.set(title=name, xlabel="slope φ′(a)", ylim=(0, 100))
three[0].set_ylabel("share of slopes, in %")
three[1].legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# **Figure 3.** Histograms of the slopes at the sixth bend: those of the sigmoid never exceed ¼; those of tanh lie near
# 1 at first and pile up at 0 once weights are three times as large; those of LeakyReLU are 0.2 or 1 either way.
#
# Does that decide whether a net learns (S19)?  The same seven layers, 120 plain steps on the two moons, three seeds.

# %%
for name, bend in BENDS.items():
    ends = []
    for seed in range(SEED, SEED + 3):
        layers = stack(np.random.default_rng(seed))
        weights = [p for layer in layers for p in layer.parameters()]
        sgd = SGD(weights, 0.1)
        for _ in range(120):
            loss = binary_cross_entropy(answer(layers, bend, x)[0], targets)
            sgd.update(minigen.grad(loss, weights))
        ends.append(loss.item())
    print(f"{name:11} loss after 120 steps: {'  '.join(f'{end:.3f}' for end in ends)} nats")

# %% [markdown]
# With the sigmoid nothing is learnt: ln 2 = 0.693 is what guessing costs, and the gradient of the first layer is
# thousands of times smaller than that of the last.  It is not saturated: its slopes are simply at most ¼, and the
# product of six of them vanishes (梯度消失).  With larger weights the $w_{l+1}$ in the product grow too, and so can
# what enters the last layer, which its gradient is made of; look at Figure 3 for saturation, not at the ratio.  tanh
# and LeakyReLU both learn, and from three seeds nobody should rank them.  So this part of S19 holds against the
# sigmoid.  Against tanh, LeakyReLU is a safeguard for the day when weights have grown and a third of the slopes of tanh
# are next to nothing.  (Batch normalisation: lesson 05.)
#
# ## Exercise A: back through a dense layer · 练习 A：全连接层的反向传播
#
# `x` is (N, C), `w` (C, OC), `b` (OC,), and `dy` (N, OC) is what comes back from above.  All are NumPy arrays; this
# rule does not need `y`, others (tanh) do.  Return the three gradients, each in the shape of what it belongs to; shapes
# are a good guide.  Why is $dL/db$ a sum over the batch?


# %% tags=["exercise"] name="exercise-a"
def dense_backward(dy, y, x, w, b):
    """(dL/dx, dL/dw, dL/db) of y = x w + b, given dy = dL/dy."""
    ### BEGIN SOLUTION
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    for N, C, OC in ((5, 3, 7), (1, 4, 3), (6, 2, 1), (4, 3, 3)):

        def draw(rng, N=N, C=C, OC=OC):
            return [rng.normal(size=(N, C)), rng.normal(size=(C, OC)), rng.normal(size=OC)]

        name = f"dense, batch {N}, {C} → {OC}"
        op_check(dense, dense_backward, draw, seeds=(seed, seed + 1), name=name)


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The mean over the batch, where every use counts in full."
# def dense_backward(dy, y, x, w, b):
#     return dy @ w.T, x.T @ dy / len(x), dy.mean(axis=0)

# %% [raw] tags=["wrong"] name="exercise-a" says="The shares of the bias are not added up over the batch."
# def dense_backward(dy, y, x, w, b):
#     return dy @ w.T, x.T @ dy, dy

# %% [raw] tags=["wrong"] name="exercise-a" says="The gradient of the weight is transposed."
# def dense_backward(dy, y, x, w, b):
#     return dy @ w.T, dy.T @ x, dy.sum(axis=0)

# %% [raw] tags=["wrong"] name="exercise-a" says="What comes back from above is not used, as if it were all ones."
# def dense_backward(dy, y, x, w, b):
#     ones = np.ones_like(dy)
#     return ones @ w.T, x.T @ ones, ones.sum(axis=0)

# %% [markdown]
# ## Exercise B: the forgotten zeroing · 练习 B：忘记清零
#
# Five programs, each meant to take three steps of plain descent on the sum of two losses.  Some leave old gradients
# lying about.  Which?  Read them; the check runs them.


# %%
def loop_a(losses, weights):
    for _ in range(3):
        (losses[0](*weights) + losses[1](*weights)).backward()
        for w in weights:
            w.data = w.data - 0.1 * w.grad.data
            w.grad = None


def loop_b(losses, weights):
    for w in weights:
        w.grad = None
    for _ in range(3):
        (losses[0](*weights) + losses[1](*weights)).backward()
        for w in weights:
            w.data = w.data - 0.1 * w.grad.data


def loop_c(losses, weights):
    for _ in range(3):
        (losses[0](*weights) + losses[1](*weights)).backward()
        for w in weights:
            w.data = w.data - 0.1 * w.grad.data
        w.grad = None


def loop_d(losses, weights):
    for _ in range(3):
        for w in weights:
            w.grad = None
        losses[0](*weights).backward()
        losses[1](*weights).backward()
        for w in weights:
            w.data = w.data - 0.1 * w.grad.data


def loop_e(losses, weights):
    for _ in range(3):
        slopes = minigen.grad(losses[0](*weights) + losses[1](*weights), weights)
        for w, slope in zip(weights, slopes, strict=True):
            w.data = w.data - 0.1 * slope.data


# %% tags=["exercise"] name="exercise-b"
def forgetful():
    """The letters of the loops whose steps use old gradients, such as {"a", "e"}."""
    ### BEGIN SOLUTION
    return {"b", "c"}
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    assert forgetful() is not None, "return a set of letters"
    said, rng = set(forgetful()), np.random.default_rng(seed)
    loops = {"a": loop_a, "b": loop_b, "c": loop_c, "d": loop_d, "e": loop_e}
    assert said <= set(loops), f"letters from a to e are wanted, not {said}"
    start = rng.uniform(1, 2, size=2)
    losses = [lambda w, v: w * w + 0 * v, lambda w, v: 0.5 * (w + v) * (w + v)]
    w, v = start
    for _ in range(3):  # plain descent, slopes by hand
        w, v = w - 0.1 * (2 * w + w + v), v - 0.1 * (w + v)
    wrong = 0
    for letter, loop in loops.items():
        weights = [minigen.tensor(number, requires_grad=True) for number in start]
        loop(losses, weights)
        plain = np.allclose([weight.item() for weight in weights], [w, v], rtol=1e-9)
        wrong += plain == (letter in said)
    assert not wrong, (
        f"{wrong} of 5 loops do not do what you say: write down what the grad of each weight holds just "
        "before the second step, and compare it with the gradient of that step alone"
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Emptying once, before the loop, is taken for enough."
# def forgetful():
#     return {"c"}

# %% [raw] tags=["wrong"] name="exercise-b" says="The indentation is overlooked: only the last weight is emptied."
# def forgetful():
#     return {"b"}

# %% [raw] tags=["wrong"] name="exercise-b" says="Two walks before a step count as a mistake; they add on purpose."
# def forgetful():
#     return {"b", "c", "d"}

# %% [raw] tags=["wrong"] name="exercise-b" says="The letters are printed and not returned."
# def forgetful():
#     print({"b", "c"})

# %% [raw] tags=["wrong"] name="exercise-b" says="grad is thought to need emptying too."
# def forgetful():
#     return {"b", "c", "e"}

# %% [markdown]
# ## A question in words · 一道文字题
#
# A colleague takes every LeakyReLU out of a net of seven dense layers, "to have less that saturates".  What can the
# net still learn, what do the slopes look like, and why is LeakyReLU's 0.2 better in this respect than 0?  (Think of a
# unit whose $a$ is negative for every picture.)

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Without bends the net is one dense layer: its border is a straight line, and
# it cannot separate the two moons (1).  Its slopes by x are products of weights alone, the same for every x (1).  With
# slope 0 (ReLU) a unit that is negative for every picture passes no gradient and does not move again; with 0.2 it
# always gets a fifth (1).

# %% [markdown]
# ## What to take along · 小结
#
# - A dense layer is $xw+b$; C2 starts with 1,254,400 weights of it, C3 ends with 6,273.
# - Where a number is used more than once, its gradients add; a batch uses every weight once for each picture.
# - `backward` is `grad` plus storing by adding.  Who stores must empty.
# - Slopes are multiplied by every bend: six sigmoids leave hardly anything, LeakyReLU never less than a fifth each.
#
# **New terms**: dense layer (全连接层), chain rule (链式法则), computational graph (计算图), activation function
# (激活函数), vanishing gradient (梯度消失), saturation (饱和).  **Read next**: `Dense` in `minigen/nn/dense.py`, and
# `backward` in `minigen/autograd/gradients.py`, which is the one above and finds the leaves by itself.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_gradients_add,
        check_backward,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=10,
)
