"""Mistakes that students make, and mechanical ones: each must fail a case.

`python -m minigen.check solution.ipynb --cases cases.py --hidden hidden.py --mutants mutants.py` plants them one after
the other.  The functions of the solution are defined where this file is executed.
"""

import numpy as np

from minigen.check.mutants import plant

# What the checker can do to any function's result by itself: zeros, sign, ×2, a transpose, an entry, an input changed …
_rng = np.random.default_rng(0)
_x, _w, _b = _rng.normal(size=(4, 3)), _rng.normal(size=(3, 2)), _rng.normal(size=2)
_logits = _rng.normal(size=(5, 1))
_images, _gamma, _beta = _rng.normal(size=(3, 2, 2, 4)), _rng.normal(size=4), _rng.normal(size=4)
_small, _kernel = _rng.normal(size=(2, 2, 3, 2)), _rng.normal(size=(3, 2, 3, 2))
_wide = conv_transpose(_small, _kernel)

PLANT = {
    "dense": (_x, _w, _b),
    "dense_backward": (_rng.normal(size=(4, 2)), dense(_x, _w, _b), _x, _w, _b),
    "generator_loss_backward": (1.5, generator_loss(_logits), _logits),
    "batch_norm": (_images, _gamma, _beta),
    "conv_transpose": (_small, _kernel),
    "conv_transpose_backward": (_rng.normal(size=_wide.shape), _wide, _small, _kernel),
}


# 1. The dense layer ---------------------------------------------------------------------------------------------------


def _dense(change):
    """dense_backward with one of its three gradients changed: change(dx, dw, db, dy, x, w)."""

    def wrong(dy, y, x, w, b):
        return change(*dense_backward(dy, y, x, w, b), dy, x, w)

    return {"dense_backward": wrong}


def _dw_transposed_where_it_can(dx, dw, db, dy, x, w):
    return dx, dw.T if w.shape[0] == w.shape[1] else dw, db


def _by_differences(dy, y, x, w, b):
    """No formula: what the check itself does."""

    def slopes(place):
        given, found = [x, w, b], np.zeros_like([x, w, b][place])
        for i in np.ndindex(found.shape):
            step = np.zeros_like(found)
            step[i] = 1e-6
            up, down = ([*given[:place], given[place] + s, *given[place + 1 :]] for s in (step, -step))
            found[i] = (dy * (dense(*up) - dense(*down))).sum() / 2e-6
        return found

    return slopes(0), slopes(1), slopes(2)


# 2. The generator's loss ----------------------------------------------------------------------------------------------


def _sigmoid(a):
    return np.exp(-np.logaddexp(0, -a))


def _loss(value=None, slope=None):
    """The two functions of the loss, with another value or another slope of the logits."""
    changed = {}
    if value is not None:
        changed["generator_loss"] = value
    if slope is not None:
        changed["generator_loss_backward"] = lambda dy, y, logits: dy * slope(logits)
    return changed


def _doubled_in_place(logits):
    loss = generator_loss(logits)
    logits *= 2
    return loss


# 3. Batch normalisation -----------------------------------------------------------------------------------------------


def _normal(x, eps, ddof=0, axes=None):
    """(the axes of the statistics, 1 / √(σ² + eps), the normalised x)"""
    axes = tuple(range(x.ndim - 1)) if axes is None else axes
    r = 1 / np.sqrt(x.var(axes, ddof=ddof) + eps)
    return axes, r, (x - x.mean(axes)) * r


def _batch_norm(**how):
    """Both functions with other statistics."""

    def forward(x, gamma, beta, eps=1e-5):
        return gamma * _normal(x, eps, **how)[2] + beta

    def backward(dy, y, x, gamma, beta, eps=1e-5):
        axes, r, normal = _normal(x, eps, **how)
        dx = gamma * r * (dy - dy.mean(axes) - normal * (dy * normal).mean(axes))
        return dx, (dy * normal).sum(tuple(range(x.ndim - 1))), dy.sum(tuple(range(x.ndim - 1)))

    return {"batch_norm": forward, "batch_norm_backward": backward}


def _batch_norm_dx(change):
    """The backward with another dx: change(dy, dy · normal, normal, mean) is what γ / √(σ² + eps) multiplies."""

    def wrong(dy, y, x, gamma, beta, eps=1e-5):
        axes, r, normal = _normal(x, eps)
        _, dgamma, dbeta = batch_norm_backward(dy, y, x, gamma, beta, eps)
        return gamma * r * change(dy, normal, lambda t: t.mean(axes)), dgamma, dbeta

    return {"batch_norm_backward": wrong}


