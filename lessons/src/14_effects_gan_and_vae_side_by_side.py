# ---
# jupyter:
#   minigen:
#     title: "Effects: GAN and VAE side by side"
#     zh: 特效：GAN 与 VAE 对比
#     says: Two models, one set of smoke puffs, and the numbers by which a studio would choose.
#     minutes: 30
#     budget_s: 25
#     needs: ["09", "13"]
#     covers: [A3, E1, E2, E3, E4]
#     picture: 1
#     terms:
#     - [special effects, 特效, "", puffs, A3]
#     - [precision of samples, 样本精确率, "", precision, A3]
#     - [recall of samples, 样本召回率, "", recall, A3]
#     - [sharpness, 锐度, "", sharpness, A3]
#     - [seam of a loop, 循环接缝, "", seam, A3]
# ---

# %% [markdown]
# # 14 · Effects: GAN and VAE side by side · 特效：GAN 与 VAE 对比
#
# *30 minutes to read, 25 seconds to run.  Before it: lessons 09 and 13.*
#
# A studio needs smoke.  One model plays a game, the other pays for its codes; which puffs would you take?  The
# article praises both in the same words.  Here both are trained on the same pictures for about as long, and
# measured alike.

# %% [markdown]
# ## What the article says · 文章怎么说
#
# Under 特效制作 (A3) the article promises effects that look real (逼真效果), made quickly (高效生成), and warns of two
# things, computing power (计算资源) and consistency from frame to frame (一致性).  It gives no number and no way to
# measure one.  A useful claim has both, so this lesson turns three of them into questions:
#
# | claim | question | number |
# |---|---|---|
# | they look real | how many samples lie where real puffs lie? | precision |
# | they are varied | how many real puffs lie where samples lie? | recall |
# | they are consistent | does a loop end where it began? | seam |
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x$ | real puffs | 真实图像 | `x` | (N, 16, 16, 1) | A3 |
# | $G(z)$ | samples of either model | 生成图像 | `from_gan`, `from_vae` | (N, 16, 16, 1) | F1, F6 |
# | $r_k(y)$ | distance from $y$ to its k-th nearest neighbour | 第 k 近邻距离 | `radius` | (N,) | – |
# | $L_G, L_D$ | the GAN's losses | GAN 损失 | `loss_g`, `loss_d` | () | F1, F2 |
# | $L_E+L_D$ | the VAE's; this other $L_D$ is the decoder's | VAE 损失 | `loss` | () | F7 |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, value_check
from minigen.losses import gan
from minigen.losses.vae import gaussian_kl
from minigen.models.vae import DenseVae
from minigen.nn import (
    BatchNorm,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    LeakyReLU,
    Reshape,
    Sequential,
    Tanh,
)
from minigen.optim import Adam, Average

started = time.perf_counter()
SEED = 0
rng = np.random.default_rng(SEED)


# %%
def puffs(n):
    """Smoke: five soft balls round a centre, (n, 16, 16, 1), from −1 (air) to 1 (thick smoke)."""
    centre = rng.uniform(-0.3, 0.3, (2, n))
    size = rng.uniform(0.3, 0.6, n)
    y, x = np.mgrid[1:-1:16j, -1:1:16j]
    thick = np.zeros((n, 16, 16))
    for _ in range(5):
        turn = rng.uniform(0, 2 * np.pi, n)
        away, radius = size * rng.uniform(0.3, 0.9, n), size * rng.uniform(0.35, 0.6, n)
        x0, y0 = centre + away * np.array([np.cos(turn), np.sin(turn)])
        far = (x - x0[:, None, None]) ** 2 + (y - y0[:, None, None]) ** 2
        thick += np.exp(-far / radius[:, None, None] ** 2)
    return (1 - 2 * np.exp(-1.5 * thick)).astype(np.float32)[..., None]


x, others = puffs(3000), puffs(400)  # to train on, and to compare with

# %% [markdown]
# ## From the question to five lines · 从问题到代码
#
# Draw a ball round every real picture, as wide as the distance to its third nearest real neighbour.  The balls
# together are "where real puffs lie".  *Precision* is the share of samples inside; *recall* the same with the roles
# exchanged (Kynkäänniemi and others 2019, section 2):
#
# $$\text{precision}=\frac{1}{|F|}\sum_{f\in F}\mathbf 1\left[\exists\,x\in R:\ \|f-x\|\le r_3(x)\right]$$
#
# A model that repeats one perfect puff has precision 1 and recall near 0; one that paints anything at all, the
# reverse. No formula of the article is differentiated here, but both models are trained by theirs.


