// Means over logits, few enough for one block.

// y = E[log(1 + e⁻ᵃ) + smooth · a] over the first `reals` of the logits + E[log(1 + eᵃ)] over the others; 0 for none.
extern "C" __global__ void logistic_loss(const float* a, float* y, int count, int reals, float smooth)
{
    float real = 0.0f, fake = 0.0f;
    for (int i = threadIdx.x; i < count; i += BLOCK)
        if (i < reals)
            real += soft(-a[i]) + smooth * a[i];
        else
            fake += soft(a[i]);
    real = sum_all(real);
    fake = sum_all(fake);
    if (threadIdx.x == 0) y[0] = real / max(reals, 1) + fake / max(count - reals, 1);
}

// da = dy (smooth − σ(−a)) / reals for the first, dy σ(a) / (count − reals) for the others
extern "C" __global__ void logistic_slope(
    const float* dy, const float* a, float* da, int count, int reals, float smooth)
{
    const int i = place();
    if (i >= count) return;
    da[i] = i < reals ? dy[0] / reals * (smooth - sigma(-a[i])) : dy[0] / (count - reals) * sigma(a[i]);
}

// y = E[x]
extern "C" __global__ void mean_of_all(const float* x, float* y, int count)
{
    float sum = 0.0f;
    for (int i = threadIdx.x; i < count; i += BLOCK) sum += x[i];
    sum = sum_all(sum);
    if (threadIdx.x == 0) y[0] = sum / count;
}
