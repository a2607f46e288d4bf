/* Character language models on the CPU back end: hidden states are right, and the same to the bit for any number of
 * threads and lanes, from teams, and whatever sequences share. */
#include "every_backend.h"
#include "harness.h"
#include "lm_case.h"
#include "model/quantise.h"
#include "numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        struct lm_pass pass = {&c->model->lm.net, c->sequences.at + i, share, out + width, NULL};
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
    double *h = calloc(m->layers * hidden, sizeof *h), *cell = calloc(m->layers * hidden, sizeof *cell), x[WIDTH];
    for (size_t i = 0; i < c->sequences.count; i++) {
        const struct char_sequence *s = &c->sequences.at[i];
        uint32_t next = 0;
        memset(h, 0, m->layers * hidden * sizeof *h);
        memset(cell, 0, m->layers * hidden * sizeof *cell);
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
    sequences_release(&c.sequences);
    language_model_release(&model);
}

START_TEST(lstm_language_models_are_right_and_the_same_everywhere)
{
    random_begin("lstm_language_models_are_right_and_the_same_everywhere");
    check_encoding(CELL_LSTM, 17, 1, 0, true);
    check_encoding(CELL_LSTM, 20, 2, 0, false);
    check_encoding(CELL_LSTM, 33, LAYERS, NOUT, false);
    check_encoding(CELL_LSTM, 16, 1, 70, false);
}
END_TEST

START_TEST(gru_language_models_are_right_and_the_same_everywhere)
{
    random_begin("gru_language_models_are_right_and_the_same_everywhere");
    check_encoding(CELL_GRU, 17, 1, 0, true);
    check_encoding(CELL_GRU, 19, 2, 0, false);
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
        passes[m] = (struct lm_pass){&models[m].lm.net, sequences->at, count, out[m], NULL};
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
    language_model_init(&models[1], CELL_GRU, 20, 2, NOUT);
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
    sequences_release(&sequences);
}
END_TEST

static void encode_nothing(struct backend *backend, void *argument, const char *name)
{
    const struct language_model *model = argument;
    struct ft_error error = {""};
    struct char_sequence empty = {0};
    float out = -7;
    for (size_t count = 0; count < 2; count++) {
        struct lm_pass pass = {&model->lm.net, &empty, count, &out, NULL};
        ck_assert_msg(backend->ops->lm_encode(backend, &pass, 1, &error) == FT_OK, "%s", name);
    }
    EXPECT(same_float(out, -7), "%s: something was written", name);
}

START_TEST(no_sequence_and_an_empty_one_are_done_at_once)
{
    struct language_model model;
    random_begin("no_sequence_and_an_empty_one_are_done_at_once");
    language_model_init(&model, CELL_LSTM, 5, 1, 3);
    with_every_backend(encode_nothing, &model);
    language_model_release(&model);
}
END_TEST

int main(void)
{
    test_add(lstm_language_models_are_right_and_the_same_everywhere, NULL);
    test_add(gru_language_models_are_right_and_the_same_everywhere, NULL);
    test_add(few_sequences_have_the_same_bits_from_teams, NULL);
    test_add(no_sequence_and_an_empty_one_are_done_at_once, NULL);
    return test_run("backend-lm");
}
