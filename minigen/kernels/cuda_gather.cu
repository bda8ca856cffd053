// Many arrays into one, and the rows of one array into fewer: gathered by whoever owns the result.

// Up to 16 arrays into one: y = a0, a1, …, one after another, of which array k ends before place `end k` of y.

extern "C" __global__ void gather(
    const float* a0, const float* a1, const float* a2, const float* a3,
    const float* a4, const float* a5, const float* a6, const float* a7,
    const float* a8, const float* a9, const float* a10, const float* a11,
    const float* a12, const float* a13, const float* a14, const float* a15,
    float* y,
    int end0, int end1, int end2, int end3, int end4, int end5, int end6, int end7,
    int end8, int end9, int end10, int end11, int end12, int end13, int end14, int end15)
{
    const int i = place();
    if (i < end0) y[i] = a0[i];
    else if (i < end1) y[i] = a1[i - end0];
    else if (i < end2) y[i] = a2[i - end1];
    else if (i < end3) y[i] = a3[i - end2];
    else if (i < end4) y[i] = a4[i - end3];
    else if (i < end5) y[i] = a5[i - end4];
    else if (i < end6) y[i] = a6[i - end5];
    else if (i < end7) y[i] = a7[i - end6];
    else if (i < end8) y[i] = a8[i - end7];
    else if (i < end9) y[i] = a9[i - end8];
    else if (i < end10) y[i] = a10[i - end9];
    else if (i < end11) y[i] = a11[i - end10];
    else if (i < end12) y[i] = a12[i - end11];
    else if (i < end13) y[i] = a13[i - end12];
    else if (i < end14) y[i] = a14[i - end13];
    else if (i < end15) y[i] = a15[i - end14];
}

// The gradient of x[places]: each row of x = Σ of the rows of y at its place.  Places out of range come round.
extern "C" __global__ void add_rows(
    const float* y, const long long* places, float* x, int count, int taken, int rows, int length)
{
    const int i = place();
    if (i >= count) return;
    const int row = i / length, column = i % length;
    float sum = 0.0f;
    for (int k = 0; k < taken; ++k) {
        const int at = (int)(places[k] % rows);
        if (row == (at < 0 ? at + rows : at)) sum += y[k * length + column];
    }
    x[i] = sum;
}
