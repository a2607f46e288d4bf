/* plain_network.c - see plain_network.h. */
#include "plain_network.h"
#include "kernels/dropout.h"
#include "numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sites by number, as network.c has them: they are part of what a seed means. */
enum { INPUT, FEATURES, BETWEEN };

static float *mask_new(const struct packed_batch *batch, const struct dropout *dropout, size_t width)
{
    float *mask = malloc(batch->rows * width * sizeof *mask);
    ck_assert_ptr_nonnull(mask);
    for (size_t i = 0; i < batch->rows * width; i++)
        mask[i] = 1;
    for (size_t s = 0; s < batch->sequences; s++)
        dropout_sequence(batch, s, dropout, width, mask);
    return mask;
}

void plain_network_init(struct plain_network *network, const struct network_shape *shape,
                        const struct parameters *parameters, const struct network_batch *batch,
                        const struct network_step *step)
{
    const struct packed_batch *packed = &batch->packing->batch;
    *network = (struct plain_network){shape, parameters, batch, {NULL}, NULL};
    network->emissions = calloc(packed->rows * shape->tags, sizeof *network->emissions);
    ck_assert_ptr_nonnull(network->emissions);
    if (!step)
        return;
    const struct network_dropout *p = step->dropout;
    struct dropout input = {p->word, p->locked, p->plain, step->seed, step->step, INPUT};
    struct dropout features = {0, p->locked, p->plain, step->seed, step->step, FEATURES};
    network->masks[INPUT] = mask_new(packed, &input, shape->width);
    network->masks[FEATURES] = mask_new(packed, &features, network_feature_width(shape));
    for (uint32_t l = 0; l + 1 < shape->layers; l++) {
        struct dropout between = {0, 0, p->between, step->seed, step->step, BETWEEN + l};
        network->masks[BETWEEN + l] = mask_new(packed, &between, 2 * shape->hidden);
    }
}

void plain_network_release(struct plain_network *network)
{
    for (size_t i = 0; i < PLAIN_SITES; i++)
        free(network->masks[i]);
    free(network->emissions);
}

static const double *find(const struct plain_network *network, const double *weights, const char *name)
{
    const struct parameter *parameter = parameters_find(network->parameters, name);
    EXPECT(parameter, "no parameter %s", name);
    return weights + parameter->offset;
}

static const double *find_lstm(const struct plain_network *network, const double *weights, const char *part, size_t l,
                               int direction)
{
    char name[PARAMETER_NAME];
    snprintf(name, sizeof name, "rnn.%s_l%zu%s", part, l, direction ? "_reverse" : "");
    return find(network, weights, name);
}

/* y[t] = W x[t] + b, or without b. */
static void linear(const double *w, const double *b, const double *x, size_t steps, size_t in, size_t out, double *y)
{
    for (size_t t = 0; t < steps; t++)
        for (size_t j = 0; j < out; j++) {
            double sum = b ? b[j] : 0;
            for (size_t i = 0; i < in; i++)
                sum += w[j * in + i] * x[t * in + i];
            y[t * out + j] = sum;
        }
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One direction of a layer; out: [steps, 2H], its half of it. */
static void lstm(const struct plain_network *network, const double *weights, size_t l, int direction, const double *x,
                 size_t steps, size_t in, double *out)
{
    size_t hidden = network->shape->hidden, gates = 4 * hidden;
    const double *w_hh = find_lstm(network, weights, "weight_hh", l, direction);
    const double *b_hh = find_lstm(network, weights, "bias_hh", l, direction);
    double *of_x = malloc(steps * gates * sizeof *of_x), *of_h = malloc(gates * sizeof *of_h);
    double *h = calloc(hidden, sizeof *h), *c = calloc(hidden, sizeof *c);
    linear(find_lstm(network, weights, "weight_ih", l, direction), find_lstm(network, weights, "bias_ih", l, direction),
           x, steps, in, gates, of_x);
    for (size_t k = 0; k < steps; k++) {
        size_t t = direction ? steps - 1 - k : k;
        const double *a = of_x + t * gates;
        linear(w_hh, b_hh, h, 1, hidden, gates, of_h);
        for (size_t u = 0; u < hidden; u++) { /* i f g o */
            double i = sigmoid(a[u] + of_h[u]), f = sigmoid(a[hidden + u] + of_h[hidden + u]);
            double g = tanh(a[2 * hidden + u] + of_h[2 * hidden + u]);
            double o = sigmoid(a[3 * hidden + u] + of_h[3 * hidden + u]);
            c[u] = f * c[u] + i * g;
            h[u] = o * tanh(c[u]);
            out[t * 2 * hidden + (direction ? hidden : 0) + u] = h[u];
        }
    }
    free(of_x);
    free(of_h);
    free(h);
    free(c);
}

/* Multiplies the rows of a sentence by a site's mask. */
static void apply_mask(const struct plain_network *network, size_t site, const struct token_sequence *sentence,
                       size_t width, double *x)
{
    const float *mask = network->masks[site];
    for (size_t t = 0; mask && t < sentence->count; t++)
        for (size_t i = 0; i < width; i++)
            x[t * width + i] *= (double)mask[network->batch->packing->row[sentence->first + t] * width + i];
}

static void emit(struct plain_network *network, const double *weights, const struct token_sequence *sentence)
{
    const struct network_shape *shape = network->shape;
    size_t steps = sentence->count, width = shape->width;
    size_t widest = width > shape->reprojection ? width : shape->reprojection;
    widest = widest > 2 * shape->hidden ? widest : 2 * shape->hidden;
    double *x = malloc(steps * widest * sizeof *x), *y = malloc(steps * widest * sizeof *y), *swap;
    EXPECT(x && y, "out of memory");
    for (size_t t = 0; t < steps; t++)
        for (size_t i = 0; i < width; i++)
            x[t * width + i] = (double)network->batch->x[network->batch->packing->row[sentence->first + t] * width + i];
    apply_mask(network, INPUT, sentence, width, x);
    if (shape->reprojection) {
        linear(find(network, weights, "embedding2nn.weight"), find(network, weights, "embedding2nn.bias"), x, steps,
               width, shape->reprojection, y);
        width = shape->reprojection;
        swap = x, x = y, y = swap;
    }
    for (size_t l = 0; l < shape->layers; l++) {
        for (int d = 0; d < 2; d++)
            lstm(network, weights, l, d, x, steps, width, y);
        width = 2 * shape->hidden;
        if (l + 1 < shape->layers)
            apply_mask(network, BETWEEN + l, sentence, width, y);
        swap = x, x = y, y = swap;
    }
    apply_mask(network, FEATURES, sentence, width, x);
    linear(find(network, weights, "linear.weight"), find(network, weights, "linear.bias"), x, steps, width, shape->tags,
           network->emissions + sentence->first * shape->tags);
    free(x);
    free(y);
}

static double log_sum(const double *x, size_t count)
{
    double most = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, x[i]);
    for (size_t i = 0; i < count; i++)
        sum += exp(x[i] - most);
    return most + log(sum);
}

