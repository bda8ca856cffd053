# ---
# jupyter:
#   minigen:
#     title: "Scenes: a small DCGAN"
#     zh: 场景生成
#     says: The article's whole program at work, and its claims about scenes as questions with numbers for answers.
#     minutes: 35
#     budget_s: 45
#     needs: ["04", "05", "08"]
#     covers: [C1, C2, C3, C4, S1, S2, S17, S18, A1, E4, E9, E12]
#     picture: 1
#     terms:
#     - [scene generation, 场景生成, "", landscapes, A1]
#     - [DCGAN, 深度卷积生成对抗网络, "", dcgan, "C2, C3"]
#     - [noise, 噪声, z, z, S1]
#     - [rank, 秩, "", matrix_rank, "S2, E9"]
#     - [parameter count, 参数量, "", parameters, "C2, C3"]
#     - [coverage, 覆盖率, "", covered, A1]
#     - [nearest neighbour, 最近邻, "", nearest, A1]
#     - [end-to-end learning, 端到端学习, "", "", S18]
# ---

# %% [markdown]
# # 09 · Scenes: a small DCGAN · 场景生成
#
# *35 minutes to read, 45 seconds to run.  Before it: lessons 04, 05 and 08.*
#
# All parts are there: layers, losses, two players.  Here the article's program runs, in small, on scenes whose making
# is known.  Does it keep what the article promises of it?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# Under 项目实战 the program comes in four pieces: imports and a seed (C1), the generator (C2), the discriminator (C3)
# and the training loop (C4).  Around them the article makes claims that can be tested:
#
# | id | claim, in short | here |
# |---|---|---|
# | S1 | the noise may be Gaussian or uniform | right, and run |
# | S2 | G extracts low-dimensional features from the noise | E9 |
# | S17 | every such model goes input → features → generation → output | true of a VAE, not of G |
# | S18 | data-driven, end-to-end, multimodal, large | two of four |
# | A1 | scenes: quick, varied, from few samples, realism hard to control | measured |
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $z$ | noise | 噪声 | `z` | (N, 100) | S1, C4 |
# | $x$, $G(z)$ | scenes, real and generated | 真实、生成的场景 | `x`, `x_fake` | (N, 16, 16, 1) | C2 |
# | $a$; $D=\sigma(a)$ | D's answer as logit, as probability | 判别器输出 | `real_logits`, `fake_logits` | (N, 1) | C3 |
# | $L_D$, $L_G$ | the two losses, F2 and F1 | 损失 | `loss_d`, `loss_g` | () | C4 |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen.check import checklist, grad_check, value_check
from minigen.data import draw_factors, render, to_float
from minigen.losses.gan import nonsaturating
from minigen.models import dcgan
from minigen.nn import (
    BatchNorm,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    Reshape,
    Sequential,
    Tanh,
)
from minigen.optim import Adam, Average

started = time.perf_counter()
SEED = 0  # another number draws other scenes and another training; every check still holds
rng = np.random.default_rng(SEED)  # C1 seeds the whole process; here whoever draws is handed one

# %% [markdown]
# ## The networks, counted · 数一数网络的参数
#
# `models.dcgan` holds C2 and C3 with the article's sizes.  A dense layer has $C\cdot C'$ weights, a convolution with
# windows of $K\times K$ has $K^2 C\,C'$, and batch normalisation trains two numbers a channel:
#
# $$\underbrace{100\cdot 12544}_{\text{Dense}}+\underbrace{2\cdot12544}_{\text{BN}}
# +25\,(256\cdot128+128\cdot64+64\cdot1)+2\,(128+64)=2{,}305{,}472$$

# %%
article_g = dcgan.Generator(rng=rng)
article_d = dcgan.Discriminator(rng=rng)
print(article_g.summary((100,)))
parameters = {"G": article_g.parameters(), "D": article_d.parameters()}
counts = {name: sum(p.data.size for p in found) for name, found in parameters.items()}
print(f"G {counts['G']:,}   D {counts['D']:,}   both {sum(counts.values()):,}")
assert counts == {"G": 2_305_472, "D": 212_865}

