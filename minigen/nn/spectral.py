"""Weights divided by their largest singular value, so that a layer cannot stretch what it is given."""

from typing import Any

import numpy as np

from minigen.errors import SettingError
from minigen.nn.convolution import _Convolution
from minigen.nn.dense import Dense
from minigen.nn.module import Buffer, Module, written
from minigen.nn.sequential import Sequential
from minigen.ops import matmul, norm, reshape, where

FIRST = 15  # iterations at the start, as in PyTorch: σ is then near the true value before anything is learnt


class SpectralNorm(Module):
    """The layer with W / σ(W) for its weight W, σ ≈ the largest singular value: Miyato et al. 2018, algorithm 1.

    layer: Dense, Conv1D to Conv3D, or a transpose; x and y are the layer's, the bias is not touched.  The kernel counts
    as the matrix (all axes but the last, last axis), as in Keras; PyTorch's default for a transpose is another (ours is
    its dim=0).  Dense then stretches nothing, nor does a convolution whose windows do not overlap; one of stride 1
    stretches by at most √(entries of the window).

    σ = uᵀ W v, u and v being constants to the gradient.  At every call in training, also one for a penalty alone, they
    first move `iterations` times, v ← Wᵀu / ‖Wᵀu‖ and u ← W v / ‖W v‖, from where they were (Buffers, in state_dict);
    in `eval` they stay, and a result depends on x only.  All that as in PyTorch.  σ is never above the true value, and
    near it while weights move slowly.  A weight that is 0 stays 0.

    rng: what u and v start from.  SettingError where the layer has no such kernel or iterations is below 1.
    """

    def __init__(self, layer: Any, *, iterations: int = 1, rng: np.random.Generator):
        if not isinstance(layer, Dense | _Convolution):
            raise SettingError(
                f"SpectralNorm: {type(layer).__name__} has no kernel to normalise; wrap Dense, Conv1D to Conv3D or one "
                "of their transposes."
            )
        if iterations < 1:
            raise SettingError(f"SpectralNorm: iterations={iterations} must be at least 1.")
        self.layer, self.iterations = layer, iterations
        matrix = _matrix(layer.weight)
        self.u, self.v = (Buffer(_drawn(rng, length, layer.weight.dtype)) for length in matrix.shape[::-1])
        self._iterate(FIRST)

    def _iterate(self, times: int) -> None:
        """Bring u and v nearer to the first singular vectors of the weight as it is now."""
        matrix = _matrix(self.layer.weight.data)
        u, v = self.u.data, self.v.data
        for _ in range(times):
            v = _unit(matmul(matrix, u), v)
            u = _unit(matmul(v, matrix), u)
        self.u.data, self.v.data = u, v

    def __call__(self, x: Any) -> Any:
        if self.training:
            self._iterate(self.iterations)
        weight = self.layer.weight
        sigma = matmul(matmul(self.v.data, _matrix(weight)), self.u.data)
        try:  # the layer computes with another weight for the length of this call
            self.layer.weight = weight / where(sigma > 0, sigma, 1.0)
            return self.layer(x)
        finally:
            self.layer.weight = weight

    def __repr__(self) -> str:
        return written(self, self.layer, iterations=(self.iterations, 1))


def spectral_norm(network: Any, *, iterations: int = 1, rng: np.random.Generator) -> Any:
    """The network with a SpectralNorm around each Dense and convolution; it shares all layers with the one given.

    network: a Sequential, in which others may lie, or one such layer.  What is wrapped already stays so; a layer that
    is there twice is wrapped once.  SettingError where there is nothing to wrap, or where a layer of another kind has
    such layers inside: they are to be wrapped where it makes them.

    >>> from minigen.nn import ReLU
    >>> from minigen.random import generator
    >>> net = Sequential(Dense(2, 3, rng=generator(0)), ReLU(), Dense(3, 1, rng=generator(1)))
    >>> spectral_norm(net, rng=generator(2))
    Sequential(
      0: SpectralNorm(Dense(2, 3))
      1: ReLU()
      2: SpectralNorm(Dense(3, 1))
    )
    """
    wrapped: dict[int, SpectralNorm] = {}
    made = _wrap(network, "", iterations, rng, wrapped)
    if not wrapped:
        raise SettingError("spectral_norm: there is no Dense and no convolution to wrap in this network.")
    return made


def _wrap(layer: Any, name: str, iterations: int, rng: np.random.Generator, wrapped: dict[int, SpectralNorm]) -> Any:
    if isinstance(layer, Sequential):
        return Sequential(*(_wrap(x, f"{name}{i}.", iterations, rng, wrapped) for i, x in enumerate(layer)))
    if isinstance(layer, Dense | _Convolution):
        if id(layer) not in wrapped:
            wrapped[id(layer)] = SpectralNorm(layer, iterations=iterations, rng=rng)
        return wrapped[id(layer)]
    if isinstance(layer, Module) and not isinstance(layer, SpectralNorm):
        inside = [type(x).__name__ for x in layer.modules() if isinstance(x, Dense | _Convolution)]
        if inside:
            raise SettingError(
                f"spectral_norm: {name.rstrip('.') or 'the network'} is {type(layer).__name__}, which has "
                f"{', '.join(sorted(set(inside)))} inside; wrap them in SpectralNorm where it makes them."
            )
    return layer


def _matrix(kernel: Any) -> Any:
    """A kernel (…, last) as a matrix; a tensor stays in the graph."""
    return reshape(kernel, (-1, kernel.shape[-1]))


def _drawn(rng: np.random.Generator, length: int, dtype: Any) -> np.ndarray:
    """A random direction: uniform on the sphere."""
    x = rng.standard_normal(length)
    return (x / np.linalg.norm(x)).astype(dtype)


def _unit(x: Any, otherwise: Any) -> Any:
    """x / ‖x‖, or `otherwise` where x is 0."""
    length = norm(x)
    return where(length > 0, x / where(length > 0, length, 1.0), otherwise)
