# ---
# jupyter:
#   minigen:
#     title: "Characters: walking through latent space"
#     zh: 角色动画与潜空间
#     says: A VAE of stick figures whose poses are known, and why its encoder must feel the whole loss.
#     minutes: 30
#     budget_s: 25
#     needs: ["10", "11", "12"]
#     covers: [F15, F16, A2, E1, E2, E3, E8]
#     picture: 2
#     terms:
#     - [latent space, 潜在空间, "", z, "F5, F15"]
#     - [alternating updates, 交替更新, "", alternating, "F15, F16"]
#     - [posterior collapse, 后验坍塌, "", collapsed, F15]
#     - [interpolation, 插值, "", interpolate, A2]
#     - [character animation, 角色动画, "", draw, A2]
# ---

# %% [markdown]
# # 13 · Characters: walking through latent space · 角色动画与潜空间
#
# *30 minutes to read, 25 seconds to run.  Before it: lessons 10, 11 and 12.*
#
# Two numbers are enough to pose our characters.  Can a VAE find them, without being told, from pictures alone?  And
# does it matter how its two networks take turns?  The article's training loop would teach the encoder to say
# nothing.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 案例：使用VAE生成角色动画 encoder and decoder are trained in turns, each by its own loss (F15, F16):
#
# $$\theta_E\leftarrow\theta_E+\alpha\nabla L_E \tag{F15}$$
#
# $$\theta_D\leftarrow\theta_D+\beta\nabla L_D \tag{F16}$$
#
# The plus signs are lesson 01 (E1), the losses inside are lessons 10 and 12 (E2, E3).  Mend all three, and one
# error is left, E8: $L_E$ is the KL divergence *alone*.  Whatever the reconstruction needs, the encoder never hears
# of it. Under 角色动画 the article then claims (A2) that such models catch fine movements and spare animators work.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x$ | a picture of a character | 角色图像 | `x` | (N, 20, 20, 1) | F15 |
# | $z$ | its code | 潜变量 | `z` | (N, 2) | F5 |
# | $L_E$ | KL divergence | 编码器损失 | `kl` | () | F15 |
# | $L_D$ | minus the expected log-likelihood; also the article's $L_D$ of F2 | 重建损失 | `reconstruction` | () | F16 |
# | $w;\ a,\ v$ | decoder and encoder of the small model below | 模型参数 | `w`, `a`, `log_v` | () | T1 |
#
# The article's β is a learning rate here, not the weight of the KL, which bears the same letter elsewhere.

# %%
import io
import time

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from PIL import Image

import minigen
from minigen.check import checklist, grad_check, invariant_check, value_check
from minigen.losses.vae import gaussian_kl, gaussian_kl_per_dimension
from minigen.models.vae import DenseVae
from minigen.optim import Adam

started = time.perf_counter()
SEED = 0
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to five lines · 从公式到代码
#
# First a model so small that everything about it is known: one number $x\sim N(0, 1.25)$, a decoder $N(wz,
# \tfrac14)$, an encoder $q(z|x)=N(ax, v)$.  Both losses have closed forms:
#
# $$L_E=\tfrac12\left(1.25\,a^2+v-1-\log v\right)$$
#
# $$L_D=\tfrac12\log\tfrac{2\pi}{4}+2\left(1.25\,(1-wa)^2+w^2v\right)$$
#
# Their sum is −ELBO.  It can never fall below the entropy of $x$ itself, $\tfrac12\log(2\pi e\cdot 1.25)=1.530510$
# nats, and it gets there at $w=1,\ a=0.8,\ v=0.2$.


# %%
def encoder_loss(w, a, log_v):
    return 0.5 * (1.25 * a * a + minigen.exp(log_v) - 1 - log_v)


def decoder_loss(w, a, log_v):
    miss = 1 - w * a
    return 0.5 * np.log(np.pi / 2) + 2 * (1.25 * miss * miss + w * w * minigen.exp(log_v))


