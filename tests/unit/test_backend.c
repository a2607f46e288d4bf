/* The CPU back end beside language models: results are right, and the same to the bit for any number of threads and
 * lanes. */
#include "every_backend.h"
#include "harness.h"
#include "kernels/linear.h"
#include "numbers.h"
#include "plain_layer.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    ck_assert_int_eq(backend->ops->gather(backend, rows, ROWS, COLUMNS, to, COLUMNS, &error), FT_OK);
    for (size_t r = 0; r < ROWS; r++)
        EXPECT(!memcmp(to + r * COLUMNS, rows[r], COLUMNS * sizeof *to), "row %zu", r);
    for (size_t j = 0; j < COLUMNS; j++)
        EXPECT(same_float(to[ROWS * COLUMNS + j], 0), "wrote behind the last row");
    ck_assert_int_eq(backend->ops->gather(backend, NULL, 0, COLUMNS, to, COLUMNS, &error), FT_OK);
    free(from);
    free(to);
    backend->ops->free(backend);
}
END_TEST

static void run_nothing(struct backend *backend, void *argument, const char *name)
{
    struct ft_error error = {""};
    struct birnn_case c;
    float out = -7;
    uint32_t tag = 77;
    (void)argument;
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
    random_begin("nothing_to_do_is_done");
    with_every_backend(run_nothing, NULL);
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
    test_add(bidirectional_layers_are_right_and_the_same_everywhere, NULL);
    test_add(linear_layers_are_right_and_the_same_everywhere, NULL);
    test_add(decoding_is_each_sentences_own, NULL);
    test_add(gather_copies_the_rows_it_is_given, NULL);
    test_add(nothing_to_do_is_done, NULL);
    test_add(unknown_kernels_are_refused_by_name, NULL);
    return test_run("backend");
}
