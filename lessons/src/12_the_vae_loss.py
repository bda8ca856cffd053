# ---
# jupyter:
#   minigen:
#     title: The VAE loss
#     zh: VAE 损失与 ELBO
#     says: A bound of log p(x) that can be held against the truth; three ways to spoil it, one to tighten it.
#     minutes: 75
#     budget_s: 15
#     needs: ["11"]
#     covers: [F6, F7, F13, F14, M3, T1, S10, S12, S14, S16, S21, P3, P4, E3, E6, E7]
#     picture: 1
#     terms:
#     - [evidence lower bound, 证据下界（ELBO）, ELBO, elbo, "F7, S21"]
#     - [marginal likelihood, 边缘似然, "log p(x)", log_p, S21]
#     - [decoder, 解码器, "p(x∣z)", "", "F6, S12"]
#     - [reconstruction loss, 重建损失, "L_D (VAE)", reconstruction, "F6, F13, S14"]
#     - [weight of the reconstruction, 正则化参数 λ, "λ", lam, "F7, F14"]
#     - [importance weight, 重要性权重, w, log_w, P4]
# ---

# %% [markdown]
# # 12 · The VAE loss · VAE 损失与 ELBO
#
# *75 minutes to read, 15 seconds to run.  Before it: lesson 11.*
#
# A VAE adds two losses: what the code costs, and how badly the picture is rebuilt.  Why these two, why with these
# signs, and may they be weighed at will?  One model is so simple that the right answer is known; it shall judge.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In words the article is right: the decoder rebuilds $x$ from $z$ (S12), a reconstruction loss (S14) joins the KL
# divergence, and both networks are optimised for the two (S16).  Its formulas are in 变分自编码器（VAE）的数学模型, and
# again in 使用VAE生成角色动画 (F13, F14):
#
# $$L_D=\sum_x p(x)\log p_\theta(x|z)\quad\text{(F6)}\qquad L_D=\sum_x p(x)\log p_\theta(x'|z)\quad\text{(F13)}$$
#
# $$L=L_E+\lambda L_D\quad\text{(F7, F14)}$$
#
# $L_E$ is lesson 10's KL divergence, and as there the mean over $z$ is missing.  Three more things are wrong: a sign,
# an $x'$, and a free $\lambda$.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $p(x\mid z)$ | the decoder's answer: how likely is $x$, given $z$ | 似然 | `log_px` | (N, k) | F6 |
# | $L_D$ | reconstruction loss, in nats per image | 重建损失 | `reconstruction` | () | F6, F13 |
# | $L_E$ | the KL divergence, in nats per image | KL 散度损失 | `kl` | () | F5 |
# | $\lambda$ | weight of the reconstruction | 正则化参数 | `lam` | () | F7, F14 |
# | $\log p(x)$ | log-probability of the data under the model | 边缘似然 | `log_p` | (N,) | S21 |
# | $\text{ELBO}$ | its lower bound | 证据下界 | `elbo` | (N,) | – |
# | $a$; $m$, $s$ | a pixel's logit; its mean, variance | 像素的参数 | `logits`; `mean`, `log_s` | (N, D); $s$ () | M3 |
# | $w_i$ | weight of one draw ($w$ alone: T1's decoder) | 重要性权重 | `log_w` | (N, k) | P4 |
#
# In the article $L_D$ and $D$ are the discriminator's too, and $E$ is encoder or expectation; here $\mathbb E$ is the
# expectation.

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, invariant_check, value_check
from minigen.losses.vae import article_total, bernoulli_nll, grey_cross_entropy, iwae_bound
from minigen.models.linear_gaussian import LinearGaussian
from minigen.optim import SGD

