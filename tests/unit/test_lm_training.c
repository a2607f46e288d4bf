/* Language models in training: the table of characters, the network's gradients against central differences of a plain
 * implementation in double, runs that are stopped after every update and gone on with, and states that a model goes on
 * from when it reads. */
#include "base/philox.h"
#include "harness.h"
#include "lm_scene.h"
#include "numbers.h"
#include "run/lm_checkpoint.h"
#include "run/lm_score.h"
#include "run/random_model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct backend *new_backend(size_t threads)
{
    struct backend *backend;
    struct ft_error error = {""};
    struct cpu_options options = {.threads = threads, .isa = "auto"};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    return backend;
}

static uint32_t drawn(uint64_t seed, size_t i, uint32_t below)
{
    return philox_at(seed, i, philox_stream(PHILOX_WEIGHTS, 77), 0).at[0] % below;
}

static float value(uint64_t seed, size_t i)
{
    return philox_unit(philox_at(seed, i, philox_stream(PHILOX_WEIGHTS, 78), 0).at[0]) - 0.5f;
}

START_TEST(a_table_s_rows_are_found_and_their_gradients_summed_in_order)
{
    static const size_t widths[] = {1, 31, 32, 33, 100};
    enum { ITEMS = 7, ROWS = 600 };
    struct ft_error error = {""};
    uint32_t ids[ROWS];
    for (size_t r = 0; r < ROWS; r++)
        ids[r] = drawn(1, r, ITEMS - 1); /* nobody asks for the last one */
    for (size_t w = 0; w < 5; w++)
        for (size_t threads = 1; threads < 4; threads++) {
            struct backend *backend = new_backend(threads);
            size_t width = widths[w];
            float *table = malloc(ITEMS * width * sizeof *table), *out = malloc(ROWS * width * sizeof *out);
            float *gradient = malloc(ITEMS * width * sizeof *gradient), *sums = calloc(ITEMS * width, sizeof *sums);
            for (size_t i = 0; i < ITEMS * width; i++)
                table[i] = value(2, i);
            const struct training_ops *ops = backend->ops->training;
            ck_assert_int_eq(ops->lookup_forward(backend, table, ids, ROWS, width, out, &error), FT_OK);
            for (size_t r = 0; r < ROWS; r++) {
                ck_assert_int_eq(memcmp(out + r * width, table + ids[r] * width, width * sizeof *out), 0);
                for (size_t k = 0; k < width; k++)
                    sums[ids[r] * width + k] += out[r * width + k];
            }
            ck_assert_int_eq(ops->lookup_backward(backend, ids, ROWS, out, ITEMS, width, gradient, &error), FT_OK);
            ck_assert_int_eq(memcmp(gradient, sums, ITEMS * width * sizeof *sums), 0);
            free(table);
            free(out);
            free(gradient);
            free(sums);
            backend->ops->free(backend);
        }
}
END_TEST

/* A tiny model in double. */
struct plain {
    struct lm_shape shape;
    struct parameters parameters;
    double *weights;
    double *h, *c; /* [layers, streams, hidden] */
    size_t streams;
};

static const double *at(const struct plain *plain, const char *name)
{
    return plain->weights + parameters_find(&plain->parameters, name)->offset;
}

