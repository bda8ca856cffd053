# ---
# jupyter:
#   minigen:
#     title: A generator that can learn
#     zh: 生成器损失与模式坍塌
#     says: Which loss still has a slope when the generator is bad, what it is the slope of, and how to see a collapse.
#     minutes: 35
#     budget_s: 20
#     needs: ["07"]
#     covers: [F1, S9, P2, T2, E5, E10, E14]
#     picture: 2
#     terms:
#     - [non-saturating loss, 非饱和损失, "−log D(G(z))", nonsaturating, F1]
#     - [minimax loss, 极小极大损失, "log(1 − D(G(z)))", minimax, E5]
#     - [zero-sum game, 零和博弈（零和游戏）, "L_D + L_G = const", total, E5]
#     - [mode, 模态, "", modes, ""]
#     - [mode collapse, 模式坍塌, "", collapsed, P2]
#     - [unrolled GAN, 展开式 GAN, f_K, unrolled, "P2, T2"]
# ---

# %% [markdown]
# # 08 · A generator that can learn · 生成器损失与模式坍塌
#
# *35 minutes to read, 20 seconds to run.  Before it: lesson 07.*
#
# A generator begins badly, and a discriminator that sees through everything is a poor teacher.  Which loss still tells
# the generator where to go?  And how does one see that it has learned one part of the data and forgotten the rest?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 生成对抗网络（GAN）的数学模型 the generator's loss is
#
# $$L_G=-\mathbb E_z[\log D(G(z))] \tag{F1}$$
#
# This formula is right.  The words around it are not.  Under 代码解读与分析 the article compares training with a
# zero-sum game (零和游戏, E5); under 对抗训练 it has G updated with the *discriminator's* error (S9, E10).  And it
# recommends "Unrolled Generative Adversarial Networks" (P2) as by Mathieu et al.; the authors are Metz, Poole, Pfau &
# Sohl-Dickstein (E14).
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $a$; $D=\sigma(a)$ | D's answer, logit and probability | 判别器的 logit | `fake_logits` | (N,) | F1 |
# | $L_G$, $L_D$ | losses of generator and discriminator | 损失 | `loss_g`, `loss_d` | () | F1, F2 |
# | $x$, $G(z)$ | points of the plane: data, generated | 真实、生成数据 | `x`, `x_fake` | (N, 2) | F1, F2 |
# | $K$, $\eta$ | steps that D is unrolled, their size | 展开步数、步长 | `K`, `eta` | () | P2 |
# | $m$ | modes of the data that G covers | 覆盖的模态数 | `modes` | () | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen import optim
from minigen.check import CheckError, checklist, grad_check, invariant_check, value_check
from minigen.data import ring
from minigen.losses.gan import minimax, nonsaturating
from minigen.models import mlp

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## Two losses and their slopes · 两种损失及其斜率
#
# G wants D's answer to be wrong.  It can make $\log(1-D)$ small, the part of $-L_D$ that it has a hand in: the
# *minimax* loss.  Or it can make $-\log D$ small: F1, the *non-saturating* loss.  From logits, with their slopes:
#
# $$\begin{aligned}\text{minimax}\quad&-\log(1+e^{a}),&&\text{slope }-\sigma(a)\\
# \text{F1}\quad&\log(1+e^{-a}),&&\text{slope }-\sigma(-a)\end{aligned}$$
#
# Both slopes are negative everywhere: both losses want $a$ to rise.  But where D is sure of a fake, $a\ll0$, one is
# nearly 0 and the other nearly −1: at $a=-10$, −0.000045 and −0.99995.


# %%
def nonsaturating_by_hand(fake_logits):
    """F1: the mean of −log σ(a) = log(1 + exp(−a))."""
    return minigen.softplus(-fake_logits).mean()


def minimax_by_hand(fake_logits):
    """The mean of log(1 − σ(a)) = −log(1 + exp(a))."""
    return -minigen.softplus(fake_logits).mean()


def slopes(loss, logits):
    """The slope of a loss at each logit by itself."""
    a = minigen.tensor(logits, requires_grad=True)
    return len(logits) * minigen.grad(loss(a), [a])[0].numpy()