# %% [markdown]
# *Large* (S18)?  BERT, which the article names, has 110 million in its base size (Devlin et al. 2019, section 3).
# *Data-driven* holds, and so does *end-to-end*: D's answer alone trains every layer of G.  *Multimodal* does not:
# pictures are all there is.
#
# ## Erratum E9: does G extract features? · 勘误 E9：生成器在提取特征吗
#
# > **Claim.** G extracts features from the noise and so arrives, layer by layer, at a low-dimensional representation
# > (S2); the flow of the whole model is input → features → generation → output (S17).
# >
# > **Test.** Follow noises through C2.  Somewhere there ought to be fewer numbers than went in.
# >
# > **Right.** G *projects* 100 numbers to $7\cdot7\cdot256=12{,}544$, has no layer with fewer than 784, and never sees
# > a picture; what is low-dimensional is $z$ itself.  Features are D's work.  A VAE has S17's flow: its encoder is the
# > second box, its decoder the third.
#
# Whatever stands in the weights $w$, a linear layer cannot add what was not there:
#
# $$\operatorname{rank}(zw)\le\min(256,\,100,\,12544)=100$$

# %%
z = rng.standard_normal((256, 100), np.float32)
projected = article_g[0](z).numpy()
rank = np.linalg.matrix_rank(projected)
share = article_g[0].weight.data.size / counts["G"]
print(f"{z.shape} -> {projected.shape}, of rank {rank}, by {share:.1%} of G's numbers")
y, sizes = z[:2], []
for layer in article_g:
    y = layer(y)
    sizes.append(y[0].size)
print("numbers an image, layer by layer:", *sizes)
assert min(sizes) > 100  # the claim fails: no layer holds less than the noise
assert rank == 100  # and 12,544 numbers say no more than the noise did
print("verdict: nothing is extracted; noise is spread out, and the layers behind shape it")

# %% [markdown]
# ## From the loop to five lines · 从循环到代码
#
# For 16×16 one deconvolution fewer will do, and 32 and 16 channels.  What C4 lacks (`train_images`, `EPOCHS`,
# `noise`, two losses, two optimisers) is put in; `lessons/the_articles_program.py` does so in full size.  Each step
# goes *down* two losses, first D's, then G's through the D that has just moved:
#
# $$L_D=\overline{\mathrm{softplus}(-a_x)}+\overline{\mathrm{softplus}(a_{G(z)})}\qquad
# L_G=\overline{\mathrm{softplus}(-a_{G(z)})}$$


