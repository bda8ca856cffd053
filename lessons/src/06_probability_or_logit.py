# ---
# jupyter:
#   minigen:
#     title: Probability or logit
#     zh: 概率还是 logit
#     says: The article's discriminator answers with a logit; what it costs to take that for a probability.
#     minutes: 25
#     budget_s: 5
#     needs: ["02"]
#     covers: [F2, C3, S4, S6, E4]
#     picture: 1
#     terms:
#     - [logit, 对数几率（logit）, a, logits, "C3, E4"]
#     - [sigmoid, S 型函数（sigmoid）, "σ", sigmoid, E4]
#     - [softplus, softplus 函数, "log(1 + eᵃ)", softplus, F2]
#     - [binary cross-entropy, 二元交叉熵, "", binary_cross_entropy, "F2, S6"]
#     - [numerical stability, 数值稳定性, "", stable_bce, F2]
# ---

# %% [markdown]
# # 06 · Probability or logit · 概率还是 logit
#
# *25 minutes to read, 5 seconds to run.  Before it: lesson 02.*
#
# The discriminator answers each picture with one number.  Is it the probability that the picture is real?  The
# article's formula needs one, its words promise one, and its code does not deliver one.  What happens then?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# The steps of 判别器 are: take real and generated data (S4), extract features, and classify them (S6).  In
# 生成对抗网络（GAN）的数学模型 the answer $D(x)$ lies between 0 and 1, and the loss is (F2)
#
# $$L_D=-\mathbb E_x[\log D(x)]-\mathbb E_z[\log(1-D(G(z)))] \tag{F2}$$
#
# The reading of the code also calls the output a probability.  But the listing (C3) ends with `Dense(1)` and nothing
# behind it.  Such a number can be −7 or 2.3.  It is a *logit* $a$; a probability is what the sigmoid makes of it:
#
# $$D=\sigma(a)=\frac1{1+e^{-a}},\qquad a=\log\frac{D}{1-D}$$
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $a$ | D's answer, any real number | 判别器输出（logit） | `logits` | (N, 1) | C3 |
# | $D=\sigma(a)$ | the probability of "real" | 真实的概率 | `p_real` | (N, 1) | F2, C3 |
# | $a$ of $x$, of $G(z)$ | answers to two batches | 真假两批输出 | `real_logits`, `fake_logits` | (N, 1) | F2, S4 |
# | $L_D$ | loss of the discriminator, in nats | 判别器损失 | `loss_d` | () | F2 |
# | $t$ | 1 for real, 0 for generated | 标签 | `targets` | as $a$ | S6 |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import (
    CheckError,
    checklist,
    grad_check,
    invariant_check,
    op_check,
    value_check,
)
from minigen.losses import binary_cross_entropy, gan
from minigen.nn import Dense
from minigen.nn.initialisers import zeros
from minigen.optim import Adam

started = time.perf_counter()
SEED = 0  # another number draws other data; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to one line · 从公式到代码
#
# Put $D=\sigma(a)$ into F2.  Both logarithms become one function, the softplus:
#
# $$-\log\sigma(a)=\log(1+e^{-a})=\mathrm{softplus}(-a),\qquad -\log(1-\sigma(a))=\mathrm{softplus}(a)$$
#
# S4 brings two batches, real and generated.  Each has its own mean, and the two means are *added*, not averaged:


# %%
def loss_d(real_logits, fake_logits):
    """F2 from logits: mean softplus(−a) of the real ones + mean softplus(a) of the generated ones."""
    return minigen.softplus(-real_logits).mean() + minigen.softplus(fake_logits).mean()


# %% [markdown]
# **Value**: a D that answers 0 to everything says "one half", which costs $2\ln2=1.386294$; and for answers (2, −1)
# to real and (−2, 0.5) to generated pictures a calculator gives 1.270597.  **Invariant**: a D that calls real what we
# call generated, with both batches exchanged, must lose the same.  And it is the cross-entropy of S6's two classes.


