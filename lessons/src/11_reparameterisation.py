# ---
# jupyter:
#   minigen:
#     title: Reparameterisation
#     zh: 重参数化
#     says: The encoder answers with a cloud, not a point; how a slope gets through a random draw.
#     minutes: 25
#     budget_s: 10
#     needs: ["10"]
#     covers: [M1, S11, S13, E11]
#     picture: 2
#     terms:
#     - [reparameterisation, 重参数化, "z = μ + σε", reparameterise, M1]
#     - [standard deviation, 标准差, "σ", sigma, M1]
#     - [latent code, 潜变量, z, z, "S11, S13"]
#     - [path derivative, 路径导数, "", path, M1]
#     - [score-function estimator, 得分函数估计, "", score, ""]
# ---

# %% [markdown]
# # 11 · Reparameterisation · 重参数化
#
# *25 minutes to read, 10 seconds to run.  Before it: lesson 10.*
#
# Lesson 10 gave each picture a small cloud of codes.  To decode one of them, a program has to draw it; but who can
# differentiate a random draw?  This lesson shows that the encoder must answer with a cloud and not with a point, and
# how the slope gets through the draw all the same.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In the part 变分自编码器（VAE） of its chapter on algorithms, the encoder's third step (S11, 潜在空间映射) maps the
# data to a *point* of the latent space, and the first step of training (S13, 数据生成) generates from such points.
# Its mathematics, though, calls the encoder's answer a distribution, $q(z\mid x)$.  No formula says how one becomes
# the other.  The one that is missing is called M1 here (Kingma & Welling 2014, section 2.4):
#
# $$z=\mu+\sigma\,\varepsilon,\qquad \sigma=e^{\frac12\log\sigma^2},\qquad \varepsilon\sim N(0,1) \tag{M1}$$
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $\mu,\ \log\sigma^2$ | the encoder's answer: mean, log-variance | 均值、对数方差 | `mu`, `logvar` | (N, Z) | M1 |
# | $\sigma$ | standard deviation of the cloud | 标准差 | `sigma` | (N, Z) | M1 |
# | $\varepsilon$ | a standard normal draw | 标准正态噪声 | `noise` | (N, Z) | M1 |
# | $z$ | a code drawn from the cloud | 潜变量 | `z` | (N, Z) | S11, S13 |
# | $f(z)$ | what comes of the code, later the loss | 关于 z 的函数 | `f` | (N,) | – |
#
# The article writes $E$ both for the encoder and for the expectation; here $\mathbb E$ is always the expectation.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import CheckError, checklist, grad_check, value_check
from minigen.losses.vae import gaussian_kl, log_normal, reparameterise
from minigen.models.linear_gaussian import LinearGaussian

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to one line · 从公式到代码
#
# The trick is to draw *before* the encoder's numbers come in.  $\varepsilon$ owes nothing to $\mu$ and $\sigma$, so
# once it is drawn it is a constant, and $z$ is an ordinary function with ordinary slopes:
# $\partial z/\partial\mu=1$ and $\partial z/\partial\log\sigma^2=\tfrac12\sigma\varepsilon$.


# %%
def reparameterise_by_hand(mu, logvar, noise):
    """z = μ + σ ε with σ = exp(½ log σ²): a draw of N(μ, σ²), given a draw ε of N(0, 1)."""
    return mu + minigen.exp(0.5 * logvar) * noise


# %% [markdown]
# Three questions as always.  The **value**: with $\sigma^2=\tfrac14$ and $\varepsilon=2$, $z=\mu+1$.  The
# **gradient**, with the noise held fixed.  And something that needs no formula: many draws together must have the
# **mean and the deviation** that were asked for, up to 4 standard errors.


# %%
def check_value(seed=0):
    one, (mu, logvar) = np.ones((1, 1)), np.ones((2, 5, 3))
    noise = np.random.default_rng(seed).standard_normal((5, 3))
    library = reparameterise(mu, logvar, rng=np.random.default_rng(seed))  # same rng, same draw
    cases = [([3 * one, np.log(0.25) * one, 2 * one], 4 * one), ([mu, logvar, noise], library)]
    value_check(reparameterise_by_hand, cases, rtol=1e-12)