started = time.perf_counter()
SEED = 0  # another number draws other samples; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## Where the loss comes from · 损失从何而来
#
# What one would like to raise is $\log p(x)$, the probability that the model gives to the data.  It needs an integral
# over all codes, which nobody can do for a network.  But $p(x)=p(x|z)\,p(z)/p(z|x)$ for every $z$: take the logarithm,
# add and subtract $\log q(z|x)$, and average over *any* $q$ (P3: Kingma & Welling 2014, eq. 1–3):
#
# $$\log p(x)=\underbrace{\mathbb E_{z\sim q}[\log p(x|z)]-KL(q(z|x)\,\|\,p(z))}_{\text{ELBO}}
# +\underbrace{KL(q(z|x)\,\|\,p(z|x))}_{\text{gap}\;\ge\;0}$$
#
# The gap is never negative (lesson 10), so the ELBO is a lower bound, and $-\text{ELBO}=L_E+L_D$ is a loss, with
#
# $$L_D=-\,\mathbb E_{x}\,\mathbb E_{z\sim q(z|x)}\log p(x|z)$$
#
# FAQ 2 (S21) says that a VAE maximises the probability of the data.  Strictly, it raises a lower bound of it.
#
# **Model T1** is the judge: $z\sim N(0,1)$, $x=z+\tfrac12\varepsilon$, so $p(x|z)=N(z,\tfrac14)$; the second number is
# the variance.  A sum of normals is normal, hence $p(x)=N(0,\tfrac54)$.  The best $q$ is $p(z|x)$: precisions add,
# $1+4=5$, so its variance is $\tfrac15$ and its mean $\tfrac45x$.  That is what an encoder learns: the codes of this
# $x$, not the distribution of the data, as S10 has it.  In a real VAE the encoder net returns $\mu$ and $\log\sigma^2$,
# and one draw replaces $\mathbb E_q$; here both parts have a closed form, since
# $\mathbb E_q(x-wz)^2=(x-w\mu)^2+w^2\sigma^2$ (the weight $w$ is 1 for now, and learnt later):


# %%
NOISE = 0.25  # variance of p(x|z)


def parts(x, mu, logvar, w=1.0):
    """E_q log p(x|z) and KL(q ‖ p(z)) of model T1, number by number: (N, 1) each."""
    variance = minigen.exp(logvar)
    miss = (x - w * mu) ** 2 + w * w * variance
    log_px = -0.5 * (np.log(2 * np.pi * NOISE) + miss / NOISE)
    return log_px, 0.5 * (mu**2 + variance - 1 - logvar)


def elbo(x, mu, logvar):
    log_px, kl = parts(x, mu, logvar)
    return log_px - kl


def log_p(x):
    """log N(x; 0, 5/4), which only a model like this one tells."""
    return -0.5 * (np.log(2 * np.pi * 1.25) + x**2 / 1.25)


def gap(x, mu, logvar):
    """KL(q ‖ p(z|x)), from N(μ, σ²) to N(0.8 x, 0.2)."""
    v = np.exp(logvar)
    return 0.5 * (np.log(0.2) - logvar + (v + (mu - 0.8 * x) ** 2) / 0.2 - 1)


# %% [markdown]
# The **value** at $x=1$: −1.430510, $\log p(1)$ itself, for the best $q$, −4.225791 for the prior; the **gradient**;
# and two things that must always hold: the ELBO is a **bound**, and what is missing is the **gap**.


# %%
def check_value(seed=0):
    x, zero = np.ones((1, 1)), np.zeros((1, 1))
    value_check(elbo, [([x, 0.8 * x, np.log(0.2) * x], -1.4305103089 * x)], rtol=1e-9)
    value_check(elbo, [([x, zero, zero], -4.2257913526 * x)], rtol=1e-9)


def check_gradient(seed=0):
    rng = np.random.default_rng(seed)
    grad_check(elbo, {name: rng.normal(size=(4, 1)) for name in ("x", "mu", "logvar")}, order=2)


def draw(rng):
    return tuple(rng.normal(size=(3, 8, 1)))  # x, mu, logvar


def check_bound(seed=0):
    def margin(x, mu, logvar):
        return log_p(x) - np.asarray(elbo(x, mu, logvar))

    invariant_check(margin, draw, says="the ELBO never exceeds log p(x)", seed=seed)


def check_gap(seed=0):
    given = draw(np.random.default_rng(seed))

    def elbo_plus_gap(x, mu, logvar):
        return elbo(x, mu, logvar) + gap(x, mu, logvar)

    value_check(elbo_plus_gap, [(list(given), log_p(given[0]))], rtol=0, atol=1e-6)