static const double *lstm_at(const struct plain *plain, const char *part, size_t layer)
{
    char name[PARAMETER_NAME];
    parameters_lstm_name(name, part, layer, 0);
    return at(plain, name);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* One step of one layer of one stream; x: [in]. h and c move on. */
static void plain_cell(const struct plain *plain, size_t layer, size_t in, const double *x, double *h, double *c)
{
    size_t hidden = plain->shape.hidden;
    double z[4 * 8], *gate = z;
    const double *w_ih = lstm_at(plain, "weight_ih", layer), *w_hh = lstm_at(plain, "weight_hh", layer);
    const double *b_ih = lstm_at(plain, "bias_ih", layer), *b_hh = lstm_at(plain, "bias_hh", layer);
    for (size_t g = 0; g < 4 * hidden; g++) {
        gate[g] = b_ih[g] + b_hh[g];
        for (size_t k = 0; k < in; k++)
            gate[g] += w_ih[g * in + k] * x[k];
        for (size_t k = 0; k < hidden; k++)
            gate[g] += w_hh[g * hidden + k] * h[k];
    }
    for (size_t u = 0; u < hidden; u++) {
        c[u] = sigmoid(gate[hidden + u]) * c[u] + sigmoid(gate[u]) * tanh(gate[2 * hidden + u]);
        h[u] = sigmoid(gate[3 * hidden + u]) * tanh(c[u]);
    }
}

static double plain_loss(const struct plain *plain, const struct lm_batch *batch)
{
    const struct lm_shape *shape = &plain->shape;
    size_t hidden = shape->hidden, floats = shape->layers * plain->streams * hidden, width = lm_shape_width(shape);
    double *h = malloc(floats * sizeof *h), *c = malloc(floats * sizeof *c), loss = 0;
    memcpy(h, plain->h, floats * sizeof *h);
    memcpy(c, plain->c, floats * sizeof *c);
    for (size_t t = 0; t < batch->steps; t++)
        for (size_t s = 0; s < batch->streams; s++) {
            const double *x = at(plain, "encoder.weight") + batch->ids[t * batch->streams + s] * shape->embedding;
            for (size_t l = 0; l < shape->layers; l++) {
                double *state = h + (l * plain->streams + s) * hidden;
                plain_cell(plain, l, l ? hidden : shape->embedding, x, state, c + (l * plain->streams + s) * hidden);
                x = state;
            }
            double y[8], sum = 0, logits[8];
            for (size_t k = 0; k < width; k++) {
                y[k] = shape->nout ? at(plain, "proj.bias")[k] : x[k];
                for (size_t u = 0; shape->nout && u < hidden; u++)
                    y[k] += at(plain, "proj.weight")[k * hidden + u] * x[u];
            }
            for (size_t v = 0; v < shape->items; v++) {
                logits[v] = at(plain, "decoder.bias")[v];
                for (size_t k = 0; k < width; k++)
                    logits[v] += at(plain, "decoder.weight")[v * width + k] * y[k];
                sum += exp(logits[v]);
            }
            loss += log(sum) - logits[batch->targets[t * batch->streams + s]];
        }
    free(h);
    free(c);
    return loss / (double)(batch->steps * batch->streams);
}

static void check_gradients(const struct lm_shape *shape, size_t threads)
{
    enum { STREAMS = 3, STEPS = 4 };
    struct ft_error error = {""};
    struct backend *backend = new_backend(threads);
    struct lm_network network;
    struct lm_states states;
    struct lm_dropout none = {0};
    uint32_t ids[2 * STREAMS * STEPS];
    double loss;
    ck_assert_int_eq(lm_network_init(&network, backend, shape, STREAMS, STEPS, false, &error), FT_OK);
    ck_assert_int_eq(lm_states_init(&states, &network, &error), FT_OK);
    size_t floats = network.parameters.floats;
    for (size_t i = 0; i < floats; i++)
        network.weights[i] = 2 * value(3, i);
    for (size_t i = 0; i < 2 * STREAMS * STEPS; i++)
        ids[i] = drawn(4, i, (uint32_t)shape->items);
    for (size_t i = 0; i < states.floats; i++)
        states.now[i] = value(5, i);
    struct lm_batch batch = {STREAMS, STEPS, ids, ids + STREAMS * STEPS};
    struct plain plain = {.shape = *shape, .streams = STREAMS};
    lm_parameters_lay_out(&plain.parameters, shape);
    plain.weights = malloc(floats * sizeof *plain.weights);
    size_t part = STREAMS * shape->hidden;
    plain.h = malloc(shape->layers * part * sizeof *plain.h);
    plain.c = malloc(shape->layers * part * sizeof *plain.c);
    for (size_t i = 0; i < floats; i++)
        plain.weights[i] = (double)network.weights[i];
    for (size_t l = 0; l < shape->layers; l++)
        for (size_t k = 0; k < part; k++) {
            plain.h[l * part + k] = (double)states.now[2 * l * part + k];
            plain.c[l * part + k] = (double)states.now[(2 * l + 1) * part + k];
        }
    ck_assert_int_eq(lm_network_train(&network, &batch, &none, &states, &loss, &error), FT_OK);
    EXPECT(fabs(loss - plain_loss(&plain, &batch)) < 1e-5, "loss %.9g, not %.9g", loss, plain_loss(&plain, &batch));
    for (size_t p = 0; p < plain.parameters.count; p++) {
        const struct parameter *parameter = &plain.parameters.list[p];
        for (size_t k = 0; k < parameter->rows * parameter->columns; k++) {
            double *weight = &plain.weights[parameter->offset + k], was = *weight, step = 1e-5;
            *weight = was + step;
            double above = plain_loss(&plain, &batch);
            *weight = was - step;
            double slope = (above - plain_loss(&plain, &batch)) / (2 * step);
            double got = (double)network.gradients[parameter->offset + k];
            *weight = was;
            EXPECT(fabs(got - slope) < 1e-5, "%s[%zu]: gradient %.9g, not %.9g", parameter->name, k, got, slope);
        }
    }
    free(plain.weights);
    free(plain.h);
    free(plain.c);
    lm_states_release(&states, &network);
    lm_network_release(&network);
    backend->ops->free(backend);
}

START_TEST(gradients_are_the_slopes_of_a_plain_implementation_s_loss)
{
    check_gradients(&(struct lm_shape){.items = 6, .embedding = 3, .hidden = 5, .layers = 1}, 1);
    check_gradients(&(struct lm_shape){.items = 5, .embedding = 4, .hidden = 4, .layers = 2, .nout = 3}, 2);
    check_gradients(&(struct lm_shape){.items = 4, .embedding = 1, .hidden = 3, .layers = 3}, 2);
}
END_TEST

/* The slope of the loss along the gradient, with the same masks on both sides. */
static void check_dropout(const struct lm_shape *shape)
{
    enum { STREAMS = 4, STEPS = 6 };
    struct ft_error error = {""};
    struct backend *backend = new_backend(2);
    struct lm_network network;
    struct lm_states states;
    struct lm_dropout dropout = {0.4f, 9, 17};
    uint32_t ids[2 * STREAMS * STEPS];
    double loss, sides[2], length = 0, step = 0.02;
    ck_assert_int_eq(lm_network_init(&network, backend, shape, STREAMS, STEPS, true, &error), FT_OK);
    ck_assert_int_eq(lm_states_init(&states, &network, &error), FT_OK);
    size_t floats = network.parameters.floats;
    lm_parameters_draw(&network.parameters, shape, 6, network.weights);
    for (size_t i = 0; i < 2 * STREAMS * STEPS; i++)
        ids[i] = drawn(7, i, (uint32_t)shape->items);
    struct lm_batch batch = {STREAMS, STEPS, ids, ids + STREAMS * STEPS};
    ck_assert_int_eq(lm_network_train(&network, &batch, &dropout, &states, &loss, &error), FT_OK);
    float *gradient = malloc(floats * sizeof *gradient), *weights = malloc(floats * sizeof *weights);
    memcpy(gradient, network.gradients, floats * sizeof *gradient);
    memcpy(weights, network.weights, floats * sizeof *weights);
    for (size_t i = 0; i < floats; i++)
        length += (double)gradient[i] * (double)gradient[i];
    length = sqrt(length);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < floats; i++)
            network.weights[i] = weights[i] + (float)((side ? -step : step) * (double)gradient[i] / length);
        ck_assert_int_eq(lm_states_reset(&states, &network, &error), FT_OK);
        ck_assert_int_eq(lm_network_train(&network, &batch, &dropout, &states, &sides[side], &error), FT_OK);
    }
    double slope = (sides[0] - sides[1]) / (2 * step);
    EXPECT(fabs(slope - length) < 0.01 * length, "slope %.9g, length of the gradient %.9g", slope, length);
    dropout.step++;
    double other;
    memcpy(network.weights, weights, floats * sizeof *weights);
    ck_assert_int_eq(lm_states_reset(&states, &network, &error), FT_OK);
    ck_assert_int_eq(lm_network_train(&network, &batch, &dropout, &states, &other, &error), FT_OK);
    EXPECT(fabs(other - loss) > 1e-9, "the masks of two updates are the same: loss %.17g", loss);
    free(gradient);
    free(weights);
    lm_states_release(&states, &network);
    lm_network_release(&network);
    backend->ops->free(backend);
}

