// Batch normalisation of x, rows × channels: the rows are cut into chunks, a block adds up 32 channels of one chunk,
// and a second launch joins the chunks.  σ² comes from squares of x − μ, never from the mean of x².

// Mean and Σ (x − mean)² of each channel in each chunk of `length` rows: (chunks, channels) each.
extern "C" __global__ void chunk_moments(
    const float* x, float* means, float* squares, int rows, int channels, int length)
{
    const int tiles = (channels + LANES - 1) / LANES;
    const int channel = blockIdx.x % tiles * LANES + threadIdx.x % LANES;
    const int chunk = blockIdx.x / tiles, start = chunk * length, end = min(start + length, rows);
    const bool ours = channel < channels;
    float sum = 0.0f;
    if (ours)
        for (int row = start + threadIdx.x / LANES; row < end; row += ROWS) sum += x[row * channels + channel];
    const float mean = sum_down(sum) / (end - start);
    sum = 0.0f;
    if (ours)
        for (int row = start + threadIdx.x / LANES; row < end; row += ROWS) {
            const float d = x[row * channels + channel] - mean;
            sum += d * d;
        }
    const float square = sum_down(sum);
    if (ours && threadIdx.x < LANES) {
        means[chunk * channels + channel] = mean;
        squares[chunk * channels + channel] = square;
    }
}

// μ, σ² and 1 / √(σ² + eps) of each channel, from its chunks: Σ (x − μ)² = Σ over chunks of squares + n (mean − μ)².
extern "C" __global__ void join_moments(
    const float* means, const float* squares, float* mu, float* variance, float* r,
    int rows, int channels, int length, int chunks, float eps)
{
    const int channel = blockIdx.x * LANES + threadIdx.x % LANES;
    const bool ours = channel < channels;
    float sum = 0.0f;
    if (ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS)
            sum += means[chunk * channels + channel] * min(length, rows - chunk * length);
    const float mean = sum_down(sum) / rows;
    sum = 0.0f;
    if (ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS) {
            const float d = means[chunk * channels + channel] - mean;
            sum += squares[chunk * channels + channel] + d * d * min(length, rows - chunk * length);
        }
    const float square = sum_down(sum) / rows;
    if (ours && threadIdx.x < LANES) {
        mu[channel] = mean;
        variance[channel] = square;
        r[channel] = 1.0f / sqrtf(square + eps);
    }
}

// y = (x − μ) (gamma r) + beta
extern "C" __global__ void normalise(
    const float* x, const float* mu, const float* r, const float* gamma, const float* beta, float* y,
    int count, int channels)
{
    const int i = place();
    if (i >= count) return;
    const int channel = i % channels;
    y[i] = (x[i] - mu[channel]) * (gamma[channel] * r[channel]) + beta[channel];
}

// Σ dy and Σ dy (x − μ) of each channel in each chunk: (chunks, channels) each.
extern "C" __global__ void chunk_sums(
    const float* dy, const float* x, const float* mu, float* sums, float* products, int rows, int channels, int length)
{
    const int tiles = (channels + LANES - 1) / LANES;
    const int channel = blockIdx.x % tiles * LANES + threadIdx.x % LANES;
    const int chunk = blockIdx.x / tiles, start = chunk * length, end = min(start + length, rows);
    const bool ours = channel < channels;
    float sum = 0.0f, product = 0.0f;
    if (ours) {
        const float mean = mu[channel];
        for (int row = start + threadIdx.x / LANES; row < end; row += ROWS) {
            const int i = row * channels + channel;
            sum += dy[i];
            product += dy[i] * (x[i] - mean);
        }
    }
    sum = sum_down(sum);
    product = sum_down(product);
    if (ours && threadIdx.x < LANES) {
        sums[chunk * channels + channel] = sum;
        products[chunk * channels + channel] = product;
    }
}

// dbeta = Σ dy and dgamma = r Σ dy (x − μ), from the chunks.
extern "C" __global__ void join_sums(
    const float* sums, const float* products, const float* r, float* dgamma, float* dbeta, int channels, int chunks)
{
    const int channel = blockIdx.x * LANES + threadIdx.x % LANES;
    const bool ours = channel < channels;
    float sum = 0.0f, product = 0.0f;
    if (ours)
        for (int chunk = threadIdx.x / LANES; chunk < chunks; chunk += ROWS) {
            sum += sums[chunk * channels + channel];
            product += products[chunk * channels + channel];
        }
    sum = sum_down(sum);
    product = sum_down(product);
    if (ours && threadIdx.x < LANES) {
        dbeta[channel] = sum;
        dgamma[channel] = product * r[channel];
    }
}

// dx = gamma r (dy − dbeta / n − (x − μ) r dgamma / n)
extern "C" __global__ void normalise_slope(
    const float* dy, const float* x, const float* mu, const float* r, const float* gamma, const float* dgamma,
    const float* dbeta, float* dx, int count, int rows, int channels)
{
    const int i = place();
    if (i >= count) return;
    const int channel = i % channels;
    const float along = (x[i] - mu[channel]) * r[channel] * (dgamma[channel] / rows);
    dx[i] = gamma[channel] * r[channel] * (dy[i] - dbeta[channel] / rows - along);
}
