# ---
# jupyter:
#   minigen:
#     title: Convolution and what D sees
#     zh: 卷积与感受野
#     says: A convolution as loops and as one matrix product, and how far a discriminator can see.
#     minutes: 30
#     budget_s: 10
#     needs: ["02"]
#     covers: [C3, S5]
#     picture: 2
#     terms:
#     - [convolution, 卷积, "conv(x, w)", convolve, C3]
#     - [kernel, 卷积核, w, w, C3]
#     - [stride, 步幅, S, stride, C3]
#     - [padding, 填充, P, padding, C3]
#     - [im2col, 按块展开为矩阵, "", im2col, ""]
#     - [receptive field, 感受野, R, field, "C3, S5"]
#     - [feature map, 特征图, y, y, S5]
# ---

# %% [markdown]
# # 03 · Convolution and what D sees · 卷积与感受野
#
# *30 minutes to read, 10 seconds to run.  Before it: lesson 02.*
#
# The article's discriminator looks at a picture through two convolutions.  What is a convolution, why do libraries turn
# it into one matrix product, and which part of the picture does such a network really see at once?

# %% [markdown]
# ## What the article says · 文章怎么说
#
# In 代码片段3 the discriminator (C3) has two layers `Conv2D(…, (5, 5), strides=(2, 2), padding='same')`, of 64 and 128
# channels, each followed by LeakyReLU and Dropout; then all is laid flat and one dense layer gives one number.  Its
# list of steps (S5, 特征提取) says that many layers draw features from the picture and arrive, step by step, at a
# representation of low dimension.  What such a layer computes is printed nowhere.  It is
#
# $$y_{n,o,p,c}=\sum_{k,l,i}x_{n,\;So+k-P,\;Sp+l-P,\;i}\;w_{k,l,i,c} \tag{1}$$
#
# For output row $o$ and column $p$ a window of $K\times K$ pixels is cut out, multiplied by the kernel, and summed.
# The window moves on by the stride $S$; $P$ zeros stand before the first pixel.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | $x$ | pictures: how many, rows, columns, channels | 输入图像 | `x` | (N, H, W, C) | C3 |
# | $w$ | kernel: rows, columns, channels in and out | 卷积核 | `w` | (KH, KW, C, OC) | C3 |
# | $y$ | what comes out, the feature maps | 特征图 | `y` | (N, OH, OW, OC) | S5 |
# | $K,\ S,\ P$ | window, stride, zeros in front | 核大小、步幅、填充 | `window`, `stride`, `padding` | – | C3 |
# | $R$ | receptive field: rows of $x$ that one unit sees | 感受野 | `field` | () | – |
# | $J$ | rows of $x$ between two neighbouring units | 累积步幅 | `jump` | () | – |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

import minigen
from minigen import convolve
from minigen.check import checklist, grad_check, invariant_check, op_check, value_check
from minigen.data import scenes, to_float
from minigen.models.dcgan import Discriminator
from minigen.nn import Conv1D, Sequential

started = time.perf_counter()
SEED = 0  # another number draws other weights; every check still holds
rng = np.random.default_rng(SEED)

# %% [markdown]
# ## From the formula to code, twice · 从公式到代码
#
# First formula (1) word for word, a loop over every number of $y$.  Then the way of the libraries: copy every window
# into one row of a matrix (*im2col*, "image to columns"; with channels last they are rows).  All loops then become
# a single matrix product, which a computer does best:
#
# $$\underbrace{y}_{N\,OH\,OW\,\times\,OC}=\underbrace{\mathrm{im2col}(x)}_{N\,OH\,OW\,\times\,KH\,KW\,C}\cdot
# \underbrace{w}_{KH\,KW\,C\,\times\,OC} \tag{2}$$