START_TEST(dropout_drops_the_same_values_forward_and_backward)
{
    check_dropout(&(struct lm_shape){.items = 9, .embedding = 12, .hidden = 24, .layers = 1});
    check_dropout(&(struct lm_shape){.items = 9, .embedding = 12, .hidden = 18, .layers = 3});
    check_dropout(&(struct lm_shape){.items = 9, .embedding = 12, .hidden = 18, .layers = 2, .nout = 7});
}
END_TEST

static struct lm_trainer *new_trainer(const struct lm_trainer_options *options, const struct text_ids *valid,
                                      struct backend *backend)
{
    struct lm_trainer *trainer;
    struct ft_error error = {""};
    struct lm_source source = lm_scene_source(valid);
    ck_assert_msg(lm_trainer_new(&trainer, options, &source, NULL, backend, &error) == FT_OK, "%s", error.text);
    return trainer;
}

static void same_vectors(const struct lm_trainer *a, const struct lm_trainer *b, size_t step)
{
    struct ft_error error = {""};
    for (int v = 0; v < LM_TRAINER_VECTORS; v++) {
        size_t floats = lm_trainer_floats(a, (enum lm_trainer_vector)v);
        ck_assert_uint_eq(lm_trainer_floats(b, (enum lm_trainer_vector)v), floats);
        if (!floats)
            continue;
        float *left = malloc(floats * sizeof *left), *right = malloc(floats * sizeof *right);
        ck_assert_int_eq(lm_trainer_read(a, (enum lm_trainer_vector)v, left, &error), FT_OK);
        ck_assert_int_eq(lm_trainer_read(b, (enum lm_trainer_vector)v, right, &error), FT_OK);
        ck_assert_msg(!memcmp(left, right, floats * sizeof *left), "vector %d differs after a stop at update %zu", v,
                      step);
        free(left);
        free(right);
    }
    const struct lm_trainer_state *left = lm_trainer_state(a), *right = lm_trainer_state(b);
    ck_assert_msg(
        left->epoch == right->epoch && left->position == right->position && left->row == right->row &&
            left->step == right->step && left->chars == right->chars && left->validated == right->validated &&
            left->best_chars == right->best_chars && left->best_loss == right->best_loss && left->loss == right->loss &&
            left->parts == right->parts && left->schedule.rate == right->schedule.rate &&
            left->schedule.bad_epochs == right->schedule.bad_epochs && left->schedule.best == right->schedule.best,
        "the numbers differ after a stop at update %zu", step);
}