check_value()
check_gradient()
check_bound()
check_gap()

# %%
one = np.ones((1, 1))
clouds = {"best\nN(.8, .2)": (0.8, 0.2), "N(.5, .5)": (0.5, 0.5), "prior\nN(0, 1)": (0, 1)}
clouds["too sure\nN(.8, .02)"] = (0.8, 0.02)

figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for place, (mu, variance) in enumerate(clouds.values()):
    bound = elbo(one, mu * one, np.log(variance) * one).item()
    missing = gap(one, mu * one, np.log(variance) * one).item()
    axes.bar(place, -missing, bottom=log_p(1), color="0.9", edgecolor="C0", hatch="//")
    axes.bar(place, log_p(1), color="0.6")
    text = f"ELBO {bound:.3f}\ngap {missing:.3f}"
    axes.annotate(text, (place, bound - 0.1), ha="center", va="top")
axes.axhline(log_p(1), color="k", linestyle="--", label="log p(x) = −1.431")
axes.set_xticks(range(4), clouds)
axes.set(ylabel="nats", ylim=(-5.3, 0), title="ELBO + gap = log p(x), whatever q is")
axes.legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# **Figure 1.** Bars hang from 0 down to the ELBO of four clouds q.  The grey part reaches to log p(x) = −1.431, the
# same for all; the hatched part is the gap, KL(q‖p(z|x)): 0 for the best q, 0.517, 2.795 and 0.701 for the others.

# %% [markdown]
# ## Up or down? · 往上还是往下
#
# The most frequent question about VAEs.  The ELBO goes up, the loss, $-\text{ELBO}$, goes down: one run under two
# names. Let T1 learn: the decoder $w$, the encoder $c$ and $\log v$ in $q=N(cx, v)$.  (The mean loss needs only the
# mean of $x$ and of $x^2$, 0 and 1.25; the two numbers $\pm\sqrt{1.25}$ have both.)

# %%
x = np.array([[1.25**0.5], [-(1.25**0.5)]])


def train(of_kl, of_log_px, steps):
    """The path (KL, E log p(x|z)) of descent on their sum with these signs, and the model."""
    model = LinearGaussian(w=0.5, a=0.5, v=np.exp(-1))  # its a is our c
    optimiser = SGD(model.parameters(), 0.05)
    path = []
    for _ in range(steps):
        log_px, kl = (part.mean() for part in parts(x, *model.encode(x), model.w))
        path.append((kl.item(), log_px.item()))
        loss = of_kl * kl + of_log_px * log_px
        optimiser.update(minigen.grad(loss, model.parameters()))
    return np.array(path), model


path, model = train(+1, -1, 400)  # (+1, −1): −ELBO; (+1, +1): F6; (−1, −1): F6 uphill
bound = path[:, 1] - path[:, 0]
print(f"w {model.w.item():.3f}, c {model.a.item():.3f}, v {np.exp(model.log_v.item()):.3f}")
print(f"loss −ELBO {-bound[0]:.4f} … {-bound[-1]:.4f}; mean of −log p(x) {-log_p(x).mean():.4f}")
assert -bound[0] > -bound[-1] > -log_p(x).mean() > -bound[-1] - 1e-3

figure, axes = plt.subplots(figsize=(7, 2.6), layout="constrained")
for sign, style, name in ((-1, "C0-", "loss, −ELBO: down"), (1, "C1--", "ELBO: up")):
    axes.plot(sign * bound[:60], style, label=name)
    axes.axhline(sign * log_p(x).mean(), color="0.4", linestyle=":")
axes.set(xlabel="step", ylabel="nats per item", title="One run under two names; dotted: ±1.531")
axes.legend(frameon=False, loc="center")
plt.show()

# %% [markdown]
# **Figure 2.** The first 60 of 400 steps: the loss −ELBO falls from 2.16 towards 1.531, the ELBO rises towards −1.531;
# dotted lines mark the mean of −log p(x) and of log p(x).

