"""The hidden cases: other shapes, other numbers, batches of 1 and 5, strides that leave gaps, logits of ±20 to ±800."""

import numpy as np

from minigen import convolve_transpose
from minigen.check import adjoint_check, invariant_check, op_check, value_check
from minigen.check.grading import case


@case("dense: value, hidden", points=3)
def hidden_dense_value(submission, rng):
    def draw(N, C, OC):
        return [rng.normal(size=(N, C)), rng.normal(size=(C, OC)), rng.normal(size=OC)]

    def formula(x, w, b):
        return np.einsum("nc,co->no", x, w) + b

    sizes = [(1, 1, 1), (1, 5, 3), (5, 1, 4), (7, 6, 6), (3, 3, 3)]
    value_check(submission.dense, [(draw(*size), formula) for size in sizes], name="dense")


@case("dense: gradient, hidden", points=2)
def hidden_dense_gradient(submission, rng):
    def formula(x, w, b):
        return np.einsum("nc,co->no", x, w) + b

    for N, C, OC in [(1, 5, 3), (3, 3, 3), (5, 1, 4)]:
        inputs = {"x": rng.normal(size=(N, C)), "w": rng.normal(size=(C, OC)), "b": rng.normal(size=OC)}
        op_check(submission.dense, submission.dense_backward, inputs, value=formula, seeds=[11], name="dense")


@case("dense: invariant, hidden", points=1)
def hidden_dense_invariant(submission, rng):
    # without its bias the layer is linear in w too, and dw is what that map's transpose makes of dy
    x, w, b = rng.normal(size=(5, 3)), np.ones((3, 3)), np.zeros(3)
    value_check(submission.dense, [([x, w, b], np.tile(x.sum(axis=1, keepdims=True), (1, 3)))], name="dense, w all 1")
    y = submission.dense(x, w, b)

    def transposed(dy):
        gradients = submission.dense_backward(dy, y, x, w, b)
        assert isinstance(gradients, tuple | list) and len(gradients) == 3, "dense_backward must return (dx, dw, db)"
        return gradients[1]

    adjoint_check(lambda w: submission.dense(x, w, b), transposed, (3, 3), (5, 3), seed=11, name="dense without bias")


@case("generator_loss: value, hidden", points=3)
def hidden_generator_loss_value(submission, rng):
    def formula(logits):
        return np.logaddexp(0, -logits).mean()

    drawn = [3 * rng.normal(size=shape) for shape in [(1,), (5, 1), (3, 2, 2)]]
    far = [np.array([a, -a]) for a in (20.0, 90.0, 800.0)] + [np.array([a]) for a in (90.0, -90.0, 800.0, -800.0)]
    examples = [([logits], formula) for logits in [*drawn, *far, np.zeros(3)]]
    value_check(submission.generator_loss, examples, atol=1e-12, name="generator_loss", no_warnings=True)


@case("generator_loss: gradient, hidden", points=2)
def hidden_generator_loss_gradient(submission, rng):
    def formula(logits):
        return np.logaddexp(0, -logits).mean()

    def slope(dy, y, logits):
        return -dy * np.exp(-np.logaddexp(0, logits)) / logits.size

    for shape in [(1,), (5, 1), (3, 2, 2)]:
        inputs = {"logits": 2 * rng.normal(size=shape)}
        op_check(
            submission.generator_loss,
            submission.generator_loss_backward,
            inputs,
            value=formula,
            seeds=[11],
            name="generator_loss",
        )
    far = [([1.5, a / 3, np.array([a, 0.0, -a])], slope) for a in (20.0, 90.0, 800.0)]
    name = "the gradient of generator_loss"
    value_check(submission.generator_loss_backward, far, atol=1e-12, name=name, no_warnings=True)


@case("generator_loss: invariant, hidden", points=1)
def hidden_generator_loss_invariant(submission, rng):
    value_check(submission.generator_loss, [([np.zeros((5, 1))], np.log(2))], name="generator_loss, logits all 0")

    def margin(logits):
        losses = submission.generator_loss(-logits), submission.generator_loss(logits)
        numbers = all(isinstance(loss, float | np.ndarray) and np.size(loss) == 1 for loss in losses)
        assert numbers, "generator_loss must return one number"
        return -abs(losses[0] - losses[1] - logits.mean())  # softplus(a) − softplus(−a) = a

    says = "the loss of −logits and the loss of logits differ by the mean of logits"
    invariant_check(
        margin, lambda rng: 30 * rng.normal(size=(5, 1)), seed=11, says=says, atol=1e-12, name="generator_loss"
    )