/* Runs to the end; the number of updates. */
static size_t run_on(struct lm_trainer *trainer)
{
    struct ft_error error = {""};
    struct lm_trainer_event event;
    size_t steps = 0;
    for (; !lm_trainer_state(trainer)->finished; steps++)
        ck_assert_msg(lm_trainer_step(trainer, &event, &error) == FT_OK, "%s", error.text);
    return steps;
}

static void check_resume(const struct lm_trainer_options *options)
{
    char folder[] = "/tmp/flairtag-lm-XXXXXX", path[64];
    struct ft_error error = {""};
    struct text_ids valid;
    struct lm_log_marks marks = {1, 2, 3}, read;
    struct backend *one = new_backend(1), *two = new_backend(2);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/checkpoint", folder);
    lm_scene_text(99, 0, &valid);
    struct lm_trainer *whole = new_trainer(options, &valid, one);
    ck_assert_int_eq(lm_checkpoint_resume(path, "this", whole, &error), FT_END);
    size_t steps = run_on(whole);
    ck_assert_uint_gt(steps, 8);
    for (size_t stop = 0; stop <= steps; stop++) {
        struct lm_trainer_event event;
        struct lm_trainer *before = new_trainer(options, &valid, two), *after = new_trainer(options, &valid, two);
        for (size_t i = 0; i < stop; i++)
            ck_assert_int_eq(lm_trainer_step(before, &event, &error), FT_OK);
        ck_assert_msg(lm_checkpoint_write(path, before, &marks, "this", &error) == FT_OK, "%s", error.text);
        ck_assert_int_eq(lm_checkpoint_marks(path, "this", &read, &error), FT_OK);
        ck_assert_uint_eq(read.table, 3);
        ck_assert_int_eq(lm_checkpoint_resume(path, "other", after, &error), FT_INPUT);
        ck_assert_msg(lm_checkpoint_resume(path, "this", after, &error) == FT_OK, "%s", error.text);
        run_on(after);
        same_vectors(whole, after, stop);
        lm_trainer_free(before);
        lm_trainer_free(after);
    }
    lm_trainer_free(whole);
    text_ids_release(&valid);
    unlink(path);
    rmdir(folder);
    one->ops->free(one);
    two->ops->free(two);
}

