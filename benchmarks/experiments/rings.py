"""Which methods find all modes of a ring and of a grid of Gaussians in the plane, seed by seed?

    python -m benchmarks.experiments.rings                                    # all of it: hours on one core
    python -m benchmarks.experiments.rings --only ring05-ns ring05-unrolled5 --seeds 0-4 --steps 10000
    python -m benchmarks.experiments.rings --table                            # what there is, as a table and pictures

Every (data, method, seed) is one line of `rings.jsonl` in `--out`; what is there already is not run again, so that the
same command goes on after an interruption.  `--only` takes names, or parts of names: ring05, ns, grid-pack2.  Set
OPENBLAS_NUM_THREADS=1: the networks are small, and one run needs one core.

All methods share the networks (2-128-128-2 and 2-128-128-1, LeakyReLU 0.2, He's start, z normal), Adam at 1e-3
with betas (0.5, 0.999), batches of 256, the non-saturating loss, D before G, and an average of G's weights over about
1,000 steps.  What a method changes stands in METHODS.  The ring has 8 modes at radius 2, the grid 25 at distance 2.
"""

import argparse
import dataclasses
import hashlib
import json
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

import minigen
from benchmarks.experiments.results import append, lines_of, seeds_of
from minigen import losses, metrics, optim
from minigen.data.points import grid_centres, ring_centres
from minigen.models import mlp

SAMPLES = 2_500  # as in the code of Lin et al. 2018
EVERY = 2_500  # steps between measurements, so that schedules of two lengths can be compared
SHOWN = 1_000  # samples of seed 0 that are kept for the picture


@dataclasses.dataclass(frozen=True)
class Data:
    """Equally likely Gaussians of deviation sigma around centres."""

    title: str
    centres: np.ndarray
    sigma: float

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """n points, float32 (n, 2)."""
        which = rng.integers(len(self.centres), size=n)
        return (self.centres[which] + self.sigma * rng.standard_normal((n, 2))).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Method:
    """How G and D are trained: what differs from the non-saturating pair, one step of each in turn."""

    title: str
    loss: str = "nonsaturating"
    unroll: int = 0  # steps of D that G looks ahead: Metz et al. 2017
    pack: int = 1  # points that D judges together, side by side: Lin et al. 2018
    d_steps: int = 1
    penalty: float = 0.0  # weight of the gradient penalty; Gulrajani et al. use 0.1 for points in the plane
    betas: tuple[float, float] = (0.5, 0.999)
    rate: float = 1e-3
    batch: int = 256  # of what D judges: with packing, m times as many points, as in Lin et al.'s code
    steps: int = 10_000  # of G, in the whole schedule; fewer are called truncated


DATA = {
    "ring05": Data("ring of 8, σ 0.05", ring_centres(), 0.05),
    "ring02": Data("ring of 8, σ 0.02", ring_centres(), 0.02),
    "grid": Data("grid of 25, σ 0.05", grid_centres(), 0.05),
}
METHODS = {
    "ns": Method("non-saturating"),
    "unrolled1": Method("unrolled, K = 1", unroll=1),
    "unrolled5": Method("unrolled, K = 5", unroll=5),
    "wgangp": Method("WGAN-GP", loss="wasserstein", d_steps=3, penalty=0.1, betas=(0.5, 0.9), steps=5_000),
    "pack2": Method("packing, m = 2", pack=2),
    "pack4": Method("packing, m = 4", pack=4),
}
QUEUE = (  # what is asked first is run first
    *(f"ring05-{method}" for method in ("ns", "unrolled1", "unrolled5", "pack2", "wgangp")),
    *(f"ring02-{method}" for method in ("ns", "unrolled1", "unrolled5")),
    *("ring05-pack4", "ring02-pack2", "ring02-wgangp", "ring02-pack4"),
    *(f"grid-{method}" for method in ("ns", "unrolled1", "pack2", "wgangp", "pack4", "unrolled5")),
)


