# ---
# jupyter:
#   minigen:
#     title: Batch normalisation
#     zh: 批量归一化
#     says: A layer that looks at the whole batch, behaves in two ways, and in the article's loop in the wrong one.
#     minutes: 30
#     budget_s: 10
#     needs: ["02", "04"]
#     covers: [C2, C4, S19, E12]
#     picture: 2
#     terms:
#     - [batch normalisation, Batch Normalization／批量归一化（d2l-zh：批量规范化）, "BN(x)", batch_norm, C2]
#     - [running statistics, 移动平均统计量, "μ̄, σ̄²", running_mean, C4]
#     - [training mode, 训练模式, "", train, "C4, E12"]
#     - [inference mode, 推理模式, "", eval, "C4, E12"]
#     - [ablation, 消融实验, "", "", S19]
# ---

# %% [markdown]
# # 05 · Batch normalisation · 批量归一化
#
# *30 minutes to read, 10 seconds to run.  Before it: lessons 02 and 04.*
#
# Three layers of the article's generator look not at one picture but at the whole batch.  What do they compute, why
# must the program say whether it is training, and what becomes of the article's loop, which never says so?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 代码片段2 (C2) the generator has `BatchNormalization()` after its dense layer and after two of its three transposed
# convolutions; the layers before them have no bias.  代码解读与分析 says that batch normalisation and LeakyReLU make
# the network stable, and that Dropout lessens overfitting (S19).  代码片段4 (C4) is the training loop.  The formula is
# printed nowhere (Ioffe & Szegedy 2015, algorithm 1); channel by channel it is
#
# $$y=\gamma\,\hat x+\beta,\qquad \hat x=\frac{x-\mu}{\sqrt{\sigma^2+\epsilon}} \tag{1}$$
#
# with $\mu$ and $\sigma^2$ the mean and the variance of that channel over the batch and, in images, over all places.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x,\ y$ | what goes in, what comes out | 输入、输出 | `x`, `y` | (N, C) or (N, H, W, C) | C2 |
# | $\mu,\ \sigma^2$ | mean and variance of the batch | 批次均值、方差 | `mu`, `variance` | (C,) | C2 |
# | $\gamma,\ \beta$ | scale and shift, both learnt | 缩放、平移 | `gamma`, `beta` | (C,) | C2 |
# | $\bar\mu,\ \bar\sigma^2$ | running statistics | 移动平均 | `running_mean`, `running_var` | (C,) | C4 |
# | $m$ | the share kept of them at each step, .99 in Keras | 动量 | `momentum` | () | C4 |
# | $\epsilon$ | a small constant, .001 in Keras | 小常数 | `eps` | () | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen import AnomalyError, ShapeError
from minigen.check import CheckError, checklist, grad_check, invariant_check, op_check, value_check
from minigen.losses import binary_cross_entropy
from minigen.models.dcgan import Discriminator, Generator
from minigen.nn import BatchNorm, Dense, LeakyReLU, Sequential
from minigen.optim import SGD

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to five lines · 从公式到代码


# %%
def batch_norm_by_hand(x, gamma, beta, eps=1e-3):
    """Formula (1): x (N, …, C), gamma and beta (C,) → like x."""
    axes = tuple(range(x.ndim - 1))  # all but the channels
    mu = minigen.mean(x, axis=axes)
    variance = minigen.mean((x - mu) ** 2, axis=axes)
    return gamma * (x - mu) / minigen.sqrt(variance + eps) + beta


# %% [markdown]
# The **value**: 1 and 3 have mean 2 and variance 1, so they become $\pm1/\sqrt{1.001}=\pm0.9995004$; and the library
# agrees.  The **gradient**, through $\mu$ and $\sigma^2$ as well, and its gradient.  The **invariant**: twice the input
# plus 5 gives the same output (with $\epsilon=0$).  Whatever the layer before does to the scale, it is gone.


# %%
def draw_case(rng):
    return rng.normal(1, 2, size=(4, 2, 3, 2)), rng.normal(size=2), rng.normal(size=2)


