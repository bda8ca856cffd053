"""detect_anomaly names the operation and the line where the first NaN or infinity was born."""

import inspect

import numpy as np
import pytest

import minigen
from minigen import AnomalyError, Tensor, detect_anomaly, grad
from minigen.autograd import OPS


def here(offset=0):
    """ "test_debug.py:<the caller's line + offset>" as a pattern."""
    return rf"test_debug\.py:{inspect.currentframe().f_back.f_lineno + offset}\b"


def leaf(*entries):
    return Tensor(np.array(entries), requires_grad=True)


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):  # NumPy's own remarks on the same mistakes
        yield


def test_a_nan_born_forward_is_named_with_its_line():
    x = leaf(-1.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match=f"log made the first NaN, forward, at .*{here(1)}"):
        x.log() * 2


def test_an_infinity_born_forward_is_named_and_advice_given():
    x = leaf(0.0, 1.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match=r"divide made the first infinity, forward.*where\(x > 0"):
        1 / x


def test_a_nan_made_of_infinities_is_born_there():
    x = leaf(np.inf)
    with detect_anomaly(), pytest.raises(AnomalyError, match="subtract made the first NaN"):
        x - x


def test_an_input_that_was_nan_already_is_said_so():
    x = Tensor(np.array([np.nan, 1.0]))
    with detect_anomaly(), pytest.raises(AnomalyError, match=f"add was given a NaN, in its input b, at .*{here(1)}"):
        leaf(1.0, 2.0) + x
    with detect_anomaly(), pytest.raises(AnomalyError, match="multiply was given a NaN, in its input b"):
        leaf(1.0) * float("nan")


def test_infinities_that_were_asked_for_pass():
    x = Tensor(np.ones((1, 3, 3, 1)), requires_grad=True)
    with detect_anomaly():
        y = minigen.max_pool(x, 2, stride=1, padding="same")
        grad(y.sum(), [x])
        minigen.tensor([-np.inf, 0.0]).softmax()
        minigen.where(minigen.tensor([True, False]), leaf(1.0, 2.0), -np.inf)


def test_a_nan_born_backward_names_the_derivative_and_the_calls_line():
    x = leaf(0.0)
    with detect_anomaly(), pytest.raises(AnomalyError) as caught:
        y = x.sqrt()
        line = here(-1)
        grad(y, [x])
    assert caught.match(f"derivative of sqrt with respect to x made the first infinity, backward; .* at .*{line}")
    assert caught.match("where around it alone")


def test_the_where_trap_is_found_and_the_double_where_is_clean():
    x = leaf(0.0, 4.0)
    with detect_anomaly():
        with pytest.raises(AnomalyError, match="derivative of sqrt with respect to x made the first NaN, backward"):
            grad(minigen.where(x > 0, x.sqrt(), 0).sum(), [x])
        safe = minigen.where(x > 0, minigen.where(x > 0, x, 1).sqrt(), 0)
        assert grad(safe.sum(), [x])[0].tolist() == [0, 0.25]


def test_without_detect_anomaly_forward_the_message_says_how_to_see_the_line():
    x = leaf(0.0)
    y = x.sqrt()
    with detect_anomaly(), pytest.raises(AnomalyError, match="wrap the forward pass in detect_anomaly"):
        grad(y, [x])


def test_a_dy_that_is_nan_already_is_said_so():
    x = leaf(1.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match="the dy handed to tanh holds a NaN already"):
        grad(x.tanh(), [x], [np.nan])


def test_a_wrong_rule_is_found_under_create_graph_too(monkeypatch):
    monkeypatch.setitem(OPS["tanh"].rules, "x", lambda dy, y, x: dy * np.array([np.nan]))
    x = leaf(1.0)
    with detect_anomaly(), pytest.raises(AnomalyError, match="input b"):  # the multiply inside the rule is looked at
        grad(x.tanh(), [x], create_graph=True)
    with detect_anomaly(), pytest.raises(AnomalyError, match="derivative of tanh .* first NaN"):
        grad(x.tanh(), [x])


def test_kernels_are_looked_at_as_well():
    x = Tensor(np.array([[np.nan], [1.0]]))
    with detect_anomaly(), pytest.raises(AnomalyError, match="was given a NaN, in its input x"):
        minigen.batch_norm(x, leaf(1.0), leaf(0.0))


def test_outside_nothing_is_looked_at():
    assert np.isnan(leaf(-1.0).log().item())
