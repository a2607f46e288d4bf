/* kernels.h - the inner loops of the CPU back end, one set an instruction set.
 *
 * Every set gives the same bits: an output element is one chain of fused multiply-adds in ascending k, and the
 * pointwise steps use only operations that IEEE 754 rounds correctly (add, multiply, fma, divide), in one order
 * (simd/gates.h).
 *
 * Packed weights: columns come in panels of 64, each panel [k][4][16] floats: for a recurrent layer the four blocks are
 * the gates i f g o of 16 units, for a linear layer they are 64 neighbouring columns. One layout serves every
 * instruction set, so that a model file can hold it and processes can share it. */
#ifndef KERNELS_KERNELS_H
#define KERNELS_KERNELS_H
#include <stddef.h>

enum { PANEL = 64, BLOCK = 16 };

struct kernels {
    const char *name; /* "avx512", "avx2", "scalar" */

    /* acc[r][j] = fma(a[r][i], w[i][j], acc[r][j]) for i = 0..k-1 ascending.
     * acc: [rows, PANEL], aligned to 64 bytes; a: [rows] pointers to k floats each; w: [k, PANEL].
     * While it works it asks the cache for `next_bytes` bytes at `next` (the weights that come after w). */
    void (*multiply)(float *acc, size_t rows, const float *const *a, const float *w, size_t k, const char *next,
                     size_t next_bytes);

    /* One time step of 16 units. z: [rows, 4, BLOCK] pre-activations i f g o; c, h: [rows] pointers to the 16 cells,
     * which are replaced (Hochreiter & Schmidhuber 1997):
     *   c = sigmoid(f) c + sigmoid(i) tanh(g);   h = sigmoid(o) tanh(c) */
    void (*lstm)(const float *z, size_t rows, float *const *c, float *const *h);

    /* z: [rows, 4, BLOCK]: r, z, the input's share of n, the state's share of n; c holds h(t-1), and both get h(t)
     * (Cho et al. 2014, in PyTorch's form):
     *   n = tanh(z2 + sigmoid(r) z3);   h = (1 - sigmoid(z)) n + sigmoid(z) h */
    void (*gru)(const float *z, size_t rows, float *const *c, float *const *h);

    /* Independent fused multiply-adds in registers, for measuring what the machine can do at most. Returns the number
     * of floating-point operations done; *sink keeps the compiler from leaving them out. */
    double (*peak)(size_t rounds, float *sink);
};

/* The sets this machine can run, best first, ended by NULL. */
const struct kernels *const *kernels_available(void);

/* name: "auto" or a set's; NULL when this machine cannot run it. */
const struct kernels *kernels_find(const char *name);

#endif
