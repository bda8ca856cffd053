"""Layers, and the module that holds them.  Images are (N, H, W, C); randomness is passed in as `rng`.

| file | what |
|---|---|
| module.py | Module, Buffer: attributes, names, saving, freezing |
| sequential.py, summary.py | layers in a row; the table of layers, shapes and counts |
| together.py | neighbouring layers as one operation, where a GPU has a kernel for both |
| dense.py, convolution.py | Dense; Conv1D to Conv3D and their transposes |
| normalisation.py | BatchNorm, LayerNorm |
| spectral.py | SpectralNorm; spectral_norm, which wraps a network's layers in it |
| activations.py, dropout.py | the bends; Dropout |
| shape.py, pooling.py | Flatten, Reshape; MaxPool, AveragePool, Upsample |
| initialisers.py | what weights start as |
"""

from minigen.nn import initialisers
from minigen.nn.activations import ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from minigen.nn.convolution import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
)
from minigen.nn.dense import Dense
from minigen.nn.dropout import Dropout
from minigen.nn.module import Buffer, Module
from minigen.nn.normalisation import BatchNorm, LayerNorm
from minigen.nn.pooling import AveragePool, MaxPool, Upsample
from minigen.nn.sequential import Sequential
from minigen.nn.shape import Flatten, Reshape
from minigen.nn.spectral import SpectralNorm, spectral_norm
from minigen.nn.summary import Row, Summary

__all__ = [
    "ELU",
    "GELU",
    "AveragePool",
    "BatchNorm",
    "Buffer",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Dense",
    "Dropout",
    "Flatten",
    "LayerNorm",
    "LeakyReLU",
    "MaxPool",
    "Module",
    "ReLU",
    "Reshape",
    "Row",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softplus",
    "SpectralNorm",
    "Summary",
    "Tanh",
    "Upsample",
    "initialisers",
    "spectral_norm",
]