@case("batch_norm: value, hidden", points=3)
def hidden_batch_norm_value(submission, rng):
    def draw(scale, *shape):
        return [2 + scale * rng.normal(size=shape), rng.normal(size=shape[-1]), rng.normal(size=shape[-1])]

    def formula(x, gamma, beta):
        axes = tuple(range(x.ndim - 1))
        return gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) + beta

    examples = [draw(1, 1, 4), draw(1, 5, 3), draw(1, 2, 3, 5, 2), draw(1, 1, 3, 2, 2), draw(3e-3, 5, 1), draw(1, 3, 3)]
    value_check(submission.batch_norm, [(inputs, formula) for inputs in examples], name="batch_norm")


@case("batch_norm: gradient, hidden", points=2)
def hidden_batch_norm_gradient(submission, rng):
    def formula(x, gamma, beta):
        axes = tuple(range(x.ndim - 1))
        return gamma * (x - x.mean(axes)) / np.sqrt(x.var(axes) + 1e-5) + beta

    for shape in [(5, 3), (2, 3), (1, 3, 2, 2), (3, 3)]:
        channels = shape[-1]
        inputs = {"x": rng.normal(size=shape), "gamma": rng.normal(size=channels), "beta": rng.normal(size=channels)}
        op_check(
            submission.batch_norm,
            submission.batch_norm_backward,
            inputs,
            value=formula,
            seeds=[11],
            name="batch_norm",
        )


@case("batch_norm: invariant, hidden", points=1)
def hidden_batch_norm_invariant(submission, rng):
    # a shift of x changes nothing, so dx sums to 0 over the batch
    gamma, beta = rng.normal(size=3), rng.normal(size=3)

    def margin(x, dy):
        y = submission.batch_norm(x, gamma, beta)
        assert isinstance(y, np.ndarray) and y.shape == x.shape, "batch_norm must return an array of the shape of x"
        assert np.ptp(y, axis=0).all(), "batch_norm must not return the same for every row of x"
        gradients = submission.batch_norm_backward(dy, y, x, gamma, beta)
        assert isinstance(gradients, tuple | list), "batch_norm_backward must return (dx, dgamma, dbeta)"
        assert np.any(gradients[0]), "batch_norm_backward must not return a dx of zeros"
        return -abs(np.sum(gradients[0], axis=0))

    def draw(rng):
        return rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    invariant_check(margin, draw, seed=11, says="dx sums to 0 over the batch", atol=1e-9, name="batch_norm")


@case("conv_transpose: value, hidden", points=3)
def hidden_conv_transpose_value(submission, rng):
    def check(stride, *shapes):
        value_check(
            lambda x, w: submission.conv_transpose(x, w, stride=stride),
            [
                ([rng.normal(size=of_x), rng.normal(size=of_w)], lambda x, w: convolve_transpose(x, w, stride=stride))
                for of_x, of_w in shapes
            ],
            name=f"conv_transpose, stride {stride}",
        )

    for stride in (1, 2, 3):
        check(stride, [(1, 1, 1, 1), (1, 1, 1, 1)], [(1, 3, 2, 2), (2, 3, 3, 2)], [(5, 2, 4, 3), (4, 1, 1, 3)])


@case("conv_transpose: gradient, hidden", points=2)
def hidden_conv_transpose_gradient(submission, rng):
    def check(stride, of_x, of_w):
        op_check(
            lambda x, w: submission.conv_transpose(x, w, stride=stride),
            lambda dy, y, x, w: submission.conv_transpose_backward(dy, y, x, w, stride=stride),
            {"x": rng.normal(size=of_x), "w": rng.normal(size=of_w)},
            value=lambda x, w: convolve_transpose(x, w, stride=stride),
            seeds=[11],
            name=f"conv_transpose, stride {stride}",
        )

    check(1, (1, 3, 2, 2), (2, 3, 3, 2))
    check(2, (2, 2, 2, 2), (3, 3, 2, 2))
    check(3, (5, 2, 2, 1), (2, 2, 2, 1))


@case("conv_transpose: invariant, hidden", points=1)
def hidden_conv_transpose_invariant(submission, rng):
    x, w = np.ones((1, 3, 2, 3)), rng.normal(size=(2, 3, 3, 3))
    tile = np.pad(w.sum(axis=3), [(0, 1), (0, 0), (0, 0)])  # one stamp and the gap below it
    value_check(
        lambda x, w: submission.conv_transpose(x, w, stride=3),
        [([x, w], np.tile(tile, (1, 3, 2, 1))[:, :8])],
        name="conv_transpose, x all 1, stride 3",
    )
    y = submission.conv_transpose(x, w, stride=3)

    def transposed(dy):
        gradients = submission.conv_transpose_backward(dy, y, x, w, stride=3)
        assert isinstance(gradients, tuple | list), "conv_transpose_backward must return (dx, dw)"
        return gradients[0]

    adjoint_check(
        lambda x: submission.conv_transpose(x, w, stride=3),
        transposed,
        (1, 3, 2, 3),
        (1, 8, 6, 3),
        seed=11,
        name="conv_transpose and its backward, stride 3",
    )