class Game:
    """Two networks and their optimisers; all that happens follows from the data, the method and the seed."""

    def __init__(self, data: Data, method: Method, seed: int):
        self.data, self.method = data, method
        self.rng = minigen.random.generator([seed, 1])
        start = minigen.random.generator([seed, 0])
        self.generator = mlp.Generator(rng=start)
        self.discriminator = mlp.Discriminator(inputs=2 * method.pack, rng=start)
        self.optimiser_g = optim.Adam(self.generator.parameters(), method.rate, betas=method.betas)
        self.optimiser_d = optim.Adam(self.discriminator.parameters(), method.rate, betas=method.betas)
        self.average = optim.Average(self.generator, 0.999)
        self.pair = losses.gan.objective(method.loss)

    def step(self) -> None:
        """D's updates, then G's, against the D that has just answered or (unrolled) is about to."""
        m = self.method
        for _ in range(m.d_steps):
            real = self.data.draw(m.batch * m.pack, self.rng).reshape(m.batch, -1)
            z = minigen.random.normal(m.batch * m.pack, 2, rng=self.rng)
            fake = self.generator(z).reshape(m.batch, -1)
            loss_d = self.pair.discriminator(self.discriminator(real), self.discriminator(fake.detach()))
            if m.penalty:
                loss_d = loss_d + losses.gradient_penalty(
                    self.discriminator, real, fake.detach(), self.rng, weight=m.penalty
                )
            self.optimiser_d.update(minigen.grad(loss_d, self.discriminator.parameters()))
        loss_g = losses.gan.unrolled(
            self.discriminator,
            self.optimiser_d,
            lambda: self.pair.discriminator(self.discriminator(real), self.discriminator(fake)),
            lambda: self.pair.generator(self.discriminator(fake)),
            steps=m.unroll,
        )
        self.optimiser_g.update(minigen.grad(loss_g, self.generator.parameters()))
        self.average.update()

    def samples(self, seed: int) -> dict[str, np.ndarray]:
        """SAMPLES points of G with the weights it has now and with the averaged ones, float32 (n, 2) each."""
        with minigen.no_grad():
            z = minigen.random.normal(SAMPLES, 2, rng=minigen.random.generator([seed, 2]))
            raw = self.generator(z).numpy()
            with self.average.applied():
                return {"raw": raw, "averaged": self.generator(z).numpy()}


def measured(points: np.ndarray, data: Data) -> dict[str, Any]:
    """Modes, high quality and both KLs of some points, as a line of JSON can hold them."""
    found = metrics.mode_counts(points, data.centres, data.sigma)
    return {
        "modes": found.covered,
        "high_quality": round(found.high_quality, 4),
        "kl_high_quality": None if np.isnan(found.kl_high_quality) else round(found.kl_high_quality, 4),
        "kl_all": round(found.kl_all, 4),
        "counts": found.counts.tolist(),
    }


def settings(data: Data, method: Method, steps: int) -> dict[str, Any]:
    """All that a run follows from, seed apart."""
    own = {name: value for name, value in vars(method).items() if name not in ("title", "steps")}
    drawn = {"modes": len(data.centres), "sigma": data.sigma, "reach": float(abs(data.centres).max())}
    return {"data": drawn, "method": own, "steps": steps}


def run(name: str, seed: int, steps: int) -> dict[str, Any]:
    """Train once and measure: one line of the results."""
    data, method = DATA[name.split("-")[0]], METHODS[name.split("-")[1]]
    game, began, busy = Game(data, method, seed), time.perf_counter(), time.process_time()
    curve = []
    for step in range(1, steps + 1):
        game.step()
        if step % EVERY == 0 or step == steps:
            points = game.samples(seed)
            curve.append({"step": step, **{which: measured(x, data) for which, x in points.items()}})
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - busy
    used = settings(data, method, steps)
    return {
        "name": name,
        "seed": seed,
        "steps": steps,
        "raw": curve[-1]["raw"],
        "averaged": curve[-1]["averaged"],
        "curve": curve,
        "n_fake": SAMPLES,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "settings": used,
        "hash": hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:12],
        "versions": f"minigen {minigen.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
        **({"samples": np.round(points["averaged"][:SHOWN].astype(float), 3).tolist()} if seed == 0 else {}),
    }


def chosen(parts: list[str] | None) -> list[str]:
    """The names of the queue that contain every piece of one of `parts`; all of them where nothing was asked."""
    wanted = [p.split("-") for p in parts or [""]]
    names = [name for name in QUEUE if any(all(q in ("", *name.split("-")) for q in pieces) for pieces in wanted)]
    if not names:
        raise SystemExit(f"--only {' '.join(parts or [])}: no such run; there are {', '.join(QUEUE)}.")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"some of {', '.join(QUEUE)}, or parts of names")
    parser.add_argument("--seeds", type=seeds_of, default="0-4", help="from-to, or one")
    parser.add_argument("--steps", type=int, help="of the generator; by default the whole schedule of each method")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/experiments"))
    parser.add_argument("--table", action="store_true", help="run nothing; make rings.md and the pictures")
    asked = parser.parse_args()
    path = asked.out / "rings.jsonl"
    if asked.table:
        from benchmarks.experiments import rings_table

        rings_table.write(lines_of(path), asked.out)
        return
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in chosen(asked.only):
        steps = asked.steps or METHODS[name.split("-")[1]].steps
        for seed in asked.seeds:
            if any((r["name"], r["seed"], r["steps"]) == (name, seed, steps) for r in lines_of(path)):
                continue
            row = run(name, seed, steps)
            append(path, row)
            told = " ".join(f"{k} {row['averaged'][k]}" for k in ("modes", "high_quality", "kl_all"))
            print(f"{name} seed {seed}: averaged {told}; {row['seconds']:.0f} s", flush=True)


if __name__ == "__main__":
    main()
