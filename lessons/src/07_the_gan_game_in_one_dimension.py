# ---
# jupyter:
#   minigen:
#     title: The GAN game in one dimension
#     zh: 一维 GAN 博弈
#     says: What the best discriminator answers, what is then left for the generator, and which way both must step.
#     minutes: 60
#     budget_s: 15
#     needs: ["01", "06"]
#     covers: [F1, F2, F3, F4, F8, F9, F10, F11, S7, S8, S20, E1, P1]
#     picture: 3
#     terms:
#     - [generator, 生成器, "G(z)", x_fake, "F1, F8"]
#     - [discriminator, 判别器, "D(x)", discriminator, "F2, F9"]
#     - [value of the game, 博弈的值, "V(D, G)", value, F2]
#     - [best discriminator, 最优判别器, "D* = p/(p+q)", best, F2]
#     - [Jensen–Shannon divergence, JS 散度, JSD, jsd, P1]
#     - [adversarial training, 对抗训练, "", play, "S7, S8"]
#     - [equilibrium, 均衡（动态平衡）, "", balance, S20]
# ---

# %% [markdown]
# # 07 · The GAN game in one dimension · 一维 GAN 博弈
#
# *60 minutes to read, 15 seconds to run.  Before it: lessons 01 and 06.*
#
# A generator makes numbers, a discriminator says which ones are made up, and each learns from the other.  On a line
# everything can be computed: what is the discriminator's best answer, what is left for the generator, and which way
# must each of them step?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# 生成对抗网络（GAN）的数学模型 gives each player a loss, then the updates:
#
# $$L_G=-\mathbb E_z[\log D(G(z))] \tag{F1}$$
#
# $$L_D=-\mathbb E_x[\log D(x)]-\mathbb E_z[\log(1-D(G(z)))] \tag{F2}$$
#
# $$\theta_G\leftarrow\theta_G+\alpha\nabla L_G,\qquad\theta_D\leftarrow\theta_D+\beta\nabla L_D \tag{F3, F4}$$
#
# 案例说明 repeats the losses (F8, F9: right) and the updates (F10, F11), first G's, then D's.  The steps under 对抗训练
# have the other order: make fakes (S7), train D on both kinds (S8), then update G.  All goes back to one paper, P1:
# Goodfellow et al. 2014, "Generative Adversarial Nets".
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x$, density $p$ | the data | 真实数据 | `x`, `p` | (N,), or (N, 1) for a network | F2 |
# | $G(z)$, density $q$ | what G makes of noise $z$ | 生成数据 | `x_fake`, `q` | as $x$ | F1 |
# | $a$; $D=\sigma(a)$ | D's answer as a logit; as a probability | 判别器的 logit | `logits` | as $x$ | F1, F2 |
# | $L_G$, $L_D$ | the players' losses, in nats | 损失 | `loss_g`, `loss_d` | () | F1, F2 |
# | $\theta$; $w, b$ | G's and D's parameters | 参数 | `theta`, `weights` | (), (2,) | F3, F4 |
# | $V$ | the value of the game, $-L_D$ | 博弈的值 | `value` | () | P1 |
#
# The article calls the decoder's loss $L_D$ as well; here $D$ is always the discriminator.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen import optim
from minigen.check import checklist, grad_check, invariant_check, value_check
from minigen.losses import gan
from minigen.models import mlp

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to one line, and the best answer · 从公式到代码，以及最优回答
#
# From logits, $-\log D=\log(1+e^{-a})$ and $-\log(1-D)=\log(1+e^{a})$, which is `softplus` of $-a$ and of $a$.
#
# What should D answer?  At one place $x$, with densities $p$ and $q$, the loss has
# $-p\log D-q\log(1-D)$.  Its slope by $D$ is $-p/D+q/(1-D)$, which is 0 at
#
# $$D^*(x)=\frac{p(x)}{p(x)+q(x)},\qquad a^*=\log p-\log q \tag{P1, eq. 2}$$


# %%
def loss_d_by_hand(real_logits, fake_logits):
    """F2: the mean of −log D over the data plus the mean of −log(1 − D) over the fakes."""
    return minigen.softplus(-real_logits).mean() + minigen.softplus(fake_logits).mean()


