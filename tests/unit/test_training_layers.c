/* Layers in training on the CPU: forward against a plain implementation in double precision and against inference,
 * gradients against central differences of the former, and the same bits for any number of threads. */
#include "base/memory.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include "training_case.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the library's place: gives memory `allowed` times. */
static size_t allowed = SIZE_MAX;

void *memory_new(size_t bytes)
{
    if (!allowed || bytes > SIZE_MAX - 64)
        return NULL;
    if (allowed != SIZE_MAX)
        allowed--;
    return aligned_alloc(64, (bytes + 64) / 64 * 64);
}

static const uint32_t uneven[] = {7, 5, 5, 2, 1, 1}, one_word[] = {1}, one_sentence[] = {9};
static const uint32_t equal[] = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
#define LENGTHS(of) (sizeof of / sizeof *of), of

/* in, hidden, directions, reverse, init, lengths */
static const struct case_shape small_shapes[] = {
    {1, 1, 1, false, false, LENGTHS(one_word)},    {3, 5, 1, false, false, LENGTHS(uneven)},
    {3, 5, 1, true, false, LENGTHS(uneven)},       {2, 16, 2, false, false, LENGTHS(uneven)},
    {4, 3, 2, true, true, LENGTHS(uneven)},        {5, 18, 1, false, true, LENGTHS(uneven)},
    {1, 17, 1, true, true, LENGTHS(one_sentence)}, {6, 4, 2, false, false, LENGTHS(one_word)},
    {2, 7, 1, false, true, LENGTHS(equal)},        {7, 2, 2, false, false, LENGTHS(one_sentence)},
};
enum { SMALL = sizeof small_shapes / sizeof *small_shapes };

/* Widths past every block and chunk of the kernels. */
static const struct case_shape large_shapes[] = {
    {33, 130, 2, false, false, LENGTHS(uneven)},
    {100, 256, 2, false, false, LENGTHS(uneven)},
    {20, 530, 1, true, true, LENGTHS(uneven)},
    {700, 20, 2, false, false, LENGTHS(uneven)}, /* so wide that x is transposed first */
};
enum { LARGE = sizeof large_shapes / sizeof *large_shapes };

static void check_close(const char *what, const float *got, const double *expected, size_t count, double limit)
{
    for (size_t i = 0; i < count; i++)
        EXPECT(distance_of(expected[i], (double)got[i]) <= limit, "%s, element %zu: %g, not %g", what, i,
               (double)got[i], expected[i]);
}

START_TEST(forward_agrees_with_a_plain_lstm)
{
    random_begin("forward_agrees_with_a_plain_lstm");
    struct backend *backend = backend_new(2, 0, "auto");
    for (size_t i = 0; i < SMALL + LARGE; i++) {
        struct training_case c;
        training_case_init(&c, i < SMALL ? &small_shapes[i] : &large_shapes[i - SMALL]);
        struct training_result r = training_result_new(backend, &c, false);
        size_t states = c.shape.sequences * c.shape.hidden;
        plain_forward(&c);
        check_close("out", r.out, c.out, c.batch.rows * c.shape.directions * c.shape.hidden, 2e-6);
        for (size_t d = 0; d < c.shape.directions; d++) {
            check_close("h_last", r.h_last[d], c.h_last[d], states, 2e-6);
            check_close("c_last", r.c_last[d], c.c_last[d], states, 1e-5);
        }
        training_result_free(backend, &r, c.shape.directions);
        training_case_release(&c);
    }
    backend->ops->free(backend);
}
END_TEST

/* d loss / d value, by moving the value; the step is large for a double's sake and small for the third derivative's. */
static double central_difference(struct training_case *c, float *value)
{
    float kept = *value, above = kept + 1e-3f, below = kept - 1e-3f;
    *value = above;
    double loss = plain_loss(c);
    *value = below;
    loss -= plain_loss(c);
    *value = kept;
    return loss / ((double)above - (double)below);
}

