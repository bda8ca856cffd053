# ---
# jupyter:
#   minigen:
#     title: KL divergence
#     zh: KL 散度
#     says: What a code costs to send, and why a formula without an expectation over z is not a number.
#     minutes: 25
#     budget_s: 8
#     needs: ["00"]
#     covers: [F5, F12, M2, S15, E2]
#     picture: 1
#     terms:
#     - [KL divergence, KL 散度, "KL(q‖p)", kl, "F5, F12"]
#     - [prior, 先验分布, "p(z)", prior, F5]
#     - [posterior of the encoder, 近似后验, "q(z∣x)", q, F5]
#     - [expectation, 期望, "𝔼", "", F5]
#     - [log-variance, 对数方差, "log σ²", logvar, M2]
#     - [nat, 奈特, "", "", ""]
# ---

# %% [markdown]
# # 10 · KL divergence · KL 散度
#
# *25 minutes to read, 8 seconds to run.  Before it: lesson 00.*
#
# A variational autoencoder turns each picture into a small cloud of codes.  This lesson asks what such a cloud
# costs, finds that the article's formula for it is not yet a number, and mends it.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 变分自编码器（VAE）的数学模型 the article gives the encoder's loss (F5, and once more as F12):
#
# $$L_E=\sum_{x} p(x)\,\log\frac{q_\phi(z|x)}{p(z)} \tag{F5}$$
#
# The left side is one number.  On the right, $x$ is summed away, but $z$ is still there: for every code $z$ the
# right side has another value.  Which $z$ is meant?  That is the question of this lesson.  In words the article has it
# right: its list of steps (S15) asks for the KL divergence between what the encoder answers and the prior.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $q(z\mid x)$ | the encoder's cloud of codes for one picture | 近似后验 | `q` | – | F5 |
# | $p(z)$ | the prior, a standard normal | 先验分布 | `prior` | – | F5 |
# | $\mu,\ \log\sigma^2$ | mean and log-variance of the cloud | 均值、对数方差 | `mu`, `logvar` | (N, Z) | M2 |
# | $z$ | a code drawn from the cloud | 潜变量 | `z` | (N, Z) | F5 |
# | $L_E$ | what the cloud costs, in nats | 编码器损失 | `kl` | () | F5 |
#
# The article uses $L_D$ twice, for the discriminator (F2) and for the decoder (F6), $D$ likewise, and $E$ for the
# encoder and the expectation.  Here $\mathbb E$ is always the expectation.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, invariant_check, value_check
from minigen.losses.vae import gaussian_kl, log_normal, log_standard_normal

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to five lines · 从公式到代码
#
# The Kullback–Leibler divergence is the expectation over the cloud itself:
#
# $$KL(q\,\|\,p)=\mathbb E_{z\sim q}\left[\log q(z|x)-\log p(z)\right]$$
#
# Read it as a price.  $-\log p(z)$ is the length of a message that names $z$ to someone who knows only the prior;
# $-\log q(z|x)$ is its length for someone who has seen the picture.  The difference, averaged over the codes that
# the encoder really sends, is what the picture itself has to pay.  Natural logarithms make the unit *nats*.
#
# For two normal distributions the expectation has a closed form (Kingma & Welling 2014, appendix B):
#
# $$KL=\tfrac12\sum_{j}\left(\mu_j^2+\sigma_j^2-1-\log\sigma_j^2\right) \tag{M2}$$


# %%
def kl_by_hand(mu, logvar):
    """½ Σ (μ² + σ² − 1 − log σ²), summed over the latents, the mean over the pictures."""
    terms = mu * mu + minigen.exp(logvar) - 1 - logvar  # (N, Z)
    return 0.5 * minigen.sum(terms, axis=-1).mean()


# %% [markdown]
# Does it hold?  Three questions, since none of them is enough alone: is the **value** that of a case known by other
# means, is the **gradient** that of the value, and does an **invariant** hold that needs no formula at all.
#
# $KL(N(1, 0.5^2)\,\|\,N(0,1)) = \tfrac12(1 + \tfrac14 - 1 - \log\tfrac14) = 0.818147$; and a cloud that equals the
# prior costs nothing.


# %%
def check_value(seed=0):
    one, at_prior = np.ones((1, 1)), np.zeros((3, 2))
    value_check(
        kl_by_hand,
        [([one, np.log(0.25) * one], 0.8181471806), ([at_prior, at_prior], 0.0)],
        rtol=1e-9,
    )


def check_gradient(seed=0):
    rng = np.random.default_rng(seed)
    grad_check(
        kl_by_hand, {"mu": rng.normal(size=(4, 3)), "logvar": rng.normal(size=(4, 3))}, order=2
    )


def check_never_negative(seed=0):
    invariant_check(
        gaussian_kl,
        lambda rng: tuple(rng.normal(size=(2, 5, 3))),
        says="KL is never negative",
        seed=seed,
    )


check_value()
check_gradient()
check_never_negative()

