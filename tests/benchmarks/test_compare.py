"""The comparison with other libraries, without a figure taken: its arithmetic, its table, its workloads run."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import compare, compare_curves, compare_table, machine, profile_step, worker, workloads
from benchmarks.workloads import PEERS, WORKLOADS, Peer, minigen_
from minigen.errors import DataError

SMALL = {"dcgan": {"batch": 2}, "ring": {"batch": 8}, "vae": {"batch": 4}, "iwae": {"batch": 2, "k": 3}}
SMALL["wgan_gp"] = SMALL["ring"]
FIXED = {"wgan_gp": 1}  # the critic's last bias, which the difference of two means does not see

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


# Arithmetic -----------------------------------------------------------------------------------------------------------


def test_a_ratio_is_taken_within_a_round_and_its_median_counts():
    # The machine became ten times slower for both in the third round; the ratios do not see it.
    found = compare.summary({"minigen": [1.0, 1.2, 10.0, 1.1, 1.0], "torch": [2.0, 2.0, 40.0, 2.0, 1.0]})
    assert found["minigen"] == {"median": 1.1, "rounds": [1.0, 1.2, 10.0, 1.1, 1.0]}
    assert found["torch"]["ratio"] == pytest.approx(0.55)  # of 0.5, 0.6, 0.25, 0.55, 1
    assert found["torch"]["quartiles"] == pytest.approx([0.5, 0.6])
    assert found["torch"]["median"] == 2.0


def test_one_round_has_quartiles_too_and_a_step_may_count_for_many_operations():
    found = compare.summary({"minigen": [4.0], "torch": [8.0]}, per=20)
    assert found["minigen"]["median"] == 0.2 and found["torch"]["median"] == 0.4
    assert found["torch"]["ratio"] == 0.5 and found["torch"]["quartiles"] == [0.5, 0.5]


def test_everyone_has_a_turn_in_each_round_and_who_begins_rotates():
    order = []
    turns = {name: lambda name=name: order.append(name) or len(order) for name in "abc"}
    answers = compare.take_turns(turns, rounds=4, pause=0)
    assert "".join(order) == "abcbcacababc"
    assert answers == {"a": [1, 6, 8, 10], "b": [2, 4, 9, 11], "c": [3, 5, 7, 12]}


# The file and the table -----------------------------------------------------------------------------------------------


def entry(ours=1.0, theirs=2.0, peer="torch", **more):
    taken = {"date": "2026-01-01 00:00 UTC", "threads": 2, "rounds": 3, "load": [0.1, 2.0], "others": 0.01}
    taken["versions"] = {"minigen": "1"}
    taken["machine"] = dict.fromkeys(("cpu", "cores", "caches", "memory_gb", "system", "python", "blas"), "?")
    peers = compare.summary({"minigen": [ours] * 3, peer: [theirs] * 3})
    for figures in peers.values():
        figures["peak"] = 1_000_000_000
    return {"taken": {**taken, **more}, "peers": peers, "skipped": {}, "failed": {}}


def test_a_workload_measured_again_replaces_its_own_entry_alone(tmp_path):
    path = tmp_path / "new" / "compare.json"
    compare.merge(path, "vae", entry(1.0))
    compare.merge(path, "ring", entry(2.0, date="earlier"))
    compare.merge(path, "vae", entry(3.0))
    found = compare.stored(path)
    assert list(found) == ["ring", "vae"]  # as they stand in the table
    assert found["vae"]["peers"]["minigen"]["median"] == 3.0
    assert found["ring"]["peers"]["minigen"]["median"] == 2.0 and found["ring"]["taken"]["date"] == "earlier"


def test_a_file_that_is_not_ours_is_refused(tmp_path):
    path = tmp_path / "compare.json"
    for text in ("{", "[]", '{"workloads": 1}', '{"other": {}}'):
        path.write_text(text)
        with pytest.raises(DataError, match=r"--out .*: compare.json is no result of this command; move it away"):
            compare.stored(path)


@pytest.mark.parametrize(
    "ours, theirs, said",
    [(0.89, 1.0, "0.89 (0.89 to 0.89) | ≤ 0.90: met |"), (0.91, 1.0, "0.91 (0.91 to 0.91) | ≤ 0.90: **missed** |")],
)
def test_the_table_says_of_each_target_whether_it_is_met(ours, theirs, said):
    assert said in compare_table.section("dcgan-64", entry(ours, theirs))


def test_a_stricter_target_turns_the_same_figure_into_a_miss(monkeypatch):
    monkeypatch.setitem(compare_table.TARGETS, "dcgan-64", 0.5)
    assert "≤ 0.50: **missed**" in compare_table.section("dcgan-64", entry(0.89, 1.0))
    assert compare_table.verdict(float("nan"), 0.9).endswith("**missed**")


def test_the_memory_of_the_articles_gan_is_judged_too():
    text = compare_table.section("dcgan-256", entry())
    assert "| PyTorch | 1,000 MB | 1.00 | ≤ 0.60: **missed** |" in text


def test_targets_are_pytorchs_and_the_libraries_from_scratch_have_one_of_their_own():
    assert compare_table.target("ring", "torch") == 0.60 == compare_table.TARGETS["ring"]
    assert compare_table.target("ring", "dezero") == 0.25
    assert compare_table.target("ring", "jax") is None and compare_table.target("import", "dezero") is None
    assert {*WORKLOADS, "import", "memory"} - set(compare_table.TARGETS) == {"calls_ring", "calls_wgan_gp"}
    assert compare_table.target("calls_ring", "torch") is None is compare_table.target("calls_ring", "dezero")


def test_an_import_is_judged_by_seconds_as_well():
    assert "| minigen | 240 ms | 1 | ≤ 0.25 s: met |" in compare_table.section("import", entry(0.24, 2.0))
    assert "| minigen | 260 ms | 1 | ≤ 0.25 s: **missed** |" in compare_table.section("import", entry(0.26, 2.0))


def test_figures_taken_beside_other_work_are_marked():
    assert "run it again" not in compare_table.section("vae", entry())
    assert "other programs used 30% of the cores: run it again" in compare_table.section("vae", entry(others=0.3))


# Who takes part -------------------------------------------------------------------------------------------------------


def test_a_library_that_is_not_installed_is_skipped_by_name(monkeypatch):
    monkeypatch.setitem(PEERS, "jax", Peer("JAX, jit", "a_package_that_nobody_has", "jax_"))
    able, skipped = workloads.taking_part(["minigen", "jax"], "ring")
    assert able == ["minigen"] and skipped == {"jax": "not installed; pip install a_package_that_nobody_has"}
    text = compare_table.section("ring", {**entry(), "skipped": skipped})
    assert "- JAX, jit: skipped, not installed; pip install a_package_that_nobody_has" in text


def test_a_library_that_cannot_do_a_workload_is_skipped_with_the_reason(monkeypatch):
    monkeypatch.setattr(workloads.importlib.util, "find_spec", lambda name: object())
    able, skipped = workloads.taking_part(PEERS, "wgan_gp")
    assert skipped == {"mygrad": "no second derivatives"} and "torch_channels_last" not in able
    assert "torch_channels_last" in workloads.taking_part(PEERS, "dcgan-256")[0]
    assert workloads.why_not("dezero", "dcgan-64") is None and "batch 64" in workloads.why_not("dezero", "dcgan-256")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--workloads", "dcgna"], "--workloads dcgna: there is no such name; choose from dcgan-256, "),
        (["--peers", "minitorch"], "--peers minitorch: there is no such name; choose from torch, "),
        (["--rounds", "0"], "--rounds 0 must be at least 1."),
    ],
)
def test_an_unknown_name_is_one_sentence_and_status_2(arguments, said, capsys, tmp_path):
    assert compare.main([*arguments, "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and said in told and told.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_name_without_its_batch_stands_for_all_of_them():
    assert compare.chosen("--workloads", ["ring", "dcgan", "dcgan-64"], WORKLOADS) == ["ring", "dcgan-256", "dcgan-64"]


# What runs ------------------------------------------------------------------------------------------------------------


def changed(library, builder, settings):
    """After one step: how many numbers are trained, and which arrays changed; all must be float32 and finite."""
    made = getattr(library, builder)(**settings)
    before = [p.copy() for p in made.parameters()]
    made.step()
    after = made.parameters()
    assert all(p.dtype == np.float32 and np.isfinite(p).all() for p in after)
    same = [i for i, (p, q) in enumerate(zip(before, after, strict=True)) if np.array_equal(p, q)]
    return sum(p.size for p in after), same


@pytest.mark.parametrize("builder", SMALL)
def test_a_step_of_minigen_trains_every_parameter_in_float32(builder):
    _, same = changed(minigen_, builder, SMALL[builder])
    assert len(same) == FIXED.get(builder, 0)


@needs_torch
@pytest.mark.parametrize("builder", SMALL)
def test_pytorch_trains_as_many_numbers_as_minigen(builder):
    from benchmarks.workloads import torch_

    count, same = changed(torch_, builder, SMALL[builder])
    assert len(same) == FIXED.get(builder, 0)
    assert count == sum(p.size for p in getattr(minigen_, builder)(**SMALL[builder]).parameters())


def test_the_networks_of_the_curves_are_the_articles_at_another_size():
    from minigen.models import dcgan

    rng = np.random.default_rng(0)
    for own, article in (
        (minigen_._generator(7, rng), dcgan.Generator(rng=rng)),
        (minigen_._discriminator(7, rng), dcgan.Discriminator(rng=rng)),
    ):
        assert [repr(layer) for layer in own.layers] == [repr(layer) for layer in article.layers]


@pytest.mark.parametrize("builder, chained", [("op", False), ("op_chain", True)])
def test_the_small_operations_have_the_derivatives_they_should(builder, chained):
    x = y = workloads.numbers().astype(np.float64)
    slope = np.ones(16)
    if chained:
        for _ in range(workloads.CHAIN // 2):
            slope, y = slope * (1 - np.tanh(y) ** 2) * x + np.tanh(y), np.tanh(y) * x
    else:
        slope = 1 - np.tanh(x) ** 2
    (found,) = getattr(minigen_, builder)().step()
    np.testing.assert_allclose(found.numpy(), slope, rtol=1e-5)  # float32's rounding over 20 operations


def test_a_worker_answers_with_times_and_its_peak_and_says_why_it_failed():
    running = worker.Worker("minigen", "op", {}, threads=1)
    try:
        assert running.step > 0 and running.run(3) > 0
        assert 10e6 < running.peak() < 2e9  # more than an interpreter, less than any network here
    finally:
        running.close()
    with pytest.raises(worker.WorkerError, match="minigen no_such_workload: AttributeError: "):
        worker.Worker("minigen", "no_such_workload", {}, threads=1)


def test_a_worker_that_ends_midway_is_an_error_and_not_a_hang():
    running = worker.Worker("minigen", "op", {}, threads=1)
    running.process.kill()
    running.process.wait()
    with pytest.raises(worker.WorkerError, match="minigen op: no word of why, status -9"):
        running.run(3)


def test_openblas_chooses_its_own_kernels_and_every_pool_has_as_many_threads(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    found = worker.environment(3)
    assert "OPENBLAS_CORETYPE" not in found and {found[name] for name in worker.THREADS} == {"3"}


def test_the_profile_adds_up_and_counts_the_outermost_call_only():
    now = iter(range(100))
    profile = profile_step.Profile(clock=lambda: float(next(now)))
    inner = profile.timed("forward", lambda self: "inner", lambda self: None)
    outer = profile.timed("forward", lambda self: "outer", lambda self: inner(self))
    outer(None), inner(None), inner(None)
    assert profile.calls == {("forward", "outer"): 1, ("forward", "inner"): 2}
    text = profile.table(total=6.0, steps=2, top=5)
    assert [line.split()[-1] for line in text.splitlines() if line.startswith("rest")] == ["50.0%"]


def test_the_profile_sees_operators_too_and_leaves_minigen_as_it_was():
    from minigen.autograd import Tensor
    from minigen.autograd.op import Op

    own = Op.__call__, Op.pull_back, Tensor.__add__
    made = minigen_.ring(batch=8)
    profile, total = profile_step.profiled(made.step, 1)
    assert (Op.__call__, Op.pull_back, Tensor.__add__) == own
    assert profile.calls["forward", "add"] >= 1  # the two halves of D's loss: Python's +
    assert any(part == "backward" for part, _ in profile.calls) and profile.calls["optimiser", "Adam"] == 2
    assert 0 < sum(profile.seconds.values()) < total


def test_the_size_of_an_install_counts_what_it_requires():
    numpy, minigen = machine.installed_size("numpy"), machine.installed_size("minigen")
    assert numpy["package"] == numpy["with_dependencies"] > 10e6 and numpy["packages"] == 1
    assert 0.5e6 < minigen["package"] < 10e6
    assert minigen["with_dependencies"] > minigen["package"] + numpy["package"] and minigen["packages"] >= 8


def test_the_curves_are_drawn_from_stored_figures_and_asked_for_where_there_are_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(compare_curves, "FILE", tmp_path / "compare_curves.json")
    monkeypatch.setattr(compare_curves, "PICTURE", tmp_path / "pictures" / "performance.png")
    assert compare_curves.main(["--draw"]) == 2
    assert "--draw: there is no compare_curves.json yet; leave the flag out" in capsys.readouterr().err
    libraries = {name: {"median": 0.5, "peak": 3e8} for name in compare_curves.LIBRARIES}
    rows = [{"batch": n, "side": n, "libraries": libraries} for n in (16, 32)]
    compare_curves.FILE.write_text(json.dumps({"batch": rows, "side": rows}))
    assert compare_curves.main(["--draw"]) == 0
    assert compare_curves.PICTURE.read_bytes().startswith(b"\x89PNG")


def test_what_is_stored_can_be_read_by_others(tmp_path):
    path = tmp_path / "compare.json"
    compare.merge(path, "ring", entry())
    assert json.loads(path.read_text())["workloads"]["ring"]["peers"]["torch"]["ratio"] == 0.5


def test_the_command_explains_itself():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compare", "--help"], capture_output=True, text=True, cwd=machine.ROOT
    )
    assert done.returncode == 0 and "--workloads" in done.stdout