# %%
def new_networks(seed, C=32):
    """C2 and C3 for 16×16: G has C and C/2 channels, D has C/2 and C."""
    made = np.random.default_rng(seed)
    generator = Sequential(
        *(Dense(100, 4 * 4 * C, bias=False, rng=made), BatchNorm(4 * 4 * C), LeakyReLU(0.2)),
        Reshape(4, 4, C),
        Conv2DTranspose(C, C // 2, 5, stride=2, padding="same", bias=False, rng=made),  # 8×8
        *(BatchNorm(C // 2), LeakyReLU(0.2)),
        *(Conv2DTranspose(C // 2, 1, 5, stride=2, padding="same", bias=False, rng=made), Tanh()),
    )
    discriminator = Sequential(
        *(Conv2D(1, C // 2, 5, stride=2, padding="same", rng=made), LeakyReLU(0.2)),
        *(Dropout(0.3, rng=made), Conv2D(C // 2, C, 5, stride=2, padding="same", rng=made)),
        *(LeakyReLU(0.2), Dropout(0.3, rng=made), Flatten(), Dense(4 * 4 * C, 1, rng=made)),
    )
    return generator, discriminator


def new_optimisers(generator, discriminator):
    return (
        Adam(generator.parameters(), 1e-3, betas=(0.5, 0.99)),
        Adam(discriminator.parameters(), 2e-3, betas=(0.5, 0.99)),
    )


def half_d(discriminator, adam_d, x, x_fake):
    """D goes down F2; the fakes are numbers here, cut off from what made them."""
    real_logits, fake_logits = discriminator(x), discriminator(x_fake.detach())
    loss_d = nonsaturating.discriminator(real_logits, fake_logits)
    adam_d.update(minigen.grad(loss_d, adam_d.parameters))
    return loss_d.item(), real_logits.numpy(), fake_logits.numpy()


def half_g(discriminator, adam_g, x_fake):
    """G goes down F1, through D, which is held."""
    loss_g = nonsaturating.generator(discriminator(x_fake))
    adam_g.update(minigen.grad(loss_g, adam_g.parameters))
    return loss_g.item()


# %%
def check_value(seed=0):
    real, fake = np.array([[2.0], [-1.0]]), np.array([[-2.0], [0.5]])
    value_check(nonsaturating.discriminator, [([real, fake], 1.2705974)])
    value_check(nonsaturating.generator, [([fake], 1.3005025)])
    value_check(nonsaturating.discriminator, [([0 * real, 0 * fake], 2 * np.log(2))])


def check_gradient(seed=0):
    rng = np.random.default_rng(seed)
    generator, discriminator = (net.astype(np.float64) for net in new_networks(seed, C=4))
    x, z = rng.uniform(-1, 1, (3, 16, 16, 1)), rng.normal(size=(3, 100))
    discriminator.eval()  # dropout would draw another mask at every evaluation

    def loss_d(x, x_fake):
        return nonsaturating.discriminator(discriminator(x), discriminator(x_fake))

    def loss_g(z):
        return nonsaturating.generator(discriminator(generator(z)))

    few = {"full": 100, "samples": 10}  # 10 entries and 3 directions a tensor, not all 9,000
    grad_check(loss_d, [x, -x], params=discriminator, name="L_D by pictures and D", **few)
    grad_check(loss_g, [z], params=generator, name="L_G by noise and G, through D", **few)


def check_each_half_moves_its_own(seed=0):
    """D's half leaves G as it is, bit for bit, and the other way round."""
    rng = np.random.default_rng(seed)
    generator, discriminator = new_networks(seed)
    adam_g, adam_d = new_optimisers(generator, discriminator)
    x = rng.uniform(-1, 1, (8, 16, 16, 1)).astype(np.float32)
    x_fake = generator(rng.standard_normal((8, 100), np.float32))

    def bits():
        return [
            [p.numpy().tobytes() for p in net.parameters()] for net in (generator, discriminator)
        ]

    def moved(half, *given):
        before = bits()
        half(discriminator, *given)
        return [old != new for old, new in zip(before, bits(), strict=True)]

    assert moved(half_d, adam_d, x, x_fake) == [False, True], "D's half must move D alone"
    assert moved(half_g, adam_g, x_fake) == [True, False], "G's half must move G alone"


check_value()
check_gradient()
check_each_half_moves_its_own()

# %% [markdown]
# ## Experiment: two thousand scenes, eight hundred steps · 实验：两千个场景，八百步
#
# Landscapes are painted from known *factors*: hour, horizon, sun, hills, land or sea.  They are scaled to [−1, 1],
# since a G that ends in tanh cannot paint anything else.  Samples come from G's weights averaged over the last
# hundred steps or so.  A second, shorter training draws $z$ uniform on [−1, 1) instead of normal (S1).


# %%
def landscapes(n, seed):
    """Scenes without buildings and with little haze, scaled to [−1, 1], and what they show."""
    factors = draw_factors(n, seed)
    factors["skyline"], factors["haze"] = 0, 0.3 * factors["haze"]
    return to_float(render(factors, size=16)), factors


x, factors = landscapes(2000, SEED)
others, _ = landscapes(400, SEED + 1000)  # never trained with


def draw_z(n, rng, prior):
    if prior == "normal":
        return rng.standard_normal((n, 100), np.float32)
    return rng.uniform(-1, 1, (n, 100)).astype(np.float32)


def train(steps, prior="normal", shown=()):
    """How to sample, the losses and mean answers of every step, samples at the steps `shown`."""
    rng = np.random.default_rng(SEED)
    generator, discriminator = new_networks(SEED)
    adam_g, adam_d = new_optimisers(generator, discriminator)
    average, rows, shots = Average(generator, 0.99), [], {}
    z = draw_z(400, rng, prior)  # fixed: to be shown and measured, never trained with

    def sample():
        generator.eval()
        with minigen.no_grad(), average.applied():
            pictures = generator(z).numpy()
        generator.train()
        return pictures

    for k in range(steps + 1):
        if k in shown:
            shots[k] = sample()
        if k == steps:
            return sample, np.array(rows), shots
        x_fake = generator(draw_z(32, rng, prior))  # made once, used by both halves
        loss_d, real_logits, fake_logits = half_d(
            discriminator, adam_d, x[rng.integers(len(x), size=32)], x_fake
        )
        loss_g = half_g(discriminator, adam_g, x_fake)
        average.update()
        p_real, p_fake = (minigen.sigmoid(a).mean() for a in (real_logits, fake_logits))
        rows.append((k, loss_d, loss_g, p_real, p_fake))


began = time.perf_counter()
sample, rows, shots = train(800, shown=(0, 100, 250, 800))
print(f"800 steps in {time.perf_counter() - began:.0f} s")
uniform = train(250, prior="uniform", shown=(250,))[2][250]
assert np.isfinite(rows).all()

# %%
figure, five = plt.subplots(5, 1, figsize=(7, 3.4), layout="constrained")
strips = {f"step {k:,}": shot for k, shot in shots.items()} | {"real": others}
for axes, (name, pictures) in zip(five, strips.items(), strict=True):
    axes.imshow(np.concatenate(list(pictures[:12, ..., 0]), axis=1), cmap="gray", vmin=-1, vmax=1)
    axes.set(xticks=[], yticks=[])
    axes.set_ylabel(name, rotation=0, ha="right", va="center")
five[0].set_title("The same twelve noises, step by step")
plt.show()

# %% [markdown]
# **Figure 1.** A row of twelve samples for each of the steps 0, 100, 250 and 800, always from the same noises, and a
# row of real scenes: grain, then light above and dark below, then horizons, bright and dark skies; no sun yet.
#
# If you have MNIST's files, `python lessons/the_articles_program.py --data mnist:FOLDER` trains the full-sized
# networks on digits.  Suns need longer.  With 8,000 in the place of 800 (some minutes), most samples of seed 0 had
# a sun or moon, and many its glitter on the sea.


# %%
steps, *answers = rows.reshape(-1, 25, 5).mean(axis=1).T[[0, 3, 4]]  # means of 25 steps
figure, axes = plt.subplots(figsize=(6, 2.9), layout="constrained")
for values, style, name in zip(
    answers, ("-", "--"), ("D(x), real", "D(G(z)), generated"), strict=True
):
    axes.plot(steps, values, style, label=name)
axes.axhline(0.5, color="0.5", linewidth=0.8, linestyle=":")
axes.text(800, 0.505, "1/2: D can only guess", ha="right", color="0.3", fontsize=8)
axes.set(xlabel="step", ylabel="mean answer σ(a)", ylim=(0.2, 0.8), title="What D answers")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 2.** D's mean answers by step: far apart at first, then, after some fifty steps, real scenes near 0.55 and
# generated ones near 0.45, on both sides of the line at which D can only guess.  They stay there while the samples go
# on improving.

# %% [markdown]
# ## The claims of A1, measured · 把 A1 的说法变成数字
#
# *Copied?*  Look up the nearest training scene $t$ of each sample $y$, at the distance
#
# $$r(y)=\min_t\sqrt{\overline{(y-t)^2}}$$
#
# and do the same for scenes never met.  A copy has 0.  *Varied?*  The nearest scene lends the sample its factors.
# Sea or land, four degrees of light and three heights of the horizon make 24 cells; a cell is *covered* if it holds
# a fifth of its equal share:
#
# $$\#\left\{c:\ n_c\ge\tfrac15\cdot\tfrac{400}{24}\right\}$$


# %%
def nearest(pictures):
    """Index of the nearest training scene of each picture, and the distance r."""
    a, b = pictures.reshape(len(pictures), -1), x.reshape(len(x), -1)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return squares.argmin(1), np.sqrt(np.maximum(squares.min(1), 0) / a.shape[1])


def light(factors):
    """0 at midnight, 1 at noon."""
    return 1 - np.abs(2 * factors["time"] - 1)


def cells(factors):
    """Which of the 24 cells each scene lies in."""
    hour = np.minimum(4 * light(factors), 3).astype(int)
    height = np.minimum((factors["horizon"] - 0.35) / 0.1, 2).astype(int)
    return 12 * factors["sea"] + 3 * hour + height


def covered(factors):
    counts = np.bincount(cells(factors), minlength=24)
    return int((counts >= len(factors) / 24 / 5).sum())


def check_reading(seed=0):
    """The factors of the nearest scene are those of the picture, as far as the cells need them."""
    pictures, truth = landscapes(300, 2000 + seed)
    read = factors[nearest(pictures)[0]]
    assert np.mean(read["sea"] == truth["sea"]) > 0.9
    assert np.corrcoef(light(read), light(truth))[0, 1] > 0.9
    assert np.corrcoef(read["horizon"], truth["horizon"])[0, 1] > 0.8


check_reading()
made = {
    "scenes never met": others,
    "G, 800 steps": shots[800],
    "G, 250 steps": shots[250],
    "G, 250 steps, uniform": uniform,
    "G, untrained": shots[0],
}
found = {}
for name, pictures in made.items():
    index, distance = nearest(pictures)
    found[name] = covered(factors[index]), distance.mean()
    print(
        f"{name:22}{found[name][0]:3} of 24 cells   r {distance.mean():.3f}, least {distance.min():.3f}"
    )
assert found["scenes never met"][0] >= 22  # the ruler itself
assert found["G, 800 steps"][0] >= 14 > 6 >= found["G, untrained"][0]
assert found["G, 250 steps, uniform"][0] >= 12  # S1: the other noise works, too
assert found["G, 800 steps"][1] > 0.8 * found["scenes never met"][1]  # no copies

# %%
index, distance = nearest(shots[800])
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.1), sharey=True, layout="constrained")
for axes, title, lent in (
    (left, "Scenes never met", factors[nearest(others)[0]]),
    (right, "Samples of G", factors[index]),
):
    for sea, marker, color, name in ((0, "s", "0.55", "land"), (1, "o", "C0", "sea")):
        of = lent[lent["sea"] == sea]
        axes.plot(light(of), of["horizon"], marker, color=color, markersize=3, label=name)
    axes.set(xlabel="light, 0 midnight to 1 noon", xticks=np.linspace(0, 1, 5), title=title)
    axes.set(yticks=[0.35, 0.45, 0.55, 0.65], ylim=(0.66, 0.34))
    axes.grid(alpha=0.4)
left.set(ylabel="horizon, share of the height")
right.legend(loc="lower left", fontsize=8)
plt.show()

# %% [markdown]
# **Figure 3.** Horizon against light, as lent by the nearest scene, squares for land and dots for sea.  Left, real
# scenes fill the plane evenly.  Right, samples lie over most of it, but crowd at the light of dusk and leave the dark
# left edge nearly empty.

# %% [markdown]
# Nothing is copied: samples are *farther* from the training scenes than new real scenes are, as blurred pictures
# will be.  Varied?  Over the seeds 0 to 4, 20 to 22 cells of 24; after 8,000 steps (seed 0) all.  S1 holds: after
# 250 steps normal noise covers 17 to 19 cells, uniform 16 to 19.  *From few samples?*  With 50 training scenes,
# three seeds gave 9, 17 and 20 cells; with 300, 21, 22 and 22.
#
# *Quick?*  And *controlled?*  Ask for a bright scene at sea, one in eight of all, and count.

# %%
began = time.perf_counter()
sample()
a_second = 400 / (time.perf_counter() - began)
asked = np.mean((light(factors[index]) > 0.75) & (factors[index]["sea"] == 1))
print(f"{a_second:,.0f} scenes a second; {asked:.0%} of the samples are what was asked for")
assert a_second > 100 and asked < 0.5

# %% [markdown]
# Quick, yes: tens of thousands of scenes a second, stamps though they are.  Controlled, no: over five seeds 7 to 12 %
# of the samples are what was asked for, no more than chance gives, since nothing in $z$ says "sea".  To get one, draw
# ten and look.

# %% [markdown]
# ## Erratum E12: the loop as printed · 勘误 E12：照原样运行的循环
#
# > **Claim.** C4 trains the networks of C2 and C3.
# >
# > **Test.** Five names are defined nowhere, and gradient tapes are asked to apply gradients: it cannot run.  Mend
# > that, but keep how it calls the models, without training mode.  After 20 steps, look at G's first normalisation.
# >
# > **Right.** Training mode while training, evaluation mode for samples.
#
# In evaluation mode the layer uses its running mean and variance.  They begin at 0 and 1, and only training mode
# moves them.  With $\epsilon=0.001$:
#
# $$y=\gamma\,\frac{x-0}{\sqrt{1+\epsilon}}+\beta=0.9995\,\gamma x+\beta$$


# %%
def after_20_steps(training):
    """G after 20 steps with both networks in or out of training mode."""
    rng = np.random.default_rng(SEED)
    generator, discriminator = (net.train(training) for net in new_networks(SEED))
    adam_g, adam_d = new_optimisers(generator, discriminator)
    for _ in range(20):
        x_fake = generator(draw_z(32, rng, "normal"))
        half_d(discriminator, adam_d, x[rng.integers(len(x), size=32)], x_fake)
        half_g(discriminator, adam_g, x_fake)
    return generator


for training in (True, False):
    norm = after_20_steps(training).eval()[1]
    mean, var = norm.running_mean.numpy(), norm.running_var.numpy()
    probe = rng.standard_normal((8, 512), np.float32)
    scaled = norm.gamma.numpy() * probe / np.sqrt(1.001) + norm.beta.numpy()
    only_scales = np.allclose(norm(probe).numpy(), scaled, atol=1e-5)
    print(
        f"training mode {training!s:5}: running variance {var.min():.2f} to {var.max():.2f}, only scales: {only_scales}"
    )
    assert only_scales != training and (mean.any() and (var != 1).any()) == training
print("verdict: as printed, nothing is ever normalised, and no dropout drops")

# %% [markdown]
# Here it costs little: trained so, the seeds 0 to 2 cover 18, 20 and 21 cells, where training mode gives 21, 20 and
# 21. That is why the fault can last: no error is raised, and no curve of a small network shows it.

# %% [markdown]
# ## Exercise A: assemble the generator · 练习 A：组装生成器
#
# Assemble C2 for any size: dense to `side`×`side`×`channels`, then deconvolutions to `channels`/2, `channels`/4 and
# 1. The table under "The networks, counted" shows it for 7 and 256.  The check compares the count, the shapes, and,
# with the same weights in both, the pictures; then a hundred coordinates of a small one's gradient, from end to
# end.


# %% tags=["exercise"] name="exercise-a"
def assemble(latent, side, channels, rng):
    """z (N, latent) → pictures (N, 4·side, 4·side, 1) in (−1, 1), as in C2."""
    ### BEGIN SOLUTION
    return Sequential(
        Dense(latent, side * side * channels, bias=False, rng=rng),
        BatchNorm(side * side * channels),
        LeakyReLU(0.2),
        Reshape(side, side, channels),
        Conv2DTranspose(channels, channels // 2, 5, padding="same", bias=False, rng=rng),
        BatchNorm(channels // 2),
        LeakyReLU(0.2),
        Conv2DTranspose(
            channels // 2, channels // 4, 5, stride=2, padding="same", bias=False, rng=rng
        ),
        BatchNorm(channels // 4),
        LeakyReLU(0.2),
        Conv2DTranspose(channels // 4, 1, 5, stride=2, padding="same", bias=False, rng=rng),
        Tanh(),
    )
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    yours = assemble(latent=100, side=7, channels=256, rng=rng)
    shapes, wanted = ([p.shape for p in net.parameters()] for net in (yours, article_g))
    count = sum(p.data.size for p in yours.parameters())
    assert count == 2_305_472, (
        f"{count:,} trained numbers; C2 has 2,305,472. Which layer has too many, or is missing?"
    )
    assert shapes == wanted, (
        f"the weights have the shapes {shapes}; compare them with the table, in order"
    )
    z = rng.standard_normal((2, 100), np.float32)
    size = tuple(yours(z).shape)
    assert size == (2, 28, 28, 1), (
        f"two noises became {size}; C2 makes (2, 28, 28, 1): follow the size by layer"
    )
    yours.load_state_dict(
        dict(zip(yours.state_dict(), article_g.state_dict().values(), strict=True))
    )
    value_check(yours, [([z], article_g(z).numpy())], name="your G with the library's weights")
    small = assemble(latent=5, side=2, channels=8, rng=rng).astype(np.float64)
    grad_check(small, [rng.normal(size=(3, 5))], name="a small G of yours", full=100, samples=10)


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The biases are left in, as layers have them by default."
# def assemble(latent, side, channels, rng):
#     half, quarter = channels // 2, channels // 4
#     return Sequential(
#         Dense(latent, side * side * channels, rng=rng), BatchNorm(side * side * channels), LeakyReLU(0.2),
#         Reshape(side, side, channels),
#         Conv2DTranspose(channels, half, 5, padding="same", rng=rng), BatchNorm(half), LeakyReLU(0.2),
#         Conv2DTranspose(half, quarter, 5, stride=2, padding="same", rng=rng), BatchNorm(quarter), LeakyReLU(0.2),
#         Conv2DTranspose(quarter, 1, 5, stride=2, padding="same", rng=rng), Tanh(),
#     )

# %% [raw] tags=["wrong"] name="exercise-a" says="Every deconvolution enlarges, as the reading of C2 has it (E13)."
# def assemble(latent, side, channels, rng):
#     half, quarter = channels // 2, channels // 4
#     more = dict(stride=2, padding="same", bias=False, rng=rng)
#     return Sequential(
#         Dense(latent, side * side * channels, bias=False, rng=rng), BatchNorm(side * side * channels), LeakyReLU(0.2),
#         Reshape(side, side, channels),
#         Conv2DTranspose(channels, half, 5, **more), BatchNorm(half), LeakyReLU(0.2),
#         Conv2DTranspose(half, quarter, 5, **more), BatchNorm(quarter), LeakyReLU(0.2),
#         Conv2DTranspose(quarter, 1, 5, **more), Tanh(),
#     )

# %% [raw] tags=["wrong"] name="exercise-a" says="No tanh at the end: the pictures are not held in (−1, 1)."
# def assemble(latent, side, channels, rng):
#     half, quarter = channels // 2, channels // 4
#     more = dict(padding="same", bias=False, rng=rng)
#     return Sequential(
#         Dense(latent, side * side * channels, bias=False, rng=rng), BatchNorm(side * side * channels), LeakyReLU(0.2),
#         Reshape(side, side, channels),
#         Conv2DTranspose(channels, half, 5, **more), BatchNorm(half), LeakyReLU(0.2),
#         Conv2DTranspose(half, quarter, 5, stride=2, **more), BatchNorm(quarter), LeakyReLU(0.2),
#         Conv2DTranspose(quarter, 1, 5, stride=2, **more),
#     )

# %% [raw] tags=["wrong"] name="exercise-a" says="One bend is forgotten, and the counts do not show it."
# def assemble(latent, side, channels, rng):
#     half, quarter = channels // 2, channels // 4
#     more = dict(padding="same", bias=False, rng=rng)
#     return Sequential(
#         Dense(latent, side * side * channels, bias=False, rng=rng), BatchNorm(side * side * channels),
#         Reshape(side, side, channels),
#         Conv2DTranspose(channels, half, 5, **more), BatchNorm(half), LeakyReLU(0.2),
#         Conv2DTranspose(half, quarter, 5, stride=2, **more), BatchNorm(quarter), LeakyReLU(0.2),
#         Conv2DTranspose(quarter, 1, 5, stride=2, **more), Tanh(),
#     )

# %% [markdown]
# ## Exercise B: rewire E4 · 练习 B：在这里重现 E4
#
# > **Claim.** D's output is the probability that its input is real (the reading of C3, E4).
# >
# > **Test.** Believe it: put a sigmoid behind D, and keep the losses, which have one already.
# >
# > **Right.** D's output is a logit.  One sigmoid is enough, and it stands in the loss.
#
# Write the loss of a D wired so, from its logits (with `minigen.sigmoid` and `minigen.softplus`; the library's
# losses warn of a second sigmoid), and the lowest value it can have.  The check trains a D with it against a G that
# has learnt nothing, an easy task: see where the loss stops.


# %% tags=["exercise"] name="exercise-b"
def wired_twice(real_logits, fake_logits):
    """L_D where D ends in a sigmoid and the loss applies another: logits (N, 1) → one number."""
    ### BEGIN SOLUTION
    p_real, p_fake = minigen.sigmoid(real_logits), minigen.sigmoid(fake_logits)
    return minigen.softplus(-p_real).mean() + minigen.softplus(p_fake).mean()
    ### END SOLUTION


def floor():
    """The value below which that loss cannot fall, however good D is."""
    ### BEGIN SOLUTION
    return np.log(1 + np.exp(-1)) + np.log(2)
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    real, fake = np.array([[2.0], [-1.0]]), np.array([[-2.0], [0.5]])
    value_check(wired_twice, [([0 * real, 0 * fake], 1.4481539), ([real, fake], 1.3605017)])
    last = {}
    for name, loss in (("once", nonsaturating.discriminator), ("twice", wired_twice)):
        generator, discriminator = new_networks(seed)
        _, adam_d = new_optimisers(generator, discriminator)
        x_fake = generator(draw_z(32, np.random.default_rng(seed), "normal")).detach()
        for k in range(60):
            loss_d = loss(discriminator(x[32 * k : 32 * k + 32]), discriminator(x_fake))
            adam_d.update(minigen.grad(loss_d, adam_d.parameters))
        last[name] = loss_d.item()
    print(f"after 60 steps: one sigmoid {last['once']:.4f}, two {last['twice']:.4f} nats")
    assert last["once"] < 0.3 and 1.006 < last["twice"] < 1.1
    lowest = floor()
    assert lowest < last["twice"], (
        f"your floor is {lowest:.4f}, but D's loss reached {last['twice']:.4f}"
    )
    value_check(
        floor,
        [([], wired_twice(np.full((2, 1), 800.0), np.full((2, 1), -800.0)))],
        rtol=1e-4,
        reveal=False,
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="One sigmoid: that is the right wiring, not the one asked for."
# def wired_twice(real_logits, fake_logits):
#     return minigen.softplus(-real_logits).mean() + minigen.softplus(fake_logits).mean()
#
#
# def floor():
#     return np.log(1 + np.exp(-1)) + np.log(2)

# %% [raw] tags=["wrong"] name="exercise-b" says="The floor of the right wiring, 0."
# def wired_twice(real_logits, fake_logits):
#     p_real, p_fake = minigen.sigmoid(real_logits), minigen.sigmoid(fake_logits)
#     return minigen.softplus(-p_real).mean() + minigen.softplus(p_fake).mean()
#
#
# def floor():
#     return 0.0

# %% [raw] tags=["wrong"] name="exercise-b" says="2 ln 2, where D can only guess, is taken for the lowest value."
# def wired_twice(real_logits, fake_logits):
#     p_real, p_fake = minigen.sigmoid(real_logits), minigen.sigmoid(fake_logits)
#     return minigen.softplus(-p_real).mean() + minigen.softplus(p_fake).mean()
#
#
# def floor():
#     return 2 * np.log(2)

# %% [markdown]
# ## A question in words · 一道文字题
#
# After 800 steps D's answers to real and to generated scenes both lie near one half (Figure 2).  A colleague says
# that G has therefore learnt the scenes, and stops.  What else could be the reason, and which numbers of this
# lesson would you show?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  One half only says that *this* D cannot tell them apart; a D that is too
# small or too slow, or that has learnt nothing, answers the same to everything (1).  So G must be judged by
# something that does not come from D: covered cells, with real scenes as the ceiling and an untrained G as the
# floor (1), and the distance to the nearest training scene, for quality and against copying, or simply the pictures
# of fixed noises (1).

# %% [markdown]
# ## What to take along · 小结
#
# - C2 and C3 hold 2,305,472 and 212,865 numbers; more than half of G's stand in the layer that spreads the noise out.
# - A generator has no feature stage: noise goes in, and all it learns of pictures comes through D's slopes.
# - Each half of a step moves one network and leaves the other as it was, bit for bit.
# - Training mode to train, evaluation mode to sample; its absence shows in no loss.
# - "Varied", "quick", "no copies" are questions; each needs a number, and the number of real scenes beside it.
#
# **New terms**: scene generation (场景生成), DCGAN (深度卷积生成对抗网络), noise (噪声), rank (秩), parameter count
# (参数量), coverage (覆盖率), nearest neighbour (最近邻), end-to-end learning (端到端学习).  **Read next**: `step` in
# `minigen/train/gan.py`, the same two halves with every option, and `lessons/the_articles_program.py`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_each_half_moves_its_own,
        check_reading,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=45,
)