def check_values(seed=0):
    mixed = np.array([-2, 0.5])
    for loss in (nonsaturating_by_hand, nonsaturating.generator):
        value_check(loss, [([np.zeros(3)], np.log(2)), ([mixed], 1.3005025)])
    for loss in (minimax_by_hand, minimax.generator):
        value_check(loss, [([np.zeros(3)], -np.log(2)), ([mixed], -0.5505025)])


def check_slopes(seed=0):
    logits = np.random.default_rng(seed).normal(size=(5, 1))
    for loss in (nonsaturating_by_hand, minimax_by_hand):
        grad_check(loss, {"fake_logits": logits}, order=2)
    sure = np.array([-10.0])
    value_check(slopes, [([nonsaturating_by_hand, sure], np.array([-0.9999546]))])
    value_check(slopes, [([minimax_by_hand, sure], np.array([-4.539787e-5]))])


check_values()
check_slopes()

# %% [markdown]
# ## Erratum E5: a zero-sum game? · 勘误 E5：是零和游戏吗
#
# > **Claim.** GAN training is like a zero-sum game (零和游戏); G's loss is F1, D's is F2.
# >
# > **Test.** In a zero-sum game what one wins the other loses, so $L_D+L_G$ cannot depend on what G makes.  Exchange
# > the fakes and look.
# >
# > **Right.** The game with minimax is zero-sum.  With F1 it is not, and that is F1's merit, not its fault.
#
# Goodfellow et al. 2014 propose it for its stronger slopes early in training (section 3, last paragraph).


# %%
def total(pair, real_logits, fake_logits):
    return pair.discriminator(real_logits, fake_logits) + pair.generator(fake_logits)


def check_zero_sum(seed=0):
    def margin(real, fakes, others):
        return -abs(total(minimax, real, fakes) - total(minimax, real, others))

    def draw(rng):
        return 3 * rng.normal(size=(3, 8))

    says = "with minimax, other fakes leave L_D + L_G as it was"
    invariant_check(margin, lambda rng: tuple(draw(rng)), says=says, atol=1e-12, seed=seed)


check_zero_sum()
real, good, bad = np.full(8, 2.0), np.zeros(8), np.full(8, -10.0)
for name, pair in (("minimax", minimax), ("F1", nonsaturating)):
    sums = [total(pair, real, fakes) for fakes in (good, bad)]
    print(f"{name:8} L_D + L_G: good fakes {sums[0]:.3f}, fakes that D knows {sums[1]:.3f}")
assert abs(sums[1] - sums[0]) > 1  # the claim fails for F1
print("verdict: the article's losses F1 and F2 are no zero-sum game")

# %% [markdown]
# What is the merit?  Take the line of lesson 07: data $N(2,0.5^2)$, fakes $N(\theta,0.5^2)$, and a D that always
# answers best, $a^*=\log p-\log q=2(x-\theta)^2-2(x-2)^2$.  Let G start at $\theta=-2$ and go down either loss.


# %%
def travel(pair, theta=-2.0, rounds=200, rate=0.05):
    """θ round by round: D answers best to where G stands, then G takes one step."""
    z, path = 0.5 * np.random.default_rng(SEED).standard_normal(1000), [theta]
    for _ in range(rounds):
        moving = minigen.tensor(np.array(theta), requires_grad=True)
        x_fake = moving + z
        fake_logits = 2 * (x_fake - theta) ** 2 - 2 * (x_fake - 2) ** 2  # this θ is D's, and held
        theta -= rate * minigen.grad(pair.generator(fake_logits), [moving])[0].item()
        path.append(theta)
    return path


paths = {"F1, non-saturating": travel(nonsaturating), "minimax": travel(minimax)}
assert abs(paths["F1, non-saturating"][-1] - 2) < 0.1 and paths["minimax"][-1] < -1

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3), layout="constrained")
logits = np.linspace(-10, 10, 201)
for (name, path), pair, style in zip(paths.items(), (nonsaturating, minimax), "-:", strict=True):
    left.plot(logits, slopes(pair.generator, logits), style, label=name)
    right.plot(path, style, label=name)
left.set(xlabel="D's logit a of a fake", ylabel="slope of G's loss by a", title="Slopes")
right.axhline(2, color="0.6", linestyle="--")
right.text(200, 1.65, "the data", ha="right", color="0.3")
right.set(xlabel="round", ylabel="θ", title="Against the best D")
right.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# **Figure 1.** Left, the slopes against the logit: where D is sure of a fake, at the left, F1's is −1 and that of
# minimax is 0; at the right it is the other way round.  Right, θ by round: with F1 G reaches the data, with minimax it
# hardly moves.

