"""What one step of the article's GAN asks of a GPU, by operation: on the look-alike, our kernels run by the shim.

python -m tests.cuda.launches            # the recipe's step; --plain: by formulas alone
python -m tests.cuda.launches dcgan      # or another of the workloads of benchmarks.workloads.minigen_

A row is an operation that a program calls, or a rule of its derivative, with all that is launched inside it; the last
rows are what the engine and the layers do beside their operations.  A model read off CuPy's sources, and no trace.
"""

import argparse
import contextlib
import sys
from collections import Counter

import numpy as np

import minigen
from benchmarks.profile_step import Profile
from benchmarks.workloads import minigen_
from minigen import backend
from minigen.autograd import kernels_off
from minigen.kernels import cuda_launch
from minigen.train import gan

from ..lookalike import counts, lookalike
from . import shim

ARTICLE = {"dropout": 0.3, "ema": 0.0, "learning_rate": 1e-4, "d_learning_rate": 1e-4}
SMALLER = {"dcgan": {"batch": 2}, "ring": {"batch": 8}, "vae": {"batch": 4}, "wgan_gp": {"batch": 8}}


@contextlib.contextmanager
def playing_with_kernels():
    """The look-alike as CuPy, our kernels in their places and run by the shim; new arrays are made there."""
    stand_ins = [(kernels, kernels["cupy"]) for kernels in lookalike._every_kernel() if "cupy" in kernels]
    kernels, before = shim.kernels(), cuda_launch.run

    def run(name, blocks, args):
        kernels.run(name, blocks, tuple(getattr(x, "_inside", x) for x in args))
        for site in sites():
            site.note(name)

    with lookalike.playing() as module:
        for place, stand_in in stand_ins:
            place["cupy"] = stand_in
        cuda_launch.run = run
        backend.use("cupy")
        try:
            yield module
        finally:
            cuda_launch.run = before


class Sites(lookalike.Counts):
    """Counts that remember where each launch was asked for."""

    def __init__(self):
        self.by_place = Counter()
        super().__init__()

    def __setattr__(self, kind, value):
        if kind in ("kernels", "products", "copies", "fills") and value:
            self.by_place[place()] += value - getattr(self, kind)
        super().__setattr__(kind, value)

    def note(self, kernel):
        """One of our kernels was launched."""
        self.by_place[f"{place()}: {kernel}"] += 1

    @property
    def total(self):
        """Launches of CuPy's calls and of our kernels."""
        return sum(self.by_place.values())


def place():
    """The innermost function of the library that asks for a launch, and its file."""
    frame = sys._getframe(2)
    while frame.f_back is not None and not frame.f_globals.get("__name__", "").startswith("minigen."):
        frame = frame.f_back
    return f"{frame.f_globals['__name__']} {frame.f_code.co_name}"


def sites():
    """The open ones."""
    return [found for found in counts._open if isinstance(found, Sites)]


@contextlib.contextmanager
def counted():
    """with counted() as found: what is launched inside stands in `found`, by place."""
    found = Sites()
    counts._open.append(found)
    try:
        yield found
    finally:
        counts._open.remove(found)


def article(width=1 / 32, batch=3, **settings):
    """One step of the recipe on drawn images, as a function of nothing; the batch does not change what is launched."""
    recipe = gan.Gan(gan.Config(width=width, batch=batch, **{**ARTICLE, **settings}))
    images = np.random.default_rng(5).uniform(-1, 1, (batch, 28, 28, 1)).astype(np.float32)
    images = minigen.tensor(images)
    return lambda: recipe.step(images)


def table(step):
    """The rows of a step, and how many launches it has."""
    step()
    with counted() as found:
        profile = Profile(clock=lambda: found.total)
        with profile.watching():
            step()
    rows = [f"{'':<10} {'':<22} {'launches':>8} {'calls':>6}"]
    for (part, name), launches in sorted(profile.seconds.items(), key=lambda row: (row[0][0], -row[1])):
        rows.append(f"{part:<10} {name:<22} {launches:>8g} {profile.calls[part, name]:>6}")
    rows.append(f"{'rest':<33} {found.total - sum(profile.seconds.values()):>8g}")
    rows.append(f"{'a step':<33} {found.total:>8}")
    return rows, found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("workload", nargs="?", default="gan", choices=["gan", *SMALLER])
    parser.add_argument("--plain", action="store_true", help="by formulas alone, no kernel of our own")
    parser.add_argument("--places", action="store_true", help="by place in the program, too")
    given = parser.parse_args(arguments)
    with playing_with_kernels(), kernels_off() if given.plain else contextlib.nullcontext():
        made = (
            article() if given.workload == "gan" else getattr(minigen_, given.workload)(**SMALLER[given.workload]).step
        )
        rows, found = table(made)
    if given.places:
        rows += ["", *(f"{launches:>5} {place}" for place, launches in found.by_place.most_common())]
    print("\n".join(rows))


if __name__ == "__main__":
    sys.exit(main())
