/* model.h - what stands behind the public API's struct ft_model: an open tagger, and all that runs it. */
#ifndef API_MODEL_H
#define API_MODEL_H
#include "api/result.h"
#include "import/model_open.h"
#include "run/predictor.h"
#include <pthread.h>

struct ft_model {
    struct backend *backend;
    struct model model;
    struct predictor *predictor;
    pthread_mutex_t lock; /* around the predictor and the back end: one call at a time */
    char path[4096];
};

/* Copies options of a caller that was compiled with another version: what this one has and the caller's has not is 0.
 * The first member of both is a size_t with the size of `from`. FT_USAGE when that is no size, or `from` sets members
 * that are not known here. */
ft_status options_take(void *to, size_t size, const void *from, struct ft_error *error);

/* Tags the result's window and describes its sentences; see result_fill. */
ft_status model_tag(struct ft_model *model, struct ft_result *result, const struct token *whole,
                    struct ft_error *error);

#endif
