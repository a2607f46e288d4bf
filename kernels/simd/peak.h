/* peak.h - kernels.h's `peak` over the vector type of the including file, with V_CHAINS independent sums. */
static double peak(size_t rounds, float *sink)
{
    V sum[V_CHAINS], x = V_SET(0.5f), y = V_SET(*sink);
    for (int i = 0; i < V_CHAINS; i++)
        sum[i] = V_SET((float)i);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 24
        for (int i = 0; i < V_CHAINS; i++)
            sum[i] = V_FMA(sum[i], x, y);
    for (int i = 1; i < V_CHAINS; i++)
        sum[0] = V_ADD(sum[0], sum[i]);
    float result[V_WIDTH];
    V_STORE(result, sum[0]);
    *sink = result[0];
    return 2.0 * V_CHAINS * V_WIDTH * (double)rounds;
}