def check_value(seed=0):
    pair = [np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)]
    case = draw_case(np.random.default_rng(seed))
    cases = [(pair, np.array([[-0.9995003747], [0.9995003747]])), (case, minigen.batch_norm)]
    value_check(batch_norm_by_hand, cases, rtol=1e-9, atol=1e-12)


def check_gradient(seed=0):
    grad_check(batch_norm_by_hand, draw_case, order=2, seed=seed)


def check_scale_is_lost(seed=0):
    def margin(x, gamma, beta):
        y = batch_norm_by_hand(x, gamma, beta, eps=0)
        return -abs(y - batch_norm_by_hand(2 * x + 5, gamma, beta, eps=0))

    says = "2 x + 5 gives what x gives"
    invariant_check(margin, draw_case, says=says, seed=seed, atol=1e-9)


check_value()
check_gradient()
check_scale_is_lost()

# %% [markdown]
# A bias in the layer before would be lost too: $\mu$ takes it away again, and $\beta$ does its work.  So its gradient
# is 0, and C2 is right to write `use_bias=False`.


# %%
def check_bias_has_no_gradient(seed=0):
    rng = np.random.default_rng(seed)
    x, w, r = rng.normal(size=(8, 5)), rng.normal(size=(5, 3)), rng.normal(size=(8, 3))
    b = minigen.tensor(rng.normal(size=3), requires_grad=True)
    (db,) = minigen.grad((r * minigen.batch_norm(x @ w + b, np.ones(3), np.zeros(3))).sum(), [b])
    print("gradient of a bias before it:", db.numpy())
    assert abs(db.numpy()).max() < 1e-12


check_bias_has_no_gradient()

# %% [markdown]
# ## Two ways to behave · 两种行为
#
# In use there may be no batch: someone asks for one picture.  So while training, the layer also keeps *running
# statistics*, starting from 0 and 1, and in use it takes those for $\mu$ and $\sigma^2$:
#
# $$\bar\mu\leftarrow m\,\bar\mu+(1-m)\,\mu,\qquad \bar\sigma^2\leftarrow m\,\bar\sigma^2+(1-m)\,\sigma^2 \tag{2}$$
#
# With $m=0.99$ and the same batch again and again, the start fades as $0.99^n$: after 100 steps 37 % of it is left.


# %%
def check_running(seed=0):
    """Formula (2) after n equal batches: 0.99ⁿ of the start, the rest from the batch."""
    x = np.random.default_rng(seed).normal(3, 2, size=(64, 2))
    layer = BatchNorm(2).astype(np.float64)
    for _ in range(100):
        layer(x)
    left = 0.99**100
    assert np.allclose(layer.running_mean.data, (1 - left) * x.mean(axis=0), rtol=1e-12)
    assert np.allclose(layer.running_var.data, left + (1 - left) * x.var(axis=0), rtol=1e-12)
    print(f"after 100 steps {left:.0%} of the start is left")


check_running()

# %%
x = rng.normal(3, 2, size=(20_000, 1))
fresh, layer = BatchNorm(1).eval(), BatchNorm(1)
for batch in x.reshape(-1, 40, 1):  # 500 batches
    layer(batch)
panels = {
    "x itself": x,
    "in training": layer(x).numpy(),
    "in use, after 500 batches": layer.eval()(x).numpy(),
    "in use, never trained": fresh(x).numpy(),
}
figure, axes = plt.subplots(4, 1, figsize=(7, 4), sharex=True, sharey=True, layout="constrained")
for axis, (title, values) in zip(axes, panels.items(), strict=True):
    axis.hist(values.ravel(), bins=100, range=(-6, 12), color="0.6")
    axis.text(
        0.98,
        0.75,
        f"{title}: {values.mean():.2f} ± {values.std():.2f}",
        ha="right",
        transform=axis.transAxes,
    )
    axis.axvline(0, color="k", linestyle=":")
