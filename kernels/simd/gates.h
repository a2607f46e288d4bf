/* gates.h - the pointwise steps of LSTM and GRU, and those of training an LSTM, written once over a vector type.
 *
 * The including file defines V (vector type), V_SET(x), V_LOAD, V_STORE, V_ADD, V_SUB, V_MUL, V_DIV, V_FMA(a,b,c) =
 * a*b+c, V_MIN(a,b) = a<b?a:b, V_MAX(a,b) = a>b?a:b, V_SCALE2(p, shifted) = p * 2^n where `shifted` is n + 1.5 * 2^23,
 * and V_WIDTH. All of these are exact or correctly rounded, so every instruction set gives the same bits.
 *
 * With E(x) = e^-x the gates share denominators, which leaves two divisions a cell:
 *   c' = (c (1+E(i)) (1+E(2g)) + (1-E(2g)) (1+E(f))) / ((1+E(i)) (1+E(2g)) (1+E(f)))
 *   h  = (1-E(2c')) / ((1+E(o)) (1+E(2c')))
 * Exponents are clamped at 2^36: products of three stay finite, and 2^-36 is below half an ulp of 1. */

/* 2^t for t in [-126, 36]: t = n + f, |f| <= 1/2; 2^f by its degree-6 minimax polynomial (relative error 2e-8). */
static inline V gates_exp2(V t)
{
    const V shift = V_SET(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
    t = V_MAX(V_MIN(t, V_SET(36.0f)), V_SET(-126.0f));
    V shifted = V_ADD(t, shift);
    V f = V_SUB(t, V_SUB(shifted, shift));
    V p = V_SET(1.5353362e-4f);
    p = V_FMA(p, f, V_SET(1.3398874e-3f));
    p = V_FMA(p, f, V_SET(9.6184373e-3f));
    p = V_FMA(p, f, V_SET(5.5503324e-2f));
    p = V_FMA(p, f, V_SET(2.4022648e-1f));
    p = V_FMA(p, f, V_SET(6.9314720e-1f));
    p = V_FMA(p, f, V_SET(1.0f));
    return V_SCALE2(p, shifted);
}

static inline V gates_exp_minus(V x)
{
    return gates_exp2(V_MUL(x, V_SET(-1.44269504f)));
}

static inline V gates_exp_minus_twice(V x)
{
    return gates_exp2(V_MUL(x, V_SET(-2.88539008f)));
}

static inline void gates_lstm(const float *z, float *c, float *h)
{
    const V one = V_SET(1.0f);
    V ei = gates_exp_minus(V_LOAD(z));
    V ef = gates_exp_minus(V_LOAD(z + BLOCK));
    V eg = gates_exp_minus_twice(V_LOAD(z + 2 * BLOCK));
    V eo = gates_exp_minus(V_LOAD(z + 3 * BLOCK));
    V ig = V_MUL(V_ADD(one, ei), V_ADD(one, eg));
    V df = V_ADD(one, ef);
    V cell = V_DIV(V_FMA(V_LOAD(c), ig, V_MUL(V_SUB(one, eg), df)), V_MUL(ig, df));
    V ec = gates_exp_minus_twice(cell);
    V_STORE(c, cell);
    V_STORE(h, V_DIV(V_SUB(one, ec), V_MUL(V_ADD(one, eo), V_ADD(one, ec))));
}

static inline void gates_gru(const float *z, float *c, float *h)
{
    const V one = V_SET(1.0f);
    V r = V_DIV(one, V_ADD(one, gates_exp_minus(V_LOAD(z))));
    V u = V_DIV(one, V_ADD(one, gates_exp_minus(V_LOAD(z + BLOCK))));
    V en = gates_exp_minus_twice(V_FMA(r, V_LOAD(z + 3 * BLOCK), V_LOAD(z + 2 * BLOCK)));
    V n = V_DIV(V_SUB(one, en), V_ADD(one, en));
    V state = V_FMA(u, V_SUB(V_LOAD(c), n), n);
    V_STORE(c, state);
    V_STORE(h, state);
}

/* What the next panel reads and writes lies in as many places as there are rows: asked for here, a few lines a row, it
 * arrives without waiting. */
static inline void gates_ahead(const float *start, const float *c, const float *h)
{
    for (int line = 0; line < PANEL; line += 16)
        __builtin_prefetch(start + line, 0, 2);
    __builtin_prefetch(c + BLOCK, 1, 2);
    __builtin_prefetch(h + BLOCK, 1, 2);
}

static void gates_lstm_rows(const float *z, size_t rows, float *const *c, float *const *h, const float *const *next)
{
    for (size_t r = 0; r < rows; r++) {
        gates_ahead(next[r], c[r], h[r]);
        for (size_t u = 0; u < BLOCK; u += V_WIDTH)
            gates_lstm(z + r * PANEL + u, c[r] + u, h[r] + u);
    }
}

static void gates_gru_rows(const float *z, size_t rows, float *const *c, float *const *h, const float *const *next)
{
    for (size_t r = 0; r < rows; r++) {
        gates_ahead(next[r], c[r], h[r]);
        for (size_t u = 0; u < BLOCK; u += V_WIDTH)
            gates_gru(z + r * PANEL + u, c[r] + u, h[r] + u);
    }
}

static inline V gates_sigmoid(V x)
{
    const V one = V_SET(1.0f);
    return V_DIV(one, V_ADD(one, gates_exp_minus(x)));
}

static inline V gates_tanh(V x)
{
    const V one = V_SET(1.0f);
    V e = gates_exp_minus_twice(x);
    return V_DIV(V_SUB(one, e), V_ADD(one, e));
}

static void gates_lstm_keep_rows(const float *z, size_t rows, size_t stride, float *const *gates,
                                 const float *const *before, float *const *c, float *const *h)
{
    for (size_t r = 0; r < rows; r++, z += PANEL) {
        for (size_t g = 0; g < 4; g++)
            __builtin_prefetch(gates[r] + g * stride + BLOCK, 1, 2);
        __builtin_prefetch(before[r] + BLOCK, 0, 2);
        __builtin_prefetch(c[r] + BLOCK, 1, 2);
        __builtin_prefetch(h[r] + BLOCK, 1, 2);
        for (size_t u = 0; u < BLOCK; u += V_WIDTH) {
            float *gate = gates[r] + u;
            V i = gates_sigmoid(V_ADD(V_LOAD(gate), V_LOAD(z + u)));
            V f = gates_sigmoid(V_ADD(V_LOAD(gate + stride), V_LOAD(z + BLOCK + u)));
            V g = gates_tanh(V_ADD(V_LOAD(gate + 2 * stride), V_LOAD(z + 2 * BLOCK + u)));
            V o = gates_sigmoid(V_ADD(V_LOAD(gate + 3 * stride), V_LOAD(z + 3 * BLOCK + u)));
            V cell = V_FMA(f, V_LOAD(before[r] + u), V_MUL(i, g));
            V_STORE(gate, i);
            V_STORE(gate + stride, f);
            V_STORE(gate + 2 * stride, g);
            V_STORE(gate + 3 * stride, o);
            V_STORE(c[r] + u, cell);
            V_STORE(h[r] + u, V_MUL(o, gates_tanh(cell)));
        }
    }
}

static void gates_lstm_back_row(size_t units, size_t stride, float *gates, const float *before, const float *c,
                                const float *dout, const float *dnext, float *dc)
{
    const V one = V_SET(1.0f);
    for (size_t u = 0; u < units; u += V_WIDTH) {
        float *gate = gates + u;
        V i = V_LOAD(gate), f = V_LOAD(gate + stride), g = V_LOAD(gate + 2 * stride), o = V_LOAD(gate + 3 * stride);
        V dh = V_ADD(V_LOAD(dout + u), V_LOAD(dnext + u)), squashed = gates_tanh(V_LOAD(c + u));
        V cell = V_FMA(V_MUL(dh, o), V_SUB(one, V_MUL(squashed, squashed)), V_LOAD(dc + u));
        V_STORE(gate, V_MUL(V_MUL(cell, g), V_MUL(i, V_SUB(one, i))));
        V_STORE(gate + stride, V_MUL(V_MUL(cell, V_LOAD(before + u)), V_MUL(f, V_SUB(one, f))));
        V_STORE(gate + 2 * stride, V_MUL(V_MUL(cell, i), V_SUB(one, V_MUL(g, g))));
        V_STORE(gate + 3 * stride, V_MUL(V_MUL(dh, squashed), V_MUL(o, V_SUB(one, o))));
        V_STORE(dc + u, V_MUL(cell, f));
    }
}