# %%
def distances(a, b):
    """‖aᵢ − bⱼ‖ for all pairs, (N, M)."""
    a, b = a.reshape(len(a), -1).astype(np.float64), b.reshape(len(b), -1).astype(np.float64)
    return np.sqrt(np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T, 0))


def covered(points, by, k=3):
    """The share of `points` inside the balls round `by`; each reaches to its k-th neighbour."""
    radius = np.sort(distances(by, by), axis=1)[:, k]  # 0 is the point itself
    return (distances(points, by) <= radius).any(axis=1).mean()


def precision(real, fake):
    return covered(fake, by=real)


def recall(real, fake):
    return covered(real, by=fake)


def sharpness(pictures):
    """Mean squared difference between neighbouring points."""
    return sum(np.mean(np.diff(pictures, axis=axis) ** 2) for axis in (1, 2))


def new_networks():
    made = np.random.default_rng(SEED)
    generator = Sequential(
        *(Dense(16, 4 * 4 * 32, bias=False, rng=made), BatchNorm(4 * 4 * 32), LeakyReLU(0.2)),
        Reshape(4, 4, 32),
        Conv2DTranspose(32, 16, 4, stride=2, padding="same", bias=False, rng=made),  # 8×8
        *(BatchNorm(16), LeakyReLU(0.2)),
        *(Conv2DTranspose(16, 1, 4, stride=2, padding="same", rng=made), Tanh()),  # 16×16
    )
    discriminator = Sequential(
        *(Conv2D(1, 16, 4, stride=2, padding="same", rng=made), LeakyReLU(0.2)),
        *(Conv2D(16, 32, 4, stride=2, padding="same", rng=made), LeakyReLU(0.2)),
        *(Flatten(), Dense(4 * 4 * 32, 1, rng=made)),
    )
    vae = DenseVae(item=(16, 16, 1), hidden=(256,), latent=16, likelihood="gaussian", rng=made)
    return generator, discriminator, vae


# %%
def check_value(seed=0):
    points = np.random.default_rng(seed).normal(size=(40, 2))
    value_check(precision, [([points, points], 1.0), ([points, points + 99], 0.0)])
    one = np.repeat(points[:1], 40, axis=0) + 1e-9 * points  # one good sample, again and again
    value_check(precision, [([points, one], 1.0)], name="precision of one puff repeated")
    value_check(recall, [([points, one], 1 / 40)], name="recall of one puff repeated")


def check_gradient(seed=0):
    _, discriminator, vae = new_networks()
    pictures = x[seed : seed + 2].astype(np.float64)
    discriminator, vae = discriminator.astype(np.float64), vae.astype(np.float64)

    def loss_d(real):
        return gan.nonsaturating.discriminator(discriminator(real), discriminator(-real))

    def loss(real):
        mu, logvar = vae.encode(real)
        rebuilt = minigen.reshape(vae.decode(mu), (len(real), -1))
        log_px = vae.log_px(minigen.reshape(real, (len(real), -1)), rebuilt)
        return gaussian_kl(mu, logvar) - log_px.mean()

    grad_check(loss_d, [pictures], params=discriminator, name="the GAN's L_D")
    grad_check(loss, [pictures], params=vae, name="the VAE's loss at z = mu")


def check_light_changes_nothing(seed=0):
    """Brightness and contrast, changed for all pictures alike, change neither number."""
    real, fake = np.random.default_rng(seed).normal(size=(2, 40, 2))
    for number in (precision, recall):

        def in_other_light(real, fake, number=number):
            return number(3 * real + 1, 3 * fake + 1)

        value_check(in_other_light, [([real, fake], number(real, fake))], name=number.__name__)


check_value()
check_gradient()
check_light_changes_nothing()

# %% [markdown]
# ## Experiment: one budget, two models · 实验：同样的预算，两个模型
#
# A convolutional GAN, 700 steps of 32 puffs; a dense VAE, 2,500 steps of 64.  A step of the VAE is cheaper, so that
# both take a few seconds, and the seconds are printed.