def loss_of_table(p, q, logits):
    """F2 where x has a few values only: p and q are their probabilities, logits D's answers."""
    return (p * np.logaddexp(0, -logits) + q * np.logaddexp(0, logits)).sum()


# %% [markdown]
# The **value** at logits known by hand, the **gradient**, and an **invariant**: no answer of any D beats $D^*$.


# %%
def check_loss(seed=0):
    two, mixed = np.array([2.0, -1.0]), np.array([-2.0, 0.5])
    zeros = np.zeros(5)
    for loss in (loss_d_by_hand, gan.nonsaturating.discriminator):  # the library's F2
        value_check(loss, [([two, mixed], 1.2705974), ([zeros, zeros], 2 * np.log(2))])
    rng = np.random.default_rng(seed)
    inputs = {"real_logits": rng.normal(size=4), "fake_logits": rng.normal(size=3)}
    grad_check(loss_d_by_hand, inputs, order=2)  # order=2: second derivatives too


def check_best_answer(seed=0):
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    value_check(lambda p, q: p / (p + q), [([p, q], np.array([5 / 7, 1 / 2, 2 / 7]))])
    by_hand = np.log(7 / 5) + 0.6 * np.log(2) + 0.4 * np.log(7 / 2)  # 1.253466
    value_check(loss_of_table, [([p, q, np.log(p) - np.log(q)], by_hand)])

    def draw(rng):
        return *rng.dirichlet(np.ones(6), size=2), rng.normal(size=6)

    def excess(p, q, other):
        best = np.log(p) - np.log(q)
        return loss_of_table(p, q, best + other) - loss_of_table(p, q, best)

    invariant_check(excess, draw, says="no answer beats p/(p + q)", seed=seed)


check_loss()
check_best_answer()

# %% [markdown]
# ## Experiment: hold G, train D · 实验：固定 G，训练 D
#
# Does a trained network find $D^*$?  The data are two bumps, and G makes numbers evenly between −3 and 3.  D, a
# small network (1 → 32 → 32 → 1), sees samples only, never $p$ or $q$.


# %%
def normal(x, mean, sigma=0.5):
    return np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))


discriminator, steps = mlp.Discriminator(inputs=1, hidden=32, rng=rng), 1000
adam = optim.Adam(discriminator.parameters(), lambda step: 0.01 * (1 - step / steps))
for _ in range(steps):
    x = rng.choice([-1.2, 1.2], size=(2048, 1)) + 0.5 * rng.standard_normal((2048, 1))
    x_fake = rng.uniform(-3, 3, size=(2048, 1))
    answers = (discriminator(batch.astype(np.float32)) for batch in (x, x_fake))
    adam.update(minigen.grad(gan.nonsaturating.discriminator(*answers), discriminator.parameters()))

places = np.linspace(-3, 3, 301)
p, q = (normal(places, -1.2) + normal(places, 1.2)) / 2, np.full(301, 1 / 6)
best = p / (p + q)
with minigen.no_grad():
    learned = minigen.sigmoid(discriminator(places[:, None].astype(np.float32))).numpy()[:, 0]
print(f"largest distance of D from p/(p + q) on 301 places: {abs(learned - best).max():.3f}")
assert abs(learned - best).max() < 0.03

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.fill_between(places, p, color="0.85", label="data, density p")
axes.plot(places, q, color="0.4", linestyle=":", label="fakes, density q")
axes.plot(places, best, color="k", linestyle="--", label="D* = p/(p + q)")
axes.plot(places, learned, color="C0", label="D, learned from samples")
axes.set(xlabel="x", ylabel="density, or probability", title="D learns p/(p + q)", ylim=(0, 1.15))
axes.legend(frameon=False, ncols=2, loc="upper center", fontsize=9)
plt.show()

# %% [markdown]
# **Figure 1.** Two grey bumps of data, a flat dotted line of fakes, and above them D's answers: the learned curve
# lies on the dashed curve p/(p + q), high over the bumps, low between and beside them.

