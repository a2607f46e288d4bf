/* Weights from float32 to integers and back: near what they were, inside their range, without sums that overflow, the
 * same for any number of threads, and whole again when memory runs out on the way. */
#include "base/memory.h"
#include "harness.h"
#include "kernel_cases.h"
#include "model/quantise.h"
#include "numbers.h"
#include "run/random_model.h"
#include <float.h>
#include <math.h>
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

enum { SEGMENTS = 4 };
struct matrix {
    size_t panels, segments, in;
    size_t widths[SEGMENTS];
    float *w; /* [panels, in, PANEL] */
};

static struct matrix matrix_new(size_t panels, const size_t *widths, size_t segments)
{
    struct matrix m = {.panels = panels, .segments = segments};
    for (size_t i = 0; i < segments; i++)
        m.in += m.widths[i] = widths[i];
    m.w = aligned_floats(panels * m.in * PANEL);
    random_fill(m.w, panels * m.in * PANEL, 0.4f);
    return m;
}

/* Columns of all kinds: zeros, numbers whose reciprocals leave float's range, large ones, equal ones, one alone. */
static void make_odd_columns(struct matrix *m)
{
    static const float sizes[] = {0, FLT_TRUE_MIN, FLT_MIN, 2e-38f, 3e-37f, 3e-35f, 1e-33f, 1e-31f, 1e-25f, 1e30f};
    for (size_t p = 0; p < m->panels; p++)
        for (size_t k = 0; k < m->in; k++) {
            float *row = m->w + (p * m->in + k) * PANEL;
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                row[p + 2 * i] = k % 3 ? random_float(sizes[i]) : sizes[i];
            row[40] = 0.3f;
            row[41] = k % 2 ? 0.3f : -0.3f;
            row[42] = k == 2 ? 5.0f : 0;
            row[43] = k == 2 ? 5.0f : random_float(1e-3f);
        }
}

/* One column of one segment. */
static void check_column(const struct matrix *m, const struct packed *packed, size_t panel, size_t segment,
                         size_t first_k, size_t first_group, size_t column)
{
    enum precision precision = packed->precision;
    size_t width = m->widths[segment], at = (segment * m->panels + panel) * PANEL + column;
    double scale = (double)packed->scale[at], most = 0, largest = 0;
    double squares = 0;
    int64_t sum = 0;
    EXPECT(scale >= 0 && isfinite(scale), "the scale of column %zu is %g", column, scale);
    for (size_t k = 0; k < width; k++) {
        double w = (double)m->w[(panel * m->in + first_k + k) * PANEL + column];
        double q = packed_at(packed, panel, first_group, k, column);
        EXPECT(fabs(q) <= weight_limit(precision), "q is %g", q);
        /* a step's half, and the roundings of the factor and of its product; or nothing, for next to nothing */
        EXPECT(fabs(w - scale * q) <= (scale > 0 ? scale * 0.5 + 3e-7 * fabs(w) : 1e-30),
               "precision %d, panel %zu, column %zu: %g became %g * %g", precision, panel, column, w, scale, q);
        EXPECT(scale > 0 || fabs(q) <= 0, "precision %d: a column of scale 0 holds %g", precision, q);
        most = fmax(most, fabs(w));
        largest = fmax(largest, fabs(q));
        sum += (int64_t)q;
        squares += q * q;
    }
    EXPECT(scale > 0 || most < 1e-30, "precision %d, column %zu of up to %g: scale 0", precision, column, most);
    if (precision == PRECISION_INT16) {
        EXPECT(squares <= INT32_MAX, "column %zu: its length is %g, 2^15.5 is allowed", column, sqrt(squares));
        EXPECT(scale <= 0 || largest >= 32766 || sqrt(squares) > 46298 - sqrt((double)width),
               "column %zu: a length of %g, and the largest is %g", column, sqrt(squares), largest);
    } else {
        EXPECT(scale <= 0 || (int)largest == weight_limit(precision), "column %zu: the largest is %g", column, largest);
        EXPECT(packed->offset[at] == -128 * sum, "column %zu: offset %d, sum %lld", column, packed->offset[at],
               (long long)sum);
    }
    for (size_t k = width; k % group_elements(precision); k++)
        EXPECT(fabs(packed_at(packed, panel, first_group, k, column)) <= 0, "the padding of column %zu", column);
}

static void check_matrix(const struct matrix *m, const struct packed *packed, enum precision precision)
{
    size_t groups = 0;
    ck_assert_int_eq(packed->precision, precision);
    ck_assert_uint_eq(packed->segments, m->segments);
    ck_assert_ptr_eq(packed->widths, m->widths);
    ck_assert(!packed->offset == (precision == PRECISION_INT16));
    for (size_t panel = 0; panel < m->panels; panel++) {
        groups = 0;
        for (size_t i = 0, first_k = 0; i < m->segments; first_k += m->widths[i++]) {
            for (size_t column = 0; column < PANEL; column++)
                check_column(m, packed, panel, i, first_k, groups, column);
            groups += group_count(precision, m->widths[i]);
        }
    }
    ck_assert_uint_eq(packed->groups, groups);
}

