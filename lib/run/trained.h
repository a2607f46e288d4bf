/* trained.h - the weights of a trained head, together with the embeddings it was trained on, as a tagger. */
#ifndef RUN_TRAINED_H
#define RUN_TRAINED_H
#include "run/parameters.h"
#include "run/stack.h"
#include "run/tag_set.h"

struct trained {
    const struct stack *stack;
    const struct network_shape *shape;
    const struct parameters *parameters;
    const float *weights; /* host, [parameters->floats] */
    const struct tag_set *tags;
    enum flair_era era;
    const char *record; /* JSON object on how it was trained, or NULL */
};

/* Writes the model file, whole or not at all; the reprojection is folded where that is cheaper (model/tagger.h). The
 * same input gives the same bytes. FT_FAILED, FT_NOMEM. */
ft_status trained_save(const struct trained *trained, struct backend *backend, const char *path,
                       struct ft_error *error);

#endif
