// One step of Adam over a flat buffer:
// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − rate m / (√v + eps).
//
// rate is r α / (1 − β₁ᵗ) and eps is r times the method's, with r = √(1 − β₂ᵗ), made on the host in double precision.

extern "C" __global__ void adam(
    float* w, const float* g, float* m, float* v, int count,
    float beta1, float rest1, float beta2, float rest2, float eps, float rate)
{
    const int i = place();
    if (i >= count) return;
    const float slope = g[i];
    const float mean = beta1 * m[i] + rest1 * slope;
    const float square = beta2 * v[i] + rest2 * (slope * slope);
    m[i] = mean;
    v[i] = square;
    w[i] -= rate * (mean / (sqrtf(square) + eps));
}
