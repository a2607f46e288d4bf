/* Losses of tag sequences and their gradients on CUDA against the CPU, with certain and with uncertain tags. */
#include "device_backend.h"
#include "device_failures.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SENTENCES = 150, SETS = 4 };

/* A batch on the host. */
struct batch {
    struct crf crf;
    struct token_sequence sentences[MOST_SENTENCES];
    size_t count, rows;
    float *emissions, *transitions, scales[MOST_SENTENCES];
    uint32_t *gold;
    uint8_t *allowed, *follows;
    struct tag_choices choices;
};

struct answer {
    double losses[MOST_SENTENCES];
    float *d_emissions, *d_transitions;
};

/* Sentences follow each other. Gold is certain, the choices allow a path along it. */
static void batch_init(struct batch *b, size_t tags, const size_t *lengths, size_t count, float most)
{
    *b = (struct batch){.count = count, .crf = {.tags = tags, .start = random_below((uint32_t)tags)}};
    b->crf.stop = (b->crf.start + random_between(1, tags - 1)) % tags;
    for (size_t i = 0; i < count; i++) {
        b->sentences[i] = (struct token_sequence){b->rows, lengths[i]};
        b->rows += lengths[i];
        b->scales[i] = random_float(2);
    }
    b->emissions = random_floats(b->rows * tags, most);
    b->crf.transitions = b->transitions = random_floats(tags * tags, most);
    b->gold = calloc(b->rows + 1, sizeof *b->gold);
    b->allowed = calloc(SETS * tags, 1);
    b->follows = calloc(tags * tags, 1);
    ck_assert(b->gold && b->allowed && b->follows);
    b->choices = (struct tag_choices){SETS, b->allowed, b->follows};
    for (size_t r = 0; r < b->rows; r++)
        b->gold[r] = random_below((uint32_t)tags);
}

static void batch_release(struct batch *b)
{
    free(b->emissions);
    free(b->transitions);
    free(b->gold);
    free(b->allowed);
    free(b->follows);
}

/* Nothing leads to START, nothing from STOP, and gold has neither, as in Flair. */
static void close_ends(struct batch *b)
{
    size_t n = b->crf.tags;
    for (size_t i = 0; i < n; i++)
        b->transitions[b->crf.start * n + i] = b->transitions[i * n + b->crf.stop] = -10000;
    for (size_t r = 0; r < b->rows; r++)
        while (b->gold[r] == b->crf.start || b->gold[r] == b->crf.stop)
            b->gold[r] = (uint32_t)((b->gold[r] + 1) % n);
}

/* Two sentences in three have tokens whose tag is a choice; every sentence has an allowed path at least. */
static void make_choices(struct batch *b)
{
    size_t n = b->crf.tags;
    for (size_t k = 0; k < n * n; k++)
        b->follows[k] = random_below(4) != 0;
    for (size_t k = 0; k < SETS * n; k++)
        b->allowed[k] = random_below(2) != 0;
    for (size_t i = 0; i < b->count; i++) {
        size_t before = b->crf.start;
        for (size_t t = 0; t < b->sentences[i].count; t++) {
            uint32_t *gold = &b->gold[b->sentences[i].first + t], tag = *gold, set = random_below(SETS);
            b->follows[tag * n + before] = b->allowed[set * n + tag] = 1;
            if (i % 3 && random_below(3))
                *gold = (uint32_t)n + set;
            before = tag;
        }
        b->follows[b->crf.stop * n + before] = 1;
    }
}

static struct answer answer_new(const struct batch *b)
{
    size_t n = b->crf.tags;
    struct answer a = {.d_emissions = malloc((b->rows * n + 1) * sizeof(float)),
                       .d_transitions = malloc(n * n * sizeof(float))};
    ck_assert(a.d_emissions && a.d_transitions);
    for (size_t k = 0; k < b->rows * n; k++)
        a.d_emissions[k] = 7;
    return a;
}

static void answer_free(struct answer *a)
{
    free(a->d_emissions);
    free(a->d_transitions);
}

/* By any back end; crf: else softmax. Without gradients d_emissions and d_transitions of the answer stay as they are.
 */
