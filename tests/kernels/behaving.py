"""Small trainings, and the programs that the tests of behaviour run on them, each in a process of its own.

`in_a_process` runs a program and reads the JSON that it prints.  Some can be told to make a mistake (`planted`), by
which a test shows that it would see one.
"""

import ctypes
import gc
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

import minigen
from benchmarks.workloads import Made, images, minigen_
from minigen.autograd import FUSED, OPS
from minigen.autograd.node import Node
from minigen.autograd.op import kernel
from minigen.train.gan import Config, Gan

ROOT = Path(__file__).parents[2]
STATUS = Path("/proc/self/status")  # where Linux says how much memory a process has
TASKS = Path("/proc/self/task")  # and which threads
PR_SET_THP_DISABLE = 41  # <linux/prctl.h>


def in_a_process(program, *, packages=ROOT, python=(), blas_threads=2, limit=60, environment=(), **settings):
    """What `program(**settings)` finds; AssertionError where it fails or warns, TimeoutExpired after `limit` seconds.

    packages: the folder from which minigen is imported.  python: options of the interpreter.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "MINIGEN_KEEP_MEMORY"}
    paths = {"PYTHONPATH": os.pathsep.join(map(str, (packages, ROOT)))}
    threads = {f"{library}_NUM_THREADS": str(blas_threads) for library in ("OPENBLAS", "OMP", "MKL")}
    done = subprocess.run(
        [sys.executable, "-W", "error", *python, __file__, program, json.dumps(settings)],
        env={**inherited, **paths, **threads, **dict(environment)},
        capture_output=True,
        text=True,
        timeout=limit,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Trainings ------------------------------------------------------------------------------------------------------------


def dcgan(*, width, batch, seed=0):
    """The article's GAN as its recipe trains it, with dropout and averaged weights, on noise for images."""
    recipe = Gan(Config(width=width, dropout=0.3, seed=seed))
    x_real = minigen.tensor(images(batch, 28))

    def step():
        measured = recipe.step(x_real)
        return measured["discriminator"], measured["generator"]

    return Made(step, lambda: [p.data for network in recipe.networks.values() for p in network.parameters()])


TRAININGS = {
    "ring": minigen_.ring,
    "wgan_gp": minigen_.wgan_gp,
    "vae": minigen_.vae,
    "dcgan": lambda: dcgan(width=0.25, batch=32),
    "small dcgan": lambda: dcgan(width=0.125, batch=16),
    "another small dcgan": lambda: dcgan(width=0.125, batch=16, seed=1),
}


def one_step(made):
    """The losses of a step, as numbers."""
    losses = made.step()
    return [float(loss) for loss in (losses if isinstance(losses, tuple) else (losses,))]


def digest(made):
    """A fingerprint of every bit of the parameters."""
    return hashlib.sha256(b"".join(p.tobytes() for p in made.parameters())).hexdigest()


def digest_after(training, steps):
    """The fingerprint of a training after so many steps."""
    made = TRAININGS[training]()
    for _ in range(steps):
        made.step()
    return digest(made)


# Programs -------------------------------------------------------------------------------------------------------------


def record(*, trainings, steps, path, one_core=False):
    """Train; write the losses, and the gradients of the first loss, to `path`.

    one_core: let all threads, BLAS's too, take turns on one core.
    """
    if one_core:
        cores = os.sched_getaffinity(0)
        for thread in TASKS.iterdir():
            os.sched_setaffinity(int(thread.name), {min(cores)})
    arrays, ends = {}, {}
    grad = minigen.grad
    for training in trainings:
        found = []
        minigen.grad = lambda *of, found=found, **how: found.append(grad(*of, **how)) or found[-1]
        made = TRAININGS[training]()
        arrays[f"{training}: losses"] = np.array([one_step(made) for _ in range(steps)])
        arrays |= {f"{training}: gradient {i}": dx.numpy() for i, dx in enumerate(found[0])}
        ends[training] = digest(made)
    np.savez(path, **arrays)
    return {
        "minigen": minigen.__file__,
        "kernels": [name for name, op in {**OPS, **FUSED}.items() if op.kernels],
        "threads": len(list(TASKS.iterdir())) if TASKS.exists() else None,
        "ends": ends,
    }