axes[1].set(ylabel="numbers")
axes[3].set(xlabel="value (a channel has no unit)")
plt.show()
assert abs(panels["in training"].mean()) < 1e-4 and abs(panels["in training"].std() - 1) < 1e-3
assert np.allclose(panels["in use, never trained"], x / np.sqrt(1.001), rtol=1e-5, atol=1e-6)

# %% [markdown]
# **Figure 1.** Histograms of one channel.  The input lies around 3 with deviation 2.  In training it comes out around
# 0 with deviation 1, and so it nearly does in use after 500 batches.  In use without training it comes out as it went
# in.

# %% [markdown]
# ## Nobody is alone in a batch · 批次中的相互影响
#
# In training, what becomes of one picture depends on its batch mates; in use it does not.  Here is the same item in 40
# batches of 8, its mates drawn anew each time.

# %%
item, in_training, in_use = np.ones((1, 1)), [], []
for _ in range(40):
    batch = np.concatenate([item, rng.normal(size=(7, 1))])
    in_training.append(BatchNorm(1)(batch).numpy()[0, 0])
    in_use.append(BatchNorm(1).eval()(batch).numpy()[0, 0])
assert np.ptp(in_training) > 0.1 and np.ptp(in_use) == 0

figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.plot(in_training, "ko", markersize=4, label="in training")
axes.plot(in_use, "C1--", label="in use")
axes.set(
    xlabel="batch (other mates each time)",
    ylabel="y of the same item, x = 1",
    title="One item, 40 batches of 8",
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 2.** What becomes of the same item in 40 batches with other mates: in training the points scatter between
# about 0.3 and 2.3, in use they lie on one line at 1.
#
# The extreme is a batch of one.  Over a single number $\mu=x$, so $\hat x=0$ and the answer is $\beta$ whatever came
# in.  C2's first such layer stands on a dense layer: with batch 1, G would forget its noise there.  minigen refuses.

# %%
alone = [minigen.batch_norm(x, np.ones(3), np.full(3, 0.5)) for x in rng.normal(size=(5, 1, 3))]
assert np.array_equal(alone, np.full((5, 1, 3), 0.5))
try:
    BatchNorm(3)(rng.normal(size=(1, 3)))
except ShapeError as error:
    print(error)
else:
    raise AssertionError("a batch of one number a channel should be refused")

# %% [markdown]
# ## Erratum E12: the loop never says that it trains · 勘误 E12：训练循环没有进入训练模式
#
# > **Claim.** C4 trains the two networks.
# >
# > **Test.** It calls `generator([noise])` and `discriminator(…)` without `training=True`.  In a loop of one's own
# > Keras then takes the inference mode; in minigen that is `eval()`.  Make C4's calls so, and look what BN and Dropout
# > do.
# >
# > **Right.** `training=True` in every call (minigen: networks begin in the training mode, and `train()` brings them
# > back).
#
# The running statistics are never moved from 0 and 1, so each BN multiplies by
# $1/\sqrt{1+0.001}=0.9995004$ for ever.  It normalises nothing, and Dropout drops nothing.

# %%
generator = Generator(width=1 / 8, rng=rng).eval()
discriminator = Discriminator(width=1 / 8, rng=rng).eval()
norms = [layer for layer in generator if isinstance(layer, BatchNorm)]
z = rng.normal(size=(16, 100))
for _ in range(5):
    logits = discriminator(generator(z))
for norm in norms:
    assert not norm.running_mean.data.any() and (norm.running_var.data == 1).all()
    x = rng.normal(5, 3, size=(16, norm.gamma.shape[0]))
    assert np.allclose(norm(x).numpy() / x, 0.9995004, rtol=1e-6)
assert np.array_equal(logits.numpy(), discriminator(generator(z)).numpy())  # no Dropout
print("as printed : every BN is × 0.9995004, and the same input gives the same logits")

generator.train(), discriminator.train()
x = generator(z)
assert all(norm.running_mean.data.any() for norm in norms)
assert not np.array_equal(discriminator(x).numpy(), discriminator(x).numpy())
print("with train(): running statistics move, and Dropout draws anew at every call")
print("verdict: C4 as printed uses its networks and never trains them as C2 and C3 are meant")

# %% [markdown]
# Nor can C4 run at all.  `train_images`, `EPOCHS`, `noise`, `disc_loss_fn` and `gen_loss_fn` are defined nowhere, and
# the two gradient tapes are *named* optimisers and asked for `apply_gradients`, which a tape does not have.  Lesson 09
# mends the whole loop.
#
# ## Claim S19: does it make training stable? · 论断 S19：训练会更稳定吗？
#
# > **Claim.** Batch normalisation and LeakyReLU make training stable, Dropout lessens overfitting (S19).
# >
# > **Test.** One part, the first: an *ablation* leaves one thing out and changes nothing else.  Eight dense layers of
# > 16 on a small task, 60 plain steps, five step sizes, three seeds each, with BN and without.
# >
# > **Right.** Whatever comes out, for this task alone; that is why nothing about the outcome is asserted below.


# %%
def final_loss(rate, normed, seed, steps=60):
    """Mean loss of the last ten steps, in nats: is a point inside the circle or outside?"""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(64, 2))
    inside = ((x**2).sum(axis=1, keepdims=True) < 1.4) * 1.0
    layers = []
    for i in range(7):
        layers += [
            Dense(16 if i else 2, 16, bias=not normed, rng=rng),
            *[BatchNorm(16)] * normed,
            LeakyReLU(0.2),
        ]
    net = Sequential(*layers, Dense(16, 1, rng=rng))
    optimiser, losses = SGD(net.parameters(), rate), []
    for _ in range(steps):
        loss = binary_cross_entropy(net(x), inside)
        try:
            optimiser.update(minigen.grad(loss, net.parameters()))
        except AnomalyError:  # the numbers have left the range of float32
            return np.inf
        losses.append(loss.item())
    return np.mean(losses[-10:])