START_TEST(a_run_stopped_after_any_update_goes_on_to_the_same_bits)
{
    struct lm_trainer_options options = {.shape = {.items = LM_SCENE_ITEMS, .embedding = 5, .hidden = 19, .layers = 2},
                                         .dropout = 0.2,
                                         .batch = 4,
                                         .sequence_length = 10,
                                         .max_epochs = 3,
                                         .valid_chars = 70,
                                         .update = {.clip = 0.25},
                                         .rate = 5,
                                         .factor = 0.25,
                                         .patience = 0,
                                         .seed = 3};
    check_resume(&options);
    options.update =
        (struct update_rule){.optimizer = OPTIMIZER_ADAM, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .clip = 1};
    options.schedule = LM_COSINE;
    options.rate = 0.01;
    options.warmup_chars = 100;
    options.max_chars = 500;
    options.floor = 0.1;
    check_resume(&options);
}
END_TEST

START_TEST(a_cosine_rises_and_falls_to_its_floor)
{
    struct ft_error error = {""};
    struct text_ids valid;
    struct backend *backend = new_backend(1);
    struct lm_trainer_options options = {.shape = {.items = LM_SCENE_ITEMS, .embedding = 2, .hidden = 3, .layers = 1},
                                         .batch = 4,
                                         .sequence_length = 10,
                                         .max_epochs = 10,
                                         .max_chars = 640,
                                         .update = {.clip = 1},
                                         .schedule = LM_COSINE,
                                         .rate = 1,
                                         .warmup_chars = 80,
                                         .floor = 0.1,
                                         .seed = 3};
    lm_scene_text(99, 0, &valid);
    struct lm_trainer *trainer = new_trainer(&options, &valid, backend);
    struct lm_trainer_event event = {0};
    double before = 0;
    size_t rising = 0;
    for (size_t n = 0; !lm_trainer_state(trainer)->finished; n++) {
        ck_assert_int_eq(lm_trainer_step(trainer, &event, &error), FT_OK);
        EXPECT(n > 1 || event.rate == 0.5 * (double)(n + 1), "rate %g of update %zu", event.rate, n);
        rising += event.rate > before;
        before = event.rate;
    }
    ck_assert_uint_eq(rising, 2);
    EXPECT(event.rate > 0.1 && event.rate < 0.12, "the last rate is %g", event.rate);
    ck_assert_uint_ge(lm_trainer_state(trainer)->chars, 640);
    lm_trainer_free(trainer);
    text_ids_release(&valid);
    backend->ops->free(backend);
}
END_TEST

START_TEST(text_read_in_parts_leaves_the_same_states_as_in_one_go)
{
    enum { LENGTH = 50 };
    struct ft_error error = {""};
    uint32_t ids[LENGTH], steps[LENGTH];
    for (size_t i = 0; i < LENGTH; i++) {
        ids[i] = drawn(8, i, 200);
        steps[i] = (uint32_t)i;
    }
    for (size_t threads = 1; threads < 4; threads++) {
        struct backend *backend = new_backend(threads);
        struct random_model *model;
        ck_assert_int_eq(random_model_new(&model, 40, NULL, backend, &error), FT_OK);
        const struct lm *lm = &random_model_tagger(model)->members[1].lm;
        float *whole = calloc(LENGTH * lm->width, sizeof *whole), *parts = calloc(LENGTH * lm->width, sizeof *parts);
        float *states = calloc(lm_state_floats(&lm->net), sizeof *states);
        struct char_sequence all = {ids, LENGTH, LENGTH, steps, steps};
        struct lm_pass pass = {&lm->net, &all, 1, whole, NULL};
        ck_assert_int_eq(backend->ops->lm_encode(backend, &pass, 1, &error), FT_OK);
        for (size_t i = 0, count; i < LENGTH; i += count) {
            count = 1 + i % 7 < LENGTH - i ? 1 + i % 7 : LENGTH - i;
            struct char_sequence some = {ids + i, (uint32_t)count, (uint32_t)count, steps, steps};
            struct lm_pass next = {&lm->net, &some, 1, parts + i * lm->width, states};
            ck_assert_int_eq(backend->ops->lm_encode(backend, &next, 1, &error), FT_OK);
        }
        ck_assert_int_eq(memcmp(whole, parts, LENGTH * lm->width * sizeof *whole), 0);
        free(whole);
        free(parts);
        free(states);
        random_model_free(model);
        backend->ops->free(backend);
    }
}
END_TEST