# %% [markdown]
# ## Erratum E3: the decoder's sign · 勘误 E3：解码器损失的符号
#
# > **Claim.** The decoder's loss is $+\log p(x|z)$ (F6), and training makes it small.
# >
# > **Test.** A pixel that is white in 8 pictures of 10: descend both signs by its logit.  Then train T1 with F6; and,
# > since the article also moves *uphill* (E1), try whether its two wrong signs cancel.
# >
# > **Right.** $L_D=-\,\mathbb E_x\,\mathbb E_{z\sim q(z|x)}\log p(x|z)$
#
# The decoder does not output a picture (S12) but the parameters of $p(x|z)$: for black and white pixels a logit $a$
# each, for grey ones a mean $m$ and a variance $s$.  These likelihoods are absent from the article (M3):
#
# $$-\log p(x|z)=\sum\left[\log(1+e^{a})-x\,a\right]\qquad
# -\log p(x|z)=\sum\left[\tfrac12\log 2\pi+\tfrac12\log s+\tfrac{(x-m)^2}{2s}\right]$$
#
# With $p=\sigma(a)$ the first is $-x\log p-(1-x)\log(1-p)$ (lesson 06); the sums are over pixels.


# %%
def descend(loss, start=0.0, steps=250, rate=0.5):
    """Where descent by the logit of one pixel ends: the probability of white, and the loss there."""
    a = minigen.tensor(np.array([[start]]), requires_grad=True)
    for _ in range(steps):
        value = loss(minigen.broadcast_to(a, (10, 1)))  # the same for all pictures
        (slope,) = minigen.grad(value, [a])
        a = minigen.tensor(a.numpy() - rate * slope.numpy(), requires_grad=True)
    return minigen.sigmoid(a).item(), value.item()


pixel = np.array([[1.0]] * 8 + [[0.0]] * 2)
p_right, right = descend(lambda a: bernoulli_nll(a, pixel))
p_printed, printed = descend(lambda a: -bernoulli_nll(a, pixel))
print(f"−log p(x|z): ends at p = {p_right:.4f}, loss {right:.6f} nats, the entropy of 0.8")
print(f"+log p(x|z): after as many steps p = {p_printed:.0e}, loss {printed:.0f}, and falling")
assert abs(p_right - 0.8) < 1e-6 and abs(right - 0.500402) < 1e-6
assert printed < -30  # no end: each step takes 0.4 off the logit and 0.32 off the loss

wrong, _ = train(+1, +1, 14)
for step, (kl, log_px) in list(enumerate(wrong))[::4]:
    miss = -NOISE * (2 * log_px + np.log(2 * np.pi * NOISE))  # what parts calls by that name
    print(f"F6 in T1, step {step:>2}: loss {kl + log_px:6.2f}, mean of (x − wz)² {miss:5.2f}")
assert wrong[-1].sum() < -1000

both, _ = train(-1, -1, 31)  # F7 with F6, moved uphill
print(f"uphill on L: the KL grows from {both[0, 0]:.2f} to {both[-1, 0]:.2f} in 30 steps")
assert both[-1, 0] > 10
print("verdict: down, + spoils the reconstruction; up, the KL: the two errors do not cancel")

# %%
p = np.linspace(0.002, 0.998, 500)
loss = -(0.8 * np.log(p) + 0.2 * np.log(1 - p))
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
axes.plot(p, loss, label="−E log p(x|z)")
axes.plot(p, -loss, "C1--", label="+E log p(x|z), as printed")
axes.plot(0.8, right, "ko", label="minimum: 0.500 at p = 0.8")
axes.axhline(np.log(2), color="0.5", linestyle=":", label="ln 2 = 0.693, a guess")
axes.set(xlabel="the decoder's probability of white", ylabel="nats per pixel", ylim=(-4, 4))
axes.set_title("Only one of them has a minimum")
axes.legend(frameon=False, loc="upper center", ncols=2)
plt.show()

# %% [markdown]
# **Figure 3.** Both losses of a pixel that is white 8 times in 10, over the decoder's probability.  The mended one has
# its minimum at 0.8, the entropy 0.500 nats; the printed one is its mirror image and falls without end at both sides.