# %% [markdown]
# ## What is left for G · 留给 G 的是什么
#
# With $D^*$ put into F2, the loss depends on $p$ and $q$ alone, and is a distance in disguise (P1, eq. 6), since
# $\log\frac p{p+q}=\log\frac p{(p+q)/2}-\ln2$, once for $p$ and once for $q$:
#
# $$-L_D^*=V(D^*,G)=-\ln 4+2\,JSD(p,q),\qquad
# JSD=\tfrac12KL\!\left(p\,\Big\|\,\tfrac{p+q}2\right)+\tfrac12KL\!\left(q\,\Big\|\,\tfrac{p+q}2\right)$$
#
# with $KL(p\|m)=\int p\log(p/m)$.  The Jensen–Shannon divergence is 0 where $q=p$, and never above $\ln2$.  From here
# on the data are $N(2,0.5^2)$ and G shifts noise, $G(z)=\theta+0.5\,z$.  Integrals are sums over a fine grid.

# %%
grid = np.linspace(-10, 14, 4801)
dx = grid[1] - grid[0]


def jsd(p, q):
    """The Jensen–Shannon divergence of two densities on the grid, in nats."""
    middle = (p + q) / 2
    return dx * np.sum(p * np.log(p / middle) + q * np.log(q / middle)) / 2


def value(p, q, logits):
    """V = E log D(x) + E log(1 − D(G(z))) for a D with these logits on the grid."""
    return -dx * loss_of_table(p, q, logits)


def check_value_of_the_game(seed=0):
    for mean, known in ((1, 0.111421), (2, 0.336831), (4, 0.632720)):  # normals of deviation 1
        value_check(jsd, [([normal(grid, 0, 1), normal(grid, mean, 1)], known)], rtol=1e-5)
    p, q = normal(grid, 2), normal(grid, np.random.default_rng(seed).uniform(-2, 6))
    cases = [([p, q, np.log(p) - np.log(q)], -np.log(4) + 2 * jsd(p, q))]
    value_check(value, cases, rtol=1e-9, name="V(D*, G) = −ln 4 + 2 JSD")


check_value_of_the_game()

p, held = normal(grid, 2), np.log(normal(grid, 2)) - np.log(normal(grid, 0.5))
thetas = np.linspace(-1, 5, 121)
with_best = [-np.log(4) + 2 * jsd(p, normal(grid, theta)) for theta in thetas]
with_held = [value(p, normal(grid, theta), held) for theta in thetas]

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
axes.plot(thetas, with_best, label="D answers best at every θ")
axes.plot(thetas, with_held, "k--", label="D held as it is best at θ = 0.5")
axes.plot(0.5, with_best[30], "ko")
for left, height, name in (
    (1.5, 0, "0: D knows all"),
    (2.9, -np.log(4), "−ln 4: D can only guess"),
):
    axes.axhline(height, color="0.6", linestyle=":")
    axes.text(left, height + 0.04, name, color="0.3")
axes.set(xlabel="θ, the centre of what G makes", ylabel="V, in nats", ylim=(-2.4, 0.3))
axes.set_title("G goes down V, and sees only the D it faces")
axes.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# **Figure 2.** The value of the game against θ.  Solid, with the best D: a valley with its bottom, −ln 4, at the
# data, θ = 2, and flat near 0 far away.  Dashed, with D held: it touches the valley at θ = 0.5 with the same slope, and
# falls on past the data.

# %% [markdown]
# The same slope, because at the best D the slope of $V$ by $D$ is 0: move θ a little, and holding D loses nothing to
# first order.  Hence the turns: what a held D says is right where G stands now, but not far from there.
#
# ## Experiment: both move · 实验：双方一起走
#
# D is as small as can be, $D=\sigma(wx+b)$.  A round is Algorithm 1 of P1: make fakes, D steps, then G steps, with F1,
# and asks the *new* D.  F1 is not G's part of $V$, $\mathbb E\log(1-D)$: at every logit it has another slope in the
# same direction.  Lesson 08 compares the two; the library calls them `nonsaturating` and `minimax`.  The fakes are
# detached in D's turn: only the player who moves is differentiated.  `sign` says which way along its own loss each
# player goes.


