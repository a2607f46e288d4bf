/* kernels.h - the inner loops of the CPU back end, one set an instruction set.
 *
 * Every set gives the same bits in each precision: a float32 output element is one chain of fused multiply-adds in
 * ascending k, integer sums are exact, and everything else uses only operations that IEEE 754 rounds correctly (add,
 * multiply, fma, divide, rounding to the nearest integer), in one order (simd/gates.h, simd/quantise.h).
 *
 * Packed weights: columns come in panels of 64, k in groups that fill 32 bits (1 float, 2 numbers of 16 bits, 4 of 8),
 * each panel [groups][4][16] of them: for a recurrent layer the four blocks are the gates i f g o of 16 units, for a
 * linear layer they are 64 neighbouring columns. One layout serves every instruction set, so that a model file can hold
 * it and processes can share it. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PANEL = 64, BLOCK = 16, GROUP_BYTES = 4, GROUP_ROW = PANEL * GROUP_BYTES };

/* f32: the reference.
 * int16: rows and weights of at most +-32767 such that no sum leaves 31 bits: close to float32.
 * int8: rows and weights of at most +-127.
 * int7: rows of at most +-127, weights of at most +-64, which AVX2 multiplies without overflow in 16 bits. A precision
 *       of its own: its results are not int8's. */
enum precision { PRECISION_F32, PRECISION_INT16, PRECISION_INT8, PRECISION_INT7, PRECISIONS };

struct kernels {
    const char *name;       /* as --isa takes it */
    enum precision fastest; /* what `--precision auto` stands for */

    /* Adds rows * weights to sums, by precision.
     * acc: [rows, PANEL], aligned to 64 bytes, float (f32) or int32_t; a: [rows] pointers to `groups` groups each;
     * w: [groups, PANEL] groups.
     *   f32      acc[r][j] = fma(a[r][i], w[i][j], acc[r][j]) for i ascending
     *   integer  acc[r][j] += the sum of a[r][k] w[k][j] over all k, exactly
     * While it works it asks the cache for `next_bytes` bytes at `next` (the weights that come after w). */
    void (*multiply[PRECISIONS])(void *acc, size_t rows, const void *const *a, const void *w, size_t groups,
                                 const char *next, size_t next_bytes);

    /* The largest |x[i]|, 0 for none; a NaN counts as nothing. */
    float (*largest)(const float *x, size_t count);

    /* The sum of x[i]^2: sixteen chains of fused multiply-adds, chain i % 16, each in ascending i, then added together
     * in that order. */
    float (*squares)(const float *x, size_t count);

    /* q[i] = x[i] * factor, rounded to the nearest integer (ties to even) and held inside the precision's range; 8 bits
     * are stored with 128 added unless `signed_rows`. Elements up to the end of the last group are written as if x were
     * 0 there. NULL for f32. */
    void (*quantise[PRECISIONS])(const float *x, size_t count, float factor, void *q);

    /* z[r][j] = fma(scale[j] * row_scale[r], (float)acc[r][j], z[r][j]) for 64 columns. */
    void (*restore)(float *z, size_t rows, const int32_t *acc, const float *scale, const float *row_scale);

    /* The set's 8-bit rows are signed: they need no correction by 128 times the sum of a column's weights. */
    bool signed_rows;

    /* One time step of 16 units. z: [rows, 4, BLOCK] pre-activations i f g o; c, h: [rows] pointers to the 16 cells,
     * which are replaced (Hochreiter & Schmidhuber 1997):
     *   c = sigmoid(f) c + sigmoid(i) tanh(g);   h = sigmoid(o) tanh(c)
     * next: [rows] pointers to the 64 floats that will be read next; these and the next 16 of c and h are asked for. */
    void (*lstm)(const float *z, size_t rows, float *const *c, float *const *h, const float *const *next);

    /* z: [rows, 4, BLOCK]: r, z, the input's share of n, the state's share of n; c holds h(t-1), and both get h(t)
     * (Cho et al. 2014, in PyTorch's form):
     *   n = tanh(z2 + sigmoid(r) z3);   h = (1 - sigmoid(z)) n + sigmoid(z) h */
    void (*gru)(const float *z, size_t rows, float *const *c, float *const *h, const float *const *next);

    /* `lstm` for training, which keeps what the backward pass needs. z: [rows, 4, BLOCK], h(t-1) W_hh^T; gates[r] + g *
     * stride: 16 units of gate g, the rest of the pre-activations, replaced by sigmoid(i) sigmoid(f) tanh(g)
     * sigmoid(o); before[r]: the cells of t-1; c[r], h[r] receive those of t. */
    void (*lstm_keep)(const float *z, size_t rows, size_t stride, float *const *gates, const float *const *before,
                      float *const *c, float *const *h);

    /* Its derivative for `units` (a multiple of BLOCK) of one row. gates, before and c as lstm_keep left them; dh =
     * dout
     * + dnext is the gradient of h, dc that of c from the step after:
     *   dc += dh o (1 - tanh(c)^2);   di = dc g i (1-i);   df = dc before f (1-f);   dg = dc i (1 - g^2);
     *   do = dh tanh(c) o (1-o);      dc = dc f, that of `before`
     * The gradients of the pre-activations replace the gates. */
    void (*lstm_back)(size_t units, size_t stride, float *gates, const float *before, const float *c, const float *dout,
                      const float *dnext, float *dc);

    /* Independent multiply-adds in registers, as `multiply` does them, for measuring what the machine can do at most.
     * Returns the number of operations done, two a multiply-add; *sink keeps the compiler from leaving them out. */
    double (*peak[PRECISIONS])(size_t rounds, float *sink);
};

/* The sets this machine can run, best first; returns how many, at least one: scalar is always the last. */
enum { KERNEL_SETS = 8 };
size_t kernels_available(const struct kernels *sets[KERNEL_SETS]);

/* name: "auto" or a set's; NULL when this machine cannot run it. */
const struct kernels *kernels_find(const char *name);

/* Elements of a group; the groups that `count` elements fill, the last one perhaps in part. */
static inline size_t group_elements(enum precision precision)
{
    static const size_t elements[PRECISIONS] = {1, 2, 4, 4};
    return elements[precision];
}

static inline size_t group_count(enum precision precision, size_t count)
{
    size_t elements = group_elements(precision);
    return (count + elements - 1) / elements;
}

#endif