# %% [markdown]
# ## Erratum E10: whose error? · 勘误 E10：用谁的误差
#
# > **Claim.** G is updated with D's error (S9, 使用判别器的误差), read literally: with $L_D$.
# >
# > **Test.** One fake at 0, data around 2, and a D that is right about them: $D=\sigma(x)$, the logit is $x$ itself.
# > Move the fake down D's loss, ten steps; then, from the same start, down G's.  It should come nearer to 2.
# >
# > **Right.** G goes down *its own* loss, through D, with D held.  C4, the article's program, does just that.


# %%
def move_fake(loss, steps=10, rate=0.2):
    """Where a fake at 0 ends, and its first slope; the logit of D = σ(x) is x."""
    x_fake, first = np.zeros(1), None
    for _ in range(steps):
        slope = slopes(loss, x_fake)
        first, x_fake = slope if first is None else first, x_fake - rate * slope
    return x_fake.item(), first.item()


ends = {
    "L_D": move_fake(lambda fake_logits: nonsaturating.discriminator(np.full(1, 2.0), fake_logits)),
    "L_G": move_fake(nonsaturating.generator),
}
for name, (end, slope) in ends.items():
    print(f"{name}: first slope {slope:+.1f}, the fake goes from 0 to {end:+.2f}; data at 2")
assert ends["L_D"][1] == 0.5 and ends["L_G"][1] == -0.5
assert abs(ends["L_D"][0] - 2) > 2 > abs(ends["L_G"][0] - 2)  # away; nearer
print("verdict: D's error leads G away from the data, G's own loss leads it there")

# %% [markdown]
# ## Experiment: eight heaps on a ring · 实验：环上的八堆数据
#
# Data with eight *modes*, heaps of equal weight: does G find all of them?  Here one need not look, one can count.  Of
# 500 generated points, a mode is *covered* if ten lie within 0.3, three deviations, of its centre; an equal share would
# be 62.5.  Three seeds, 1,500 rounds each, D's learning rate three times G's.

# %%
angles = 2 * np.pi * np.arange(8) / 8
centres = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
corners = np.stack(np.meshgrid(np.linspace(-3, 3, 61), np.linspace(-3, 3, 61)), -1)


def modes_covered(points):
    distance = np.linalg.norm(points[:, None] - centres, axis=-1)  # (500, 8)
    return int((np.sum(distance < 0.3, axis=0) >= len(points) / 50).sum())


def train(seed, rounds=1500, batch=128):
    """Rows of modes, L_D and L_G; and at rounds 200 and the last: G's points, D on the plane."""
    rng, history, shots = np.random.default_rng(seed), [], []
    data, _ = ring(20_000, sigma=0.1, seed=seed)
    generator = mlp.Generator(hidden=64, rng=rng)
    discriminator = mlp.Discriminator(hidden=64, rng=rng)
    adam_g = optim.Adam(generator.parameters(), 1e-3, betas=(0.5, 0.9))
    adam_d = optim.Adam(discriminator.parameters(), 3e-3, betas=(0.5, 0.9))
    probe = rng.standard_normal((500, 2), np.float32)
    for k in range(1, rounds + 1):
        x = data[rng.integers(len(data), size=batch)]
        x_fake = generator(rng.standard_normal((batch, 2), np.float32))
        loss_d = nonsaturating.discriminator(discriminator(x), discriminator(x_fake.detach()))
        adam_d.update(minigen.grad(loss_d, discriminator.parameters()))
        loss_g = nonsaturating.generator(discriminator(x_fake))  # asks the D that has just moved
        adam_g.update(minigen.grad(loss_g, generator.parameters()))
        if k % 10 == 0:
            with minigen.no_grad():
                points = generator(probe).numpy()
                history.append([modes_covered(points), loss_d.item(), loss_g.item()])
                if k in (200, rounds):
                    answers = discriminator(corners.reshape(-1, 2).astype(np.float32))
                    shots.append((k, points, minigen.sigmoid(answers).numpy().reshape(61, 61)))
    return np.array(history), shots


def check_counting(seed=0):
    points, factors = ring(4000, sigma=0.1, seed=seed)
    blob = np.random.default_rng(seed).standard_normal((500, 2))
    cases = [([points], 8), ([points[factors["mode"] < 3]], 3), ([blob], 0)]
    value_check(modes_covered, cases)


