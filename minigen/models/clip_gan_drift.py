"""A third generator of clips: a picture without edges, made of local noise, that drifts past the frame.

Rain and snow are textures: many things alike, here and there, that all move together.  A spatial GAN (Jetchev,
Bergmann & Vollgraf 2016, section 3) draws a texture from a map of noise, a few numbers a place, by convolutions alone;
here the map is a torus, so that the picture of it has no edges either, and time does nothing but move it.
"""

import math
from typing import Any

import numpy as np

from minigen.backend import array_module, to_device
from minigen.errors import SettingError, ShapeError
from minigen.models.clip_gan import CHANNELS, SHRUNK, check
from minigen.models.dcgan import scaled
from minigen.nn import BatchNorm, Conv2D, Conv2DTranspose, LeakyReLU, Module, Sequential, Tanh
from minigen.ops import broadcast_to, concatenate, reshape
from minigen.ops.shapes import bare

DARK = -1.5  # where the last bias begins, tanh −1.5 = −0.905: light on black is little light


class GeneratorDrift(Module):
    """Latents (N, Z) → clips (N, frames, side, side, channels) in [−1, 1], each of one picture that moves on:

        x[t, i, j] = picture[(i − t · drift) mod R, (j − t · w) mod side],  R = frames · |drift|,

    `drift` rows down a frame (negative: up), so that frame T is frame 0 to the last bit, and w columns to the side.  w
    is one of `ways` multiples of side / gcd(side, frames) that are no faster sideways than down: of a side of 32, 16
    frames and 5 rows a frame −4, −2, 0, 2 or 4.  z has `ways` numbers, the largest of which decides it; then
    `per_place` numbers for each place of a map (R / 8, side / 8); then `told` numbers, those of a condition, which
    go to every place.  Nobody learns how fast it moves; what moves, and that its slant fits w, which every place is
    told, is learnt.
    The network: a convolution 3×3, then transposed ones 4×4, stride 2, all going round along rows and columns: 64 →
    32 → 16 → channels, tanh; BatchNorm and LeakyReLU(0.2) after each but the last, which alone has a bias.  At width
    1, 8 numbers a place, one channel: 46,625 numbers, 224 of BatchNorm; 4.6 million products a clip.
    Whoever moves the map on by one place along the rows has moved the picture by eight.
    SettingError where frames is not a multiple of 8, side neither 32 nor 64, or the picture lower than the frame.
    """

    def __init__(
        self,
        *,
        per_place: int = 8,
        told: int = 0,
        drift: int = 5,
        frames: int = 16,
        side: int = 32,
        channels: int = 1,
        width: float = 1.0,
        rng: np.random.Generator,
    ):
        check("clip_gan_drift.GeneratorDrift", side, channels, width, frames)
        if per_place < 1 or told < 0:
            raise SettingError(
                f"clip_gan_drift.GeneratorDrift: per_place={per_place} must be at least 1, and told={told} at least 0."
            )
        if frames * abs(drift) < side:
            raise SettingError(
                f"clip_gan_drift.GeneratorDrift: drift={drift} moves {frames} frames by {frames * abs(drift)} rows, "
                f"fewer than a frame has; take {math.ceil(side / frames)} or more, or as many below 0."
            )
        self.places = (frames * abs(drift) // SHRUNK, side // SHRUNK)
        self.sideways = side // math.gcd(side, frames)
        self.ways = ways(drift, frames, side)
        C = [scaled(n, width) for n in CHANNELS]
        layers: list[Any] = [
            AroundEdges(),
            Conv2D(per_place + told + 1, C[0], 3, bias=False, rng=rng),
        ]
        for i, outputs in enumerate([*C[1:], channels]):
            last = i == len(C) - 1
            conv = Conv2DTranspose(C[i], outputs, 4, stride=2, padding=3, bias=last, rng=rng)
            layers += [BatchNorm(C[i]), LeakyReLU(0.2), AroundEdges(), conv]
        layers[-1].bias.data[...] = DARK
        self.picture = Sequential(*layers, Tanh())
        self.latent = latent_of(drift, frames, side, per_place) + told
        self.drift, self.per_place, self.told, self.frames, self.side = drift, per_place, told, frames, side
        self.channels, self.width, self.loops = channels, width, True

    def __call__(self, z: Any) -> Any:
        """The clips of latents z (N, latent)."""
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ShapeError(f"{self!r}: z has shape {tuple(z.shape)}; it must be (N, {self.latent}).")
        way = self.way(z)
        picture = self.picture(self.maps(z, way))  # (N, R, side, channels)
        xp, (N, R, W) = array_module(bare(z)), picture.shape[:3]
        item, t, i, j = (to_device(np.arange(n), xp) for n in (N, self.frames, self.side, W))
        rows = (i - self.drift * t[:, None]) % R  # (T, H)
        columns = (j - self.sideways * way[:, None, None] * t[:, None]) % W  # (N, T, W)
        return picture[item[:, None, None, None], rows[:, :, None], columns[:, :, None]]

    def way(self, z: Any) -> Any:
        """How far each clip goes sideways, in steps of `sideways` columns a frame: whole numbers (N,) around 0."""
        return bare(z)[:, : self.ways].argmax(axis=1) - self.ways // 2

    def maps(self, z: Any, way: Any) -> Any:
        """What the picture is drawn from: each place's own numbers, way from −1 to 1, and what all places share."""
        N, end = len(z), self.ways + math.prod(self.places) * self.per_place
        own = reshape(z[:, self.ways : end], (N, *self.places, self.per_place))
        told = (way / max(1, self.ways // 2)).astype(z.dtype)[:, None]
        shared = concatenate(told, z[:, end:], axis=1)
        shared = reshape(shared, (N, 1, 1, shared.shape[1]))
        return concatenate(own, broadcast_to(shared, (N, *self.places, shared.shape[-1])), axis=-1)

    def __repr__(self) -> str:
        return f"GeneratorDrift({self.latent}, drift={self.drift})"


class AroundEdges(Module):
    """x (N, H, W, C) → y (N, H + 2, W + 2, C) on a torus: what lies beyond an edge is what lies at the opposite one."""

    def __call__(self, x: Any) -> Any:
        x = concatenate(x[:, -1:], x, x[:, :1], axis=1)
        return concatenate(x[:, :, -1:], x, x[:, :, :1], axis=2)


def ways(drift: int, frames: int, side: int) -> int:
    """In how many ways a clip can go sideways: none faster than it falls, and each once round after whole turns."""
    return 2 * (abs(drift) * math.gcd(side, frames) // side) + 1


def latent_of(drift: int, frames: int, side: int, per_place: int) -> int:
    """Numbers in the z of a generator that is told nothing."""
    return ways(drift, frames, side) + frames * abs(drift) // SHRUNK * (side // SHRUNK) * per_place