/* The largest difference, as a share of the tensor's largest gradient, or of 0.01 where all are smaller. */
static double gradient_error(struct training_case *c, float *values, const float *gradients, size_t count)
{
    double worst = 0, largest = 0.01;
    for (size_t i = 0; i < count; i++) {
        double expected = central_difference(c, &values[i]);
        worst = fmax(worst, distance_of(expected, (double)gradients[i]));
        largest = fmax(largest, fabs(expected));
    }
    return worst / largest;
}

#define GRADIENT_LIMIT 5e-5

START_TEST(every_gradient_agrees_with_central_differences)
{
    static const char *const names[] = {"w_ih", "w_hh", "b_ih", "b_hh"};
    random_begin("every_gradient_agrees_with_central_differences");
    struct backend *backend = backend_new(2, 0, "auto");
    double most = 0;
    for (size_t i = 0; i < SMALL; i++) {
        struct training_case c;
        training_case_init(&c, &small_shapes[i]);
        struct training_result r = training_result_new(backend, &c, true);
        double worst = gradient_error(&c, c.x, r.dx, c.batch.rows * c.shape.in);
        EXPECT(worst <= GRADIENT_LIMIT, "shape %zu, dx: off by %.3g", i, worst);
        for (size_t d = 0; d < c.shape.directions; d++)
            for (size_t w = 0; w < LSTM_TENSORS; w++) {
                double off = gradient_error(&c, lstm_tensor(&r.weights[d], w), lstm_tensor(&r.gradients[d], w),
                                            lstm_tensor_count(&r.weights[d], w));
                EXPECT(off <= GRADIENT_LIMIT, "shape %zu, direction %zu, %s: off by %.3g", i, d, names[w], off);
                worst = fmax(worst, off);
            }
        most = fmax(most, worst);
        training_result_free(backend, &r, c.shape.directions);
        training_case_release(&c);
    }
    printf("largest error of a gradient: %.3g of the tensor's largest\n", most);
    backend->ops->free(backend);
}
END_TEST

/* Moves all of a tensor's values along its gradient at once: the loss must change by |gradient|^2 a unit. */
static void check_along_gradient(struct training_case *c, const char *what, float *values, const float *gradients,
                                 size_t count)
{
    float *kept = malloc(count * sizeof *kept);
    double squares = 0, moved = 0, loss[2];
    memcpy(kept, values, count * sizeof *kept);
    for (size_t i = 0; i < count; i++)
        squares += (double)gradients[i] * (double)gradients[i];
    EXPECT(squares > 0 && isfinite(squares), "%s: squares %g", what, squares);
    for (int side = 0; side < 2; side++) {
        float step = (side ? -1.0f : 1.0f) * 3e-3f / sqrtf((float)squares);
        for (size_t i = 0; i < count; i++) {
            values[i] = kept[i] + step * gradients[i];
            moved += ((double)values[i] - (double)kept[i]) * (double)gradients[i] * (side ? -1 : 1);
        }
        loss[side] = plain_loss(c);
    }
    memcpy(values, kept, count * sizeof *kept);
    free(kept);
    double ratio = (loss[0] - loss[1]) / moved;
    EXPECT(fabs(ratio - 1) <= 1e-4, "%s: the loss changes by %.6f of what its gradient says", what, ratio);
}

START_TEST(gradients_of_large_layers_point_where_the_loss_grows)
{
    random_begin("gradients_of_large_layers_point_where_the_loss_grows");
    struct backend *backend = backend_new(2, 0, "auto");
    for (size_t i = 0; i < LARGE; i++) {
        struct training_case c;
        training_case_init(&c, &large_shapes[i]);
        struct training_result r = training_result_new(backend, &c, true);
        check_along_gradient(&c, "dx", c.x, r.dx, c.batch.rows * c.shape.in);
        for (size_t d = 0; d < c.shape.directions; d++)
            for (size_t w = 0; w < LSTM_TENSORS; w++) {
                char what[64];
                snprintf(what, sizeof what, "shape %zu, direction %zu, tensor %zu", i, d, w);
                check_along_gradient(&c, what, lstm_tensor(&r.weights[d], w), lstm_tensor(&r.gradients[d], w),
                                     lstm_tensor_count(&r.weights[d], w));
            }
        training_result_free(backend, &r, c.shape.directions);
        training_case_release(&c);
    }
    backend->ops->free(backend);
}
END_TEST