# %%
def check_value(seed=0):
    real, fake, none = np.array([[2.0], [-1.0]]), np.array([[-2.0], [0.5]]), np.zeros((3, 1))
    value_check(loss_d, [([none, none], 1.386294), ([real, fake], 1.270597)], rtol=1e-6)
    rng = np.random.default_rng(seed)
    real, fake = 3 * rng.normal(size=(5, 1)), 3 * rng.normal(size=(8, 1))
    classes = binary_cross_entropy(real, 1) + binary_cross_entropy(fake, 0)
    library = gan.nonsaturating.discriminator(real, fake)
    value_check(loss_d, [([real, fake], classes), ([real, fake], library)], rtol=1e-12)


def check_gradient(seed=0):
    rng = np.random.default_rng(seed)
    batches = {"real_logits": rng.normal(size=(5, 1)), "fake_logits": rng.normal(size=(3, 1))}
    grad_check(loss_d, batches, order=2)


def check_exchanged(seed=0):
    def margin(real, fake):
        return -abs(loss_d(real, fake) - loss_d(-fake, -real))

    invariant_check(
        margin,
        lambda rng: tuple(3 * rng.normal(size=(2, 6, 1))),
        atol=1e-12,
        says="real and generated are treated alike",
        seed=seed,
    )


check_value()
check_gradient()
check_exchanged()

# %% [markdown]
# ## Three wirings · 三种接法
#
# Between a D like the article's and F2, three wirings are in use:
#
# 1. the right one: logits into the formula with softplus;
# 2. **no sigmoid at all**: the logit goes into F2 as if it were a probability;
# 3. **the sigmoid twice**: D has one at its end, and so has the loss.
#
# For one generated picture, the three losses as functions of the logit, and their slopes:

# %%
WIRINGS = {
    "right: softplus(a)": lambda a: minigen.softplus(a),
    "no sigmoid: −log(1 − a)": lambda a: -minigen.log(1 - a),
    "sigmoid twice: softplus(σ(a))": lambda a: minigen.softplus(minigen.sigmoid(a)),
}
STYLES = [("-", "C0"), ("--", "C1"), ("-.", "k")]

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for (name, wiring), (style, colour) in zip(WIRINGS.items(), STYLES, strict=True):
    grid = np.linspace(-6, 0.99 if "no" in name else 6, 300)
    logits = minigen.tensor(grid, requires_grad=True)
    losses = wiring(logits)
    (slopes,) = minigen.grad(losses.sum(), [logits])
    left.plot(grid, losses.numpy(), style, color=colour, label=name)
    right.plot(grid, slopes.numpy(), style, color=colour)
left.axhline(np.log(2), color="0.6", linestyle=":")
left.text(6, np.log(2) - 0.1, "ln 2 = 0.693", ha="right", va="top", color="0.4", fontsize=8)
left.set(
    xlabel="logit a", ylabel="loss, in nats", ylim=(-2.5, 8), title="What a generated picture costs"
)
right.set(
    xlabel="logit a", ylabel="slope, in nats per unit of a", ylim=(0, 1.5), title="The slope of it"
)
left.legend(frameon=False, fontsize=8, loc="upper left")
plt.show()

# %% [markdown]
# **Figure 1.** Loss and slope of one generated picture against its logit.  Right: the loss falls to 0, the slope is
# near 1 where D is most wrong.  No sigmoid: the loss is below 0 wherever a is, and ends at a = 1.  Sigmoid twice: the
# loss never comes below ln 2, and the slope dies away on both sides.
#
# ## No sigmoid: NaN, or a loss below zero · 缺少 sigmoid
#
# A logit of 2.3 is D's way to say "91 % real".  Into F2 as it is:

# %%
with np.errstate(invalid="ignore"):
    fake_term, real_term = -np.log(1 - 2.3), -np.log(2.3)
