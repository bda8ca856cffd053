"""Convolution and its two companions: three faces of one trilinear form, each the derivative of the others.

    ⟨y, conv(x, w)⟩ = ⟨conv_transpose(y, w), x⟩ = ⟨conv_kernel_grad(x, y), w⟩

for any number of spatial axes.  x (N, *sizes, C), w (*window, C / groups, OC), y (N, *outs, OC).  The rules of each are
the other two, so every order of derivative is there and is as fast as the first.
"""

import math
from numbers import Integral

from minigen.autograd.op import fused, op
from minigen.backend import array_module
from minigen.errors import ShapeError
from minigen.ops.activations import leaky_relu
from minigen.ops.normalise import masked
from minigen.ops.products import matrix_product
from minigen.ops.windows import Geometry, fold, patches

# The three faces ----------------------------------------------------------------------------------------------------


@op
def conv(x, w, *, geometry):
    """y[n, o, c] = Σ_{k, i} x[n, o · stride + k · dilation − before, i] w[k, i, c]: the rows of patches times w"""
    columns = patches(x, geometry=geometry)
    N, outs, OC = x.shape[0], geometry.outs, w.shape[-1]
    parts = [
        matrix_product(_rows(columns_g, len(outs) + 1), w_g.reshape(-1, w_g.shape[-1]))
        for columns_g, w_g in zip(_group(columns, geometry), _group(w, geometry), strict=True)
    ]
    return _joined(parts).reshape(N, *outs, OC)


@op
def conv_transpose(y, w, *, geometry):
    """x[n, o · stride + k · dilation − before, i] += Σ_c y[n, o, c] w[k, i, c]: the adjoint of conv, not its inverse"""
    N, outs, window = y.shape[0], geometry.outs, geometry.window
    parts = [
        matrix_product(_rows(y_g, len(outs) + 1), w_g.reshape(-1, w_g.shape[-1]).T).reshape(
            N, *outs, *window, w.shape[-2]
        )
        for y_g, w_g in zip(_group(y, geometry), _group(w, geometry), strict=True)
    ]
    return fold(_joined(parts), geometry=geometry)


@op
def conv_kernel_grad(x, y, *, geometry):
    """w[k, i, c] = Σ_{n, o} x[n, o · stride + k · dilation − before, i] y[n, o, c]: patches, turned, times y"""
    columns = patches(x, geometry=geometry)
    axes = len(geometry.outs) + 1
    parts = [
        matrix_product(_rows(columns_g, axes).T, _rows(y_g, axes)).reshape(
            *geometry.window, columns_g.shape[-1], y_g.shape[-1]
        )
        for columns_g, y_g in zip(_group(columns, geometry), _group(y, geometry), strict=True)
    ]
    return _joined(parts)


conv.vjp(
    x=lambda dy, y, x, w, *, geometry: conv_transpose(dy, w, geometry=geometry),
    w=lambda dy, y, x, w, *, geometry: conv_kernel_grad(x, dy, geometry=geometry),
)
conv_transpose.vjp(
    y=lambda dx, x, y, w, *, geometry: conv(dx, w, geometry=geometry),
    w=lambda dx, x, y, w, *, geometry: conv_kernel_grad(dx, y, geometry=geometry),
)
conv_kernel_grad.vjp(
    x=lambda dw, w, x, y, *, geometry: conv_transpose(y, dw, geometry=geometry),
    y=lambda dw, w, x, y, *, geometry: conv(x, dw, geometry=geometry),
)


@op
def conv_affine(x, w, b, *, geometry):
    """y = conv(x, w) + b, b (OC,) added in place, where `+` would make another array of that size"""
    y = conv(x, w, geometry=geometry)
    if b.dtype != y.dtype:
        return y + b
    y += b
    return y


conv_affine.vjp(
    x=lambda dy, y, x, w, b, *, geometry: conv_transpose(dy, w, geometry=geometry),
    w=lambda dy, y, x, w, b, *, geometry: conv_kernel_grad(x, dy, geometry=geometry),
    b=lambda dy, y, x, w, b, *, geometry: dy,
)


@fused
def transposed(y, w, *, geometry):
    """x = conv_transpose(y, w), as one operation whose two derivatives may share the patches of dx"""
    return conv_transpose(y, w, geometry=geometry)


