/* weights.h - what is kept on the device for a layer, found again by the layer's address.
 *
 * A layer that is not what it was when it was uploaded (its panels lie elsewhere, it has another precision or shape) is
 * uploaded anew. One of another model that came to lie at the same address with panels at the same address is not
 * told apart: cuda_forget is for that. */
#ifndef CUDA_WEIGHTS_H
#define CUDA_WEIGHTS_H
#include "cuda/cuda.h"

/* What a layer is used as: one may be kept in several forms. */
enum cuda_form { FORM_PLAIN, FORM_TABLE, FORM_CUDNN };

/* What must not have changed. */
struct layer_print {
    const void *panels, *bias;
    size_t in, out;
    enum precision precision;
};

enum { KEPT_PARTS = 5 };
struct cuda_kept_layer {
    struct layer_print print;
    void *memory;                  /* on the device, one block */
    const float *part[KEPT_PARTS]; /* [parts] what `as` points to, some NULL */
    size_t parts;
    union {
        struct cuda_linear linear;
        struct cuda_recurrent recurrent;
        struct cuda_char_table table;
        cudnnRNNDescriptor_t rnn; /* FORM_CUDNN: memory is its weight space */
    } as;
};

/* What is kept of the layer at this address; NULL when nothing is, or no longer the same. */
struct cuda_kept_layer *cuda_find_layer(struct cuda_backend *cuda, const void *layer, enum cuda_form form,
                                        const struct layer_print *print);
/* Keeps a layer; its memory and descriptor are then the cache's, in the case of an error they stay the caller's. */
ft_status cuda_keep_layer(struct cuda_backend *cuda, const void *layer, enum cuda_form form,
                          const struct cuda_kept_layer *kept, struct ft_error *error);
struct layer_print cuda_print_recurrent(const struct recurrent_layer *layer);

/* The halves that cuda_half_weights made of a matrix, or NULL. */
const uint16_t *cuda_known_halves(const struct cuda_backend *cuda, const float *weights);

#endif
