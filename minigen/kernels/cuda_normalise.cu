// Batch normalisation of x, rows × channels, with a leaky bend behind it where the slope is not 1.  Rows are cut into
// chunks: a block adds up 32 channels of one chunk, and in a second launch every block joins the chunks of its channels
// for itself, then writes its own rows.  σ² comes from squares of x − μ, never from the mean of x².

// The part of x that is a block's: a thread takes every ROWS-th row of one channel.
struct Tile {
    int channel, chunk, first, end;
    bool ours;
};

__device__ Tile tile_of(int rows, int channels, int length)
{
    const int tiles = (channels + LANES - 1) / LANES, chunk = blockIdx.x / tiles;
    const int channel = blockIdx.x % tiles * LANES + threadIdx.x % LANES;
    const int first = chunk * length + threadIdx.x / LANES, end = min((chunk + 1) * length, rows);
    return {channel, chunk, first, end, channel < channels};
}

// Σ of a channel's numbers over all chunks, (chunks, channels); every thread gets it.
__device__ float joined(const float* numbers, Tile tile, int channels, int chunks)
{
    float sum = 0.0f;
    if (tile.ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS)
            sum += numbers[chunk * channels + tile.channel];
    return sum_down(sum);
}

__device__ float moved(const float* running, int channel, float batch, float momentum, float rest)
{
    return momentum == 0.0f ? rest * batch : momentum * running[channel] + rest * batch;
}

// What a leaky bend lets through of dy: all where its y is above 0, else slope · dy.
__device__ float let_through(float dy, const float* y, int i, float slope)
{
    return slope == 1.0f || y[i] > 0.0f ? dy : slope * dy;
}

// Mean and Σ (x − mean)² of each channel in each chunk of `length` rows: (chunks, channels) each.
extern "C" __global__ void chunk_moments(
    const float* x, float* means, float* squares, int rows, int channels, int length)
{
    const Tile tile = tile_of(rows, channels, length);
    float sum = 0.0f;
    if (tile.ours)
        for (int row = tile.first; row < tile.end; row += ROWS) sum += x[row * channels + tile.channel];
    const float mean = sum_down(sum) / (tile.end - tile.chunk * length);
    sum = 0.0f;
    if (tile.ours)
        for (int row = tile.first; row < tile.end; row += ROWS) {
            const float d = x[row * channels + tile.channel] - mean;
            sum += d * d;
        }
    const float square = sum_down(sum);
    if (tile.ours && threadIdx.x < LANES) {
        means[tile.chunk * channels + tile.channel] = mean;
        squares[tile.chunk * channels + tile.channel] = square;
    }
}

// y = bend((x − μ) (gamma r) + beta) with r = 1 / √(σ² + eps), from the chunks: Σ (x − μ)² = Σ over chunks of squares +
// n (mean − μ)².  The moments of whoever asked are moved: mean ← momentum · mean + rest · μ, variance ← momentum ·
// variance + rest · (correction · σ²); with momentum 0 what they were is not read.
extern "C" __global__ void normalise(
    const float* x, const float* means, const float* squares, const float* gamma, const float* beta, float* y,
    float* mu, float* r, float* mean, float* variance, int rows, int channels, int length, int chunks, float eps,
    float slope, float momentum, float rest, float correction)
{
    const Tile tile = tile_of(rows, channels, length);
    float sum = 0.0f;
    if (tile.ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS)
            sum += means[chunk * channels + tile.channel] * min(length, rows - chunk * length);
    const float middle = sum_down(sum) / rows;
    sum = 0.0f;
    if (tile.ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS) {
            const float d = means[chunk * channels + tile.channel] - middle;
            sum += squares[chunk * channels + tile.channel] + d * d * min(length, rows - chunk * length);
        }
    const float square = sum_down(sum) / rows;
    if (!tile.ours) return;
    const float root = 1.0f / sqrtf(square + eps);
    if (tile.chunk == 0 && threadIdx.x < LANES) {
        mu[tile.channel] = middle;
        r[tile.channel] = root;
        mean[tile.channel] = moved(mean, tile.channel, middle, momentum, rest);
        variance[tile.channel] = moved(variance, tile.channel, correction * square, momentum, rest);
    }
    const float scale = gamma[tile.channel] * root, shift = beta[tile.channel];
    for (int row = tile.first; row < tile.end; row += ROWS) {
        const int i = row * channels + tile.channel;
        const float z = (x[i] - middle) * scale + shift;
        y[i] = z > 0.0f ? z : slope * z;
    }
}

// Σ dz and Σ dz (x − μ) of each channel in each chunk, dz being what the bend lets through: (chunks, channels) each.
extern "C" __global__ void chunk_sums(
    const float* dy, const float* x, const float* y, const float* mu, float* sums, float* products, int rows,
    int channels, int length, float slope)
{
    const Tile tile = tile_of(rows, channels, length);
    float sum = 0.0f, product = 0.0f;
    if (tile.ours) {
        const float mean = mu[tile.channel];
        for (int row = tile.first; row < tile.end; row += ROWS) {
            const int i = row * channels + tile.channel;
            const float dz = let_through(dy[i], y, i, slope);
            sum += dz;
            product += dz * (x[i] - mean);
        }
    }
    sum = sum_down(sum);
    product = sum_down(product);
    if (tile.ours && threadIdx.x < LANES) {
        sums[tile.chunk * channels + tile.channel] = sum;
        products[tile.chunk * channels + tile.channel] = product;
    }
}

// dbeta = Σ dz, dgamma = r Σ dz (x − μ), and dx = gamma r (dz − dbeta / n − (x − μ) r dgamma / n), from the chunks.
extern "C" __global__ void normalise_slope(
    const float* dy, const float* x, const float* y, const float* mu, const float* r, const float* gamma,
    const float* sums, const float* products, float* dx, float* dgamma, float* dbeta, int rows, int channels,
    int length, int chunks, float slope)
{
    const Tile tile = tile_of(rows, channels, length);
    const float sum = joined(sums, tile, channels, chunks), product = joined(products, tile, channels, chunks);
    if (!tile.ours) return;
    const float root = r[tile.channel], mean = mu[tile.channel];
    if (tile.chunk == 0 && threadIdx.x < LANES) {
        dbeta[tile.channel] = sum;
        dgamma[tile.channel] = product * root;
    }
    const float scale = gamma[tile.channel] * root, along = product * root * root / rows;
    for (int row = tile.first; row < tile.end; row += ROWS) {
        const int i = row * channels + tile.channel;
        dx[i] = scale * (let_through(dy[i], y, i, slope) - sum / rows - (x[i] - mean) * along);
    }
}