check_counting()
runs = [train(seed) for seed in (SEED, SEED + 1, SEED + 2)]
modes = [int(history[-1, 0]) for history, _ in runs]
print(f"modes covered at the end, three seeds: {modes}")
assert sum(found >= 7 for found in modes) >= 2

# %%
figure, axes = plt.subplots(1, 2, figsize=(7, 3.5), sharey=True, layout="constrained")
for axis, (k, points, answers) in zip(axes, runs[0][1], strict=True):
    levels = np.linspace(0, 1, 11)
    drawn = axis.contourf(*corners.transpose(2, 0, 1), answers, levels, cmap="cividis", alpha=0.8)
    axis.plot(*points.T, "w.", markersize=3)
    axis.plot(*centres.T, "k+", markersize=9)
    axis.set(title=f"round {k}: {modes_covered(points)} modes covered", xlabel="x₁")
    axis.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal")
axes[0].set(ylabel="x₂")
figure.colorbar(drawn, label="D = σ(a)")
plt.show()

# %% [markdown]
# **Figure 2.** D's answer over the plane as coloured level sets, 500 generated points in white, the eight centres as
# crosses.  At round 200 the points lie scattered over the plane; at round 1,500 they gather at all eight centres, with
# a few on the way from one to the next.

# %%
figure, (top, below) = plt.subplots(2, 1, figsize=(7, 4), sharex=True, layout="constrained")
for style, (history, _) in zip(("-", "--", ":"), runs, strict=True):
    top.plot(10 * np.arange(1, 151), history[:, 0], style, color="k")
    averages = history[:, 1:].reshape(15, 10, 2).mean(axis=1)
    for values, color in zip(averages.T, ("C0", "C1"), strict=True):
        below.plot(100 * np.arange(15) + 50, values, style, color=color)
below.plot([], "C0", label="L_D")
below.plot([], "C1", label="L_G, F1")
for height, name in ((2 * np.log(2), "2 ln 2"), (np.log(2), "ln 2")):
    below.axhline(height, color="0.6", linewidth=0.8)
    below.text(1500, height + 0.02, name, color="0.3", ha="right")
top.set(
    ylabel="modes covered", ylim=(0, 8.4), title="About the same L_D with no mode and with eight"
)
below.set(xlabel="round", ylabel="nats", xlim=(0, 1510), ylim=(0.6, 1.55))
below.legend(frameon=False, ncols=2)
plt.show()

# %% [markdown]
# **Figure 3.** Above, the modes covered against the round, a line style for each of three seeds: all climb from 0 to
# 8.  Below, the losses of the same runs, averaged over 100 rounds: $L_D$ begins and ends a little under 2 ln 2 = 1.386,
# with a dip between; $L_G$ stays above ln 2 = 0.693; neither falls as the samples improve.

# %% [markdown]
# In fairness to minimax: put it in the place of F1 here, and the modes are found as well (all 8, with each of five
# seeds).  D is seldom far ahead in this game, and Adam rescales small slopes.  F1 helps where D is sure.
#
# ## Unrolling: G foresees D's answer · 展开：生成器预见判别器的反应
#
# Why would G crowd on one mode?  Because against a *held* D the best it can do is to put everything at D's weakest
# spot.  P2 lets G foresee how D will react: D takes $K$ imagined steps up $f=V$, and G goes down what is left after
# them (equations 7 and 9 of P2):
#
# $$d_{k+1}=d_k+\eta\,\frac{\partial f(g,d_k)}{\partial d_k},\qquad f_K(g)=f(g,d_K(g))$$
#
# $d_K$ depends on $g$, so the slope has a second term, how D will react (equation 12):
#
# $$\frac{df_K}{dg}=\frac{\partial f}{\partial g}+\frac{\partial f}{\partial d_K}\frac{dd_K}{dg}$$
#
# A program has to differentiate through gradient steps: `minigen.grad(…, create_graph=True)`.  The test model T2 is
# so small that paper suffices: $f=gd-\tfrac12d^2$, $d_0=0$, $\eta=\tfrac12$, $g=1$.  With $c=1-2^{-K}$, $d_K=cg$, the
# first term is $c$ and the whole $2c-c^2$.