# %%
generator, discriminator, vae = new_networks()
adam_g, adam_d = (
    Adam(net.parameters(), 1e-3, betas=(0.5, 0.99)) for net in (generator, discriminator)
)
average = Average(generator, 0.99)
losses = []
began = time.perf_counter()
for _ in range(700):
    real = x[rng.integers(len(x), size=32)]
    fake = generator(rng.standard_normal((32, 16), np.float32))
    loss_d = gan.nonsaturating.discriminator(discriminator(real), discriminator(fake.detach()))
    adam_d.update(minigen.grad(loss_d, adam_d.parameters))
    loss_g = gan.nonsaturating.generator(discriminator(fake))
    adam_g.update(minigen.grad(loss_g, adam_g.parameters))
    average.update()
    losses.append((loss_d.item(), loss_g.item()))
gan_seconds = time.perf_counter() - began

adam = Adam(vae.parameters(), 2e-3)
began = time.perf_counter()
for _ in range(2500):
    seen = vae.one_pass(x[rng.integers(len(x), size=64)], rng=rng)
    loss = gaussian_kl(seen.mu, seen.logvar) - seen.log_px.mean()
    adam.update(minigen.grad(loss, adam.parameters))
print(f"GAN {gan_seconds:.0f} s, VAE {time.perf_counter() - began:.0f} s")

z = rng.standard_normal((400, 16), np.float32)
generator.eval()
with minigen.no_grad(), average.applied():
    from_gan = generator(z).numpy()
    circle = np.linspace(0, 2 * np.pi, 12, endpoint=False)[:, None]
    loop_z = (np.cos(circle) * z[0] + np.sin(circle) * z[1]).astype(np.float32)
    line_z = (z[0] + (z[1] - z[0]) * np.linspace(0, 1, 12)[:, None]).astype(np.float32)
    loops = {"GAN, circle": generator(loop_z).numpy(), "GAN, line": generator(line_z).numpy()}
with minigen.no_grad():
    from_vae = np.clip(vae.decode(z).numpy(), -1, 1)
    loops |= {"VAE, circle": vae.decode(loop_z).numpy(), "VAE, line": vae.decode(line_z).numpy()}

# %%
figure, three = plt.subplots(3, 1, figsize=(7, 2.7), layout="constrained")
shown = {"real": others, "GAN": from_gan, "VAE": from_vae}
for axes, (name, pictures) in zip(three, shown.items(), strict=True):
    rows = pictures[:40, ..., 0].reshape(2, 20, 16, 16).transpose(0, 2, 1, 3).reshape(32, 320)
    axes.imshow(rows, cmap="gray", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[], ylabel=name)
three[0].set_title("Smoke: real, and from the same 40 codes")
plt.show()

# %% [markdown]
# **Figure 1.** Forty real puffs, forty of the GAN and forty of the VAE, the last two from the same codes: the GAN's
# are compact, like real ones that have grown together; the VAE's are softer, and some have holes that no real puff
# has.

# %%
numbers = {}
for name, pictures in {"real": x[:400], "GAN": from_gan, "VAE": from_vae}.items():
    numbers[name] = {
        "precision": precision(others, pictures),
        "recall": recall(others, pictures),
        "sharpness": sharpness(pictures) / sharpness(others),
    }
    print(f"{name:5}", "  ".join(f"{key} {value:.2f}" for key, value in numbers[name].items()))
copies = np.repeat(others[:1], 400, axis=0)
print(
    f"one real puff 400 times: precision {precision(others, copies):.2f}, recall {recall(others, copies):.2f}"
)
assert all(numbers["real"][key] > 0.75 for key in ("precision", "recall"))  # the ceiling
assert all(0.1 < numbers[name]["precision"] for name in ("GAN", "VAE"))  # who wins is not asserted
assert recall(others, copies) < 0.05

figure, axes = plt.subplots(figsize=(5, 3.6), layout="constrained")
for (name, found), marker in zip(numbers.items(), "*os", strict=True):
    axes.plot(found["recall"], found["precision"], marker, markersize=11, label=name)
axes.plot(
    recall(others, copies), precision(others, copies), "x", markersize=10, label="one puff, copied"
)
axes.set(
    xlim=(-0.03, 1.03), ylim=(0, 1.05), xlabel="recall: how varied", ylabel="precision: how real"
)
axes.set_title("Two numbers, their ceiling, and a model that copies")
axes.legend(frameon=False, loc="lower center")
plt.show()