# %% [markdown]
# ## Experiment: the summand and its mean · 实验：被加项与期望
#
# Take one cloud, $q=N(1.2, 0.6^2)$, draw 200,000 codes from it, and look at the bare summand
# $\log q(z|x)-\log p(z)$, which is what F5 has under its sum.

# %%
mu, logvar = np.full((1, 1), 1.2), np.full((1, 1), np.log(0.6**2))
z = mu + np.exp(0.5 * logvar) * rng.standard_normal((200_000, 1))
q, prior = log_normal(z, mu, logvar), log_standard_normal(z)
summand = q - prior

kl = float(gaussian_kl(mu, logvar))
error = summand.std() / np.sqrt(summand.size)
print(f"closed form {kl:.4f}    mean of the summand {summand.mean():.4f} ± {error:.4f} nats")
below = 100 * (summand < 0).mean()
print(
    f"a single summand: from {summand.min():.1f} to {summand.max():.1f}, negative {below:.1f} % of the time"
)
assert (
    abs(summand.mean() - kl) < 4 * error
)  # 4 standard errors: a right mean misses them once in 16,000

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.hist(summand, bins=120, range=(-4, 2), color="0.75")
axes.axvline(0, color="0.4", linestyle=":", label="0: below it a single value says “negative cost”")
axes.axvline(kl, color="C0", label=f"the mean: KL = {kl:.3f} nats")
axes.set(
    xlabel="log q(z|x) − log p(z), in nats",
    ylabel="draws of z",
    title="What F5 leaves open, and its mean",
)
axes.legend(frameon=False, loc="upper left")
plt.show()

# %% [markdown]
# **Figure 1.** Histogram of the summand of F5 over 200,000 codes: a long tail to the left, an eighth of it below 0;
# a line marks the mean, which is the KL divergence, 0.911 nats.

# %% [markdown]
# ## Erratum E2: the expectation is missing · 勘误 E2：缺少对 z 的期望
#
# > **Claim.** $L_E=\sum_x p(x)\log\frac{q(z|x)}{p(z)}$ is what the encoder makes small.
# >
# > **Test.** Hold $z = 0$, as the formula as printed allows, and descend by $\mu$ and $\log\sigma^2$; beside it
# > descend the KL divergence from the same start.  A cost must not fall below zero.
# >
# > **Right.** $L_E=\mathbb E_x\,\mathbb E_{z\sim q(z|x)}\left[\log q(z|x)-\log p(z)\right]$


# %%
def summand_at_0(mu, logvar):
    z = np.zeros((1, 1))
    return (log_normal(z, mu, logvar) - log_standard_normal(z)).mean()


def descend(loss, steps, rate=0.1):
    """The loss before each step of plain gradient descent from μ = 1, σ = ½."""
    mu = minigen.tensor(np.ones((1, 1)), requires_grad=True)
    logvar = minigen.tensor(np.full((1, 1), np.log(0.25)), requires_grad=True)
    path = []
    for _ in range(steps):
        value = loss(mu, logvar)
        path.append(value.item())
        d_mu, d_logvar = minigen.grad(value, [mu, logvar])
        mu = minigen.tensor(mu.numpy() - rate * d_mu.numpy(), requires_grad=True)
        logvar = minigen.tensor(logvar.numpy() - rate * d_logvar.numpy(), requires_grad=True)
    return path


as_printed, mended = descend(summand_at_0, 5), descend(gaussian_kl, 300)
print("F5 as printed, at z = 0 :", "  ".join(f"{value:.2f}" for value in as_printed))
print(f"the KL divergence       : {mended[0]:.3f} … {mended[-1]:.1e}")
assert as_printed[-1] < 0  # no cost is ever negative: the claim fails
assert 0 <= mended[-1] < 1e-9
print("verdict: F5 as printed falls without end; with the expectation it ends at 0")

# %% [markdown]
# In fairness: if $z$ is *drawn* from $q(z|x)$, F5's summand is an unbiased estimate of the right number, as Figure 1
# shows, and many programs use it so.  What is missing is the sentence that says where $z$ comes from.  And it decides
# even the sign: averaged over draws from the *prior* instead, the same summand is $-KL(p\,\|\,q)$.

# %%
mu_grid, logvar_grid = np.meshgrid(np.linspace(-2, 2, 81), np.linspace(-4, 2, 81))
cost = 0.5 * (mu_grid**2 + np.exp(logvar_grid) - 1 - logvar_grid)

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
lines = axes.contour(
    mu_grid, logvar_grid, cost, levels=[0.05, 0.2, 0.5, 1, 2, 3], cmap="cividis", vmax=5
)
axes.clabel(lines, fmt="%g")
axes.plot(0, 0, "k+", markersize=12)
axes.annotate("the prior: 0 nats", (0, 0), (-0.5, -3.5), arrowprops={"arrowstyle": "->"})
axes.set(xlabel="μ", ylabel="log σ²", title="What a cloud costs, in nats")
plt.show()

# %% [markdown]
# **Figure 2.** Contours of the KL divergence over μ and log σ²: a bowl with its bottom, 0 nats, at μ = 0 and
# log σ² = 0; steep where σ shrinks and where it grows.