START_TEST(a_line_by_itself_is_scored_as_a_text_of_its_own)
{
    static const char *const texts[] = {"abc def", "a", "jjjjj ?", "abc dea", "abc"};
    enum { LINES = 5 };
    struct ft_error error = {""};
    struct backend *backend = new_backend(2);
    for (int forward = 0; forward < 2; forward++) {
        struct small_lm small;
        struct lm_line lines[LINES];
        uint32_t *ids[LINES];
        small_lm_init(&small, &small_lm_shape, forward, backend);
        for (size_t i = 0; i < LINES; i++) {
            ck_assert_int_eq(lm_score_ids(small.lm, texts[i], strlen(texts[i]), &ids[i], &lines[i].count, &error),
                             FT_OK);
            lines[i].ids = ids[i];
        }
        ck_assert_msg(lm_score_lines(small.lm, backend, lines, LINES, &error) == FT_OK, "%s", error.text);
        for (size_t i = 0; i < LINES; i++) {
            char framed[32];
            double nats;
            uint32_t *all;
            size_t count;
            snprintf(framed, sizeof framed, "\n%s\n", texts[i]);
            ck_assert_int_eq(lm_score_ids(small.lm, framed, strlen(framed), &all, &count, &error), FT_OK);
            ck_assert_int_eq(lm_score_text(small.lm, backend, all, count, &nats, &error), FT_OK);
            ck_assert_uint_eq(lines[i].predicted, count - 1);
            EXPECT(fabs(nats - lines[i].nats) < 1e-12, "line %zu: %.17g, alone %.17g", i, lines[i].nats, nats);
            free(all);
            free(ids[i]);
        }
        small_lm_release(&small);
    }
    backend->ops->free(backend);
}
END_TEST

START_TEST(a_sample_goes_on_from_its_prefix_and_repeats_with_its_seed)
{
    struct ft_error error = {""};
    for (int forward = 0; forward < 2; forward++) {
        char *first = NULL;
        for (size_t threads = 1; threads < 3; threads++) {
            struct small_lm small;
            struct backend *backend = new_backend(threads);
            small_lm_init(&small, &small_lm_shape, forward, backend);
            struct lm_sample_options how = {"abc", 40, 0.8, 5};
            char *text, *other;
            ck_assert_msg(lm_sample(small.lm, backend, &how, &text, &error) == FT_OK, "%s", error.text);
            how.seed = 6;
            ck_assert_int_eq(lm_sample(small.lm, backend, &how, &other, &error), FT_OK);
            ck_assert_str_ne(text, other);
            ck_assert_uint_eq(strlen(text), 43);
            ck_assert_int_eq(memcmp(forward ? text : text + 40, "abc", 3), 0);
            if (first)
                ck_assert_str_eq(first, text);
            free(first);
            free(other);
            first = text;
            small_lm_release(&small);
            backend->ops->free(backend);
        }
        free(first);
    }
}
END_TEST

START_TEST(at_a_low_temperature_the_likeliest_character_is_written)
{
    struct ft_error error = {""};
    struct small_lm small;
    struct backend *backend = new_backend(1);
    small_lm_init(&small, &small_lm_shape, true, backend);
    struct lm_sample_options cold = {"", 30, 1e-4, 1};
    char *a, *b;
    ck_assert_int_eq(lm_sample(small.lm, backend, &cold, &a, &error), FT_OK);
    cold.seed = 2;
    ck_assert_int_eq(lm_sample(small.lm, backend, &cold, &b, &error), FT_OK);
    ck_assert_str_eq(a, b);
    free(a);
    free(b);
    small_lm_release(&small);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(a_table_s_rows_are_found_and_their_gradients_summed_in_order, NULL);
    test_add(gradients_are_the_slopes_of_a_plain_implementation_s_loss, NULL);
    test_add(dropout_drops_the_same_values_forward_and_backward, NULL);
    test_add(a_run_stopped_after_any_update_goes_on_to_the_same_bits, NULL);
    test_add(a_cosine_rises_and_falls_to_its_floor, NULL);
    test_add(text_read_in_parts_leaves_the_same_states_as_in_one_go, NULL);
    test_add(a_line_by_itself_is_scored_as_a_text_of_its_own, NULL);
    test_add(a_sample_goes_on_from_its_prefix_and_repeats_with_its_seed, NULL);
    test_add(at_a_low_temperature_the_likeliest_character_is_written, NULL);
    return test_run("lm_training");
}