# %%
def conv_by_loops(x, w, stride=1):
    """Formula (1) without padding: x (N, H, W, C), w (KH, KW, C, OC) → (N, OH, OW, OC)."""
    (N, H, W, _), (KH, KW, _, OC) = x.shape, w.shape
    y = np.zeros((N, (H - KH) // stride + 1, (W - KW) // stride + 1, OC))
    for n, o, p, c in np.ndindex(y.shape):
        seen = x[n, stride * o : stride * o + KH, stride * p : stride * p + KW]  # (KH, KW, C)
        y[n, o, p, c] = (seen * w[..., c]).sum()
    return y


def im2col(x, window, stride=1):
    """Every window of x beside the others: (N, H, W, C) → (N, OH, OW, KH, KW, C)."""
    views = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))
    return np.moveaxis(views[:, ::stride, ::stride], 3, 5)


def conv_by_im2col(x, w, stride=1):
    columns, OC = im2col(x, w.shape[:2], stride), w.shape[-1]
    rows = columns.reshape(-1, w[..., 0].size)  # (N·OH·OW, KH·KW·C)
    return (rows @ w.reshape(-1, OC)).reshape(*columns.shape[:3], OC)


# %% [markdown]
# The **value**: a window of ones over ones counts its pixels, and loops, im2col and `minigen.convolve` agree.  The
# **gradient**, and its gradient: the library's.  The **invariant**: move the picture by one stride, and the feature map
# moves by one place.  So what a kernel finds in one corner, it finds everywhere.


# %%
def draw_case(rng):
    """Odd on purpose: rows ≠ columns ≠ channels, and a last column that no window reaches."""
    return rng.normal(size=(2, 7, 10, 3)), rng.normal(size=(3, 5, 3, 4))


def by_library(x, w, stride=1):
    return convolve(x, w, stride=stride)


def check_value(seed=0):
    ones = [np.ones((1, 6, 6, 2)), np.ones((3, 3, 2, 1))]
    value_check(conv_by_loops, [(ones, np.full((1, 4, 4, 1), 18.0))])  # 3 · 3 · 2 ones
    x, w = draw_case(np.random.default_rng(seed))
    for conv in (conv_by_im2col, by_library):
        value_check(conv, [([x, w, 2], conv_by_loops)], rtol=1e-9, atol=1e-12)


def check_gradient(seed=0):
    grad_check(by_library, draw_case, order=2, seed=seed)


def check_moves_along(seed=0):
    def margin(x, w):
        moved = conv_by_im2col(np.roll(x, 2, axis=2), w, stride=2)
        return -abs(moved[:, :, 1:] - conv_by_im2col(x, w, stride=2)[:, :, :-1])

    says = "the map moves with the picture"
    invariant_check(margin, draw_case, says=says, seed=seed, atol=1e-12)


check_value()
check_gradient()
check_moves_along()

# %% [markdown]
# ## The window slides · 滑动的窗口
#
# Without padding, $\lfloor (H-K)/S\rfloor+1$ windows fit into $H$ rows.  With `"same"`, Keras and minigen add as many
# zeros as are needed to make it $\lceil H/S\rceil$: 14 for the article's 28 rows.  Here is a window of 5×5 with
# stride 2 on a still; its kernel answers to edges between left and right.

# %%
still = to_float(scenes(8, seed=3)[0])[6:7]  # (1, 28, 28, 1), in [−1, 1]
edges = np.outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1]).reshape(5, 5, 1, 1) / 48
y = convolve(still, edges, stride=2, padding="same")

figure, axes = plt.subplots(1, 2, figsize=(7, 3.5), layout="constrained")
axes[0].imshow(still[0, :, :, 0], cmap="gray")
axes[1].imshow(y[0, :, :, 0], cmap="cividis")
for p, style in [(0, "-"), (5, "--"), (6, ":")]:  # three places in row 4 of y
    outline = {"fill": False, "edgecolor": "C1", "linestyle": style, "linewidth": 2}
    axes[0].add_patch(Rectangle((2 * p - 1.5, 6.5), 5, 5, **outline))
    axes[1].add_patch(Rectangle((p - 0.5, 3.5), 1, 1, **outline))
