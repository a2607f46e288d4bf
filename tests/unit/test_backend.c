/* The CPU back end: results are right, and the same to the bit for any number of threads and lanes. */
#include "harness.h"
#include "kernels/linear.h"
#include "model/lm.h"
#include "model/quantise.h"
#include "numbers.h"
#include "plain_layer.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t thread_counts[] = {1, 2, 3}, lane_counts[] = {1, 2, 7, 96};
static const size_t fork_bytes[] = {SIZE_MAX, 0, 700, 3000, 32 << 20}; /* none, one or two, a few, all states */

static struct backend *backend_new(size_t threads, size_t lanes, const char *isa)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    struct cpu_options options = {threads, lanes, isa};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    return backend;
}

/* Calls `compare` with every back end; it says what it found different, or nothing. */
static void with_every_backend(void (*compare)(struct backend *backend, void *argument, const char *name),
                               void *argument)
{
    for (size_t t = 0; t < 3; t++)
        for (size_t l = 0; l < 4; l++) {
            char name[64];
            snprintf(name, sizeof name, "%zu threads, %zu lanes", thread_counts[t], lane_counts[l]);
            struct backend *backend = backend_new(thread_counts[t], lane_counts[l], "auto");
            struct cpu_backend *cpu = (struct cpu_backend *)backend;
            if (t + l) { /* the first is left as it comes */
                cpu->fork_bytes = fork_bytes[(t * 4 + l) % 5];
                cpu->split_bytes = 1;
                cpu->split_below = l % 2 ? 1000 : 0; /* all are stepped by a team, or none */
            }
            compare(backend, argument, name);
            backend->ops->free(backend);
        }
    const struct kernels *sets[KERNEL_SETS];
    for (size_t i = 0, count = kernels_available(sets); i < count; i++) {
        struct backend *backend = backend_new(2, 5, sets[i]->name);
        compare(backend, argument, sets[i]->name);
        backend->ops->free(backend);
    }
}

static struct tensor matrix(const float *data, size_t rows, size_t columns)
{
    return columns ? (struct tensor){data, DTYPE_F32, 2, {rows, columns}, {(int64_t)columns, 1}}
                   : (struct tensor){data, DTYPE_F32, 1, {rows}, {1}};
}

static struct rnn_weights weights_of(const struct plain_layer *layer)
{
    size_t gates = gate_count(layer->cell) * layer->hidden;
    return (struct rnn_weights){matrix(layer->w_ih, gates, layer->in), matrix(layer->w_hh, gates, layer->hidden),
                                matrix(layer->b_ih, gates, 0), matrix(layer->b_hh, gates, 0)};
}

/* A language model, plain and made ready. */
enum { ITEMS = 30, WIDTH = 5, LAYERS = 2, NOUT = 9 };
struct language_model {
    struct plain_layer layer[LAYERS];
    size_t layers, nout;
    float *encoder, *proj_weight, *proj_bias;
    struct bytes items[ITEMS];
    char names[ITEMS];
    struct arena arena;
    struct weights weights;
    struct lm lm;
};

static void language_model_init(struct language_model *m, enum cell_type cell, size_t hidden, size_t layers,
                                size_t nout)
{
    struct backend *backend = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    *m = (struct language_model){.layers = layers, .nout = nout, .encoder = random_floats(ITEMS * WIDTH, 1)};
    struct lm_description from = {.forward = true,
                                  .rnn = cell == CELL_LSTM ? RNN_LSTM : RNN_GRU,
                                  .layers = layers,
                                  .hidden = hidden,
                                  .embedding = WIDTH,
                                  .nout = nout,
                                  .delimiter = {"\n", 1},
                                  .items = m->items,
                                  .item_count = ITEMS,
                                  .encoder = matrix(m->encoder, ITEMS, WIDTH)};
    for (size_t i = 0; i < ITEMS; i++) {
        m->names[i] = (char)('A' + i);
        m->items[i] = (struct bytes){&m->names[i], 1};
    }
    for (size_t k = 0; k < layers; k++) {
        m->layer[k] = plain_layer_new(cell, k ? hidden : WIDTH, hidden);
        from.layer[k] = weights_of(&m->layer[k]);
    }
    if (nout) {
        m->proj_weight = random_floats(nout * hidden, 0.5f);
        m->proj_bias = random_floats(nout, 0.5f);
        from.proj_weight = matrix(m->proj_weight, nout, hidden);
        from.proj_bias = matrix(m->proj_bias, nout, 0);
    }
    arena_init(&m->arena);
    weights_init(&m->weights);
    ck_assert_msg(lm_build(&m->lm, &from, &m->arena, &m->weights, backend, &error) == FT_OK, "%s", error.text);
    backend->ops->free(backend);
}

