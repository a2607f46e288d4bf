/* birnn_native.c - bidirectional layers by cuBLAS and kernels/recurrent.cu, and what cuDNN is held against.
 *
 * The input's products are one GEMM a piece and direction over all tokens, in the order in which they lie, so that
 * nothing is gathered: a step finds its row by the sentence's first row. A step is h W_hh^T for the sentences that are
 * long enough, and one kernel for the gates. The directions run side by side in two branches. */
#include "kernels/recurrent_cuda.h"
#include "cuda/birnn.h"
#include "cuda/linear.h"
#include <stdlib.h>

struct native_layer {
    const struct birnn_group *group;
    const struct recurrent_layer *layer;
    struct cuda_recurrent weights;
    size_t gates;             /* columns of a product: 4 H, or 3 H */
    const uint16_t *w_halves; /* of w_hh with CUDA_MATH_F16, else NULL */
    float *z;                 /* [sentences, gates] */
    struct sentence_step run; /* what every step of it is called with */
};

static size_t gate_columns(const struct recurrent_layer *layer)
{
    return (layer->cell == CELL_LSTM ? 4 : 3) * layer->hidden;
}

size_t birnn_native_row_bytes(const struct birnn *net)
{
    const struct recurrent_layer *layer = net->layer[0];
    return (2 * gate_columns(layer) + (net->layers > 1 ? 2 * layer->hidden : 0)) * sizeof(float);
}

/* The weights of a direction, and their halves with CUDA_MATH_F16. */
static ft_status layer_weights(struct cuda_backend *cuda, const struct recurrent_layer *layer,
                               struct cuda_recurrent *weights, const uint16_t **w_halves, struct ft_error *error)
{
    const uint16_t *input;
    size_t gates = gate_columns(layer);
    *w_halves = NULL;
    ft_status status = cuda_recurrent_weights(cuda, layer, weights, error);
    if (status == FT_OK && cuda->options.math == CUDA_MATH_F16)
        status = cuda_half_weights(cuda, weights->w_hh, gates * layer->hidden, w_halves, error);
    if (status == FT_OK && cuda->options.math == CUDA_MATH_F16)
        status = cuda_half_weights(cuda, weights->w_ih, gates * layer->in, &input, error);
    return status;
}

ft_status birnn_native_upload(struct cuda_backend *cuda, const struct birnn *net, struct ft_error *error)
{
    struct cuda_recurrent weights;
    const uint16_t *halves;
    ft_status status = FT_OK;
    for (size_t k = 0; k < net->layers; k++)
        for (int d = 0; status == FT_OK && d < 2; d++)
            status = layer_weights(cuda, &net->layer[k][d], &weights, &halves, error);
    return status;
}

/* State and products of one direction; its states before the first step. */
static ft_status layer_init(struct cuda_backend *cuda, struct native_layer *to, const struct cuda_rows *x,
                            size_t piece_count, struct ft_error *error)
{
    const struct birnn_group *group = to->group;
    size_t hidden = to->layer->hidden, states = group->sentences * hidden;
    bool half = cuda->options.math == CUDA_MATH_F16;
    to->gates = gate_columns(to->layer);
    ft_status status = layer_weights(cuda, to->layer, &to->weights, &to->w_halves, error);
    if (status != FT_OK)
        return status;
    float *products = cuda_scratch_take(cuda, group->rows * to->gates * sizeof(float));
    float *h = cuda_scratch_take(cuda, states * sizeof(float)), *c = cuda_scratch_take(cuda, states * sizeof(float));
    uint16_t *halves = half ? cuda_scratch_take(cuda, states * sizeof *halves) : NULL;
    to->z = cuda_scratch_take(cuda, group->sentences * to->gates * sizeof(float));
    if (!products || !h || !c || !to->z || (half && !halves))
        return cuda_nomem(cuda, "the tagger's recurrent layers", error);
    to->run.hidden = hidden;
    to->run.x = products;
    to->run.h = h;
    to->run.c = c;
    to->run.halves = halves;
    const float *const start[2] = {to->weights.init_h, to->weights.init_c};
    float *const state[2] = {h, c};
    for (int i = 0; status == FT_OK && i < 2; i++)
        status = start[i] ? cuda_repeat_row(cuda->stream, start[i], group->sentences, hidden, state[i], hidden, error)
                          : cuda_check(cudaMemsetAsync(state[i], 0, states * sizeof(float), cuda->stream),
                                       "clearing states", error);
    if (status == FT_OK && half)
        status = cuda_to_halves(cuda->stream, h, 1, states, states, halves, error);
    if (status == FT_OK)
        status = cuda_affine(cuda, x, piece_count, group->rows, to->weights.w_ih, to->weights.bias, to->layer->in,
                             to->gates, products, error);
    return status;
}

