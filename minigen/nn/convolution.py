"""Convolution and its transpose as layers, over 1, 2 or 3 axes: one class each, under three names."""

from typing import Any, Literal

import numpy as np

from minigen.autograd import Parameter
from minigen.errors import SettingError, ShapeError
from minigen.nn.initialisers import Initialiser, fans_of, glorot_uniform
from minigen.nn.module import Module, written
from minigen.ops import Geometry, conv, convolve_transpose
from minigen.ops.convolution import conv_affine, geometry_of, per_axis

Numbers = int | tuple[int, ...]  # one for all axes, or one an axis
Padding = Literal["same", "valid"] | int | tuple[int, ...] | tuple[tuple[int, int], ...]

AXES = {1: "(N, T, C)", 2: "(N, H, W, C)", 3: "(N, T, H, W, C)"}


class _Convolution(Module):
    """What both directions share: settings, their checks, the kernel and the bias."""

    axes: int

    def __init__(
        self,
        inputs: int,
        outputs: int,
        window: Numbers,
        *,
        stride: Numbers = 1,
        padding: Padding = "valid",
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        initialiser: Initialiser = glorot_uniform,
    ):
        self.inputs, self.outputs = inputs, outputs
        self.window, self.stride = window, stride
        self.padding, self.dilation, self.groups = padding, dilation, groups
        title = type(self).__name__
        if inputs < 1 or outputs < 1 or groups < 1 or inputs % groups or outputs % groups:
            raise SettingError(
                f"{title}({inputs}, {outputs}): inputs and outputs must be multiples of groups={groups}, at least 1."
            )
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise SettingError(f'{title}: padding {padding!r} is not "same", "valid" or numbers.')
        taps = self._per_axis("window", window)
        for name, value in (("stride", stride), ("dilation", dilation)):
            self._per_axis(name, value)
        C, OC = self._kernel_channels()
        kernel = (*taps, C // groups, OC)
        fan_in, fan_out = fans_of(kernel, groups)
        fans = (fan_in, fan_out) if inputs == C else (fan_out, fan_in)
        self.weight = Parameter(initialiser(rng, kernel, fans))
        self.bias = Parameter(np.zeros(outputs, np.float32)) if bias else None

    def _kernel_channels(self) -> tuple[int, int]:
        """The last two axes of the kernel, before they are shared out among groups."""
        raise NotImplementedError

    def _per_axis(self, name: str, value: Numbers) -> tuple[int, ...]:
        """A setting as one whole number ≥ 1 an axis; SettingError for anything else."""
        try:
            return per_axis(name, value, self.axes)
        except ShapeError:
            wanted = "a whole number ≥ 1" + (f", or {self.axes} of them" if self.axes > 1 else "")
            raise SettingError(f"{type(self).__name__}: {name}={value!r} must be {wanted}.") from None

    def _check(self, x: Any) -> None:
        if x.ndim != self.axes + 2 or x.shape[-1] != self.inputs:
            raise ShapeError(
                f"{self!r}: x has shape {tuple(x.shape)}; it must be {AXES[self.axes]} with C = {self.inputs}."
            )

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        """Each setting beside its default, for `__repr__`."""
        return {
            "stride": (self.stride, 1),
            "padding": (self.padding, "valid"),
            "dilation": (self.dilation, 1),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
        }

    def __repr__(self) -> str:
        return written(self, self.inputs, self.outputs, self.window, **self._settings())


class _Conv(_Convolution):
    """y = conv(x, w) + b: the window slides over x, and at each place all it sees is weighed and added.

    x (N, *sizes, C) → y (N, *outs, OC); weight (*window, C / groups, OC), bias (OC,).  window, stride, dilation: a
    number, or one an axis.  padding: "valid" (none), "same" (outs = ⌈size / stride⌉, the odd zero at the end, as in
    Keras), a number, one an axis, or (before, after) pairs.  SettingError for settings, ShapeError for an x that does
    not fit.  Dumoulin & Visin 2016, relationship 15; `minigen.convolve` is the operation.
    """

    def _kernel_channels(self) -> tuple[int, int]:
        return self.inputs, self.outputs

    def geometry(self, x: Any) -> Geometry:
        """Where the windows fall on x, which is looked at."""
        self._check(x)
        return geometry_of(
            x,
            self.weight,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def __call__(self, x: Any) -> Any:
        geometry = self.geometry(x)
        if self.bias is None:
            return conv(x, self.weight, geometry=geometry)
        return conv_affine(x, self.weight, self.bias, geometry=geometry)


class _ConvTranspose(_Convolution):
    """y = conv_transpose(x, w) + b: every entry of x stamps the window onto y; with a stride, y is the larger.

    x (N, *outs, C) → y (N, *sizes, OC); weight (*window, OC / groups, C) as in Keras: result before input.  sizes: with
    "same" outs · stride; else (outs − 1) · stride + (window − 1) · dilation + 1 − padding + output_padding; or
    output_size outright.  The other settings are those of the convolution whose adjoint this is (not its inverse).
    SettingError for settings, ShapeError for an x that does not fit.  Dumoulin & Visin 2016, section 4.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        window: Numbers,
        *,
        stride: Numbers = 1,
        padding: Padding = "valid",
        output_padding: Numbers = 0,
        output_size: Numbers | None = None,
        dilation: Numbers = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator,
        initialiser: Initialiser = glorot_uniform,
    ):
        self.output_padding, self.output_size = output_padding, output_size
        super().__init__(
            inputs,
            outputs,
            window,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bias,
            rng=rng,
            initialiser=initialiser,
        )

    def _kernel_channels(self) -> tuple[int, int]:
        return self.outputs, self.inputs

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        own = {"output_padding": (self.output_padding, 0), "output_size": (self.output_size, None)}
        return {**super()._settings(), **own}

    def __call__(self, x: Any) -> Any:
        self._check(x)
        y = convolve_transpose(
            x,
            self.weight,
            stride=self.stride,
            padding=self.padding,
            output_padding=self.output_padding,
            output_size=self.output_size,
            dilation=self.dilation,
            groups=self.groups,
        )
        return y if self.bias is None else y + self.bias


class Conv1D(_Conv):
    __doc__ = f"Convolution over one axis, x {AXES[1]}.\n\n    {_Conv.__doc__}"
    axes = 1


class Conv2D(_Conv):
    __doc__ = f"Convolution over rows and columns, x {AXES[2]}.\n\n    {_Conv.__doc__}"
    axes = 2


class Conv3D(_Conv):
    __doc__ = f"Convolution over frames, rows and columns, x {AXES[3]}.\n\n    {_Conv.__doc__}"
    axes = 3


class Conv1DTranspose(_ConvTranspose):
    __doc__ = f"Transposed convolution over one axis, x {AXES[1]}.\n\n    {_ConvTranspose.__doc__}"
    axes = 1


class Conv2DTranspose(_ConvTranspose):
    __doc__ = f"Transposed convolution (反卷积) over rows and columns, x {AXES[2]}.\n\n    {_ConvTranspose.__doc__}"
    axes = 2


class Conv3DTranspose(_ConvTranspose):
    __doc__ = f"Transposed convolution over frames, rows and columns, x {AXES[3]}.\n\n    {_ConvTranspose.__doc__}"
    axes = 3