def check_gradient(seed=0):
    rng = np.random.default_rng(seed)
    inputs = {name: rng.normal(size=(4, 3)) for name in ("mu", "logvar", "noise")}
    grad_check(reparameterise_by_hand, inputs, order=2, fixed=("noise",))


def check_moments(seed=0, sampler=reparameterise_by_hand):
    mu, sigma, n = np.array([1.2, -1.0]), np.array([0.5, 1.5]), 20_000
    noise = np.random.default_rng(seed).standard_normal((n, 2))

    def moments(mu, logvar):
        z = np.asarray(sampler(np.tile(mu, (n, 1)), np.tile(logvar, (n, 1)), noise))
        return np.stack([z.mean(axis=0), z.std(axis=0)])

    errors = np.stack([sigma, sigma / np.sqrt(2)]) / np.sqrt(n)  # standard errors of the two
    cases = [([mu, np.log(sigma**2)], np.stack([mu, sigma]))]
    value_check(moments, cases, within=4 * errors)


check_value()
check_gradient()
check_moments()

# %% [markdown]
# ## A right gradient of a wrong formula · 梯度对，公式错
#
# A common slip in VAE programs forgets the ½ and takes `exp(logvar)` for the deviation.  That is $\sigma^2$: .25
# where .5 is meant.  Which of our checks notices?


# %%
def with_exp_logvar(mu, logvar, noise):
    return mu + minigen.exp(logvar) * noise


inputs = {name: rng.normal(size=(4, 3)) for name in ("mu", "logvar", "noise")}
grad_check(with_exp_logvar, inputs, order=2, fixed=("noise",))  # passes!
try:
    check_moments(sampler=with_exp_logvar)
except CheckError as error:
    print(error)
else:
    raise AssertionError("the check of the moments should have noticed")

# %% [markdown]
# The gradient check passes, since forward and backward agree, on the wrong formula.  **A gradient check is no formula
# check.**  The moments tell at once: σ² stands in the place of σ, so narrow clouds become too narrow and wide ones
# too wide.

# %%
sigma = np.array([0.5, 1.5])
logvar, noise = np.tile(np.log(sigma**2), (1000, 1)), rng.standard_normal((1000, 2))
angle = np.linspace(0, 2 * np.pi, 100)
panels = {"exp(logvar / 2)": reparameterise_by_hand, "exp(logvar)": with_exp_logvar}

figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), sharex=True, sharey=True, layout="constrained")
for axis, (title, sampler) in zip(axes, panels.items(), strict=True):
    z = np.asarray(sampler(np.zeros((1000, 2)), logvar, noise))
    inside = 100 * np.mean(np.sum((z / sigma) ** 2, axis=1) < 4)
    axis.plot(*z.T, ".", color="0.6", markersize=2)
    axis.plot(2 * sigma[0] * np.cos(angle), 2 * sigma[1] * np.sin(angle), "k--")
    axis.set(title=f"σ = {title}: {inside:.0f} % inside 2 σ", xlabel="first latent, σ = 0.5")
axes[0].set(ylabel="second latent, σ = 1.5", xlim=(-3, 3))
plt.show()

# %% [markdown]
# **Figure 1.** Two clouds of 1,000 codes under the same dashed ellipse of two deviations.  Left, with exp(logvar / 2),
# the cloud fills it (1 − e⁻² = 86 % should lie inside); right, with exp(logvar), it is too narrow by half and too tall
# by half.

# %% [markdown]
# ## Experiment: two ways to a slope · 实验：两种求梯度的方法
#
# What training needs is the slope of an *average*, $\mathbb E_{z\sim q}f(z)$.  There are two ways.  One follows the
# path through M1.  The other leaves $z$ a bare number and differentiates how likely it was, since
# $\nabla q=q\,\nabla\log q$; this is the score-function estimator:
#
# $$\nabla_\mu\,\mathbb E_{z\sim q}f(z)\;=\;\underbrace{\mathbb E_\varepsilon\left[f'(\mu+\sigma\varepsilon)\right]}
# _{\text{path}}\;=\;\underbrace{\mathbb E_{z\sim q}\left[f(z)\,\nabla_\mu\log q(z)\right]}_{\text{score}}$$
#
# For $f(z)=z^2$ the answer is known: $\mathbb E f=\mu^2+\sigma^2$, with slopes $2\mu$ by $\mu$ and $\sigma^2$ by
# $\log\sigma^2$.