static void language_model_release(struct language_model *m)
{
    for (size_t k = 0; k < m->layers; k++)
        plain_layer_free(&m->layer[k]);
    free(m->encoder);
    free(m->proj_weight);
    free(m->proj_bias);
    arena_release(&m->arena);
    weights_release(&m->weights);
}

/* Sequences of odd lengths that want some of their states, some of them more than once. Most of the later ones begin
 * like an earlier one, and most of those want the same of its states; some are that sequence again. */
struct sequences {
    struct char_sequence *at;
    size_t count, rows;
    struct arena arena;
};

static void sequences_init(struct sequences *s, size_t count, bool long_ones)
{
    static const uint32_t odd[] = {1, 2, 100, 1000, 3, 1};
    *s = (struct sequences){.count = count};
    arena_init(&s->arena);
    s->at = arena_array(&s->arena, count, sizeof *s->at);
    for (size_t i = 0; i < count; i++) {
        uint32_t length = i < 6 && (long_ones || odd[i] < 1000) ? odd[i] : random_below(60), alike = 0, wish = 0;
        const struct char_sequence *like = &s->at[i < 10 ? 0 : random_below((uint32_t)i)];
        if (i >= 10 && !random_below(4))
            length = like->length;
        if (i >= 10)
            alike = random_below(3) ? random_below(like->length + 1) : like->length;
        bool wants_alike = random_below(4), wants_all = i % 10 == 9;
        uint32_t *ids = arena_array(&s->arena, length, sizeof *ids),
                 *steps = arena_array(&s->arena, 2 * length, sizeof *steps);
        uint32_t *rows = arena_array(&s->arena, 2 * length, sizeof *rows), wanted = 0;
        for (uint32_t t = 0; t < length; t++) {
            ids[t] = t < alike ? like->ids[t] : random_below(ITEMS);
            uint32_t times = !i ? 2 : wants_all ? 1 : random_below(3); /* of the first sequence's one step: twice */
            if (wants_alike && t < alike)
                for (times = 0; wish < like->row_count && like->steps[wish] == t; wish++)
                    times++;
            for (; times; times--)
                steps[wanted++] = t;
        }
        for (uint32_t w = 0; w < wanted; w++)
            rows[w] = (uint32_t)s->rows++;
        for (uint32_t w = wanted; w > 1; w--) { /* in any order */
            uint32_t other = random_below(w), row = rows[w - 1];
            rows[w - 1] = rows[other];
            rows[other] = row;
        }
        s->at[i] = (struct char_sequence){ids, length, wanted, steps, rows};
    }
}

struct encode_case {
    struct language_model *model;
    struct sequences sequences;
    const float *expected; /* [rows + 2, width]; one row before and one behind that nobody wants */
};

/* share: how many sequences a call. */
static float *encode(struct backend *backend, const struct encode_case *c, size_t share)
{
    size_t width = c->model->lm.width, rows = c->sequences.rows + 2;
    float *out = calloc(rows * width, sizeof *out);
    struct ft_error error = {""};
    for (size_t i = 0; i < rows * width; i++)
        out[i] = -7;
    for (size_t i = 0; i < c->sequences.count; i += share) {
        struct lm_pass pass = {&c->model->lm.net, c->sequences.at + i, share, out + width};
        ck_assert_msg(backend->ops->lm_encode(backend, &pass, 1, &error) == FT_OK, "%s", error.text);
    }
    return out;
}

