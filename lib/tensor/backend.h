/* backend.h - the coarse operations that a device offers; the CPU's are the reference.
 *
 * One vtable, few calls, much work in each: a GPU can keep every operation on its side, with pointers of its own.
 * Arguments hold shapes in plain structs; no operation knows of models, files or text. All pointers to floats are the
 * device's.
 *
 * Promises: results do not depend on threads, lanes or the order of the sequences in a call, bit for bit. Every call
 * may fail with FT_NOMEM; then its outputs are undefined and everything else is as before. */
#ifndef TENSOR_BACKEND_H
#define TENSOR_BACKEND_H
#include "base/error.h"
#include "kernels/crf.h"
#include "kernels/recurrent.h"
#include "tensor/layers.h"
#include <stdint.h>

/* Characters for a language model: one step each. The hidden states behind `steps` are wanted, in these rows of the
 * output. */
struct char_sequence {
    const uint32_t *ids; /* [length], each below the model's items */
    uint32_t length;
    uint32_t row_count;
    const uint32_t *steps; /* [row_count], ascending (equal ones allowed), each below length */
    const uint32_t *rows;  /* [row_count] */
};

/* One language model and what it shall read. out: [rows, width] with width = nout or hidden, receives the wanted
 * states: the top hidden state, projected where there is a projection; rows nobody wants are left alone. */
struct lm_pass {
    const struct char_lm *lm;
    const struct char_sequence *sequences; /* [count] */
    size_t count;
    float *out;
    float *states; /* NULL: every sequence begins with states of zero. Else there is one sequence, whose last step is
                      wanted: it goes on from these [lm_state_floats], zero at first, and leaves its own there */
};

/* Floats of the states of one sequence: of each layer h and then c, filled up to whole blocks of units. */
static inline size_t lm_state_floats(const struct char_lm *lm)
{
    size_t floats = 0;
    for (size_t k = 0; k < lm->layers; k++)
        floats += 2 * lm->layer[k].panels * BLOCK;
    return floats;
}

/* The tokens of one sentence: rows first .. first + count - 1 of whatever is indexed by token. */
struct token_sequence {
    size_t first, count;
};

struct backend;
struct training_ops; /* training.h */

struct backend_ops {
    const char *name;
    void (*free)(struct backend *backend);

    bool on_host; /* the device's floats lie in host memory, where everybody may follow pointers to them */
    /* Device memory for floats, zeroed, aligned to 64 bytes; NULL when out of memory. */
    float *(*new_floats)(struct backend *backend, size_t count);
    void (*free_floats)(struct backend *backend, float *floats); /* NULL is allowed */
    ft_status (*upload)(struct backend *backend, float *to, const float *host, size_t count, struct ft_error *error);
    ft_status (*download)(struct backend *backend, float *host, const float *from, size_t count,
                          struct ft_error *error);

    /* Runs every language model over its sequences, side by side where the device can. */
    ft_status (*lm_encode)(struct backend *backend, const struct lm_pass *passes, size_t count, struct ft_error *error);

    /* Clones rows of `width` floats; row r goes to out + r * out_stride. rows: [count], host. */
    ft_status (*gather)(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                        size_t out_stride, struct ft_error *error);

    /* out [rows, layer->out] = rows * W^T + b. pieces: [rows] pointers each; their widths add up to layer->in. */
    ft_status (*linear)(struct backend *backend, const struct linear_layer *layer, const struct input_piece *pieces,
                        size_t piece_count, size_t rows, float *out, struct ft_error *error);

    /* Bidirectional layers over sentences of any lengths. pieces: [tokens] pointers each. out: [tokens, 2 * hidden],
     * forward states first. */
    ft_status (*birnn)(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                       size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens, float *out,
                       struct ft_error *error);

    /* Decodes every sentence: crf_viterbi, or softmax_decode where crf->transitions is NULL. Transitions may lie in
     * host memory, as those of models do, or be the device's, as those in training are.
     * emissions: [tokens, K]; tags: [tokens]; scores: [tokens], or NULL. tags and scores lie in host memory. */
    ft_status (*decode)(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                        size_t count, const float *emissions, uint32_t *tags, float *scores, struct ft_error *error);

    /* Drops what is kept of layers that were run, which is found by their addresses: called before a model that was run
     * is released or changed. NULL where nothing is kept. */
    void (*forget)(struct backend *backend);

    const struct training_ops *training; /* NULL where the back end cannot train */
};

struct backend {
    const struct backend_ops *ops;
};

struct cpu_options {
    size_t threads;  /* 0: the cores there are */
    size_t lanes;    /* sentences a thread steps together; 0: what is fastest */
    const char *isa; /* "auto" or a set's name (kernels.c) */
};

/* FT_USAGE when this machine cannot run `isa`. */
ft_status backend_cpu_new(struct backend **backend, const struct cpu_options *options, struct ft_error *error);
const struct kernels *backend_cpu_kernels(const struct backend *backend);
size_t backend_cpu_threads(const struct backend *backend);
size_t backend_cpu_lanes(const struct backend *backend);
/* From the next operation on at most so many lanes a thread; results do not depend on it. */
void backend_cpu_set_lanes(struct backend *backend, size_t lanes);
/* What each language model of a call may keep of states that several sequences go on from; less only costs time. */
enum { CPU_FORK_BYTES = 32 << 20 };
void backend_cpu_set_fork_bytes(struct backend *backend, size_t bytes);

/* Steps of language models since the back end was made: how long their sequences were in all, and how many were taken
 * (sequences that begin alike share those). */
struct step_counts {
    size_t asked, taken;
    double seconds; /* inside lm_encode */
};
struct step_counts backend_cpu_steps(const struct backend *backend);

#endif