# %%
def unrolled(g, K, held=False, eta=0.5):
    """f(g, d_K) of T2; with `held`, d_K counts as a number and the second term is lost."""

    def f(g, d):
        return g * d - d * d / 2

    d = minigen.tensor(np.zeros(()), requires_grad=True)
    for _ in range(K):
        d = d + eta * minigen.grad(f(g, d), [d], create_graph=True)[0]
    return f(g, d.detach() if held else d)


def slopes_of_unrolled(K):
    """The first term alone, and the whole, at g = 1."""
    g = minigen.tensor(np.ones(()), requires_grad=True)
    return np.array([minigen.grad(unrolled(g, K, held), [g])[0].item() for held in (True, False)])


def check_unrolled(seed=0):
    for K in (1, 2, 3, 5):
        c = 1 - 2.0**-K
        value_check(slopes_of_unrolled, [([K], np.array([c, 2 * c - c * c]))], name=f"T2, K = {K}")
        at = np.array(np.random.default_rng(seed).uniform(0.5, 2))
        grad_check(lambda g, K=K: unrolled(g, K), {"g": at}, order=2, name=f"f_K, K = {K}")


check_unrolled()
for K in (0, 1, 2, 3, 5):
    print("K = {}: first term {:.5f}, whole {:.7f}".format(K, *slopes_of_unrolled(K)))
try:
    grad_check(lambda g: unrolled(g, 3, held=True), {"g": np.ones(())}, quiet=True)
except CheckError:
    print("with d_K detached, the gradient check complains, as it should")
else:
    raise AssertionError("a detached unrolling should have been noticed")

# %% [markdown]
# With many steps the whole comes near to 1, the slope of $\max_d f=\tfrac12g^2$: G plays against the best D, not
# against the present one.  P2 reports that this prevents collapse; proved here is its derivative, no more.
#
# ## Exercise A: both losses and their slopes · 练习 A：两种损失与斜率
#
# Write both generator losses in NumPy from D's logits (N,), each with its slope by every logit: the loss is a mean, so
# mind what that does to the slopes.  Nothing may overflow at ±800, and at −800 F1 must still have its slope.
# `np.logaddexp(0, a)` is $\log(1+e^a)$ at any $a$, and $\sigma(a)=e^{-\log(1+e^{-a})}$.


# %% tags=["exercise"] name="exercise-a"
def f1_with_slopes(fake_logits):
    """F1, one number, and its slope by each logit, (N,)."""
    ### BEGIN SOLUTION
    loss = np.logaddexp(0, -fake_logits)
    return loss.mean(), -np.exp(-np.logaddexp(0, fake_logits)) / len(fake_logits)
    ### END SOLUTION


def minimax_with_slopes(fake_logits):
    """The minimax loss, one number, and its slope by each logit, (N,)."""
    ### BEGIN SOLUTION
    loss = -np.logaddexp(0, fake_logits)
    return loss.mean(), -np.exp(-np.logaddexp(0, -fake_logits)) / len(fake_logits)
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    drawn, far = np.random.default_rng(seed).normal(size=6), np.array([-800.0, 0, 800])
    known = {  # at −800, 0 and 800: the loss; the slopes
        f1_with_slopes: (nonsaturating, (800 + np.log(2)) / 3, [-1 / 3, -1 / 6, 0]),
        minimax_with_slopes: (minimax, -(800 + np.log(2)) / 3, [0, -1 / 6, -1 / 3]),
    }
    for answer, (pair, loss, three) in known.items():

        def slopes_of_mean(fake_logits, pair=pair):
            return slopes(pair.generator, fake_logits) / len(fake_logits)

        asked = {
            "loss": [([drawn], pair.generator), ([far], loss)],
            "slopes": [([drawn], slopes_of_mean), ([far], np.array(three))],
        }
        for place, (what, cases) in enumerate(asked.items()):
            value_check(
                lambda fake_logits, answer=answer, place=place: answer(fake_logits)[place],
                cases,
                atol=1e-12,
                no_warnings=True,
                name=f"{answer.__name__}, the {what}",
            )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="Slopes of a sum, where the loss is a mean."
# def f1_with_slopes(fake_logits):
#     return np.logaddexp(0, -fake_logits).mean(), -np.exp(-np.logaddexp(0, fake_logits))
#
#
# def minimax_with_slopes(fake_logits):
#     return -np.logaddexp(0, fake_logits).mean(), -np.exp(-np.logaddexp(0, -fake_logits))

