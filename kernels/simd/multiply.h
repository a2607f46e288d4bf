/* multiply.h - kernels.h's `multiply` and `peak` of one precision, written once over a register type.
 *
 * The including file defines for its instruction set R (register of 32-bit groups), R_LOAD, R_STORE, R_BROADCAST(p) =
 * the group at p in every place, R_OPAQUE(x) = the compiler must not know what x holds, R_COLUMNS (registers that a row
 * takes side by side) and R_STRETCH (groups that all rows pass over before the next ones are touched), and before each
 * inclusion MULTIPLY (the name of the function), ELEMENTS (of a group), ROWS (that share a loaded weight) and
 * DOT(sum, x, w) = sum + the products of the groups' elements. ROWS * R_COLUMNS sums live in registers.
 *
 * With fewer registers a panel is walked in passes of R_COLUMNS registers. The same rows take all passes over a stretch
 * before the next rows do: R_STRETCH groups of all columns are what stays in the first-level cache meanwhile. */
#define MULTIPLY_JOIN2(a, b) a##b
#define MULTIPLY_JOIN(a, b) MULTIPLY_JOIN2(a, b)
#define MULTIPLY_ROWS MULTIPLY_JOIN(MULTIPLY, _rows)
#define MULTIPLY_PEAK MULTIPLY_JOIN(MULTIPLY, _peak)

/* `rows` is a constant wherever this is inlined, so that all sums live in registers. One line of what comes next is
 * asked for every `mask` + 1 groups: bursts would wait for each other. */
static inline __attribute__((always_inline)) void MULTIPLY_ROWS(int rows, char *acc, const char *const *a, size_t first,
                                                                const char *w, size_t groups, const char *next,
                                                                size_t lines, size_t mask)
{
    R sum[ROWS][R_COLUMNS];
    const char *row[ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
        row[r] = a[r] + first * GROUP_BYTES;
#pragma GCC unroll 4
        for (int j = 0; j < R_COLUMNS; j++)
            sum[r][j] = R_LOAD(acc + r * GROUP_ROW + j * (int)sizeof(R));
    }
    for (size_t i = 0; i < groups; i++, w += GROUP_ROW) {
        R column[R_COLUMNS];
#pragma GCC unroll 4
        for (int j = 0; j < R_COLUMNS; j++)
            column[j] = R_LOAD(w + j * (int)sizeof(R));
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++) {
            R x = R_BROADCAST(row[r] + i * GROUP_BYTES);
#pragma GCC unroll 4
            for (int j = 0; j < R_COLUMNS; j++)
                sum[r][j] = DOT(sum[r][j], x, column[j]);
        }
        if (!(i & mask) && lines) {
            __builtin_prefetch(next, 0, 2);
            next += 64;
            lines--;
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
        for (int j = 0; j < R_COLUMNS; j++)
            R_STORE(acc + r * GROUP_ROW + j * (int)sizeof(R), sum[r][j]);
}

static void MULTIPLY(void *acc, size_t rows, const void *const *a, const void *w, size_t groups, const char *next,
                     size_t next_bytes)
{
    enum { PASS = R_COLUMNS * (int)sizeof(R), PASSES = GROUP_ROW / PASS };
    size_t blocks = (rows + ROWS - 1) / ROWS, stretches = (groups + R_STRETCH - 1) / R_STRETCH;
    if (!blocks || !stretches)
        return;
    size_t calls = blocks * stretches * PASSES, lines = (next_bytes + 63) / 64, share = (lines + calls - 1) / calls;
    size_t mask = 1; /* groups between two lines, a power of two, less one */
    while (share && mask * 2 * share <= (groups < R_STRETCH ? groups : R_STRETCH))
        mask *= 2;
    mask--;
    for (size_t i = 0; i < groups; i += R_STRETCH)
        for (size_t b = 0; b < blocks; b++)
            for (size_t p = 0; p < PASSES; p++) {
                size_t from = rows * b / blocks, count = rows * (b + 1) / blocks - from;
                size_t length = groups - i < R_STRETCH ? groups - i : R_STRETCH, ahead = lines < share ? lines : share;
                char *to = (char *)acc + from * GROUP_ROW + p * PASS;
                const char *const *x = (const char *const *)a + from;
                const char *column = (const char *)w + i * GROUP_ROW + p * PASS;
                switch (count) {
#if ROWS >= 6
                case 6: MULTIPLY_ROWS(6, to, x, i, column, length, next, ahead, mask); break;
                case 5: MULTIPLY_ROWS(5, to, x, i, column, length, next, ahead, mask); break;
#endif
                case 4: MULTIPLY_ROWS(4, to, x, i, column, length, next, ahead, mask); break;
                case 3: MULTIPLY_ROWS(3, to, x, i, column, length, next, ahead, mask); break;
                case 2: MULTIPLY_ROWS(2, to, x, i, column, length, next, ahead, mask); break;
                default: MULTIPLY_ROWS(1, to, x, i, column, length, next, ahead, mask);
                }
                next += ahead * 64;
                lines -= ahead;
            }
}

/* The same arithmetic without a load or a store. */
static double MULTIPLY_PEAK(size_t rounds, float *sink)
{
    R sum[ROWS][R_COLUMNS], x = R_BROADCAST(sink), w[R_COLUMNS];
#pragma GCC unroll 4
    for (int j = 0; j < R_COLUMNS; j++) {
        w[j] = x;
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++)
            sum[r][j] = x;
    }
    for (size_t i = 0; i < rounds; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < R_COLUMNS; j++)
            R_OPAQUE(w[j]);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            R_OPAQUE(x);
#pragma GCC unroll 4
            for (int j = 0; j < R_COLUMNS; j++)
                sum[r][j] = DOT(sum[r][j], x, w[j]);
        }
    }
    float result[sizeof(R) / sizeof(float)], total = 0;
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 4
        for (int j = 0; j < R_COLUMNS; j++) {
            R_OPAQUE(sum[r][j]); /* whole, or the compiler keeps parts of it in memory from the start */
            R_STORE(result, sum[r][j]);
            total += result[0];
        }
    *sink = total;
    return 2.0 * ELEMENTS * ROWS * R_COLUMNS * (double)(sizeof(R) / GROUP_BYTES) * (double)rounds;
}

#undef MULTIPLY
#undef MULTIPLY_ROWS
#undef MULTIPLY_PEAK
#undef MULTIPLY_JOIN
#undef MULTIPLY_JOIN2
#undef ELEMENTS
#undef ROWS
#undef DOT