# %%
def play(sign=(-1, -1), order="DG", theta=-1.0, weights=(0.0, 0.0), rounds=1000, seed=SEED):
    """θ, w, b and L_D at the start of each round, and at the end; batches of 256, both rates 0.1."""
    rng, path = np.random.default_rng(seed), []
    theta, weights = (minigen.tensor(np.array(v), requires_grad=True) for v in (theta, weights))

    def logits(x):
        return weights[0] * x + weights[1]

    def moved(parameter, loss, way):
        slope = minigen.grad(loss, [parameter])[0].numpy()
        return minigen.tensor(parameter.numpy() + way * 0.1 * slope, requires_grad=True)

    for k in range(rounds + 1):
        x, z = 2 + 0.5 * rng.standard_normal(256), rng.standard_normal(256)
        loss_d = gan.nonsaturating.discriminator(logits(x), logits(theta.numpy() + 0.5 * z))
        path.append([theta.item(), *weights.numpy(), loss_d.item()])
        if k == rounds:
            break
        for player in order:
            x_fake = theta + 0.5 * z
            if player == "D":
                loss_d = gan.nonsaturating.discriminator(logits(x), logits(x_fake.detach()))
                weights = moved(weights, loss_d, sign[0])
            else:
                loss_g = gan.nonsaturating.generator(logits(x_fake))
                theta = moved(theta, loss_g, sign[1])
    return np.array(path)


right = play()
print(f"θ after 1,000 rounds {right[-1, 0]:.3f}, L_D {right[-1, 3]:.4f}; 2 ln 2 = 1.3863")
assert abs(right[-1, 0] - 2) < 0.15 and abs(right[-1, 3] - 2 * np.log(2)) < 0.01

# %%
figure, axes = plt.subplots(1, 5, figsize=(7, 2.5), sharex=True, sharey=True, layout="constrained")
places = np.linspace(-2.5, 5, 200)
for axis, k in zip(axes, (0, 20, 60, 120, 1000), strict=True):
    theta, w, b, _ = right[k]
    axis.fill_between(places, normal(places, 2), color="0.85", label="data")
    axis.plot(places, normal(places, theta), color="C0", label="made by G")
    axis.plot(places, 1 / (1 + np.exp(-w * places - b)), "k--", label="D")
    axis.set(title=f"round {k}", xlabel="x")
axes[0].set(ylabel="density; D")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plt.show()

# %% [markdown]
# **Figure 3.** Five frames of the game: G's bell starts left of the grey data, follows D's rising curve to them by
# round 60, has run past them by round 120, while D flattens, and lies on them at round 1,000, with D at one half.
#
# The order?  F10 and F11 let G go first, but an untrained D, $w=0$, gives it no slope: its first step is no step.

# %% [markdown]
# ## Erratum E1: both players step uphill · 勘误 E1：双方都往上走
#
# > **Claim.** Both players add the gradient of their loss (F3, F4; again F10, F11; called 梯度提升).
# >
# > **Test.** Play with all four pairs of signs from the same start, 1,000 rounds.  At the end the fakes should lie on
# > the data, and $L_D$ should be $2\ln2$.
# >
# > **Right.** $\theta_G\leftarrow\theta_G-\alpha\nabla L_G,\quad\theta_D\leftarrow\theta_D-\beta\nabla L_D.$  The plus
# > belongs to D going up the *value* $V=-L_D$, as Algorithm 1 of P1 has it.

# %%
print("D   G        θ       L_D   D's accuracy, all after 1,000 rounds")
ends = {}
for sign in ((-1, -1), (1, 1), (-1, 1), (1, -1)):
    path = right if sign == (-1, -1) else play(sign)
    theta, w, b, loss_d = path[-1]
    x, x_fake = (centre + 0.5 * rng.standard_normal(5000) for centre in (2, theta))
    accuracy = ((w * x + b > 0).mean() + (w * x_fake + b <= 0).mean()) / 2
    ends[sign] = theta, loss_d, accuracy
    names = "   ".join("+" if s > 0 else "−" for s in sign)
    print(f"{names} {theta:9.2f} {loss_d:9.3f} {accuracy:9.2f}")
    if sign == (1, 1):
        passed = np.argmax(path[:, 0] > 2)