static void compare_encoded(struct backend *backend, void *argument, const char *name)
{
    const struct encode_case *c = argument;
    size_t width = c->model->lm.width, numbers = (c->sequences.rows + 2) * width;
    float *got = encode(backend, c, c->sequences.count);
    size_t at = first_difference(c->expected, got, numbers);
    EXPECT(at == numbers, "%s, %zu layers, nout %zu: row %zu, column %zu is %a, not %a", name, c->model->layers,
           c->model->nout, at / width, at % width, (double)got[at], (double)c->expected[at]);
    free(got);
}

/* Against double precision. Long sequences are left out: errors need not die out in them. */
static void check_states(const struct encode_case *c, const float *states)
{
    const struct language_model *m = c->model;
    size_t hidden = m->layer[0].hidden, width = m->lm.width;
    double *h = calloc(LAYERS * hidden, sizeof *h), *cell = calloc(LAYERS * hidden, sizeof *cell), x[WIDTH];
    for (size_t i = 0; i < c->sequences.count; i++) {
        const struct char_sequence *s = &c->sequences.at[i];
        uint32_t next = 0;
        memset(h, 0, LAYERS * hidden * sizeof *h);
        memset(cell, 0, LAYERS * hidden * sizeof *cell);
        for (uint32_t t = 0; t < s->length && t < 100; t++) {
            for (size_t k = 0; k < WIDTH; k++)
                x[k] = (double)m->encoder[s->ids[t] * WIDTH + k];
            for (size_t k = 0; k < m->layers; k++)
                plain_step(&m->layer[k], k ? h + (k - 1) * hidden : x, h + k * hidden, cell + k * hidden);
            const double *top = h + (m->layers - 1) * hidden;
            for (; next < s->row_count && s->steps[next] == t; next++)
                for (size_t j = 0; j < width; j++) {
                    double expected =
                        m->nout ? plain_dot(m->proj_weight + j * hidden, top, hidden) + (double)m->proj_bias[j]
                                : top[j];
                    double got = (double)states[(s->rows[next] + 1) * width + j];
                    EXPECT(distance_of(expected, got) < 5e-6, "sequence %zu, step %u, column %zu: %.9g, should be %.9g",
                           i, t, j, got, expected);
                }
        }
    }
    free(h);
    free(cell);
}

static void check_encoding(enum cell_type cell, size_t hidden, size_t layers, size_t nout, bool long_ones)
{
    struct language_model model;
    language_model_init(&model, cell, hidden, layers, nout);
    struct encode_case c = {.model = &model};
    sequences_init(&c.sequences, 120, long_ones);
    struct backend *backend = backend_new(1, 1, "scalar");
    float *expected = encode(backend, &c, 1); /* alone, so that nothing is shared */
    c.expected = expected;
    for (size_t j = 0, last = (c.sequences.rows + 1) * model.lm.width; j < model.lm.width; j++)
        EXPECT(same_float(expected[j], -7) && same_float(expected[last + j], -7),
               "a row that nobody wants was written");
    check_states(&c, expected);
    with_every_backend(compare_encoded, &c);
    backend->ops->free(backend);
    free(expected);
    arena_release(&c.sequences.arena);
    language_model_release(&model);
}

START_TEST(lstm_language_models_are_right_and_the_same_everywhere)
{
    random_begin("lstm_language_models_are_right_and_the_same_everywhere");
    check_encoding(CELL_LSTM, 17, 1, 0, true);
    check_encoding(CELL_LSTM, 20, LAYERS, 0, false);
    check_encoding(CELL_LSTM, 33, LAYERS, NOUT, false);
    check_encoding(CELL_LSTM, 16, 1, 70, false);
}
END_TEST

START_TEST(gru_language_models_are_right_and_the_same_everywhere)
{
    random_begin("gru_language_models_are_right_and_the_same_everywhere");
    check_encoding(CELL_GRU, 17, 1, 0, true);
    check_encoding(CELL_GRU, 19, LAYERS, 0, false);
    check_encoding(CELL_GRU, 33, LAYERS, NOUT, false);
}
END_TEST