PLANTED_LEAKS = {
    None: lambda kept, losses: None,
    "losses": lambda kept, losses: kept.append(losses),
    "arrays": lambda kept, losses: kept.append(np.ones(4096, np.float32)),  # 16 KiB a step
    "cycles": lambda kept, losses: setattr(losses[0], "itself", losses[0]),
}


def grow(*, training, warm_up, steps, planted=None):
    """By how much living tensors, nodes and resident memory grow over the steps, without the cyclic collector.

    unreachable: what the collector finds in the end, which only cycles of references leave behind.
    """
    made, kept = TRAININGS[training](), []
    for _ in range(warm_up):
        made.step()
    gc.collect()
    gc.disable()
    before = _alive()
    for _ in range(steps):
        PLANTED_LEAKS[planted](kept, made.step())
    return {**{name: now - before[name] for name, now in _alive().items()}, "unreachable": gc.collect()}


def _alive():
    kinds = [type(x) for x in gc.get_objects()]
    resident = [line.split()[1] for line in STATUS.read_text().splitlines() if line.startswith("VmRSS:")]
    return {
        "tensors": sum(issubclass(kind, minigen.Tensor) for kind in kinds),
        "nodes": kinds.count(Node),
        "bytes": int(resident[0]) * 1024,
    }


def fork(*, training, wait_s, planted=False):
    """Train, fork, train on in both: how the child ended, and the parameters of each.

    planted: the child waits for a lock that only its parent could open, as happens where a library forgets a fork.
    """
    made, lock = TRAININGS[training](), threading.Lock()
    made.step()
    threads = len(list(TASKS.iterdir())) if TASKS.exists() else None
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def child():
        with lock:
            made.step()
        theirs.send(digest(made))

    if planted:
        lock.acquire()
    process = context.Process(target=child, daemon=True)
    process.start()
    made.step()
    answer = ours.recv() if ours.poll(wait_s) else None
    process.join(wait_s if answer else 0)
    status = process.exitcode
    process.kill()
    return {"child": answer, "status": status, "parent": digest(made), "threads": threads}


def at_once(*, trainings, steps, planted=False):
    """The parameters after trainings one by one, and after all of them at once, a thread each.

    Beside them a thread enters and leaves `no_grad` and `kernels_off`, which must concern nobody else.
    planted: a kernel that computes in one workspace for all.
    """
    if planted:
        kernel(OPS["leaky_gate"], backend="numpy")(_in_a_shared_workspace)
    alone = {training: digest_after(training, steps) for training in trainings}
    together, start, over = {}, threading.Barrier(len(trainings)), threading.Event()

    def train(training):
        start.wait()
        together[training] = digest_after(training, steps)

    def meddle():
        while not over.is_set():
            with minigen.no_grad(), minigen.autograd.kernels_off():
                time.sleep(1e-4)

    sys.setswitchinterval(1e-5)  # seconds; a thousandth of the usual, so that threads meet in many places
    meddler = threading.Thread(target=meddle)
    threads = [threading.Thread(target=train, args=(training,)) for training in trainings]
    for thread in (meddler, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    meddler.join()
    return {"alone": alone, "together": together}


WORKSPACES = {}


def _in_a_shared_workspace(a, x, *, slope):
    y = WORKSPACES.setdefault(x.shape, np.empty_like(x))
    np.multiply(a, np.where(x > 0, 1, slope), out=y)
    time.sleep(1e-3)  # here another thread may write to it
    return y.copy()


def faults():
    """How many pages the system hands out while arrays of 1 MiB come and go, two at a time, 200 in all."""
    import resource  # not on Windows

    ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)  # a huge page, where it is the rule, counts as one of 512

    def count():
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

    def two():
        return np.ones(1 << 18, np.float32), np.ones(1 << 18, np.float32)

    two()
    before = count()
    for _ in range(100):
        two()
    return {"kept": minigen.kernels.memory.kept, "faults": count() - before}


def in_jupyter(*, training, steps):
    """The same as `digest_after`, computed in a cell of a notebook."""
    import nbclient  # not everywhere
    import nbformat

    code = f"import sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]\nimport behaving\n"
    code += f"print(behaving.digest_after({training!r}, {steps}))"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=30).execute()
    return notebook.cells[0].outputs[0].text.strip()


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](**json.loads(sys.argv[2]))))