# %% [markdown]
# ## Erratum E6: not any λ · 勘误 E6：λ 不能随意取
#
# > **Claim.** $\lambda$ in F7 and F14 balances the two losses as one likes.
# >
# > **Test.** Take T1 at $x=1$ with its best $q$.  Is $-L$ below $\log p(x)=-1.4305$?  And which $q$ does each $\lambda$
# > like best?  (Setting the slopes to 0 gives $\mu=\frac{4\lambda}{1+4\lambda}$ and $\sigma^2=\frac1{1+4\lambda}$.)
# >
# > **Right.** $L=L_E+L_D$.  Where log-likelihoods are negative, as in T1, $-L$ is no bound for $\lambda<1$, and for
# > $\lambda>1$ a looser one, whose favourite $q$ is too narrow.  Only $\lambda=1$ likes $p(z|x)$ best; there the gap is
# > 0.


# %%
def loss_of_q(mu, logvar, lam):
    """L = L_E + λ L_D of T1 at x = 1."""
    log_px, kl = (part.mean() for part in parts(one, mu, logvar))
    reconstruction = -log_px
    return article_total(kl, reconstruction, lam)


print("  λ    −L at q = p(z|x)    the q it likes best: variance, gap")
for lam in (0.25, 0.5, 1, 2, 4):
    total = loss_of_q(0.8 * one, np.log(0.2) * one, lam).item()
    mu, logvar = 4 * lam / (1 + 4 * lam) * one, -np.log(1 + 4 * lam) * one
    q = [minigen.tensor(number, requires_grad=True) for number in (mu, logvar)]
    slopes = minigen.grad(loss_of_q(*q, lam), q)
    assert all(abs(slope.item()) < 1e-12 for slope in slopes)  # no better q nearby
    missing = gap(one, mu, logvar).item()
    print(f"{lam:4}    {-total:8.4f}            {np.exp(logvar).item():8.4f}, {missing:.4f}")
    if lam == 1:
        assert abs(missing) < 1e-12 and abs(-total - log_p(1)) < 1e-12
    else:
        assert missing > 0.09 and (-total > log_p(1)) == (lam < 1)
print("verdict: at λ = ¼, −L lies above log p(x): no bound; and only λ = 1 leads to the best q")

# %% [markdown]
# In fairness, a weight is a legitimate choice, if one does not take $-L$ for the ELBO: β-VAE and minigen's `beta` have
# $\beta=1/\lambda$, which weighs the KL.

# %% [markdown]
# ## Erratum E7: the likelihood of what? · 勘误 E7：谁的似然
#
# > **Claim.** In F13 the decoder's loss is $\log p(x'|z)$ with $x'$ its *own output*.
# >
# > **Test.** Exchange the data.  A loss that is to rebuild them has to change.
# >
# > **Right.** $\log p(x|z)$ of the data $x$, as in F6.
#
# `grey_cross_entropy(a, t)` is $\sum[\log(1+e^a)-ta]$ for any $t$ in 0…1.  With $t=x'=\sigma(a)$ it is the entropy of
# the decoder's own answer; to make F13 small is to make that large, and it is largest at ½.


# %%
def own_output(a, x):
    """log p(x′|z) of a decoder with logits a and output x′ = σ(a).  Where is x?  Nowhere: F13."""
    return -grey_cross_entropy(a, minigen.sigmoid(a))


def other_sign(a, x):
    return -own_output(a, x)


runs = ((bernoulli_nll, 1.0), (own_output, 1.0), (other_sign, 1.0), (other_sign, -1.0))
print("descent on:          −log p(x|z)          F13         −F13         −F13")
print("from a =                       1            1            1           −1")
for data in (pixel, 1 - pixel):
    ends = [descend(lambda a, f=f, x=data: f(a, x), start)[0] for f, start in runs]
    print(f"{data.mean()} of x white: p =" + "".join(f"{p:13.3f}" for p in ends))
    mended, printed, from_above, from_below = ends
    assert abs(mended - data.mean()) < 1e-6  # the share of white in the data
    assert abs(printed - 0.5) < 0.02 and from_below < 0.05 < 0.95 < from_above