/* The first sequences of a case for every model, in one call. */
static void encode_few(struct backend *backend, struct language_model *models, size_t model_count,
                       const struct sequences *sequences, size_t count, float *const *out)
{
    struct lm_pass passes[2];
    struct ft_error error = {""};
    for (size_t m = 0; m < model_count; m++) {
        memset(out[m], 0, sequences->rows * models[m].lm.width * sizeof *out[m]);
        passes[m] = (struct lm_pass){&models[m].lm.net, sequences->at, count, out[m]};
    }
    ck_assert_msg(backend->ops->lm_encode(backend, passes, model_count, &error) == FT_OK, "%s", error.text);
}

/* Teams of up to five, for layers of two and four panels. */
static void check_teams(struct language_model *models, const struct sequences *sequences)
{
    float *expected[2], *got[2];
    struct backend *alone = backend_new(1, 0, "scalar");
    for (size_t m = 0; m < 2; m++) {
        expected[m] = calloc(sequences->rows * models[m].lm.width, sizeof *expected[m]);
        got[m] = calloc(sequences->rows * models[m].lm.width, sizeof *got[m]);
    }
    for (size_t count = 1; count <= sequences->count; count++) {
        encode_few(alone, models, 2, sequences, count, expected);
        for (size_t threads = 2; threads <= 5; threads++)
            for (size_t model_count = 1; model_count <= 2; model_count++) {
                struct backend *backend = backend_new(threads, 0, "auto");
                ((struct cpu_backend *)backend)->split_bytes = 1;
                encode_few(backend, models, model_count, sequences, count, got);
                for (size_t m = 0; m < model_count; m++) {
                    size_t numbers = sequences->rows * models[m].lm.width;
                    size_t at = first_difference(expected[m], got[m], numbers);
                    EXPECT(at == numbers, "%zu sequences, %zu threads, model %zu of %zu: number %zu is %a, not %a",
                           count, threads, m, model_count, at, (double)got[m][at], (double)expected[m][at]);
                }
                backend->ops->free(backend);
            }
    }
    for (size_t m = 0; m < 2; m++) {
        free(expected[m]);
        free(got[m]);
    }
    alone->ops->free(alone);
}

START_TEST(few_sequences_have_the_same_bits_from_teams)
{
    enum { COUNT = 3, LENGTH = 150 };
    random_begin("few_sequences_have_the_same_bits_from_teams");
    struct language_model models[2];
    struct sequences sequences = {.count = COUNT};
    arena_init(&sequences.arena);
    sequences.at = arena_array(&sequences.arena, COUNT, sizeof *sequences.at);
    for (size_t i = 0; i < COUNT; i++) { /* the last goes on from the first */
        uint32_t length = LENGTH - 20 * (uint32_t)i, count = length / 2;
        uint32_t *ids = arena_array(&sequences.arena, length, sizeof *ids);
        uint32_t *steps = arena_array(&sequences.arena, count, sizeof *steps);
        uint32_t *rows = arena_array(&sequences.arena, count, sizeof *rows);
        for (uint32_t t = 0; t < length; t++)
            ids[t] = i == 2 && t < 50 ? sequences.at[0].ids[t] : random_below(ITEMS);
        for (uint32_t w = 0; w < count; w++) {
            steps[w] = 2 * w + 1;
            rows[w] = (uint32_t)sequences.rows++;
        }
        sequences.at[i] = (struct char_sequence){ids, length, count, steps, rows};
    }
    language_model_init(&models[0], CELL_LSTM, 60, 1, 0);
    language_model_init(&models[1], CELL_GRU, 20, LAYERS, NOUT);
    for (int p = 0; p < PRECISIONS; p++) {
        struct ft_error error = {""};
        for (size_t m = 0; m < 2; m++)
            ck_assert_msg(lm_set_precision(&models[m].lm, (enum precision)p, &models[m].arena, &models[m].weights, 1,
                                           &error) == FT_OK,
                          "%s", error.text);
        check_teams(models, &sequences);
    }
    for (size_t m = 0; m < 2; m++)
        language_model_release(&models[m]);
    arena_release(&sequences.arena);
}
END_TEST

