"""The shim catches what it is there for: each mistake is planted in a small kernel, beside its right twin."""

import numpy as np
import pytest

from minigen.kernels import cuda_source

from . import shim

pytestmark = pytest.mark.skipif(bool(shim.WHY_NOT), reason=shim.WHY_NOT)

KERNELS = r"""
extern "C" __global__ void twice(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = sum_all(x[i]) + sum_all(1.0f);
}
extern "C" __global__ void thrice(const float* x, float* y, int count)
{
    const int i = place();
    const float sums = sum_down(x[i]) + sum_down(2.0f * x[i]);
    y[i] = sums + largest_of_all(x[i]) - largest_of_all(-x[i]);
}
extern "C" __global__ void asks_all(const float* x, float* y, int count)
{
    const int i = place();
    const int one = __syncthreads_or(i == 300), all = __syncthreads_or(threadIdx.x == 200), none = __syncthreads_or(0);
    y[i] = one + 2 * all + 4 * none + 0 * x[i];
}
extern "C" __global__ void asks_some(const float* x, float* y, int count)
{
    y[place()] = threadIdx.x < 100 ? __syncthreads_or(1) : x[0];
}
extern "C" __global__ void upper_half(const float* x, float* y, int count)
{
    y[place()] = __umul64hi(1ull << 63, 2ull * threadIdx.x + 1) + 0 * x[0];
}
extern "C" __global__ void scaled(const float* x, float* y, int count, float scale)
{
    const int i = place();
    if (i < count) y[i] = scale * x[i];
}
extern "C" __global__ void reads_past(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = x[i + 1];
}
extern "C" __global__ void reads_before(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = x[i - 1];
}
extern "C" __global__ void writes_past(const float* x, float* y, int count)
{
    const int i = place();
    if (i <= count) y[i] = x[0];
}
extern "C" __global__ void writes_const(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) ((float*)x)[i] = y[i];
}
extern "C" __global__ void divergent(const float* x, float* y, int count)
{
    const int i = place();
    if (threadIdx.x < 100) __syncthreads();
    if (i < count) y[i] = x[i];
}
extern "C" __global__ void two_barriers(const float* x, float* y, int count)
{
    const int i = place();
    if (threadIdx.x < 100)
        __syncthreads();
    else
        __syncthreads();
    if (i < count) y[i] = x[i];
}
extern "C" __global__ void uninitialised(const float* x, float* y, int count)
{
    __shared__ float numbers[BLOCK];
    const int i = place();
    if (threadIdx.x) numbers[threadIdx.x] = x[0];
    __syncthreads();
    if (i < count) y[i] = numbers[threadIdx.x];
}
extern "C" __global__ void scatters(const float* x, float* y, int count)
{
    const int i = place();
    if (threadIdx.x == 0) y[0] += x[i];
}
extern "C" __global__ void reads_another_blocks(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = i < BLOCK ? x[i] : y[i - BLOCK];
}
extern "C" __global__ void races(const float* x, float* y, int count)
{
    const int i = place();
    y[i] = x[i];
    if (threadIdx.x) y[i] += y[i - 1];
}
"""
SOURCE = cuda_source.text("common") + KERNELS
X = np.random.default_rng(0).normal(size=512).astype(np.float32)


def launched(name, *numbers, source=SOURCE, blocks=2, y=None):
    y = np.full_like(X, np.nan) if y is None else y
    shim.Shim(source, "-O0").run(name, blocks, (X, y, np.int32(len(X)), *numbers))
    return y


def right(name, y):
    blocks = X.reshape(2, 256)
    if name == "twice":
        wanted = np.repeat(blocks.sum(1) + 256, 256)
    else:
        columns = np.tile(3 * blocks.reshape(2, 8, 32).sum(1), 8)
        wanted = (columns + (blocks.max(1) + blocks.min(1))[:, None]).ravel()
    return np.allclose(y, wanted, atol=1e-4)


@pytest.mark.parametrize("name", ["twice", "thrice"])
def test_barriers_and_shared_memory_work(name):
    assert right(name, launched(name))


def test_a_barrier_that_asks_hears_every_thread_of_the_block_and_no_other():
    assert np.array_equal(launched("asks_all"), np.repeat([2, 3], 256))


def test_the_upper_half_of_a_product_of_64_bits():
    assert np.array_equal(launched("upper_half"), np.tile(np.arange(256), 2))


BARRIERS = [i for i, line in enumerate(SOURCE.split("\n")) if "__syncthreads();" in line][:8]


@pytest.mark.parametrize("line", BARRIERS)
def test_every_barrier_of_the_shared_text_is_missed_when_it_is_missing(line):
    lines = SOURCE.split("\n")
    lines[line] = lines[line].replace("__syncthreads();", "")
    wrong = 0
    for name in ("twice", "thrice"):
        try:
            wrong += not right(name, launched(name, source="\n".join(lines)))
        except shim.ShimError as error:
            assert "another order of threads" in str(error)
            wrong += 1
    assert wrong


@pytest.mark.parametrize(
    "name, message",
    [
        ("reads_past", r"block 1, thread 255: a touch past the end of array 0"),
        ("reads_before", r"block 0, thread 0: a touch before the start of array 0"),
        ("writes_past", r"block 2, thread 0: a touch past the end of array 1"),
        ("writes_const", r"a touch for writing in the const array 0"),
        ("divergent", r"block 0: 100 threads wait at the barrier of line \d+, 156 never come there"),
        ("asks_some", r"block 0: 100 threads wait at the barrier of line \d+, 156 never come there"),
        ("two_barriers", r"block 0: some threads wait at the barrier of line \d+, others at that of line \d+"),
        ("scatters", r"blocks 0 and 1 both write to word 0 of array 1"),
        ("races", r"y: another order of threads gives other numbers"),
    ],
)
def test_a_planted_mistake_is_named(name, message):
    with pytest.raises(shim.ShimError, match=message):
        launched(name, blocks=3 if name == "writes_past" else 2, y=np.zeros_like(X))


def test_shared_memory_that_nobody_wrote_is_nan():
    assert np.isnan(launched("uninitialised")[[0, 256]]).all()


def test_a_block_does_not_see_what_another_wrote():
    assert np.isnan(launched("reads_another_blocks")[256:]).all()


def test_a_number_of_pythons_arrives_as_on_a_gpu():
    assert np.array_equal(launched("scaled", np.float32(0.2)), np.float32(0.2) * X)
    assert not np.allclose(launched("scaled", 0.2), 0.2 * X)  # half of a double


def test_an_array_that_a_launch_does_not_write_stays_as_it_was():
    y = launched("twice", blocks=1)
    assert np.isnan(y[256:]).all() and not np.isnan(y[:256]).any()


def test_a_refused_text_says_why():
    with pytest.raises(shim.ShimError, match="g\\+\\+ refuses the text:"):
        shim.Shim(SOURCE + "nonsense")
