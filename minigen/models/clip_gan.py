"""Two generators of short clips and a discriminator of them; what shall repeat has a time that runs in a circle.

The first convolves frames, rows and columns alike, as Vondrick et al. 2016 (VGAN) do.  The second draws frame by frame
from a code of the clip's content and one of the moment, as Tulyakov et al. 2018 (MoCoGAN) do; there the codes of the
moments come from a recurrent network, here they lie on a circle, so that clips close and may have any number of frames.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigen.backend import array_module, to_device
from minigen.errors import SettingError, ShapeError
from minigen.models.clip_gan_layers import clip_conv, clip_conv_transpose
from minigen.models.dcgan import scaled
from minigen.nn import (
    BatchNorm,
    Conv2DTranspose,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    Module,
    Reshape,
    Sequential,
    Tanh,
)
from minigen.ops import broadcast_to, concatenate, norm, reshape
from minigen.ops.shapes import bare

CHANNELS = (64, 32, 16)  # of the maps inside, from the smallest, at width 1
SHRUNK = 2 ** len(CHANNELS)  # by how much the smallest map is smaller, along each axis
SIDES = (32, 64)
TINY = 1e-12  # added to lengths, so that a z of zeros gives numbers too


class Generator3D(Sequential):
    """Latents (N, Z) → clips (N, frames, side, side, channels) in [−1, 1].

    Dense to 2×4×4×64 (for 16 frames of side 32: an eighth of each), then transposed convolutions over frames, rows and
    columns, 4×4×4, stride 2: 64 → 32 → 16 → channels, tanh; BatchNorm and LeakyReLU(0.2) after each but the last, which
    alone has a bias.  At width 1, latent 100, one channel: 369,665 numbers, 224 of BatchNorm; 14.9 million products a
    clip that loops, 23.8 million otherwise, for frames beyond both ends.
    With `loops`, time is a circle in every layer: the frame after the last is the first, and whoever moves the smallest
    map on by one place has moved the clip on by eight frames.  `width` multiplies the channels inside.
    SettingError where frames is not a multiple of 8, or side neither 32 nor 64.
    """

    def __init__(
        self,
        *,
        latent: int = 100,
        frames: int = 16,
        side: int = 32,
        channels: int = 1,
        width: float = 1.0,
        loops: bool = False,
        rng: np.random.Generator,
    ):
        check("clip_gan.Generator3D", side, channels, width, frames)
        if latent < 1:
            raise SettingError(f"clip_gan.Generator3D: latent={latent} must be at least 1.")
        C = [scaled(n, width) for n in CHANNELS]
        small = (frames // SHRUNK, side // SHRUNK, side // SHRUNK)
        layers: list[Any] = [Dense(latent, math.prod(small) * C[0], bias=False, rng=rng), Reshape(*small, C[0])]
        for i, outputs in enumerate([*C[1:], channels]):
            conv = clip_conv_transpose(C[i], outputs, loops=loops, bias=i == len(C) - 1, rng=rng)
            layers += [BatchNorm(C[i]), LeakyReLU(0.2), *conv]
        super().__init__(*layers, Tanh())
        self.latent, self.frames, self.side, self.channels = latent, frames, side, channels
        self.width, self.loops = width, loops


class GeneratorFactorised(Module):
    """Latents (N, Z) → clips (N, frames, side, side, channels) in [−1, 1], each frame by one network of images.

    A frame's code is the clip's content, which all its frames share, beside `motion` numbers m(θ) that say the moment:

        m(θ) = c + r (a cos θ + b sin θ),  a, b, c orthogonal, ‖a‖ = ‖b‖ = 1, r² = ‖c‖² = motion / 2,

    so that every point is as far from 0 as a normal draw usually is.  a, b and c are made from the first numbers of z;
    what is left of z is the content.  With `loops`, θ goes once round the circle.  Without, it goes half round, and a
    is fixed along the first number, which then falls from r to −r: it tells how far the clip has gone.
    The network: Dense to 4×4×64 (an eighth of the side), transposed convolutions 4×4, stride 2: 64 → 32 → 16 →
    channels, tanh; BatchNorm and LeakyReLU(0.2) after each but the last, which alone has a bias.  At width 1, latent
    80, 10 numbers of motion, looping: 60 numbers a frame, 102,657 numbers, 224 of BatchNorm, 18.8 million products a
    clip.

    BatchNorm trains on frames of all clips together, so the frames of a clip count as so many items; after `eval()` no
    frame depends on another.  SettingError where z has too few numbers, or side is neither 32 nor 64.
    """

    def __init__(
        self,
        *,
        latent: int = 80,
        motion: int = 10,
        frames: int = 16,
        side: int = 32,
        channels: int = 1,
        width: float = 1.0,
        loops: bool = False,
        rng: np.random.Generator,
    ):
        check("clip_gan.GeneratorFactorised", side, channels, width)
        if frames < 1:
            raise SettingError(f"clip_gan.GeneratorFactorised: frames={frames} must be at least 1.")
        content = latent - motion * (3 if loops else 2)
        if motion < 3 or content < 1:
            raise SettingError(
                f"clip_gan.GeneratorFactorised: latent={latent} leaves {content} numbers for the content beside "
                f"motion={motion}; motion must be at least 3 and latent above {3 if loops else 2} times that."
            )
        C = [scaled(n, width) for n in CHANNELS]
        small = side // SHRUNK
        layers: list[Any] = [
            Dense(content + motion, small * small * C[0], bias=False, rng=rng),
            Reshape(small, small, C[0]),
        ]
        for i, outputs in enumerate([*C[1:], channels]):
            last = i == len(C) - 1
            conv = Conv2DTranspose(C[i], outputs, 4, stride=2, padding="same", bias=last, rng=rng)
            layers += [BatchNorm(C[i]), LeakyReLU(0.2), conv]
        self.image = Sequential(*layers, Tanh())
        self.latent, self.motion, self.content = latent, motion, content
        self.frames, self.side, self.channels, self.width, self.loops = frames, side, channels, width, loops

    def __call__(self, z: Any, moments: Sequence[float] | np.ndarray | None = None) -> Any:
        """The clips of latents z at moments (T,) of the loop, a whole one by default: (N, T, side, side, channels).

        A moment of 0 is the beginning and 1 the end, which of a loop is the beginning again, to the last bit; moments
        may lie as close as one likes.
        """
        codes = self.codes(z, moments)  # (N, T, content + motion)
        N, T, numbers = codes.shape
        images = self.image(reshape(codes, (N * T, numbers)))
        return reshape(images, (N, T, *images.shape[1:]))

    def codes(self, z: Any, moments: Sequence[float] | np.ndarray | None = None) -> Any:
        """What each frame is drawn from: (N, T, content + motion); the last `motion` numbers say the moment."""
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ShapeError(f"{self!r}: z has shape {tuple(z.shape)}; it must be (N, {self.latent}).")
        theta = self._angles(moments)
        a, b, c = self._axes(z)
        r = math.sqrt(self.motion / 2)
        xp = array_module(bare(z))
        cos, sin = (to_device((r * f(theta)).astype(z.dtype)[:, None], xp) for f in (np.cos, np.sin))  # (T, 1)
        moving = r * c[:, None] + a[:, None] * cos + b[:, None] * sin
        still = z[:, None, -self.content :]
        return concatenate(broadcast_to(still, (len(z), len(theta), self.content)), moving, axis=2)

    def _angles(self, moments: Sequence[float] | np.ndarray | None) -> np.ndarray:
        """θ of each moment, (T,)."""
        if moments is None:
            moments = np.arange(self.frames) / (self.frames if self.loops else max(1, self.frames - 1))
        at = np.asarray(moments, np.float64)
        if at.ndim != 1 or not len(at) or not np.isfinite(at).all():
            raise ShapeError(f"{self!r}: moments have shape {at.shape}; they must be finite numbers (T,), T ≥ 1.")
        if self.loops:
            return 2 * math.pi * (at % 1.0)  # the remainder first: sin 2π is not 0 in floating point
        if at.min() < 0 or at.max() > 1:
            raise SettingError(
                f"{self!r}: a clip that does not loop has moments from 0 to 1, not {at.min():g} … {at.max():g}."
            )
        return math.pi * at

    def _axes(self, z: Any) -> tuple[Any, Any, Any]:
        """Three directions (N, motion) at right angles to each other, by Gram and Schmidt."""
        d = self.motion
        drawn = [z[:, i : i + d] for i in range(0, self.latent - self.content, d)]
        if not self.loops:
            ahead = to_device(np.eye(1, d, dtype=z.dtype), array_module(bare(z)))
            drawn = [broadcast_to(ahead, (len(z), d)), *drawn]
        axes: list[Any] = []
        for v in drawn:
            for e in axes:
                v = v - (v * e).sum(axis=1, keepdims=True) * e
            axes.append(v / (norm(v, axis=1, keepdims=True) + TINY))
        return axes[0], axes[1], axes[2]

    def __repr__(self) -> str:
        return f"GeneratorFactorised({self.latent}, motion={self.motion}, loops={self.loops})"


class Discriminator3D(Sequential):
    """Clips (N, frames, side, side, channels) → logits (N, 1), or (N, P) of P parts: above 0 for what seems real.

    The mirror of `Generator3D`: convolutions 4×4×4, stride 2, channels → 16 → 32 → 64, each with LeakyReLU(0.2) and
    Dropout, then Dense to one logit.  At width 1, 16 frames of side 32, one channel: 167,025 numbers.  With `loops` the
    convolutions go round along time, so that it sees the seam of a clip as it sees any other step.  No BatchNorm:
    penalties on its slope need each clip judged by itself.  Dropout draws from `noise` (default: `rng`).
    With `local` the last layer is no Dense but a convolution 1×1×1, a logit for each place of the smallest map: each
    judges the 22 frames, rows and columns around it, and P = frames · side² / 512 (Isola et al. 2017, section 3.2.2).
    """

    def __init__(
        self,
        *,
        frames: int = 16,
        side: int = 32,
        channels: int = 1,
        width: float = 1.0,
        dropout: float = 0.0,
        loops: bool = False,
        local: bool = False,
        rng: np.random.Generator,
        noise: np.random.Generator | None = None,
    ):
        check("clip_gan.Discriminator3D", side, channels, width, frames)
        noise = rng if noise is None else noise
        C = [scaled(n, width) for n in CHANNELS[::-1]]
        layers: list[Any] = []
        for inputs, outputs in zip([channels, *C], C, strict=False):
            layers += [*clip_conv(inputs, outputs, loops=loops, rng=rng), LeakyReLU(0.2), Dropout(dropout, rng=noise)]
        places = frames // SHRUNK * (side // SHRUNK) ** 2
        if local:
            layers += [Conv3D(C[-1], 1, 1, rng=rng), Flatten()]
        else:
            layers += [Flatten(), Dense(places * C[-1], 1, rng=rng)]
        super().__init__(*layers)
        self.frames, self.side, self.channels = frames, side, channels
        self.width, self.dropout, self.loops, self.local = width, dropout, loops, local


def check(who: str, side: int, channels: int, width: float, frames: int = SHRUNK) -> None:
    """SettingError where a network of clips cannot have that side, number of channels or frames, or that width."""
    if side not in SIDES:
        raise SettingError(f"{who}: side={side} must be one of {', '.join(map(str, SIDES))}.")
    if channels < 1 or not 0 < width < float("inf"):
        raise SettingError(f"{who}: channels={channels} must be at least 1, and width={width} above 0.")
    if frames < SHRUNK or frames % SHRUNK:
        raise SettingError(f"{who}: frames={frames} must be a multiple of {SHRUNK}, such as 16.")