static void check_quantised(size_t panels, const size_t *widths, size_t segments)
{
    struct matrix m = matrix_new(panels, widths, segments);
    make_odd_columns(&m);
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        struct weights memory;
        weights_init(&memory);
        struct packed packed = packed_from(m.w, panels, (enum precision)p, m.widths, segments, &memory);
        check_matrix(&m, &packed, (enum precision)p);
        weights_release(&memory);
    }
    free(m.w);
}

START_TEST(quantised_weights_are_near_and_inside_their_range)
{
    random_begin("quantised_weights_are_near_and_inside_their_range");
    check_quantised(1, (size_t[]){1}, 1);
    check_quantised(2, (size_t[]){300}, 1);
    check_quantised(3, (size_t[]){5, 2, 1, 63}, 4);
    check_quantised(1, (size_t[]){2049, 16}, 2);
    check_quantised(1, (size_t[]){65536}, 1);
    for (int round = 0; round < 8; round++) {
        size_t widths[SEGMENTS], segments = random_between(1, SEGMENTS);
        for (size_t i = 0; i < segments; i++)
            widths[i] = random_between(1, 90);
        check_quantised(random_between(1, 7), widths, segments);
    }
}
END_TEST

/* Weights just above half a step, so that all are rounded up: the sum's bound must have counted on that. */
START_TEST(rounding_up_does_not_overflow_16_bits)
{
    for (size_t width = 17; width <= 65536; width = width * 3 / 2) {
        struct matrix m = matrix_new(1, &width, 1);
        for (size_t j = 0; j < PANEL; j++) {
            float size = (float)(524287 / (double)width), whole = floorf(size);
            for (size_t k = 0; k < width; k++)
                m.w[k * PANEL + j] = (whole - 0.5f + 0.02f * (float)j) * (k % 2 ? 1e-4f : -1e-4f);
        }
        struct weights memory;
        weights_init(&memory);
        struct packed packed = packed_from(m.w, 1, PRECISION_INT16, m.widths, 1, &memory);
        check_matrix(&m, &packed, PRECISION_INT16);
        weights_release(&memory);
        free(m.w);
    }
}
END_TEST

/* The numbers behind a packed form, all of them. */
static bool same_numbers(const struct packed *a, const struct packed *b, size_t panels)
{
    size_t scales = panels * a->segments * PANEL;
    return a->groups == b->groups && !memcmp(a->at, b->at, panels * a->groups * GROUP_ROW) && !a->scale == !b->scale &&
           (!a->scale || !memcmp(a->scale, b->scale, scales * sizeof *a->scale)) && !a->offset == !b->offset &&
           (!a->offset || !memcmp(a->offset, b->offset, scales * sizeof *a->offset));
}

START_TEST(threads_give_the_same_bytes)
{
    static const size_t widths[] = {13, 50, 7};
    random_begin("threads_give_the_same_bytes");
    struct matrix m = matrix_new(11, widths, 3);
    make_odd_columns(&m);
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        struct packed packed[2];
        struct weights memory;
        struct ft_error error = {""};
        weights_init(&memory);
        for (int i = 0; i < 2; i++) {
            packed[i] = (struct packed){.groups = m.in, .at = m.w};
            ck_assert_int_eq(
                quantise_matrix(&packed[i], m.panels, (enum precision)p, m.widths, 3, &memory, i ? 3 : 1, &error),
                FT_OK);
        }
        EXPECT(same_numbers(&packed[0], &packed[1], m.panels), "precision %d", p);
        for (int i = 0; i < 2; i++)
            ck_assert_int_eq(quantise_matrix(&packed[i], m.panels, PRECISION_F32, NULL, 0, &memory, i ? 3 : 1, &error),
                             FT_OK);
        EXPECT(!memcmp(packed[0].at, packed[1].at, m.panels * m.in * GROUP_ROW), "precision %d and back", p);
        weights_release(&memory);
    }
    free(m.w);
}
END_TEST