rates = [0.01, 0.1, 0.3, 1.0, 3.0]
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for normed, label, style, color in (
    (False, "without BN", "s--", "C1"),
    (True, "with BN", "o-", "k"),
):
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.array([[final_loss(rate, normed, SEED + s) for s in range(3)] for rate in rates])
    medians = np.median(found, axis=1)
    print(f"{label:<11}", "  ".join(f"{r:g}: {m:.3f}" for r, m in zip(rates, medians, strict=True)))
    axes.plot(rates, np.minimum(medians, 1.45), style, color=color, label=label, markersize=4)
    axes.plot(
        rates, np.minimum(found, 1.45), ".", color=color, markersize=3
    )  # diverged: at the top
axes.axhline(np.log(2), color="0.4", linestyle=":", label="ln 2 = 0.693: a guess")
axes.set(xscale="log", xlabel="step size", ylabel="loss after 60 steps, in nats", ylim=(0, 1.5))
axes.set(title="One task, eight layers: every seed, and the medians as lines")
axes.legend(frameon=False, fontsize=8)
plt.show()

# %% [markdown]
# **Figure 3.** Loss on the training points after 60 steps, against the step size.  With BN the loss is lower at every
# step size and falls below 0.1 from 0.1 on; without BN it stays above 0.2, near a guess at 0.01, and at step size 3
# the median has diverged (drawn at the upper edge).
#
# So here the first part of S19 holds: BN widens the range of step sizes with which this deep net learns.  That says
# nothing of a GAN, whose loss is a game, nor of new points, since only the training loss was looked at.  LeakyReLU is
# lesson 02's; whether Dropout lessens overfitting was *not* tested here, and would need points held back.
#
# ## Exercise A: backward, by hand · 练习 A：手写反向传播
#
# Write the backward of formula (1).  The two gradients for $\gamma$ and $\beta$ are those of any scale and shift, added
# up over all that shares them.  For $x$ think of $\hat x$: its mean is always 0 and its size always 1.  What $dy$ asks
# for can hence not be followed in two directions, all $\hat x$ moving together, and all growing along $\hat x$.  Take
# $g=\gamma\,dy$, remove these two parts of it (means over the same axes as $\mu$), and divide by what $\hat x$ was
# divided by.
#
# Look out for the test.  Here is a wrong answer, zeros for $x$, before a check with a cotangent of ones, and before
# ours.


