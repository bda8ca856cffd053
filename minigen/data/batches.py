"""Batches without end, in an order that a seed decides and a checkpoint can resume."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from minigen.data.checking import whole
from minigen.data.images import as_batch
from minigen.errors import DataError, SettingError


class Batches(Iterator[Any]):
    """An endless iterator over batches of `items`, every item once an epoch, each epoch in an order of its own.

    items: uint8 (N, H, W, C), of which each batch becomes float32 in [−1, 1] as it is taken, or float32 (N, …), which
    is given as it is.  A batch is (batch, …).  The last one of an epoch is shorter where batch does not divide N; it
    is left out if it is shorter than `smallest`, since batch normalisation has no variance over one image.  If N is
    below batch, an epoch is one batch of N.
    Epoch e runs in the order `np.random.default_rng([seed, e]).permutation(N)`, so `state()` is two integers and
    `restore` continues exactly; `start` is such a state.
    With labels (N,), each batch is a pair, the items and their labels.
    SettingError if no batch could have `smallest` items.

    >>> batches = Batches(np.zeros((5, 28, 28, 1), np.uint8), batch=2, seed=0)
    >>> [len(next(batches)) for _ in range(4)], batches.epoch, batches.steps_per_epoch
    ([2, 2, 2, 2], 2, 2)
    """

    def __init__(
        self,
        items: np.ndarray,
        batch: int,
        seed: int = 0,
        smallest: int = 2,
        start: dict[str, int] | None = None,
        labels: np.ndarray | None = None,
    ):
        if items.dtype not in (np.uint8, np.float32):
            raise DataError(f"Batches: items are {items.dtype}; they must be uint8 or float32.")
        if items.ndim < 1:
            raise DataError("Batches: items are a single number; they must be (N, …).")
        if labels is not None and len(labels) != len(items):
            raise DataError(f"Batches: {len(items)} items, but {len(labels)} labels.")
        self.items, self.labels = items, labels
        self.smallest = whole("smallest", smallest, lowest=1)
        self.batch = whole("batch", batch, lowest=1)
        self.seed = whole("seed", seed, lowest=0)
        if self.batch < self.smallest:
            raise SettingError(f"batch is {batch}; a batch must have at least {smallest} items.")
        if len(items) < self.smallest:
            raise DataError(f"Batches: only {len(items)} items; a batch must have at least {smallest}.")
        self.restore({"epoch": 0, "index": 0} if start is None else start)

    @property
    def steps_per_epoch(self) -> int:
        """How many batches an epoch has."""
        full, rest = divmod(len(self.items), self.batch)
        return full + (rest >= self.smallest)

    def state(self) -> dict[str, int]:
        """Where the next batch stands: its epoch, and its index within the epoch."""
        return {"epoch": self.epoch, "index": self.index}

    def restore(self, state: dict[str, int]) -> None:
        """Continue from a `state()`: what follows is what followed then.  SettingError if it is none of these items."""
        if set(state) != {"epoch", "index"}:
            raise SettingError(f"Batches: a state has epoch and index; this one has {', '.join(state) or 'nothing'}.")
        epoch = whole("epoch", state["epoch"], lowest=0)
        self.index = whole("index", state["index"], lowest=0, highest=self.steps_per_epoch - 1)
        self._begin(epoch)

    def __next__(self) -> Any:
        first = self.index * self.batch
        places = self._order[first : first + self.batch]
        taken = self.items[places]
        self.index += 1
        if self.index == self.steps_per_epoch:
            self.index = 0
            self._begin(self.epoch + 1)
        x = as_batch(taken)
        return x if self.labels is None else (x, self.labels[places])

    def _begin(self, epoch: int) -> None:
        self.epoch = epoch
        self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.items))