/* To 8 bits, to float32 (w = scale q, exactly), and to 8 bits again; and to 7 bits by way of that float32. */
START_TEST(going_back_and_forth_changes_nothing)
{
    random_begin("going_back_and_forth_changes_nothing");
    for (int p = PRECISION_INT8; p < PRECISIONS; p++) {
        size_t widths[] = {random_between(1, 70), random_between(1, 70), random_between(1, 70)};
        struct matrix m = matrix_new(5, widths, 3);
        make_odd_columns(&m);
        struct weights memory;
        struct ft_error error = {""};
        weights_init(&memory);
        enum precision precision = (enum precision)p, other = p == PRECISION_INT8 ? PRECISION_INT7 : PRECISION_INT8;
        struct packed once = packed_from(m.w, m.panels, precision, m.widths, 3, &memory);
        struct packed twice = packed_from(m.w, m.panels, precision, m.widths, 3, &memory);
        ck_assert_int_eq(quantise_matrix(&twice, m.panels, PRECISION_F32, NULL, 0, &memory, 2, &error), FT_OK);
        ck_assert_int_eq(twice.precision, PRECISION_F32);
        ck_assert_uint_eq(twice.groups, m.in);
        for (size_t panel = 0; panel < m.panels; panel++)
            for (size_t i = 0, k = 0, group = 0; i < 3; group += group_count(precision, m.widths[i++]))
                for (size_t x = 0; x < m.widths[i]; x++, k++)
                    for (size_t j = 0; j < PANEL; j++) {
                        float expected = once.scale[(i * m.panels + panel) * PANEL + j] *
                                         (float)packed_at(&once, panel, group, x, j);
                        EXPECT(same_float((float)packed_at(&twice, panel, 0, k, j), expected), "[%zu, %zu, %zu]", panel,
                               k, j);
                    }
        struct packed by_hand = packed_from(twice.at, m.panels, other, m.widths, 3, &memory);
        /* packed_from took its float32 for its own block, so it is made anew */
        twice = packed_from(m.w, m.panels, precision, m.widths, 3, &memory);
        ck_assert_int_eq(quantise_matrix(&twice, m.panels, PRECISION_F32, NULL, 0, &memory, 2, &error), FT_OK);
        ck_assert_int_eq(quantise_matrix(&twice, m.panels, precision, m.widths, 3, &memory, 2, &error), FT_OK);
        EXPECT(!memcmp(once.at, twice.at, m.panels * once.groups * GROUP_ROW), "precision %d: q changed", p);
        struct packed at_once = packed_from(m.w, m.panels, precision, m.widths, 3, &memory);
        ck_assert_int_eq(quantise_matrix(&at_once, m.panels, other, m.widths, 3, &memory, 2, &error), FT_OK);
        EXPECT(same_numbers(&by_hand, &at_once, m.panels), "precision %d to the other", p);
        weights_release(&memory);
        free(m.w);
    }
}
END_TEST

START_TEST(a_segment_too_wide_is_refused)
{
    static const size_t widths[] = {3, 65537};
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        float w = 1;
        struct packed packed = {.groups = 65540, .at = &w};
        struct weights memory;
        struct ft_error error = {""};
        weights_init(&memory);
        ck_assert_int_eq(quantise_matrix(&packed, 1, (enum precision)p, widths, 2, &memory, 1, &error), FT_MODEL);
        ck_assert_ptr_nonnull(strstr(error.text, "65537"));
        ck_assert_ptr_nonnull(strstr(error.text, precision_names[p]));
        ck_assert_int_eq(packed.precision, PRECISION_F32);
        ck_assert_ptr_eq(packed.at, &w);
        weights_release(&memory);
    }
}
END_TEST

/* Whichever block fails, what was there is there still. */
START_TEST(without_memory_a_matrix_stays_as_it_was)
{
    static const size_t widths[] = {13, 50};
    random_begin("without_memory_a_matrix_stays_as_it_was");
    struct matrix m = matrix_new(2, widths, 2);
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        size_t blocks = p == PRECISION_INT16 ? 2 : 3;
        struct weights memory;
        struct ft_error error = {""};
        weights_init(&memory);
        for (size_t given = 0; given <= blocks; given++) {
            struct packed packed = {.groups = m.in, .at = m.w};
            allowed = given;
            ft_status status = quantise_matrix(&packed, 2, (enum precision)p, m.widths, 2, &memory, 2, &error);
            allowed = SIZE_MAX;
            ck_assert_int_eq(status, given < blocks ? FT_NOMEM : FT_OK);
            if (given < blocks)
                EXPECT(packed.at == m.w && packed.precision == PRECISION_F32 && !packed.scale, "%zu blocks", given);
            else
                check_matrix(&m, &packed, (enum precision)p);
            if (given < blocks)
                continue;
            allowed = 0;
            struct packed kept = packed;
            ck_assert_int_eq(quantise_matrix(&packed, 2, PRECISION_F32, NULL, 0, &memory, 2, &error), FT_NOMEM);
            allowed = SIZE_MAX;
            EXPECT(!memcmp(&kept, &packed, sizeof kept), "back to float32");
            check_matrix(&m, &packed, (enum precision)p);
        }
        weights_release(&memory);
    }
    free(m.w);
}
END_TEST

