// What the other texts share: a thread's place in the launch, and sums over the threads of a block.
//
// Every block has 256 threads.  Nothing is ever added to memory by two blocks: a result is gathered by the one thread
// that owns it, so that a launch repeats bit for bit.

#define BLOCK 256
#define LANES 32              // columns that a block works on side by side, where it adds down columns
#define ROWS (BLOCK / LANES)  // and rows

__device__ int place() { return blockIdx.x * BLOCK + threadIdx.x; }

// Split the last axis, of n places, off a place counted in row order.
__device__ int split_off(unsigned& rest, int n)
{
    const unsigned whole = rest / (unsigned)n;
    const int part = rest - whole * n;
    rest = whole;
    return part;
}

// Σ of each column of ROWS x LANES numbers, one a thread; every thread gets the sum of its column.
__device__ float sum_down(float number)
{
    __shared__ float numbers[BLOCK];
    const int lane = threadIdx.x % LANES;
    __syncthreads();  // whoever still reads the numbers of the last call
    numbers[threadIdx.x] = number;
    __syncthreads();
    float sum = 0.0f;
    for (int row = 0; row < ROWS; ++row) sum += numbers[row * LANES + lane];
    return sum;
}

// Σ over all threads of the block; every thread gets it.
__device__ float sum_all(float number)
{
    __shared__ float numbers[BLOCK];
    __syncthreads();  // whoever still reads the numbers of the last call
    numbers[threadIdx.x] = number;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) numbers[threadIdx.x] += numbers[threadIdx.x + half];
        __syncthreads();
    }
    return numbers[0];
}

// The largest over all threads of the block, NaN where one is; every thread gets it.
__device__ float larger(float a, float b) { return a > b || isnan(a) ? a : b; }

__device__ float largest_of_all(float number)
{
    __shared__ float numbers[BLOCK];
    __syncthreads();  // whoever still reads the numbers of the last call
    numbers[threadIdx.x] = number;
    __syncthreads();
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) numbers[threadIdx.x] = larger(numbers[threadIdx.x], numbers[threadIdx.x + half]);
        __syncthreads();
    }
    return numbers[0];
}