# %% [markdown]
# **Figure 2.** Precision against recall: other real puffs near the upper right are the ceiling; the GAN is nearly as
# precise, the VAE less so, with about the same recall; a copied puff has full precision and no recall.

# %% [markdown]
# That real puffs do not reach 1 is no error: 400 pictures do not fill the space.  Without that row the others could
# not be read.  And one run is an impression, not a result.  Over the seeds 0 to 5 this lesson gave
#
# | | precision | recall | has an encoder |
# |---|---|---|---|
# | GAN | 0.89–0.93 | 0.57–0.69 | no |
# | VAE | 0.72–0.80 | 0.56–0.69 | yes |
#
# So the GAN's puffs pass for real more often; in variety neither leads; only the VAE can find the code of a given
# puff.
#
# ### Consistency in time · 时间上的一致性
#
# A fire on a screen loops.  The *seam* is the step from the last frame back to the first, in units of the mean step:
#
# $$\text{seam}=\frac{\|x_{T-1}-x_0\|}{\tfrac1{T-1}\sum_t\|x_{t+1}-x_t\|}$$
#
# At 1 nobody sees where the loop begins.  A path that is closed in the latent space gives a closed film, in any
# model.


# %%
def seam(frames):
    steps = np.sqrt(((frames[1:] - frames[:-1]) ** 2).sum(axis=(1, 2, 3)))
    return np.sqrt(((frames[-1] - frames[0]) ** 2).sum()) / steps.mean()


for name, frames in loops.items():
    print(f"{name:12} seam {seam(frames):5.2f}")
    assert (seam(frames) < 2.5) == ("circle" in name)

figure, two = plt.subplots(2, 1, figsize=(7, 1.9), layout="constrained")
for axes, name in zip(two, ("GAN, circle", "GAN, line"), strict=True):
    axes.imshow(np.concatenate(list(loops[name][..., 0]), axis=1), cmap="gray", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[], ylabel=name.split()[1])
two[0].set_title("Twelve frames: only the circle comes back")
plt.show()

# %% [markdown]
# **Figure 3.** Twelve frames along a circle and along a line in the GAN's latent space: the circle's last frame
# resembles its first; the line ends at another puff.

# %% [markdown]
# ## Errata E1 to E4 together: no one sign mends them · 勘误 E1–E4：换一个符号救不了
#
# > **Claim.** A friendly reader says: the article climbs where others descend; turn all signs round, and it is right.
# >
# > **Test.** Take the article's update and losses, once with + and once with −, and see which of its losses then
# > move the way they must: L_G, L_D of the GAN, L_E, L_D of the VAE.
# >
# > **Right.** No convention makes all four right: F6's sign (E3) differs from that of F1, F2 and F5, whatever sign the
# > update has (E1).  And E2 and E4 are no signs at all.


# %%
def gets_better(loss, better, sign, start=0.4, rate=0.01):
    """Does a step of sign · rate · gradient of the article's loss improve what is wanted?"""
    t = minigen.tensor(np.full((1, 1), start), requires_grad=True)
    (gradient,) = minigen.grad(loss(t).mean(), [t])
    return bool(better(start + sign * rate * gradient.item()) > better(start))


one = np.ones((1, 1))
PRINTED = {  # the article's loss, with the expectation of E2 added, and what is wanted to grow
    "L_G (F1)": (gan.nonsaturating.generator, lambda a: a),
    "L_D (F2)": (lambda a: gan.nonsaturating.discriminator(a, -a), lambda a: a),
    "L_E (F5)": (lambda mu: gaussian_kl(mu, 0 * mu), lambda mu: -abs(mu)),
    "L_D (F6)": (lambda m: -0.5 * (one - m) ** 2, lambda m: -abs(1 - m)),  # + log p(x = 1 | z)
}
for sign in (1, -1):
    right = {name: gets_better(loss, better, sign) for name, (loss, better) in PRINTED.items()}
    print(
        "with",
        "+" if sign > 0 else "−",
        " ".join(f"{name}: {'right' if ok else 'WRONG'}" for name, ok in right.items()),
    )
    assert set(right.values()) == {True, False}
print(
    "verdict: with + three are wrong, with − one is: each erratum has to be mended where it stands"
)

