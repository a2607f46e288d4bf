/* cpu.h - what the files of the CPU back end share. */
#ifndef TENSOR_CPU_H
#define TENSOR_CPU_H
#include "tensor/backend.h"

struct cpu_backend {
    struct backend base;
    const struct kernels *kernels;
    size_t threads, lanes;
};

/* Scratch of one worker: sums and pointers for steps over up to `lanes` rows. */
struct cpu_scratch {
    float *work;           /* [lanes, 64] */
    const void **pointers; /* [3 * lanes] */
    const float **start;   /* [lanes] */
    const float **rows;    /* [lanes * pieces] */
};
ft_status cpu_scratch_init(struct cpu_scratch *scratch, size_t lanes, size_t pieces);
void cpu_scratch_release(struct cpu_scratch *scratch);

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);
ft_status cpu_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                    size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                    struct ft_error *error);

#endif
