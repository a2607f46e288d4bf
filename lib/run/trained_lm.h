/* trained_lm.h - the weights of a trained character language model as one that runs, and as a file. */
#ifndef RUN_TRAINED_LM_H
#define RUN_TRAINED_LM_H
#include "run/lm_network.h"

struct trained_lm {
    const struct lm_shape *shape;
    const struct parameters *parameters;
    const float *weights; /* host, [parameters->floats] */
    const struct characters *characters;
    bool forward;
    const char *delimiter;
};

/* Makes it runnable; memory comes from arena and weights. FT_NOMEM. */
ft_status trained_lm_build(const struct trained_lm *trained, struct lm *lm, struct arena *arena,
                           struct weights *weights, struct backend *backend, struct ft_error *error);

/* Writes the model file, whole or not at all. The same input gives the same bytes. FT_FAILED, FT_NOMEM. */
ft_status trained_lm_save(const struct trained_lm *trained, struct backend *backend, const char *path,
                          struct ft_error *error);

#endif