p_real = minigen.sigmoid(np.array(2.3))
print(f"sigmoid(2.3) = {p_real:.3f}")
print(f"generated, logit 2.3: -log(1 - 2.3) = {fake_term}   (right: {np.logaddexp(0, 2.3):.3f})")
print(
    f"real,      logit 2.3: -log(2.3)     = {real_term:.3f}   (right: {np.logaddexp(0, -2.3):.3f})"
)
assert np.isnan(fake_term) and real_term < 0

# %% [markdown]
# NaN is the lucky case: it is seen at once.  The last line is worse.  Minus the logarithm of a probability is never
# negative; a loss that can be made as negative as one likes has no minimum.

# %% [markdown]
# ## Erratum E4: D's output is no probability · 勘误 E4：判别器输出不是概率
#
# > **Claim.** The discriminator of C3 puts out the probability that its input is real.
# >
# > **Test.** Whoever believes it may add a sigmoid to be sure, before a loss that has one already.  Then the loss sees
# > numbers between 0 and 1 only, and since softplus grows,
# >
# > $$L_D>\mathrm{softplus}(-1)+\mathrm{softplus}(0)=\ln(1+e^{-1})+\ln2=0.3133+0.6931=1.0064$$
# >
# > whatever D knows.  Train both on data that a child could separate, $N(2,0.5^2)$ and $N(-2,0.5^2)$: the right
# > wiring must come below 0.1, the doubled one must stay above 1.0064.
# >
# > **Right.** $D=\sigma(a)$ with $a$ the output of C3, and F2 computed from $a$: `loss_d` above.


# %%
def loss_d_doubled(real_logits, fake_logits):
    return loss_d(minigen.sigmoid(real_logits), minigen.sigmoid(fake_logits))


def train(loss, real, fake, steps=200):
    """The loss at each step of a discriminator with two weights, from w = b = 0, and its last answers."""
    discriminator = Dense(1, 1, rng=np.random.default_rng(0), initialiser=zeros)
    adam, path = Adam(discriminator.parameters(), 0.1), []
    for _ in range(steps):
        value = loss(discriminator(real), discriminator(fake))
        path.append(value.item())
        adam.update(minigen.grad(value, discriminator.parameters()))
    return path, discriminator(real).numpy(), discriminator(fake).numpy()


FLOOR = np.log1p(np.exp(-1)) + np.log(2)
real, fake = ((mean + 0.5 * rng.standard_normal((256, 1))).astype(np.float32) for mean in (2, -2))
right_path, *answers = train(loss_d, real, fake)
doubled_path, *doubled = train(loss_d_doubled, real, fake)
print(f"right  : loss {right_path[0]:.4f} … {right_path[-1]:.4f}")
print(f"doubled: loss {doubled_path[0]:.4f} … {doubled_path[-1]:.4f}   (floor {FLOOR:.4f})")
print(f"answers of the right D: from {np.min(answers):.1f} to {np.max(answers):.1f}")
of_real, of_fake = (1 / (1 + np.exp(-1 / (1 + np.exp(-a)))) for a in doubled)
print(
    f"what the doubled loss takes for D: real ≤ {of_real.max():.3f}, generated ≥ {of_fake.min():.3f}"
)
assert right_path[-1] < 0.1
assert min(doubled_path) > FLOOR
assert np.min(answers) < 0 and np.max(answers) > 1  # the claim fails: no probabilities
print("verdict: C3 answers with logits; one sigmoid too many holds the loss above 1.0064")

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(doubled_path, "k-.", label="sigmoid twice")
axes.plot(right_path, color="C0", label="right")
for height, text in ((2 * np.log(2), "2 ln 2 = 1.386: guessing"), (FLOOR, "1.0064: the floor")):
    axes.axhline(height, color="0.6", linestyle=":")
    axes.text(200, height + 0.02, text, ha="right", va="bottom", color="0.4", fontsize=9)
