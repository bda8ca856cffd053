"""Right submissions get full marks, however they are written; and a wrong one is told what and where."""

from pathlib import Path

import numpy as np
import pytest

from minigen.check import op_check, value_check
from minigen.check.grading import SubmissionError, as_rule, in_place

RIGHT = '''
import collections
import numpy as np

def dense(x, w):
    return x @ w

def dense_backward(dy, y, x, w):
    return dy @ w.T, x.T @ dy

def plain_cache(x, w):
    return x @ w, {"x": x, "w": w, "sizes": [x.shape, (w.shape,)]}

def plain_cache_backward(dy, cache):
    assert cache["sizes"] == [(4, 3), ((3, 2),)]
    return dy @ cache["w"].T, cache["x"].T @ dy

Cache = collections.namedtuple("Cache", "x w")

def own_cache(x, w):
    return x @ w, Cache(x, w)

def own_cache_backward(dy, cache):
    return dy @ cache.w.T, cache.x.T @ dy

def softmax_loss(scores, labels):
    e = np.exp(scores - scores.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    rows = np.arange(len(p))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(p)

class Dense:
    """A layer that keeps what it needs."""

    scale = 1.0

    def __init__(self, n, m, rng):
        self.w = rng.normal(size=(n, m))

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dy):
        self.dw = self.x.T @ dy
        return dy @ self.w.T

    def __call__(self, x):
        return self.forward(x)

def squared(x, target):
    """Written with minigen's tensors."""
    return ((x - target) ** 2).mean()

def detached(x, target):
    return ((x.detach() - target) ** 2).mean()

def no_tensor(x, target):
    return x.numpy().sum()

def step(w, dw, rate=0.1):
    w -= rate * dw

def sizes(**arrays):
    return {name: x.shape for name, x in arrays.items()}

def draw(rng, n):
    return rng.normal(size=n)

def kinds(*values):
    return [type(v).__name__ for v in values]

def layout(x):
    return x.flags.c_contiguous, x.flags.writeable, list(x.strides), x.copy()

def same(a, b):
    return a is b

def back(x):
    return x

RATE = 0.1
NAMES = ("a", "b")
EVERYTHING = [None, True, 3, 2.5, "text", 1 + 2j, (1, [2]), {"k": {"l": 1}}]
EVERYTHING += [np.float32(2), np.arange(3), np.array(["x"])]
maps = collections.OrderedDict(a=1.0)
'''


def draw(rng):
    return [rng.normal(size=(4, 3)), rng.normal(size=(3, 2))]


def class_by_input_and_weight(submission, rng):
    layer = submission.Dense(3, 2, rng)
    op_check(layer.forward, lambda dy, y, x: layer.backward(dy), [rng.normal(size=(4, 3))])

    def f(x, w):
        layer.w = w
        return layer(x)

    def backward(dy, y, x, w):
        f(x, w)
        return layer.backward(dy), layer.dw

    op_check(f, backward, draw(rng), value=lambda x, w: x @ w)


STYLES = {
    "rule": lambda s, rng: op_check(s.dense, s.dense_backward, draw(rng), value=lambda x, w: x @ w),
    "drawn": lambda s, rng: op_check(s.dense, s.dense_backward, draw),
    "a cache of arrays": lambda s, rng: op_check(s.plain_cache, s.plain_cache_backward, draw(rng), style="cache"),
    "a cache of its own kind": lambda s, rng: op_check(s.own_cache, s.own_cache_backward, draw(rng), style="cache"),
    "loss": lambda s, rng: op_check(
        s.softmax_loss, None, [rng.normal(size=(5, 3)), rng.integers(0, 3, 5)], style="loss"
    ),
    "class": class_by_input_and_weight,
    "tensors": lambda s, rng: op_check(*as_rule(s.squared), [rng.normal(size=(4, 3)), rng.normal(size=(4, 3))]),
    "value": lambda s, rng: value_check(s.dense, [(draw(rng), lambda x, w: x @ w)]),
}


@pytest.fixture(scope="module")
def styles(graded):
    return graded(RIGHT, STYLES, seeds=(0, 1))


@pytest.mark.parametrize("style", STYLES)
def test_a_right_submission_gets_full_marks(styles, style):
    assert styles[style].passed, styles[style].message
    assert not styles[style].fault
    assert "right" in styles[style].printed


def changed(submission, rng):
    w, dw = np.ones(3), np.arange(3.0)
    in_place(submission.step)(w, dw)
    np.testing.assert_allclose(w, 1 - 0.1 * dw)


def refused_change(submission, rng):
    w = np.ones(3)
    try:
        submission.step(w, np.ones(3))
    except SubmissionError as error:
        assert str(error) == "step changes its argument w in place; it must work on a copy"
        assert (w == 1).all(), "the array here must stay as it was"
    else:
        raise AssertionError("nobody noticed")


def everything_travels(submission, rng):
    found = submission.EVERYTHING
    assert [type(x).__name__ for x in found[:8]] == "NoneType bool int float str complex tuple dict".split()
    assert found[:8] == [None, True, 3, 2.5, "text", 1 + 2j, (1, [2]), {"k": {"l": 1}}]
    assert type(found[8]) is np.float32 and found[9].dtype == np.int64 and found[10][0] == "x"
    values = [None, True, 3, 2.5, "t", 1j, (1,), [2], {"a": 1}, np.float32(2), np.ones(2), rng]
    expected = "NoneType bool int float str complex tuple list dict float32 ndarray Generator".split()
    assert submission.kinds(*values) == expected
    assert submission.RATE == 0.1 and submission.NAMES == ("a", "b")
    assert submission.sizes(x=np.ones((2, 0))) == {"x": (2, 0)}
    x = np.array([np.nan, -0.0, np.inf])
    assert submission.back(x).tobytes() == x.tobytes()


