"""The 92 configurations on which PyTorch tests its convolutions: shapes and settings, as facts.

They are the sample inputs of conv1d … conv_transpose3d in torch/testing/_internal/common_methods_invocations.py
(PyTorch 2.13): 46 rows, each once with a batch and once without.  Shapes are PyTorch's: x (N, C, *sizes), kernels
(OC, C / groups, *window), transposed kernels (C, OC / groups, *window).
"""

from typing import Any, NamedTuple


class Case(NamedTuple):
    """One call of PyTorch's."""

    function: str
    x: tuple[int, ...]
    w: tuple[int, ...]
    bias: bool
    settings: dict[str, Any]


ROWS = [
    Case("conv1d", (1, 3, 4), (3, 3, 3), True, dict(stride=(2,), padding=2, groups=1)),
    Case("conv1d", (2, 4, 8), (2, 2, 3), True, dict(stride=3, padding=1, groups=2, dilation=2)),
    Case("conv1d", (1, 4, 5), (1, 4, 3), False, dict(stride=(2,), padding="valid")),
    Case("conv1d", (2, 2, 4), (2, 1, 4), True, dict(stride=(1,), padding="same", groups=2, dilation=(2,))),
    Case("conv1d", (1, 4, 5), (3, 4, 3), False, dict()),
    Case("conv2d", (1, 3, 4, 4), (3, 3, 3, 3), True, dict(stride=(2, 2), padding=2, groups=1)),
    Case("conv2d", (2, 4, 8, 8), (2, 2, 3, 3), True, dict(stride=(3, 2), padding=(2, 1), groups=2, dilation=(4, 4))),
    Case("conv2d", (1, 4, 5, 5), (1, 4, 2, 3), True, dict(stride=2, padding=1, groups=1, dilation=(2, 3))),
    Case("conv2d", (1, 4, 5, 5), (1, 4, 2, 3), True, dict(stride=2, padding=1, groups=1, dilation=(2, 3))),
    Case("conv2d", (1, 2, 4, 3), (4, 2, 3, 4), False, dict(stride=2, padding=1, groups=1)),
    Case("conv2d", (1, 4, 5, 5), (1, 4, 2, 3), True, dict(stride=2, padding="valid")),
    Case("conv2d", (1, 4, 5, 5), (1, 4, 2, 3), True, dict(stride=1, padding="same", dilation=3)),
    Case("conv2d", (2, 4, 6, 6), (4, 1, 3, 3), True, dict(groups=4)),
    Case("conv2d", (2, 4, 6, 6), (8, 1, 3, 3), True, dict(groups=4)),
    Case("conv2d", (2, 4, 6, 6), (8, 1, 3, 3), False, dict(groups=4)),
    Case("conv2d", (2, 4, 6, 6), (4, 1, 3, 3), True, dict(groups=4, stride=(3, 2))),
    Case("conv2d", (2, 4, 6, 6), (4, 1, 3, 3), True, dict(groups=4, padding=(1, 1))),
    Case("conv2d", (2, 4, 5, 5), (4, 1, 2, 2), True, dict(groups=4, dilation=(2, 2))),
    Case("conv2d", (2, 4, 6, 5), (6, 2, 3, 2), True, dict(groups=2)),
    Case("conv2d", (1, 4, 5, 5), (3, 4, 3, 3), False, dict()),
    Case("conv3d", (1, 1, 4, 4, 4), (1, 1, 1, 1, 1), True, dict(padding="same")),
    Case("conv3d", (1, 1, 4, 4, 4), (1, 1, 4, 4, 4), True, dict(stride=(2, 2, 2))),
    Case("conv3d", (1, 1, 5, 5, 5), (1, 1, 3, 3, 3), True, dict(dilation=2)),
    Case("conv3d", (1, 1, 1, 1, 10), (1, 1, 1, 1, 4), False, dict(padding="valid")),
    Case("conv3d", (1, 1, 10, 11, 12), (1, 1, 1, 2, 5), False, dict(padding="same")),
    Case("conv3d", (1, 1, 10, 11, 12), (1, 1, 1, 2, 5), False, dict(padding="same", dilation=2)),
    Case("conv3d", (1, 1, 10, 11, 12), (1, 1, 4, 4, 4), False, dict(padding="same", dilation=3)),
    Case("conv3d", (1, 1, 1, 1, 10), (1, 1, 1, 1, 4), False, dict(padding="valid")),
    Case("conv3d", (3, 9, 3, 1, 9), (3, 3, 3, 1, 9), True, dict(groups=3)),
    Case("conv3d", (3, 9, 3, 1, 9), (3, 3, 3, 1, 9), True, dict(stride=(2, 2, 2), dilation=1, groups=3)),
    Case("conv_transpose1d", (1, 3, 4), (3, 3, 3), True, dict(stride=(2,), padding=2, output_padding=(1,), groups=1)),
    Case(
        "conv_transpose1d",
        (2, 2, 4),
        (2, 2, 4),
        True,
        dict(stride=(3,), padding=(1,), output_padding=(2,), groups=2, dilation=(4,)),
    ),
    Case(
        "conv_transpose1d",
        (1, 1, 4),
        (1, 1, 4),
        True,
        dict(stride=2, padding=1, output_padding=1, groups=1, dilation=(2,)),
    ),
    Case("conv_transpose1d", (1, 1, 4), (1, 2, 3), False, dict(stride=2, padding=1, output_padding=1, groups=1)),
    Case("conv_transpose1d", (1, 4, 5), (4, 8, 3), False, dict()),
    Case(
        "conv_transpose2d",
        (1, 3, 4, 4),
        (3, 3, 3, 3),
        True,
        dict(stride=(2, 2), padding=2, output_padding=(1, 1), groups=1),
    ),
    Case(
        "conv_transpose2d",
        (2, 2, 4, 4),
        (2, 2, 4, 5),
        True,
        dict(stride=(3, 2), padding=(1, 2), output_padding=(2, 3), groups=2, dilation=(4, 4)),
    ),
    Case(
        "conv_transpose2d",
        (1, 1, 4, 5),
        (1, 1, 4, 3),
        True,
        dict(stride=2, padding=1, output_padding=1, groups=1, dilation=(2, 3)),
    ),
    Case("conv_transpose2d", (1, 1, 4, 3), (1, 2, 3, 4), False, dict(stride=2, padding=1, output_padding=1, groups=1)),
    Case("conv_transpose2d", (2, 4, 4, 4), (4, 1, 3, 3), False, dict(groups=4)),
    Case("conv_transpose2d", (1, 2, 5, 5), (2, 4, 3, 3), False, dict()),
    Case(
        "conv_transpose3d",
        (1, 3, 4, 4, 4),
        (3, 3, 3, 3, 3),
        True,
        dict(stride=(2, 2, 2), padding=2, output_padding=(1, 1, 1), groups=1),
    ),
    Case(
        "conv_transpose3d",
        (2, 2, 4, 4, 4),
        (2, 2, 4, 5, 6),
        True,
        dict(stride=(3, 2, 1), padding=(1, 2, 3), output_padding=(2, 3, 1), groups=2, dilation=(4, 4, 4)),
    ),
    Case(
        "conv_transpose3d",
        (1, 1, 4, 5, 2),
        (1, 1, 4, 3, 1),
        True,
        dict(stride=2, padding=1, output_padding=1, groups=1, dilation=(2, 3, 2)),
    ),
    Case(
        "conv_transpose3d",
        (1, 1, 4, 3, 4),
        (1, 2, 3, 4, 5),
        False,
        dict(stride=2, padding=1, output_padding=1, groups=1),
    ),
    Case("conv_transpose3d", (1, 4, 5, 5, 5), (4, 8, 3, 3, 3), False, dict()),
]
CASES = [case for row in ROWS for case in (row, row._replace(x=row.x[1:]))]  # with a batch, and without
