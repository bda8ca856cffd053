"""The public checks of answers.py: `python -m pytest` runs them."""

import minigen
import numpy as np
from minigen.check import adjoint_check, invariant_check, value_check
from minigen import convolve

import answers


# dense: value (1 point)
def test_dense_value():
    x, w, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]]), np.array([100.0])
    value_check(answers.dense, [([x, w, b], np.array([[121.0], [143.0]]))], name="dense")


# dense: gradient (2 points)
def test_dense_gradient(op_check):
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}

    def formula(x, w, b):
        return minigen.matmul(x, w) + b

    op_check(answers.dense, answers.dense_backward, inputs, value=formula, name="dense")


# dense: invariant (1 point)
def test_dense_invariant():
    rng = np.random.default_rng(0)
    # without its bias the layer is linear in x, and dx is what its transpose makes of dy
    x, w, b = np.ones((4, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    value_check(answers.dense, [([x, w, b], np.tile(w.sum(axis=0), (4, 1)))], name="dense, x all 1")
    y = answers.dense(x, w, b)

    def transposed(dy):
        gradients = answers.dense_backward(dy, y, x, w, b)
        assert isinstance(gradients, tuple | list), "dense_backward must return (dx, dw, db)"
        return gradients[0]

    adjoint_check(lambda x: answers.dense(x, w, b), transposed, (4, 3), (4, 2), name="dense without bias")


# generator_loss: value (1 point)
def test_generator_loss_value():
    examples = [([np.array([0.0, np.log(3)])], 0.4904146265058631), ([np.array([[800.0, -800.0]])], 400.0)]
    value_check(answers.generator_loss, examples, name="generator_loss", no_warnings=True)


# generator_loss: gradient (2 points)
def test_generator_loss_gradient(op_check):
    rng = np.random.default_rng(0)
    inputs = {"logits": 3 * rng.normal(size=(5, 1))}
    op_check(
        answers.generator_loss,
        answers.generator_loss_backward,
        inputs,
        value=lambda logits: minigen.mean(minigen.softplus(-logits)),
        name="generator_loss",
    )


# generator_loss: invariant (1 point)
def test_generator_loss_invariant():
    value_check(answers.generator_loss, [([np.zeros(6)], np.log(2))], name="generator_loss, logits all 0")

    def margin(logits):
        loss = answers.generator_loss(logits)
        number = isinstance(loss, float | np.ndarray) and np.size(loss) == 1
        assert number, "generator_loss must return one number"
        return loss - max(0.0, -logits.mean())

    says = "the loss is never below 0, nor below the mean of −logits"
    invariant_check(margin, lambda rng: 30 * rng.normal(size=6), says=says, atol=1e-12, name="generator_loss")


# batch_norm: value (1 point)
def test_batch_norm_value():
    x, y = np.array([[0.0], [0.0], [2.0], [2.0]]), np.array([[7.0], [7.0], [13.0], [13.0]])
    gamma, beta = np.array([3.0]), np.array([10.0])
    image = x.reshape(1, 2, 2, 1), y.reshape(1, 2, 2, 1)
    value_check(
        lambda x, gamma, beta: answers.batch_norm(x, gamma, beta, eps=0.0),
        [([x, gamma, beta], y), ([image[0], gamma, beta], image[1])],
        name="batch_norm",
    )


# batch_norm: gradient (2 points)
def test_batch_norm_gradient(op_check):
    rng = np.random.default_rng(0)
    inputs = {"x": 2 + 3 * rng.normal(size=(3, 2, 2, 4)), "gamma": rng.normal(size=4), "beta": rng.normal(size=4)}
    op_check(
        answers.batch_norm,
        answers.batch_norm_backward,
        inputs,
        value=lambda x, gamma, beta: minigen.batch_norm(x, gamma, beta, eps=1e-5),
        name="batch_norm",
    )


# batch_norm: invariant (1 point)
def test_batch_norm_invariant():
    rng = np.random.default_rng(0)
    gamma, beta = rng.normal(size=3), rng.normal(size=3)

    def margin(x, shift):
        y, shifted = answers.batch_norm(x, gamma, beta), answers.batch_norm(x + shift, gamma, beta)
        assert isinstance(y, np.ndarray) and y.shape == x.shape, "batch_norm must return an array of the shape of x"
        assert np.ptp(y, axis=0).all(), "batch_norm must not return the same for every row of x"
        return -abs(shifted - y)

    def draw(rng):
        return rng.normal(size=(5, 3)), 10 * rng.normal(size=3)

    invariant_check(margin, draw, says="a shift of x changes nothing", atol=1e-9, name="batch_norm")


# conv_transpose: value (1 point)
def test_conv_transpose_value():
    x, w = np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
    y = np.array([1.0, 10.0, 102.0, 20.0, 200.0]).reshape(1, 1, 5, 1)
    value_check(answers.conv_transpose, [([x, w], y)], name="conv_transpose")


# conv_transpose: gradient (2 points)
def test_conv_transpose_gradient(op_check):
    rng = np.random.default_rng(0)
    inputs = {"x": rng.normal(size=(2, 2, 3, 2)), "w": rng.normal(size=(3, 2, 3, 2))}
    op_check(
        answers.conv_transpose,
        answers.conv_transpose_backward,
        inputs,
        value=lambda x, w: minigen.convolve_transpose(x, w, stride=2),
        name="conv_transpose",
    )


# conv_transpose: invariant (1 point)
def test_conv_transpose_invariant():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 2, 3, 2))
    adjoint_check(
        lambda v: convolve(v, w, stride=2),
        lambda u: answers.conv_transpose(u, w),
        (2, 5, 6, 3),
        (2, 2, 3, 2),
        name="convolution and conv_transpose",
    )