static void check_same(const char *what, size_t threads, const float *a, const float *b, size_t count)
{
    size_t at = first_difference(a, b, count);
    EXPECT(at == count, "%s, %zu threads: element %zu is %a, with one thread %a", what, threads, at, (double)b[at],
           (double)a[at]);
}

START_TEST(the_same_bits_for_any_number_of_threads)
{
    static const size_t threads[] = {2, 3, 8};
    static const uint32_t many[] = {21, 19, 18, 18, 17, 13, 12, 12, 12, 12, 11, 10, 9, 9, 9, 8,
                                    8,  8,  7,  7,  7,  6,  6,  5,  5,  5,  4,  4,  3, 3, 2, 1};
    static const struct case_shape shapes[] = {{100, 256, 2, false, false, LENGTHS(many)},
                                               {350, 100, 1, false, true, LENGTHS(many)},
                                               {5, 37, 2, true, false, LENGTHS(uneven)}};
    random_begin("the_same_bits_for_any_number_of_threads");
    struct backend *one = backend_new(1, 0, "auto");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct training_case c;
        training_case_init(&c, &shapes[i]);
        size_t rows = c.batch.rows, hidden = c.shape.hidden, directions = c.shape.directions;
        struct training_result a = training_result_new(one, &c, true);
        for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
            struct backend *backend = backend_new(threads[t], 0, "auto");
            for (int round = 0; round < 3; round++) {
                struct training_result b = training_result_new(backend, &c, true);
                check_same("out", threads[t], a.out, b.out, rows * directions * hidden);
                check_same("dx", threads[t], a.dx, b.dx, rows * c.shape.in);
                for (size_t d = 0; d < directions; d++) {
                    check_same("cells", threads[t], a.cells[d], b.cells[d], rows * hidden);
                    check_same("gates", threads[t], a.gates[d], b.gates[d], rows * 4 * hidden);
                    for (size_t w = 0; w < LSTM_TENSORS; w++)
                        check_same("a gradient", threads[t], lstm_tensor(&a.gradients[d], w),
                                   lstm_tensor(&b.gradients[d], w), lstm_tensor_count(&a.gradients[d], w));
                }
                training_result_free(backend, &b, directions);
            }
            backend->ops->free(backend);
        }
        training_result_free(one, &a, directions);
        training_case_release(&c);
    }
    one->ops->free(one);
}
END_TEST

