# ---
# jupyter:
#   minigen:
#     title: Transposed convolution
#     zh: 转置卷积
#     says: The generator's way from small maps to pictures; an adjoint, no inverse; where checkerboards come from.
#     minutes: 30
#     budget_s: 6
#     needs: ["03"]
#     covers: [C2, S3, E13]
#     picture: 2
#     terms:
#     - [transposed convolution, 反卷积／转置卷积, "Cᵗy", convolve_transpose, "C2, S3"]
#     - [adjoint, 伴随（转置）, "Cᵗ", adjoint_check, S3]
#     - [inverse map, 逆变换, "C⁻¹", inverse, S3]
#     - [inner product, 内积, "⟨x, y⟩", inner, ""]
#     - [col2im, 按块累加还原, "", col2im, ""]
#     - [overlap of the stamps, 重叠次数, "", overlap, ""]
#     - [checkerboard pattern, 棋盘格伪影, "", "", ""]
# ---

# %% [markdown]
# # 04 · Transposed convolution · 转置卷积
#
# *30 minutes to read, 6 seconds to run.  Before it: lesson 03.*
#
# A generator has to go where a discriminator comes from: from a small map to a large picture.  The article calls its
# tool a deconvolution, or inverse transform.  What does the layer compute, and does it undo a convolution?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 生成对抗网络（GAN） the generator's third step (S3, 数据生成) makes pictures from features by "反卷积或逆变换",
# deconvolution or inverse transform.  代码片段2 (C2) has the layers: `Conv2DTranspose` with windows of 5×5, padding
# `"same"` and strides 1, 2 and 2.  Its comment announces two such operations, and the reading below it (代码解读) says
# that each of them raises the resolution.
#
# A convolution gathers: each output collects a window of $x$.  A *transposed* convolution scatters: each entry of the
# small map $y$ stamps the whole kernel onto the large picture, and where stamps overlap they add:
#
# $$x_{n,\;So+k-P,\;Sp+l-P,\;i}\;\mathrel{+}=\;\sum_c y_{n,o,p,c}\;w_{k,l,i,c} \tag{1}$$
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $y$ | the small side: what the layer takes | 小图 | `y` | (N, OH, OW, OC) | C2 |
# | $x$ | the large side: what it returns | 大图 | `x` | (N, H, W, C) | C2 |
# | $w$ | kernel: rows, columns, result, input | 卷积核 | `w` | (KH, KW, C, OC) | C2 |
# | $C,\ C^{\mathsf T}$ | a convolution as a matrix; its transpose | 卷积矩阵及其转置 | `matrix` | – | S3 |
# | $\langle x,y\rangle$ | inner product: multiply, then add up all | 内积 | `inner` | () | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

from minigen import Geometry, conv, conv_kernel_grad, conv_transpose, convolve, convolve_transpose
from minigen.check import adjoint_check, checklist, grad_check, value_check
from minigen.data import scenes, to_float
from minigen.models.dcgan import Generator
from minigen.nn import Conv2DTranspose

started = time.perf_counter()
SEED = 0  # another number draws other weights; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to code · 从公式到代码
#
# Stamping needs no more than a loop over the entries of $y$.  Without padding the picture gets
# $H=(OH-1)\,S+K$ rows; $P$ rows of padding are *cut off*, where a convolution would add them.


# %%
def stamp(y, w, stride=1):
    """Formula (1) without padding: y (N, OH, OW, OC), w (KH, KW, C, OC) → x (N, H, W, C)."""
    (N, OH, OW, _), (KH, KW, C, _) = y.shape, w.shape
    x = np.zeros((N, (OH - 1) * stride + KH, (OW - 1) * stride + KW, C))
    for o, p in np.ndindex(OH, OW):
        rows, columns = slice(stride * o, stride * o + KH), slice(stride * p, stride * p + KW)
        x[:, rows, columns] += np.tensordot(y[:, o, p], w, axes=(1, 3))  # (N, KH, KW, C)
    return x


def by_library(y, w, stride=1):
    return convolve_transpose(y, w, stride=stride)


# %% [markdown]
# The **value**: stamps of three ones, weighed 1 and 2, two apart, give 1, 1, 3, 2, 2; and the library agrees.  The
# **gradient** is the library's.  The **invariant** is what gives the layer its name.  Write the convolution as a matrix
# $C$; then the layer is $C^{\mathsf T}$, which means that for *all* $x$ and $y$
#
# $$\langle y,\;Cx\rangle=\langle C^{\mathsf T}y,\;x\rangle \tag{2}$$