assert abs(ends[-1, -1][0] - 2) < 0.15 and abs(ends[-1, -1][1] - 2 * np.log(2)) < 0.01
assert all(abs(ends[sign][0] - 2) > 3 for sign in ends if sign != (-1, -1))  # the claim fails
assert ends[1, 1][1] > 100 and ends[1, -1][1] > 100 and ends[1, -1][2] < 0.01
print(f"verdict: only − and − end at the data; with both + the fakes pass them in round {passed}")

# %% [markdown]
# A trap: with both signs wrong, G runs *away* from what D wrongly calls real, and two wrongs look right: for a few
# rounds the fakes lie on the data.  Accuracy would not tell: 0.50 (all real wrong, all fake right) is that of a guess.
# Look at $L_D$ at the end: some 500 nats say that D is sure, and wrong, of every number from the data.

# %% [markdown]
# ## A claim in words: balance · 文字论断 S20：动态平衡
#
# 代码解读与分析 calls training a process of dynamic balance (S20).  Our game ends in one: $L_D=2\ln2=1.386$,
# $L_G=\ln2=0.693$.  But a D that answers $a=0$ to everything has the same two numbers, wherever the fakes are.  To tell
# them apart, hold G, and let D alone play on.


# %%
def balance(theta, weights):
    """L_D before and after 300 rounds in which D alone moves."""
    path = play(order="D", theta=theta, weights=weights, rounds=300)
    return path[[0, -1], 3]  # columns: θ, w, b, L_D


at_end, untrained = balance(right[-1, 0], right[-1, 1:3]), balance(-1.0, (0.0, 0.0))
print("end of the game, D plays on:  L_D {:.3f} → {:.3f}".format(*at_end))
print("untrained D, fakes far away:  L_D {:.3f} → {:.3f}".format(*untrained))
assert abs(at_end[0] - untrained[0]) < 0.01  # the same loss
assert at_end[1] > at_end[0] - 0.03  # hardly anything to win: a balance
assert untrained[1] < untrained[0] - 1  # no balance at all

# %% [markdown]
# ## Exercise A: the value from draws · 练习 A：用样本估计 V
#
# In practice there is no grid, only draws.  Write $V=\mathbb E\log D(x)+\mathbb E\log(1-D(G(z)))$ from D's logits to N
# real and M generated numbers, in NumPy, with its standard error: that of a mean is the deviation over the root of the
# number of draws, and for a sum of two independent means the squares add.  Logits may be ±800 (lesson 06).


# %% tags=["exercise"] name="exercise-a"
def value_by_draws(real_logits, fake_logits):
    """Real logits (N,), fake logits (M,) → an array of two: the estimate of V and its standard error."""
    ### BEGIN SOLUTION
    real, fake = -np.logaddexp(0, -real_logits), -np.logaddexp(0, fake_logits)
    variance = real.var() / len(real) + fake.var() / len(fake)
    return np.array([real.mean() + fake.mean(), np.sqrt(variance)])
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    far = np.array([800.0, 800.0])
    for real, v, name in (
        (far, 0, "D sure and right: V is 0"),
        (-far, -800, "D sure, and wrong of the data: V is −800"),
    ):
        cases = [([real, -far], np.array([v, 0.0]))]
        value_check(value_by_draws, cases, no_warnings=True, name=name)
    rng, p = np.random.default_rng(seed), normal(grid, 2)
    for theta in (1.0, 2.5):
        q, logits = normal(grid, theta), np.log(p) - np.log(normal(grid, theta))
        by_grid = value(p, q, logits)
        terms = (p, -np.logaddexp(0, -logits), 40_000), (q, -np.logaddexp(0, logits), 10_000)
        spread = [(dx * (f * t * t).sum() - (dx * (f * t).sum()) ** 2) / n for f, t, n in terms]
        error = np.sqrt(sum(spread))
        draws = (m + 0.5 * rng.standard_normal(n) for m, n in ((2, 40_000), (theta, 10_000)))
        answers = [np.interp(x, grid, logits) for x in draws]
        v, its_error = value_by_draws(*answers)
        value_check(lambda v=v: v, [([], by_grid)], within=4 * error, name=f"θ = {theta}: V")
        name = f"θ = {theta}: standard error of V"
        value_check(lambda e=its_error: e, [([], error)], within=0.05 * error, name=name)


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="One mean over both kinds, where two means are added."
# def value_by_draws(real_logits, fake_logits):
#     terms = -np.logaddexp(0, np.concatenate([-real_logits, fake_logits]))
#     return np.array([terms.mean(), terms.std() / np.sqrt(len(terms))])

