/* Decoding on CUDA against the CPU: the same tags, and the same confidence but for rounding. */
#include "device_backend.h"
#include "device_failures.h"
#include "device_floats.h"
#include "every_backend.h"
#include "harness.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNTOUCHED = 77 };

/* Sentences and the scores of their tags, host; what lies on the device is made anew for each call. */
struct batch {
    struct crf crf;
    struct token_sequence sentences[120];
    size_t count, rows;
    float *emissions, *transitions;
};

struct answer {
    uint32_t *tags;
    float *scores;
};

/* Sentences follow each other; lengths [count]. */
static void batch_init(struct batch *b, size_t tags, const size_t *lengths, size_t count, float most)
{
    *b = (struct batch){.count = count, .crf = {.tags = tags, .start = random_below((uint32_t)tags)}};
    b->crf.stop = tags > 1 ? (b->crf.start + random_between(1, tags - 1)) % tags : 0;
    for (size_t i = 0; i < count; i++) {
        b->sentences[i] = (struct token_sequence){b->rows, lengths[i]};
        b->rows += lengths[i];
    }
    b->emissions = random_floats(b->rows * tags, most);
    b->crf.transitions = b->transitions = random_floats(tags * tags, most);
}

static void batch_release(struct batch *b)
{
    free(b->emissions);
    free(b->transitions);
}

static struct answer answer_new(size_t rows)
{
    struct answer a = {malloc((rows + 1) * sizeof *a.tags), malloc((rows + 1) * sizeof *a.scores)};
    ck_assert(a.tags && a.scores);
    for (size_t r = 0; r < rows; r++) {
        a.tags[r] = UNTOUCHED;
        a.scores[r] = UNTOUCHED;
    }
    return a;
}

static void answer_free(struct answer *a)
{
    free(a->tags);
    free(a->scores);
}

static void expect_same(const struct batch *b, const struct answer *got, const struct answer *expected,
                        const char *what)
{
    for (size_t r = 0; r < b->rows; r++) {
        EXPECT(got->tags[r] == expected->tags[r], "%s, %zu tags: row %zu has tag %u, on the CPU %u", what, b->crf.tags,
               r, got->tags[r], expected->tags[r]);
        EXPECT(same_float(got->scores[r], expected->scores[r]) ||
                   distance_of((double)got->scores[r], (double)expected->scores[r]) <=
                       1e-5 * (double)expected->scores[r],
               "%s, %zu tags: row %zu has score %.9g, on the CPU %.9g", what, b->crf.tags, r, (double)got->scores[r],
               (double)expected->scores[r]);
    }
}

/* With transitions on the host, then on the device; with scores, then without. */
static void expect_as_cpu(struct backend *cuda, struct batch *b, const char *what)
{
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    size_t entries = b->crf.tags * b->crf.tags;
    struct answer expected = answer_new(b->rows);
    float *emissions = device_floats_put(cuda, b->emissions, b->rows * b->crf.tags);
    float *transitions = device_floats_put(cuda, b->transitions, entries);
    ck_assert_int_eq(
        cpu->ops->decode(cpu, &b->crf, b->sentences, b->count, b->emissions, expected.tags, expected.scores, &error),
        FT_OK);
    for (int way = 0; way < 3; way++) {
        struct answer got = answer_new(b->rows);
        struct crf crf = b->crf;
        if (way == 1 && crf.transitions)
            crf.transitions = transitions;
        ck_assert_msg(cuda->ops->decode(cuda, &crf, b->sentences, b->count, emissions, got.tags,
                                        way < 2 ? got.scores : NULL, &error) == FT_OK,
                      "%s: %s", what, error.text);
        if (way == 2) {
            free(got.scores);
            got.scores = malloc((b->rows + 1) * sizeof *got.scores);
            memcpy(got.scores, expected.scores, b->rows * sizeof *got.scores);
        }
        expect_same(b, &got, &expected, what);
        answer_free(&got);
    }
    cuda->ops->free_floats(cuda, emissions);
    cuda->ops->free_floats(cuda, transitions);
    answer_free(&expected);
    cpu->ops->free(cpu);
}

