// Windows of an array side by side, and their adjoint, on three axes a, b, c.  x (N, *size, C) is channels last, and
// y (N, *outs, *window, C) holds for every output the window it sees.  A thread owns one channel of one place of its
// result, or four of them.

struct Axis {
    int size, outs, window, stride, dilation, before;
};

// The place that tap k of output o sees: o · stride + k · dilation − before; below 0 if that is outside.
__device__ int place_of(Axis axis, int o, int k)
{
    const int at = o * axis.stride + k * axis.dilation - axis.before;
    return at < axis.size ? at : -1;
}

// The output whose tap k sees a place; below 0 if none does.
__device__ int output_of(Axis axis, int at, int k)
{
    const int reach = at + axis.before - k * axis.dilation;
    const int o = reach / axis.stride;
    return o * axis.stride == reach && o < axis.outs ? o : -1;
}

// Entry i of y: the entry of x that it sees, 0 outside.
template <class V>
__device__ V seen(const V* x, int i, int C, Axis a, Axis b, Axis c)
{
    unsigned n = i;
    const int channel = split_off(n, C);
    const int k2 = split_off(n, c.window), k1 = split_off(n, b.window), k0 = split_off(n, a.window);
    const int o2 = split_off(n, c.outs), o1 = split_off(n, b.outs), o0 = split_off(n, a.outs);
    const int at0 = place_of(a, o0, k0), at1 = place_of(b, o1, k1), at2 = place_of(c, o2, k2);
    if (at0 < 0 || at1 < 0 || at2 < 0) return {};
    return x[(((n * a.size + at0) * b.size + at1) * c.size + at2) * C + channel];
}

__device__ void add(float& sum, float one) { sum += one; }

__device__ void add(float4& sum, float4 one)
{
    sum.x += one.x;
    sum.y += one.y;
    sum.z += one.z;
    sum.w += one.w;
}

// Entry i of x: Σ of the entries of y that see it.  Their order is that of the taps, in every launch.
template <class V>
__device__ V sum_of_seers(const V* y, int i, int C, Axis a, Axis b, Axis c)
{
    unsigned n = i;
    const int channel = split_off(n, C);
    const int at2 = split_off(n, c.size), at1 = split_off(n, b.size), at0 = split_off(n, a.size);
    V sum = {};
    for (int k0 = 0; k0 < a.window; ++k0) {
        const int o0 = output_of(a, at0, k0);
        if (o0 < 0) continue;
        for (int k1 = 0; k1 < b.window; ++k1) {
            const int o1 = output_of(b, at1, k1);
            if (o1 < 0) continue;
#pragma unroll 1  // four at a time, as the compiler likes it, takes 42 registers in place of 33
            for (int k2 = 0; k2 < c.window; ++k2) {
                const int o2 = output_of(c, at2, k2);
                if (o2 < 0) continue;
                const int output = ((n * a.outs + o0) * b.outs + o1) * c.outs + o2;
                add(sum, y[(((output * a.window + k0) * b.window + k1) * c.window + k2) * C + channel]);
            }
        }
    }
    return sum;
}

extern "C" __global__ void patches(
    const float* x, float* y, int count, int numbers, int C,
    int size0, int outs0, int window0, int stride0, int dilation0, int before0,
    int size1, int outs1, int window1, int stride1, int dilation1, int before1,
    int size2, int outs2, int window2, int stride2, int dilation2, int before2)
{
    const Axis a = {size0, outs0, window0, stride0, dilation0, before0};
    const Axis b = {size1, outs1, window1, stride1, dilation1, before1};
    const Axis c = {size2, outs2, window2, stride2, dilation2, before2};
    const int i = place();
    if (i >= count) return;
    if (numbers == 4)
        ((float4*)y)[i] = seen((const float4*)x, i, C, a, b, c);
    else
        y[i] = seen(x, i, C, a, b, c);
}

extern "C" __global__ void fold(
    const float* y, float* x, int count, int numbers, int C,
    int size0, int outs0, int window0, int stride0, int dilation0, int before0,
    int size1, int outs1, int window1, int stride1, int dilation1, int before1,
    int size2, int outs2, int window2, int stride2, int dilation2, int before2)
{
    const Axis a = {size0, outs0, window0, stride0, dilation0, before0};
    const Axis b = {size1, outs1, window1, stride1, dilation1, before1};
    const Axis c = {size2, outs2, window2, stride2, dilation2, before2};
    const int i = place();
    if (i >= count) return;
    if (numbers == 4)
        ((float4*)x)[i] = sum_of_seers((const float4*)y, i, C, a, b, c);
    else
        x[i] = sum_of_seers(y, i, C, a, b, c);
}
