"""The IWAE paper's one-layer network on MNIST: how low is −L_5000 after the part of its schedule that time allows?

    python -m benchmarks.iwae_mnist --data FOLDER --objective vae  --k 1 --passes 300
    python -m benchmarks.iwae_mnist --data FOLDER --objective iwae --k 5 --passes 300

Burda, Grosse & Salakhutdinov 2016, section 5: 784-200-200-50 and its mirror, tanh, Glorot's start, Adam (0.9, 0.999,
eps 1e-4), batches of 20, dynamic binarisation, 3^i passes at rate 1e-3 · 10^(−i/7) for i = 0 … 7: 3,280 passes.
`--passes n` runs the first n of them.  Interrupted, the same command goes on from the last whole pass.  It writes a
curve (one line a pass) and, at the end, the test bound with its standard error, to `--out`.  Set OPENBLAS_NUM_THREADS=1
to run the two side by side on two cores.
"""

import argparse
import json
import math
import platform
import time
from pathlib import Path

import numpy as np

import minigen
from minigen import losses, optim
from minigen.data import mnist
from minigen.metrics import active_units
from minigen.models.vae import DenseVae
from minigen.train import checkpoint as checkpoints

BATCH = 20


def stage_of(done: int) -> int:
    """The stage i to which pass number `done`, from 0, belongs: stage i has 3^i passes."""
    i, end = 0, 1
    while done >= end:
        i += 1
        end += 3**i
    return i


class Training:
    """The network, its optimiser and its random numbers; a pass depends on the seed and its number alone."""

    def __init__(self, objective: str, k: int, seed: int):
        self.objective, self.k, self.seed = objective, k, seed
        self.model = DenseVae(rng=minigen.random.generator([seed, 0]))
        self.optimiser = optim.Adam(self.model.parameters(), 1e-3, eps=1e-4)
        self.passes = 0
        self.seconds = 0.0

    def loss(self, x: np.ndarray, rng: np.random.Generator) -> minigen.Tensor:
        """−L_k for iwae; for vae −ELBO with the KL in closed form, the mean over k draws."""
        if self.objective == "iwae":
            return -losses.vae.iwae_bound(self.model.log_weights(x, self.k, rng=rng))
        if self.k > 1:
            return -self.model.log_weights(x, self.k, rng=rng).mean()
        one = self.model.one_pass(x, rng=rng)
        return losses.vae.negative_elbo(-one.log_px.mean(), losses.vae.gaussian_kl(one.mu, one.logvar))

    def one_pass(self, images: np.ndarray) -> float:
        """Every image once, in an order and with pixels drawn for this pass; the mean loss in nats per image."""
        rng = minigen.random.generator([self.seed, 1, self.passes])
        self.optimiser.learning_rate = 1e-3 * 10 ** (-stage_of(self.passes) / 7)
        order, total, began = rng.permutation(len(images)), 0.0, time.perf_counter()
        for start in range(0, len(images), BATCH):
            x = binarised(images[order[start : start + BATCH]], rng)
            loss = self.loss(x, rng)
            self.optimiser.update(minigen.grad(loss, self.model.parameters()))
            total += loss.item() * len(x)
        self.passes += 1
        self.seconds += time.perf_counter() - began
        return total / len(images)

    def save(self, path: Path) -> None:
        parts = (("model", self.model), ("adam", self.optimiser))
        arrays = {f"{part}/{name}": a for part, holder in parts for name, a in holder.state_dict().items()}
        checkpoints.save(path, checkpoints.Checkpoint(self.passes, arrays, {"seconds": self.seconds}))

    def load(self, path: Path) -> None:
        saved = checkpoints.load(path)
        for part, holder in (("model", self.model), ("adam", self.optimiser)):
            own = {n.removeprefix(f"{part}/"): a for n, a in saved.arrays.items() if n.startswith(f"{part}/")}
            holder.load_state_dict(own)
        self.passes, self.seconds = saved.step, saved.facts["seconds"]


