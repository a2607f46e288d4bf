/* fake_device.c - see fake_device.h. Every block has pages of its own, at whose end it lies, with a closed one behind
 * it; a block that was given back stays closed for good. */
#include "fake_device.h"
#include "numbers.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BLOCKS = 4096, ALIGNMENT = 64 };

struct block {
    char *at, *pages;
    size_t bytes, mapped; /* mapped: without the closed page */
    bool alive;
};

struct fake_device {
    struct backend base;
    struct backend *cpu;
    struct block blocks[BLOCKS];
    size_t count, capacity;
    struct fake_memory memory;
};

static struct fake_device *device_of(struct backend *backend)
{
    return (struct fake_device *)backend;
}

static void set_access(struct fake_device *device, int access)
{
    for (size_t i = 0; i < device->count; i++)
        if (device->blocks[i].alive)
            EXPECT(!mprotect(device->blocks[i].pages, device->blocks[i].mapped, access), "mprotect");
}

/* Opens the memory; the CPU back end to run. */
static struct backend *enter(struct backend *backend)
{
    set_access(device_of(backend), PROT_READ | PROT_WRITE);
    return device_of(backend)->cpu;
}

static ft_status leave(struct backend *backend, ft_status status)
{
    set_access(device_of(backend), PROT_NONE);
    return status;
}

/* `floats` of one allocation begin here; NULL is no memory. */
static void expect_ours(struct backend *backend, const float *at, size_t floats, const char *what)
{
    const struct fake_device *device = device_of(backend);
    const char *first = (const char *)at, *end = first + floats * sizeof *at;
    if (!floats)
        return;
    for (size_t i = 0; i < device->count; i++) {
        const struct block *block = &device->blocks[i];
        if (block->alive && first >= block->at && end <= block->at + block->bytes)
            return;
    }
    ck_abort_msg("%s: %zu floats at %p are none of the device's", what, floats, (const void *)at);
}

static float *fake_new_floats(struct backend *backend, size_t count)
{
    struct fake_device *device = device_of(backend);
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = count * sizeof(float);
    size_t room = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, mapped = (room + page) / page * page;
    if (device->capacity && device->memory.live + bytes > device->capacity) {
        device->memory.refused++;
        return NULL;
    }
    ck_assert_uint_lt(device->count, BLOCKS);
    char *pages = mmap(NULL, mapped + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    device->blocks[device->count++] = (struct block){pages + mapped - room, pages, bytes, mapped, true};
    device->memory.live += bytes;
    if (device->memory.live > device->memory.peak)
        device->memory.peak = device->memory.live;
    return (float *)(pages + mapped - room);
}

static void fake_free_floats(struct backend *backend, float *floats)
{
    struct fake_device *device = device_of(backend);
    for (size_t i = 0; floats && i < device->count; i++)
        if (device->blocks[i].alive && device->blocks[i].at == (char *)floats) {
            device->blocks[i].alive = false;
            device->memory.live -= device->blocks[i].bytes;
            ck_assert_int_eq(madvise(device->blocks[i].pages, device->blocks[i].mapped, MADV_DONTNEED), 0);
            return;
        }
    ck_assert_msg(!floats, "%p was given back and is no allocation", (void *)floats);
}

static void expect_host(struct backend *backend, const float *at)
{
    const struct fake_device *device = device_of(backend);
    for (size_t i = 0; i < device->count; i++) {
        const struct block *block = &device->blocks[i];
        EXPECT((const char *)at < block->pages || (const char *)at >= block->pages + block->mapped,
               "%p is the device's where the host's is wanted", (const void *)at);
    }
}

static ft_status fake_upload(struct backend *backend, float *to, const float *host, size_t count,
                             struct ft_error *error)
{
    expect_ours(backend, to, count, "upload");
    expect_host(backend, host);
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->upload(cpu, to, host, count, error));
}

static ft_status fake_download(struct backend *backend, float *host, const float *from, size_t count,
                               struct ft_error *error)
{
    expect_ours(backend, from, count, "download");
    expect_host(backend, host);
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->download(cpu, host, from, count, error));
}

static ft_status fake_lm_encode(struct backend *backend, const struct lm_pass *passes, size_t count,
                                struct ft_error *error)
{
    for (size_t p = 0; p < count; p++)
        for (size_t s = 0; s < passes[p].count; s++)
            for (uint32_t r = 0; r < passes[p].sequences[s].row_count; r++) {
                const struct char_lm *lm = passes[p].lm;
                size_t width = lm->has_projection ? lm->projection.out : lm->layer[lm->layers - 1].hidden;
                expect_ours(backend, passes[p].out + passes[p].sequences[s].rows[r] * width, width, "lm_encode");
            }
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->lm_encode(cpu, passes, count, error));
}

