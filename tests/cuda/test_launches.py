"""What a step of the article's GAN launches with our kernels in their places, and that each launch is counted once."""

import numpy as np
import pytest

from minigen import Tensor, grad
from minigen.autograd import OPS

from ..lookalike import lookalike
from . import launches, shim

pytestmark = pytest.mark.skipif(bool(shim.WHY_NOT), reason=shim.WHY_NOT)

BUDGET = 89


def a_step(**settings):
    """What the third step of the article's GAN launches, by place; and by both ways to count."""
    with launches.playing_with_kernels():
        step = launches.article(**settings)
        step()
        step()
        shim.kernels().ran.clear()
        with lookalike.counted() as counts, launches.counted() as found:
            step()
        return found, counts.launches + sum(shim.kernels().ran.values())


def test_a_step_of_the_articles_gan_keeps_to_its_budget():
    found, total = a_step()
    assert found.total == total
    assert total == BUDGET, f"docs/gpu_kernels.md and this budget say another number: {found.by_place}"


def test_noise_that_is_drawn_on_the_device_is_one_launch_more():
    found, total = a_step(draws="device")
    assert found.total == total == BUDGET + 1
    assert found.by_place["minigen.kernels.cuda_launch launch_blocks: normals"] == 1


def test_a_launch_too_many_breaks_the_budget(monkeypatch):
    tanh = OPS["tanh"].function
    monkeypatch.setattr(OPS["tanh"], "function", lambda x: tanh(x.copy()))
    with pytest.raises(AssertionError, match="minigen.ops.activations tanh|another number"):
        test_a_step_of_the_articles_gan_keeps_to_its_budget()


def test_the_table_has_every_launch_in_one_row(capsys):
    launches.main([])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    numbers = [float(row[-1] if row[0] in ("rest", "a") else row[-2]) for row in rows]
    assert rows[-1][:2] == ["a", "step"] and numbers[-1] == sum(numbers[:-1]) == BUDGET
    named = {row[1] for row in rows}
    assert {"conv_leaky_masked", "batch_norm_leaky", "transposed", "Adam"} <= named and "leaky_relu" not in named


def test_a_launch_is_named_by_who_asked_for_it():
    with launches.playing_with_kernels() as module, launches.counted() as found:
        x = Tensor(module.ones((2, 3), np.float32), requires_grad=True)
        grad(OPS["tanh"](x), [x], module.ones((2, 3), np.float32))
    assert found.by_place["minigen.ops.activations tanh"] == 1
    assert found.by_place["minigen.kernels.cuda_launch launch_blocks: tanh_gate"] == 1
