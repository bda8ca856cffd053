// What CUDA gives a kernel's text, for a C++ compiler on the CPU: one block at a time, a fiber for each thread.
//
// Threads run one after another in an order drawn from a seed, each up to its next barrier.  Shared memory is full of
// NaN when a block starts.  Arrays lie against a page that nobody may touch, and those that are const cannot be written.
// Every block starts from the memory that the launch found: what one block leaves for another, or two blocks write to
// one place, is an error, as it is on a GPU where nothing says which comes first.

#include <csetjmp>
#include <csignal>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ucontext.h>

#define __global__ __attribute__((noinline))
#define __device__ static __attribute__((unused))
#define __shared__ static __attribute__((section("shared_memory"), used))
#define __syncthreads() shim::barrier(__LINE__)
#define __syncthreads_or(one) shim::barrier_or(one, __LINE__)

using std::isfinite;
using std::isinf;
using std::isnan;

struct Place {
    unsigned x;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
static int min(int a, int b) { return a < b ? a : b; }
static int max(int a, int b) { return a > b ? a : b; }
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned __int128)a * b >> 64;
}
static inline void sincospif(float x, float* sine, float* cosine)
{
    *sine = std::sin(M_PI * x);
    *cosine = std::cos(M_PI * x);
}

static Place threadIdx, blockIdx;

namespace shim {
__attribute__((noinline)) void barrier(int line);

// A barrier that tells every thread whether `one` is true for any.  The first of its two lets the last call end.
static inline int barrier_or(int one, int line)
{
    static int any, inside;
    barrier(line);
    if (inside++ == 0) any = 0;
    any |= one != 0;
    barrier(line);
    --inside;
    return any;
}
}