@fused
def conv_leaky(x, w, b, *, geometry, slope):
    """y = leaky_relu(conv(x, w) + b, slope): a layer and the bend behind it"""
    return leaky_relu(conv_affine(x, w, b, geometry=geometry), slope=slope)


@fused
def conv_leaky_masked(x, w, b, kept, *, geometry, slope, scale):
    """y = masked(conv_leaky(x, w, b), kept, scale): a layer, its bend and its dropout; kept (booleans) like y"""
    return masked(conv_leaky(x, w, b, geometry=geometry, slope=slope), kept, scale=scale)


def _rows(x, axes):
    """x as a matrix: its first `axes` axes become the rows."""
    return x.reshape(math.prod(x.shape[:axes]), math.prod(x.shape[axes:]))


def _group(x, geometry):
    """x cut along its last axis into one part a group."""
    if geometry.groups == 1:
        return [x]
    n = x.shape[-1] // geometry.groups
    return [x[..., g * n : (g + 1) * n] for g in range(geometry.groups)]


def _joined(parts):
    """The groups' parts side by side along the last axis."""
    return parts[0] if len(parts) == 1 else array_module(*parts).concatenate(parts, -1)


# What a user calls --------------------------------------------------------------------------------------------------


def convolve(x, w, b=None, *, stride=1, padding="valid", dilation=1, groups=1):
    """Convolution (cross-correlation, as everywhere in deep learning) over any number of spatial axes, plus a bias.

    x (N, *sizes, C), w (*window, C / groups, OC), b (OC,) or None → y (N, *outs, OC).  stride, dilation: a number, or
    one an axis.
    padding: "valid" (none); "same" (outs = ⌈size / stride⌉, the odd zero at the end, as in Keras); a number; one number
    an axis; or one (before, after) pair an axis.  ShapeError where shapes do not fit or no output is left.
    Dumoulin & Visin 2016, relationship 15.
    """
    geometry = geometry_of(x, w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return conv(x, w, geometry=geometry) if b is None else conv_affine(x, w, b, geometry=geometry)


def geometry_of(x, w, b, *, stride, padding, dilation, groups):
    """Where the windows of `convolve` fall; its ShapeErrors."""
    axes = _spatial("conv", x, w)
    (groups,) = per_axis("groups", groups, 1)
    window, C, OC = tuple(w.shape[:axes]), w.shape[-2], w.shape[-1]
    if x.shape[-1] != C * groups or OC % groups:
        raise ShapeError(
            f"conv: x {tuple(x.shape)} has {x.shape[-1]} channels, kernel {tuple(w.shape)} with groups={groups} takes "
            f"{C * groups}{f', and {OC} outputs do not divide into {groups} groups' if OC % groups else ''}. "
            "Images are (N, H, W, C)."
        )
    sizes = tuple(x.shape[1:-1])
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    pads = paddings(padding, sizes, window, stride, dilation)
    outs = count_outs(sizes, window, stride, dilation, pads)
    if min(outs) < 1:
        spans = tuple((k - 1) * d + 1 for k, d in zip(window, dilation, strict=True))
        raise ShapeError(f"conv: sizes {sizes} with padding {pads} are shorter than the window's reach of {spans}.")
    if b is not None and tuple(b.shape) != (OC,):
        raise ShapeError(f"conv: bias {tuple(b.shape)} must be ({OC},), a number for each channel that comes out.")
    return Geometry(sizes, outs, window, stride, dilation, tuple(before for before, _ in pads), groups)


def convolve_transpose(y, w, *, stride=1, padding="valid", output_padding=0, output_size=None, dilation=1, groups=1):
    """Transposed convolution, the adjoint of `convolve`: what Keras calls Conv2DTranspose and the article 反卷积.

    y (N, *outs, OC), w (*window, C / groups, OC) → x (N, *sizes, C).  Note the kernel: (window, result, input), as in
    Keras.  padding is what the *forward* convolution would add, so here it is cut off.  sizes: with "same"
    outs · stride; else (outs − 1) · stride + (window − 1) · dilation + 1 − before − after + output_padding, which lies
    at the end and must be below stride or dilation; or `output_size` outright.  ShapeError where shapes do not fit.
    Dumoulin & Visin 2016, relationship 14.
    """
    axes = _spatial("conv_transpose", y, w)
    (groups,) = per_axis("groups", groups, 1)
    window, OC = tuple(w.shape[:axes]), w.shape[-1]
    if y.shape[-1] != OC or OC % groups:
        raise ShapeError(
            f"conv_transpose: y {tuple(y.shape)} has {y.shape[-1]} channels, kernel {tuple(w.shape)} takes {OC}"
            f"{f', which do not divide into {groups} groups' if OC % groups else ''}. "
            "Kernels are (*window, result, input)."
        )
    outs = tuple(y.shape[1:-1])
    stride, dilation = per_axis("stride", stride, axes), per_axis("dilation", dilation, axes)
    extra = per_axis("output_padding", output_padding, axes, least=0)
    if any(e >= max(s, d) and e for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ShapeError(
            f"conv_transpose: output_padding {extra} must be below stride {stride} or dilation {dilation}."
        )
    if output_size is not None:
        sizes = per_axis("output_size", output_size, axes)
        pads = paddings(padding, sizes, window, stride, dilation)
        if count_outs(sizes, window, stride, dilation, pads) != outs:
            raise ShapeError(
                f"conv_transpose: output_size {sizes} with stride {stride} and padding {padding!r} does not lead back "
                f"to the sizes {outs} of y."
            )
    else:
        same = tuple(o * s for o, s in zip(outs, stride, strict=True))
        pads = paddings(padding, same, window, stride, dilation)
        if padding == "same":
            sizes = same
        else:
            spans = zip(outs, stride, window, dilation, pads, extra, strict=True)
            sizes = tuple((o - 1) * s + (k - 1) * d + 1 - b - a + e for o, s, k, d, (b, a), e in spans)
    if any(n < 1 for n in sizes):
        raise ShapeError(f"conv_transpose: y {tuple(y.shape)} with padding {padding!r} leaves sizes {sizes}.")
    before = tuple(b for b, _ in pads)
    return transposed(y, w, geometry=Geometry(sizes, outs, window, stride, dilation, before, groups))


def count_outs(sizes, window, stride, dilation, pads):
    """How many windows fit on each axis."""
    spans = zip(sizes, window, stride, dilation, pads, strict=True)
    return tuple((n + before + after - (k - 1) * d - 1) // s + 1 for n, k, s, d, (before, after) in spans)


def paddings(padding, sizes, window, stride, dilation):
    """`padding` as one (before, after) pair an axis."""
    axes = len(sizes)
    if padding == "valid":
        return ((0, 0),) * axes
    if padding == "same":
        pairs = []
        for n, k, s, d in zip(sizes, window, stride, dilation, strict=True):
            total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)
    if isinstance(padding, Integral):
        padding = (padding,) * axes
    if not isinstance(padding, tuple | list) or len(padding) != axes:
        raise ShapeError(
            f'padding {padding!r} is not "same", "valid", a number, or {axes} numbers or (before, after) pairs.'
        )
    given = tuple((p, p) if isinstance(p, Integral) else p for p in padding)
    if any(not isinstance(p, tuple | list) or len(p) != 2 or not all(_whole(n, 0) for n in p) for p in given):
        raise ShapeError(f"padding {padding!r} must be made of numbers ≥ 0 or (before, after) pairs of them.")
    return tuple((int(before), int(after)) for before, after in given)


def per_axis(name, value, axes, least=1):
    """A setting as one whole number an axis."""
    values = tuple(value) if isinstance(value, tuple | list) else (value,) * axes
    if len(values) != axes or not all(_whole(v, least) for v in values):
        raise ShapeError(f"{name} {value!r} must be a whole number ≥ {least}, or {axes} of them.")
    return tuple(int(v) for v in values)


def _whole(value, least):
    return isinstance(value, Integral) and value >= least


def _spatial(name, x, w):
    """The number of spatial axes on which x (N, *sizes, channels) and a kernel (*window, C, OC) agree."""
    if x.ndim < 3 or x.ndim != w.ndim:
        raise ShapeError(
            f"{name}: {tuple(x.shape)} and kernel {tuple(w.shape)} do not fit: x is (N, *sizes, channels), "
            "the kernel (*window, channels, channels)."
        )
    return x.ndim - 2
