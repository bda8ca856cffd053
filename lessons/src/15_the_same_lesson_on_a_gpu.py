# ---
# jupyter:
#   minigen:
#     title: The same lesson on a GPU
#     zh: 在 GPU 上
#     says: One flag, the same numbers; when a GPU helps, when it does not, and how to time it honestly.
#     minutes: 15
#     budget_s: 5
#     needs: ["02", "09"]
#     covers: []
#     picture: 2
#     terms:
#     - [backend, 计算后端, "", backend, ""]
#     - [kernel launch, 内核启动, "", launch_s, ""]
#     - [synchronisation, 同步, "", synchronize, ""]
#     - [double precision, 双精度, "", float64, ""]
# ---

# %% [markdown]
# # 15 · The same lesson on a GPU · 在 GPU 上
#
# *15 minutes to read, 5 seconds to run.  Before it: lessons 02 and 09.*
#
# The article trains on an NVIDIA GPU.  In minigen that is one flag, `--backend cupy`, or one line,
# `backend.use("cupy")`. Do both machines give the same numbers, and when is the GPU the faster one?  **Without CuPy
# and a GPU this lesson says so, does the half that a CPU can do, and passes.**

# %% [markdown]
# ## What the article says · 文章怎么说
#
# Under 开发环境搭建 the article asks for an NVIDIA GPU, and among the challenges it names 计算资源, computing power.
# It gives no formula, so this lesson has none to prove.  What can be proved is that nothing depends on the machine.
#
# | symbol | meaning | 含义 | variable | shape | article |
# |---|---|---|---|---|---|
# | – | where arrays live: NumPy or CuPy | 计算后端 | `backend`, `xp` | – | – |
# | $t_0$ | what one call costs, however little it does | 启动开销 | `launch_s` | () | – |
# | $c$ | what each item adds | 每个样本的耗时 | `item_s` | () | – |
# | $N$ | items in a batch | 批大小 | `batch` | () | BATCH_SIZE in the article's listing |

# %%
import time

import matplotlib.pyplot as plt
import numpy as np

import minigen
from minigen import backend
from minigen.check import checklist, grad_check, value_check
from minigen.losses import gan
from minigen.nn import Dense, LeakyReLU, Sequential

started = time.perf_counter()
SEED = 0
rng = np.random.default_rng(SEED)

why_not = backend.probe()  # one sentence, empty where CuPy and its GPU can be used
backends = ["numpy"] if why_not else ["numpy", "cupy"]
print(why_not or "CuPy can be used: both backends take part")

# %% [markdown]
# ## From the formula to five lines · 从公式到代码
#
# A formula is written once.  `minigen.backend.array_module(x)` asks an array which library owns it, and the formula
# calls that library; no line says NumPy.  So the loss of a small discriminator, and its derivative, are the same
# five lines on either machine.


# %%
def loss_and_gradients(name, seed=0):
    """L_D of a small network in float64 on one backend, and its gradients, as NumPy arrays."""
    backend.use(name)
    rng = np.random.default_rng(seed)
    network = Sequential(Dense(6, 16, rng=rng), LeakyReLU(0.2), Dense(16, 1, rng=rng)).astype(
        np.float64
    )
    real, fake = (minigen.tensor(rng.normal(size=(32, 6)), dtype=np.float64) for _ in range(2))
    loss = gan.nonsaturating.discriminator(network(real), network(fake))
    gradients = minigen.grad(loss, network.parameters())
    backend.use("numpy")
    return [backend.to_host(array.data) for array in (loss, *gradients)]


def check_same_numbers(seed=0):
    """float64 on both machines: sums are taken in another order, so the last digits may differ, and no more."""
    for name in backends:
        for ours, reference in zip(
            loss_and_gradients(name, seed), loss_and_gradients("numpy", seed), strict=True
        ):
            value_check(
                lambda ours=ours: ours, [([], reference)], rtol=1e-10, atol=1e-12, name=f"on {name}"
            )


def check_gradient(seed=0):
    logits = np.random.default_rng(seed).normal(size=(8, 1))
    grad_check(gan.nonsaturating.discriminator, {"real": logits, "fake": -logits}, order=2)


check_same_numbers()
check_gradient()

# %% [markdown]
# ## Experiment: what a call costs · 实验：一次调用的代价
#
# A call costs something before it has done anything: Python looks up a function, and on a GPU a kernel has to be
# launched. After that each item adds its share.  To a good approximation
#
# $$t(N) = t_0 + c\,N$$
#
# Measure it for one dense layer, forward and backward.  The best of several repetitions is taken, since whatever
# else the machine does can only add time.