# %%
def draw_case(rng):
    """y and w, odd on purpose."""
    return rng.normal(size=(2, 3, 4, 3)), rng.normal(size=(3, 5, 2, 3))


def check_value(seed=0):
    ones = [np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.ones((1, 3, 1, 1)), 2]
    value_check(stamp, [(ones, np.array([1.0, 1, 3, 2, 2]).reshape(1, 1, 5, 1))])
    y, w = draw_case(np.random.default_rng(seed))
    value_check(by_library, [([y, w, 2], stamp), ([y, w, 3], stamp)], rtol=1e-9, atol=1e-12)


def check_gradient(seed=0):
    grad_check(by_library, draw_case, order=2, seed=seed)


def check_adjoint(seed=0):
    """Formula (2) for five random pairs, to 1e-12 of the size of what is added up."""
    y, w = draw_case(np.random.default_rng(seed))
    x_shape = stamp(y, w, 2).shape
    forward, back = lambda x: convolve(x, w, stride=2), lambda y: stamp(y, w, 2)
    adjoint_check(forward, back, x_shape, y.shape, rtol=1e-12, seed=seed, name="stamp")


check_value()
check_gradient()
check_adjoint()

# %% [markdown]
# ## A matrix and its transpose · 一个矩阵和它的转置
#
# On a line of 12 pixels $C$ can be looked at.  Column $j$ of a matrix is what comes of the $j$-th unit vector.

# %%
w = rng.normal(size=(3, 1, 1))
matrix = convolve(np.eye(12)[..., None], w, stride=2, padding="same")[..., 0].T  # (6, 12)
turned = convolve_transpose(np.eye(6)[..., None], w, stride=2, padding="same")[..., 0].T
assert np.array_equal(turned, matrix.T)

figure, axes = plt.subplots(1, 3, figsize=(7, 2.9), layout="constrained")
titles = ["C: 12 pixels to 6", "Cᵗ: 6 back to 12", "Cᵗ C: there and back"]
for axis, values, title in zip(axes, [matrix, turned, turned @ matrix], titles, strict=True):
    axis.imshow(values, cmap="cividis", vmin=-abs(matrix).max(), vmax=abs(matrix).max())
    axis.set(title=title, xlabel="in", xticks=range(0, values.shape[1], 2))
    axis.set(ylabel="out", yticks=range(0, values.shape[0], 2))
plt.show()

# %% [markdown]
# **Figure 1.** Three matrices as pictures.  C has the same three weights in every row, two columns further each time;
# Cᵗ is C mirrored in its diagonal; their product is a band and not the identity, which would be a line of equal cells.
# So going there and back does not return what went in.
#
# ## Three faces of one form · 同一形式的三个面
#
# Formula (2) and lesson 03's gradient for the kernel belong together.  All three are the same sum, over every
# meeting of a pixel, a weight and a place; each leaves another of the three open:
#
# $$\langle y,\ \mathrm{conv}(x,w)\rangle=\langle\mathrm{conv\_transpose}(y,w),\ x\rangle
# =\langle\mathrm{conv\_kernel\_grad}(x,y),\ w\rangle \tag{3}$$
#
# So the backward pass of D's convolutions runs through transposed convolutions, and that of G's through convolutions.
# minigen has these three and needs no fourth, for derivatives of any order.


# %%
def inner(a, b):
    return float((a * b).sum())


def check_three_faces(seed=0):
    """Formula (3) in the geometry of C2's last layer, 14×14 from 28×28, with fewer channels."""
    rng = np.random.default_rng(seed)
    x, w, y = (rng.normal(size=s) for s in [(2, 28, 28, 1), (5, 5, 1, 4), (2, 14, 14, 4)])
    g = Geometry((28, 28), (14, 14), window=(5, 5), stride=(2, 2), dilation=(1, 1), before=(1, 1))
    faces = [
        inner(y, conv(x, w, geometry=g)),
        inner(conv_transpose(y, w, geometry=g), x),
        inner(conv_kernel_grad(x, y, geometry=g), w),
    ]
    print("three faces:", ", ".join(f"{face:.12f}" for face in faces))
    size = inner(abs(y), abs(conv(x, w, geometry=g)))
    assert max(faces) - min(faces) < 1e-12 * size


check_three_faces()

# %% [markdown]
# ## Claim S3: an inverse transform? · 论断 S3：是逆变换吗？
#
# > **Claim.** Pictures come out by deconvolution or inverse transform (S3, 反卷积或逆变换).
# >
# > **Test.** Convolve noise with random kernels of 5×5, go back by the transpose, and let the best factor $a$ help: how
# > much of $x$ does $a\,C^{\mathsf T}Cx$ still miss?  At stride 2 three quarters of the numbers are gone, so nothing
# > could bring them back; hence stride 1 as well, where an inverse exists as a rule and can be asked.
# >
# > **Right.** It is the *adjoint*, $C^{\mathsf T}$, and not $C^{-1}$.  The usual word is 转置卷积, transposed
# > convolution.