static ft_status run(struct backend *backend, const struct batch *b, bool crf, const struct tag_choices *choices,
                     bool gradients, struct answer *to, struct ft_error *error)
{
    size_t n = b->crf.tags, entries = n * n;
    const struct backend_ops *ops = backend->ops;
    struct crf layer = b->crf;
    float *e = ops->new_floats(backend, b->rows * n), *transitions = ops->new_floats(backend, entries);
    float *d_e = ops->new_floats(backend, b->rows * n), *d_transitions = ops->new_floats(backend, entries);
    ft_status status = e && transitions && d_e && d_transitions ? FT_OK : ft_nomem(error, "a test");
    if (status == FT_OK)
        status = ops->upload(backend, e, b->emissions, b->rows * n, error);
    if (status == FT_OK)
        status = ops->upload(backend, transitions, b->transitions, entries, error);
    if (status == FT_OK)
        status = ops->upload(backend, d_e, to->d_emissions, b->rows * n, error);
    layer.transitions = transitions;
    if (status == FT_OK && crf)
        status = ops->training->crf_loss(backend, &layer, b->sentences, b->count, e, b->gold, choices, 0.375f,
                                         to->losses, gradients ? d_e : NULL, gradients ? d_transitions : NULL, error);
    if (status == FT_OK && !crf)
        status = ops->training->softmax_loss(backend, n, b->sentences, b->count, e, b->gold, choices, b->scales,
                                             to->losses, gradients ? d_e : NULL, error);
    if (status == FT_OK)
        status = ops->download(backend, to->d_emissions, d_e, b->rows * n, error);
    if (status == FT_OK)
        status = ops->download(backend, to->d_transitions, d_transitions, entries, error);
    ops->free_floats(backend, e);
    ops->free_floats(backend, transitions);
    ops->free_floats(backend, d_e);
    ops->free_floats(backend, d_transitions);
    return status;
}

/* A difference of probabilities that are nearly 1 has the rounding of 1, however small it is itself. */
static void expect_close(const char *what, const float *got, const float *expected, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        double largest = 0;
        for (size_t k = 0; k < width; k++)
            largest = fmax(largest, fabs((double)expected[r * width + k]));
        for (size_t k = 0; k < width; k++)
            EXPECT(distance_of((double)got[r * width + k], (double)expected[r * width + k]) <= 1e-5 * largest + 1e-10,
                   "%s: row %zu, column %zu: %.9g, on the CPU %.9g (the largest: %.9g)", what, r, k,
                   (double)got[r * width + k], (double)expected[r * width + k], largest);
    }
}

static void expect_losses(const char *what, const struct batch *b, const double *got, const double *expected)
{
    for (size_t i = 0; i < b->count; i++)
        EXPECT(distance_of(got[i], expected[i]) <= 1e-5 * fabs(expected[i]) + 1e-9 * (double)b->sentences[i].count,
               "%s: sentence %zu of %zu tokens: %.17g, on the CPU %.17g", what, i, b->sentences[i].count, got[i],
               expected[i]);
}

/* Also that a second call gives the same bits, and that losses alone are the same. */
static void expect_as_cpu(struct backend *cuda, const struct batch *b, bool crf, const struct tag_choices *choices,
                          const char *what)
{
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    struct answer expected = answer_new(b), got = answer_new(b), again = answer_new(b), only = answer_new(b);
    size_t n = b->crf.tags;
    ck_assert_int_eq(run(cpu, b, crf, choices, true, &expected, &error), FT_OK);
    ck_assert_msg(run(cuda, b, crf, choices, true, &got, &error) == FT_OK, "%s: %s", what, error.text);
    ck_assert_int_eq(run(cuda, b, crf, choices, true, &again, &error), FT_OK);
    ck_assert_int_eq(run(cuda, b, crf, choices, false, &only, &error), FT_OK);
    expect_losses(what, b, got.losses, expected.losses);
    expect_close(what, got.d_emissions, expected.d_emissions, b->rows, n);
    ck_assert_mem_eq(got.losses, again.losses, b->count * sizeof *got.losses);
    ck_assert_mem_eq(got.losses, only.losses, b->count * sizeof *got.losses);
    ck_assert_mem_eq(got.d_emissions, again.d_emissions, b->rows * n * sizeof(float));
    for (size_t k = 0; k < b->rows * n; k++)
        EXPECT(only.d_emissions[k] == 7, "%s: a gradient that nobody wanted", what);
    if (crf) {
        expect_close(what, got.d_transitions, expected.d_transitions, 1, n * n);
        ck_assert_mem_eq(got.d_transitions, again.d_transitions, n * n * sizeof(float));
    }
    answer_free(&expected);
    answer_free(&got);
    answer_free(&again);
    answer_free(&only);
    cpu->ops->free(cpu);
}

static const size_t lengths[] = {5, 1, 0, 17, 2, 21, 0, 3};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

