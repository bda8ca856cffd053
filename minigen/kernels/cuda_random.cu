// Coins, uniform and normal numbers of Philox4x64-10, a generator that computes from a key and a counter: Salmon et
// al. 2011, section 4.  Every thread has a counter of its own, and so needs nothing of the others.

typedef unsigned long long Number;
struct Numbers {
    Number a, b, c, d;
};

// The four numbers of counter first + i + 1; key: 64 bits, the lower half first.
__device__ Numbers philox(const int* key, int first, int i)
{
    Number key0 = (unsigned)key[0] | (unsigned long long)(unsigned)key[1] << 32, key1 = 0;
    Number a = (unsigned long long)first + i + 1, b = 0, c = 0, d = 0;
    for (int round = 0; round < 10; ++round) {
        const Number high0 = __umul64hi(0xD2E7470EE14C6C93ull, a), low0 = 0xD2E7470EE14C6C93ull * a;
        const Number high1 = __umul64hi(0xCA5A826395121157ull, c), low1 = 0xCA5A826395121157ull * c;
        a = high1 ^ b ^ key0;
        b = low1;
        c = high0 ^ d ^ key1;
        d = low0;
        key0 += 0x9E3779B97F4A7C15ull;
        key1 += 0xBB67AE8584CAA73Bull;
    }
    return {a, b, c, d};
}

// Eight coins, a byte each: the 16-bit words of two numbers, the lowest first, that reach the bound.
__device__ Number eight_coins(Number a, Number b, unsigned bound)
{
    Number coins = 0;
    for (int j = 0; j < 4; ++j) {
        coins |= (Number)((unsigned)(a >> 16 * j & 0xffff) >= bound) << 8 * j;
        coins |= (Number)((unsigned)(b >> 16 * j & 0xffff) >= bound) << 8 * (j + 4);
    }
    return coins;
}

// kept: 16 booleans for each of count values of the counter, from first + 1.
extern "C" __global__ void coins(bool* kept, const int* key, int count, int first, int bound)
{
    const int i = place();
    if (i >= count) return;
    const Numbers of = philox(key, first, i);
    Number* own = (Number*)kept + 2 * (long long)i;
    own[0] = eight_coins(of.a, of.b, bound);
    own[1] = eight_coins(of.c, of.d, bound);
}

// 24 bits of a word as a number in [0, 1).
__device__ float share(unsigned word) { return (word >> 8) * 0x1p-24f; }

__device__ float4 four_shares(Number a, Number b)
{
    return {share(a), share(a >> 32), share(b), share(b >> 32)};
}

// y: 8 numbers uniform on [0, 1) for each of count values of the counter, from first + 1.
extern "C" __global__ void uniforms(float* y, const int* key, int count, int first)
{
    const int i = place();
    if (i >= count) return;
    const Numbers of = philox(key, first, i);
    float4* own = (float4*)y + 2 * (long long)i;
    own[0] = four_shares(of.a, of.b);
    own[1] = four_shares(of.c, of.d);
}

// Two normal numbers of one of 64 bits: Box & Muller 1958, eq. 1.  The lower half gives the radius, the upper the
// angle, in half turns from -1 to 1.
__device__ void two_normals(Number number, float& x, float& y)
{
    const float u = ((float)(unsigned)number + 0.5f) * 0x1p-32f;  // in (0, 1]
    const float r = sqrtf(-2.0f * logf(u));
    sincospif((int)(number >> 32) * 0x1p-31f, &y, &x);
    x *= r;
    y *= r;
}

__device__ float4 four_normals(Number a, Number b)
{
    float4 four;
    two_normals(a, four.x, four.y);
    two_normals(b, four.z, four.w);
    return four;
}

// y: 8 standard normal numbers for each of count values of the counter, from first + 1.
extern "C" __global__ void normals(float* y, const int* key, int count, int first)
{
    const int i = place();
    if (i >= count) return;
    const Numbers of = philox(key, first, i);
    float4* own = (float4*)y + 2 * (long long)i;
    own[0] = four_normals(of.a, of.b);
    own[1] = four_normals(of.c, of.d);
}