# %% [raw] tags=["wrong"] name="exercise-a" says="The probability is formed first: log 0 at a logit of 800."
# def value_by_draws(real_logits, fake_logits):
#     real, fake = np.log(1 / (1 + np.exp(-real_logits))), np.log(1 - 1 / (1 + np.exp(-fake_logits)))
#     variance = real.var() / len(real) + fake.var() / len(fake)
#     return np.array([real.mean() + fake.mean(), np.sqrt(variance)])

# %% [raw] tags=["wrong"] name="exercise-a" says="The loss L_D, which is −V."
# def value_by_draws(real_logits, fake_logits):
#     real, fake = np.logaddexp(0, -real_logits), np.logaddexp(0, fake_logits)
#     variance = real.var() / len(real) + fake.var() / len(fake)
#     return np.array([real.mean() + fake.mean(), np.sqrt(variance)])

# %% [raw] tags=["wrong"] name="exercise-a" says="The two standard errors are added without squaring."
# def value_by_draws(real_logits, fake_logits):
#     real, fake = -np.logaddexp(0, -real_logits), -np.logaddexp(0, fake_logits)
#     error = real.std() / np.sqrt(len(real)) + fake.std() / np.sqrt(len(fake))
#     return np.array([real.mean() + fake.mean(), error])

# %% [raw] tags=["wrong"] name="exercise-a" says="The deviation of single draws for the standard error."
# def value_by_draws(real_logits, fake_logits):
#     real, fake = -np.logaddexp(0, -real_logits), -np.logaddexp(0, fake_logits)
#     return np.array([real.mean() + fake.mean(), np.sqrt(real.var() + fake.var())])

# %% [markdown]
# ## Exercise B: both signs, stated in V · 练习 B：用 V 表述的一轮博弈
#
# Algorithm 1 has one value and no losses: D wants $V$ large, G wants it small.  Below, the article's two plus signs
# stand in a round that is stated in $V$.  Mend it.  D moves first; G then asks the D that has just moved.
# `minigen.grad(y, [u])[0]` is the slope of `y` by `u`; all are tensors: `.numpy()` gives the array, and
# `minigen.tensor(array)` a tensor again.
#
# ```python
# weights_new = weights + rate * slope of V by weights
# theta_new = theta + rate * slope of V by theta
# ```