/* Bidirectional layers over sentences; inputs in two pieces. */
enum { PIECE_0 = 7, PIECE_1 = 12 };
struct birnn_case {
    struct plain_layer plain[3][2];
    float *init[3][2][2]; /* h and c, or NULL */
    struct birnn net;
    struct weights weights;
    struct token_sequence *sentences;
    size_t count, tokens;
    float *rows[2];
    const float **pointers[2];
    struct input_piece pieces[2];
    float *expected;
};

static void birnn_case_init(struct birnn_case *c, enum cell_type cell, size_t hidden, size_t layers, bool init)
{
    static const size_t odd[] = {1, 2, 100, 1000, 0, 5};
    *c = (struct birnn_case){.count = 40};
    weights_init(&c->weights);
    c->net.layers = layers;
    for (size_t k = 0; k < layers; k++)
        for (int d = 0; d < 2; d++) {
            struct plain_layer *plain = &c->plain[k][d];
            struct recurrent_layer *layer = &c->net.layer[k][d];
            *plain = plain_layer_new(cell, k ? 2 * hidden : PIECE_0 + PIECE_1, hidden);
            struct gate_part parts[2] = {{plain->w_ih, plain->in, false}, {plain->w_hh, hidden, true}};
            *layer =
                (struct recurrent_layer){.cell = cell, .in = plain->in, .hidden = hidden, .panels = (hidden + 15) / 16};
            layer->weights = (struct packed){.groups = plain->in + hidden};
            layer->weights.at = pack_gates(&c->weights, cell, hidden, parts, 2, 2);
            layer->bias = pack_gate_bias(&c->weights, cell, hidden, plain->b_ih, plain->b_hh);
            for (int i = 0; init && i < 2; i++)
                c->init[k][d][i] = random_floats(hidden, 1);
            if (init) {
                layer->init_h = pack_state(&c->weights, hidden, c->init[k][d][0]);
                layer->init_c = pack_state(&c->weights, hidden, c->init[k][d][1]);
            }
        }
    c->sentences = calloc(c->count, sizeof *c->sentences);
    for (size_t i = 0; i < c->count; i++) {
        c->sentences[i] = (struct token_sequence){c->tokens, i < 6 ? odd[i] : random_below(30)};
        c->tokens += c->sentences[i].count;
    }
    for (int i = 0; i < 2; i++) {
        size_t width = i ? PIECE_1 : PIECE_0;
        c->rows[i] = random_floats(c->tokens * width, 1);
        c->pointers[i] = calloc(c->tokens, sizeof *c->pointers[i]);
        for (size_t t = 0; t < c->tokens; t++)
            c->pointers[i][t] = c->rows[i] + t * width;
        c->pieces[i] = (struct input_piece){c->pointers[i], width};
    }
}

static void birnn_case_release(struct birnn_case *c)
{
    for (size_t k = 0; k < c->net.layers; k++)
        for (int d = 0; d < 2; d++) {
            plain_layer_free(&c->plain[k][d]);
            free(c->init[k][d][0]);
            free(c->init[k][d][1]);
        }
    for (int i = 0; i < 2; i++) {
        free(c->rows[i]);
        free(c->pointers[i]);
    }
    free(c->sentences);
    free(c->expected);
    weights_release(&c->weights);
}