axes.set(xlabel="step", ylabel="loss of D, in nats", ylim=(0, 1.6), title="One sigmoid too many")
axes.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# **Figure 2.** The loss of D per step on data that are easy to separate: with the right wiring it falls towards 0, with
# the sigmoid twice it stops at the floor, 1.0064, although D tells every picture from every other.
#
# So there is a fingerprint: a D whose loss hangs between 1.006 and 1.386 for ever, with generated pictures never below
# one half and real ones never above 0.731.  (With all weights 0 it begins at 1.448 and not at 1.386.)  Nothing crashes,
# and D even learns; but every slope, also the one that G is to learn from, has to pass one sigmoid more.
#
# In fairness: F2 is right as a formula, and the loss that C4 calls, `disc_loss_fn`, is not printed, so that the
# program may be right as well.  Only the word is wrong.  In Keras the choice is `from_logits=True`.  Losses of
# minigen take logits only, and say so where the graph shows a sigmoid:


# %%
def check_warning(seed=0):
    """A loss of the library warns where it is given the output of a sigmoid."""
    a = minigen.tensor(np.random.default_rng(seed).normal(size=(4, 1)), requires_grad=True)
    twice = [([a], lambda a: minigen.softplus(minigen.sigmoid(a)).mean())]
    try:
        value_check(
            lambda a: binary_cross_entropy(minigen.sigmoid(a), 0),
            twice,
            name="binary_cross_entropy",
            no_warnings=True,
        )
    except CheckError as error:
        assert "sigmoid" in str(error), error
        print(str(error).splitlines()[0])
    else:
        raise AssertionError("the library should have warned")


check_warning()

# %% [markdown]
# ## Experiment: ±40 and ±800 · 实验：溢出
#
# Suppose the wiring is right, and the formula is computed as printed: first $\sigma$, then $1-\sigma$, then the
# logarithm.  On paper that is the same.  In a computer $\sigma(40)$ *is* 1, and $e^{800}$ is infinite.


# %%
NAIVE = {
    "-log(1 - 1/(1 + exp(-a)))": lambda a: -minigen.log(1 - 1 / (1 + minigen.exp(-a))),
    "log(1 + exp(a))": lambda a: minigen.log(1 + minigen.exp(a)),
    "softplus(a), as minigen": minigen.softplus,
    "binary_cross_entropy(a, 0)": lambda a: binary_cross_entropy(a, 0),
}
PLACES = (-800.0, -40.0, 40.0, 800.0)
found = {}
print(f"{'loss and slope at a =':27}" + "".join(f"{at:>20g}" for at in PLACES))
for name, formula in NAIVE.items():
    found[name] = []
    for at in PLACES:
        a = minigen.tensor(np.array([at]), requires_grad=True)
        with np.errstate(all="ignore"):
            loss = formula(a)
            (slope,) = minigen.grad(loss.sum(), [a])
        found[name].append((loss.item(), slope.item()))
    print(f"{name:27}" + "".join(f"{loss:>11.3g}{slope:>9.3g}" for loss, slope in found[name]))

for name in list(NAIVE)[2:]:
    np.testing.assert_allclose(found[name], [(0, 0), (np.exp(-40), np.exp(-40)), (40, 1), (800, 1)])
assert np.isinf(found["-log(1 - 1/(1 + exp(-a)))"][2][0])

# %% [markdown]
# At 40 the printed formula gives infinity where the loss is 40, and at ±800 its slope is no number.  The second one
# saves 40 and fails at 800.  minigen takes the large part out first, so that $e$ is never raised to anything above 0:
#
# $$\mathrm{softplus}(a)=\max(a,0)+\log(1+e^{-|a|})$$
#
# Otherwise it is the pictures on which D is most wrong that spoil the loss.
#
# ## Exercise A: the stable loss · 练习 A：稳定的交叉熵
#
# In NumPy alone, write the cross-entropy of logits and targets, and its slope by the logit, both entry by entry:
#
# $$\ell=-t\log\sigma(a)-(1-t)\log(1-\sigma(a)),\qquad \frac{d\ell}{da}=\sigma(a)-t$$
#
# The check goes to ±800, where no warning may come, and asks for the slope at $a=0$ as well.


