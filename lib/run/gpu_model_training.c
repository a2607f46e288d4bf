/* gpu_model_training.c - see gpu_model.h: what the operations of training would take. */
#include "run/gpu_price.h"
#include <stdlib.h>

static struct gpu_model *of(struct backend *backend)
{
    return (struct gpu_model *)backend;
}

static ft_status linear_forward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                const float *x, float *y, struct ft_error *error)
{
    (void)x, (void)y, (void)error;
    gpu_kernel(of(backend), (double)(rows * layer->out));
    gpu_product(of(backend), (double)rows, (double)layer->out, (double)layer->in);
    return FT_OK;
}

static ft_status linear_backward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                 const float *x, const float *dy, float *dx, struct linear_weights *gradients,
                                 struct ft_error *error)
{
    (void)x, (void)dy, (void)gradients, (void)error;
    double in = (double)layer->in, out = (double)layer->out;
    gpu_product_of_rows(of(backend), out, in, (double)rows);
    gpu_kernel(of(backend), (double)rows * out);
    if (dx)
        gpu_product(of(backend), (double)rows, in, out);
    return FT_OK;
}

/* Steps one after the other, all directions of a layer side by side; kept: floats a unit that pass from or to memory
 * beside the product's. */
static void price_steps(struct gpu_model *model, const struct packed_batch *batch, const struct lstm_pass *directions,
                        size_t count, double kept)
{
    double hidden = (double)directions->weights->hidden, weights = (double)count * 4 * hidden * hidden;
    for (size_t t = 0; t < batch->steps; t++) {
        double active = batch->active[t];
        gpu_launches(model, 1,
                     &(struct gpu_launch){.operations = 2 * weights * active,
                                          .weights = weights,
                                          .bytes = 4 * (double)count * active * hidden * kept,
                                          .kernels = 2});
    }
}

static ft_status lstm_forward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                              size_t count, const float *x, struct ft_error *error)
{
    (void)x, (void)error;
    double columns = 4 * (double)(count * directions->weights->hidden);
    gpu_product(of(backend), (double)batch->rows, columns, (double)directions->weights->in);
    price_steps(of(backend), batch, directions, count, 18);
    return FT_OK;
}

static ft_status lstm_backward(struct backend *backend, const struct packed_batch *batch, struct lstm_pass *directions,
                               size_t count, const float *x, const float *dout, float *dx,
                               struct lstm_weights *gradients, struct ft_error *error)
{
    (void)x, (void)dout, (void)gradients, (void)error;
    struct gpu_model *model = of(backend);
    double in = (double)directions->weights->in, hidden = (double)directions->weights->hidden;
    double rows = (double)batch->rows, columns = 4 * (double)count * hidden;
    price_steps(model, batch, directions, count, 18);
    gpu_product_of_rows(model, columns, in, rows);
    gpu_product_of_rows(model, columns, hidden, rows);
    gpu_kernel(model, rows * columns);
    if (dx)
        gpu_product(model, rows, in, columns);
    return FT_OK;
}

static ft_status lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                                size_t width, float *out, struct ft_error *error)
{
    (void)table, (void)out, (void)error;
    gpu_upload(of(backend), (double)(rows * sizeof *ids));
    gpu_kernel(of(backend), 2 * (double)(rows * width));
    return FT_OK;
}

static ft_status lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                                 size_t items, size_t width, float *gradient, struct ft_error *error)
{
    (void)dout, (void)gradient, (void)error;
    gpu_upload(of(backend), (double)((rows + items) * sizeof *ids));
    gpu_kernel(of(backend), (double)((rows + items) * width));
    return FT_OK;
}

static ft_status dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *how,
                         size_t width, float *x, struct ft_error *error)
{
    (void)how, (void)x, (void)error;
    gpu_upload(of(backend), 2 * (double)(batch->rows * sizeof *batch->step));
    gpu_kernel(of(backend), 2 * (double)(batch->rows * width));
    return FT_OK;
}

/* No loss at all. */
static double sentence_losses(const struct token_sequence *sentences, size_t count, double *losses, double *longest)
{
    double tokens = 0;
    *longest = 0;
    for (size_t i = 0; i < count; i++) {
        double length = (double)sentences[i].count;
        losses[i] = 0;
        tokens += length;
        *longest = length > *longest ? length : *longest;
    }
    return tokens;
}

/* Forward, then backward: two chains over a sentence. */
static ft_status crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                          size_t count, const float *emissions, const uint32_t *gold, const struct tag_choices *choices,
                          float scale, double *losses, float *d_emissions, float *d_transitions, struct ft_error *error)
{
    (void)emissions, (void)choices, (void)scale, (void)d_transitions, (void)error;
    struct gpu_model *model = of(backend);
    double longest, tokens = sentence_losses(sentences, count, losses, &longest);
    gpu_upload(model, tokens * sizeof *gold);
    gpu_launches(
        model, 1,
        &(struct gpu_launch){.bytes = 4 * 4 * tokens * (double)crf->tags, .chain = (d_emissions ? 2 : 1) * longest});
    if (d_emissions)
        gpu_kernel(model, (double)(count * crf->tags * crf->tags));
    gpu_download(model, (double)count * sizeof *losses);
    return FT_OK;
}

static ft_status softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences,
                              size_t count, const float *emissions, const uint32_t *gold,
                              const struct tag_choices *choices, const float *scales, double *losses,
                              float *d_emissions, struct ft_error *error)
{
    (void)emissions, (void)choices, (void)scales, (void)error;
    struct gpu_model *model = of(backend);
    double longest, tokens = sentence_losses(sentences, count, losses, &longest);
    gpu_upload(model, tokens * sizeof *gold);
    gpu_kernel(model, (d_emissions ? 2 : 1) * tokens * (double)tags);
    gpu_download(model, (double)count * sizeof *losses);
    return FT_OK;
}

static ft_status squares(struct backend *backend, const float *x, size_t count, double *sum, struct ft_error *error)
{
    (void)x, (void)error;
    *sum = 0;
    gpu_kernel(of(backend), (double)count);
    gpu_download(of(backend), sizeof *sum);
    return FT_OK;
}

static ft_status sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity,
                     float rate, float scale, float momentum, float decay, struct ft_error *error)
{
    (void)w, (void)gradient, (void)rate, (void)scale, (void)momentum, (void)decay, (void)error;
    gpu_kernel(of(backend), (velocity ? 5 : 3) * (double)count);
    return FT_OK;
}

static ft_status adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean,
                      float *variance, float scale, const struct adam *how, struct ft_error *error)
{
    (void)w, (void)gradient, (void)mean, (void)variance, (void)scale, (void)how, (void)error;
    gpu_kernel(of(backend), 7 * (double)count);
    return FT_OK;
}

const struct training_ops gpu_model_training = {
    .linear_forward = linear_forward,
    .linear_backward = linear_backward,
    .lstm_forward = lstm_forward,
    .lstm_backward = lstm_backward,
    .lookup_forward = lookup_forward,
    .lookup_backward = lookup_backward,
    .dropout = dropout,
    .crf_loss = crf_loss,
    .softmax_loss = softmax_loss,
    .squares = squares,
    .sgd = sgd,
    .adam = adam,
};
