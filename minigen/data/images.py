"""Images ready for training: bytes, what is known about each, and where they come from."""

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from minigen.data.checking import whole
from minigen.errors import DataError


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images and its provenance; `open_data` and every reader return one.

    items: uint8 (N, H, W, C).  factors: a structured array (N,), such as the renderer's factors or MNIST's field
    `label`, or None.  notes: sentences a reader of a report wants to see ("3 files were not images and were skipped.").
    DataError where items and factors do not fit together.
    """

    items: np.ndarray
    factors: np.ndarray | None = None
    name: str = "images"
    licence: str = "unknown"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.items.dtype != np.uint8 or self.items.ndim != 4:
            raise DataError(
                f"{self.name}: items are {self.items.dtype} {self.items.shape}; they must be uint8 (N, H, W, C)."
            )
        if self.factors is not None and len(self.factors) != len(self.items):
            raise DataError(f"{self.name}: {len(self.items)} images but factors for {len(self.factors)}.")

    def __len__(self) -> int:
        return len(self.items)

    @property
    def description(self) -> str:
        """How many of what, for a person: "10,000 images of 28×28×1"."""
        return f"{len(self):,} images of {'×'.join(map(str, self.items.shape[1:]))}"

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the SHA-256 of shape and bytes: the same images, the same fingerprint."""
        digest = hashlib.sha256(repr(self.items.shape).encode())
        digest.update(np.ascontiguousarray(self.items).data)
        return digest.hexdigest()[:16]

    def first(self, count: int | None) -> "Images":
        """The first `count` images, with a note if any were left out; all of them if count is None or larger."""
        if count is None or whole("count", count, lowest=1) >= len(self):
            return self
        factors = None if self.factors is None else self.factors[:count]
        note = f"The first {count:,} of {len(self):,} images were taken."
        return replace(self, items=self.items[:count], factors=factors, notes=(*self.notes, note))

    def take(self, places: np.ndarray) -> "Images":
        """The images at these places, with their factors."""
        factors = None if self.factors is None else self.factors[places]
        return replace(self, items=self.items[places], factors=factors)


def to_float(items: np.ndarray) -> np.ndarray:
    """x = (items − 127.5) / 127.5: uint8 0 … 255 → float32 −1 … 1, the range of a generator that ends in tanh.

    >>> to_float(np.array([0, 255], np.uint8)).tolist()
    [-1.0, 1.0]
    """
    if items.dtype != np.uint8:
        raise DataError(f"to_float: items are {items.dtype}; they must be uint8.")
    x = items.astype(np.float32)
    x -= 127.5
    x /= 127.5
    return x


def as_batch(items: np.ndarray) -> np.ndarray:
    """Items as a network takes them: images by `to_float`, floats as they are."""
    return to_float(items) if items.dtype == np.uint8 else items


def to_uint8(x: np.ndarray) -> np.ndarray:
    """The inverse of `to_float`, rounded to the nearest level; what lies outside [−1, 1] is clipped.

    DataError if x holds NaN, which has no level.

    >>> to_uint8(np.array([-1.0, 0.001, 7.0])).tolist()
    [0, 128, 255]
    """
    bad = np.isnan(x)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise DataError(f"to_uint8: {bad.sum()} of {x.size} values are NaN, the first at {first}.")
    return np.clip(np.rint(x * 127.5 + 127.5), 0, 255).astype(np.uint8)
