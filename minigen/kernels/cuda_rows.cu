// Sums and soft maxima along the last axis: a block for each row, of any length.

// y = Σ (x a − log(1 + eᵃ)); rows of x begin anew after the last, where the logits a have more axes.
extern "C" __global__ void bernoulli_sum(const float* x, const float* a, float* y, int rows_of_x, int length)
{
    const float* own_x = x + (blockIdx.x % rows_of_x) * length;
    const float* own_a = a + blockIdx.x * length;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < length; i += BLOCK) sum += own_x[i] * own_a[i] - soft(own_a[i]);
    sum = sum_all(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = sum;
}

// da = dy (x − σ(a))
extern "C" __global__ void bernoulli_slope(
    const float* dy, const float* x, const float* a, float* da, int count, int size_of_x, int length)
{
    const int i = place();
    if (i < count) da[i] = dy[i / length] * (x[i % size_of_x] - sigma(a[i]));
}

// y = eˣ / Σ eˣ, the largest x of the row taken out first
extern "C" __global__ void softmax(const float* x, float* y, int length)
{
    const float* own_x = x + blockIdx.x * length;
    float* own_y = y + blockIdx.x * length;
    float top = own_x[0];
    for (int i = threadIdx.x; i < length; i += BLOCK) top = larger(top, own_x[i]);
    top = largest_of_all(top);
    float sum = 0.0f;
    for (int i = threadIdx.x; i < length; i += BLOCK) sum += expf(own_x[i] - top);
    sum = sum_all(sum);
    for (int i = threadIdx.x; i < length; i += BLOCK) own_y[i] = expf(own_x[i] - top) / sum;
}

// y = log Σ eˣ, the largest x of the row taken out first; −∞ where all are −∞
extern "C" __global__ void logsumexp(const float* x, float* y, int length)
{
    const float* own_x = x + blockIdx.x * length;
    float top = own_x[0];
    for (int i = threadIdx.x; i < length; i += BLOCK) top = larger(top, own_x[i]);
    top = largest_of_all(top);
    if (isinf(top) && top < 0.0f) top = 0.0f;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < length; i += BLOCK) sum += expf(own_x[i] - top);
    sum = sum_all(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = logf(sum) + top;
}

// y = Σ x w + b for each row: what a layer with one output is
extern "C" __global__ void one_output(const float* x, const float* w, const float* b, float* y, int length)
{
    const float* own_x = x + blockIdx.x * length;
    float sum = 0.0f;
    for (int i = threadIdx.x; i < length; i += BLOCK) sum += own_x[i] * w[i];
    sum = sum_all(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = sum + b[0];
}