START_TEST(training_computes_what_inference_computes)
{
    static const struct case_shape shapes[] = {{19, 40, 2, false, false, LENGTHS(uneven)},
                                               {100, 256, 2, false, false, LENGTHS(uneven)}};
    random_begin("training_computes_what_inference_computes");
    struct backend *backend = backend_new(2, 0, "auto");
    for (size_t i = 0; i < 2; i++) {
        struct training_case c;
        struct birnn net = {.layers = 1};
        struct weights weights;
        struct token_sequence sentences[sizeof uneven / sizeof *uneven];
        struct ft_error error = {""};
        training_case_init(&c, &shapes[i]);
        struct training_result r = training_result_new(backend, &c, false);
        size_t hidden = c.shape.hidden, in = c.shape.in, rows = c.batch.rows, tokens = 0;
        const float **at = calloc(rows, sizeof *at);
        float *out = calloc(rows * 2 * hidden, sizeof *out);
        for (size_t s = 0; s < c.shape.sequences; s++) {
            sentences[s] = (struct token_sequence){tokens, uneven[s]};
            for (size_t t = 0; t < uneven[s]; t++)
                at[tokens++] = c.x + (c.first[t] + s) * in;
        }
        weights_init(&weights);
        for (int d = 0; d < 2; d++) {
            const struct plain_layer *plain = &c.plain[d];
            struct gate_part parts[2] = {{plain->w_ih, in, false}, {plain->w_hh, hidden, true}};
            net.layer[0][d] =
                (struct recurrent_layer){.cell = CELL_LSTM, .in = in, .hidden = hidden, .panels = (hidden + 15) / 16};
            net.layer[0][d].weights = (struct packed){.groups = in + hidden};
            net.layer[0][d].weights.at = pack_gates(&weights, CELL_LSTM, hidden, parts, 2, 1);
            net.layer[0][d].bias = pack_gate_bias(&weights, CELL_LSTM, hidden, plain->b_ih, plain->b_hh);
        }
        struct input_piece piece = {at, in};
        ck_assert_int_eq(
            backend->ops->birnn(backend, &net, sentences, c.shape.sequences, &piece, 1, tokens, out, &error), FT_OK);
        for (size_t s = 0; s < c.shape.sequences; s++)
            for (size_t t = 0; t < uneven[s]; t++)
                for (size_t j = 0; j < 2 * hidden; j++) {
                    double a = (double)out[(sentences[s].first + t) * 2 * hidden + j],
                           b = (double)r.out[(c.first[t] + s) * 2 * hidden + j];
                    EXPECT(distance_of(a, b) <= 1e-6, "sequence %zu, step %zu, column %zu: %g, inference has %g", s, t,
                           j, b, a);
                }
        free(at);
        free(out);
        weights_release(&weights);
        training_result_free(backend, &r, 2);
        training_case_release(&c);
    }
    backend->ops->free(backend);
}
END_TEST

/* Every set: the pointwise steps are the same bits (test_gates.c), and so is a chain of multiply-adds. What oneDNN
 * computes does not depend on the set. */
START_TEST(the_same_bits_in_every_kernel_set)
{
    const struct kernels *sets[KERNEL_SETS];
    size_t count = kernels_available(sets);
    random_begin("the_same_bits_in_every_kernel_set");
    for (size_t i = 0; i < SMALL; i++) {
        struct training_case c;
        training_case_init(&c, &small_shapes[i]);
        struct backend *scalar = backend_new(1, 0, "scalar");
        struct training_result a = training_result_new(scalar, &c, false);
        for (size_t s = 0; s < count; s++) {
            struct backend *backend = backend_new(1, 0, sets[s]->name);
            struct training_result b = training_result_new(backend, &c, false);
            check_same(sets[s]->name, 1, a.out, b.out, c.batch.rows * c.shape.directions * c.shape.hidden);
            check_same(sets[s]->name, 1, a.gates[0], b.gates[0], c.batch.rows * 4 * c.shape.hidden);
            training_result_free(backend, &b, c.shape.directions);
            backend->ops->free(backend);
        }
        training_result_free(scalar, &a, c.shape.directions);
        scalar->ops->free(scalar);
        training_case_release(&c);
    }
}
END_TEST

/* Sum of y * r, y = x W^T + b, in double. */
static double linear_loss(const struct linear_weights *layer, size_t rows, const float *x, const float *r, double *y)
{
    double sum = 0;
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < layer->out; j++) {
            double value = (double)layer->b[j];
            for (size_t k = 0; k < layer->in; k++)
                value += (double)layer->w[j * layer->in + k] * (double)x[i * layer->in + k];
            y[i * layer->out + j] = value;
            sum += value * (double)r[i * layer->out + j];
        }
    return sum;
}

