/* parameters.c - see parameters.h. */
#include "run/parameters.h"
#include "base/philox.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ALIGNMENT = 16 }; /* floats: a cache line */

size_t network_rnn_input(const struct network_shape *shape)
{
    return shape->reprojection ? shape->reprojection : shape->width;
}

size_t network_feature_width(const struct network_shape *shape)
{
    return shape->layers ? 2 * shape->hidden : network_rnn_input(shape);
}

void parameters_lstm_name(char name[PARAMETER_NAME], const char *part, size_t layer, int direction)
{
    snprintf(name, PARAMETER_NAME, "rnn.%s_l%zu%s", part, layer, direction ? "_reverse" : "");
}

void parameters_add(struct parameters *parameters, const char *name, size_t rows, size_t columns)
{
    struct parameter *parameter = &parameters->list[parameters->count++];
    *parameter = (struct parameter){.offset = parameters->floats, .rows = rows, .columns = columns};
    snprintf(parameter->name, sizeof parameter->name, "%s", name);
    parameters->floats += (rows * columns + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void add_lstm(struct parameters *parameters, const struct network_shape *shape, size_t layer, int direction)
{
    size_t gates = 4 * shape->hidden, in = layer ? 2 * shape->hidden : network_rnn_input(shape);
    char name[PARAMETER_NAME];
    parameters_lstm_name(name, "weight_ih", layer, direction);
    parameters_add(parameters, name, gates, in);
    parameters_lstm_name(name, "weight_hh", layer, direction);
    parameters_add(parameters, name, gates, shape->hidden);
    parameters_lstm_name(name, "bias_ih", layer, direction);
    parameters_add(parameters, name, gates, 1);
    parameters_lstm_name(name, "bias_hh", layer, direction);
    parameters_add(parameters, name, gates, 1);
}

void parameters_lay_out(struct parameters *parameters, const struct network_shape *shape)
{
    *parameters = (struct parameters){0};
    if (shape->reprojection) {
        parameters_add(parameters, "embedding2nn.weight", shape->reprojection, shape->width);
        parameters_add(parameters, "embedding2nn.bias", shape->reprojection, 1);
    }
    for (size_t l = 0; l < shape->layers; l++)
        for (int d = 0; d < 2; d++)
            add_lstm(parameters, shape, l, d);
    parameters_add(parameters, "linear.weight", shape->tags, network_feature_width(shape));
    parameters_add(parameters, "linear.bias", shape->tags, 1);
    if (shape->crf)
        parameters_add(parameters, "transitions", shape->tags, shape->tags);
}

const struct parameter *parameters_find(const struct parameters *parameters, const char *name)
{
    for (size_t i = 0; i < parameters->count; i++)
        if (!strcmp(parameters->list[i].name, name))
            return &parameters->list[i];
    return NULL;
}

/* -10000, as Flair: exp of it is 0 in any precision. */
static const float forbidden = -10000;

void parameters_draw(const struct parameters *parameters, const struct network_shape *shape, uint64_t seed, float *host)
{
    memset(host, 0, parameters->floats * sizeof *host);
    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *parameter = &parameters->list[i];
        size_t count = parameter->rows * parameter->columns;
        float *to = host + parameter->offset;
        size_t inputs = !strncmp(parameter->name, "rnn.", 4)            ? shape->hidden
                        : !strncmp(parameter->name, "embedding2nn", 12) ? shape->width
                                                                        : network_feature_width(shape);
        bool normal = !strcmp(parameter->name, "transitions");
        double bound = 1 / sqrt((double)inputs);
        struct philox numbers;
        philox_init(&numbers, seed, philox_stream(PHILOX_WEIGHTS, (uint32_t)i), 0);
        for (size_t k = 0; k < count; k++)
            to[k] = (float)(normal ? philox_normal(&numbers) : bound * (2 * philox_float(&numbers) - 1));
        for (size_t k = 0; normal && k < shape->tags; k++) {
            to[shape->start * shape->tags + k] = forbidden; /* to START */
            to[k * shape->tags + shape->stop] = forbidden;  /* from STOP */
        }
    }
}