def whole_loss(w, a, log_v):
    return encoder_loss(w, a, log_v) + decoder_loss(w, a, log_v)


ENTROPY = 0.5 * np.log(2 * np.pi * np.e * 1.25)


# %%
def check_value(seed=0):
    best = {"w": np.float64(1), "a": np.float64(0.8), "log_v": np.log(0.2)}
    value_check(whole_loss, [(best, ENTROPY)], rtol=1e-12, name="-ELBO at its best")


def check_gradient(seed=0):
    w, a, log_v = np.random.default_rng(seed).normal(size=3)
    grad_check(whole_loss, {"w": np.array(w), "a": np.array(a), "log_v": np.array(log_v)}, order=2)


def check_never_below_the_entropy(seed=0):
    invariant_check(
        lambda w, a, log_v: whole_loss(w, a, log_v) - ENTROPY,
        lambda rng: tuple(rng.normal(size=3)),
        says="-ELBO is never below the entropy of the data",
        name="-ELBO minus the entropy",
        seed=seed,
    )


check_value()
check_gradient()
check_never_below_the_entropy()

# %% [markdown]
# ## Erratum E8: an encoder that follows its own loss alone · 勘误 E8：编码器只看自己的损失
#
# > **Claim.** Update the encoder by $\nabla L_E$ and the decoder by $\nabla L_D$, in turns.
# >
# > **Test.** 4,000 turns from the same start, four ways: both by the whole loss at once; in turns, each by the whole
# > loss; in turns as F15 and F16 have it, with all signs mended; and with the article's plus signs.
# >
# > **Right.** $\theta_E\leftarrow\theta_E-\alpha\nabla_{\theta_E}(L_E+L_D)$, and the decoder likewise.  Taking turns is
# > no error; a part of the loss is.


# %%
def train(for_encoder, for_decoder, alternating, sign=-1.0, rate=0.02, steps=4000):
    """−ELBO and KL per step, from w = a = ½, v = 1/e; ends where the weights leave ±10⁶."""
    w, a, log_v = 0.5, 0.5, -1.0
    path = []
    for _ in range(steps):
        leaves = [minigen.tensor(np.float64(n), requires_grad=True) for n in (w, a, log_v)]
        kl = encoder_loss(*leaves)
        path.append((whole_loss(*leaves).item(), kl.item()))
        d_a, d_log_v = minigen.grad(for_encoder(*leaves), leaves[1:])
        old_a, old_log_v = a, log_v
        a, log_v = a + sign * rate * d_a.item(), log_v + sign * rate * d_log_v.item()
        here = (w, a, log_v) if alternating else (w, old_a, old_log_v)
        leaves = [minigen.tensor(np.float64(n), requires_grad=True) for n in here]
        w = w + sign * rate * minigen.grad(for_decoder(*leaves), leaves[:1])[0].item()
        if max(abs(w), abs(a), abs(log_v)) > 1e6:
            break
    return np.array(path)


runs = {
    "both by the whole loss": train(whole_loss, whole_loss, alternating=False),
    "in turns, by the whole loss": train(whole_loss, whole_loss, alternating=True),
    "F15, F16 with signs mended": train(encoder_loss, decoder_loss, alternating=True),
    "F15, F16 as printed (+)": train(
        encoder_loss, lambda *p: -decoder_loss(*p), True, sign=1.0, steps=300
    ),
}
for name, path in runs.items():
    print(
        f"{name:28} {len(path):5} steps   -ELBO {path[-1, 0]:12.4g}   KL {path[-1, 1]:10.4g} nats"
    )

joint, turns, collapsed, printed = runs.values()
assert abs(joint[-1, 0] - ENTROPY) < 1e-3 and abs(turns[-1, 0] - ENTROPY) < 1e-3
assert (
    collapsed[-1, 1] < 1e-3 and collapsed[-1, 0] - ENTROPY > 1.19
)  # the code is empty, 1.195 nats are lost
assert len(printed) < 300  # it left ±10⁶
print(
    "verdict: E8 stands.  With L_E alone the encoder goes silent; taking turns on the whole loss is fine"
)

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
for (name, path), style in zip(list(runs.items())[:3], ["-", "--", "-."], strict=True):
    axes.plot(path[:1500, 0], style, label=name)
