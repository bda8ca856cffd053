// Bends and masks, number by number: each a formula of several array calls as one pass over memory.

__device__ float sigma(float x)
{
    const float e = expf(-fabsf(x));
    return (x >= 0.0f ? 1.0f : e) / (1.0f + e);
}

__device__ float soft(float x) { return fmaxf(x, 0.0f) + log1pf(expf(-fabsf(x))); }

// y = x where x > 0, else slope · x
extern "C" __global__ void leaky_relu(const float* x, float* y, int count, float slope)
{
    const int i = place();
    if (i < count) y[i] = x[i] > 0.0f ? x[i] : slope * x[i];
}

// y = a where x > 0, else slope · a
extern "C" __global__ void leaky_gate(const float* a, const float* x, float* y, int count, float slope)
{
    const int i = place();
    if (i < count) y[i] = x[i] > 0.0f ? a[i] : slope * a[i];
}

// y = 1 / (1 + e⁻ˣ)
extern "C" __global__ void sigmoid(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = sigma(x[i]);
}

// y = log(1 + eˣ)
extern "C" __global__ void softplus(const float* x, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = soft(x[i]);
}

// y = scale · x where kept, else 0 · x, which keeps a NaN to be seen
extern "C" __global__ void masked(const float* x, const bool* kept, float* y, int count, float scale)
{
    const int i = place();
    if (i < count) y[i] = x[i] * (kept[i] ? scale : 0.0f);
}

// y = a (1 − t²)
extern "C" __global__ void tanh_gate(const float* a, const float* t, float* y, int count)
{
    const int i = place();
    if (i < count) y[i] = a[i] * (1.0f - t[i] * t[i]);
}

// y ← leaky(y + b), in place; b: a number for each of `channels`
extern "C" __global__ void bias_leaky(float* y, const float* b, int count, int channels, float slope)
{
    const int i = place();
    if (i >= count) return;
    const float z = y[i] + b[i % channels];
    y[i] = z > 0.0f ? z : slope * z;
}

// y ← scale · leaky(y + b) where kept, else 0 times that, in place
extern "C" __global__ void bias_leaky_masked(
    float* y, const float* b, const bool* kept, int count, int channels, float slope, float scale)
{
    const int i = place();
    if (i >= count) return;
    const float z = y[i] + b[i % channels];
    y[i] = (z > 0.0f ? z : slope * z) * (kept[i] ? scale : 0.0f);
}

// What both let through of a, where y is their result: it has the sign of z wherever it was kept.
extern "C" __global__ void leaky_masked_gate(
    const float* a, const float* y, const bool* kept, float* da, int count, float slope, float scale)
{
    const int i = place();
    if (i < count) da[i] = (y[i] > 0.0f ? a[i] : slope * a[i]) * (kept[i] ? scale : 0.0f);
}
