/* trained_lm.c - see trained_lm.h. */
#include "run/trained_lm.h"
#include "model/model_file.h"
#include <stdlib.h>
#include <string.h>

/* Parameter `name` as a view; absent where there is none of that name. rank: 2 for a matrix, be it of one column. */
static struct tensor view(const struct trained_lm *trained, const char *name, int rank)
{
    const struct parameter *parameter = parameters_find(trained->parameters, name);
    if (!parameter)
        return (struct tensor){0};
    return (struct tensor){.data = trained->weights + parameter->offset,
                           .dtype = DTYPE_F32,
                           .rank = rank,
                           .shape = {parameter->rows, parameter->columns},
                           .stride = {(int64_t)parameter->columns, 1}};
}

static struct tensor lstm_view(const struct trained_lm *trained, const char *part, size_t layer, int rank)
{
    char name[PARAMETER_NAME];
    parameters_lstm_name(name, part, layer, 0);
    return view(trained, name, rank);
}

ft_status trained_lm_build(const struct trained_lm *trained, struct lm *lm, struct arena *arena,
                           struct weights *weights, struct backend *backend, struct ft_error *error)
{
    const struct lm_shape *shape = trained->shape;
    struct lm_description from = {.forward = trained->forward,
                                  .rnn = RNN_LSTM,
                                  .layers = shape->layers,
                                  .hidden = shape->hidden,
                                  .embedding = shape->embedding,
                                  .nout = shape->nout,
                                  .delimiter = {trained->delimiter, strlen(trained->delimiter)},
                                  .items = trained->characters->items,
                                  .item_count = trained->characters->count,
                                  .encoder = view(trained, "encoder.weight", 2),
                                  .proj_weight = view(trained, "proj.weight", 2),
                                  .proj_bias = view(trained, "proj.bias", 1),
                                  .decoder_weight = view(trained, "decoder.weight", 2),
                                  .decoder_bias = view(trained, "decoder.bias", 1),
                                  .with_whitespace = true,
                                  .tokenized_lm = true};
    for (size_t l = 0; l < shape->layers; l++)
        from.layer[l] =
            (struct rnn_weights){lstm_view(trained, "weight_ih", l, 2), lstm_view(trained, "weight_hh", l, 2),
                                 lstm_view(trained, "bias_ih", l, 1), lstm_view(trained, "bias_hh", l, 1)};
    return lm_build(lm, &from, arena, weights, backend, error);
}

static ft_status write_file(const struct lm *lm, const char *path, struct ft_error *error)
{
    struct output *output;
    ft_status status = output_open(&output, path, error);
    if (status != FT_OK)
        return status;
    status = lm_save(lm, output, error);
    if (status == FT_OK)
        return output_close(output, error);
    output_discard(output);
    return status;
}

ft_status trained_lm_save(const struct trained_lm *trained, struct backend *backend, const char *path,
                          struct ft_error *error)
{
    struct arena arena;
    struct weights weights;
    struct lm *lm = calloc(1, sizeof *lm);
    arena_init(&arena);
    weights_init(&weights);
    ft_status status =
        lm ? trained_lm_build(trained, lm, &arena, &weights, backend, error) : ft_nomem(error, "a language model");
    if (status == FT_OK)
        status = write_file(lm, path, error);
    weights_release(&weights);
    arena_release(&arena);
    free(lm);
    return status;
}