static const size_t lengths[] = {5, 1, 0, 17, 2, 33, 0, 3};
enum { LENGTHS = sizeof lengths / sizeof *lengths };

START_TEST(tags_and_scores_over_odd_sizes)
{
    random_begin("tags_and_scores_over_odd_sizes");
    static const size_t tags[] = {1, 2, 3, 5, 27, 31, 32, 33, 67, 200};
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        struct batch b;
        batch_init(&b, tags[i], lengths, tags[i] > 100 ? 4 : LENGTHS, 4);
        expect_as_cpu(cuda, &b, "a CRF");
        b.crf.transitions = NULL;
        expect_as_cpu(cuda, &b, "a softmax");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* A block's threads take two tags each. */
START_TEST(more_tags_than_a_block_has_threads)
{
    random_begin("more_tags_than_a_block_has_threads");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct batch b;
    batch_init(&b, 300, (size_t[]){3, 2}, 2, 4);
    expect_as_cpu(cuda, &b, "300 tags");
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

/* Whole numbers: nothing is rounded, and a great many paths are equally good. */
START_TEST(ties_fall_as_on_the_cpu)
{
    random_begin("ties_fall_as_on_the_cpu");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    for (int round = 0; round < 12; round++) {
        struct batch b;
        batch_init(&b, random_between(2, 40), lengths, LENGTHS, 1);
        for (size_t k = 0; k < b.rows * b.crf.tags; k++)
            b.emissions[k] = roundf(b.emissions[k]);
        for (size_t k = 0; k < b.crf.tags * b.crf.tags; k++)
            b.transitions[k] = round % 3 ? roundf(b.transitions[k]) : 0;
        b.crf.mask_ends = round % 2;
        expect_as_cpu(cuda, &b, "a CRF with ties");
        b.crf.transitions = NULL;
        expect_as_cpu(cuda, &b, "a softmax with ties");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

/* Nothing leads to START, nothing from STOP; then also infinities and what is no number. */
START_TEST(extreme_values)
{
    random_begin("extreme_values");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    static const float values[] = {-INFINITY, INFINITY, NAN, -10000, 3e38f, -3e38f, 0};
    for (int round = 0; round < 24; round++) {
        struct batch b;
        batch_init(&b, random_between(3, 40), lengths, LENGTHS, round % 2 ? 5 : 1000);
        size_t n = b.crf.tags;
        for (size_t i = 0; i < n; i++)
            b.transitions[b.crf.start * n + i] = b.transitions[i * n + b.crf.stop] = round % 3 ? -10000 : -INFINITY;
        for (size_t k = 0; round >= 8 && k < n * n; k++)
            if (!random_below(4))
                b.transitions[k] = round >= 16 ? values[random_below(7)] : -10000;
        for (size_t k = 0; round >= 12 && k < b.rows * n; k++)
            if (!random_below(6))
                b.emissions[k] = values[random_below(7)];
        for (size_t k = 0; round == 20 && k < n; k++)
            b.emissions[k] = -INFINITY;
        b.crf.mask_ends = round % 2;
        expect_as_cpu(cuda, &b, "a CRF with extremes");
        b.crf.transitions = NULL;
        expect_as_cpu(cuda, &b, "a softmax with extremes");
        batch_release(&b);
    }
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(a_sentence_of_3000_tokens)
{
    random_begin("a_sentence_of_3000_tokens");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct batch b;
    batch_init(&b, 9, (size_t[]){3000, 1}, 2, 4);
    expect_as_cpu(cuda, &b, "3000 tokens");
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

/* Sentences in any order, with rows between them that are nobody's. */
START_TEST(rows_of_no_sentence_are_left_alone)
{
    random_begin("rows_of_no_sentence_are_left_alone");
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct batch b;
    batch_init(&b, 7, (size_t[]){30}, 1, 4);
    static const struct token_sequence some[] = {{12, 9}, {25, 0}, {3, 5}, {24, 1}};
    memcpy(b.sentences, some, sizeof some);
    b.count = 4;
    expect_as_cpu(cuda, &b, "a CRF with gaps");
    b.crf.transitions = NULL;
    struct answer got = answer_new(b.rows);
    float *emissions = device_floats_put(cuda, b.emissions, b.rows * 7);
    ck_assert_int_eq(cuda->ops->decode(cuda, &b.crf, some, 4, emissions, got.tags, got.scores, NULL), FT_OK);
    for (size_t r = 0; r < b.rows; r++) {
        bool inside = (r >= 12 && r < 21) || (r >= 3 && r < 8) || r == 24;
        EXPECT((got.tags[r] != UNTOUCHED) == inside, "row %zu has tag %u", r, got.tags[r]);
    }
    ck_assert_int_eq(cuda->ops->decode(cuda, &b.crf, some, 0, emissions, NULL, NULL, NULL), FT_OK);
    answer_free(&got);
    cuda->ops->free_floats(cuda, emissions);
    batch_release(&b);
    cuda->ops->free(cuda);
}
END_TEST

START_TEST(too_many_tags_are_refused)
{
    struct backend *cuda = device_backend_new(&(struct cuda_options){0});
    struct ft_error error = {""};
    float nothing = 0;
    uint32_t tag;
    struct crf crf = {.tags = 6001, .start = 0, .stop = 1, .transitions = &nothing};
    ck_assert_int_eq(cuda->ops->decode(cuda, &crf, (struct token_sequence[]){{0, 1}}, 1, &nothing, &tag, NULL, &error),
                     FT_USAGE);
    ck_assert_str_eq(error.text, "the CRF has 6001 tags, more than the 6000 that fit on the device (use --device cpu)");
    cuda->ops->free(cuda);
}
END_TEST

static int decode_twice(void)
{
    struct backend *cpu = backend_new(1, 0, "auto");
    struct ft_error error = {""};
    struct batch b;
    batch_init(&b, 5, lengths, LENGTHS, 4);
    struct answer got = answer_new(b.rows), expected = answer_new(b.rows);
    struct backend *cuda = device_backend_try(&(struct cuda_options){0}, &error);
    bool failed = !cuda;
    float *emissions = failed ? NULL : cuda->ops->new_floats(cuda, b.rows * 5);
    failed |= !emissions || cuda->ops->upload(cuda, emissions, b.emissions, b.rows * 5, &error) != FT_OK;
    for (int again = 0; !failed && again < 2; again++) {
        failed =
            cuda->ops->decode(cuda, &b.crf, b.sentences, b.count, emissions, got.tags, got.scores, &error) != FT_OK;
        ck_assert(!failed || error.text[0]);
    }
    if (failed && emissions && /* which was the only failure */
        cuda->ops->upload(cuda, emissions, b.emissions, b.rows * 5, &error) == FT_OK)
        ck_assert_int_eq(cuda->ops->decode(cuda, &b.crf, b.sentences, b.count, emissions, got.tags, got.scores, &error),
                         FT_OK);
    if (emissions) {
        cpu->ops->decode(cpu, &b.crf, b.sentences, b.count, b.emissions, expected.tags, expected.scores, &error);
        expect_same(&b, &got, &expected, "after a failure");
        cuda->ops->free_floats(cuda, emissions);
    }
    if (cuda)
        cuda->ops->free(cuda);
    cpu->ops->free(cpu);
    answer_free(&got);
    answer_free(&expected);
    batch_release(&b);
    return failed ? SCENE_FAILED : SCENE_WELL;
}

START_TEST(every_call_may_fail)
{
    random_begin("every_call_may_fail");
    with_every_failure(decode_twice, 5);
}
END_TEST

int main(void)
{
    test_add(tags_and_scores_over_odd_sizes, NULL);
    test_add(more_tags_than_a_block_has_threads, NULL);
    test_add(ties_fall_as_on_the_cpu, NULL);
    test_add(extreme_values, NULL);
    test_add(a_sentence_of_3000_tokens, NULL);
    test_add(rows_of_no_sentence_are_left_alone, NULL);
    test_add(too_many_tags_are_refused, NULL);
    test_add(every_call_may_fail, NULL);
    return test_run("cuda-decode");
}
