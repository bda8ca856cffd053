"""Windows of an array side by side (im2col), and their adjoint (col2im): what convolution and pooling are made of."""

from dataclasses import dataclass

from minigen.autograd.op import op
from minigen.backend import array_module


@dataclass(frozen=True)
class Geometry:
    """Where the window falls: tap k of output o reads x at o · stride + k · dilation − before, if that is inside."""

    sizes: tuple[int, ...]  # of x, the wide side
    outs: tuple[int, ...]  # of y, the narrow side
    window: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    before: tuple[int, ...]  # zeros in front of each axis of x
    groups: int = 1

    @property
    def padded(self) -> tuple[int, ...]:
        """The sizes that the taps of all outputs span, from the first zero in front."""
        spans = zip(self.outs, self.stride, self.window, self.dilation, strict=True)
        return tuple(max((o - 1) * s + (k - 1) * d + 1, 0) if o else 0 for o, s, k, d in spans)


@op
def patches(x, *, geometry):
    """y (N, *outs, *window, C): for every output the part of x it sees (im2col), zero outside x"""
    xp = array_module(x)
    x = _padded(x, geometry)
    axes = len(geometry.sizes)
    step = x.strides
    shape = (x.shape[0], *geometry.outs, *geometry.window, x.shape[-1])
    out_steps = tuple(step[1 + i] * geometry.stride[i] for i in range(axes))
    tap_steps = tuple(step[1 + i] * geometry.dilation[i] for i in range(axes))
    view = xp.lib.stride_tricks.as_strided(x, shape, (step[0], *out_steps, *tap_steps, step[-1]))
    return xp.ascontiguousarray(view)


@op
def fold(y, *, geometry):
    """x (N, *sizes, C): the entries of y (N, *outs, *window, C) added where patches took them (col2im)"""
    xp = array_module(y)
    axes = len(geometry.sizes)
    wide = xp.zeros((y.shape[0], *geometry.padded, y.shape[-1]), y.dtype)
    for tap in _places(geometry.window):
        here = tuple(
            slice(t * d, t * d + (o - 1) * s + 1, s) if o else slice(0, 0)
            for t, d, o, s in zip(tap, geometry.dilation, geometry.outs, geometry.stride, strict=True)
        )
        wide[(slice(None), *here)] += y[(slice(None),) * (1 + axes) + tap]
    return _cropped(wide, geometry)


patches.vjp(x=lambda dy, y, x, *, geometry: fold(dy, geometry=geometry))
fold.vjp(y=lambda dx, x, y, *, geometry: patches(dx, geometry=geometry))


def _places(window):
    """Every tap of a window, in row order."""
    places: list[tuple[int, ...]] = [()]
    for k in window:
        places = [(*place, t) for place in places for t in range(k)]
    return places


def _padded(x, geometry):
    """x as the windows see it: zeros in front and behind, or cut where no window reaches."""
    xp = array_module(x)
    cut = tuple(
        slice(0, max(total - before, 0)) for total, before in zip(geometry.padded, geometry.before, strict=True)
    )
    x = x[(slice(None), *cut)]
    behind = (t - b - n for t, b, n in zip(geometry.padded, geometry.before, x.shape[1:-1], strict=True))
    widths = [(0, 0), *((b, max(e, 0)) for b, e in zip(geometry.before, behind, strict=True)), (0, 0)]
    if any(b or e for b, e in widths):
        x = xp.pad(x, widths)
    return xp.ascontiguousarray(x)


def _cropped(wide, geometry):
    """The adjoint of _padded: the inside of `wide`, with zeros behind where no window reached."""
    xp = array_module(wide)
    inside = wide[(slice(None), *(slice(b, b + n) for b, n in zip(geometry.before, geometry.sizes, strict=True)))]
    missing = [(0, n - have) for n, have in zip(geometry.sizes, inside.shape[1:-1], strict=True)]
    if any(m for _, m in missing):
        inside = xp.pad(inside, [(0, 0), *missing, (0, 0)])
    return xp.ascontiguousarray(inside)