axes[0].set(title="x: windows of 5×5, 2 apart", xlim=(-2, 27.5), xlabel="column", ylabel="row")
axes[1].set(title="y: one number for each window", xlabel="column", xticks=range(0, 14, 3))
plt.show()

# %% [markdown]
# **Figure 1.** Left, a still of 28×28 with three outlined windows; the first hangs over the edge, where zeros stand,
# and the other two, neighbours, overlap.  Right, the feature map of 14×14 with the cells that these windows fill.  One
# window gives one number, and two columns on the left are one on the right.

# %% [markdown]
# ## The article's discriminator · 文章中的判别器
#
# Now C3 itself.  A convolution holds $K\cdot K\cdot C\cdot OC$ weights and $OC$ biases, however large the picture is.

# %%
discriminator = Discriminator(rng=rng).astype(np.float64).eval()  # eval: no Dropout
table = discriminator.summary((28, 28, 1))
print(table)
rows = {row.name: row for row in table.rows}
assert [rows[i].output_shape for i in "037"] == [(14, 14, 64), (7, 7, 128), (1,)]
assert rows["0"].trainable == 5 * 5 * 1 * 64 + 64 == 1_664
assert rows["3"].trainable == 5 * 5 * 64 * 128 + 128 == 204_928
assert rows["7"].trainable == 7 * 7 * 128 + 1 == 6_273
assert table.trainable == 212_865

# %% [markdown]
# ## What one unit sees · 一个单元看见什么
#
# A unit of the first map sees 5 rows.  One of the second sees 5 units of the first, which lie 2 rows apart and see 5
# rows each.  Layer by layer, from $R=J=1$:
#
# $$R\leftarrow R+(K-1)\,J,\qquad J\leftarrow J\cdot S \tag{3}$$
#
# There is a way to *measure* it: the unit's gradient by the picture is 0 wherever the unit does not look.


# %%
def field_of(layers):
    """Formula (3): the receptive field of a unit above layers of (window, stride)."""
    field, jump = 1, 1
    for window, stride in layers:
        field, jump = field + (window - 1) * jump, jump * stride
    return field, jump


def sight(network, x, place):
    """How much one unit of network(x) depends on each pixel: |∂y[place] / ∂x|, as x without channels."""
    x = minigen.tensor(x, requires_grad=True)
    (dx,) = minigen.grad(network(x)[place], [x])
    return abs(dx.numpy()[0]).sum(axis=-1)


def check_field(seed=0):
    """Three random layers on a line: from the first pixel with a slope to the last."""
    rng = np.random.default_rng(seed)
    for _ in range(5):
        layers = [tuple(int(n) for n in rng.integers(1, 6, size=2)) for _ in range(3)]
        net = Sequential(
            *[Conv1D(1, 1, window, stride=stride, rng=rng) for window, stride in layers]
        )
        field, jump = field_of(layers)
        seen = np.flatnonzero(sight(net, rng.normal(size=(1, field + 2 * jump, 1)), (0, 1, 0)))
        assert seen[-1] - seen[0] + 1 == field, f"{layers}: {seen} seen, {field} expected"
    print("check_field: the measured field is that of the formula")


check_field()

# %%
x = rng.normal(size=(1, 28, 28, 1))
panels = [
    (discriminator[:1], (0, 7, 7, 0)),
    (discriminator[:4], (0, 3, 3, 0)),
    (discriminator, (0, 0)),
]
fields = [field_of([(5, 2)])[0], field_of([(5, 2), (5, 2)])[0], 28]
names = ["first map", "second map", "logit"]

