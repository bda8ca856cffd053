// Adam over a flat buffer, in two launches of which the second asks the first whether the gradient is a number
// everywhere, so that the host need not.
//
// numbers: which update this is since the host last looked, rate, eps, shrink, decay (see ops/steps.py), made on the
// host in double precision.  faults: for each of 256 chunks of the gradient the place of its first NaN or infinity,
// counted from 1, and behind these the update in which it was seen; 0 where there was none.  A note stays until the
// host empties the array.

// The smallest number over all threads of the block; thread 0 gets it.
__device__ int smallest_of_all(int number)
{
    __shared__ int numbers[BLOCK];
    numbers[threadIdx.x] = number;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) numbers[threadIdx.x] = min(numbers[threadIdx.x], numbers[threadIdx.x + half]);
        __syncthreads();
    }
    return numbers[0];
}

// A block looks through a chunk of `length` numbers of g.
extern "C" __global__ void note_faults(const float* g, const float* numbers, int* faults, int count, int length)
{
    const int start = blockIdx.x * length, end = start + min(length, count - start);
    int first = count;
    for (int i = start + threadIdx.x; i < end; i += BLOCK)
        if (!isfinite(g[i])) first = min(first, i);
    first = smallest_of_all(first);
    if (threadIdx.x == 0 && first < count && faults[blockIdx.x] == 0) {
        faults[blockIdx.x] = first + 1;
        faults[BLOCK + blockIdx.x] = (int)numbers[0];
    }
}

// g ← g + decay w, w ← shrink w, m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − rate m / (√v + eps),
// where nothing was noted.
extern "C" __global__ void adam(
    float* w, const float* g, float* m, float* v, const int* faults, const float* numbers, int count,
    float beta1, float rest1, float beta2, float rest2)
{
    if (__syncthreads_or(faults[threadIdx.x] != 0)) return;
    const int i = place();
    if (i >= count) return;
    const float rate = numbers[1], eps = numbers[2], shrink = numbers[3], decay = numbers[4];
    const float slope = decay == 0.0f ? g[i] : g[i] + decay * w[i];
    const float mean = beta1 * m[i] + rest1 * slope;
    const float square = beta2 * v[i] + rest2 * (slope * slope);
    m[i] = mean;
    v[i] = square;
    w[i] = shrink * w[i] - rate * (mean / (sqrtf(square) + eps));
}