# %% [markdown]
# ## Exercise A: three briefs · 练习 A：三个需求
#
# `table` has for each model its `precision`, its `recall` and whether it has an `encoder` (True or False).  Choose
# by the numbers, for each `brief`:
#
# - `"hero"`: a few puffs in close-up, each of which must pass for real;
# - `"crowd"`: a sky full of puffs, in which no two may look alike and no kind may be missing;
# - `"edit"`: the director likes one photographed puff and wants it a little larger: it needs a code for a given
#   picture; among models that can, the more precise one.


# %% tags=["exercise"] name="exercise-a"
def choose(brief, table):
    """The name of the model for a brief, from {name: {"precision", "recall", "encoder"}}."""
    ### BEGIN SOLUTION
    key = "recall" if brief == "crowd" else "precision"
    able = {name for name, row in table.items() if row["encoder"] or brief != "edit"}
    return max(sorted(able), key=lambda name: table[name][key])
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=3
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    high, low = rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.5)
    table = {
        "A": {"precision": high, "recall": low, "encoder": False},
        "B": {"precision": low, "recall": high, "encoder": True},
        "C": {"precision": low - 0.05, "recall": low, "encoder": True},
    }
    expected = {"hero": "A", "crowd": "B", "edit": "B"}
    for names in (str.upper, str.lower):  # the same with other names
        renamed = {names(name): row for name, row in reversed(table.items())}
        for brief, name in expected.items():
            chosen = choose(brief, renamed)
            row = renamed.get(chosen)
            assert chosen == names(name), (
                f"{brief}: {chosen!r} is not the one; its numbers are {row}"
            )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="Precision for everything: variety is never asked for."
# def choose(brief, table):
#     able = {name for name, row in table.items() if row["encoder"] or brief != "edit"}
#     return max(sorted(able), key=lambda name: table[name]["precision"])

# %% [raw] tags=["wrong"] name="exercise-a" says="The need of an encoder is overlooked."
# def choose(brief, table):
#     key = "recall" if brief == "crowd" else "precision"
#     return max(sorted(table), key=lambda name: table[name][key])

# %% [raw] tags=["wrong"] name="exercise-a" says="Precision and recall exchanged."
# def choose(brief, table):
#     key = "precision" if brief == "crowd" else "recall"
#     able = {name for name, row in table.items() if row["encoder"] or brief != "edit"}
#     return max(sorted(able), key=lambda name: table[name][key])

# %% [markdown]
# ## Exercise B: a script with four errata · 练习 B：修好带有四处错误的程序
#
# Somebody has typed the article's formulas into four NumPy functions.  All run.  Each holds one erratum, E1 to E4.
#
# ```python
# def update(theta, gradient, rate):
#     return theta + rate * gradient
#
# def encoder_loss(mu, logvar):                      # q = N(μ, σ²), prior N(0, 1), at z = 0
#     return -0.5 * (logvar + mu**2 / np.exp(logvar))
#
# def decoder_loss(logits, x):                       # black and white pixels, (N, D)
#     return np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))
#
# def discriminator_loss(real_logits, fake_logits):
#     real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
#     return np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake))
# ```
#
# Write the four anew.  Both VAE losses are in nats per image: summed over the last axis, the mean over the first.


# %% tags=["exercise"] name="exercise-b"
def update(theta, gradient, rate):
    """θ after one step that makes a loss smaller."""
    ### BEGIN SOLUTION
    return theta - rate * gradient
    ### END SOLUTION


def encoder_loss(mu, logvar):
    """L_E: mu, logvar (N, Z) → one number, nats per image."""
    ### BEGIN SOLUTION
    return np.mean(np.sum(0.5 * (mu**2 + np.exp(logvar) - 1 - logvar), axis=1))
    ### END SOLUTION


def decoder_loss(logits, x):
    """L_D of the VAE: logits and x, 0 or 1, (N, D) → one number, nats per image."""
    ### BEGIN SOLUTION
    return np.mean(np.sum(np.logaddexp(0, logits) - x * logits, axis=1))
    ### END SOLUTION