static struct random_model *random_tagger(void)
{
    struct backend *backend;
    struct random_model *model;
    struct cpu_options options = {.threads = 1, .isa = "auto"};
    struct ft_error error = {""};
    ck_assert_msg(backend_cpu_new(&backend, &options, &error) == FT_OK, "%s", error.text);
    ck_assert_msg(random_model_new(&model, 18, NULL, backend, &error) == FT_OK, "%s", error.text);
    backend->ops->free(backend);
    return model;
}

static void taggers_same(const struct tagger *a, const struct tagger *b, enum precision precision)
{
    for (size_t i = 0; i < a->member_count; i++)
        if (a->members[i].kind == MEMBER_LM) {
            const struct recurrent_layer *of_a = &a->members[i].lm.net.layer[0];
            ck_assert_int_eq(of_a->weights.precision, precision);
            EXPECT(same_numbers(&of_a->weights, &b->members[i].lm.net.layer[0].weights, of_a->panels), "member %zu", i);
        }
    for (int d = 0; d < 2; d++) {
        const struct recurrent_layer *of_a = &a->rnn.layer[0][d];
        ck_assert_int_eq(of_a->weights.precision, head_precision_for(precision));
        EXPECT(same_numbers(&of_a->weights, &b->rnn.layer[0][d].weights, of_a->panels), "direction %d", d);
    }
    ck_assert_int_eq(a->linear.weights.precision, PRECISION_F32);
}

/* Every layer has its segments, and a tagger whose conversion ran out of memory, at any place, can be converted still.
 */
START_TEST(a_tagger_is_converted_even_after_memory_ran_out)
{
    struct ft_error error = {""};
    for (int p = PRECISION_INT16; p < PRECISIONS; p++) {
        struct random_model *whole = random_tagger(), *tried = random_tagger();
        struct tagger *expected = random_model_tagger(whole), *tagger = random_model_tagger(tried);
        ck_assert_int_eq(tagger_set_precision(expected, (enum precision)p, 1, &error), FT_OK);
        size_t failures = 0;
        for (ft_status status = FT_NOMEM; status != FT_OK; failures++) {
            allowed = failures;
            status = tagger_set_precision(tagger, (enum precision)p, 3, &error);
            allowed = SIZE_MAX;
            ck_assert(status == FT_OK || status == FT_NOMEM);
        }
        ck_assert_uint_gt(failures, 3);
        taggers_same(tagger, expected, (enum precision)p);
        random_model_free(whole);
        random_model_free(tried);
    }
}
END_TEST

START_TEST(a_tagger_is_quantised_by_its_inputs)
{
    struct random_model *model = random_tagger();
    struct tagger *tagger = random_model_tagger(model);
    struct ft_error error = {""};
    ck_assert_int_eq(tagger_set_precision(tagger, PRECISION_INT8, 1, &error), FT_OK);
    const struct packed *first = &tagger->rnn.layer[0][0].weights;
    ck_assert_uint_eq(first->segments, tagger->member_count + 1);
    size_t groups = 0;
    for (size_t i = 0; i < first->segments; i++) {
        ck_assert_uint_eq(first->widths[i], i < tagger->member_count ? tagger->members[i].width : 256);
        groups += (first->widths[i] + 1) / 2; /* the head stays in 16 bits */
    }
    ck_assert_uint_eq(first->groups, groups);
    for (size_t i = 0; i < tagger->member_count; i++)
        if (tagger->members[i].kind == MEMBER_LM) {
            const struct packed *weights = &tagger->members[i].lm.net.layer[0].weights;
            ck_assert_uint_eq(weights->segments, 1); /* its input is a table */
            ck_assert_uint_eq(weights->widths[0], 18);
            ck_assert_uint_eq(weights->groups, 5);
        }
    ck_assert_int_eq(tagger_set_precision(tagger, PRECISION_F32, 1, &error), FT_OK);
    ck_assert_int_eq(first->precision, PRECISION_F32);
    ck_assert_uint_eq(first->groups, tagger->width + 256);
    random_model_free(model);
}
END_TEST

int main(void)
{
    test_add(quantised_weights_are_near_and_inside_their_range, NULL);
    test_add(rounding_up_does_not_overflow_16_bits, NULL);
    test_add(threads_give_the_same_bytes, NULL);
    test_add(going_back_and_forth_changes_nothing, NULL);
    test_add(a_segment_too_wide_is_refused, NULL);
    test_add(without_memory_a_matrix_stays_as_it_was, NULL);
    test_add(a_tagger_is_converted_even_after_memory_ran_out, NULL);
    test_add(a_tagger_is_quantised_by_its_inputs, NULL);
    return test_run("quantise");
}