# %%
BATCHES = [1, 4, 16, 64, 256, 1024, 4096]


def step_seconds(name, batch):
    """Seconds of one forward and backward of Dense(64, 64), the best of 7 rounds."""
    backend.use(name)
    layer = Dense(64, 64, rng=np.random.default_rng(SEED))
    x = minigen.tensor(np.ones((batch, 64), np.float32))
    best = np.inf
    for _ in range(7):
        backend.synchronize()  # a GPU is handed work and answers later: wait before the clock starts …
        begin = time.perf_counter()
        for _ in range(5):
            minigen.grad((layer(x) ** 2).mean(), layer.parameters())
        backend.synchronize()  # … and before it stops
        best = min(best, (time.perf_counter() - begin) / 5)
    backend.use("numpy")
    return best


seconds = {name: [step_seconds(name, batch) for batch in BATCHES] for name in backends}
for name in backends:
    print(
        f"{name:6} "
        + "  ".join(f"N={n}: {1e6 * s:.0f} µs" for n, s in zip(BATCHES, seconds[name], strict=True))
    )
growth = seconds["numpy"][-1] / seconds["numpy"][0]
print(f"4,096 times the items take {growth:.0f} times as long on the CPU")
assert growth < 4096  # the first item pays for the call

# %%
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
for name, style in zip(backends, ["o-", "s--"], strict=False):
    axes.loglog(BATCHES, 1e6 * np.array(seconds[name]), style, label=name)
axes.set(
    xlabel="batch N",
    ylabel="time of a step, in µs",
    title="Flat while the call dominates, then linear",
)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 1.** Time of one forward and backward of a dense layer against the batch, both axes logarithmic: nearly
# flat for small batches, where the call itself costs most, then growing with the batch.

# %% [markdown]
# A GPU has a larger $t_0$ and a much smaller $c$.  So it loses on small work and wins on large work, and the batch
# at which the two lines cross is worth knowing before one rents a machine.  The numbers below are an **example**,
# not a measurement.

# %%
cpu, gpu = {"launch_s": 20e-6, "item_s": 1.0e-6}, {"launch_s": 200e-6, "item_s": 0.02e-6}
batch = np.logspace(0, 4, 100)

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.loglog(batch, 1e6 * (cpu["launch_s"] + cpu["item_s"] * batch), "-", label="CPU (example)")
axes.loglog(batch, 1e6 * (gpu["launch_s"] + gpu["item_s"] * batch), "--", label="GPU (example)")
crossing = (gpu["launch_s"] - cpu["launch_s"]) / (cpu["item_s"] - gpu["item_s"])
axes.axvline(crossing, color="0.5", linestyle=":", label=f"equal at N = {crossing:.0f}")
axes.set(xlabel="batch N", ylabel="time of a step, in µs", title="Small work belongs on the CPU")
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# **Figure 2.** Two example lines, time of a step against the batch: the CPU starts low and grows soon, the GPU
# starts ten times higher and stays flat; they cross at a batch of 184.

# %% [markdown]
# ## Exercise A: time work that is done later · 练习 A：给异步计算计时
#
# A GPU takes an order and returns at once; the work is done later.  A clock read too early measures how fast orders
# are given. Write `seconds_per_call` so that neither work that was ordered before, nor work that is not yet done,
# falsifies it.


# %% tags=["exercise"] name="exercise-a"
def seconds_per_call(work, wait, clock, n=10):
    """Seconds that one call of work() really takes: wait() returns when everything ordered so far is done."""
    ### BEGIN SOLUTION
    wait()
    begin = clock()
    for _ in range(n):
        work()
    wait()
    return (clock() - begin) / n
    ### END SOLUTION


# %% tags=["check"] name="check-a" points=3
class Device:
    """A machine with a clock of its own: an order takes 1 µs to give and `seconds` to be done, later."""

    def __init__(self, seconds, pending):
        self.now, self.seconds, self.pending = 0.0, seconds, pending

    def work(self):
        self.now += 1e-6
        self.pending += self.seconds

    def wait(self):
        self.now, self.pending = self.now + self.pending, 0.0


def check_exercise_a(seed=0):
    rng = np.random.default_rng(seed)
    for pending, name in [
        (0.0, "an idle device"),
        (0.5, "a device that is still at work when the timing begins"),
    ]:
        seconds, n = rng.uniform(1e-3, 2e-3), int(rng.integers(3, 20))
        device = Device(seconds, pending)
        value_check(
            lambda device=device, n=n: seconds_per_call(
                device.work, device.wait, lambda: device.now, n
            ),
            [([], seconds + 1e-6)],
            name=name,
        )