# %% [markdown]
# ## Exercise A: the KL of one cloud · 练习 A
#
# Write the closed form yourself, in NumPy, for one cloud of Z latents: `mu` and `logvar` have shape (Z,), and the
# answer is one number in nats.  The check asks for the value, for 0 at the prior, and compares with a mean over draws.


# %% tags=["exercise"] name="exercise-a"
def kl_of_cloud(mu, logvar):
    """KL(N(μ, σ²) ‖ N(0, 1)) of one cloud: mu, logvar (Z,) → one number."""
    ### BEGIN SOLUTION
    return 0.5 * np.sum(mu**2 + np.exp(logvar) - 1 - logvar)
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    value_check(
        kl_of_cloud,
        [([np.zeros(3), np.zeros(3)], 0.0), ([np.ones(1), np.log([0.25])], 0.8181471806)],
    )
    mu, logvar = rng.normal(size=4), rng.normal(size=4)
    z = mu + np.exp(logvar / 2) * rng.standard_normal((20_000, 4))
    draws = log_normal(z, mu, logvar) - log_standard_normal(z)
    draws = draws.sum(axis=-1) if draws.ndim == 2 else draws
    value_check(
        kl_of_cloud, [([mu, logvar], draws.mean())], within=4 * draws.std() / np.sqrt(len(draws))
    )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The sign is turned round: Kingma & Welling's appendix has −KL."
# def kl_of_cloud(mu, logvar):
#     return 0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))

# %% [raw] tags=["wrong"] name="exercise-a" says="logvar is taken for log σ."
# def kl_of_cloud(mu, logvar):
#     return 0.5 * np.sum(mu**2 + np.exp(2 * logvar) - 1 - 2 * logvar)

# %% [raw] tags=["wrong"] name="exercise-a" says="The mean over the latents, where their sum is meant."
# def kl_of_cloud(mu, logvar):
#     return 0.5 * np.mean(mu**2 + np.exp(logvar) - 1 - logvar)

# %% [markdown]
# ## Exercise B: sum or mean · 练习 B：求和还是求平均
#
# A frequent line in programs is `terms.mean()`, over pictures *and* latents.  It is (N, Z) numbers, all averaged, and
# trains something; only it is no longer in nats per image.  Mend `nats_per_image` so that a latent which costs nothing
# (its cloud is the prior) leaves the result as it was.


# %% tags=["exercise"] name="exercise-b"
def nats_per_image(terms):
    """What a batch costs, in nats per image: terms (N, Z), the cost of each latent of each picture → one number."""
    ### BEGIN SOLUTION
    return terms.sum(axis=1).mean()
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    terms = np.random.default_rng(seed).uniform(0.1, 2, size=(5, 3))
    idle = np.concatenate([terms, np.zeros((5, 13))], axis=1)  # 13 latents more, which cost nothing
    twice = np.concatenate([terms, terms])  # every picture twice: per image, nothing changes
    value_check(
        nats_per_image, [([np.ones((2, 3))], 3.0)], name="nats_per_image of all ones, (2, 3)"
    )
    value_check(nats_per_image, [([idle], nats_per_image(terms))], name="13 idle latents more")
    value_check(nats_per_image, [([twice], nats_per_image(terms))], name="every picture twice")


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="The mean over everything: the KL weighs 1/Z of what it should."
# def nats_per_image(terms):
#     return terms.mean()

# %% [raw] tags=["wrong"] name="exercise-b" says="The sum over everything: the loss grows with the batch."
# def nats_per_image(terms):
#     return terms.sum()

# %% [markdown]
# ## A question in words · 一道文字题
#
# An encoder answers $\mu=0,\ \sigma=1$ to every picture.  What does it cost, what has the decoder got to work with, and
# would you call the encoder good?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  It costs exactly 0 nats (1).  The code is the same noise for every
# picture, so the decoder knows nothing about the picture and can do no better than one answer for all (1).  So a KL of
# 0 is not a success but an encoder that is not used, posterior collapse; the KL must be judged beside the
# reconstruction (1).

# %% [markdown]
# ## What to take along · 小结
#
# - A cost is a number only once every random variable in it has been averaged: $\mathbb E_{z\sim q}$ is no ornament.
# - $KL\ge 0$, and 0 only where the cloud is the prior.  A single sample may be negative; its mean is not.
# - A gradient check cannot see E2: forward and backward agree on the wrong formula.  The value and the invariant can.
# - Sum over the latents, mean over the pictures: nats per image.
#
# **New terms**: KL divergence (KL 散度), prior (先验分布), approximate posterior (近似后验), log-variance (对数方差),
# nat (奈特).  **Read next**: `gaussian_kl` in `minigen/losses/vae.py`, which writes $\sigma^2-1$ as `expm1(logvar)`,
# because near the prior $e^{\log\sigma^2}-1$ loses its digits.

# %%
checklist(
    [check_value, check_gradient, check_never_negative, check_exercise_a, check_exercise_b],
    started=started,
    budget_s=8,
)