# %%
def forward(x, gamma, beta):
    """Formula (1) in NumPy, eps = 0.001."""
    axes = tuple(range(x.ndim - 1))
    return gamma * (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + 1e-3) + beta


def normalise(x):
    return forward(x, np.ones(2), np.zeros(2))


def zeros(dy, y, x):
    return np.zeros_like(x)


x, h = rng.normal(size=(6, 2)), 1e-5
nudges = h * np.eye(x.size).reshape(-1, *x.shape)
numerical = [(normalise(x + d) - normalise(x - d)).sum() / (2 * h) for d in nudges]
assert np.allclose(zeros(np.ones_like(x), normalise(x), x).ravel(), numerical, atol=1e-8)
print("a cotangent of ones: zeros are right, as far as it can see")
try:
    op_check(normalise, zeros, [x])
except CheckError as error:
    print(error)
else:
    raise AssertionError("zeros are wrong and should be noticed")


# %% tags=["exercise"] name="exercise-a"
def backward(dy, y, x, gamma, beta):
    """Gradients of forward(x, gamma, beta), eps = 0.001: (dx, dgamma, dbeta), each of its input's shape."""
    ### BEGIN SOLUTION
    shared = tuple(range(x.ndim - 1))
    divisor = np.sqrt(x.var(axis=shared) + 1e-3)
    x_hat = (x - x.mean(axis=shared)) / divisor
    g = gamma * dy
    dx = (g - g.mean(axis=shared) - x_hat * (g * x_hat).mean(axis=shared)) / divisor
    return dx, (dy * x_hat).sum(axis=shared), dy.sum(axis=shared)
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    for shape in ((5, 3), (4, 3, 2, 3)):

        def draw(rng, shape=shape):
            return [rng.normal(1, 2, size=shape), rng.normal(size=3), rng.normal(size=3)]

        op_check(forward, backward, draw, seeds=[seed, seed + 1], name=f"backward, x {shape}")


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="Zeros for x, which pass where the cotangent is ones."
# def backward(dy, y, x, gamma, beta):
#     axes = tuple(range(x.ndim - 1))
#     x_hat = (x - x.mean(axis=axes)) / np.sqrt(x.var(axis=axes) + 1e-3)
#     return 0 * x, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)

# %% [raw] tags=["wrong"] name="exercise-a" says="Mean and variance taken for constants, as they are in use."
# def backward(dy, y, x, gamma, beta):
#     axes = tuple(range(x.ndim - 1))
#     divisor = np.sqrt(x.var(axis=axes) + 1e-3)
#     x_hat = (x - x.mean(axis=axes)) / divisor
#     return gamma * dy / divisor, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)

# %% [raw] tags=["wrong"] name="exercise-a" says="The way through the variance forgotten."
# def backward(dy, y, x, gamma, beta):
#     axes = tuple(range(x.ndim - 1))
#     divisor = np.sqrt(x.var(axis=axes) + 1e-3)
#     x_hat = (x - x.mean(axis=axes)) / divisor
#     g = gamma * dy
#     return (g - g.mean(axis=axes)) / divisor, (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)

# %% [raw] tags=["wrong"] name="exercise-a" says="The gradients of gamma and beta averaged, not added up."
# def backward(dy, y, x, gamma, beta):
#     axes = tuple(range(x.ndim - 1))
#     divisor = np.sqrt(x.var(axis=axes) + 1e-3)
#     x_hat = (x - x.mean(axis=axes)) / divisor
#     g = gamma * dy
#     dx = (g - g.mean(axis=axes) - x_hat * (g * x_hat).mean(axis=axes)) / divisor
#     return dx, (dy * x_hat).mean(axis=axes), dy.mean(axis=axes)

