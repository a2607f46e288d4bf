/* quantise.c - see quantise.h. */
#include "model/quantise.h"
#include "base/parallel.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

const char *const precision_names[PRECISIONS] = {"f32", "int16", "int8", "int7"};

struct matrix_job {
    const struct packed *from;
    const struct packed *to;
    void *at;
    float *scale;
    int32_t *offset;
    size_t panels;
    atomic_size_t next;
};

/* The number that a column's weights are multiplied by before they are rounded, or 0 where all are as good as zero. */
static float column_factor(enum precision precision, const float *w, size_t width)
{
    double most = 0, squares = 0;
    for (size_t k = 0; k < width; k++) {
        double x = fabs((double)w[k * PANEL]);
        most = x > most ? x : most;
        squares += x * x;
    }
    if (most < 1e-30) /* the factor must be finite */
        return 0;
    if (precision != PRECISION_INT16)
        return (float)((precision == PRECISION_INT8 ? 127 : 64) / most);
    double whole = 32767 / most, bound = (double)product_norm(width) / sqrt(squares);
    return (float)(whole < bound ? whole : bound);
}

static void quantise_column(const struct matrix_job *job, size_t panel, size_t column, const float *w, size_t segment,
                            size_t first_group)
{
    enum precision precision = job->to->precision;
    size_t width = job->to->widths[segment], elements = group_elements(precision);
    size_t at = (segment * job->panels + panel) * PANEL + column;
    float factor = column_factor(precision, w, width), limit = precision == PRECISION_INT16  ? 32767
                                                               : precision == PRECISION_INT8 ? 127
                                                                                             : 64;
    int32_t sum = 0;
    job->scale[at] = factor > 0 ? 1 / factor : 0;
    for (size_t k = 0; k < width; k++) {
        size_t group = panel * job->to->groups + first_group + k / elements;
        size_t place = (group * PANEL + column) * elements + k % elements;
        float scaled = w[k * PANEL] * factor;
        int q = (int)rintf(scaled < limit ? scaled > -limit ? scaled : -limit : limit);
        if (precision == PRECISION_INT16)
            ((int16_t *)job->at)[place] = (int16_t)q;
        else
            ((int8_t *)job->at)[place] = (int8_t)q;
        sum += q;
    }
    if (job->offset)
        job->offset[at] = -128 * sum;
}

static void quantise_work(void *argument, size_t thread)
{
    struct matrix_job *job = argument;
    (void)thread;
    for (size_t p; (p = atomic_fetch_add(&job->next, 1)) < job->panels;) {
        const float *w = (const float *)job->from->at + p * job->from->groups * PANEL;
        memset((char *)job->at + p * job->to->groups * GROUP_ROW, 0, job->to->groups * GROUP_ROW);
        for (size_t i = 0, group = 0; i < job->to->segments; i++) {
            for (size_t column = 0; column < PANEL; column++)
                quantise_column(job, p, column, w + column, i, group);
            w += job->to->widths[i] * PANEL;
            group += group_count(job->to->precision, job->to->widths[i]);
        }
    }
}

static void restore_work(void *argument, size_t thread)
{
    struct matrix_job *job = argument;
    const struct packed *from = job->from;
    size_t elements = group_elements(from->precision);
    (void)thread;
    for (size_t p; (p = atomic_fetch_add(&job->next, 1)) < job->panels;) {
        float *w = (float *)job->at + p * job->to->groups * PANEL;
        for (size_t i = 0, first = p * from->groups; i < from->segments; i++) {
            const float *scale = from->scale + (i * job->panels + p) * PANEL;
            for (size_t k = 0; k < from->widths[i]; k++)
                for (size_t column = 0; column < PANEL; column++) {
                    size_t place = ((first + k / elements) * PANEL + column) * elements + k % elements;
                    int q = from->precision == PRECISION_INT16 ? ((const int16_t *)from->at)[place]
                                                               : ((const int8_t *)from->at)[place];
                    *w++ = scale[column] * (float)q;
                }
            first += group_count(from->precision, from->widths[i]);
        }
    }
}

static void give_back(struct packed *old, struct weights *weights)
{
    weights_drop(weights, old->at);
    weights_drop(weights, old->scale);
    weights_drop(weights, old->offset);
}

/* To float32. */
static bool restore_matrix(struct packed *packed, size_t panels, struct weights *weights, size_t threads)
{
    struct packed whole = {.precision = PRECISION_F32};
    for (size_t i = 0; i < packed->segments; i++)
        whole.groups += packed->widths[i];
    struct matrix_job job = {.from = packed, .to = &whole, .panels = panels};
    whole.at = job.at = weights_new(weights, panels * whole.groups * PANEL);
    if (!job.at)
        return false;
    parallel_run(panels < threads ? panels : threads, restore_work, &job);
    give_back(packed, weights);
    *packed = whole;
    return true;
}

