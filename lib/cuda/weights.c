/* weights.c - layers on the device: taken out of a model's panels on the host (model/unpack.h), uploaded once. */
#include "cuda/weights.h"
#include "cuda/addresses.h"
#include "cuda/context.h"
#include "model/unpack.h"
#include <stdlib.h>

struct cuda_weights {
    struct addresses layers[FORM_CUDNN + 1]; /* layer -> struct cuda_kept_layer */
    struct addresses halves;                 /* matrix on the device -> its halves */
};

ft_status cuda_weights_new(struct cuda_backend *cuda, struct ft_error *error)
{
    cuda->weights = calloc(1, sizeof *cuda->weights);
    return cuda->weights ? FT_OK : ft_nomem(error, "the device's weights");
}

static void drop_halves(struct cuda_backend *cuda, const float *weights)
{
    uintptr_t halves;
    if (weights && addresses_take(&cuda->weights->halves, weights, &halves))
        cuda_free(cuda, (void *)halves);
}

static void drop_layer(struct cuda_backend *cuda, struct cuda_kept_layer *kept, enum cuda_form form)
{
    if (form == FORM_CUDNN)
        cudnnDestroyRNNDescriptor(kept->as.rnn);
    else
        for (size_t i = 0; i < kept->parts; i++)
            drop_halves(cuda, kept->part[i]);
    cuda_free(cuda, kept->memory);
    free(kept);
}

void cuda_forget(struct backend *backend)
{
    struct cuda_backend *cuda = (struct cuda_backend *)backend;
    cudaSetDevice(cuda->device);
    for (int form = 0; form <= FORM_CUDNN; form++) {
        struct addresses *layers = &cuda->weights->layers[form];
        for (size_t i = 0; i < layers->capacity; i++)
            if (layers->slots[i].address)
                drop_layer(cuda, (struct cuda_kept_layer *)layers->slots[i].value, (enum cuda_form)form);
        addresses_release(layers);
    }
}

void cuda_weights_free(struct cuda_backend *cuda)
{
    if (!cuda->weights)
        return;
    cuda_forget(&cuda->base);
    addresses_release(&cuda->weights->halves);
    free(cuda->weights);
    cuda->weights = NULL;
}

static bool same_print(const struct layer_print *a, const struct layer_print *b)
{
    return a->panels == b->panels && a->bias == b->bias && a->in == b->in && a->out == b->out &&
           a->precision == b->precision;
}

struct layer_print cuda_print_recurrent(const struct recurrent_layer *layer)
{
    return (struct layer_print){layer->weights.at, layer->bias, layer->in, layer->hidden, layer->weights.precision};
}

struct cuda_kept_layer *cuda_find_layer(struct cuda_backend *cuda, const void *layer, enum cuda_form form,
                                        const struct layer_print *print)
{
    uintptr_t value;
    if (!addresses_get(&cuda->weights->layers[form], layer, &value))
        return NULL;
    struct cuda_kept_layer *kept = (struct cuda_kept_layer *)value;
    if (same_print(&kept->print, print))
        return kept;
    addresses_take(&cuda->weights->layers[form], layer, NULL);
    drop_layer(cuda, kept, form);
    return NULL;
}

ft_status cuda_keep_layer(struct cuda_backend *cuda, const void *layer, enum cuda_form form,
                          const struct cuda_kept_layer *kept, struct ft_error *error)
{
    struct cuda_kept_layer *copy = malloc(sizeof *copy);
    if (copy)
        *copy = *kept;
    if (!copy || !addresses_put(&cuda->weights->layers[form], layer, (uintptr_t)copy)) {
        free(copy);
        return ft_nomem(error, "the list of the device's weights");
    }
    return FT_OK;
}

/* Parts of one block of device memory, each aligned to 256 bytes. */
struct part {
    const float *host; /* NULL: the layer has none */
    size_t count;
    const float **at; /* receives where it lies, or NULL */
};

/* Uploads what `kept->as` is to point to. */
static ft_status upload_parts(struct cuda_backend *cuda, const struct part *parts, size_t count,
                              struct cuda_kept_layer *kept, struct ft_error *error)
{
    size_t floats = 0, done = 0;
    for (size_t i = 0; i < count; i++)
        floats += parts[i].host ? (parts[i].count + 63) / 64 * 64 : 0;
    float *block = kept->memory = cuda_allocate(cuda, floats * sizeof *block);
    if (!block)
        return cuda_nomem(cuda, "a layer's weights", error);
    ft_status status = FT_OK;
    kept->parts = count;
    for (size_t i = 0; status == FT_OK && i < count; i++) {
        *parts[i].at = parts[i].host ? block + done : NULL;
        kept->part[i] = *parts[i].at;
        if (parts[i].host) {
            status = cuda_upload(cuda, block + done, parts[i].host, parts[i].count * sizeof *block, error);
            done += (parts[i].count + 63) / 64 * 64;
        }
    }
    return status;
}

static ft_status upload_layer(struct cuda_backend *cuda, const void *layer, enum cuda_form form,
                              struct cuda_kept_layer *kept, const struct part *parts, size_t count,
                              struct ft_error *error)
{
    ft_status status = upload_parts(cuda, parts, count, kept, error);
    if (status == FT_OK)
        status = cuda_keep_layer(cuda, layer, form, kept, error);
    if (status != FT_OK)
        cuda_free(cuda, kept->memory);
    return status;
}