START_TEST(losses_over_odd_sizes)
{
    random_begin("losses_over_odd_sizes");
    static const size_t tags[] = {2, 3, 5, 27, 31, 32, 33, 67};
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct batch b;
        batch_init(&b, tags[i], lengths, tags[i] > 33 ? 4 : LENGTHS, 4);
        expect_as_cpu(cuda, &b, true, NULL, "a CRF");
        expect_as_cpu(cuda, &b, false, NULL, "a softmax");
        make_choices(&b);
        expect_as_cpu(cuda, &b, true, &b.choices, "a CRF with choices");
        expect_as_cpu(cuda, &b, false, &b.choices, "a softmax with choices");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* 300: a block's threads take two tags each. */
START_TEST(many_tags)
{
    random_begin("many_tags");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (size_t tags = 200; tags <= 300; tags += 100) {
        struct batch b;
        batch_init(&b, tags, (size_t[]){3, 2}, 2, 4);
        close_ends(&b);
        expect_as_cpu(cuda, &b, true, NULL, "many tags");
        make_choices(&b);
        expect_as_cpu(cuda, &b, true, &b.choices, "many tags with choices");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* More than there are groups whose transitions are counted apart. */
START_TEST(a_batch_of_150_sentences)
{
    random_begin("a_batch_of_150_sentences");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    size_t many[150];
    for (size_t i = 0; i < 150; i++)
        many[i] = random_below(5);
    struct batch b;
    batch_init(&b, 6, many, 150, 4);
    expect_as_cpu(cuda, &b, true, NULL, "150 sentences");
    expect_as_cpu(cuda, &b, false, NULL, "150 sentences");
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(flairs_impossible_transitions)
{
    random_begin("flairs_impossible_transitions");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (int round = 0; round < 8; round++) {
        struct batch b;
        batch_init(&b, random_between(3, 27), lengths, LENGTHS, 5);
        close_ends(&b);
        expect_as_cpu(cuda, &b, true, NULL, "impossible transitions");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* Also from START and into STOP, and tags that only impossible transitions reach: sums of what underflows. */
START_TEST(any_transition_may_be_impossible)
{
    random_begin("any_transition_may_be_impossible");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (int round = 0; round < 16; round++) {
        struct batch b;
        batch_init(&b, random_between(2, 12), lengths, LENGTHS, round % 2 ? 5 : 900);
        for (size_t k = 0; k < b.crf.tags * b.crf.tags; k++)
            if (random_below(3))
                b.transitions[k] = -10000;
        expect_as_cpu(cuda, &b, true, NULL, "any transition impossible");
        make_choices(&b);
        expect_as_cpu(cuda, &b, true, &b.choices, "any transition impossible, with choices");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* A B START STOP. B is reached from B alone, is 800 less likely than A at the first token, and must be the last tag:
 * B B B, although e^-800 is no double. Gold A A A is 800 better but for the 10000 that its last step costs. */
START_TEST(what_underflows_is_summed_exactly)
{
    random_begin("what_underflows_is_summed_exactly");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct ft_error error = {""};
    struct batch b;
    batch_init(&b, 4, (size_t[]){3}, 1, 1);
    b.crf.start = 2;
    b.crf.stop = 3;
    for (size_t k = 0; k < 16; k++)
        b.transitions[k] = k == 0 || k == 2 || k == 5 || k == 6 || k == 13 ? 0 : -10000;
    memset(b.emissions, 0, 12 * sizeof *b.emissions);
    b.emissions[0] = 800;
    for (uint32_t tag = 0; tag < 2; tag++) {
        struct answer got = answer_new(&b);
        b.gold[0] = b.gold[1] = b.gold[2] = tag;
        ck_assert_int_eq(run(cuda, &b, true, NULL, true, &got, &error), FT_OK);
        ck_assert_double_eq_tol(got.losses[0], tag ? 0 : 9200, 1e-9);
        ck_assert_float_eq_tol(got.d_transitions[5], tag ? 0 : 0.375f * 2, 1e-9f);
        ck_assert_float_eq_tol(got.d_transitions[0], tag ? 0 : 0.375f * -2, 1e-9f);
        answer_free(&got);
        expect_as_cpu(cuda, &b, true, NULL, "what underflows");
    }
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(extreme_emissions)
{
    random_begin("extreme_emissions");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (int round = 0; round < 8; round++) {
        struct batch b;
        batch_init(&b, random_between(3, 27), lengths, LENGTHS, 3);
        close_ends(&b);
        for (size_t k = 0; k < b.crf.tags * b.rows; k++)
            b.emissions[k] = round % 3 ? random_float(1000) : random_below(2) ? 100 : -100;
        expect_as_cpu(cuda, &b, true, NULL, "extreme emissions");
        expect_as_cpu(cuda, &b, false, NULL, "extreme emissions");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(a_sentence_of_1000_tokens)
{
    random_begin("a_sentence_of_1000_tokens");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct batch b;
    batch_init(&b, 7, (size_t[]){1000}, 1, 4);
    close_ends(&b);
    expect_as_cpu(cuda, &b, true, NULL, "1000 tokens");
    expect_as_cpu(cuda, &b, false, NULL, "1000 tokens");
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

/* There is one path worth its name, so that nothing is to be learned. */
START_TEST(one_tag_beside_start_and_stop)
{
    random_begin("one_tag_beside_start_and_stop");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct ft_error error = {""};
    struct batch b;
    batch_init(&b, 3, (size_t[]){20}, 1, 4);
    close_ends(&b);
    struct answer got = answer_new(&b);
    ck_assert_int_eq(run(cuda, &b, true, NULL, true, &got, &error), FT_OK);
    ck_assert_double_eq_tol(got.losses[0], 0, 1e-10);
    for (size_t k = 0; k < 60; k++)
        ck_assert_float_eq_tol(got.d_emissions[k], 0, 1e-10f);
    for (size_t k = 0; k < 9; k++)
        ck_assert_float_eq_tol(got.d_transitions[k], 0, 1e-10f);
    answer_free(&got);
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(no_tokens_have_no_loss)
{
    random_begin("no_tokens_have_no_loss");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct ft_error error = {""};
    for (size_t count = 0; count < 3; count += 2) {
        struct batch b;
        batch_init(&b, 5, (size_t[]){0, 0}, count, 4);
        for (int crf = 0; crf < 2; crf++) {
            struct answer got = answer_new(&b);
            got.losses[0] = got.losses[1] = 3;
            ck_assert_int_eq(run(cuda, &b, crf, NULL, true, &got, &error), FT_OK);
            for (size_t i = 0; i < count; i++)
                ck_assert_double_eq(got.losses[i], 0);
            for (size_t k = 0; crf && k < 25; k++)
                ck_assert_float_eq(got.d_transitions[k], 0);
            answer_free(&got);
        }
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(emissions_that_are_no_numbers_are_no_loss)
{
    random_begin("emissions_that_are_no_numbers_are_no_loss");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct ft_error error = {""};
    static const float values[] = {NAN, INFINITY};
    for (size_t at = 0; at < 40; at++) {
        struct batch b;
        batch_init(&b, 5, (size_t[]){4}, 1, 4);
        b.emissions[at % 20] = values[at / 20];
        for (int crf = 0; crf < 2; crf++) {
            struct answer got = answer_new(&b);
            ck_assert_int_eq(run(cuda, &b, crf, NULL, true, &got, &error), FT_OK);
            ck_assert_msg(!isfinite(got.losses[0]), "%g as number %zu: %g", (double)values[at / 20], at % 20,
                          got.losses[0]);
            answer_free(&got);
        }
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

static int lose(bool crf)
{
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    struct batch b;
    batch_init(&b, 5, lengths, LENGTHS, 4);
    make_choices(&b);
    struct answer got = answer_new(&b), expected = answer_new(&b);
    struct backend *cuda = device_backend_try(&(struct cuda_options){0}, &error);
    bool failed = !cuda;
    failed |= cuda && run(cuda, &b, crf, &b.choices, true, &got, &error) != FT_OK;
    ck_assert(!failed || error.text[0]);
    if (failed && cuda) /* which was the only failure */
        ck_assert_msg(run(cuda, &b, crf, &b.choices, true, &got, &error) == FT_OK, "%s", error.text);
    if (cuda) {
        ck_assert_int_eq(run(cpu, &b, crf, &b.choices, true, &expected, &error), FT_OK);
        expect_losses("after a failure", &b, got.losses, expected.losses);
        expect_close("after a failure", got.d_emissions, expected.d_emissions, b.rows, 5);
        cuda->ops->free(cuda);
    }
    cpu->ops->free(cpu);
    answer_free(&got);
    answer_free(&expected);
    batch_release(&b);
    return failed ? SCENE_FAILED : SCENE_WELL;
}

static int lose_crf(void)
{
    return lose(true);
}

static int lose_softmax(void)
{
    return lose(false);
}

START_TEST(every_call_may_fail)
{
    random_begin("every_call_may_fail");
    with_every_failure(lose_crf, 5);
    with_every_failure(lose_softmax, 5);
}
END_TEST

int main(void)
{
    test_add(losses_over_odd_sizes, NULL);
    test_add(many_tags, NULL);
    test_add(a_batch_of_150_sentences, NULL);
    test_add(flairs_impossible_transitions, NULL);
    test_add(any_transition_may_be_impossible, NULL);
    test_add(what_underflows_is_summed_exactly, NULL);
    test_add(extreme_emissions, NULL);
    test_add(a_sentence_of_1000_tokens, NULL);
    test_add(one_tag_beside_start_and_stop, NULL);
    test_add(no_tokens_have_no_loss, NULL);
    test_add(emissions_that_are_no_numbers_are_no_loss, NULL);
    test_add(every_call_may_fail, NULL);
    return test_run("cuda-losses");
}