START_TEST(a_linear_layer_and_its_gradients_agree_with_central_differences)
{
    static const size_t shapes[][3] = {{1, 1, 1}, {5, 3, 7}, {40, 17, 9}, {2, 33, 1}, {13, 1, 30}};
    random_begin("a_linear_layer_and_its_gradients_agree_with_central_differences");
    struct backend *backend = backend_new(2, 0, "auto");
    const struct training_ops *ops = backend->ops->training;
    struct ft_error error = {""};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t rows = shapes[i][0], in = shapes[i][1], out = shapes[i][2];
        struct linear_weights layer = {in, out, random_floats(out * in, 1), random_floats(out, 1)};
        struct linear_weights gradients = {in, out, random_floats(out * in, 1), random_floats(out, 1)};
        float *x = random_floats(rows * in, 1), *dy = random_floats(rows * out, 1), *y = random_floats(rows * out, 1),
              *dx = random_floats(rows * in, 1);
        double *expected = calloc(rows * out, sizeof *expected);
        ck_assert_int_eq(ops->linear_forward(backend, &layer, rows, x, y, &error), FT_OK);
        linear_loss(&layer, rows, x, dy, expected);
        check_close("y", y, expected, rows * out, 1e-5);
        ck_assert_int_eq(ops->linear_backward(backend, &layer, rows, x, dy, dx, &gradients, &error), FT_OK);
        float *values[] = {x, layer.w, layer.b}, *got[] = {dx, gradients.w, gradients.b};
        size_t counts[] = {rows * in, out * in, out};
        for (size_t v = 0; v < 3; v++)
            for (size_t e = 0; e < counts[v]; e++) {
                float kept = values[v][e];
                values[v][e] = kept + 0.5f;
                double above = linear_loss(&layer, rows, x, dy, expected);
                double step = (double)values[v][e];
                values[v][e] = kept - 0.5f;
                step -= (double)values[v][e];
                double difference = (above - linear_loss(&layer, rows, x, dy, expected)) / step;
                values[v][e] = kept;
                EXPECT(distance_of(difference, (double)got[v][e]) <= 1e-5,
                       "shape %zu, tensor %zu, element %zu: %g, "
                       "not %g",
                       i, v, e, (double)got[v][e], difference);
            }
        memset(gradients.w, 0, out * in * sizeof(float));
        ck_assert_int_eq(ops->linear_backward(backend, &layer, rows, x, dy, NULL, &gradients, &error), FT_OK);
        ck_assert_int_eq(ops->linear_backward(backend, &layer, 0, x, dy, dx, &gradients, &error), FT_OK);
        for (size_t e = 0; e < out * in; e++)
            ck_assert_msg(gradients.w[e] == 0, "of no rows: %g", (double)gradients.w[e]);
        for (size_t e = 0; e < out; e++)
            ck_assert_msg(gradients.b[e] == 0, "of no rows: %g", (double)gradients.b[e]);
        float *all[] = {layer.w, layer.b, gradients.w, gradients.b, x, dy, y, dx};
        for (size_t a = 0; a < sizeof all / sizeof *all; a++)
            free(all[a]);
        free(expected);
    }
    backend->ops->free(backend);
}
END_TEST

START_TEST(a_large_linear_layer_has_the_same_bits_for_any_number_of_threads)
{
    enum { ROWS = 150, IN = 700, OUT = 1100 };
    static const size_t threads[] = {1, 2, 3, 8};
    random_begin("a_large_linear_layer_has_the_same_bits_for_any_number_of_threads");
    struct linear_weights layer = {IN, OUT, random_floats(OUT * IN, 1), random_floats(OUT, 1)};
    float *x = random_floats(ROWS * IN, 1), *dy = random_floats(ROWS * OUT, 1), *result[4][4];
    size_t counts[4] = {ROWS * OUT, ROWS * IN, OUT * IN, OUT};
    for (size_t t = 0; t < 4; t++) {
        struct backend *backend = backend_new(threads[t], 0, "auto");
        const struct training_ops *ops = backend->ops->training;
        struct ft_error error = {""};
        for (size_t i = 0; i < 4; i++)
            result[t][i] = random_floats(counts[i], 1);
        struct linear_weights gradients = {IN, OUT, result[t][2], result[t][3]};
        ck_assert_int_eq(ops->linear_forward(backend, &layer, ROWS, x, result[t][0], &error), FT_OK);
        ck_assert_int_eq(ops->linear_backward(backend, &layer, ROWS, x, dy, result[t][1], &gradients, &error), FT_OK);
        for (size_t i = 0; i < 4; i++)
            check_same("a linear layer", threads[t], result[0][i], result[t][i], counts[i]);
        backend->ops->free(backend);
    }
    for (size_t t = 0; t < 4; t++)
        for (size_t i = 0; i < 4; i++)
            free(result[t][i]);
    free(layer.w);
    free(layer.b);
    free(x);
    free(dy);
}
END_TEST