check_exercise_a()

# %% [raw] tags=["wrong"] name="exercise-a" says="The clock is read before the work is done."
# def seconds_per_call(work, wait, clock, n=10):
#     wait()
#     begin = clock()
#     for _ in range(n):
#         work()
#     return (clock() - begin) / n

# %% [raw] tags=["wrong"] name="exercise-a" says="Work that was ordered before is counted in."
# def seconds_per_call(work, wait, clock, n=10):
#     begin = clock()
#     for _ in range(n):
#         work()
#     wait()
#     return (clock() - begin) / n

# %% [raw] tags=["wrong"] name="exercise-a" says="The seconds of all calls, not of one."
# def seconds_per_call(work, wait, clock, n=10):
#     wait()
#     begin = clock()
#     for _ in range(n):
#         work()
#     wait()
#     return clock() - begin

# %% [markdown]
# ## Exercise B: where the lines cross · 练习 B：两条线的交点
#
# Each machine is a pair $(t_0, c)$, in seconds and seconds per item.  From which batch on is the GPU at least as
# fast?  Answer 1 where it always is, and `math.inf` where it never is.


# %% tags=["exercise"] name="exercise-b"
def smallest_batch_for(gpu, cpu):
    """The smallest whole batch N ≥ 1 at which t₀ + c N of gpu is no longer than that of cpu; math.inf if none is."""
    ### BEGIN SOLUTION
    (gpu_launch, gpu_item), (cpu_launch, cpu_item) = gpu, cpu
    if gpu_launch + gpu_item <= cpu_launch + cpu_item:
        return 1
    if gpu_item >= cpu_item:
        return float("inf")
    return int(np.ceil((gpu_launch - cpu_launch) / (cpu_item - gpu_item)))
    ### END SOLUTION


# %% tags=["check"] name="check-b" points=3
def check_exercise_b(seed=0):
    value_check(
        smallest_batch_for,
        [([(200e-6, 0.02e-6), (20e-6, 1e-6)], 184.0)],
        name="the example of Figure 2",
    )
    value_check(
        smallest_batch_for, [([(8.0, 2.0), (4.0, 3.0)], 4.0)], name="equal at a whole batch"
    )
    value_check(
        smallest_batch_for, [([(1.0, 1.0), (2.0, 3.0)], 1.0)], name="a GPU that always wins"
    )
    value_check(
        smallest_batch_for, [([(9.0, 3.0), (2.0, 3.0)], np.inf)], name="a GPU that never wins"
    )


check_exercise_b()

# %% [raw] tags=["wrong"] name="exercise-b" says="Rounded down: at that batch the CPU is still ahead."
# def smallest_batch_for(gpu, cpu):
#     return (gpu[0] - cpu[0]) // (cpu[1] - gpu[1])

# %% [raw] tags=["wrong"] name="exercise-b" says="A GPU with the larger cost of an item is said to win at last."
# def smallest_batch_for(gpu, cpu):
#     gap = cpu[1] - gpu[1]
#     return max(1, np.ceil((gpu[0] - cpu[0]) / gap)) if gap else 1

# %% [markdown]
# ## A question in words · 一道文字题
#
# A training loop prints the loss after every batch, as the article's does.  On a GPU this may cost more than the
# printing.  Why, and what would you write instead?

# %% [markdown] tags=["rubric"] name="rubric"
# **What a good answer says** (3 points).  To print a loss, its number has to come to the host (1), so the host
# waits until all work ordered so far is done, and orders nothing meanwhile: the queue runs empty (1).  Keep the
# losses on the device and read them every so many steps (1).

# %% [markdown]
# ## What to take along · 小结
#
# - One formula, two machines: the array says where it lives, and the numbers agree to the last digits of float64.
# - $t(N)=t_0+cN$: small networks and small batches belong on the CPU.
# - A time without a synchronisation on both sides is the time of giving orders.
# - Reading one number waits for everything.
#
# To run the whole of it on your GPU: `pip install 'minigen[cuda12]'` or `'minigen[cuda13]'`, then this lesson once
# more, and `python -m minigen.train gan --backend cupy`.
#
# **New terms**: backend (计算后端), kernel launch (内核启动), synchronisation (同步), double precision (双精度).
# **Read next**: `probe` in `minigen/backend.py`, the six ways in which a GPU can be missing.

# %%
checklist(
    [check_same_numbers, check_gradient, check_exercise_a, check_exercise_b],
    started=started,
    budget_s=5,
)