static ft_status fake_gather(struct backend *backend, const float *const *rows, size_t count, size_t width, float *out,
                             size_t out_stride, struct ft_error *error)
{
    for (size_t r = 0; r < count; r++) {
        expect_ours(backend, rows[r], width, "a row to gather");
        expect_ours(backend, out + r * out_stride, width, "a gathered row");
    }
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->gather(cpu, rows, count, width, out, out_stride, error));
}

static void expect_pieces(struct backend *backend, const struct input_piece *pieces, size_t count, size_t rows)
{
    for (size_t p = 0; p < count; p++)
        for (size_t r = 0; r < rows; r++)
            expect_ours(backend, pieces[p].rows[r], pieces[p].width, "a piece of a row");
}

static ft_status fake_linear(struct backend *backend, const struct linear_layer *layer,
                             const struct input_piece *pieces, size_t piece_count, size_t rows, float *out,
                             struct ft_error *error)
{
    expect_pieces(backend, pieces, piece_count, rows);
    expect_ours(backend, out, rows * layer->out, "linear");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->linear(cpu, layer, pieces, piece_count, rows, out, error));
}

static ft_status fake_birnn(struct backend *backend, const struct birnn *net, const struct token_sequence *sentences,
                            size_t count, const struct input_piece *pieces, size_t piece_count, size_t tokens,
                            float *out, struct ft_error *error)
{
    expect_pieces(backend, pieces, piece_count, tokens);
    expect_ours(backend, out, tokens * 2 * net->layer[0][0].hidden, "birnn");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->birnn(cpu, net, sentences, count, pieces, piece_count, tokens, out, error));
}

static size_t tokens_of(const struct token_sequence *sentences, size_t count)
{
    size_t tokens = 0;
    for (size_t s = 0; s < count; s++)
        tokens += sentences[s].count;
    return tokens;
}

static ft_status fake_decode(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                             size_t count, const float *emissions, uint32_t *tags, float *scores,
                             struct ft_error *error)
{
    expect_ours(backend, emissions, tokens_of(sentences, count) * crf->tags, "decode");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->decode(cpu, crf, sentences, count, emissions, tags, scores, error));
}

static ft_status fake_linear_forward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                     const float *x, float *y, struct ft_error *error)
{
    expect_ours(backend, layer->w, layer->in * layer->out, "weights");
    expect_ours(backend, layer->b, layer->out, "a bias");
    expect_ours(backend, x, rows * layer->in, "x");
    expect_ours(backend, y, rows * layer->out, "y");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->linear_forward(cpu, layer, rows, x, y, error));
}

static ft_status fake_linear_backward(struct backend *backend, const struct linear_weights *layer, size_t rows,
                                      const float *x, const float *dy, float *dx, struct linear_weights *gradients,
                                      struct ft_error *error)
{
    expect_ours(backend, x, rows * layer->in, "x");
    expect_ours(backend, dy, rows * layer->out, "dy");
    expect_ours(backend, dx, dx ? rows * layer->in : 0, "dx");
    expect_ours(backend, gradients->w, layer->in * layer->out, "gradients");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->linear_backward(cpu, layer, rows, x, dy, dx, gradients, error));
}

static ft_status fake_lstm_forward(struct backend *backend, const struct packed_batch *batch,
                                   struct lstm_pass *directions, size_t count, const float *x, struct ft_error *error)
{
    expect_ours(backend, x, batch->rows * directions[0].weights->in, "x");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->lstm_forward(cpu, batch, directions, count, x, error));
}

static ft_status fake_lstm_backward(struct backend *backend, const struct packed_batch *batch,
                                    struct lstm_pass *directions, size_t count, const float *x, const float *dout,
                                    float *dx, struct lstm_weights *gradients, struct ft_error *error)
{
    expect_ours(backend, x, batch->rows * directions[0].weights->in, "x");
    expect_ours(backend, dout, batch->rows * directions[0].out_stride, "dout");
    struct backend *cpu = enter(backend);
    return leave(backend,
                 cpu->ops->training->lstm_backward(cpu, batch, directions, count, x, dout, dx, gradients, error));
}

static ft_status fake_lookup_forward(struct backend *backend, const float *table, const uint32_t *ids, size_t rows,
                                     size_t width, float *out, struct ft_error *error)
{
    expect_ours(backend, table, width, "a table");
    expect_ours(backend, out, rows * width, "rows of a table");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->lookup_forward(cpu, table, ids, rows, width, out, error));
}

static ft_status fake_lookup_backward(struct backend *backend, const uint32_t *ids, size_t rows, const float *dout,
                                      size_t items, size_t width, float *gradient, struct ft_error *error)
{
    expect_ours(backend, dout, rows * width, "dout");
    expect_ours(backend, gradient, items * width, "a gradient");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->lookup_backward(cpu, ids, rows, dout, items, width, gradient, error));
}

