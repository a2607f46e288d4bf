/* work.c - see work.h. */
#include "run/work.h"

static double recurrent_work(const struct recurrent_layer *layer)
{
    return 2.0 * (double)gate_count(layer->cell) * (double)layer->hidden * (double)(layer->in + layer->hidden);
}

static double linear_work(const struct linear_layer *layer)
{
    return 2.0 * (double)layer->in * (double)layer->out;
}

struct tagger_work tagger_work(const struct tagger *tagger)
{
    struct tagger_work work = {{0}, {0}};
    work.per_token[tagger->linear.weights.precision] += linear_work(&tagger->linear);
    for (size_t i = 0; i < tagger->member_count; i++) {
        const struct lm *lm = &tagger->members[i].lm;
        if (tagger->members[i].kind != MEMBER_LM)
            continue;
        for (size_t k = 0; k < lm->net.layers; k++)
            work.per_character[lm->net.layer[k].weights.precision] += recurrent_work(&lm->net.layer[k]);
        if (lm->net.has_projection)
            work.per_token[lm->net.projection.weights.precision] += linear_work(&lm->net.projection);
    }
    if (tagger->has_reprojection)
        work.per_token[tagger->reprojection.weights.precision] += linear_work(&tagger->reprojection);
    for (size_t k = 0; tagger->has_rnn && k < tagger->rnn.layers; k++)
        for (int d = 0; d < 2; d++) {
            const struct recurrent_layer *layer = &tagger->rnn.layer[k][d];
            work.per_token[layer->weights.precision] += recurrent_work(layer);
        }
    return work;
}

struct operations work_operations(const struct tagger_work *work, double characters, double tokens)
{
    struct operations operations;
    for (int p = 0; p < PRECISIONS; p++)
        operations.at[p] = work->per_character[p] * characters + work->per_token[p] * tokens;
    return operations;
}

double work_total(const struct operations *operations)
{
    double total = 0;
    for (int p = 0; p < PRECISIONS; p++)
        total += operations->at[p];
    return total;
}

/* passes: how often a product of each kind is taken. */
struct passes {
    double above_inputs; /* layers that nothing trained is below */
    double others, recurrent;
};

static double network_work(const struct network_shape *shape, double tokens, double sentences,
                           const struct passes *passes)
{
    double hidden = (double)shape->hidden, work = 0, input = passes->above_inputs;
    if (shape->reprojection) {
        work += input * 2 * (double)shape->width * (double)shape->reprojection * tokens;
        input = passes->others;
    }
    for (size_t l = 0; l < shape->layers; l++) {
        double in = l ? 2 * hidden : (double)network_rnn_input(shape);
        work += 2 * 8 * hidden * (input * in * tokens + passes->recurrent * hidden * (tokens - sentences));
        input = passes->others;
    }
    return work + input * 2 * (double)network_feature_width(shape) * (double)shape->tags * tokens;
}

double work_training(const struct network_shape *shape, double tokens, double sentences)
{
    struct passes passes = {.above_inputs = 2, .others = 3, .recurrent = 3};
    return network_work(shape, tokens, sentences, &passes);
}

double work_inference(const struct network_shape *shape, double tokens, double sentences)
{
    struct passes passes = {.above_inputs = 1, .others = 1, .recurrent = 1};
    return network_work(shape, tokens, sentences, &passes);
}
