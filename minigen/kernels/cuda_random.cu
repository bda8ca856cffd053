// Coins of Philox4x64-10, a generator that computes numbers from a key and a counter: Salmon et al. 2011, section 4.
// Every thread has a counter of its own, and so needs nothing of the others.

// Eight coins, a byte each: the 16-bit words of two numbers, the lowest first, that reach the bound.
__device__ unsigned long long eight_coins(unsigned long long a, unsigned long long b, unsigned bound)
{
    unsigned long long coins = 0;
    for (int j = 0; j < 4; ++j) {
        coins |= (unsigned long long)((unsigned)(a >> 16 * j & 0xffff) >= bound) << 8 * j;
        coins |= (unsigned long long)((unsigned)(b >> 16 * j & 0xffff) >= bound) << 8 * (j + 4);
    }
    return coins;
}

// kept: 16 booleans for each of count values of the counter, from first + 1; key: 64 bits, the lower half first.
extern "C" __global__ void coins(bool* kept, const int* key, int count, int first, int bound)
{
    const int i = place();
    if (i >= count) return;
    unsigned long long key0 = (unsigned)key[0] | (unsigned long long)(unsigned)key[1] << 32, key1 = 0;
    unsigned long long a = (unsigned long long)first + i + 1, b = 0, c = 0, d = 0;
    for (int round = 0; round < 10; ++round) {
        const unsigned long long high0 = __umul64hi(0xD2E7470EE14C6C93ull, a), low0 = 0xD2E7470EE14C6C93ull * a;
        const unsigned long long high1 = __umul64hi(0xCA5A826395121157ull, c), low1 = 0xCA5A826395121157ull * c;
        a = high1 ^ b ^ key0;
        b = low1;
        c = high0 ^ d ^ key1;
        d = low0;
        key0 += 0x9E3779B97F4A7C15ull;
        key1 += 0xBB67AE8584CAA73Bull;
    }
    unsigned long long* own = (unsigned long long*)kept + 2 * (long long)i;
    own[0] = eight_coins(a, b, bound);
    own[1] = eight_coins(c, d, bound);
}