def _batch_norm_parts(change):
    """The backward with its three results changed: change(dx, dgamma, dbeta, dy, y, x, gamma)."""

    def wrong(dy, y, x, gamma, beta, eps=1e-5):
        return change(*batch_norm_backward(dy, y, x, gamma, beta, eps), dy, y, x, gamma)

    return {"batch_norm_backward": wrong}


# 4. Transposed convolution --------------------------------------------------------------------------------------------


def _stamped(x, w, stride, put):
    """y, where put(y, k, j, rows, columns, stamp) places the stamp of tap (k, j)."""
    N, H, W, _ = x.shape
    K, L, OC, _ = w.shape
    y = np.zeros((N, (H - 1) * stride + K, (W - 1) * stride + L, OC), x.dtype)
    for k in range(K):
        for j in range(L):
            put(y, slice(k, k + H * stride, stride), slice(j, j + W * stride, stride), x @ w[k, j].T)
    return y


def _assigned(x, w, stride=2):
    def put(y, rows, columns, stamp):
        y[:, rows, columns] = stamp

    return _stamped(x, w, stride, put)


def _stride_of_rows_alone(x, w, stride=2):
    _, H, W, _ = x.shape
    K, L, OC, _ = w.shape
    y = np.zeros((len(x), (H - 1) * stride + K, (W - 1) * stride + L, OC), x.dtype)
    for k in range(K):
        for j in range(L):
            y[:, k : k + H * stride : stride, j : j + W] += x @ w[k, j].T
    return y


def _square_alone(x, w, stride=2):
    """It takes the kernel's rows for its columns too: right for square kernels."""
    return conv_transpose(x, w[:, : w.shape[0]] if w.shape[1] >= w.shape[0] else w, stride)


def _with_other_kernel(change):
    """Both functions, consistently, with another kernel in the formula."""

    def backward(dy, y, x, w, stride=2):
        dx, dw = conv_transpose_backward(dy, y, x, change(w), stride)
        return dx, change(dw)

    return {
        "conv_transpose": lambda x, w, stride=2: conv_transpose(x, change(w), stride),
        "conv_transpose_backward": backward,
    }


def _conv(change):
    """The backward with its two results changed: change(dx, dw, dy, x, w)."""

    def wrong(dy, y, x, w, stride=2):
        return change(*conv_transpose_backward(dy, y, x, w, stride), dy, x, w)

    return {"conv_transpose_backward": wrong}


def _always_stride_2(dy, y, x, w, stride=2):
    wide = np.zeros((len(x), 2 * x.shape[1] + w.shape[0], 2 * x.shape[2] + w.shape[1], w.shape[2]))
    rows, columns = min(wide.shape[1], dy.shape[1]), min(wide.shape[2], dy.shape[2])
    wide[:, :rows, :columns] = dy[:, :rows, :columns]
    return conv_transpose_backward(wide, y, x, w, 2)


def _zeros(exercise):
    """Both functions return zeros of the right shapes, which agree with each other."""

    def zeros_for(function):
        def wrong(*inputs, **settings):
            found = function(*inputs, **settings)
            return tuple(map(np.zeros_like, found)) if isinstance(found, tuple) else np.zeros_like(found)

        return wrong

    return {name: zeros_for(globals()[name]) for name in (exercise, f"{exercise}_backward")}