axes.axhline(ENTROPY, color="0.5", linestyle=":", label=f"entropy of the data, {ENTROPY:.4f}")
axes.set(
    xlabel="step",
    ylabel="−ELBO, in nats",
    title="The encoder must feel the reconstruction",
    ylim=(1.4, 3.1),
)
axes.legend(frameon=False, loc="center right")
plt.show()

# %% [markdown]
# **Figure 1.** −ELBO against the step: both procedures on the whole loss reach the entropy of the data, 1.5305
# nats; the encoder that follows its KL alone ends at 2.7258, 1.195 nats too high.

# %% [markdown]
# ## Experiment: figures whose pose is known · 实验：已知姿态的小人
#
# Now pictures.  Each of 2,000 characters has two numbers, how far its legs open and how high its arms go; the VAE
# sees black and white pictures of 20×20 points and never these numbers.


# %%
def draw(legs, arms, side=20):
    """Stick figures (N, side, side, 1), 1 where there is ink; legs and arms (N,) in radians from the vertical."""
    y, x = np.mgrid[1 : -1 : side * 1j, -1 : 1 : side * 1j]
    ink = np.broadcast_to(np.hypot(x, y - 0.62) < 0.18, (len(legs), side, side)).copy()  # the head
    limbs = [((0, 0.42), 0.47, np.zeros(len(legs)))]  # start, length, angle: first the back
    limbs += [((0, -0.05), 0.75, s * legs) for s in (-1, 1)] + [
        ((0, 0.35), 0.55, s * arms) for s in (-1, 1)
    ]
    for (x0, y0), length, angle in limbs:
        dx, dy = np.sin(angle)[:, None, None], -np.cos(angle)[:, None, None]
        along = np.clip((x - x0) * dx + (y - y0) * dy, 0, length)
        ink |= np.hypot(x - x0 - along * dx, y - y0 - along * dy) < 0.075
    return ink[..., None].astype(np.float32)


legs, arms = rng.uniform(0.05, 0.9, 2000), rng.uniform(0.3, 2.6, 2000)
x = draw(legs, arms)


def fit(model, steps, beta=1.0):
    """Train on −E log p(x|z) + β KL; returns (reconstruction, KL) of the whole set at the end, in nats per picture."""
    draws = np.random.default_rng(SEED)
    optimiser = Adam(model.parameters(), 3e-3)
    for _ in range(steps):
        seen = model.one_pass(x[draws.integers(len(x), size=64)], rng=draws)
        loss = -seen.log_px.mean() + beta * gaussian_kl(seen.mu, seen.logvar)
        optimiser.update(minigen.grad(loss, optimiser.parameters))
    seen = model.one_pass(x, rng=draws)
    return -seen.log_px.mean().item(), gaussian_kl(seen.mu, seen.logvar).item()


def new_vae(latent, hidden=(256, 64)):
    made = np.random.default_rng(SEED)
    return DenseVae(
        item=(20, 20, 1), hidden=hidden, latent=latent, likelihood="bernoulli", rng=made
    )


model = new_vae(latent=2)
reconstruction, kl = fit(model, steps=2000)
print(
    f"reconstruction {reconstruction:.1f}, KL {kl:.1f}, −ELBO {reconstruction + kl:.1f} nats per picture"
)


# %%
def decoded(z):
    """The probability of ink at every point, (N, 20, 20)."""
    with minigen.no_grad():
        return minigen.sigmoid(model.decode(np.asarray(z, np.float32))).numpy()[..., 0]


