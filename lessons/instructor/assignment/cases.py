"""The public cases: what a student sees and can run.  The notebook's check cells are made from these bodies.

The references are minigen's operations: written out in NumPy they would be the answers.
"""

import numpy as np

import minigen
from minigen import convolve
from minigen.check import adjoint_check, invariant_check, op_check, value_check
from minigen.check.grading import case


@case("dense: value", points=1)
def dense_value(submission, rng):
    x, w, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [10.0]]), np.array([100.0])
    value_check(submission.dense, [([x, w, b], np.array([[121.0], [143.0]]))], name="dense")


@case("dense: gradient", points=2)
def dense_gradient(submission, rng):
    inputs = {"x": rng.normal(size=(4, 3)), "w": rng.normal(size=(3, 2)), "b": rng.normal(size=2)}

    def formula(x, w, b):
        return minigen.matmul(x, w) + b

    op_check(submission.dense, submission.dense_backward, inputs, value=formula, name="dense")


@case("dense: invariant", points=1)
def dense_invariant(submission, rng):
    # without its bias the layer is linear in x, and dx is what its transpose makes of dy
    x, w, b = np.ones((4, 3)), rng.normal(size=(3, 2)), np.zeros(2)
    value_check(submission.dense, [([x, w, b], np.tile(w.sum(axis=0), (4, 1)))], name="dense, x all 1")
    y = submission.dense(x, w, b)

    def transposed(dy):
        gradients = submission.dense_backward(dy, y, x, w, b)
        assert isinstance(gradients, tuple | list), "dense_backward must return (dx, dw, db)"
        return gradients[0]

    adjoint_check(lambda x: submission.dense(x, w, b), transposed, (4, 3), (4, 2), name="dense without bias")


@case("generator_loss: value", points=1)
def generator_loss_value(submission, rng):
    examples = [([np.array([0.0, np.log(3)])], 0.4904146265058631), ([np.array([[800.0, -800.0]])], 400.0)]
    value_check(submission.generator_loss, examples, name="generator_loss", no_warnings=True)


@case("generator_loss: gradient", points=2)
def generator_loss_gradient(submission, rng):
    inputs = {"logits": 3 * rng.normal(size=(5, 1))}
    op_check(
        submission.generator_loss,
        submission.generator_loss_backward,
        inputs,
        value=lambda logits: minigen.mean(minigen.softplus(-logits)),
        name="generator_loss",
    )


@case("generator_loss: invariant", points=1)
def generator_loss_invariant(submission, rng):
    value_check(submission.generator_loss, [([np.zeros(6)], np.log(2))], name="generator_loss, logits all 0")

    def margin(logits):
        loss = submission.generator_loss(logits)
        number = isinstance(loss, float | np.ndarray) and np.size(loss) == 1
        assert number, "generator_loss must return one number"
        return loss - max(0.0, -logits.mean())

    says = "the loss is never below 0, nor below the mean of −logits"
    invariant_check(margin, lambda rng: 30 * rng.normal(size=6), says=says, atol=1e-12, name="generator_loss")


@case("batch_norm: value", points=1)
def batch_norm_value(submission, rng):
    x, y = np.array([[0.0], [0.0], [2.0], [2.0]]), np.array([[7.0], [7.0], [13.0], [13.0]])
    gamma, beta = np.array([3.0]), np.array([10.0])
    image = x.reshape(1, 2, 2, 1), y.reshape(1, 2, 2, 1)
    value_check(
        lambda x, gamma, beta: submission.batch_norm(x, gamma, beta, eps=0.0),
        [([x, gamma, beta], y), ([image[0], gamma, beta], image[1])],
        name="batch_norm",
    )


@case("batch_norm: gradient", points=2)
def batch_norm_gradient(submission, rng):
    inputs = {"x": 2 + 3 * rng.normal(size=(3, 2, 2, 4)), "gamma": rng.normal(size=4), "beta": rng.normal(size=4)}
    op_check(
        submission.batch_norm,
        submission.batch_norm_backward,
        inputs,
        value=lambda x, gamma, beta: minigen.batch_norm(x, gamma, beta, eps=1e-5),
        name="batch_norm",
    )


@case("batch_norm: invariant", points=1)
def batch_norm_invariant(submission, rng):
    gamma, beta = rng.normal(size=3), rng.normal(size=3)

    def margin(x, shift):
        y, shifted = submission.batch_norm(x, gamma, beta), submission.batch_norm(x + shift, gamma, beta)
        assert isinstance(y, np.ndarray) and y.shape == x.shape, "batch_norm must return an array of the shape of x"
        assert np.ptp(y, axis=0).all(), "batch_norm must not return the same for every row of x"
        return -abs(shifted - y)

    def draw(rng):
        return rng.normal(size=(5, 3)), 10 * rng.normal(size=3)

    invariant_check(margin, draw, says="a shift of x changes nothing", atol=1e-9, name="batch_norm")


@case("conv_transpose: value", points=1)
def conv_transpose_value(submission, rng):
    x, w = np.array([1.0, 2.0]).reshape(1, 1, 2, 1), np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
    y = np.array([1.0, 10.0, 102.0, 20.0, 200.0]).reshape(1, 1, 5, 1)
    value_check(submission.conv_transpose, [([x, w], y)], name="conv_transpose")


@case("conv_transpose: gradient", points=2)
def conv_transpose_gradient(submission, rng):
    inputs = {"x": rng.normal(size=(2, 2, 3, 2)), "w": rng.normal(size=(3, 2, 3, 2))}
    op_check(
        submission.conv_transpose,
        submission.conv_transpose_backward,
        inputs,
        value=lambda x, w: minigen.convolve_transpose(x, w, stride=2),
        name="conv_transpose",
    )


@case("conv_transpose: invariant", points=1)
def conv_transpose_invariant(submission, rng):
    w = rng.normal(size=(3, 2, 3, 2))
    adjoint_check(
        lambda v: convolve(v, w, stride=2),
        lambda u: submission.conv_transpose(u, w),
        (2, 5, 6, 3),
        (2, 2, 3, 2),
        name="convolution and conv_transpose",
    )