ft_status cuda_linear_weights(struct cuda_backend *cuda, const struct linear_layer *layer, struct cuda_linear *weights,
                              struct ft_error *error)
{
    struct layer_print print = {layer->weights.at, layer->bias, layer->in, layer->out, layer->weights.precision};
    const struct cuda_kept_layer *found = cuda_find_layer(cuda, layer, FORM_PLAIN, &print);
    if (found) {
        *weights = found->as.linear;
        return FT_OK;
    }
    struct weights room;
    struct cuda_kept_layer kept = {.print = print};
    const float *w, *bias;
    weights_init(&room);
    ft_status status = unpack_linear(&room, layer, &w, &bias, error);
    if (status == FT_OK) {
        const struct part parts[] = {{w, layer->out * layer->in, &kept.as.linear.w},
                                     {bias, layer->out, &kept.as.linear.b}};
        status = upload_layer(cuda, layer, FORM_PLAIN, &kept, parts, 2, error);
    }
    weights_release(&room);
    *weights = kept.as.linear;
    return status;
}

/* `rows` rows of packed columns (a bias, a table) to gate after gate, hidden numbers each. */
static float *unpack_columns(struct weights *room, const float *packed, size_t rows, size_t panels, size_t hidden)
{
    float *plain = weights_new(room, rows * 4 * hidden);
    for (size_t r = 0; plain && r < rows; r++)
        for (size_t g = 0; g < 4; g++)
            for (size_t u = 0; u < hidden; u++)
                plain[(r * 4 + g) * hidden + u] = packed[r * panels * PANEL + (u / BLOCK * 4 + g) * BLOCK + u % BLOCK];
    return plain;
}

ft_status cuda_recurrent_weights(struct cuda_backend *cuda, const struct recurrent_layer *layer,
                                 struct cuda_recurrent *weights, struct ft_error *error)
{
    struct layer_print print = cuda_print_recurrent(layer);
    const struct cuda_kept_layer *found = cuda_find_layer(cuda, layer, FORM_PLAIN, &print);
    if (found) {
        *weights = found->as.recurrent;
        return FT_OK;
    }
    struct weights room;
    struct cuda_kept_layer kept = {.print = print};
    struct cuda_recurrent *to = &kept.as.recurrent;
    struct unpacked_layer plain;
    weights_init(&room);
    ft_status status = unpack_recurrent(&room, layer, NULL, &plain, error);
    const float *bias = unpack_columns(&room, layer->bias, 1, layer->panels, layer->hidden);
    if (status == FT_OK && !bias)
        status = ft_nomem(error, "the unpacked weights");
    if (status == FT_OK) {
        const struct part parts[] = {{layer->in ? plain.w_ih : NULL, plain.rows * layer->in, &to->w_ih},
                                     {plain.w_hh, plain.rows * layer->hidden, &to->w_hh},
                                     {bias, 4 * layer->hidden, &to->bias},
                                     {layer->init_h, layer->hidden, &to->init_h},
                                     {layer->init_c, layer->hidden, &to->init_c}};
        status = upload_layer(cuda, layer, FORM_PLAIN, &kept, parts, sizeof parts / sizeof *parts, error);
    }
    weights_release(&room);
    *weights = *to;
    return status;
}

ft_status cuda_char_table(struct cuda_backend *cuda, const struct char_lm *lm, struct cuda_char_table *table,
                          struct ft_error *error)
{
    const struct recurrent_layer *first = &lm->layer[0];
    struct layer_print print = {lm->table, NULL, lm->items, first->hidden, PRECISION_F32};
    const struct cuda_kept_layer *found = cuda_find_layer(cuda, lm, FORM_TABLE, &print);
    if (found) {
        *table = found->as.table;
        return FT_OK;
    }
    struct weights room;
    struct cuda_kept_layer kept = {.print = print};
    weights_init(&room);
    const float *rows = unpack_columns(&room, lm->table, lm->items, first->panels, first->hidden);
    ft_status status = rows ? FT_OK : ft_nomem(error, "the table of characters");
    if (status == FT_OK) {
        const struct part part = {rows, lm->items * 4 * first->hidden, &kept.as.table.rows};
        status = upload_layer(cuda, lm, FORM_TABLE, &kept, &part, 1, error);
    }
    weights_release(&room);
    *table = kept.as.table;
    return status;
}

const uint16_t *cuda_known_halves(const struct cuda_backend *cuda, const float *weights)
{
    uintptr_t halves;
    return addresses_get(&cuda->weights->halves, weights, &halves) ? (const uint16_t *)halves : NULL;
}

ft_status cuda_half_weights(struct cuda_backend *cuda, const float *weights, size_t count, const uint16_t **halves,
                            struct ft_error *error)
{
    if ((*halves = cuda_known_halves(cuda, weights)))
        return FT_OK;
    uint16_t *made = cuda_allocate(cuda, count * sizeof *made);
    if (!made)
        return cuda_nomem(cuda, "weights in half precision", error);
    ft_status status = cuda_to_halves(cuda->stream, weights, 1, count, count, made, error);
    if (status == FT_OK && !addresses_put(&cuda->weights->halves, weights, (uintptr_t)made))
        status = ft_nomem(error, "the list of the device's weights");
    if (status != FT_OK)
        cuda_free(cuda, made);
    *halves = made;
    return status;
}