print("verdict: exchange the data and nothing changes; the decoder admires its own output")

# %% [markdown]
# ## More draws, a tighter bound · 多次采样，更紧的下界
#
# One draw $z_i$ gives $\log w_i=\log p(x|z_i)+\log p(z_i)-\log q(z_i|x)$, whose mean is the ELBO.  The IWAE (P4: Burda
# and others 2016, eq. 8) averages $k$ weights *before* it takes the logarithm:
#
# $$L_k=\mathbb E\left[\log\frac1k\sum_{i=1}^k w_i\right],\qquad \text{ELBO}=L_1\le L_2\le\dots\le\log p(x)$$
#
# Below, $L_k$ is estimated for 2,000 copies of $x=1$; the last digit is noise.


# %%
def check_iwae(seed=0):
    value_check(iwae_bound, [([np.array([[-1.0, -2.0, -5.0]])], -1.7720501)])  # their mean: −2.667

    def above_elbo(log_w):
        return iwae_bound(log_w) - log_w.mean()

    says = "the mean of logarithms does not exceed the logarithm of the mean"
    invariant_check(above_elbo, lambda rng: rng.normal(size=(5, 3)), says=says, seed=seed)


check_iwae()
ks = 2 ** np.arange(10)
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for (mu, variance), style in (((0.5, 0.5), "C0o-"), ((0.0, 1.0), "C1s--")):
    model = LinearGaussian(a=mu, v=variance)
    with minigen.no_grad():
        log_w = model.log_weights(np.ones((2000, 1)), 512, rng=rng).numpy()  # 512 draws of each
    means = [float(iwae_bound(log_w.reshape(-1, k))) for k in ks]  # the same draws in groups of k
    axes.plot(ks, means, style, label=f"q = N({mu}, {variance})")
    some = "  ".join(
        f"L{k} {mean:.3f}" for k, mean in zip(ks, means, strict=True) if k in (1, 2, 8, 512)
    )
    print(f"q = N({mu}, {variance}):  {some}")
    exact = elbo(one, mu * one, np.log(variance) * one).item()
    assert abs(means[0] - exact) < 4 * log_w.std() / np.sqrt(log_w.size)  # k = 1 is the ELBO
    assert np.all(np.diff(means) > 0) and abs(means[-1] - log_p(1)) < 0.01
axes.axhline(log_p(1), color="k", linestyle=":", label="log p(x) = −1.431")
axes.set_xscale("log", base=2)
axes.set(xlabel="draws k", ylabel="L_k in nats", title="The bound rises towards log p(x)")
axes.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# **Figure 4.** L_k against the number of draws k for two clouds: from their ELBOs, −1.947 and −4.226 for the prior,
# both rise to the dotted line, log p(x) = −1.431; the better q needs fewer draws.

# %% [markdown]
# ## Exercise A: the total loss from its parts · 练习 A
#
# `log_px` holds $\log p(x|z)$ of `k` draws of each picture, (N, k), and `kl_terms` what each latent costs, (N, Z).
# Make the article's total $L$ of them, signs mended: one number, in nats per image.  Arrays and tensors both have
# `.sum(axis=…)` and `.mean()`; return what `.mean()` gives, not a `float`: the gradient is checked through it.