static ft_status fake_dropout(struct backend *backend, const struct packed_batch *batch, const struct dropout *dropout,
                              size_t width, float *x, struct ft_error *error)
{
    expect_ours(backend, x, batch->rows * width, "x");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->dropout(cpu, batch, dropout, width, x, error));
}

static ft_status fake_crf_loss(struct backend *backend, const struct crf *crf, const struct token_sequence *sentences,
                               size_t count, const float *emissions, const uint32_t *gold,
                               const struct tag_choices *choices, float scale, double *losses, float *d_emissions,
                               float *d_transitions, struct ft_error *error)
{
    expect_ours(backend, crf->transitions, crf->tags * crf->tags, "transitions");
    expect_ours(backend, emissions, tokens_of(sentences, count) * crf->tags, "emissions");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->crf_loss(cpu, crf, sentences, count, emissions, gold, choices, scale,
                                                       losses, d_emissions, d_transitions, error));
}

static ft_status fake_softmax_loss(struct backend *backend, size_t tags, const struct token_sequence *sentences,
                                   size_t count, const float *emissions, const uint32_t *gold,
                                   const struct tag_choices *choices, const float *scales, double *losses,
                                   float *d_emissions, struct ft_error *error)
{
    expect_ours(backend, emissions, tokens_of(sentences, count) * tags, "emissions");
    expect_host(backend, scales);
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->softmax_loss(cpu, tags, sentences, count, emissions, gold, choices,
                                                           scales, losses, d_emissions, error));
}

static ft_status fake_squares(struct backend *backend, const float *x, size_t count, double *sum,
                              struct ft_error *error)
{
    expect_ours(backend, x, count, "x");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->squares(cpu, x, count, sum, error));
}

static ft_status fake_sgd(struct backend *backend, size_t count, float *w, const float *gradient, float *velocity,
                          float rate, float scale, float momentum, float decay, struct ft_error *error)
{
    expect_ours(backend, w, count, "weights");
    expect_ours(backend, gradient, count, "a gradient");
    expect_ours(backend, velocity, velocity ? count : 0, "a velocity");
    struct backend *cpu = enter(backend);
    return leave(backend,
                 cpu->ops->training->sgd(cpu, count, w, gradient, velocity, rate, scale, momentum, decay, error));
}

static ft_status fake_adam(struct backend *backend, size_t count, float *w, const float *gradient, float *mean,
                           float *variance, float scale, const struct adam *how, struct ft_error *error)
{
    expect_ours(backend, w, count, "weights");
    expect_ours(backend, gradient, count, "a gradient");
    expect_ours(backend, mean, count, "a mean");
    expect_ours(backend, variance, count, "a variance");
    struct backend *cpu = enter(backend);
    return leave(backend, cpu->ops->training->adam(cpu, count, w, gradient, mean, variance, scale, how, error));
}

static const struct training_ops fake_training = {.linear_forward = fake_linear_forward,
                                                  .linear_backward = fake_linear_backward,
                                                  .lstm_forward = fake_lstm_forward,
                                                  .lstm_backward = fake_lstm_backward,
                                                  .lookup_forward = fake_lookup_forward,
                                                  .lookup_backward = fake_lookup_backward,
                                                  .dropout = fake_dropout,
                                                  .crf_loss = fake_crf_loss,
                                                  .softmax_loss = fake_softmax_loss,
                                                  .squares = fake_squares,
                                                  .sgd = fake_sgd,
                                                  .adam = fake_adam};

void fake_device_free(struct backend *backend)
{
    struct fake_device *device = device_of(backend);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    ck_assert_uint_eq(device->memory.live, 0);
    for (size_t i = 0; i < device->count; i++)
        ck_assert_int_eq(munmap(device->blocks[i].pages, device->blocks[i].mapped + page), 0);
    free(device);
}

static const struct backend_ops fake_ops = {.name = "fake device",
                                            .free = fake_device_free,
                                            .new_floats = fake_new_floats,
                                            .free_floats = fake_free_floats,
                                            .upload = fake_upload,
                                            .download = fake_download,
                                            .lm_encode = fake_lm_encode,
                                            .gather = fake_gather,
                                            .linear = fake_linear,
                                            .birnn = fake_birnn,
                                            .decode = fake_decode,
                                            .training = &fake_training};

struct backend *fake_device_new(struct backend *cpu, size_t capacity)
{
    struct fake_device *device = calloc(1, sizeof *device);
    ck_assert_ptr_nonnull(device);
    device->base.ops = &fake_ops;
    device->cpu = cpu;
    device->capacity = capacity;
    return &device->base;
}

struct fake_memory fake_device_memory(const struct backend *device)
{
    return ((const struct fake_device *)device)->memory;
}

void fake_device_set_capacity(struct backend *device, size_t capacity)
{
    device_of(device)->capacity = capacity;
}