# %%
def f(z):
    return minigen.sum(z * z, axis=-1)


n = 200_000
mu, logvar = (np.full((n, 1), number) for number in (1.2, np.log(0.6**2)))
mu, logvar = (minigen.tensor(x, requires_grad=True) for x in (mu, logvar))
z = reparameterise_by_hand(mu, logvar, rng.standard_normal((n, 1)))
path = minigen.grad(f(z).sum(), [mu, logvar])
number = z.numpy()  # the same codes, no longer a function of μ and σ
score = minigen.grad((f(number) * log_normal(number, mu, logvar)).sum(), [mu, logvar])

print("slope by     closed   path: mean, variance   score: mean, variance")
for name, true, *both in zip(("mu", "logvar"), (2 * 1.2, 0.6**2), path, score, strict=True):
    p, s = (slope.numpy()[:, 0] for slope in both)
    for slope in (p, s):  # both are right on average
        assert abs(slope.mean() - true) < 4 * slope.std() / np.sqrt(n)
    numbers = (true, p.mean(), p.var(), s.mean(), s.var())
    print(f"{name:<12}" + "{:7.3f}     {:7.3f}, {:7.3f}        {:7.3f}, {:7.3f}".format(*numbers))
    assert 10 * p.var() < s.var()

# %%
bins = np.linspace(-4, 18, 150)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
for slope, name, kind in ((score, "score", "stepfilled"), (path, "path", "step")):
    values, color = slope[0].numpy()[:, 0], {"path": "C0", "score": "0.75"}[name]
    label = f"{name}: deviation {values.std():.1f}"
    axes.hist(values, bins, density=True, histtype=kind, color=color, label=label)
axes.axvline(2.4, color="k", linestyle=":", label="closed form, 2μ = 2.4")
axes.set(xlabel="slope by μ from one draw", ylabel="density", title="The same mean, another spread")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 2.** Histograms of the slope by μ from single draws: by path a narrow bell of deviation 1.2 around 2.4, by
# score a long-tailed pile of deviation 5.6 with the same mean.

# %% [markdown]
# Both are right on average, but the variance differs by a factor of 22, so the score needs 22 times as many draws for
# the same accuracy.  And that is *one* latent: the score multiplies each latent's slope by the whole of $f$, noise of
# all others included.  Hence a VAE follows the path and can do with one draw a picture, if the batch is large enough
# (Kingma & Welling 2014, section 2.3).  The score remains for what has no path, such as a choice among words.

# %% [markdown]
# ## Erratum E11: not a point · 勘误 E11：编码器给出的不是一个点
#
# > **Claim.** The encoder maps a picture to a point (S11), and training generates from latent points (S13).
# >
# > **Test.** Take a model so simple that the truth can be counted: $z\sim N(0,1)$, $x=z+\tfrac12\varepsilon$.  Draw
# > 400,000 pairs, keep those with $x$ within .05 of 1, and look which codes they came from.  Were a point the answer,
# > they would agree.
# >
# > **Right.** The encoder answers with $\mu$ and $\log\sigma^2$; $z$ is a draw (M1).  Here the answer is $N(0.8, 0.2)$.
#
# S13 leaves open *whose* points are decoded.  In training, codes drawn from $q(z\mid x)$ of the very $x$ that is to be
# rebuilt; a code of the prior knows nothing of $x$, and serves to make new pictures later.

# %%
z = rng.standard_normal(400_000)
x = z + 0.5 * rng.standard_normal(400_000)
codes = z[abs(x - 1) < 0.05]
error = np.sqrt(0.2 / (2 * len(codes)))
print(f"{len(codes)} codes made an x near 1: deviation {codes.std():.3f}, and √0.2 = 0.447")
assert abs(codes.std() - np.sqrt(0.2)) < 4 * error  # and so far from 0: the claim fails