START_TEST(device_floats_are_zero_and_come_back_as_they_went)
{
    struct backend *backend = backend_new(1, 0, "auto");
    const struct backend_ops *ops = backend->ops;
    struct ft_error error = {""};
    float to[1000], *from = random_floats(1000, 1), *device = ops->new_floats(backend, 1000);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_msg(device[i] == 0, "%zu: %g", i, (double)device[i]);
    ck_assert_uint_eq((uintptr_t)device % 64, 0);
    ck_assert_int_eq(ops->upload(backend, device, from, 1000, &error), FT_OK);
    ck_assert_int_eq(ops->download(backend, to, device, 1000, &error), FT_OK);
    ck_assert_uint_eq(first_difference(from, to, 1000), 1000);
    ops->free_floats(backend, device);
    ops->free_floats(backend, NULL);
    ck_assert_ptr_null(ops->new_floats(backend, SIZE_MAX / 2));
    free(from);
    backend->ops->free(backend);
}
END_TEST

START_TEST(without_memory_an_operation_fails_and_the_next_one_works)
{
    random_begin("without_memory_an_operation_fails_and_the_next_one_works");
    struct backend *backend = backend_new(2, 0, "auto");
    const struct training_ops *ops = backend->ops->training;
    struct ft_error error = {""};
    struct training_case c, more;
    training_case_init(&c, &small_shapes[3]);
    training_case_init(&more, &large_shapes[1]);
    struct training_result before = training_result_new(backend, &c, true), other;
    struct training_result large = training_result_new(backend, &more, true);
    backend->ops->free(backend);
    backend = backend_new(2, 0, "auto"); /* with no scratch yet */
    allowed = 0;
    ck_assert_int_eq(ops->lstm_forward(backend, &more.batch, large.passes, 2, more.x, &error), FT_NOMEM);
    ck_assert_str_eq(error.text, "out of memory for a recurrent layer in training");
    ck_assert_int_eq(
        ops->lstm_backward(backend, &more.batch, large.passes, 2, more.x, more.dout, NULL, large.gradients, &error),
        FT_NOMEM);
    allowed = SIZE_MAX;
    other = training_result_new(backend, &c, true);
    check_same("out", 2, before.out, other.out, c.batch.rows * 2 * c.shape.hidden);
    check_same("dx", 2, before.dx, other.dx, c.batch.rows * c.shape.in);
    training_result_free(backend, &before, 2);
    training_result_free(backend, &other, 2);
    training_result_free(backend, &large, 2);
    training_case_release(&c);
    training_case_release(&more);
    backend->ops->free(backend);
}
END_TEST

int main(void)
{
    test_add(forward_agrees_with_a_plain_lstm, NULL);
    test_add(every_gradient_agrees_with_central_differences, NULL);
    test_add(gradients_of_large_layers_point_where_the_loss_grows, NULL);
    test_add(the_same_bits_for_any_number_of_threads, NULL);
    test_add(training_computes_what_inference_computes, NULL);
    test_add(the_same_bits_in_every_kernel_set, NULL);
    test_add(a_linear_layer_and_its_gradients_agree_with_central_differences, NULL);
    test_add(a_large_linear_layer_has_the_same_bits_for_any_number_of_threads, NULL);
    test_add(device_floats_are_zero_and_come_back_as_they_went, NULL);
    test_add(without_memory_an_operation_fails_and_the_next_one_works, NULL);
    return test_run("training-layers");
}