static ft_status take_step(struct cuda_backend *cuda, struct native_layer *of, size_t step,
                           const struct cuda_branch *branch, struct ft_error *error)
{
    size_t active = of->group->active[step], hidden = of->layer->hidden;
    bool product = step || of->weights.init_h;
    struct sentence_step run = of->run;
    run.active = active;
    run.step = step;
    run.z = product ? of->z : NULL;
    if (product) {
        struct cuda_product state = {.m = active,
                                     .n = of->gates,
                                     .k = hidden,
                                     .a = run.h,
                                     .a_halves = run.halves,
                                     .a_stride = hidden,
                                     .b = of->weights.w_hh,
                                     .b_halves = of->w_halves,
                                     .b_stride = hidden,
                                     .b_transposed = true,
                                     .c = of->z,
                                     .c_stride = of->gates,
                                     .alpha = 1};
        ft_status status = cuda_multiply(cuda, branch->blas, &state, error);
        if (status != FT_OK)
            return status;
    }
    dim3 grid = {(unsigned)((active * hidden + RECURRENT_THREADS - 1) / RECURRENT_THREADS), 1, 1},
         block = {RECURRENT_THREADS, 1, 1};
    if (of->layer->cell == CELL_LSTM)
        return cuda_launch(branch->stream, CUDA_KERNEL(recurrent_lstm), grid, block, 0, CUDA_ARGUMENTS(&run),
                           "a step of an LSTM", error);
    const float *bias = of->weights.bias + 3 * hidden;
    return cuda_launch(branch->stream, CUDA_KERNEL(recurrent_gru), grid, block, 0, CUDA_ARGUMENTS(&run, &bias),
                       "a step of a GRU", error);
}

/* One layer, both directions. base: what all its steps have in common. */
static ft_status run_layer(struct cuda_backend *cuda, const struct recurrent_layer layers[2],
                           const struct birnn_group *group, const struct sentence_step *base, const struct cuda_rows *x,
                           size_t piece_count, struct ft_error *error)
{
    struct native_layer directions[2];
    ft_status status = FT_OK;
    for (int d = 0; status == FT_OK && d < 2; d++) {
        directions[d] = (struct native_layer){.group = group, .layer = &layers[d], .run = *base};
        directions[d].run.reverse = d;
        directions[d].run.out += (size_t)d * layers[d].hidden;
        status = layer_init(cuda, &directions[d], x, piece_count, error);
    }
    if (status != FT_OK)
        return status;
    status = cuda_fork(cuda, 2, error);
    for (size_t step = 0; status == FT_OK && step < group->steps; step++)
        for (int d = 0; status == FT_OK && d < 2; d++)
            status = take_step(cuda, &directions[d], step, &cuda->branches[d], error);
    ft_status joined = cuda_join(cuda, status == FT_OK ? error : NULL);
    return status == FT_OK ? joined : status;
}

ft_status birnn_native(struct cuda_backend *cuda, const struct birnn *net, const struct birnn_group *group,
                       struct ft_error *error)
{
    size_t width = 2 * net->layer[0][0].hidden, bytes = group->sentences * sizeof(uint32_t);
    struct cuda_rows *x = calloc(group->piece_count + 1, sizeof *x);
    if (!x)
        return ft_nomem(error, "the tagger's recurrent layers");
    const uint32_t *lengths = cuda_scratch_upload(cuda, group->lengths, bytes, error);
    const uint32_t *first_row = lengths ? cuda_scratch_upload(cuda, group->first_row, bytes, error) : NULL;
    const uint32_t *first_token = first_row ? cuda_scratch_upload(cuda, group->first_token, bytes, error) : NULL;
    float *lower = first_token && net->layers > 1 ? cuda_scratch_take(cuda, group->rows * width * sizeof *lower) : NULL;
    ft_status status = first_token ? FT_OK : FT_NOMEM;
    if (first_token && net->layers > 1 && !lower)
        status = cuda_nomem(cuda, "the tagger's recurrent layers", error);
    if (status == FT_OK)
        status = cuda_input_rows(cuda, group->pieces, group->piece_count, group->rows, x, error);
    for (size_t k = 0; status == FT_OK && k < net->layers; k++) {
        bool last = k + 1 == net->layers;
        struct sentence_step base = {.lengths = lengths,
                                     .rows_in = first_row,
                                     .rows_out = last ? first_token : first_row,
                                     .out = last ? group->out : lower,
                                     .out_stride = width};
        if ((status = cuda_scratch_begin(cuda, error)) != FT_OK)
            break;
        size_t piece_count = k ? 1 : group->piece_count;
        if (k) { /* its products are made before a step writes it again */
            x[0] = (struct cuda_rows){.at = lower, .stride = width, .width = width};
            status = cuda_rows_halves(cuda, group->rows, x, error);
        }
        if (status == FT_OK)
            status = run_layer(cuda, net->layer[k], group, &base, x, piece_count, error);
        cuda_scratch_end(cuda);
    }
    free(x);
    return status;
}
