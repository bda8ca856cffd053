// Windows of an array side by side, and their adjoint: tap k of output o belongs to place o · stride + k · dilation −
// before, on each of three axes.  Arrays are channels last; a thread owns one channel of the result, or four of them.

struct Axis {
    int size, outs, window, stride, dilation, before;
};

__device__ void add(float& a, float b) { a += b; }

__device__ void add(float4& a, float4 b)
{
    a.x += b.x;
    a.y += b.y;
    a.z += b.z;
    a.w += b.w;
}

// Where tap k of output o falls; −1 outside.
__device__ int seen(Axis axis, int o, int k)
{
    const int at = o * axis.stride + k * axis.dilation - axis.before;
    return at < axis.size ? max(at, -1) : -1;
}

// Entry i of y (N, outs0, outs1, outs2, window0, window1, window2, C), from x (N, size0, size1, size2, C).
template <class V>
__device__ void take(const V* x, V* y, int i, int C, Axis a, Axis b, Axis c)
{
    unsigned rest = i;
    const int channel = split_off(rest, C);
    const int k2 = split_off(rest, c.window), k1 = split_off(rest, b.window), k0 = split_off(rest, a.window);
    const int o2 = split_off(rest, c.outs), o1 = split_off(rest, b.outs), o0 = split_off(rest, a.outs);
    const int at0 = seen(a, o0, k0), at1 = seen(b, o1, k1), at2 = seen(c, o2, k2);
    V value = {};
    if (at0 >= 0 && at1 >= 0 && at2 >= 0)
        value = x[(((rest * a.size + at0) * b.size + at1) * c.size + at2) * C + channel];
    y[i] = value;
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
        take((const float4*)x, (float4*)y, i, C, a, b, c);
    else
        take(x, y, i, C, a, b, c);
}

// The taps of place `at` and their outputs: k · dilation ≡ at + before (mod stride), which holds for every step-th k.
struct Taps {
    int reach, first;
};

__device__ Taps taps_of(Axis axis, int at, int step)
{
    const int reach = at + axis.before;
    for (int k = 0; k < step; ++k)
        if ((reach - k * axis.dilation) % axis.stride == 0) return {reach, k};
    return {reach, axis.window};  // no tap falls here
}

// The output of which tap k falls on the place: a whole number, for k is one of the place's taps; below 0 if none.
__device__ int output_of(Axis axis, Taps taps, int k)
{
    const int o = (taps.reach - k * axis.dilation) / axis.stride;
    return o < axis.outs ? o : -1;
}

// Entry i of x: Σ of the entries of y that were taken there.  Their order is that of the taps, in every launch.
template <class V>
__device__ void gather(const V* y, V* x, int i, int C, Axis a, Axis b, Axis c, int step0, int step1, int step2)
{
    unsigned rest = i;
    const int channel = split_off(rest, C);
    const int at2 = split_off(rest, c.size), at1 = split_off(rest, b.size), at0 = split_off(rest, a.size);
    const Taps t0 = taps_of(a, at0, step0), t1 = taps_of(b, at1, step1), t2 = taps_of(c, at2, step2);
    V sum = {};
    for (int k0 = t0.first; k0 < a.window; k0 += step0) {
        const int o0 = output_of(a, t0, k0);
        if (o0 < 0) continue;
        for (int k1 = t1.first; k1 < b.window; k1 += step1) {
            const int o1 = output_of(b, t1, k1);
            if (o1 < 0) continue;
            for (int k2 = t2.first; k2 < c.window; k2 += step2) {
                const int o2 = output_of(c, t2, k2);
                if (o2 < 0) continue;
                const int output = ((rest * a.outs + o0) * b.outs + o1) * c.outs + o2;
                add(sum, y[(((output * a.window + k0) * b.window + k1) * c.window + k2) * C + channel]);
            }
        }
    }
    x[i] = sum;
}

extern "C" __global__ void fold(
    const float* y, float* x, int count, int numbers, int C, int step0, int step1, int step2,
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
        gather((const float4*)y, (float4*)x, i, C, a, b, c, step0, step1, step2);
    else
        gather(y, x, i, C, a, b, c, step0, step1, step2);
}