ft_status quantise_matrix(struct packed *packed, size_t panels, enum precision precision, const size_t *widths,
                          size_t segments, struct weights *weights, size_t threads, struct ft_error *error)
{
    if (packed->precision == precision)
        return FT_OK;
    if (packed->precision != PRECISION_F32 && !restore_matrix(packed, panels, weights, threads))
        return ft_nomem(error, "the weights in float32");
    if (precision == PRECISION_F32)
        return FT_OK;
    struct packed small = {.precision = precision, .segments = segments, .widths = widths};
    for (size_t i = 0; i < segments; i++) {
        if (widths[i] > QUANTISED_WIDEST)
            return ft_fail(error, FT_MODEL, "an input of %zu numbers is too wide for %s; the widest is %d", widths[i],
                           precision_names[precision], QUANTISED_WIDEST);
        small.groups += group_count(precision, widths[i]);
    }
    struct matrix_job job = {.from = packed, .to = &small, .panels = panels};
    bool offsets = precision != PRECISION_INT16;
    small.at = job.at = weights_new(weights, panels * small.groups * PANEL);
    small.scale = job.scale = weights_new(weights, segments * panels * PANEL);
    small.offset = job.offset = offsets ? (int32_t *)weights_new(weights, segments * panels * PANEL) : NULL;
    if (!job.at || !job.scale || (offsets && !job.offset))
        return ft_nomem(error, "the quantised weights");
    parallel_run(panels < threads ? panels : threads, quantise_work, &job);
    give_back(packed, weights);
    *packed = small;
    return FT_OK;
}

enum precision lm_precision(const struct lm *lm)
{
    return lm->net.layer[0].weights.precision;
}

enum precision tagger_head_precision(const struct tagger *tagger)
{
    return tagger->has_rnn            ? tagger->rnn.layer[0][0].weights.precision
           : tagger->has_reprojection ? tagger->reprojection.weights.precision
                                      : PRECISION_F32;
}

const size_t *lm_segments(const struct recurrent_layer *layer, struct arena *arena, size_t *count)
{
    size_t *widths = arena_array(arena, 2, sizeof *widths);
    *count = 0;
    if (widths && layer->in)
        widths[(*count)++] = layer->in;
    if (widths)
        widths[(*count)++] = layer->hidden;
    return widths;
}

const size_t *reprojection_segments(const struct tagger *tagger, struct arena *arena, size_t *count)
{
    size_t *widths = arena_array(arena, 2 * tagger->member_count + 1, sizeof *widths);
    *count = 0;
    for (size_t i = 0; widths && i < tagger->member_count; i++) {
        const struct member *member = &tagger->members[i];
        size_t pieces = member->kind == MEMBER_CHARS ? 2 : 1; /* the two directions lie apart */
        for (size_t p = 0; p < pieces; p++)
            widths[(*count)++] = member->width / pieces;
    }
    return widths;
}

const size_t *tagger_segments(const struct tagger *tagger, size_t rnn_layer, struct arena *arena, size_t *count)
{
    const struct recurrent_layer *layer = &tagger->rnn.layer[rnn_layer][0];
    if (rnn_layer || tagger->has_reprojection)
        return lm_segments(layer, arena, count);
    size_t *widths = (size_t *)reprojection_segments(tagger, arena, count);
    if (widths)
        widths[(*count)++] = layer->hidden;
    return widths;
}

ft_status lm_set_precision(struct lm *lm, enum precision precision, struct arena *arena, struct weights *weights,
                           size_t threads, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t k = 0; status == FT_OK && k < lm->net.layers; k++) {
        struct recurrent_layer *layer = &lm->net.layer[k];
        size_t count;
        const size_t *widths = lm_segments(layer, arena, &count);
        status =
            widths ? quantise_matrix(&layer->weights, layer->panels, precision, widths, count, weights, threads, error)
                   : ft_nomem(error, "a language model");
    }
    if (status == FT_OK && lm->net.has_projection) {
        struct linear_layer *layer = &lm->net.projection;
        status = quantise_matrix(&layer->weights, layer->panels, precision, &layer->in, 1, weights, threads, error);
    }
    return status;
}

enum precision head_precision_for(enum precision precision)
{
    switch (precision) {
    case PRECISION_INT8: return PRECISION_INT16;
    case PRECISION_INT7: return PRECISION_INT7; /* for machines that are no faster in int16 than in float32 */
    default: return PRECISION_F32;
    }
}

ft_status tagger_set_head_precision(struct tagger *tagger, enum precision precision, size_t threads,
                                    struct ft_error *error)
{
    ft_status status = FT_OK;
    size_t count;
    if (tagger->has_reprojection) {
        struct linear_layer *layer = &tagger->reprojection;
        const size_t *widths = reprojection_segments(tagger, &tagger->arena, &count);
        status = widths ? quantise_matrix(&layer->weights, layer->panels, precision, widths, count, &tagger->weights,
                                          threads, error)
                        : ft_nomem(error, "a tagger");
    }
    for (size_t k = 0; status == FT_OK && tagger->has_rnn && k < tagger->rnn.layers; k++) {
        const size_t *widths = tagger_segments(tagger, k, &tagger->arena, &count);
        for (int d = 0; status == FT_OK && d < 2; d++) {
            struct recurrent_layer *layer = &tagger->rnn.layer[k][d];
            status = widths ? quantise_matrix(&layer->weights, layer->panels, precision, widths, count,
                                              &tagger->weights, threads, error)
                            : ft_nomem(error, "a tagger");
        }
    }
    return status;
}

ft_status tagger_set_precision(struct tagger *tagger, enum precision precision, size_t threads, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (size_t i = 0; status == FT_OK && i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM)
            status =
                lm_set_precision(&tagger->members[i].lm, precision, &tagger->arena, &tagger->weights, threads, error);
    return status == FT_OK ? tagger_set_head_precision(tagger, head_precision_for(precision), threads, error) : status;
}