# %% [raw] tags=["wrong"] name="exercise-a" says="The two slopes are exchanged: F1 saturates."
# def f1_with_slopes(fake_logits):
#     N = len(fake_logits)
#     return np.logaddexp(0, -fake_logits).mean(), -np.exp(-np.logaddexp(0, -fake_logits)) / N
#
#
# def minimax_with_slopes(fake_logits):
#     N = len(fake_logits)
#     return -np.logaddexp(0, fake_logits).mean(), -np.exp(-np.logaddexp(0, fake_logits)) / N

# %% [raw] tags=["wrong"] name="exercise-a" says="The formulas as printed, through the probability: log 0."
# def f1_with_slopes(fake_logits):
#     D = 1 / (1 + np.exp(-fake_logits))
#     return -np.log(D).mean(), -(1 - D) / len(D)
#
#
# def minimax_with_slopes(fake_logits):
#     D = 1 / (1 + np.exp(-fake_logits))
#     return np.log(1 - D).mean(), -D / len(D)

# %% [raw] tags=["wrong"] name="exercise-a" says="D's part of the loss with its own sign: E10."
# def f1_with_slopes(fake_logits):
#     return np.logaddexp(0, -fake_logits).mean(), -np.exp(-np.logaddexp(0, fake_logits)) / len(fake_logits)
#
#
# def minimax_with_slopes(fake_logits):
#     return np.logaddexp(0, fake_logits).mean(), np.exp(-np.logaddexp(0, -fake_logits)) / len(fake_logits)

# %% [markdown]
# ## Exercise B: name the collapsed run · 练习 B：找出坍塌的那一次训练
#
# Four runs on the ring, 3,000 rounds each, recorded in advance with various settings; each number is a mean over 300
# rounds.  In one of them G has collapsed to a few modes.  Which, and to how many?
#
# Lesson 07 has the tool, $D^*=p/(p+q)$.  Suppose that G covers $m$ of $M$ modes perfectly and evenly.  At a covered
# mode the data have weight $1/M$ and the fakes $1/m$; at the others there are no fakes.  Work out $L_D$ and $L_G$ (F2
# and F1) with this best D, then hold the last $L_D$ of each run against your numbers.

# %%
RUNS = {  # L_D, then L_G
    "one": (
        [1.39, 1.39, 1.39, 1.39, 1.39, 1.39, 1.39, 1.39, 1.39, 1.39],
        [0.69, 0.69, 0.69, 0.69, 0.69, 0.69, 0.69, 0.69, 0.69, 0.69],
    ),
    "two": (
        [1.20, 0.83, 0.64, 0.60, 0.65, 0.68, 0.65, 0.65, 0.65, 0.64],
        [0.96, 1.69, 2.61, 3.12, 2.93, 2.47, 2.07, 1.87, 1.80, 1.76],
    ),
    "three": (
        [0.15, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00],
        [5.85, 18.4, 22.7, 24.9, 26.4, 28.1, 29.9, 30.5, 32.4, 33.5],
    ),
    "four": (
        [1.26, 1.09, 1.14, 1.21, 1.25, 1.26, 1.30, 1.30, 1.29, 1.30],
        [0.84, 1.07, 1.13, 1.08, 1.06, 1.06, 0.99, 1.01, 1.02, 0.97],
    ),
}


# %% tags=["exercise"] name="exercise-b"
def losses_with(m, M=8):
    """L_D and L_G, an array of two, when G covers m of M equal modes and D answers best."""
    ### BEGIN SOLUTION
    D = (1 / M) / (1 / M + 1 / m)  # at a covered mode; at the others it is 1
    return np.array([-(m / M) * np.log(D) - np.log(1 - D), -np.log(D)])
    ### END SOLUTION


