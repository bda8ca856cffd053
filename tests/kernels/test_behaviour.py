"""A fast minigen still behaves: memory, numbers of threads, forks, threads, event loops, and without its kernels."""

import asyncio
import importlib.util
import os
import shutil

import numpy as np
import pytest

from .behaving import ROOT, STATUS, TASKS, TRAININGS, digest, digest_after, in_a_process

# How far a float32 result may be from the same sums in another order, against the largest entry.  A gradient of the
# trainings here sums some hundred numbers a layer, five layers deep; 1e-5 is 84 units in the last place.
CLOSE = 1e-5

# Resident bytes that the allocator may add in a whole run, by cutting what it has in other ways: a few dozen pages were
# seen.  Over 1,000 steps no array of a kilobyte can hide below it, and in dcgan's 100 none of 11 KiB: a tenth of what
# its generator makes at one layer.
SLACK = 1 << 20

needs_status = pytest.mark.skipif(not STATUS.exists(), reason=f"no {STATUS}, which only Linux has")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


# Memory ---------------------------------------------------------------------------------------------------------------


def assert_nothing_grew(found, steps):
    assert found["tensors"] == 0, f"{found['tensors']} more tensors"
    assert found["nodes"] == 0, f"{found['nodes']} more nodes"
    assert found["unreachable"] < steps, f"{found['unreachable']} objects in cycles"  # one a step would be a habit
    assert found["bytes"] < SLACK, f"{found['bytes']} more bytes"


@needs_status
@pytest.mark.parametrize(
    "training, warm_up, steps", [("ring", 100, 1000), ("wgan_gp", 100, 1000), ("small dcgan", 20, 100)]
)
def test_nothing_grows_while_a_network_trains(training, warm_up, steps):
    found = in_a_process("grow", training=training, warm_up=warm_up, steps=steps, blas_threads=1)
    assert_nothing_grew(found, steps)


@needs_status
@pytest.mark.parametrize(
    "planted, seen", [("losses", "400 more tensors"), ("cycles", "more tensors"), ("arrays", "more bytes")]
)
def test_a_leak_is_seen(planted, seen):
    found = in_a_process("grow", training="ring", warm_up=50, steps=200, planted=planted, blas_threads=1)
    with pytest.raises(AssertionError, match=seen):
        assert_nothing_grew(found, 200)
    assert (found["unreachable"] >= 200) == (planted == "cycles")


# BLAS's threads -------------------------------------------------------------------------------------------------------


def recorded(path, trainings=("ring", "vae", "dcgan"), steps=2, **how):
    """What `record` says, and the arrays that it wrote."""
    said = in_a_process("record", trainings=trainings, steps=steps, path=str(path), **how)
    with np.load(path) as arrays:
        return said, {name: arrays[name] for name in arrays}


def assert_same_first_step(one, other):
    """The losses of the first step and the gradients of its first loss are the same numbers to rounding.

    Not those of later steps: where a gradient is next to 0, Adam makes a whole step of its sign.
    """
    assert one.keys() == other.keys() and len(one) > 0
    for name, expected in one.items():
        found = other[name]
        if name.endswith("losses"):
            expected, found = expected[:1], found[:1]
        far = np.abs(found - expected).max() / np.abs(expected).max()
        assert far < CLOSE, f"{name} is {far:.1e} away"  # NaN is not below


@pytest.fixture(scope="module")
def on_one_thread(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("one") / "thread.npz", blas_threads=1)


@pytest.fixture(scope="module")
def on_two_threads(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("two") / "threads.npz", blas_threads=2)


def test_one_thread_and_two_compute_the_same_to_rounding(on_one_thread, on_two_threads):
    """Not to the bit: OpenBLAS cuts a sum of 449 to 895 products in two, with one thread at a multiple of 16, with
    more in the middle (its driver/level3/level3.c and level3_thread.c; lengths of float32 on AVX-512).

    So the last digits of the VAE's products with 784 pixels differ, and of a convolution's kernel gradient where as
    many places meet; this is BLAS's, and would take another matrix product to mend.
    """
    (_, one), (said, two) = on_one_thread, on_two_threads
    if TASKS.exists() and os.cpu_count() > 1:
        assert said["threads"] > 1, "BLAS started no thread, and nothing was compared"
    assert_same_first_step(one, two)