figure, axes = plt.subplots(1, 3, figsize=(7, 2.7), sharey=True, layout="constrained")
for axis, name, (part, place), field in zip(axes, names, panels, fields, strict=True):
    seen = sight(part, x, place)
    assert (seen.any(axis=0).sum(), seen.any(axis=1).sum()) == (field, field)
    axis.imshow(seen / seen.max(), cmap="cividis", vmin=0, vmax=1)
    axis.set(title=f"{name}: {field}×{field}", xlabel="column of x", xticks=[0, 9, 18, 27])
axes[0].set(ylabel="row of x", yticks=[0, 9, 18, 27])
figure.colorbar(axes[2].images[0], ax=axes, label="|slope|, largest = 1", shrink=0.8)
plt.show()

# %% [markdown]
# **Figure 2.** How strongly one unit depends on each pixel of the picture: a square of 5×5 for the first map, 13×13 for
# the second, and the whole 28×28 for the logit.  The field grows from layer to layer, by what formula (3) says.

# %% [markdown]
# ## What D cannot see · 判别器看不见什么
#
# > **Claim.** D's layers draw features from the picture, step by step of lower dimension (S5).
# >
# > **Test.** Count the numbers that each layer hands on.  Then ask what the last features know: change two columns of
# > the picture, alone and together.  If some feature sees both, the effects do not simply add.
# >
# > **Right.** Features, yes.  But there are *more* numbers than pixels until the very last layer: resolution is traded
# > for channels.  And no feature sees more than 13 columns; beyond that D only adds.
#
# The dense layer at the end is a weighted sum, so the logit is a sum of opinions, each about 13×13 pixels at most.  For
# two changes $a$ and $b$ that lie further apart the *interaction*
#
# $$D(x+a+b)-D(x+a)-D(x+b)+D(x)$$
#
# must be exactly 0 (with $D$ for the logit here), whatever the weights.

# %%
sizes = [28 * 28, 14 * 14 * 64, 7 * 7 * 128, 1]
print("numbers handed on:", " → ".join(f"{size:,}" for size in sizes))
assert sizes[1] > sizes[2] > sizes[0]  # as printed, S5 holds for the last layer only


def interaction(distance, rng, first=5, n=8):
    """Mean |interaction| of column `first` and the one `distance` to its right, over n pictures."""
    x, a, b = rng.normal(size=(n, 28, 28, 1)), np.zeros((n, 28, 28, 1)), np.zeros((n, 28, 28, 1))
    a[:, :, first], b[:, :, first + distance] = rng.normal(size=(2, n, 28, 1))
    both, one, other, none = (discriminator(x + d).numpy() for d in (a + b, a, b, 0 * a))
    return abs(both - one - other + none).mean()


distances = np.arange(1, 20)
effects = np.array([interaction(distance, rng) for distance in distances])
print(f"12 columns apart: {effects[11]:.1e}    13 columns apart: {effects[12]:.1e}")
assert effects[:12].min() > 1e-6 and effects[12:].max() < 1e-12
print("verdict: features yes; of lower dimension only at the end, and none wider than 13 columns")

