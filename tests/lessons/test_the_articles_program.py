"""The article's program, completed: its counts, its two halves, its flags, and the same picture from the same seed."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

import minigen

PATH = Path(__file__).parents[2] / "lessons" / "the_articles_program.py"


def _program():
    spec = importlib.util.spec_from_file_location("the_articles_program", PATH)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


program = _program()


def run(*flags):
    return subprocess.run([sys.executable, "-W", "error", str(PATH), *flags], capture_output=True, text=True)


def weights(network):
    return {name: array.tobytes() for name, array in network.state_dict().items()}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A short run, and the picture that it left."""
    out = tmp_path_factory.mktemp("program") / "picture.png"
    done = run("--images", "64", "--epochs", "1", "--seed", "7", "--out", str(out))
    assert (done.returncode, done.stderr) == (0, "")
    return out, done.stdout


def test_a_short_run_tells_the_articles_counts_and_finite_losses(picture):
    _, told = picture
    totals = re.findall(r"total +([\d,]+)", told)
    assert totals == ["2,305,472", "212,865"]
    losses = re.search(r"epoch 1 of 1 +D ([\d.]+) +G ([\d.]+)", told)
    assert 0.5 < float(losses[1]) < 2 and 0.3 < float(losses[2]) < 2  # after two steps, near 1.386 and 0.693


def test_the_picture_is_a_grid_of_64_pictures_that_differ(picture):
    pixels = image.imread(picture[0])[::3, ::3, 0]
    assert pixels.shape == (224, 224)
    apart = pixels.reshape(8, 28, 8, 28).transpose(0, 2, 1, 3).reshape(64, -1)
    assert len(np.unique(apart, axis=0)) == 64


def test_the_same_seed_paints_the_same_picture_and_another_seed_another(picture, tmp_path):
    out, told = picture
    again, other = tmp_path / "again.png", tmp_path / "other.png"
    for path, seed in ((again, "7"), (other, "8")):
        assert run("--images", "64", "--epochs", "1", "--seed", seed, "--out", str(path)).returncode == 0
    assert again.read_bytes() == out.read_bytes()
    assert other.read_bytes() != out.read_bytes()


@pytest.fixture
def gan():
    return program.Gan(seed=0)


@pytest.fixture
def x():
    return next(program.make_batches("scenes", 8, 4, seed=0))


def moved(gan, half, *given):
    """Which of (G, D) a half of a step changes, bit for bit."""
    networks = (gan.generator, gan.discriminator)
    before = [weights(network) for network in networks]
    half(*given)
    return [weights(network) != old for network, old in zip(networks, before, strict=True)]


def test_each_half_of_a_step_moves_one_network_and_leaves_the_other_bit_for_bit(gan, x):
    x_fake = gan.fakes(len(x))
    assert moved(gan, gan.step_discriminator, x, x_fake) == [False, True]
    assert moved(gan, gan.step_generator, x_fake) == [True, False]


def test_that_test_sees_a_half_that_moves_both(gan, x):
    """The planted fault: one optimiser for all weights, as if the article's two tapes shared one."""
    both = [*gan.generator.parameters(), *gan.discriminator.parameters()]
    gan.optimiser_g.release(), gan.optimiser_d.release()  # two never hold one parameter
    optimiser = program.Adam(both, 1e-3)

    def half(x_fake):
        loss = program.nonsaturating.generator(gan.discriminator(x_fake))
        optimiser.update(minigen.grad(loss, both))

    assert moved(gan, half, gan.fakes(len(x))) == [True, True]


def test_the_data_lie_where_tanh_can_reach_and_fakes_are_new_every_time(gan):
    x = next(program.make_batches("scenes", 64, 64, seed=0))
    assert x.dtype == np.float32 and -1 <= x.min() < -0.5 and 0.5 < x.max() <= 1
    assert not np.array_equal(gan.fakes(4).numpy(), gan.fakes(4).numpy())


def test_training_moves_the_statistics_and_samples_do_not(gan):
    """E12 mended: the running mean leaves 0 in training, and a sample is the same whatever stands beside it."""
    norm = gan.generator[1]
    assert not norm.running_mean.numpy().any()
    gan.fakes(4)
    assert norm.running_mean.numpy().any()
    before = weights(gan.generator)
    z = np.random.default_rng(0).standard_normal((3, program.LATENT), np.float32)
    together, alone = gan.samples(z), gan.samples(z[:1])
    np.testing.assert_allclose(together[:1], alone, atol=1e-5)
    assert weights(gan.generator) == before and gan.generator.training


def test_training_brings_down_what_d_pays_for_pictures_it_has_met():
    """D learns to tell scenes from the fakes of a G that is held: far below 2 ln 2."""
    gan = program.Gan(seed=0)
    x = next(program.make_batches("scenes", 8, 8, seed=0))
    x_fake = gan.fakes(8).detach()
    losses = [gan.step_discriminator(x, x_fake).item() for _ in range(12)]
    assert losses[-1] < 0.5 < losses[0]


@pytest.mark.parametrize(
    "flags, said",
    [
        (["--epochs", "0"], "--epochs 0"),
        (["--batch", "1"], "--batch 1"),
        (["--images", "many"], "--images"),
        (["--seed", "-1"], "--seed -1"),
        (["--out", "picture.jpg"], "--out picture.jpg"),
        (["--out", "nowhere/picture.png"], "--out nowhere/picture.png"),
        (["--backend", "torch"], "--backend"),
        (["--width", "2"], "--width"),
    ],
)
def test_a_bad_flag_gets_one_sentence_and_status_2(flags, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main(flags)
    told = capsys.readouterr()
    assert stopped.value.code == 2 and told.out == ""
    assert told.err.startswith("error: ") and told.err.count("\n") == 1 and said in told.err


def test_a_gpu_that_is_not_there_gets_the_probes_sentence(monkeypatch):
    monkeypatch.setattr(minigen.backend, "probe", lambda: "there is none.")
    with pytest.raises(minigen.BackendError, match="--backend cupy: there is none"):
        program.main(["--backend", "cupy"])


def test_a_mistake_found_later_gets_a_sentence_too():
    done = run("--seed", str(2**64), "--epochs", "1", "--images", "2")
    assert (
        done.returncode == 2 and done.stderr.startswith("error: --data scenes: seed") and "Traceback" not in done.stderr
    )


def test_it_stays_on_a_page_and_uses_public_names():
    text = PATH.read_text(encoding="utf-8")
    assert text.count("\n") <= 200
    assert not re.search(r"import _|minigen[\w.]*\._|minigen\.train", text)


def test_it_learns_from_mnist_where_that_is_at_hand(real_data):
    batches = program.make_batches(f"mnist:{real_data('mnist')}", 64, 32, seed=0)
    x = next(batches)
    assert x.shape == (32, 28, 28, 1) and x.dtype == np.float32 and x.min() == -1 and x.max() > 0.9
    assert batches.steps_per_epoch == 2


def test_data_that_are_not_there_are_named():
    done = run("--data", "mnist:nowhere", "--epochs", "1")
    assert done.returncode == 2 and done.stderr.startswith("error: --data mnist:nowhere: ")
    assert "Traceback" not in done.stderr