def test_more_threads_than_cores_end_and_compute_the_same(on_one_thread, tmp_path):
    _, many = recorded(tmp_path / "many.npz", blas_threads=8)  # OpenBLAS starts no more than there are cores
    assert_same_first_step(on_one_thread[1], many)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives no process a core")
def test_two_threads_on_one_core_end_with_the_bits_of_two_on_two(on_two_threads, tmp_path):
    """One number of threads gives one result, whoever comes first: exact resumption rests on it."""
    said, _ = recorded(tmp_path / "crowded.npz", blas_threads=2, one_core=True)
    assert said["threads"] == on_two_threads[0]["threads"]
    assert said["ends"] == on_two_threads[0]["ends"]


def test_a_difference_is_seen(on_one_thread):
    _, arrays = on_one_thread
    for name in ("ring: losses", "vae: gradient 0", "dcgan: gradient 3"):
        nudged = arrays[name].copy()
        row = nudged[0] if name.endswith("losses") else nudged
        row.flat[np.abs(row).argmax()] *= 1 + 1e-4
        with pytest.raises(AssertionError, match=f"{name} is .* away"):
            assert_same_first_step(arrays, {**arrays, name: nudged})
        with pytest.raises(AssertionError, match="away"):
            assert_same_first_step(arrays, {**arrays, name: nudged * np.nan})


# Forks, threads, event loops ------------------------------------------------------------------------------------------


def forked(**how):
    # From Python 3.12 on, forking where there are threads warns: of the very thing that is tested here.
    return in_a_process("fork", training="small dcgan", python=("-W", "ignore:This process:DeprecationWarning"), **how)


@needs_fork
def test_a_fork_and_its_parent_both_train_on():
    found = forked(wait_s=20)  # for a tenth of a second's work
    if TASKS.exists() and os.cpu_count() > 1:
        assert found["threads"] > 1, "BLAS had started no thread, and a fork loses nothing"
    assert found["status"] == 0 and found["child"] == found["parent"]


@needs_fork
def test_a_fork_that_hangs_is_seen():
    found = forked(wait_s=1, planted=True)
    assert found["child"] is None and found["parent"]


FOUR = ("ring", "wgan_gp", "small dcgan", "another small dcgan")


@pytest.mark.parametrize("blas_threads", [1, 2])
def test_networks_trained_at_once_learn_what_they_learn_alone(blas_threads):
    found = in_a_process("at_once", trainings=FOUR, steps=3, blas_threads=blas_threads)
    assert found["together"] == found["alone"] and found["alone"].keys() == set(FOUR)
    assert len(set(found["alone"].values())) == 4


def test_a_workspace_that_threads_share_is_seen():
    found = in_a_process("at_once", trainings=FOUR, steps=2, blas_threads=1, planted=True)
    assert found["together"] != found["alone"]


def test_networks_train_in_a_running_event_loop():
    """As in a cell of a notebook, for which a running loop stands in here; two trainings take turns."""

    async def train(training):
        made = TRAININGS[training]()
        for _ in range(3):
            made.step()
            await asyncio.sleep(0)
        return digest(made)

    async def both():
        return await asyncio.gather(train("ring"), train("wgan_gp"))

    assert asyncio.run(both()) == [digest_after("ring", 3), digest_after("wgan_gp", 3)]


def test_a_network_trains_in_jupyter():
    for package in ("ipykernel", "nbclient", "nbformat"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed; pip install minigen[lessons]")
    # Jupyter's own packages warn.
    found = in_a_process("in_jupyter", training="ring", steps=3, python=("-W", "default"))
    assert found == in_a_process("digest_after", training="ring", steps=3)


# Without its kernels --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [[], ["__pycache__"]], ids=["no folder", "a folder of caches"])
def test_minigen_without_its_kernels_computes_the_same(on_one_thread, tmp_path, left):
    """An empty folder is what stays behind where version control deletes the files of one that has been imported."""
    shutil.copytree(ROOT / "minigen", tmp_path / "minigen", ignore=shutil.ignore_patterns("kernels", "__pycache__"))
    for name in left:
        (tmp_path / "minigen/kernels" / name).mkdir(parents=True)
    said, plain = recorded(tmp_path / "plain.npz", steps=1, packages=tmp_path, blas_threads=1)
    assert said["minigen"] == str(tmp_path / "minigen/__init__.py") and said["kernels"] == []
    fast = on_one_thread[0]
    assert fast["minigen"] == str(ROOT / "minigen/__init__.py") and "conv" in fast["kernels"]
    assert_same_first_step(on_one_thread[1], plain)