# %%
figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
axes.semilogy(distances, np.maximum(effects, 1e-18), "ko-", markersize=4)
axes.axvline(12.5, color="0.4", linestyle=":", label="field of the second map: 13 columns")
axes.set(
    xlabel="distance of the two columns, in pixels",
    ylabel="mean |interaction|, logits",
    xticks=distances[::2],
    title="Beyond its field D only adds",
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 3.** Interaction of two columns in the logit against their distance, on a logarithmic axis: around 1e-3 up
# to 12 columns apart, then a fall by more than ten powers of ten to rounding error.  What lies more than 12 columns
# apart D never sees together.
#
# The column where we began is the left edge of a field, which makes the step sharp at 12; other columns part earlier.
# For film stills this matters: whether a shadow on the left suits the sun on the right, C3 cannot ask.  More layers, or
# larger windows, would.

# %% [markdown]
# ## Exercise A: how large is the output · 练习 A：输出有多大
#
# Write the rule of `"same"` for one axis.  As many windows as $\lceil H/S\rceil$ are wanted; the last of them starts at
# $(\text{outs}-1)\,S$ and reaches $K$ further.  What it needs beyond the $H$ rows are zeros, half of them before, half
# behind, and an odd one goes *behind* (as in Keras).  If nothing is missing, there are none.


# %% tags=["exercise"] name="exercise-a"
def same(size, window, stride):
    """padding="same" on one axis: an array of three whole numbers, (outs, zeros before, zeros behind)."""
    ### BEGIN SOLUTION
    outs = (size + stride - 1) // stride
    missing = max((outs - 1) * stride + window - size, 0)
    return np.array([outs, missing // 2, missing - missing // 2])
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=3
def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    value_check(same, [([28, 5, 2], np.array([14, 1, 2]))], name="same, the article's first layer")
    value_check(same, [([6, 1, 4], np.array([2, 0, 0]))], name="same, stride beyond the window")
    for _ in range(20):  # the library's answer to a shape you have not seen, from values alone
        size, window, stride = (int(n) for n in rng.integers(1, [30, 8, 6]))
        x, w = rng.normal(size=(1, size, 1)), rng.normal(size=(window, 1, 1))
        y = convolve(x, w, stride=stride, padding="same")
        outs, before, after = (int(n) for n in same(size, window, stride))
        place = (
            f"size {size}, window {window}, stride {stride}: you say ({outs}, {before}, {after})"
        )
        assert outs == y.shape[1], f"{place}; the library makes {y.shape[1]} outputs"
        reach = before + size + after - window
        assert reach >= 0 and reach // stride + 1 == outs, f"{place}; these zeros make another size"
        by_hand = convolve(x, w, stride=stride, padding=((before, after),))
        assert np.allclose(by_hand, y), f"{place}; right size, but the windows start elsewhere"
    print("check_exercise_a: right for 22 shapes")


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="Rounded down: ⌊H/S⌋ instead of ⌈H/S⌉."
# def same(size, window, stride):
#     outs = size // stride
#     missing = max((outs - 1) * stride + window - size, 0)
#     return np.array([outs, missing // 2, missing - missing // 2])

# %% [raw] tags=["wrong"] name="exercise-a" says="The odd zero in front."
# def same(size, window, stride):
#     outs = -(-size // stride)
#     missing = max((outs - 1) * stride + window - size, 0)
#     return np.array([outs, missing - missing // 2, missing // 2])

# %% [raw] tags=["wrong"] name="exercise-a" says="K // 2 zeros on both sides, which is right for stride 1 only."
# def same(size, window, stride):
#     return np.array([-(-size // stride), window // 2, window // 2])

# %% [raw] tags=["wrong"] name="exercise-a" says="Fewer than no zeros, where the stride is beyond the window."
# def same(size, window, stride):
#     outs = -(-size // stride)
#     missing = (outs - 1) * stride + window - size
#     return np.array([outs, missing // 2, missing - missing // 2])

# %% [markdown]
# ## Exercise B: the gradient for the kernel · 练习 B：卷积核的梯度
#
# To train D we need $\partial L/\partial w$ from $dy=\partial L/\partial y$.  Formula (1) is linear in $w$: the weight
# $w_{k,l,i,c}$ meets, in every picture and at every place, one pixel, and adds their product to $y$.  So its gradient
# collects all these pixels, each times the $dy$ of its place.  That is a linear map again, with a name of its own:
#
# $$\langle dy,\ \mathrm{conv}(x,w)\rangle=\langle\mathrm{conv\_kernel\_grad}(x,dy),\ w\rangle \tag{4}$$
#
# Write it with `im2col`: formula (2) is a matrix product, and lesson 02 has the gradient of a product.


# %% tags=["exercise"] name="exercise-b"
def kernel_grad(x, dy, window, stride):
    """∂L/∂w of conv_by_im2col(x, w, stride): x (N, H, W, C), dy (N, OH, OW, OC) → (KH, KW, C, OC)."""
    ### BEGIN SOLUTION
    columns = im2col(x, window, stride)
    patches = columns.reshape(-1, window[0] * window[1] * x.shape[-1])
    dw = patches.T @ dy.reshape(-1, dy.shape[-1])
    return dw.reshape(*window, x.shape[-1], dy.shape[-1])
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=4
def check_exercise_b(seed=0):
    for stride in (1, 2, 3):
        op_check(
            lambda x, w, stride=stride: conv_by_im2col(x, w, stride),
            lambda dy, y, x, w, stride=stride: (None, kernel_grad(x, dy, w.shape[:2], stride)),
            draw_case,
            fixed=("x",),
            seeds=[seed, seed + 1],
            name=f"kernel_grad, stride {stride}",
        )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="The mean over the pictures; where one is meant, dy has it already."
# def kernel_grad(x, dy, window, stride):
#     columns = im2col(x, window, stride)
#     return np.tensordot(columns, dy, axes=((0, 1, 2), (0, 1, 2))) / len(x)

# %% [raw] tags=["wrong"] name="exercise-b" says="Windows one pixel apart, as if the stride were 1."
# def kernel_grad(x, dy, window, stride):
#     columns = im2col(x, window)[:, : dy.shape[1], : dy.shape[2]]
#     return np.tensordot(columns, dy, axes=((0, 1, 2), (0, 1, 2)))

# %% [raw] tags=["wrong"] name="exercise-b" says="The kernel turned round, as signal processing has it."
# def kernel_grad(x, dy, window, stride):
#     columns = im2col(x, window, stride)
#     return np.tensordot(columns, dy, axes=((0, 1, 2), (0, 1, 2)))[::-1, ::-1]

# %% [raw] tags=["wrong"] name="exercise-b" says="The first picture only."
# def kernel_grad(x, dy, window, stride):
#     columns = im2col(x[:1], window, stride)
#     return np.tensordot(columns, dy[:1], axes=((0, 1, 2), (0, 1, 2)))

# %% [markdown]
# ## A question in words · 一道文字题
#
# Real stills of a day have exactly one sun, far left or far right.  Can the article's D learn to call a still false
# that has no sun, and also one that has both?  If not, name a change of the network that would let it.

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  No (1): the suns lie more than 12 columns apart, so no feature sees both, and
# the logit adds an effect for each.  If one sun lifts it from below 0 to above, two lift it further still (1).  Any
# change that brings both into one feature before the last sum will do: one more strided convolution
# ($R = 13 + 4\cdot 4 = 29$), larger windows, dilation, or a hidden dense layer with a bend after Flatten (1).

# %% [markdown]
# ## What to take along · 小结
#
# - A convolution is a window that slides: the same few weights at every place, so the map moves with the picture.
# - im2col writes the windows as rows; convolution, and its gradient for $w$, are then one matrix product each.
# - `"same"` makes $\lceil H/S\rceil$ rows of $H$; C3 goes 28 → 14 → 7 with 212,865 weights.
# - The receptive field grows by $(K-1)J$ a layer.  It can be measured: where the gradient is 0, nobody looks.
# - C3's features see 13×13 pixels; across greater distances its logit is a plain sum.
#
# **New terms**: convolution (卷积), kernel (卷积核), stride (步幅), padding (填充), feature map (特征图), receptive
# field (感受野), im2col (按块展开为矩阵).  **Read next**: `conv` and `conv_kernel_grad` in
# `minigen/ops/convolution.py`, and `patches` in `minigen/ops/windows.py`, which is im2col for any number of axes.

# %%
checklist(
    [
        check_value,
        check_gradient,
        check_moves_along,
        check_field,
        check_exercise_a,
        check_exercise_b,
    ],
    started=started,
    budget_s=10,
)