def collapsed():
    """The name of the collapsed run, and how many modes it covers."""
    ### BEGIN SOLUTION
    return "two", 2
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=5
def check_exercise_b(seed=0):
    def by_table(m, M):  # the library's losses, mode by mode
        p, q = np.repeat(1 / M, m), np.repeat(1 / m, m)
        a = np.log(p) - np.log(q)
        loss_d = (p * np.logaddexp(0, -a) + q * np.logaddexp(0, a)).sum()
        return np.array([loss_d, (q * np.logaddexp(0, -a)).sum()])

    rng = np.random.default_rng(seed)
    pairs = [(8, 8), (1, 8), *((int(rng.integers(1, M)), M) for M in (5, 8, 12))]
    cases = [([m, M], by_table(m, M)) for m, M in pairs]
    value_check(losses_with, cases, rtol=1e-9, name="losses_with(m, M): y[0] L_D, y[1] L_G")

    name, m = collapsed()
    assert name in RUNS and m in range(1, 9), (
        "answer with the name of a run and a number from 1 to 8"
    )
    end, levels = RUNS[name][0][-1], [0.0, *(by_table(k, 8)[0] for k in range(1, 9))]
    nearest = np.argmin(np.abs(np.array(levels) - end))
    says = f"run {name!r} ends with L_D = {end:.2f}"
    assert nearest > 0, f"{says}: D knows every fake, so no mode is covered at all"
    assert nearest <= 4, f"{says}, near 2 ln 2 = 1.39: most modes are covered, or D can only guess"
    assert m == nearest, f"{says}; with {m} of 8 modes it would be {levels[m]:.2f}"


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="All data are taken to lie at covered modes."
# def losses_with(m, M=8):
#     D = (1 / M) / (1 / M + 1 / m)
#     return np.array([-np.log(D) - np.log(1 - D), -np.log(D)])
#
#
# def collapsed():
#     return "two", 2

# %% [raw] tags=["wrong"] name="exercise-b" says="The largest L_G is taken for the sign of collapse."
# def losses_with(m, M=8):
#     D = (1 / M) / (1 / M + 1 / m)
#     return np.array([-(m / M) * np.log(D) - np.log(1 - D), -np.log(D)])
#
#
# def collapsed():
#     return "three", 1

# %% [raw] tags=["wrong"] name="exercise-b" says="Losses that do not move are taken for the collapse."
# def losses_with(m, M=8):
#     D = (1 / M) / (1 / M + 1 / m)
#     return np.array([-(m / M) * np.log(D) - np.log(1 - D), -np.log(D)])
#
#
# def collapsed():
#     return "one", 1

# %% [raw] tags=["wrong"] name="exercise-b" says="D* is turned round: q/(p + q)."
# def losses_with(m, M=8):
#     D = (1 / m) / (1 / M + 1 / m)
#     return np.array([-(m / M) * np.log(D) - np.log(1 - D), -np.log(D)])
#
#
# def collapsed():
#     return "two", 2

# %% [markdown]
# Run "two" had noise of 8 numbers and a rate of D five times that of G; "four" is the program above, run for longer.
# "One" is lesson 07's warning again: a D that does not learn and answers $a=0$, with the losses of a perfect balance;
# "three" is a G that does not learn.  No curve tells *which* modes are missing: count them, or look.
#
# ## A question in words · 一道文字题
#
# A colleague trains a GAN on film stills.  $L_G$ rises from 0.8 to 3 while $L_D$ falls to 0.6, and she wants to stop
# because "the generator's loss gets worse".  What may have happened, and what should she look at before deciding?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  $L_G$ is measured against a D that changes, so its rise does not mean that
# pictures get worse; D has got ahead (1).  Values like these fit a collapse to a part of the data, but also a D that is
# for a time simply better or has learned the training images by heart (1).  She should look at many samples, count or
# compare variety and coverage, if possible over several seeds, before stopping; a lower learning rate for one player
# may mend it (1).

# %% [markdown]
# ## What to take along · 小结
#
# - F1 keeps its slope where D is sure of a fake: 0.99995 at $a=-10$, where minimax has 0.000045.
# - With F1 the game is not zero-sum (E5), and G follows its own loss through a held D, not D's loss (E10).
# - Losses are readings of a game, not of quality.  Where modes are known, count them, and over several seeds.
# - G covering $m$ of 8 modes leaves D a loss below $2\ln2$ that tells $m$.
#
# **New terms**: non-saturating loss (非饱和损失), minimax loss (极小极大损失), zero-sum game (零和博弈), mode (模态),
# mode collapse (模式坍塌), unrolled GAN (展开式 GAN).  **Read next**: `minigen/losses/gan.py`, five pairs of losses,
# and what the values of each mean.

# %%
checklist(
    [
        check_values,
        check_slopes,
        check_zero_sum,
        check_counting,
        check_unrolled,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=20,
)