def tiled(pictures, columns):
    """(N, H, W) → one picture, `columns` side by side."""
    n, h, w = pictures.shape
    return (
        pictures.reshape(n // columns, columns, h, w).transpose(0, 2, 1, 3).reshape(-1, columns * w)
    )


across = np.linspace(-2, 2, 15)
z = np.stack(np.meshgrid(across, across[::-1]), axis=-1).reshape(-1, 2)
figure, axes = plt.subplots(figsize=(4.4, 4.4), layout="constrained")
axes.imshow(tiled(decoded(z), 15), cmap="gray_r", extent=(-2.14, 2.14, -2.14, 2.14), aspect="equal")
axes.set(xlabel="z₁", ylabel="z₂", title="What the decoder draws, code by code")
plt.show()

# %% [markdown]
# **Figure 2.** A grid of 15 by 15 decoded characters over the two latent numbers from −2 to 2: legs and arms change
# smoothly from each to its neighbours, and blur where the model is not sure.

# %%
codes = model.encode(x)[0].numpy()
figure, two = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained", sharey=True)
for axes, angle, name in zip(two, (legs, arms), ("legs", "arms"), strict=True):
    shown = axes.scatter(*codes.T, c=angle, s=4, cmap="cividis")
    figure.colorbar(shown, label=f"angle of the {name}, in radians")
    axes.set(xlabel="μ₁", title=f"coloured by the {name}")
two[0].set(ylabel="μ₂")
plt.show()

# %% [markdown]
# **Figure 3.** The codes of all 2,000 pictures, coloured by the true angle of the legs and of the arms: the legs
# run in order from one side to the other; the arms run in order too, but for a seam, where colours far apart touch.

# %% [markdown]
# So the VAE has found both numbers.  Nothing in the loss asks for straight axes, or for a plane without seams:
# another seed turns, bends and cuts it elsewhere.  A path that crosses a seam jumps.

# %% [markdown]
# **Is that good?**  A figure means nothing without what it must beat.  Here are two models that need no network:
# the mean picture, and principal components (PCA) with as many numbers, two, and more.

# %%
flat = x.reshape(len(x), -1)
centred = flat - flat.mean(axis=0)
directions = np.linalg.svd(centred, full_matrices=False)[2]


def pca_error(latents):
    kept = directions[:latents]
    return np.mean((centred - centred @ kept.T @ kept) ** 2)


vae_error = np.mean((flat - decoded(codes).reshape(len(x), -1)) ** 2)
print(
    f"mean squared error: mean picture {np.mean(centred**2):.4f}, VAE with 2 numbers {vae_error:.4f}"
)
print("PCA:", ", ".join(f"{latents} numbers {pca_error(latents):.4f}" for latents in (2, 4, 8, 16)))
assert vae_error < 0.5 * np.mean(centred**2)
print("with as many numbers", "the VAE wins" if vae_error < pca_error(2) else "PCA wins")

# %% [markdown]
# ## A walk, and the price of the KL · 行走与 KL 的代价
#
# An animation is a path through latent space.  Encode the legs of a stride, swinging arms beside them, and decode.

# %%
swing = np.linspace(0, 2 * np.pi, 12, endpoint=False)
stride = draw(0.45 + 0.35 * np.cos(swing), 0.9 + 0.4 * np.cos(swing))
both = np.concatenate([stride[..., 0], decoded(model.encode(stride)[0].numpy())])
figure, axes = plt.subplots(figsize=(7, 1.6), layout="constrained")
axes.imshow(tiled(both, 12), cmap="gray_r")
axes.set(
    xticks=[], yticks=[10, 30], yticklabels=["drawn", "decoded"], title="One stride, twelve frames"
)
plt.show()

# %% [markdown]
# **Figure 4.** Twelve frames of a stride, above as they were drawn and beneath as the VAE decodes their codes: the
# legs open and close alike, the arms are softer.

# %% [markdown]
# Now raise the weight of the KL.  At some point a picture is no longer worth its price, and the encoder sends
# nothing, as in E8, only by choice.

# %%
betas = [1, 8, 64, 512]
prices = [fit(new_vae(latent=2, hidden=(64,)), steps=300, beta=beta)[1] for beta in betas]
print(
    "KL in nats per picture:",
    ", ".join(f"β = {beta}: {price:.3f}" for beta, price in zip(betas, prices, strict=True)),
)
assert prices[0] > 1 and prices[-1] < 0.05

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.semilogx(betas, prices, "o-", base=2)
axes.set(
    xlabel="β, the weight of the KL",
    ylabel="KL, in nats per picture",
    title="Posterior collapse, by choice",
)
axes.set_xticks(betas, [str(beta) for beta in betas])
plt.show()

# %% [markdown]
# **Figure 5.** The KL divergence at the end of a short training against its weight β: several nats at 1, next to
# nothing at 512, where every picture gets the same code.

# %% [markdown]
# To walk through the plane by hand, move the sliders (they need ipywidgets and a running kernel; elsewhere Figure 2
# is the same in one picture).


# %%
def portrait(z1, z2):
    """The decoded character at (z1, z2), as PNG."""
    grey = Image.fromarray((255 * (1 - decoded([[z1, z2]])[0])).astype(np.uint8)).resize(
        (240, 240), 0
    )
    png = io.BytesIO()
    grey.save(png, "PNG")
    return png.getvalue()


try:
    import ipywidgets
except ImportError:
    print("ipywidgets is not installed: see Figure 2")
else:
    sliders = [
        ipywidgets.FloatSlider(0.0, min=-2, max=2, step=0.1, description=name)
        for name in ("z1", "z2")
    ]
    shown = ipywidgets.Image(value=portrait(0, 0), format="png")
    for slider in sliders:
        slider.observe(
            lambda _: setattr(shown, "value", portrait(*(s.value for s in sliders))), "value"
        )
    display(ipywidgets.HBox([ipywidgets.VBox(sliders), shown]))

# %% [markdown]
# ## Exercise A: from one pose to another · 练习 A：姿态插值
#
# Write `interpolate`: `n` codes on the straight line from `z0` to `z1`, the first exactly `z0`, the last exactly
# `z1`, evenly spaced.  The check then decodes your path between a narrow and a wide stance and measures the legs in
# every picture.


# %% tags=["exercise"] name="exercise-a"
def interpolate(z0, z1, n):
    """z0, z1 (Z,) → (n, Z), evenly from z0 to z1, both included."""
    ### BEGIN SOLUTION
    t = np.linspace(0, 1, n)[:, None]
    return (1 - t) * z0 + t * z1
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
POSES = np.linspace(0.05, 0.9, 60)
TEMPLATES = draw(POSES, np.full(60, 1.5))[:, 13:, :, 0]  # the lower body tells the legs


def measured_legs(pictures):
    """The angle whose drawn legs are most like each picture's."""
    far = ((pictures[:, None, 13:] - TEMPLATES) ** 2).sum(axis=(2, 3))
    return POSES[far.argmin(axis=1)]


def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    z0, z1 = rng.normal(size=(2, 3))
    expected = np.stack([z0, 0.75 * z0 + 0.25 * z1, 0.5 * z0 + 0.5 * z1, 0.25 * z0 + 0.75 * z1, z1])
    value_check(interpolate, [({"z0": z0, "z1": z1, "n": 5}, expected)], rtol=1e-12)
    narrow, wide = model.encode(draw(np.array([0.1, 0.85]), np.array([1.2, 1.2])))[0].numpy()
    angles = measured_legs(decoded(interpolate(narrow, wide, 20)))
    correlation = np.corrcoef(np.arange(20), angles.argsort(kind="stable").argsort(kind="stable"))[
        0, 1
    ]
    assert correlation > 0.9, (
        f"the legs do not open steadily along the path: rank correlation {correlation:.2f}"
    )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The end is left out: steps of 1/n instead of 1/(n − 1)."
# def interpolate(z0, z1, n):
#     t = np.arange(n)[:, None] / n
#     return (1 - t) * z0 + t * z1

# %% [raw] tags=["wrong"] name="exercise-a" says="From z1 to z0: the weights are exchanged."
# def interpolate(z0, z1, n):
#     t = np.linspace(0, 1, n)[:, None]
#     return t * z0 + (1 - t) * z1

# %% [raw] tags=["wrong"] name="exercise-a" says="z0 keeps its full weight."
# def interpolate(z0, z1, n):
#     t = np.linspace(0, 1, n)[:, None]
#     return z0 + t * z1

# %% [markdown]
# ## Exercise B: which latents are alive · 练习 B：哪些潜变量在工作
#
# A latent number is *dead* if its cloud is the prior for every picture: it costs less than 0.01 nats on average, and
# tells nothing.  Say which are alive, from the encoder's answers for many pictures.


# %% tags=["exercise"] name="exercise-b"
def alive(mu, logvar):
    """mu, logvar (N, Z) → booleans (Z,): does a latent cost 0.01 nats or more, on average over the pictures?"""
    ### BEGIN SOLUTION
    cost = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
    return cost.mean(axis=0) >= 0.01
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    rng = np.random.default_rng(seed)
    mu = rng.normal(size=(400, 4)) * [1.0, 0.05, 0.0, 0.0]  # varies, hardly varies, never, never
    logvar = np.full(
        (400, 4), [-2.0, 0.0, 0.0, -3.0]
    )  # the last is sharp but the same for every picture
    expected = gaussian_kl_per_dimension(mu, logvar) >= 0.01
    assert expected.tolist() == [True, False, False, True]
    value_check(alive, [([mu, logvar], expected)])
    value_check(
        alive,
        [([mu[:, ::-1].copy(), logvar[:, ::-1].copy()], expected[::-1])],
        name="the same, turned round",
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="The mean over the latents, not over the pictures."
# def alive(mu, logvar):
#     cost = 0.5 * (mu**2 + np.exp(logvar) - 1 - logvar)
#     return cost.mean(axis=1) >= 0.01

# %% [raw] tags=["wrong"] name="exercise-b" says="Looks at the means alone: a sharp cloud at 0 costs too."
# def alive(mu, logvar):
#     return (mu**2).mean(axis=0) >= 0.01

# %% [raw] tags=["wrong"] name="exercise-b" says="logvar is taken for log σ."
# def alive(mu, logvar):
#     cost = 0.5 * (mu**2 + np.exp(2 * logvar) - 1 - 2 * logvar)
#     return cost.mean(axis=0) < 0.01

# %% [markdown]
# ## A question in words · 一道文字题
#
# A colleague trains with F15 and F16, signs mended, and reports that the KL falls beautifully to zero.  What do the
# characters look like that such a model draws from $z\sim N(0,1)$, and why is a low KL no success here?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  The encoder answers the prior to everything, so z tells nothing (1); the
# decoder can only learn one answer for all z, the mean picture, a grey blur of all poses (1).  The KL is one part
# of −ELBO; the reconstruction has paid for it, 1.195 nats in the small model (1).

# %% [markdown]
# ## What to take along · 小结
#
# - Both networks follow the *whole* loss; whether at once or in turns does not matter.
# - A KL of zero is an encoder that sends nothing.  Read it beside the reconstruction, and latent by latent.
# - A2, measured: the VAE found both numbers of a pose without being told, and beats the mean picture; fine details
#   blur. Always print PCA beside it.
# - Interpolation is a straight line between codes; whether the pictures change steadily is to be measured.
#
# **New terms**: latent space (潜在空间), alternating updates (交替更新), posterior collapse (后验坍塌),
# interpolation (插值), character animation (角色动画).
#
# **Read next**: `Vae._alternating_step` in `minigen/train/vae.py`, which runs F15 and F16 on either loss, and
# `docs/motion.md` for characters in three dimensions.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_never_below_the_entropy,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=25,
)
