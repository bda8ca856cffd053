"""Latents in the page are those of `minigen.sample`: by seed, on the circle, with a uniform prior, beside a class."""

import json
import math

import numpy as np
import pytest

from minigen import sample, walks
from minigen.explorer.axes import axes_of
from minigen.explorer.carried import rows_of

from .small_runs import FACTORS, clips_of, gan_of, run, vae_of

READY = "const d = unpacked(data); "


@pytest.mark.parametrize("name", ["gan 28", "gan 32", "motion"])
def test_the_carried_seeds_are_those_of_sample_to_the_bit(name, page, in_node):
    found = in_node(page(name), READY + "given.seeds.map((seed) => latentOf(seed, d))", seeds=[0, 7, 63])
    for seed, latent in zip([0, 7, 63], found, strict=True):
        assert latent["own"] is False
        np.testing.assert_array_equal(np.array(latent["z"], np.float32), sample.latent(run(name), seed))


def test_a_class_follows_its_seed_as_in_sample():
    rows = rows_of(run("motion"), np.arange(7))
    K = len(run("motion").classes)
    np.testing.assert_array_equal(rows[:, -K:], np.eye(K)[np.arange(7) % K])


def xorshift(state):
    """Marsaglia's xorshift32 with the shifts 13, 17 and 5: the next state."""
    state ^= (state << 13) & 0xFFFFFFFF
    state ^= state >> 17
    return state ^ ((state << 5) & 0xFFFFFFFF)


def test_the_pages_own_generator_is_the_one_it_names_on_every_page(page, in_node):
    seeds = [64, 65, 2**31, 2**32 - 2]
    code = "given.seeds.map((seed) => { const next = xorshift32(seed); return [next(), next(), next()]; })"
    for seed, found in zip(seeds, in_node(page("dense"), code, seeds=seeds), strict=True):
        state = (seed + 1) * 0x9E3779B1 & 0xFFFFFFFF
        for _ in range(16):
            state = xorshift(state)
        for value in found:
            state = xorshift(state)
            assert value == (state + 0.5) / 2**32
    assert xorshift(2463534242) == 723471715  # from the start that his program has


def test_further_seeds_are_standard_normal_and_unlike_their_neighbours(page, in_node):
    code = "given.seeds.map((seed) => normals(given.n, xorshift32(seed)))"
    z = np.array(in_node(page("dense"), code, seeds=[*range(64, 264), 2**32 - 2], n=100))
    assert len(np.unique(z)) == z.size
    # 20,100 draws: the mean lies within 4.5 / √20,100 = 0.032, the variance within 4.5 · √(2 / 20,100) = 0.045
    assert abs(z.mean()) < 0.032 and abs(z.var() - 1) < 0.045
    shares = np.histogram(z, [-9, -2, -1, 0, 1, 2, 9])[0] / z.size
    np.testing.assert_allclose(shares, [0.0228, 0.1359, 0.3413, 0.3413, 0.1359, 0.0228], atol=0.016)
    correlation = np.corrcoef(z)[np.triu_indices(len(z), 1)]
    assert np.abs(correlation).max() < 0.55  # of 20,100 pairs of 100 draws, deviation 0.1, the largest is near 0.4
    assert abs(correlation.mean()) < 0.005 and abs(correlation.std() - 0.1) < 0.01
    serial = [np.corrcoef(z[:, :-k].ravel(), z[:, k:].ravel())[0, 1] for k in (1, 2, 3)]
    assert np.abs(serial).max() < 0.035


def test_a_uniform_prior_is_drawn_in_its_range(page, in_node):
    code = READY + "given.seeds.map((seed) => latentOf(seed, d).z)"
    z = np.array(in_node(page("gan 32"), code, seeds=list(range(64, 264))))
    assert z.min() >= -1 and z.max() <= 1
    assert abs(z.mean()) < 0.07 and abs(z.var() - 1 / 3) < 0.04  # 1,600 draws


@pytest.mark.parametrize("prior", ["normal", "uniform"])
def test_the_way_to_a_normal_and_back_is_that_of_walks(prior, page, in_node):
    z = np.array([-1, -0.99999, -0.7, 0.0, 1e-4, 0.3, 0.999], np.float32)
    code = "const n = toNormal(Float32Array.from(given.z), given.prior); [n, fromNormal(n, given.prior)]"
    n, back = in_node(page("dense"), code, z=z.astype(float), prior=prior)
    wanted = walks.to_normal(z, prior)
    np.testing.assert_allclose(n, wanted, atol=1e-9)  # the quantile is found by halving, to 8 · 2⁻⁶⁰
    np.testing.assert_allclose(back, walks.from_normal(wanted, prior), atol=1.2e-7)
    np.testing.assert_allclose(back, z, atol=3e-7)