def arrays_lie_as_they_lie_here(submission, rng):
    x = rng.normal(size=(4, 6))
    for view in (x.T, x[::-1, ::2], x[:, ::-1], np.broadcast_to(np.float64(3), (2, 3)), x[:0], np.asfortranarray(x)):
        contiguous, writeable, strides, copy = submission.layout(view)
        assert (contiguous, writeable) == (view.flags.c_contiguous, view.flags.writeable)
        assert strides == list(view.strides) or view.size == 0
        assert np.array_equal(copy, view)
    assert submission.same(x, x) and not submission.same(x, x.copy())


def a_generator_is_copied(submission, rng):
    mirror = np.random.default_rng(5)
    rng = np.random.default_rng(5)
    first, second = submission.draw(rng, 3), submission.draw(rng, 3)
    assert np.array_equal(first, second) and np.array_equal(first, mirror.normal(size=3))
    old = np.random.Generator(np.random.MT19937(1))
    assert np.array_equal(submission.draw(old, 2), np.random.Generator(np.random.MT19937(1)).normal(size=2))


def an_object_stays(submission, rng):
    layer = submission.Dense(3, 2, rng)
    assert layer.scale == 1.0 and not hasattr(layer, "dw")
    layer.scale = 2.0
    assert layer.scale == 2.0
    assert submission.same(layer, layer)
    assert submission.maps["a"] == 1.0
    assert repr(layer) == "<Dense of the submission>" and type(layer).__name__ == "Dense"
    for act in (np.asarray, float, len, bool, list, lambda x: x + 1, lambda x: 1 - x, lambda x: x == 1):
        try:
            act(layer)
        except SubmissionError as error:
            assert "returned an object (Dense) where a number or an array is expected" in str(error)
        else:
            raise AssertionError(f"{act} took an object for a value")


PROXIES = {f.__name__: f for f in (changed, refused_change, everything_travels, arrays_lie_as_they_lie_here)}
PROXIES |= {f.__name__: f for f in (a_generator_is_copied, an_object_stays)}


@pytest.fixture(scope="module")
def proxies(graded):
    return graded(RIGHT, PROXIES)


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_is_like_the_function_itself(proxies, name):
    assert proxies[name].passed, proxies[name].fault or proxies[name].message


TOLD = {
    "a detached tensor": (
        lambda s, rng: op_check(*as_rule(s.detached), [rng.normal(size=3), rng.normal(size=3)]),
        "detached: the gradient with respect to x is wrong",
    ),
    "no tensor": (
        lambda s, rng: op_check(*as_rule(s.no_tensor), [rng.normal(size=3), rng.normal(size=3)]),
        "no_tensor raised TypeError: it must return a tensor of minigen's; it returned float64",
    ),
    "an error": (
        lambda s, rng: s.dense(np.ones((2, 3)), np.ones((2, 3))),
        "(solution.py, line 6: return x @ w)",
    ),
    "a missing name": (
        lambda s, rng: s.dense_backwards,
        "the submission defines no dense_backwards; did you mean dense_backward?",
    ),
    "a missing attribute": (
        lambda s, rng: s.Dense(3, 2, rng).backwards,
        "Dense.backwards raised AttributeError: 'Dense' object has no attribute 'backwards'",
    ),
    "a missing entry": (lambda s, rng: s.maps["b"], "OrderedDict['b'] raised KeyError: 'b'"),
}


@pytest.fixture(scope="module")
def told(graded):
    return graded(RIGHT, {name: check for name, (check, _) in TOLD.items()})


@pytest.mark.parametrize("name", TOLD)
def test_what_is_wrong_is_told_in_the_submissions_own_terms(told, name):
    assert not told[name].passed and not told[name].fault
    assert TOLD[name][1] in told[name].message


@pytest.mark.slow
def test_a_loss_written_with_pytorch_gets_full_marks(graded):
    pytest.importorskip("torch")
    text = """
import torch
import torch.nn.functional as F

def loss(x, labels):
    return F.cross_entropy(x, labels)

def detached(x, labels):
    return F.cross_entropy(x.detach() + 0 * x, labels)

layer = torch.nn.Linear(3, 2).double()

def through(x):
    return torch.tanh(layer(x))
"""

    def check(name):
        def check(submission, rng):
            inputs = [rng.normal(size=(4, 3)), rng.integers(0, 3, 4)]
            op_check(*as_rule(getattr(submission, name), engine="torch"), inputs[: 1 + (name != "through")])

        return check

    found = graded(text, {name: check(name) for name in ("loss", "detached", "through")})
    assert [found[name].passed for name in found] == [True, False, True], found.result
    assert "the gradient with respect to x is wrong" in found["detached"].message


@pytest.mark.parametrize("use", [lambda: as_rule(abs), lambda: in_place(abs)])
def test_only_functions_of_a_submission_are_taken(use):
    with pytest.raises(ValueError, match="no function of a submission's"):
        use()


def test_a_folder_may_hold_helpers_and_data(graded, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("def half(x):\n    return x / 2\n")
    (tmp_path / "helper.py").write_text("from package import half\n")
    (tmp_path / "submission.py").write_text(
        "import numpy as np\nfrom helper import half\ntable = np.load('table.npy')\n"
        "def f():\n    np.save('kept.npy', table)\n    return half(np.load('kept.npy'))\n"
    )
    np.save(tmp_path / "table.npy", np.arange(3.0))

    def check(submission, rng):
        assert np.array_equal(submission.f(), [0, 0.5, 1])

    found = graded(tmp_path, {"f": check})
    assert found["f"].passed, found["f"].message
    assert not (tmp_path / "kept.npy").exists() and not list(Path(tmp_path).rglob("__pycache__"))