# %% tags=["exercise"] name="exercise-a"
def total_loss(log_px, kl_terms, lam=1.0):
    """L = L_E + λ L_D, in nats per image: log_px (N, k), kl_terms (N, Z) → one number."""
    ### BEGIN SOLUTION
    return kl_terms.sum(axis=1).mean() - lam * log_px.mean()
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=5
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    log_px, kl_terms = -np.arange(12.0).reshape(4, 3), np.arange(20.0).reshape(4, 5)
    value_check(
        total_loss, [([0 * log_px, kl_terms, 0.3], 47.5)], name="L_E alone (log_px = 0), λ = 0.3"
    )
    value_check(
        total_loss, [([log_px, 0 * kl_terms, 0.3], 1.65)], name="L_D alone (kl_terms = 0), λ = 0.3"
    )

    def margin(x, mu, logvar):  # one item at a time
        items = zip(*(np.asarray(part)[:, None] for part in parts(x, mu, logvar)), strict=True)
        return np.array([float(total_loss(*item)) for item in items]) + log_p(x)[:, 0]

    invariant_check(margin, draw, says="at λ = 1, L is never below −log p(x)", seed=seed)
    inputs = {"log_px": rng.normal(size=(4, 3)), "kl_terms": rng.uniform(0, 2, size=(4, 5))}
    grad_check(
        lambda log_px, kl_terms: total_loss(log_px, kl_terms, 0.3), inputs, name="total_loss"
    )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The sign as printed (E3)."
# def total_loss(log_px, kl_terms, lam=1.0):
#     return kl_terms.sum(axis=1).mean() + lam * log_px.mean()

# %% [raw] tags=["wrong"] name="exercise-a" says="The mean over latents, where their sum is meant."
# def total_loss(log_px, kl_terms, lam=1.0):
#     return kl_terms.mean() - lam * log_px.mean()

# %% [raw] tags=["wrong"] name="exercise-a" says="The sum over draws: more draws would weigh more."
# def total_loss(log_px, kl_terms, lam=1.0):
#     return kl_terms.sum(axis=1).mean() - lam * log_px.sum(axis=1).mean()

# %% [raw] tags=["wrong"] name="exercise-a" says="The sum over axis 0, the images, where the latents are axis 1."
# def total_loss(log_px, kl_terms, lam=1.0):
#     return kl_terms.sum(axis=0).mean() - lam * log_px.mean()

# %% [raw] tags=["wrong"] name="exercise-a" says="λ weighs the KL, as beta does."
# def total_loss(log_px, kl_terms, lam=1.0):
#     return lam * kl_terms.sum(axis=1).mean() - log_px.mean()

# %% [markdown]
# ## Exercise B: two likelihoods with their constants · 练习 B：两种似然，常数项不可少
#
# Write M3's two negative log-likelihoods in NumPy, in nats per image: summed over the pixels, the mean over the batch.
# Nothing may overflow at a logit of ±800: `np.logaddexp(0, a)` is $\log(1+e^a)$ at any $a$.  A density has to integrate
# to 1, which is how the check sees a missing constant.


# %% tags=["exercise"] name="exercise-b"
def nll_of_bits(logits, x):
    """−log p(x) of black and white pixels: logits a and x, 0 or 1, (N, D) → one number."""
    ### BEGIN SOLUTION
    return np.sum(np.logaddexp(0, logits) - x * logits, axis=1).mean()
    ### END SOLUTION


def nll_of_greys(mean, log_s, x):
    """−log p(x) of grey pixels: m and x (N, D), log s the log of the variance, one number → one number."""
    ### BEGIN SOLUTION
    terms = np.log(2 * np.pi) + log_s + (x - mean) ** 2 / np.exp(log_s)
    return 0.5 * np.sum(terms, axis=1).mean()
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=5
def check_exercise_b(seed=0):
    rng = np.random.default_rng(seed)
    ones, logits = np.ones((3, 784)), 2 * rng.normal(size=(1, 3))
    one = ones[:, :1]
    far = [([800 * one, 0 * one], 800.0), ([-800 * one, 0 * one], 0.0), ([800 * one, one], 0.0)]
    value_check(nll_of_bits, [([0 * ones, ones], 784 * np.log(2)), *far], no_warnings=True)
    pictures = [np.array([[i, j, k]]) for i in (0, 1) for j in (0, 1) for k in (0, 1)]

    def all_pictures(logits):
        return sum(np.exp(-nll_of_bits(logits, x)) for x in pictures)

    value_check(all_pictures, [([logits], 1.0)], name="the probabilities of all 8 pictures")
    grid, zero = np.linspace(-20, 20, 4001), np.zeros((1, 1))

    def integral(log_s):
        return sum(np.exp(-nll_of_greys(zero, log_s, zero + x)) for x in grid) / 100

    cases = [([float(log_s)], 1.0) for log_s in rng.normal(size=2)]
    value_check(integral, cases, no_warnings=True, name="the integral of the density")
    cases = [
        ([zero, np.log(0.25), zero + 1], 2.2257913),
        ([ones, 0.0, ones], 392 * np.log(2 * np.pi)),
    ]
    value_check(nll_of_greys, cases, no_warnings=True)


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Squared error only: the Gaussian's constants are left out."
# def nll_of_bits(logits, x):
#     return np.sum(np.logaddexp(0, logits) - x * logits, axis=1).mean()
#
#
# def nll_of_greys(mean, log_s, x):
#     return 0.5 * np.sum((x - mean) ** 2 / np.exp(log_s), axis=1).mean()