def discriminator_loss(real_logits, fake_logits):
    """L_D of the GAN from logits → one number, nats per image."""
    ### BEGIN SOLUTION
    return np.mean(np.logaddexp(0, -real_logits)) + np.mean(np.logaddexp(0, fake_logits))
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=4
def check_exercise_b(seed=0):
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=5)
    assert np.sum(update(theta, 2 * theta, 0.1) ** 2) < np.sum(theta**2), (
        "E1: a step makes the loss θ² larger"
    )
    mu, logvar = rng.normal(size=(2, 4, 3))
    name = "E2: the loss of the encoder, averaged over its codes"
    value_check(encoder_loss, [([mu, logvar], float(gaussian_kl(mu, logvar)))], name=name)
    sure, right = np.full((1, 4), 9.0), np.ones((1, 4))
    assert decoder_loss(sure, right) < decoder_loss(-sure, right), (
        "E3: a right decoder has the larger loss"
    )
    value_check(decoder_loss, [([0 * sure, right], 4 * np.log(2))], name="E3: four guesses")
    name = "E4: a discriminator that is sure and right"
    value_check(discriminator_loss, [([sure, -sure], 2 * np.log1p(np.exp(-9.0)))], name=name)
    value_check(discriminator_loss, [([0 * sure, 0 * sure], 2 * np.log(2))], name="E4: guessing")


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="As typed from the article, all four errata."
# def update(theta, gradient, rate):
#     return theta + rate * gradient
#
#
# def encoder_loss(mu, logvar):
#     return np.mean(-0.5 * np.sum(logvar + mu**2 / np.exp(logvar), axis=1))
#
#
# def decoder_loss(logits, x):
#     return np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))
#
#
# def discriminator_loss(real_logits, fake_logits):
#     real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
#     return np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake))

# %% [raw] tags=["wrong"] name="exercise-b" says="Only the sign of the update is turned round: E2 to E4 stay."
# def update(theta, gradient, rate):
#     return theta - rate * gradient
#
#
# def encoder_loss(mu, logvar):
#     return np.mean(-0.5 * np.sum(logvar + mu**2 / np.exp(logvar), axis=1))
#
#
# def decoder_loss(logits, x):
#     return np.mean(np.sum(x * logits - np.logaddexp(0, logits), axis=1))
#
#
# def discriminator_loss(real_logits, fake_logits):
#     real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
#     return np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake))

# %% [raw] tags=["wrong"] name="exercise-b" says="E1, E2 and E3 are mended; the sigmoid of E4 is overlooked."
# def update(theta, gradient, rate):
#     return theta - rate * gradient
#
#
# def encoder_loss(mu, logvar):
#     return np.mean(np.sum(0.5 * (mu**2 + np.exp(logvar) - 1 - logvar), axis=1))
#
#
# def decoder_loss(logits, x):
#     return np.mean(np.sum(np.logaddexp(0, logits) - x * logits, axis=1))
#
#
# def discriminator_loss(real_logits, fake_logits):
#     real, fake = 1 / (1 + np.exp(-real_logits)), 1 / (1 + np.exp(-fake_logits))
#     return np.mean(np.logaddexp(0, -real)) + np.mean(np.logaddexp(0, fake))

# %% [markdown]
# ## A question in words · 一道文字题
#
# A supplier shows sixteen splendid explosions from his model and says that it can make any explosion.  Which number
# would you ask him for, measured against what, and with which row beside it?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  Sixteen chosen pictures speak of precision at best; "any" is a claim
# about recall (1).  Recall against held-out real explosions that the model was not trained on, or the distance to
# the nearest training picture, which exposes copies (1).  Beside it the same number for other real explosions, the
# ceiling, at the same sample size (1).

# %% [markdown]
# ## What to take along · 小结
#
# - Real and varied are two numbers.  Each needs its ceiling, real against real, and a floor beside it.
# - Which model is better depends on the brief, and on more than one seed.
# - Loops are closed in the latent space, not mended afterwards.
# - The article's errors stand in four places with two signs; they are mended one by one.
#
# **New terms**: special effects (特效), precision of samples (样本精确率), recall of samples (样本召回率),
# sharpness (锐度), seam of a loop (循环接缝).
#
# **Read next**: `minigen/walks.py`, the closed walks of `python -m minigen.sample RUN --loop`; and
# `minigen.data.effects`, fire, smoke, rain, snow and explosions from known factors, for `python -m minigen.train
# gan --data effects:fire`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_light_changes_nothing,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=25,
)