# %% tags=["exercise"] name="exercise-b"
def one_round(game, weights, theta, rate):
    """One round: game(weights, theta) → V, a tensor; weights and theta tensors → the new ones, as arrays."""
    ### BEGIN SOLUTION
    up = minigen.grad(game(weights, theta), [weights])[0]
    weights = weights.numpy() + rate * up.numpy()  # D goes up V
    down = minigen.grad(game(minigen.tensor(weights), theta), [theta])[0]
    return weights, theta.numpy() - rate * down.numpy()  # G goes down V
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=4
def check_exercise_b(seed=0):
    def ask(game, weights, theta):
        given = [minigen.tensor(np.array(v), requires_grad=True) for v in (weights, theta)]
        found = one_round(game, *given, 0.1)
        told = "return a tuple: the new weights, the new theta"
        assert isinstance(found, tuple) and len(found) == 2, told
        assert np.shape(found[0]) == np.shape(weights), "first the weights, then theta"
        return found

    weights, theta = ask(lambda weights, theta: (weights * theta).sum(), [2.0], 3.0)
    toy = "V = wθ, w = 2: the new"
    name = f"{toy} w: D moves first, from θ = 3"
    value_check(lambda: weights, [([], np.array([2.3]))], name=name)
    value_check(lambda: theta, [([], 2.77)], name=f"{toy} θ; which D does G ask?")

    rng, weights, theta = np.random.default_rng(seed), np.zeros(2), 0.0
    for _ in range(1000):
        x, noise = 2 + 0.5 * rng.standard_normal(256), 0.5 * rng.standard_normal(256)

        def game(weights, theta, x=x, noise=noise):
            w, b = weights[0], weights[1]
            real_logits, fake_logits = w * x + b, w * (theta + noise) + b
            return -gan.minimax.discriminator(real_logits, fake_logits)

        weights, theta = ask(game, weights, theta)
    assert abs(theta - 2) < 0.3, f"after 1,000 rounds θ is {theta:.2f}, and the data lie around 2"


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Both plus, as printed: G helps D."
# def one_round(game, weights, theta, rate):
#     up = minigen.grad(game(weights, theta), [weights])[0]
#     weights = weights.numpy() + rate * up.numpy()
#     return weights, theta.numpy() + rate * minigen.grad(game(minigen.tensor(weights), theta), [theta])[0].numpy()

# %% [raw] tags=["wrong"] name="exercise-b" says="Both minus: right for two losses, but V is no loss of D's."
# def one_round(game, weights, theta, rate):
#     up = minigen.grad(game(weights, theta), [weights])[0]
#     weights = weights.numpy() - rate * up.numpy()
#     return weights, theta.numpy() - rate * minigen.grad(game(minigen.tensor(weights), theta), [theta])[0].numpy()

# %% [raw] tags=["wrong"] name="exercise-b" says="Both slopes at the old place: G asks the D before its move."
# def one_round(game, weights, theta, rate):
#     up, down = minigen.grad(game(weights, theta), [weights, theta])
#     return weights.numpy() + rate * up.numpy(), theta.numpy() - rate * down.numpy()

# %% [raw] tags=["wrong"] name="exercise-b" says="Right, but returned in the other order."
# def one_round(game, weights, theta, rate):
#     up = minigen.grad(game(weights, theta), [weights])[0]
#     weights = weights.numpy() + rate * up.numpy()
#     return theta.numpy() - rate * minigen.grad(game(minigen.tensor(weights), theta), [theta])[0].numpy(), weights

# %% [markdown]
# ## A question in words · 一道文字题
#
# A friend saw $L_D=1.386$ at the end.  She held G and trained D for 300 rounds: $L_D$ 1.386 → 1.384.  Is she done?
# What could still be wrong, and what would you do to decide?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Not yet: this D wins nothing, but D may be too weak, in kind or because it
# does not learn; $\sigma(wx+b)$, for one, cannot see that fakes with the right mean are spread too far (1).  To decide:
# hold G and train a larger, freshly made D, at another rate; if $L_D$ falls clearly, she is not done (1).  And look at
# the samples, or compare moments with the data's, more than the mean (1).

# %% [markdown]
# ## What to take along · 小结
#
# - For a given G the best D is $p/(p+q)$, and a trained network finds it from samples.
# - With the best D the value is $-\ln4+2\,JSD$: G's valley has its bottom where $q=p$.
# - Two losses, two minus signs; or one value, D up and G down.  F1 and F2 are right, F3 and F4 are not (E1).
# - Losses of 1.386 and 0.693 mean that D guesses, not why.  Judge the end, and try whether D can still win.
#
# **New terms**: generator (生成器), discriminator (判别器), value of the game (博弈的值), best discriminator
# (最优判别器), Jensen–Shannon divergence (JS 散度), adversarial training (对抗训练), equilibrium (均衡).
# **Read next**: `Gan.step` in `minigen/train/gan.py`, the same round for pictures.

# %%
checklist(
    [
        check_loss,
        check_best_answer,
        check_value_of_the_game,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=15,
)