MUTANTS = {
    **{f"{e}: zeros throughout": _zeros(e) for e in ("dense", "generator_loss", "batch_norm", "conv_transpose")},
    "dense: bias forgotten": {"dense": lambda x, w, b: x @ w},
    "dense: db summed over the wrong axis": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, dy.sum(axis=1))),
    "dense: db a mean": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, dy.mean(axis=0))),
    "dense: db not summed": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, dy)),
    "dense: db of the first row": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, dy[0])),
    "dense: db one number": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, np.full(db.shape, dy.sum()))),
    "dense: db 1 instead of dy": _dense(lambda dx, dw, db, dy, x, w: (dx, dw, np.full(db.shape, float(len(x))))),
    "dense: dw transposed": _dense(lambda dx, dw, db, dy, x, w: (dx, dw.T, db)),
    "dense: dw transposed where w is square": _dense(_dw_transposed_where_it_can),
    "dense: dw a mean over the batch": _dense(lambda dx, dw, db, dy, x, w: (dx, dw / len(x), db)),
    "dense: dx with w not transposed": _dense(lambda dx, dw, db, dy, x, w: (np.resize(dy @ w[:2], x.shape), dw, db)),
    "dense: dx without dy": _dense(lambda dx, dw, db, dy, x, w: (np.ones_like(dy) @ w.T, dw, db)),
    "dense: dx and dw exchanged": _dense(lambda dx, dw, db, dy, x, w: (dw, dx, db)),
    "dense: finite differences in place of a formula": {"dense_backward": _by_differences},
    "loss: sign of the logits": _loss(lambda a: np.logaddexp(0, a).mean(), lambda a: _sigmoid(a) / a.size),
    "loss: minimax, −softplus(a)": _loss(lambda a: -np.logaddexp(0, a).mean(), lambda a: -_sigmoid(a) / a.size),
    "loss: naive overflow": _loss(lambda a: np.log(1 + np.exp(-a)).mean()),
    "loss: log of a sigmoid": _loss(lambda a: -np.log(1 / (1 + np.exp(-a))).mean()),
    "loss: clipped probability": _loss(lambda a: -np.log(np.clip(_sigmoid(a), 1e-7, 1)).mean()),
    "loss: sum for mean": _loss(lambda a: np.logaddexp(0, -a).sum(), lambda a: -_sigmoid(-a)),
    "loss: mean over the batch alone": _loss(
        lambda a: np.logaddexp(0, -a).sum() / len(a), lambda a: -_sigmoid(-a) / len(a)
    ),
    "loss: not averaged": _loss(lambda a: np.logaddexp(0, -a)),
    "loss: logits changed in place": {"generator_loss": _doubled_in_place},
    "loss: slope of the sum": _loss(None, lambda a: -_sigmoid(-a)),
    "loss: slope with the wrong sign": _loss(None, lambda a: _sigmoid(-a) / a.size),
    "loss: slope σ(a)": _loss(None, lambda a: -_sigmoid(a) / a.size),
    "loss: slope σ(a) − 1 by a naive sigmoid": _loss(None, lambda a: (1 / (1 + np.exp(-a)) - 1) / a.size),
    "loss: slope eᵃ / (1 + eᵃ)": _loss(None, lambda a: -np.exp(-a) / (1 + np.exp(-a)) / a.size),
    "loss: slope of relu": _loss(None, lambda a: -np.where(a < 0, 1.0, 0.0) / a.size),
    "loss: slope without dy": {
        "generator_loss_backward": lambda dy, y, logits: generator_loss_backward(1.0, y, logits)
    },
    "loss: slope of one less": _loss(None, lambda a: -_sigmoid(-a) / max(a.size - 1, 1)),
    "batch_norm: variance with N − 1": _batch_norm(ddof=1),
    "batch_norm: statistics over axis 0 alone": _batch_norm(axes=0),
    "batch_norm: σ instead of √(σ² + ε)": {
        "batch_norm": lambda x, gamma, beta, eps=1e-5: batch_norm(x, gamma, beta, eps=0.0),
        "batch_norm_backward": lambda dy, y, x, gamma, beta, eps=1e-5: batch_norm_backward(dy, y, x, gamma, beta, 0.0),
    },
    "batch_norm: eps added to σ": {
        "batch_norm": lambda x, gamma, beta, eps=1e-5: (
            gamma * (x - x.mean(_normal(x, 1)[0])) / (x.std(_normal(x, 1)[0]) + eps) + beta
        ),
    },
    "batch_norm: eps ignored as a setting": {
        "batch_norm": lambda x, gamma, beta, eps=1e-5: batch_norm(x, gamma, beta, eps=1e-5),
    },
    "batch_norm: mean not subtracted": {
        "batch_norm": lambda x, gamma, beta, eps=1e-5: gamma * x * _normal(x, eps)[1] + beta,
    },
    "batch_norm: gamma and beta exchanged": {
        "batch_norm": lambda x, gamma, beta, eps=1e-5: batch_norm(x, beta, gamma, eps),
        "batch_norm_backward": lambda dy, y, x, gamma, beta, eps=1e-5: batch_norm_backward(dy, y, x, beta, gamma, eps),
    },
    "batch_norm: dx without the mean term": _batch_norm_dx(lambda dy, n, mean: dy - n * mean(dy * n)),
    "batch_norm: dx without the variance term": _batch_norm_dx(lambda dy, n, mean: dy - mean(dy)),
    "batch_norm: dx without both": _batch_norm_dx(lambda dy, n, mean: dy),
    "batch_norm: the variance term's sign": _batch_norm_dx(lambda dy, n, mean: dy - mean(dy) + n * mean(dy * n)),
    "batch_norm: the variance term halved": _batch_norm_dx(lambda dy, n, mean: dy - mean(dy) - n * mean(dy * n) / 2),
    "batch_norm: sums for means": _batch_norm_dx(
        lambda dy, n, mean: dy - dy.sum(tuple(range(dy.ndim - 1))) - n * (dy * n).sum(tuple(range(dy.ndim - 1)))
    ),
    "batch_norm: dx without gamma": _batch_norm_parts(lambda dx, dg, db, dy, y, x, gamma: (dx / gamma, dg, db)),
    "batch_norm: dgamma with x": _batch_norm_parts(
        lambda dx, dg, db, dy, y, x, gamma: (dx, (dy * x).sum(tuple(range(x.ndim - 1))), db)
    ),
    "batch_norm: dgamma with y": _batch_norm_parts(
        lambda dx, dg, db, dy, y, x, gamma: (dx, (dy * y).sum(tuple(range(x.ndim - 1))), db)
    ),
    "batch_norm: dgamma, dbeta means": _batch_norm_parts(
        lambda dx, dg, db, dy, y, x, gamma: (dx, dg / (x.size // len(dg)), db / (x.size // len(dg)))
    ),
    "batch_norm: dgamma, dbeta over axis 0 alone": _batch_norm_parts(
        lambda dx, dg, db, dy, y, x, gamma: (dx, dg, dy.sum(axis=0))
    ),
    "batch_norm: dgamma and dbeta exchanged": _batch_norm_parts(lambda dx, dg, db, dy, y, x, gamma: (dx, db, dg)),
    "conv_transpose: assigned, not added": {"conv_transpose": _assigned},
    "conv_transpose: kernel flipped": _with_other_kernel(lambda w: w[::-1, ::-1]),
    "conv_transpose: kernel flipped along one axis": _with_other_kernel(lambda w: w[:, ::-1]),
    "conv_transpose: the stride forgotten along columns": {"conv_transpose": _stride_of_rows_alone},
    "conv_transpose: stride forgotten": {"conv_transpose": lambda x, w, stride=2: conv_transpose(x, w, 1)},
    "conv_transpose: stride always 2": {"conv_transpose": lambda x, w, stride=2: conv_transpose(x, w, 2)},
    "conv_transpose: square kernels alone": {"conv_transpose": _square_alone},
    "conv_transpose: result cropped by the stride": {
        "conv_transpose": lambda x, w, stride=2: conv_transpose(x, w, stride)[
            :, : x.shape[1] * stride, : x.shape[2] * stride
        ],
    },
    "conv_transpose: one row too many": {
        "conv_transpose": lambda x, w, stride=2: np.pad(conv_transpose(x, w, stride), [(0, 0), (0, 1), (0, 1), (0, 0)]),
    },
    "conv_transpose: dx flipped": _conv(lambda dx, dw, dy, x, w: (dx[:, ::-1, ::-1], dw)),
    "conv_transpose: dw not flipped back": _conv(lambda dx, dw, dy, x, w: (dx, dw[::-1, ::-1])),
    "conv_transpose: dw's channels exchanged": _conv(lambda dx, dw, dy, x, w: (dx, dw.swapaxes(2, 3).reshape(w.shape))),
    "conv_transpose: dw a mean over the batch": _conv(lambda dx, dw, dy, x, w: (dx, dw / len(x))),
    "conv_transpose: dw of the first image": _conv(
        lambda dx, dw, dy, x, w: (
            dx,
            conv_transpose_backward(dy[:1], None, x[:1], w, (dy.shape[1] - w.shape[0]) // max(x.shape[1] - 1, 1) or 1)[
                1
            ],
        )
    ),
    "conv_transpose: backward always of stride 2": {"conv_transpose_backward": _always_stride_2},
}

_like = _rng.normal(size=_images.shape), batch_norm(_images, _gamma, _beta), _images, _gamma, _beta
for _name, _wrong in plant(batch_norm_backward, _like):
    if _name != "mean taken out for x":  # that is no mistake: the mean of dx is 0
        MUTANTS[f"batch_norm_backward: {_name}"] = {"batch_norm_backward": _wrong}