model = LinearGaussian()  # this very model, with the encoder that is right for it
mu, logvar = model.encode(np.ones((5000, 1)))
from_mean = model.decode(mu).numpy().std()
from_draws = model.decode(reparameterise(mu, logvar, rng=rng)).numpy().std()
print(f"decoded: from the mean, spread {from_mean:.3f}; from draws, spread {from_draws:.3f}")
assert from_mean < 1e-12 and abs(from_draws - np.sqrt(0.2)) < 4 * np.sqrt(0.2 / 10_000)

for variance in (0.2, 1e-2, 1e-4, 1e-8):
    price = gaussian_kl(np.full((1, 1), 0.8), np.full((1, 1), np.log(variance)))
    print(f"a cloud of variance {variance:<6g} costs {price:6.3f} nats")

own = reparameterise(*model.encode(x[:, None]), rng=rng).numpy()[:, 0]
of_prior = rng.standard_normal(len(x))
misses = [np.mean((x - code) ** 2) for code in (own, of_prior)]  # this decoder answers z itself
print(f"mean squared miss of x: codes of q(z|x) {misses[0]:.2f}, of the prior {misses[1]:.2f}")
assert misses[0] < 0.3 < 2 < misses[1]
print("verdict: many codes make the same x; a point hides that, and its price has no end")

# %%
grid = np.linspace(-1, 2.6, 200)
density = np.exp(-((grid - 0.8) ** 2) / 0.4) / np.sqrt(0.4 * np.pi)
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.hist(codes, bins=60, density=True, color="0.75", label="codes that made an x near 1")
axes.plot(grid, density, label="the right encoder: N(0.8, 0.2)")
axes.axvline(0.8, color="k", linestyle="--", label="an encoder that gives a point")
axes.set(xlabel="code z", ylabel="density", title="Which codes belong to x = 1?", xlim=(-1, 3.2))
axes.legend(frameon=False, loc="upper right")
plt.show()

# %% [markdown]
# **Figure 3.** Histogram of the codes behind one and the same x: a bell around 0.8 of deviation 0.45, on which the
# right encoder's curve lies; a dashed line marks the one point that the claim would leave of it.

# %% [markdown]
# ## Exercise A: several draws of each · 练习 A
#
# Write the sampler that draws `k` codes for each picture: tensors `mu` and `logvar` (N, Z) go in, a tensor (N, k, Z)
# comes out.  Every code has noise of its own, taken from `rng`, and slopes must reach `mu` and `logvar`.  You will want
# `minigen.reshape(x, shape)`, `minigen.exp`, and `rng.standard_normal(shape)`.