# %% [raw] tags=["wrong"] name="exercise-b" says="The mean over the pixels: 1/784 of a nat per image."
# def nll_of_bits(logits, x):
#     return np.mean(np.logaddexp(0, logits) - x * logits)
#
#
# def nll_of_greys(mean, log_s, x):
#     return 0.5 * np.mean(np.log(2 * np.pi) + log_s + (x - mean) ** 2 / np.exp(log_s))

# %% [raw] tags=["wrong"] name="exercise-b" says="A sigmoid first: log 0 at a logit of 800."
# def nll_of_bits(logits, x):
#     p = 1 / (1 + np.exp(-logits))
#     return -np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1).mean()
#
#
# def nll_of_greys(mean, log_s, x):
#     terms = np.log(2 * np.pi) + log_s + (x - mean) ** 2 / np.exp(log_s)
#     return 0.5 * np.sum(terms, axis=1).mean()

# %% [raw] tags=["wrong"] name="exercise-b" says="log s is taken for log σ."
# def nll_of_bits(logits, x):
#     return np.sum(np.logaddexp(0, logits) - x * logits, axis=1).mean()
#
#
# def nll_of_greys(mean, log_s, x):
#     terms = np.log(2 * np.pi) + 2 * log_s + (x - mean) ** 2 / np.exp(2 * log_s)
#     return 0.5 * np.sum(terms, axis=1).mean()

# %% [raw] tags=["wrong"] name="exercise-b" says="The sum over the batch too."
# def nll_of_bits(logits, x):
#     return np.sum(np.logaddexp(0, logits) - x * logits)
#
#
# def nll_of_greys(mean, log_s, x):
#     return 0.5 * np.sum(np.log(2 * np.pi) + log_s + (x - mean) ** 2 / np.exp(log_s))

# %% [markdown]
# ## A question in words · 一道文字题
#
# Two models of the same pictures report $-\text{ELBO}$: 86 nats for the first, 88 for the second.  Does the first give
# the pictures a higher probability?  How would you find out?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Not necessarily: each number is only an upper bound of $-\log p(x)$ (1), and
# the second model's gap may be more than 2 nats larger, because its encoder is worse or its true posterior no normal
# (1).  Compare $L_k$ with many draws, which comes nearer to $\log p(x)$, on held-out pictures, the same $k$ for both,
# and see that it hardly rises any more (1).

# %% [markdown]
# ## What to take along · 小结
#
# - $\log p(x)=\text{ELBO}+\text{gap}$.  A VAE raises the lower bound; the gap is how far $q$ is from $p(z|x)$.
# - The loss is $-\text{ELBO}=KL-\mathbb E_q\log p(x|z)$: minus before the likelihood, the *data's* likelihood,
#   $\lambda=1$.
# - E3, E6 and E7 all pass a gradient check.  A minimum, a bound and an exchange of the data find them.
# - $L_k$ comes as near to $\log p(x)$ as one has draws.
#
# **New terms**: evidence lower bound (证据下界), marginal likelihood (边缘似然), decoder (解码器), reconstruction loss
# (重建损失), weight of the reconstruction (正则化参数 λ), importance weight (重要性权重).  **Read next**: "The
# bounds" in `minigen/losses/vae.py`, and `minigen/losses/densities.py`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_bound,
        check_gap,
        check_iwae,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=15,
)
