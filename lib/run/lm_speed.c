/* lm_speed.c - see lm_speed.h. */
#include "run/lm_speed.h"
#include "base/clock.h"
#include "base/philox.h"
#include <stdlib.h>
#include <string.h>

/* The one split: a copy of the characters. */
static ft_status same_split(void *context, size_t epoch, size_t position, struct text_ids *ids, struct ft_error *error)
{
    const struct text_ids *from = context;
    (void)epoch;
    (void)position;
    *ids = (struct text_ids){malloc(from->count), from->count, false};
    if (!ids->at)
        return ft_nomem(error, "the characters of a text");
    memcpy(ids->at, from->at, from->count);
    return FT_OK;
}

ft_status lm_speed_measure(const struct lm_trainer_options *options, struct backend *backend, size_t updates,
                           double *seconds, struct ft_error *error)
{
    struct lm_trainer_options how = *options;
    how.max_chars = how.valid_chars = 0;
    how.max_epochs = 1;
    how.schedule = LM_PLATEAU;
    how.rate = 1e-6;
    /* longer than what is read, so that no validation is timed */
    struct text_ids ids = {.count = how.batch * (how.sequence_length * (updates + 2) + 1)};
    uint32_t most = how.shape.items < 256 ? (uint32_t)how.shape.items : 256;
    uint8_t *at = malloc(ids.count);
    if (!at)
        return ft_nomem(error, "the characters of a text");
    for (size_t i = 0; i < ids.count; i++)
        at[i] = (uint8_t)(philox_at(1, i, philox_stream(PHILOX_SAMPLE, 1), 0).at[0] % most);
    ids.at = at;
    struct lm_source source = {&ids, 1, same_split, &ids};
    struct lm_trainer *trainer = NULL;
    struct lm_trainer_event event;
    ft_status status = lm_trainer_new(&trainer, &how, &source, NULL, backend, error);
    for (size_t i = 0; status == FT_OK && i <= updates; i++) {
        double began = clock_seconds();
        status = lm_trainer_step(trainer, &event, error);
        if (i)
            seconds[i - 1] = clock_seconds() - began;
    }
    lm_trainer_free(trainer);
    free(at);
    return status;
}

double lm_training_operations(const struct lm_shape *shape)
{
    double hidden = (double)shape->hidden, in = (double)shape->embedding, weights = 0;
    for (size_t l = 0; l < shape->layers; l++, in = hidden)
        weights += 4 * hidden * (in + hidden);
    weights += (double)shape->nout * hidden + (double)shape->items * (double)lm_shape_width(shape);
    return 3 * 2 * weights;
}
