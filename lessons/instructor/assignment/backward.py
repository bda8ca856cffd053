# The assignment, with its solution: the only notebook text that is edited.  `python make.py` makes every edition of it.
#
# A line of "# %%" begins a cell: [markdown] NAME, setup, answer NAME, checks NAME (the cases "NAME: …" of cases.py) or
# hidden (every case of hidden.py).

# %% [markdown] title
# # Four layers, forward and backward · 四个层：前向与反向
#
# Four formulas out of which a small GAN is made, each as two NumPy functions: its value, and its derivative. About an
# hour, 40 points.
#
# - Replace `raise NotImplementedError()` by your code. NumPy only: no function of minigen or PyTorch in an answer.
# - A **forward** takes arrays and returns $y$. A **backward** takes `dy` $= \partial L/\partial y$ (of the shape of
#   $y$), then $y$, then the inputs of the forward. It returns a gradient for each input, in their order, and each has
#   **the shape of its input**. It is a formula: finite differences are what it is checked with.
# - Functions change none of their inputs and cause no warnings: some graders give 0 for anything on stderr.
# - Each exercise comes with checks of its value, its gradient, and something that always holds. One that fails says
#   where, by how much, and what the pattern of the numbers may mean. When you hand in, hidden checks with other shapes
#   and numbers run too.
#
# Each exercise gives 10 points: value 4 (1 public, 3 hidden), gradient 4 (2 and 2), invariant 2 (1 and 1).
#
# | letter | means |
# |---|---|
# | $N$ | items in the batch |
# | $C$, $O$ | channels in, channels out (`OC`) |
# | $H, W$ | rows and columns of the input |
# | $K, L$; $S$ | rows and columns of the kernel; stride |

# %% setup
import numpy as np

import minigen
from minigen import convolve
from minigen.check import adjoint_check, invariant_check, op_check, value_check

# %% [markdown] dense-text
# ## 1. Dense layer · 全连接层
#
# $$y_{no} = \sum_c x_{nc}\,w_{co} + b_o$$
#
# `x` (N, C), `w` (C, OC), `b` (OC,) → `y` (N, OC). Every row gets the same $b$: broadcasting does that on the way
# forward, and something has to undo it on the way back.
#
# *A number to recognise:* $x = \begin{pmatrix}1 & 2\\ 3 & 4\end{pmatrix}$, $w = \begin{pmatrix}1\\ 10\end{pmatrix}$,
# $b = 100$ give $y = \begin{pmatrix}121\\ 143\end{pmatrix}$; with $\partial L/\partial y = \begin{pmatrix}1\\
# 1000\end{pmatrix}$, $\partial L/\partial b$ is $1001$.


# %% answer dense
def dense(x, w, b):
    """y = x w + b.  x (N, C), w (C, OC), b (OC,) → y (N, OC)."""
    ### BEGIN SOLUTION
    return x @ w + b
    ### END SOLUTION


def dense_backward(dy, y, x, w, b):
    """(dL/dx, dL/dw, dL/db) from dy = dL/dy."""
    ### BEGIN SOLUTION
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)
    ### END SOLUTION


# %% checks dense

# %% [markdown] generator-loss-text
# ## 2. The generator's loss · 生成器损失
#
# $$L = \frac1M \sum_m \operatorname{softplus}(-a_m), \qquad \operatorname{softplus}(t) = \log(1 + e^{t})$$
#
# `logits` $a$ (any shape, $M$ entries) are what the discriminator says of generated images; $L$ is one number, in nats
# per image, known as the non-saturating loss. `dy` is then one number too.
#
# At $a = \pm 800$, $e^{800}$ is beyond float64. Rewrite the formula so that no exponent is ever positive: the value is
# then finite and right, and nothing warns. The same goes for the derivative.
#
# *A number to recognise:* $a = (0, \log 3)$ gives $L = \frac12(\log 2 + \log\frac43) = 0.4904$ and
# $\partial L/\partial a = (-\frac14, -\frac18)$.


# %% answer generator_loss
def generator_loss(logits):
    """L = mean softplus(−logits), one number."""
    ### BEGIN SOLUTION
    return (np.maximum(-logits, 0) + np.log1p(np.exp(-abs(logits)))).mean()
    ### END SOLUTION


def generator_loss_backward(dy, y, logits):
    """dL/dlogits, times dy."""
    ### BEGIN SOLUTION
    small = np.exp(-abs(logits))  # at most 1
    p_fake = np.where(logits >= 0, small, 1) / (1 + small)  # σ(−logits)
    return -dy * p_fake / logits.size
    ### END SOLUTION


# %% checks generator_loss

