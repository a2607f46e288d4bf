/* quantise.h - kernels.h's `largest`, `squares`, `quantise` and `restore` over the vector type of the including file.
 *
 * Beside the names of gates.h the including file defines V_FROM_INT(p) = V_WIDTH int32_t at p as floats,
 * V_STORE8(p, v, offset) and V_STORE16(p, v) = v rounded to the nearest integers, ties to even, and stored as V_WIDTH
 * bytes (with the offset added) or int16_t, and ROW_OFFSET, 128 or 0. */
#include <math.h>

static float largest(const float *x, size_t count)
{
    V most = V_SET(0);
    size_t i = 0;
    for (; i + V_WIDTH <= count; i += V_WIDTH) {
        V at = V_LOAD(x + i);
        most = V_MAX(V_MAX(at, V_SUB(V_SET(0), at)), most); /* in this order a NaN counts as nothing */
    }
    float each[V_WIDTH], result = 0;
    V_STORE(each, most);
    for (size_t j = 0; j < V_WIDTH; j++)
        result = each[j] > result ? each[j] : result;
    for (; i < count; i++)
        result = fabsf(x[i]) > result ? fabsf(x[i]) : result;
    return result;
}

static float squares(const float *x, size_t count)
{
    enum { CHAINS = 16, VECTORS = CHAINS / V_WIDTH };
    V sum[VECTORS];
    float each[CHAINS], result = 0;
    size_t i = 0;
    for (int v = 0; v < VECTORS; v++)
        sum[v] = V_SET(0);
    for (; i + CHAINS <= count; i += CHAINS)
        for (int v = 0; v < VECTORS; v++) {
            V at = V_LOAD(x + i + v * V_WIDTH);
            sum[v] = V_FMA(at, at, sum[v]);
        }
    for (int v = 0; v < VECTORS; v++)
        V_STORE(each + v * V_WIDTH, sum[v]);
    for (int j = 0; i < count; i++, j++)
        each[j] = fmaf(x[i], x[i], each[j]);
    for (int j = 0; j < CHAINS; j++)
        result += each[j];
    return result;
}

static inline V hold(V x, float limit)
{
    return V_MAX(V_MIN(x, V_SET(limit)), V_SET(-limit));
}

static inline float hold_one(float x, float limit)
{
    x = x < limit ? x : limit;
    return rintf(x > -limit ? x : -limit);
}

static void quantise8(const float *x, size_t count, float factor, void *q)
{
    uint8_t *to = q;
    size_t i = 0, whole = group_count(PRECISION_INT8, count) * 4;
    for (; i + V_WIDTH <= count; i += V_WIDTH)
        V_STORE8(to + i, hold(V_MUL(V_LOAD(x + i), V_SET(factor)), 127.0f), ROW_OFFSET);
    for (; i < whole; i++)
        to[i] = (uint8_t)((i < count ? (int)hold_one(x[i] * factor, 127.0f) : 0) + ROW_OFFSET);
}

static void quantise16(const float *x, size_t count, float factor, void *q)
{
    int16_t *to = q;
    size_t i = 0, whole = group_count(PRECISION_INT16, count) * 2;
    for (; i + V_WIDTH <= count; i += V_WIDTH)
        V_STORE16(to + i, hold(V_MUL(V_LOAD(x + i), V_SET(factor)), 32767.0f));
    for (; i < whole; i++)
        to[i] = (int16_t)(i < count ? hold_one(x[i] * factor, 32767.0f) : 0);
}

static void restore(float *z, size_t rows, const int32_t *acc, const float *scale, const float *row_scale)
{
    for (size_t r = 0; r < rows; r++, z += PANEL, acc += PANEL) {
        V of_row = V_SET(row_scale[r]);
        for (size_t j = 0; j < PANEL; j += V_WIDTH)
            V_STORE(z + j, V_FMA(V_MUL(V_LOAD(scale + j), of_row), V_FROM_INT(acc + j), V_LOAD(z + j)));
    }
}