# %% tags=["exercise"] name="exercise-a"
def draw_codes(mu, logvar, k, rng):
    """k draws of N(μ, σ²) for each picture: mu, logvar (N, Z) → (N, k, Z), with slopes by both."""
    ### BEGIN SOLUTION
    N, Z = mu.shape
    sigma = minigen.exp(minigen.reshape(logvar, (N, 1, Z)) / 2)
    return minigen.reshape(mu, (N, 1, Z)) + sigma * rng.standard_normal((N, k, Z))
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=5
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    mu, logvar, k = rng.normal(size=(3, 2)), rng.normal(size=(3, 2)), 20_000
    sigma = np.exp(logvar / 2)

    def draw(mu, logvar, k=k):  # of arrays or tensors; always with the same noise
        mu, logvar = (
            x if isinstance(x, minigen.Tensor) else minigen.tensor(x) for x in (mu, logvar)
        )
        return draw_codes(mu, logvar, k, np.random.default_rng(seed))

    z = draw(mu, logvar)
    assert isinstance(z, minigen.Tensor), "a tensor must come out; an array has lost its slopes"
    assert z.shape == (3, k, 2), f"the codes have shape {z.shape}, not (N, k, Z) = (3, {k}, 2)"
    z = z.numpy()
    assert np.array_equal(z, draw(mu, logvar).numpy()), "same rng, another draw: use the rng given"
    units = ((z - mu[:, None]) / sigma[:, None]).transpose(0, 2, 1).reshape(6, k)
    shared = abs(np.triu(units @ units.T / k, 1)).max()  # of two different pictures or latents
    assert not shared > 0.1, "pictures or latents share their noise: which shape should it have?"

    def moments(mu, logvar):
        z = draw(mu, logvar).numpy()
        return np.stack([z.mean(axis=1), z.std(axis=1)])

    def slopes(mu, logvar):  # of the mean of z² over the draws
        given = [minigen.tensor(x, requires_grad=True) for x in (mu, logvar)]
        squares = (draw(*given) ** 2).mean(axis=1)
        return np.stack([slope.numpy() for slope in minigen.grad(squares.sum(), given)])

    errors = np.stack([sigma, sigma / np.sqrt(2)]) / np.sqrt(k)
    value_check(moments, [([mu, logvar], np.stack([mu, sigma]))], within=4 * errors)
    grad_check(
        lambda mu, logvar: draw(mu, logvar, 4), {"mu": mu, "logvar": logvar}, name="draw_codes"
    )
    errors = np.stack([2 * sigma, np.sqrt(mu**2 * sigma**2 + 2 * sigma**4)]) / np.sqrt(k)
    value_check(slopes, [([mu, logvar], np.stack([2 * mu, sigma**2]))], within=4 * errors)


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="exp(logvar) for the deviation."
# def draw_codes(mu, logvar, k, rng):
#     N, Z = mu.shape
#     sigma = minigen.exp(minigen.reshape(logvar, (N, 1, Z)))
#     return minigen.reshape(mu, (N, 1, Z)) + sigma * rng.standard_normal((N, k, Z))

# %% [raw] tags=["wrong"] name="exercise-a" says="One noise for all pictures: it broadcasts, and nobody complains."
# def draw_codes(mu, logvar, k, rng):
#     N, Z = mu.shape
#     sigma = minigen.exp(minigen.reshape(logvar, (N, 1, Z)) / 2)
#     return minigen.reshape(mu, (N, 1, Z)) + sigma * rng.standard_normal((k, Z))

# %% [raw] tags=["wrong"] name="exercise-a" says="The noise is drawn from a generator of its own."
# def draw_codes(mu, logvar, k, rng):
#     N, Z = mu.shape
#     sigma = minigen.exp(minigen.reshape(logvar, (N, 1, Z)) / 2)
#     return minigen.reshape(mu, (N, 1, Z)) + sigma * np.random.default_rng().standard_normal((N, k, Z))

# %% [raw] tags=["wrong"] name="exercise-a" says="NumPy draws from the numbers: right moments, but no slope."
# def draw_codes(mu, logvar, k, rng):
#     N, Z = mu.shape
#     sigma = np.exp(logvar.numpy() / 2).reshape(N, 1, Z)
#     return minigen.tensor(rng.normal(mu.numpy().reshape(N, 1, Z), sigma, (N, k, Z)))

# %% [markdown]
# ## Exercise B: which sampler is wrong? · 练习 B：哪个采样器错了
#
# Four samplers, each a single line.  Three draw what M1 asks for, though they look different; the fourth does not.
# Reading may deceive you, so write a test.  `wrong_sampler` gets such samplers and an `rng`, and returns the name of
# the wrong one.  The check tries it on these four and on others, whose mistake is of another kind.  So think of what
# M1 promises (means, deviations, noise of its own for each latent), and at which μ and σ no mistake can hide.

# %%
SAMPLERS = {
    "one": lambda mu, logvar, rng: mu - np.exp(logvar / 2) * rng.standard_normal(mu.shape),
    "two": lambda mu, logvar, rng: mu + np.sqrt(np.exp(logvar)) * rng.standard_normal(mu.shape),
    "three": lambda mu, logvar, rng: mu + np.exp(logvar / 2) * rng.standard_normal((len(mu), 1)),
    "four": lambda mu, logvar, rng: rng.normal(mu, np.exp(logvar - logvar / 2)),
}