# %% tags=["exercise"] name="exercise-a"
def stable_bce(logits, targets):
    """(loss, slope by the logit), both in the shape of logits; targets 0 to 1, of the same shape."""
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(logits))
    loss = np.maximum(logits, 0) - logits * targets + np.log1p(small)
    p_real = np.where(logits >= 0, 1 / (1 + small), small / (1 + small))
    return loss, p_real - targets
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    far = np.array([-800.0, -40.0, 0.0, 40.0, 800.0])
    value_check(
        lambda logits, targets: stable_bce(logits, targets)[0],
        [
            ([far, np.zeros(5)], np.array([0, np.exp(-40), np.log(2), 40, 800])),
            ([far, np.ones(5)], np.array([800, 40, np.log(2), np.exp(-40), 0])),
        ],
        name="the loss",
        no_warnings=True,
        atol=1e-12,
    )
    value_check(
        lambda logits, targets: stable_bce(logits, targets)[1],
        [
            ([far, np.zeros(5)], np.array([0, np.exp(-40), 0.5, 1, 1])),
            ([far, np.ones(5)], np.array([-1, -1, -0.5, -np.exp(-40), 0])),
        ],
        name="the slope",
        no_warnings=True,
        atol=1e-12,
    )

    def draw(rng):
        return {"logits": 3 * rng.normal(size=(4, 1)), "targets": rng.uniform(size=(4, 1))}

    op_check(
        lambda logits, targets: stable_bce(logits, targets)[0],
        lambda dy, y, logits, targets: dy * stable_bce(logits, targets)[1],
        draw,
        seeds=(seed, seed + 1),
        fixed=("targets",),
        name="stable_bce",
    )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The formula as printed: infinite at 40."
# def stable_bce(logits, targets):
#     p_real = 1 / (1 + np.exp(-logits))
#     return -targets * np.log(p_real) - (1 - targets) * np.log(1 - p_real), p_real - targets

# %% [raw] tags=["wrong"] name="exercise-a" says="The probability is clipped: no infinity, but 16 where 800 is right."
# def stable_bce(logits, targets):
#     p_real = 1 / (1 + np.exp(-np.clip(logits, -100, 100)))
#     p_real = np.clip(p_real, 1e-7, 1 - 1e-7)
#     return -targets * np.log(p_real) - (1 - targets) * np.log(1 - p_real), p_real - targets

# %% [raw] tags=["wrong"] name="exercise-a" says="The slope is put together from those of max and |a|: 0 - t at a = 0."
# def stable_bce(logits, targets):
#     small = np.exp(-np.abs(logits))
#     loss = np.maximum(logits, 0) - logits * targets + np.log1p(small)
#     return loss, (logits > 0) - np.sign(logits) * small / (1 + small) - targets

# %% [raw] tags=["wrong"] name="exercise-a" says="The sign of the slope is turned round: t - p."
# def stable_bce(logits, targets):
#     small = np.exp(-np.abs(logits))
#     loss = np.maximum(logits, 0) - logits * targets + np.log1p(small)
#     return loss, targets - np.where(logits >= 0, 1 / (1 + small), small / (1 + small))

# %% [markdown]
# ## Exercise B: which loss for which D? · 练习 B：判别器与损失配对
#
# Four discriminators that know the same, with four ends, and four losses.  Match them so that all four cost what F2
# says.  `Dense(2)` answers with two scores, generated and real; the softmax of them is the probability of each.