# %%
def missed(x, w, stride):
    """(‖x − a CᵗCx‖ / ‖x‖ for the best number a, and that picture)."""
    back = convolve_transpose(
        convolve(x, w, stride=stride, padding="same"), w, stride=stride, padding="same"
    )
    back = inner(x, back) / inner(back, back) * back
    return np.linalg.norm(x - back) / np.linalg.norm(x), back


def pairs(n=100):
    return ((rng.normal(size=(1, 28, 28, 1)), rng.normal(size=(5, 5, 1, 1))) for _ in range(n))


for stride in (1, 2):
    shares = np.array([missed(x, w, stride)[0] for x, w in pairs()])
    print(
        f"stride {stride}: {shares.mean():.0%} of x missed on average, at best {shares.min():.0%}"
    )
    assert shares.min() > 0.4  # an inverse would miss nothing: the claim fails

x, w = rng.normal(size=(1, 12, 1)), np.array([0.2, 1.0, -0.3]).reshape(3, 1, 1)
matrix = convolve(np.eye(12)[..., None], w, padding="same")[..., 0].T  # (12, 12), stride 1
y = convolve(x, w, padding="same")[0, :, 0]
inverse = np.linalg.inv(matrix)
print(f"stride 1, the true inverse: {np.linalg.norm(inverse @ y - x[0, :, 0]):.0e} missed")
assert np.allclose(inverse @ y, x[0, :, 0]) and not np.allclose(inverse, matrix.T)
print("verdict: the adjoint, not the inverse")

# %% [markdown]
# That is no fault of the layer.  A generator has nothing to undo; it needs a map from small to large whose weights can
# be learnt, and $C^{\mathsf T}$ is one.  Only the name promises too much.
#
# ## Checkerboards · 棋盘格
#
# Stamps two apart overlap.  How often is each pixel stamped?  Let $y$ and $w$ be all ones, and the layer counts.

# %%
overlap = {}
for window in (3, 4, 5):
    line, ones = np.ones((1, 9, 1)), np.ones((window, 1, 1))
    counts = convolve_transpose(line, ones, stride=2)[0, 6:12, 0].astype(int)  # away from the ends
    overlap[window] = np.outer(counts, counts)
    print(f"{window} taps at stride 2:", *counts)
assert [sorted(set(counts.flat)) for counts in overlap.values()] == [[1, 2, 4], [4], [4, 6, 9]]

figure, axes = plt.subplots(1, 3, figsize=(7, 2.7), sharey=True, layout="constrained")
for axis, (window, counts) in zip(axes, overlap.items(), strict=True):
    axis.imshow(counts, cmap="cividis", vmin=0, vmax=9)
    for (row, column), count in np.ndenumerate(counts):
        axis.text(column, row, count, ha="center", va="center", color="k" if count > 5 else "w")
    axis.set(title=f"{window}×{window} at stride 2", xlabel="column", xticks=[], yticks=[])
axes[0].set(ylabel="row")
plt.show()

# %% [markdown]
# **Figure 2.** How many stamps fall on each pixel, away from the edges, at stride 2: windows of 3×3 give 4, 2 and 1 in
# turn, 5×5 give 9, 6 and 4, both as a checkerboard; windows of 4×4 give 4 everywhere.  The overlap is even only where
# the stride divides the window.
#
# C2 has 5×5 at stride 2, twice.  Its weights *may* learn to even this out, and with an even overlap they may still
# paint a pattern; but with 5 taps the pattern is what one gets for nothing (Odena, Dumoulin & Olah 2016).  Here a still
# goes down and up again, with kernels whose weights are all the same.

# %%
still = to_float(scenes(8, seed=3)[0])[6:7].astype(np.float64)  # (1, 28, 28, 1), in [−1, 1]
panels = {"x, 28×28": still}
for window in (5, 4):
    ones = np.ones((window, window, 1, 1)) / window**2
    panels[f"Cx, {window}×{window}"] = convolve(still, ones, stride=2, padding="same")
    share, panels[f"back: {missed(still, ones, 2)[0]:.0%} missed"] = missed(still, ones, 2)

