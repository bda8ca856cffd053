"""The generator that needs no network: a normal in the space of the first principal components."""

import numpy as np
import pytest

from minigen.data import scenes
from minigen.errors import DataError, SettingError, ShapeError
from minigen.metrics import frechet_distance, pca_reconstruct, pca_samples


def sheet(N, D, rank, seed=0):
    """(N, D) in a flat of `rank` dimensions, away from the origin, stretched unevenly."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, rank)) * np.arange(1, rank + 1) @ rng.normal(size=(rank, D)) + np.linspace(-5, 9, D)


@pytest.mark.parametrize("N, D", [(30, 80), (300, 12)])
def test_samples_have_the_mean_and_the_covariance_of_the_data(N, D):
    train = sheet(N, D, 4)
    drawn = pca_samples(train, 40_000, 4, np.random.default_rng(1))
    scale = np.sqrt(np.trace(np.cov(train.T)))
    assert np.abs(drawn.mean(axis=0) - train.mean(axis=0)).max() < 4 * scale / np.sqrt(40_000)
    error = np.linalg.norm(np.cov(drawn.T) - np.cov(train.T)) / np.linalg.norm(np.cov(train.T))
    assert error < 0.03  # √(5 / 40,000) is .011
    assert np.allclose(pca_reconstruct(train, drawn, 4), drawn)  # they lie in the plane of the data


def test_fewer_components_keep_the_largest():
    train = sheet(200, 10, 6)
    drawn = pca_samples(train, 500, 2, np.random.default_rng(0))
    assert np.allclose(pca_reconstruct(train, drawn, 2), drawn)
    assert not np.allclose(pca_reconstruct(train, drawn, 1), drawn, atol=0.1)
    variance = np.sort(np.linalg.eigvalsh(np.cov(train.T)))[::-1]
    assert np.isclose(np.trace(np.cov(drawn.T)), variance[:2].sum(), rtol=0.25)  # 4 √(2 / 500)


def test_more_components_are_nearer_to_real_stills():
    items = scenes(400, 16, seed=1)[0]
    real = scenes(400, 16, seed=2)[0].reshape(400, -1).astype(float)[:, ::16]
    apart = []
    for components in (1, 8, 64):
        drawn = pca_samples(items, 400, components, np.random.default_rng(0))
        assert drawn.shape == (400, 16, 16, 1) and drawn.dtype == np.float64
        apart.append(frechet_distance(real, drawn.reshape(400, -1)[:, ::16]))
    assert apart[0] > 2 * apart[1] > 2 * apart[2] > 0


def test_a_seed_gives_the_samples_and_the_first_are_the_same_of_few_and_many():
    train = sheet(20, 6, 3).reshape(20, 2, 3)
    few, many = (pca_samples(train, n, 3, np.random.default_rng(4)) for n in (3, 9))
    assert np.allclose(few, many[:3], rtol=1e-12) and not np.allclose(many[:3], many[3:6])
    assert pca_samples(train, 0, 3, np.random.default_rng(4)).shape == (0, 2, 3)


def test_copies_of_one_item_are_that_item():
    assert np.allclose(pca_samples(np.ones((5, 7)), 4, 3, np.random.default_rng(0)), 1)
    assert np.allclose(pca_samples(np.ones((1, 7)), 4, 1, np.random.default_rng(0)), 1)


def test_what_has_no_components_is_refused():
    rng = np.random.default_rng(0)
    x = sheet(6, 10, 3)
    with pytest.raises(
        SettingError, match="pca_samples: components is 7, but there are 6 training windows of 10 numbers"
    ):
        pca_samples(x, 3, 7, rng)
    with pytest.raises(SettingError, match="components is 0; it must be at least 1"):
        pca_samples(x, 3, 0, rng)
    with pytest.raises(SettingError, match="pca_samples: n is -1; it must be at least 0"):
        pca_samples(x, -1, 2, rng)
    with pytest.raises(ShapeError, match=r"pca_samples: train has shape \(6,\); it must be \(N, …\), and not empty"):
        pca_samples(x[:, 0], 3, 2, rng)
    with pytest.raises(DataError, match="pca_samples: there are numbers that are not finite"):
        pca_samples(x * np.nan, 3, 2, rng)
