/* cpu.h - what the files of the CPU back end share. */
#ifndef TENSOR_CPU_H
#define TENSOR_CPU_H
#include "tensor/backend.h"

struct cpu_backend {
    struct backend base;
    const struct kernels *kernels;
    size_t threads, lanes;
    size_t fork_bytes;  /* for states of sequences that begin alike, a language model of a call */
    size_t split_below; /* with fewer sequences a thread, threads step the same lanes of a language model */
    size_t split_bytes; /* such a thread has no fewer weights of a layer; not 0 */
    struct step_counts steps;
};

/* One worker's scratch for products over up to `rows` rows of layers that need `room`. FT_NOMEM; release it then, too.
 */
ft_status cpu_scratch_init(struct product_scratch *scratch, size_t rows, const struct product_room *room);
void cpu_scratch_release(struct product_scratch *scratch);

ft_status cpu_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);
ft_status cpu_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                    size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                    struct ft_error *error);

#endif