# %% [markdown] batch-norm-text
# ## 3. Batch normalisation, in training · 批量归一化
#
# $$y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta, \qquad
# \mu = \operatorname{mean} x, \qquad \sigma^2 = \operatorname{mean}\,(x - \mu)^2$$
#
# `x` (N, …, C): means are taken over **all axes but the last**, so (N, C) has one $\mu$ for each column and a batch of
# images (N, H, W, C) one for each channel. `gamma`, `beta` (C,); `eps` $= \varepsilon$ is a setting and has no
# gradient. $x$ reaches $y$ in three ways: directly, through $\mu$, and through $\sigma^2$.
#
# *A number to recognise:* one column $x = (0, 0, 2, 2)$ with $\gamma = 3$, $\beta = 10$, $\varepsilon = 0$ gives
# $y = (7, 7, 13, 13)$; with $\partial L/\partial y = (4, 0, 0, 0)$, $\partial L/\partial x$ is $(6, -6, 0, 0)$.


# %% answer batch_norm
def batch_norm(x, gamma, beta, eps=1e-5):
    """y = γ (x − μ) / √(σ² + ε) + β, with mean and variance over all axes but the last."""
    ### BEGIN SOLUTION
    axes = tuple(range(x.ndim - 1))
    d = x - x.mean(axes)
    return gamma * d / np.sqrt((d * d).mean(axes) + eps) + beta
    ### END SOLUTION


def batch_norm_backward(dy, y, x, gamma, beta, eps=1e-5):
    """(dL/dx, dL/dgamma, dL/dbeta) from dy = dL/dy."""
    ### BEGIN SOLUTION
    axes = tuple(range(x.ndim - 1))
    d = x - x.mean(axes)
    r = 1 / np.sqrt((d * d).mean(axes) + eps)
    normal = d * r
    dx = gamma * r * (dy - dy.mean(axes) - normal * (dy * normal).mean(axes))
    return dx, (dy * normal).sum(axes), dy.sum(axes)
    ### END SOLUTION


# %% checks batch_norm

# %% [markdown] conv-transpose-text
# ## 4. Transposed convolution · 转置卷积
#
# Every entry of $x$ stamps the kernel onto $y$, $S$ steps from its neighbour's stamp, and where stamps overlap they
# add:
#
# $$y_{n,\;iS+k,\;jS+l,\;o} \;\mathrel{+}=\; \sum_c x_{nijc}\,w_{kloc}
# \qquad\text{for all } i, j, k, l$$
#
# `x` (N, H, W, C), `w` (K, L, OC, C), as in Keras and minigen: result before input → `y` (N, (H − 1) S + K,
# (W − 1) S + L, OC). There is no padding and no bias. Two loops over the kernel and strided slices are enough; loops
# over everything will do as well.
#
# It is called *transposed* because, as a linear map of $x$, it is the transpose of a convolution. That is its
# invariant: $\langle u, \operatorname{conv} v\rangle = \langle \operatorname{conv}^{\mathsf T} u, v\rangle$ for all
# $u$ and $v$.
#
# *A number to recognise:* one row $x = (1, 2)$, the kernel $(1, 10, 100)$ and stride 2 give
# $y = (1, 10, 102, 20, 200)$.


# %% answer conv_transpose
def conv_transpose(x, w, stride=2):
    """y[n, i S + k, j S + l, o] += Σ_c x[n, i, j, c] w[k, l, o, c].  x (N, H, W, C), w (K, L, OC, C)."""
    ### BEGIN SOLUTION
    N, H, W, _ = x.shape
    K, L, OC, _ = w.shape
    y = np.zeros((N, (H - 1) * stride + K, (W - 1) * stride + L, OC), x.dtype)
    for k in range(K):
        for j in range(L):
            y[:, k : k + H * stride : stride, j : j + W * stride : stride] += x @ w[k, j].T
    return y
    ### END SOLUTION


def conv_transpose_backward(dy, y, x, w, stride=2):
    """(dL/dx, dL/dw) from dy = dL/dy."""
    ### BEGIN SOLUTION
    _, H, W, _ = x.shape
    K, L, _, _ = w.shape
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for k in range(K):
        for j in range(L):
            seen = dy[:, k : k + H * stride : stride, j : j + W * stride : stride]  # (N, H, W, OC)
            dx += seen @ w[k, j]
            dw[k, j] = np.einsum("nhwo,nhwc->oc", seen, x)
    return dx, dw
    ### END SOLUTION


# %% checks conv_transpose

# %% [markdown] end
# ## Hand in · 提交
#
# Restart the kernel, run all cells once more, and hand in.

# %% [markdown] hidden-text
# ### Hidden checks · 隐藏检验
#
# The cells below are empty in a student's copy. The instructor's copy holds the hidden checks there.

# %% hidden