figure, axes = plt.subplots(1, 5, figsize=(7, 1.9), layout="constrained")
for axis, (title, picture) in zip(axes, panels.items(), strict=True):
    axis.imshow(picture[0, ..., 0], cmap="gray", vmin=-1, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.set(xticks=[], yticks=[])
plt.show()

# %% [markdown]
# **Figure 3.** A still, its halves by windows of 5×5 and 4×4, and each enlarged again by the transpose.  Neither comes
# back sharp, since a transpose is no inverse; after 5×5 there is a checkerboard on top, after 4×4 none.
#
# ## Erratum E13: two, and all enlarge? · 勘误 E13：两次，而且都放大？
#
# > **Claim.** C2 has two deconvolutions (its comment), and each of them raises the resolution (its reading).
# >
# > **Test.** Send one latent through the network, layer by layer, and look at shapes and weights.
# >
# > **Right.** Three transposed convolutions; the first keeps 7×7, only the other two enlarge, to 14×14 and 28×28.

# %%
generator = Generator(rng=rng).eval()
x, found = rng.normal(size=(1, generator.latent)), []
for layer in generator:
    x_before, x = x, layer(x)
    if isinstance(layer, Conv2DTranspose):
        found.append((x_before.shape[1], x.shape[1], layer.weight.size))
        print(f"{x_before.shape[1:]} → {x.shape[1:]}   {layer.weight.size:>7,} weights   {layer!r}")
assert found == [(7, 7, 819_200), (7, 14, 204_800), (14, 28, 1_600)]
assert found[0][2] == 5 * 5 * 256 * 128
print("verdict: three, not two; the first does not enlarge")

# %% [markdown]
# What does the first one do, then?  At stride 1 stamping and gathering are the same, if the kernel is turned round and
# its channels change places: it is an ordinary convolution.

# %%
first, y = generator[4], rng.normal(size=(1, 7, 7, 256)).astype(np.float32)
w_turned = first.weight.numpy()[::-1, ::-1].swapaxes(2, 3)
ordinary = convolve(y, w_turned, padding="same")
assert np.allclose(ordinary, first(y).numpy(), atol=1e-4)
print("stride 1: a convolution with the kernel turned round, in another dress")

# %% [markdown]
# ## Exercise A: col2im · 练习 A：col2im
#
# Lesson 03 made a convolution of two steps, `im2col` and a matrix product.  Its transpose has the transposed steps in
# the other order: first the product, which gives $K\times K\times C$ numbers for each place, then `col2im`, which
# brings them to where `im2col` took them from.  Write `col2im` as the transpose of `im2col` below.  Pixels that no
# window reached are 0.  The check is formula (2).


# %%
def im2col(x, window, stride):
    """Every window of x beside the others: (N, H, W, C) → (N, OH, OW, KH, KW, C), as in lesson 03."""
    views = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    return np.moveaxis(views[:, ::stride, ::stride], 3, 5)


# %% tags=["exercise"] name="exercise-a"
def col2im(columns, sizes, stride):
    """The transpose of im2col: columns (N, OH, OW, KH, KW, C), sizes = (H, W) → (N, H, W, C)."""
    ### BEGIN SOLUTION
    N, OH, OW, KH, KW, C = columns.shape
    x = np.zeros((N, *sizes, C))
    for k, l in np.ndindex(KH, KW):  # noqa: E741
        x[:, k : k + stride * OH : stride, l : l + stride * OW : stride] += columns[:, :, :, k, l]
    return x
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=4
def check_exercise_a(seed=0):
    for sizes, window, stride in (((7, 9), (3, 4), 1), ((8, 9), (5, 3), 2), ((9, 7), (2, 3), 3)):
        columns_shape = im2col(np.zeros((2, *sizes, 3)), window, stride).shape
        adjoint_check(
            lambda x, window=window, stride=stride: im2col(x, window, stride),
            lambda columns, sizes=sizes, stride=stride: col2im(columns, sizes, stride),
            (2, *sizes, 3),
            columns_shape,
            rtol=1e-12,
            seed=seed,
            name=f"col2im, {sizes}, window {window}, stride {stride}",
        )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="= where += is meant: of overlapping stamps the last one wins."
# def col2im(columns, sizes, stride):
#     N, OH, OW, KH, KW, C = columns.shape
#     x = np.zeros((N, *sizes, C))
#     for o, p in np.ndindex(OH, OW):
#         x[:, stride * o : stride * o + KH, stride * p : stride * p + KW] = columns[:, o, p]
#     return x

# %% [raw] tags=["wrong"] name="exercise-a" says="The mean of the overlaps: it undoes im2col, an inverse."
# def col2im(columns, sizes, stride):
#     N, OH, OW, KH, KW, C = columns.shape
#     x, counts = np.zeros((N, *sizes, C)), np.zeros((1, *sizes, 1))
#     for o, p in np.ndindex(OH, OW):
#         here = slice(stride * o, stride * o + KH), slice(stride * p, stride * p + KW)
#         x[:, *here] += columns[:, o, p]
#         counts[:, *here] += 1
#     return x / np.maximum(counts, 1)

# %% [raw] tags=["wrong"] name="exercise-a" says="The stride forgotten: all stamps are one apart."
# def col2im(columns, sizes, stride):
#     N, OH, OW, KH, KW, C = columns.shape
#     x = np.zeros((N, *sizes, C))
#     for o, p in np.ndindex(OH, OW):
#         x[:, o : o + KH, p : p + KW] += columns[:, o, p]
#     return x

# %% [markdown]
# ## Exercise B: from 4 to 8 to 16 · 练习 B：从 4 到 8 到 16
#
# A generator for 16×16 pictures starts at 4×4 and enlarges twice, both times with the same settings.  Choose window,
# stride and padding so that 4 becomes 8 and 8 becomes 16, and every pixel away from the edges gets the same number of
# stamps.  From formula (1): $H=(OH-1)\,S+K-2P$, with $P$ rows cut off at each end.


# %% tags=["exercise"] name="exercise-b"
def settings():
    """Your choice: (window, stride, padding), three whole numbers."""
    ### BEGIN SOLUTION
    return 4, 2, 1
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    window, stride, padding = settings()
    y = np.random.default_rng(seed).normal(size=(1, 4, 4, 2))
    w = np.ones((window, window, 2, 2))
    for wanted in (8, 16):
        y = convolve_transpose(y, w, stride=stride, padding=padding)
        got = y.shape[1]
        assert got == wanted, f"{wanted // 2} became {got}, not {wanted}: see H in the text above"
    counts = convolve_transpose(
        np.ones((1, 32, 1)), np.ones((window, 1, 1)), stride=stride, padding=padding
    )
    middle = counts[0, 2 * window : -2 * window, 0]
    assert np.ptp(middle) == 0, f"the right size, but the stamps overlap {middle[:4]} times in turn"
    print(f"check_exercise_b: 4 → 8 → 16, each pixel stamped {middle[0]:.0f} times on each axis")


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Nothing cut off: 4 becomes 10."
# def settings():
#     return 4, 2, 0

# %% [raw] tags=["wrong"] name="exercise-b" says="C2's window with the padding that is right for stride 1: 4 becomes 7."
# def settings():
#     return 5, 2, 2

# %% [raw] tags=["wrong"] name="exercise-b" says="C2's own settings: the sizes are right, the overlap is uneven."
# def settings():
#     return 5, 2, "same"

# %% [raw] tags=["wrong"] name="exercise-b" says="Stride 1 grows by a fixed number of rows, so it cannot double twice."
# def settings():
#     return 5, 1, 0

# %% [markdown]
# ## A question in words · 一道文字题
#
# A restorer wants to sharpen an old film that was shot out of focus, knows the blur, and reads that generators use
# "deconvolution layers".  What would a transposed convolution with that blur as its kernel do to a frame, and what
# would the restorer need instead?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  The transpose of a blur is a blur too (the kernel turned round), so the frame
# gets softer still (1).  Wanted is the inverse, or an approximation of it where noise and lost detail forbid the
# inverse itself: deconvolution in the sense of signal processing (1).  The layer shares the name but not the task; a
# network *can* be trained to sharpen, yet then its weights do it, and not the kind of layer (1).

# %% [markdown]
# ## What to take along · 小结
#
# - A convolution gathers windows, a transposed convolution scatters stamps: the same weights, the transposed matrix.
# - $\langle y, Cx\rangle=\langle C^{\mathsf T}y, x\rangle$ to the last digit, yet $C^{\mathsf T}C$ is not the identity:
#   adjoint, not inverse.
# - conv, conv_transpose and conv_kernel_grad are each other's derivatives.
# - Choose a window that the stride divides, or get a checkerboard for nothing.
# - C2 has three of these layers, and the first keeps 7×7 (E13).
#
# **New terms**: transposed convolution (文章作反卷积，通称转置卷积), adjoint (伴随), inverse (逆变换), inner product
# (内积), col2im (按块累加还原), checkerboard pattern (棋盘格伪影).  **Read next**: `fold` in `minigen/ops/windows.py`,
# which is col2im, and the rules beneath the three faces in `minigen/ops/convolution.py`.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_adjoint,
        check_three_faces,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=6,
)