# %% tags=["exercise"] name="exercise-b"
def wrong_sampler(samplers, rng):
    """The name of the one that breaks M1: samplers, name → function(mu, logvar, rng), (N, Z)."""
    ### BEGIN SOLUTION
    mu, variance = np.array([1.0, -2.0]), np.array([0.25, 4.0])

    def misses(sampler):
        z = sampler(np.tile(mu, (20_000, 1)), np.tile(np.log(variance), (20_000, 1)), rng)
        return abs(z.mean(axis=0) - mu).sum() + abs(np.cov(z.T) - np.diag(variance)).sum()

    return max(samplers, key=lambda name: misses(samplers[name]))
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=4
def check_exercise_b(seed=0):
    rng = np.random.default_rng(seed)
    right = [SAMPLERS[name] for name in ("one", "two", "four")]
    others = {
        "these four": SAMPLERS["three"],
        "a second four": lambda mu, logvar, rng: (
            mu + np.exp(logvar) * rng.standard_normal(mu.shape)
        ),
        "a third four": lambda mu, logvar, rng: (
            np.exp(logvar / 2) * (mu + rng.standard_normal(mu.shape))
        ),
    }
    for which, wrong in others.items():
        for place in range(4):  # the wrong one in every place, and under every name
            order = [*right[:place], wrong, *right[place:]]
            four = dict(zip(SAMPLERS, order, strict=True))
            found = wrong_sampler(four, rng)
            assert found in four, f"wrong_sampler must return one of the names, not {found!r}"
            hint = "which promise of M1 have you not looked at, or where?"
            assert four[found] is wrong, f"{which}: sampler {found!r} is right; {hint}"


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="The test is made at σ = 1, where σ² is σ too."
# def wrong_sampler(samplers, rng):
#     def misses(sampler):
#         z = sampler(np.zeros((20_000, 2)), np.zeros((20_000, 2)), rng)
#         return abs(z.mean(axis=0)).sum() + abs(np.cov(z.T) - np.eye(2)).sum()
#
#     return max(samplers, key=lambda name: misses(samplers[name]))

# %% [raw] tags=["wrong"] name="exercise-b" says="Each latent by itself: two that share their noise pass."
# def wrong_sampler(samplers, rng):
#     mu, variance = np.array([1.0, -2.0]), np.array([0.25, 4.0])
#
#     def misses(sampler):
#         z = sampler(np.tile(mu, (20_000, 1)), np.tile(np.log(variance), (20_000, 1)), rng)
#         return abs(z.mean(axis=0) - mu).sum() + abs(z.var(axis=0) - variance).sum()
#
#     return max(samplers, key=lambda name: misses(samplers[name]))

# %% [raw] tags=["wrong"] name="exercise-b" says="The answer to these four is written down, and no test."
# def wrong_sampler(samplers, rng):
#     return "three"

# %% [markdown]
# ## A question in words · 一道文字题
#
# A friend's VAE uses `exp(logvar)` as the deviation and trains well: the encoder, she says, simply learns to answer
# half as much.  Is she right?  What does her loss still get wrong?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Half right: the encoder's second answer has no fixed meaning, so the sampler
# alone would only turn it into $\log\sigma$, and reconstructions can be as good (1).  But the KL divergence still reads
# the same number as $\log\sigma^2$: it prices another cloud than the one that is drawn from (1).  So the sum is no
# bound, the clouds do not fit the prior from which new pictures are drawn, and no gradient check will tell (1).

# %% [markdown]
# ## What to take along · 小结
#
# - The encoder answers with a cloud; $z=\mu+\sigma\varepsilon$ is a draw of it through which slopes pass.
# - $\sigma=e^{\frac12\log\sigma^2}$, with the ½.  The gradient check cannot see that it is missing; moments can.
# - By path and by score the mean slope is the same, the variance is not: here 1.4 against 31.
# - Frozen noise makes a random function testable: same `rng`, same draw.
#
# **New terms**: reparameterisation (重参数化), standard deviation (标准差), latent code (潜变量), path derivative
# (路径导数), score-function estimator (得分函数估计).  **Read next**: `reparameterise` in `minigen/losses/vae.py`.

# %%
checklist(
    [check_value, check_gradient, check_moments, check_exercise_a, check_exercise_b],
    started=started,
    budget_s=10,
)