def binarised(grey: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each pixel 1 with the probability that its grey value is: dynamic binarisation, drawn anew at every use."""
    return (rng.random(grey.shape, dtype=np.float32) * 255 < grey).astype(np.float32)


def evaluate(model: DenseVae, test: np.ndarray, k: int, seed: int) -> dict[str, float]:
    """−L_k and −L_1 over the test images, each binarised once, with standard errors over images; active units."""
    rng = minigen.random.generator([seed, 2])
    x = binarised(test, rng)
    bound, elbo, codes = [], [], []
    began = time.perf_counter()
    for start in range(0, len(x), 100):
        batch = x[start : start + 100]
        with minigen.no_grad():
            mu, logvar = model.encode(batch)
        codes.append(mu.numpy())
        tight, plain = losses.vae.log_likelihood(
            lambda n, batch=batch, mu=mu, logvar=logvar: model.weights_of_code(batch, mu, logvar, n, rng=rng),
            k,
            chunk=20,
        )
        bound.append(tight)
        elbo.append(plain)
        if start % 1000 == 0:
            so_far = -np.concatenate(bound).mean()
            print(
                f"  {start + len(batch)} images, −L_{k} {so_far:.3f}, {time.perf_counter() - began:.0f} s", flush=True
            )
    every, ones = np.concatenate(bound), np.concatenate(elbo)
    error = math.sqrt(len(every))
    return {
        "images": len(every),
        "samples": k,
        f"−L_{k}": -every.mean(),
        f"−L_{k} standard error": every.std(ddof=1) / error,
        "−L_1": -ones.mean(),
        "−L_1 standard error": ones.std(ddof=1) / error,
        "active units": active_units(np.concatenate(codes)),
        "seconds": time.perf_counter() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four IDX files of MNIST")
    parser.add_argument("--objective", choices=["vae", "iwae"], required=True)
    parser.add_argument("--k", type=int, default=1)
    parser.add_argument("--passes", type=int, default=3280, help="passes of the schedule to run; the paper has 3,280")
    parser.add_argument("--samples", type=int, default=5000, help="k of the test bound")
    parser.add_argument("--images", type=int, default=10_000, help="how many test images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    asked = parser.parse_args()

    train = mnist(asked.data).items.reshape(-1, 784)
    test = mnist(asked.data, "test").items.reshape(-1, 784)[: asked.images]
    name = f"iwae_mnist-{asked.objective}-k{asked.k}-seed{asked.seed}"
    state, curve = asked.out / f"{name}.safetensors", asked.out / f"{name}.jsonl"
    training = Training(asked.objective, asked.k, asked.seed)
    asked.out.mkdir(parents=True, exist_ok=True)
    if state.is_file():
        training.load(state)
        rows = [line for line in curve.read_text().splitlines() if json.loads(line)["pass"] <= training.passes]
        curve.write_text("".join(row + "\n" for row in rows))
    else:
        curve.unlink(missing_ok=True)
    while training.passes < asked.passes:
        stage = stage_of(training.passes)
        loss = training.one_pass(train)
        row = {"pass": training.passes, "stage": stage, "train": round(loss, 4), "seconds": round(training.seconds, 1)}
        with curve.open("a") as file:
            file.write(json.dumps(row) + "\n")
        training.save(state)
        print(row, flush=True)

    result = {
        "objective": asked.objective,
        "k": asked.k,
        "seed": asked.seed,
        "passes": training.passes,
        "schedule": f"{training.passes} of 3,280 passes, stages 0 to {stage_of(training.passes - 1)} of 0 to 7",
        "training seconds": round(training.seconds),
        **evaluate(training.model, test, asked.samples, asked.seed),
        "data": "MNIST, 60,000 training images, dynamic binarisation",
        "versions": f"minigen {minigen.__version__}, NumPy {np.__version__}, Python {platform.python_version()}",
    }
    (asked.out / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