static float *run_birnn(struct backend *backend, const struct birnn_case *c)
{
    size_t width = 2 * c->plain[0][0].hidden;
    float *out = calloc(c->tokens * width, sizeof *out);
    struct ft_error error = {""};
    ft_status status =
        backend->ops->birnn(backend, &c->net, c->sentences, c->count, c->pieces, 2, c->tokens, out, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    return out;
}

static void compare_birnn(struct backend *backend, void *argument, const char *name)
{
    const struct birnn_case *c = argument;
    size_t width = 2 * c->plain[0][0].hidden;
    float *got = run_birnn(backend, c);
    size_t at = first_difference(c->expected, got, c->tokens * width);
    EXPECT(at == c->tokens * width, "%s, %zu layers: token %zu, column %zu is %a, not %a", name, c->net.layers,
           at / width, at % width, (double)got[at], (double)c->expected[at]);
    free(got);
}

static void check_birnn_values(const struct birnn_case *c)
{
    size_t hidden = c->plain[0][0].hidden, width = 2 * hidden, in = PIECE_0 + PIECE_1,
           first_width = in > width ? in : width;
    double *x = calloc(c->tokens * first_width, sizeof *x), *y = calloc(c->tokens * width, sizeof *y);
    double *h = calloc(hidden, sizeof *h), *cell = calloc(hidden, sizeof *cell);
    for (size_t t = 0; t < c->tokens; t++)
        for (size_t j = 0; j < in; j++)
            x[t * in + j] = (double)(j < PIECE_0 ? c->rows[0][t * PIECE_0 + j] : c->rows[1][t * PIECE_1 + j - PIECE_0]);
    for (size_t k = 0; k < c->net.layers; k++, in = width) {
        for (size_t s = 0; s < c->count; s++)
            for (size_t d = 0; d < 2; d++) {
                for (size_t u = 0; u < hidden; u++) {
                    h[u] = c->init[k][d][0] ? (double)c->init[k][d][0][u] : 0;
                    cell[u] = c->init[k][d][1] ? (double)c->init[k][d][1][u] : 0;
                }
                for (size_t i = 0; i < c->sentences[s].count; i++) {
                    size_t t = c->sentences[s].first + (d ? c->sentences[s].count - 1 - i : i);
                    plain_step(&c->plain[k][d], x + t * in, h, cell);
                    memcpy(y + t * width + d * hidden, h, hidden * sizeof *h);
                }
            }
        memcpy(x, y, c->tokens * width * sizeof *x);
    }
    for (size_t i = 0; i < c->tokens * width; i++)
        EXPECT(distance_of(y[i], (double)c->expected[i]) < 1e-5, "token %zu, column %zu: %.9g, should be %.9g",
               i / width, i % width, (double)c->expected[i], y[i]);
    free(x);
    free(y);
    free(h);
    free(cell);
}

START_TEST(bidirectional_layers_are_right_and_the_same_everywhere)
{
    random_begin("bidirectional_layers_are_right_and_the_same_everywhere");
    for (int cell = CELL_LSTM; cell <= CELL_GRU; cell++)
        for (size_t layers = 1; layers <= 3; layers++) {
            struct birnn_case c;
            birnn_case_init(&c, (enum cell_type)cell, (size_t[]){14, 17, 9}[layers - 1], layers,
                            cell == CELL_LSTM && layers != 2);
            struct backend *backend = backend_new(1, 1, "scalar");
            c.expected = run_birnn(backend, &c);
            backend->ops->free(backend);
            check_birnn_values(&c);
            with_every_backend(compare_birnn, &c);
            birnn_case_release(&c);
        }
}
END_TEST

struct linear_case {
    struct linear_layer layer;
    size_t rows;
    struct input_piece pieces[2];
    const float *expected;
};

static void compare_linear(struct backend *backend, void *argument, const char *name)
{
    const struct linear_case *c = argument;
    size_t numbers = c->rows * c->layer.out;
    float *got = random_floats(numbers, 1);
    struct ft_error error = {""};
    ck_assert_int_eq(backend->ops->linear(backend, &c->layer, c->pieces, 2, c->rows, got, &error), FT_OK);
    size_t at = first_difference(c->expected, got, numbers);
    EXPECT(at == numbers, "%s, %zu rows: row %zu, column %zu is %a, not %a", name, c->rows, at / c->layer.out,
           at % c->layer.out, (double)got[at], (double)c->expected[at]);
    free(got);
}

START_TEST(linear_layers_are_right_and_the_same_everywhere)
{
    static const size_t row_counts[] = {0, 1, 2, LINEAR_ROWS - 1, LINEAR_ROWS, LINEAR_ROWS + 1, 1000};
    enum { OUT = 70, IN_0 = 31, IN_1 = 2, IN = IN_0 + IN_1 };
    random_begin("linear_layers_are_right_and_the_same_everywhere");
    struct weights weights;
    weights_init(&weights);
    float *w = random_floats(OUT * IN, 1), *bias = random_floats(OUT, 1);
    for (size_t i = 0; i < sizeof row_counts / sizeof *row_counts; i++) {
        struct linear_case c = {.rows = row_counts[i]};
        ck_assert(pack_linear(&weights, w, bias, IN, OUT, &c.layer));
        float *x = random_floats(c.rows * IN, 1), *expected = random_floats(c.rows * OUT, 1);
        const float **at[2] = {calloc(c.rows + 1, sizeof **at), calloc(c.rows + 1, sizeof **at)};
        for (size_t r = 0; r < c.rows; r++) {
            at[0][r] = x + r * IN;
            at[1][r] = x + r * IN + IN_0;
            for (size_t j = 0; j < OUT; j++) {
                float sum = bias[j];
                for (size_t k = 0; k < IN; k++)
                    sum = fmaf(x[r * IN + k], w[j * IN + k], sum);
                expected[r * OUT + j] = sum;
            }
        }
        c.pieces[0] = (struct input_piece){at[0], IN_0};
        c.pieces[1] = (struct input_piece){at[1], IN_1};
        c.expected = expected;
        with_every_backend(compare_linear, &c);
        free(x);
        free(expected);
        free(at[0]);
        free(at[1]);
    }
    free(w);
    free(bias);
    weights_release(&weights);
}
END_TEST

struct decode_case {
    struct crf crf;
    struct token_sequence *sentences;
    size_t count, tokens;
    float *emissions;
};

static void compare_decoded(struct backend *backend, void *argument, const char *name)
{
    const struct decode_case *c = argument;
    size_t n = c->crf.tags;
    uint32_t *tags = calloc(c->tokens, sizeof *tags), *expected = calloc(1000, sizeof *expected),
             *back = calloc(1000 * n, sizeof *back);
    float *scores = calloc(c->tokens, sizeof *scores), *score = calloc(1000, sizeof *score),
          *v = calloc(2 * n, sizeof *v);
    struct ft_error error = {""};
    ck_assert_int_eq(backend->ops->decode(backend, &c->crf, c->sentences, c->count, c->emissions, tags, scores, &error),
                     FT_OK);
    for (size_t i = 0; i < c->count; i++) {
        const struct token_sequence *s = &c->sentences[i];
        if (c->crf.transitions)
            crf_viterbi(&c->crf, c->emissions + s->first * n, s->count, expected, score, v, back);
        else
            softmax_decode(c->emissions + s->first * n, s->count, n, expected, score);
        EXPECT(!memcmp(expected, tags + s->first, s->count * sizeof *tags), "%s: the tags of sentence %zu", name, i);
        EXPECT(first_difference(score, scores + s->first, s->count) == s->count, "%s: the scores of sentence %zu", name,
               i);
    }
    ck_assert_int_eq(backend->ops->decode(backend, &c->crf, c->sentences, c->count, c->emissions, tags, NULL, &error),
                     FT_OK);
    free(tags);
    free(expected);
    free(back);
    free(scores);
    free(score);
    free(v);
}

START_TEST(decoding_is_each_sentences_own)
{
    random_begin("decoding_is_each_sentences_own");
    static const size_t odd[] = {1, 2, 100, 1000, 0, 7};
    enum { TAGS = 11 };
    struct decode_case c = {.crf = {.tags = TAGS, .start = 9, .stop = 10}, .count = 70};
    float *transitions = random_floats(TAGS * TAGS, 2);
    c.sentences = calloc(c.count, sizeof *c.sentences);
    for (size_t i = 0; i < c.count; i++) {
        c.sentences[i] = (struct token_sequence){c.tokens, i < 6 ? odd[i] : random_below(30)};
        c.tokens += c.sentences[i].count;
    }
    c.emissions = random_floats(c.tokens * TAGS, 3);
    with_every_backend(compare_decoded, &c);
    c.crf.transitions = transitions;
    with_every_backend(compare_decoded, &c);
    free(transitions);
    free(c.sentences);
    free(c.emissions);
}
END_TEST

START_TEST(gather_copies_the_rows_it_is_given)
{
    enum { ROWS = 57, COLUMNS = 13 };
    random_begin("gather_copies_the_rows_it_is_given");
    struct backend *backend = backend_new(2, 0, "auto");
    float *from = random_floats(ROWS * COLUMNS, 1), *to = random_floats((ROWS + 1) * COLUMNS, 1);
    const float *rows[ROWS];
    struct ft_error error = {""};
    memset(to + ROWS * COLUMNS, 0, COLUMNS * sizeof *to);
    for (size_t r = 0; r < ROWS; r++)
        rows[r] = from + random_below(ROWS) * COLUMNS;
    ck_assert_int_eq(backend->ops->gather(backend, rows, ROWS, COLUMNS, to, &error), FT_OK);
    for (size_t r = 0; r < ROWS; r++)
        EXPECT(!memcmp(to + r * COLUMNS, rows[r], COLUMNS * sizeof *to), "row %zu", r);
    for (size_t j = 0; j < COLUMNS; j++)
        EXPECT(same_float(to[ROWS * COLUMNS + j], 0), "wrote behind the last row");
    ck_assert_int_eq(backend->ops->gather(backend, NULL, 0, COLUMNS, to, &error), FT_OK);
    free(from);
    free(to);
    backend->ops->free(backend);
}
END_TEST

static void run_nothing(struct backend *backend, void *argument, const char *name)
{
    struct language_model *model = argument;
    struct ft_error error = {""};
    struct birnn_case c;
    struct char_sequence empty = {0};
    float out = -7;
    uint32_t tag = 77;
    ck_assert_msg(backend->ops->lm_encode(backend, &(struct lm_pass){&model->lm.net, NULL, 0, &out}, 1, &error) ==
                      FT_OK,
                  "%s", name);
    ck_assert_msg(backend->ops->lm_encode(backend, &(struct lm_pass){&model->lm.net, &empty, 1, &out}, 1, &error) ==
                      FT_OK,
                  "%s", name);
    birnn_case_init(&c, CELL_LSTM, 4, 2, false);
    struct input_piece nothing[2] = {{NULL, PIECE_0}, {NULL, PIECE_1}};
    ck_assert_msg(backend->ops->birnn(backend, &c.net, NULL, 0, nothing, 2, 0, &out, &error) == FT_OK, "%s", name);
    ck_assert_msg(
        backend->ops->birnn(backend, &c.net, &(struct token_sequence){0, 0}, 1, nothing, 2, 0, &out, &error) == FT_OK,
        "%s", name);
    struct crf crf = {.tags = 3};
    ck_assert_msg(backend->ops->decode(backend, &crf, NULL, 0, NULL, &tag, NULL, &error) == FT_OK, "%s", name);
    EXPECT(same_float(out, -7) && tag == 77, "%s: something was written", name);
    birnn_case_release(&c);
}

START_TEST(nothing_to_do_is_done)
{
    struct language_model model;
    random_begin("nothing_to_do_is_done");
    language_model_init(&model, CELL_LSTM, 5, 1, 3);
    with_every_backend(run_nothing, &model);
    language_model_release(&model);
}
END_TEST

START_TEST(unknown_kernels_are_refused_by_name)
{
    struct backend *backend = NULL;
    struct ft_error error = {""};
    struct cpu_options options = {1, 0, "vax"};
    ck_assert_int_eq(backend_cpu_new(&backend, &options, &error), FT_USAGE);
    ck_assert_ptr_null(backend);
    ck_assert_ptr_nonnull(strstr(error.text, "'vax'"));
    backend = backend_new(0, 0, "auto");
    ck_assert_uint_ge(backend_cpu_threads(backend), 1);
    ck_assert_ptr_eq(backend_cpu_kernels(backend), kernels_find("auto"));
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(lstm_language_models_are_right_and_the_same_everywhere, NULL);
    test_add(gru_language_models_are_right_and_the_same_everywhere, NULL);
    test_add(few_sequences_have_the_same_bits_from_teams, NULL);
    test_add(bidirectional_layers_are_right_and_the_same_everywhere, NULL);
    test_add(linear_layers_are_right_and_the_same_everywhere, NULL);
    test_add(decoding_is_each_sentences_own, NULL);
    test_add(gather_copies_the_rows_it_is_given, NULL);
    test_add(nothing_to_do_is_done, NULL);
    test_add(unknown_kernels_are_refused_by_name, NULL);
    return test_run("backend");
}