# %%
DISCRIMINATORS = {  # from the two scores that all of them know; the logit is their difference
    "Dense(1)": lambda s: s[:, 1:] - s[:, :1],
    "Dense(1), Sigmoid": lambda s: 1 / (1 + np.exp(s[:, :1] - s[:, 1:])),
    "Dense(1), log of Sigmoid": lambda s: -np.logaddexp(0, s[:, :1] - s[:, 1:]),
    "Dense(2)": lambda s: s,
}
LOSSES = {  # of real pictures, of generated ones
    "loss 1": (lambda y: -y, lambda y: -np.log(-np.expm1(y))),
    "loss 2": (lambda y: -np.log(y), lambda y: -np.log1p(-y)),
    "loss 3": (
        lambda y: np.logaddexp(y[:, 0], y[:, -1]) - y[:, -1],
        lambda y: np.logaddexp(y[:, 0], y[:, -1]) - y[:, 0],
    ),
    "loss 4": (lambda y: np.logaddexp(0, -y), lambda y: np.logaddexp(0, y)),
}


# %% tags=["exercise"] name="exercise-b"
def matched():
    """{discriminator: loss}, the names as in the two tables above."""
    ### BEGIN SOLUTION
    pairs = zip(DISCRIMINATORS, (4, 2, 1, 3), strict=True)
    return {discriminator: f"loss {number}" for discriminator, number in pairs}
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    answer, rng = matched(), np.random.default_rng(seed)
    assert set(answer) == set(DISCRIMINATORS), "one loss for each of the four discriminators"
    assert set(answer.values()) <= set(LOSSES), "losses are called loss 1 to loss 4"
    real, fake = rng.normal(size=(2, 6, 2)) + [[[-1, 1]], [[1, -1]]]
    logits = DISCRIMINATORS["Dense(1)"]
    expected = loss_d(logits(real), logits(fake))
    for name, end in DISCRIMINATORS.items():
        of_real, of_fake = LOSSES[answer[name]]
        value_check(
            lambda end=end, of_real=of_real, of_fake=of_fake: (
                of_real(end(real)).mean() + of_fake(end(fake)).mean()
            ),
            [([], expected)],
            name=f"{name} with {answer[name]}",
        )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="C3's answer is taken for a probability (E4)."
# def matched():
#     pairs = zip(DISCRIMINATORS, (2, 4, 1, 3), strict=True)
#     return {discriminator: f"loss {number}" for discriminator, number in pairs}

# %% [raw] tags=["wrong"] name="exercise-b" says="The loss from logits for all: a sigmoid twice where D has one."
# def matched():
#     return dict.fromkeys(DISCRIMINATORS, "loss 4")

# %% [raw] tags=["wrong"] name="exercise-b" says="A logarithm of a probability is taken for a logit."
# def matched():
#     pairs = zip(DISCRIMINATORS, (4, 2, 4, 3), strict=True)
#     return {discriminator: f"loss {number}" for discriminator, number in pairs}

# %% [markdown]
# ## A question in words · 一道文字题
#
# The loss of a discriminator has stood at 1.2 for thousands of steps.  Name two very different reasons, and one test
# that tells them apart without looking at the code.

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Generated pictures may be good, so that D can do little better than guess,
# 1.386 (1); or D's answer passes a sigmoid twice and the loss cannot come below 1.0064 (1).  Give D data that are easy
# to separate, or hold G fixed and train D on: the right wiring goes towards 0, the doubled one stays above 1.0064 (1).
# (Looking whether D's answers ever leave [0, 1] is a good test as well.)

# %% [markdown]
# ## What to take along · 小结
#
# - A `Dense(1)` at the end answers with a logit, any real number; the probability is its sigmoid.
# - Exactly one sigmoid, and its place is in the loss.  None gives NaN or losses below 0, two give a floor of 1.0064.
# - F2 from logits is softplus(−a) and softplus(a), two means, added: 1.386 where D can only guess.
# - Equal on paper is not equal in a computer: take the maximum out before the exponential.
#
# **New terms**: logit (对数几率), sigmoid (S 型函数), softplus (softplus 函数), binary cross-entropy (二元交叉熵),
# numerical stability (数值稳定性).  **Read next**: `binary_cross_entropy` in `minigen/losses/logits.py`, and
# `softplus` in `minigen/ops/activations.py`, whose slope at 0 is ½ because its rule is the sigmoid, not the pieces.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_exchanged,
        check_warning,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=5,
)