/* -log p(gold): the forward algorithm's sum over all paths less the gold path's score. */
static double crf_loss(const struct plain_network *network, const double *weights,
                       const struct token_sequence *sentence)
{
    size_t tags = network->shape->tags, start = network->shape->start, stop = network->shape->stop;
    const double *e = network->emissions + sentence->first * tags, *to = find(network, weights, "transitions");
    const uint32_t *gold = network->batch->gold + sentence->first;
    double *alpha = malloc(tags * sizeof *alpha), *next = malloc(tags * sizeof *next),
           *sum = malloc(tags * sizeof *sum);
    double path = 0;
    for (size_t t = 0; t < sentence->count; t++) {
        path += e[t * tags + gold[t]] + to[gold[t] * tags + (t ? gold[t - 1] : start)];
        for (size_t j = 0; j < tags; j++) {
            for (size_t i = 0; i < tags; i++)
                sum[i] = t ? alpha[i] + to[j * tags + i] : 0;
            next[j] = e[t * tags + j] + (t ? log_sum(sum, tags) : to[j * tags + start]);
        }
        memcpy(alpha, next, tags * sizeof *alpha);
    }
    path += to[stop * tags + gold[sentence->count - 1]];
    for (size_t i = 0; i < tags; i++)
        sum[i] = alpha[i] + to[stop * tags + i];
    double loss = log_sum(sum, tags) - path;
    free(alpha);
    free(next);
    free(sum);
    return loss;
}

static double softmax_loss(const struct plain_network *network, const struct token_sequence *sentence)
{
    size_t tags = network->shape->tags;
    double loss = 0;
    for (size_t t = sentence->first; t < sentence->first + sentence->count; t++) {
        const double *e = network->emissions + t * tags;
        loss += log_sum(e, tags) - e[network->batch->gold[t]];
    }
    return loss;
}

double plain_network_loss(struct plain_network *network, const double *weights, enum loss_reduction reduction)
{
    const struct packing *packing = network->batch->packing;
    double loss = 0;
    for (size_t s = 0; s < packing->batch.sequences; s++) {
        const struct token_sequence *sentence = &packing->sentences[s];
        emit(network, weights, sentence);
        if (network->shape->crf)
            loss += crf_loss(network, weights, sentence);
        else if (reduction == LOSS_MEAN)
            loss += softmax_loss(network, sentence) / (double)sentence->count;
        else
            loss += softmax_loss(network, sentence);
    }
    return reduction == LOSS_MEAN ? loss / (double)packing->batch.sequences : loss;
}

static size_t largest(const double *x, size_t count)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

static void viterbi(const struct plain_network *network, const double *to, const struct token_sequence *sentence,
                    uint32_t *path)
{
    size_t tags = network->shape->tags, steps = sentence->count;
    const double *e = network->emissions + sentence->first * tags;
    double *score = malloc(steps * tags * sizeof *score), *way = malloc(tags * sizeof *way);
    size_t *from = malloc(steps * tags * sizeof *from);
    for (size_t t = 0; t < steps; t++)
        for (size_t j = 0; j < tags; j++) {
            for (size_t i = 0; t && i < tags; i++)
                way[i] = score[(t - 1) * tags + i] + to[j * tags + i];
            size_t best = t ? largest(way, tags) : network->shape->start;
            from[t * tags + j] = best;
            score[t * tags + j] = e[t * tags + j] + (t ? way[best] : to[j * tags + best]);
        }
    for (size_t i = 0; i < tags; i++)
        way[i] = score[(steps - 1) * tags + i] + to[network->shape->stop * tags + i];
    size_t tag = largest(way, tags);
    for (size_t t = steps; t-- > 0; tag = from[t * tags + tag])
        path[t] = (uint32_t)tag;
    free(score);
    free(way);
    free(from);
}

void plain_network_tags(const struct plain_network *network, const double *weights, uint32_t *tags)
{
    const struct packing *packing = network->batch->packing;
    size_t count = network->shape->tags;
    for (size_t s = 0; network->shape->crf && s < packing->batch.sequences; s++)
        viterbi(network, find(network, weights, "transitions"), &packing->sentences[s],
                tags + packing->sentences[s].first);
    for (size_t t = 0; !network->shape->crf && t < packing->batch.rows; t++)
        tags[t] = (uint32_t)largest(network->emissions + t * count, count);
}
