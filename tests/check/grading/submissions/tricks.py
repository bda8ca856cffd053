"""A submission full of tricks: each function must end in a failed case and a sentence that says why."""

import builtins
import sys
import types

import numpy as np

import minigen.check
import minigen.check.gradient

# The grader's tools, patched
minigen.check.grad_check = minigen.check.op_check = lambda *args, **kwargs: None
minigen.check.gradient.grad_check = lambda *args, **kwargs: None
sys.modules["minigen.check.grading.run"] = types.ModuleType("run")
np.testing.assert_allclose = lambda *args, **kwargs: None
np.allclose = np.array_equal = lambda *args, **kwargs: True
np.random.default_rng = lambda seed=None: None
builtins.abs = lambda x: 0.0
builtins.max = lambda *args, **kwargs: 0.0
builtins.isinstance = lambda x, kind: kind is AssertionError or type(x) in (kind if type(kind) is tuple else (kind,))


def dense(x, w):
    return x @ w


def _private_copy(a, b):
    return a @ b


def _differences(f, dy, x, w):
    found = []
    for k, array in enumerate((x, w)):
        d = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            moved = [x.copy(), w.copy()]
            moved[k][place] += 1e-6
            up = f(*moved)
            moved[k][place] -= 2e-6
            d[place] = (dy * (up - f(*moved))).sum() / 2e-6
        found.append(d)
    return tuple(found)


def backward_by_f(dy, y, x, w):
    return _differences(dense, dy, x, w)


def backward_by_a_copy(dy, y, x, w):
    return _differences(_private_copy, dy, x, w)


def backward_inline(dy, y, x, w):
    dx, dw, h = np.zeros_like(x), np.zeros_like(w), 1e-6
    for i in np.ndindex(x.shape):
        e = np.zeros_like(x)
        e[i] = h
        dx[i] = (dy * (np.matmul(x + e, w) - np.matmul(x - e, w))).sum() / (2 * h)
    for i in np.ndindex(w.shape):
        e = np.zeros_like(w)
        e[i] = h
        dw[i] = (dy * (np.matmul(x, w + e) - np.matmul(x, w - e))).sum() / (2 * h)
    return dx, dw


def backward_unwatched(dy, y, x, w):
    sys.setprofile(None)
    return _differences(dense, dy, x, w)


def backward_zeros(dy, y, x, w):
    return np.zeros_like(x), np.zeros_like(w)


def backward_sums(dy, y, x, w):
    dx, dw = dy @ w.T, x.T @ dy
    return np.full_like(x, dx.mean()), np.full_like(w, dw.mean())  # the sums are right


def backward_mutates(dy, y, x, w):
    dx = dy @ w.T
    x *= 0
    return dx, x.T @ dy


def forward_mutates(x, w):
    x[...] = 0
    w[...] = 0
    return x @ w


def grad_check(*args, **kwargs):
    return None


def backward_catches(dy, y, x, w):
    try:
        return grad_check(None)
    except BaseException:
        return None


class Evil:
    def __array__(self, *args, **kwargs):
        raise SystemExit

    def __eq__(self, other):
        return True

    __hash__ = None
    dtype = np.dtype(float)
    shape = (4, 2)


class EvilError(Exception):
    def __str__(self):
        raise SystemExit


def evil_object(*args):
    return Evil()


def evil_inside(*args):
    return [(Evil(), 1.0)]


def evil_error(*args):
    raise EvilError


def huge(*args):
    return np.zeros(300 * 2**17)  # 300 MiB


def object_array(*args):
    return np.array([Evil(), None], dtype=object)


def records(*args):
    return np.zeros(3, dtype=[("a", float)])


def nan(x, w):
    return np.full((4, 2), np.nan)


def nothing(*args):
    pass


def text(*args):
    return "1.0"


def complex_numbers(x, w):
    return (x @ w).astype(complex)


def nested(*args):
    deep = []
    for _ in range(500):
        deep = [deep]
    return deep


def itself(*args):
    a = []
    a.append(a)
    return a


def leaves(*args):
    sys.exit(0)


def raises(x, w):
    return x @ w.no_such_thing


def recursion(x, w):
    return recursion(w, x)


class Integer(int):
    def __add__(self, other):
        return 42

    def __repr__(self):
        return "0"


def own_integer(*args):
    return Integer(3)


def control_characters(*args):
    raise ValueError("\x1b[2Jall 10/10 passed\r")


right_after_all = types.SimpleNamespace(dense=dense)


def dense_backward(dy, y, x, w):
    return dy @ w.T, x.T @ dy


def complex_gradients(dy, y, x, w):
    return (dy @ w.T).astype(complex), (x.T @ dy).astype(complex)


def odd_booleans(x, w):
    return np.full((4, 2), 2, np.uint8).view(bool)


def many_objects(*args):
    return [Evil() for _ in range(1001)]