# %% [markdown]
# ## Exercise B: the missing training mode · 练习 B：缺少的训练模式
#
# This loop takes each batch once (the update of the weights is left out) and after each has a look at what the network
# makes of `z`.  A look is use, so none of its items may depend on the others, and it must move nothing.
#
# ```python
# def learn_and_look(network, batches, z):
#     looks = []
#     for batch in batches:
#         network(batch)
#         network.eval()
#         looks.append(network(z).numpy())
#     return np.stack(looks)
# ```
#
# Which batches does it learn from?  Write it right.


# %% tags=["exercise"] name="exercise-b"
def learn_and_look(network, batches, z):
    """What network makes of z, in use, after each batch seen in training: (len(batches), *shape of network(z))."""
    ### BEGIN SOLUTION
    pictures = []
    for batch in batches:
        network.train()
        network(batch)
        network.eval()
        pictures.append(network(z).numpy())
    return np.stack(pictures)
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    rng = np.random.default_rng(seed)
    batches, z = rng.normal(3, 2, size=(5, 16, 3)), rng.normal(size=(4, 3))

    def looks(batches, z):
        return learn_and_look(BatchNorm(3, momentum=0.5).astype(np.float64), batches, z)

    mean, variance, expected = 0, 1, []
    for batch in batches:  # formula (2) by hand
        mean = 0.5 * mean + 0.5 * batch.mean(axis=0)
        variance = 0.5 * variance + 0.5 * batch.var(axis=0)
        expected.append((z - mean) / np.sqrt(variance + 1e-3))
    for n in (1, 2, 5):
        value_check(looks, [([batches[:n], z], np.stack(expected[:n]))], name=f"looks, {n} batches")


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="As printed: only the first batch is seen in training."
# def learn_and_look(network, batches, z):
#     looks = []
#     for batch in batches:
#         network(batch)
#         network.eval()
#         looks.append(network(z).numpy())
#     return np.stack(looks)

# %% [raw] tags=["wrong"] name="exercise-b" says="The look is taken in training: its items depend on each other."
# def learn_and_look(network, batches, z):
#     looks = []
#     for batch in batches:
#         network.train()
#         network(batch)
#         looks.append(network(z).numpy())
#     return np.stack(looks)

# %% [raw] tags=["wrong"] name="exercise-b" says="Never in training, as in C4: nothing is learnt of any batch."
# def learn_and_look(network, batches, z):
#     network.eval()
#     looks = []
#     for batch in batches:
#         network(batch)
#         looks.append(network(z).numpy())
#     return np.stack(looks)

# %% [markdown]
# ## A question in words · 一道文字题
#
# A studio trains a generator with batches of 64 and then renders single frames.  Someone forgot `eval()`, and rendered
# in batches of 8 instead.  What will be seen when the same latent is rendered twice, beside different neighbours, and
# why is it worst in a film?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  In the training mode the mean and variance come from the eight latents of the
# batch, so the same latent gives another picture with other neighbours (1); with small batches these statistics are
# noisy, so the differences are large (1).  In a film frames next to each other would change in brightness or texture
# at every border of a batch, though nothing in the scene moved: flicker.  `eval()` mends it (1).

# %% [markdown]
# ## What to take along · 小结
#
# - Batch normalisation brings each channel to mean 0 and variance 1 over the batch; scale, shift and bias before it are
#   lost, $\gamma$ and $\beta$ set new ones.
# - In training an item depends on its batch mates, in use on the running statistics.  The program must say which.
# - C4 never says so (E12): its BN multiplies by 0.9995004 for ever, and Dropout is off.
# - The gradient goes through mean and variance too; a check with a cotangent of ones cannot see it at all.
# - "Stable" (S19) is a claim about a task, a network and a step size; an ablation can be read no further than that.
#
# **New terms**: batch normalisation (Batch Normalization／批量归一化), running statistics (移动平均统计量), training
# and inference mode (训练模式、推理模式), ablation (消融实验).  **Read next**: `BatchNorm` in
# `minigen/nn/normalisation.py` and `batch_norm` in `minigen/ops/normalise.py`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_scale_is_lost,
        check_bias_has_no_gradient,
        check_running,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=10,
)