def test_shares_of_the_normal_hold_far_out(page, in_node):
    x = [-40.0, -9.0, -7.5, -1.0, 0.0, 2.5, 6.0, 9.0]
    found = in_node(page("dense"), "given.x.map(normalShare)", x=x)
    np.testing.assert_allclose(found, [0.5 * math.erfc(-v / math.sqrt(2)) for v in x], atol=1e-15)


@pytest.mark.parametrize("Z", [2, 3, 8])
def test_the_circle_is_that_of_sample_loop(Z, page, in_node, tmp_path):
    z = np.random.default_rng(Z).normal(size=Z).astype(np.float32)
    carried = json.loads(json.dumps(spans_of(Z)))
    code = "given.ts.map((t) => circle(Float64Array.from(given.z), t, given.spans.map((s) => Float64Array.from(s))))"
    ts = [0.0, 0.125, 0.4, 0.99]
    found = np.array(in_node(page("dense"), code, z=z.astype(float), ts=ts, spans=carried))
    wanted = np.stack([walks.circle(z.astype(np.float64), t) for t in ts])
    np.testing.assert_allclose(found, wanted, atol=1e-6)  # the draws are carried in float32
    np.testing.assert_allclose(found[0], z, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(z), rtol=1e-6)


def spans_of(Z):
    import base64

    from minigen.explorer.carried import carried, fit_to_show

    recipe = vae_of(model="dense", hidden=(3,), latent=Z)
    data = carried(recipe, fit_to_show(recipe, "float32"), 0, "float32")
    return np.frombuffer(base64.b64decode(data["spans"]), "<f4").reshape(-1, Z).tolist()


def test_a_latent_of_one_number_has_no_circle():
    assert spans_of(1) == []


def test_frame_t_is_frame_0_bit_for_bit(page, in_node):
    code = READY + (
        "const n = toNormal(d.latents[3], d.prior); const at = (f) => onCircle(n, f, 96, d.spans);"
        "[at(0), at(96), at(1), at(97), n]"
    )
    first, again, second, next_round, n = in_node(page("gan 28"), code)
    assert first == again == n and second == next_round != first


def test_a_class_and_factors_are_told_as_the_run_is_told_them(page, in_node):
    row = in_node(page("gan of classes"), "told(data, 1, [])")
    assert row == [0, 1]
    values = {"time": 0.3, "haze": 0.35}
    row = in_node(page("gan of factors"), "told(data, null, given.values)", values=list(values.values()))
    np.testing.assert_allclose(row, run("gan of factors").condition.row(values), atol=1e-7)
    assert FACTORS["factors"][0]["cyclic"]  # or the cosine would go unseen


def test_directions_of_a_gan_are_those_of_most_change():
    recipe = gan_of(latent=6)
    A = np.diag([0.0, 3.0, 0.5, 0.2, 1.0, 0.1]) @ np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    axes = axes_of(recipe, lambda z: z @ A.T, 24)
    _, sizes, directions = np.linalg.svd(A)
    assert len(axes.rows) == 5 and axes.names[0] == "axis 1"  # one changes nothing, so it has no slider
    np.testing.assert_allclose(axes.shares, sizes[:5] ** 2 / (sizes**2).sum(), rtol=1e-4)
    np.testing.assert_allclose(np.abs((axes.rows * directions[:5]).sum(axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(axes.rows @ axes.rows.T, np.eye(5), atol=1e-6)


def test_directions_of_a_vae_are_its_own_numbers_in_the_order_of_change():
    recipe = vae_of(model="dense", hidden=(3,), latent=4)
    axes = axes_of(recipe, lambda z: z * [0.5, 0.0, 2.0, 1.0], 24)
    np.testing.assert_array_equal(axes.rows, np.eye(4)[[2, 3, 0]])
    assert axes.names == ("z 3", "z 4", "z 1")
    np.testing.assert_allclose(axes.shares, [4 / 5.25, 1 / 5.25, 0.25 / 5.25], rtol=1e-5)


def test_directions_under_a_uniform_prior_are_among_normal_draws():
    recipe = gan_of(latent=3, prior="uniform")
    seen = []
    axes_of(recipe, lambda z: seen.append(z) or z, 24)
    assert np.abs(np.concatenate(seen)).max() < 1


@pytest.mark.parametrize("make, latents", [(gan_of, 16), (clips_of, 8)])
def test_directions_of_clips_are_sought_at_half_as_many_latents(make, latents):
    seen = []
    axes_of(make(latent=12), lambda z: seen.append(z) or z, 24)
    assert [len(z) for z in seen] == [2 * 12] * latents  # a step to either side along each of 12 axes


def test_no_more_sliders_than_asked():
    recipe = gan_of(latent=8)
    assert axes_of(recipe, lambda z: z, 5).rows.shape == (5, 8)
