/* trained.c - see trained.h. */
#include "run/trained.h"
#include "model/model_file.h"
#include <string.h>

/* Parameter `name` as a view; absent where the head has none of that name. */
static struct tensor view(const struct trained *trained, const char *name)
{
    const struct parameter *parameter = parameters_find(trained->parameters, name);
    if (!parameter)
        return (struct tensor){0};
    struct tensor tensor = {.data = trained->weights + parameter->offset,
                            .dtype = DTYPE_F32,
                            .rank = strstr(name, "bias") ? 1 : 2, /* one column alone does not make a vector */
                            .shape = {parameter->rows, parameter->columns},
                            .stride = {(int64_t)parameter->columns, 1}};
    return tensor;
}

static struct tensor lstm_view(const struct trained *trained, const char *part, size_t layer, int direction)
{
    char name[PARAMETER_NAME];
    parameters_lstm_name(name, part, layer, direction);
    return view(trained, name);
}

ft_status trained_save(const struct trained *trained, struct backend *backend, const char *path, struct ft_error *error)
{
    const struct network_shape *shape = trained->shape;
    struct tagger_description head = {
        .reproject_weight = view(trained, "embedding2nn.weight"),
        .reproject_bias = view(trained, "embedding2nn.bias"),
        .use_rnn = shape->layers > 0,
        .use_crf = shape->crf,
        .rnn = RNN_LSTM,
        .hidden = shape->hidden,
        .rnn_layers = shape->layers,
        .linear_weight = view(trained, "linear.weight"),
        .linear_bias = view(trained, "linear.bias"),
        .transitions = view(trained, "transitions"),
        .tags = trained->tags->tags,
        .tag_count = trained->tags->count,
        .tag_type = "ner",
        .span_rule = trained->era == LIKE_FLAIR_0_4 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW,
        .mask_ends = shape->mask_ends,
        .origin = "flairtag train",
        .training_record = trained->record,
    };
    for (size_t l = 0; l < shape->layers; l++)
        for (int d = 0; d < 2; d++) {
            head.layer[l][d].w_ih = lstm_view(trained, "weight_ih", l, d);
            head.layer[l][d].w_hh = lstm_view(trained, "weight_hh", l, d);
            head.layer[l][d].b_ih = lstm_view(trained, "bias_ih", l, d);
            head.layer[l][d].b_hh = lstm_view(trained, "bias_hh", l, d);
        }
    struct tagger *tagger;
    struct output *output;
    ft_status status =
        tagger_assemble(&tagger, trained->stack->members, trained->stack->member_count, &head, backend, error);
    if (status != FT_OK)
        return status;
    status = output_open(&output, path, error);
    if (status == FT_OK) {
        status = tagger_save(tagger, output, error);
        if (status == FT_OK)
            status = output_close(output, error);
        else
            output_discard(output);
    }
    tagger_free(tagger);
    return status;
}
