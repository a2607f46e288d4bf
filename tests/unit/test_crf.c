/* Decoding against a tiny case worked out by hand and against all paths of small random ones. */
#include "harness.h"
#include "kernels/crf.h"
#include "numbers.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TAGS = 6, MAX_LENGTH = 6, MAX_BEST = 64 };

/* A sentence's scores, and room for every answer. */
struct problem {
    struct crf crf;
    size_t length;
    float e[MAX_LENGTH * MAX_TAGS], transitions[MAX_TAGS * MAX_TAGS];
};

/* The score of a path, in double: START -> tags -> STOP. */
static double path_score(const struct problem *p, const uint32_t *tags)
{
    const float *t = p->crf.transitions;
    size_t n = p->crf.tags, before = p->crf.start;
    double score = 0;
    for (size_t i = 0; i < p->length; before = tags[i++])
        score += (double)p->e[i * n + tags[i]] + (double)t[tags[i] * n + before];
    return score + (double)t[p->crf.stop * n + before];
}

/* The next path in order; false behind the last. The last token's tag changes fastest. */
static bool next_path(const struct problem *p, uint32_t *tags)
{
    for (size_t i = p->length; i-- > 0; tags[i] = 0)
        if (++tags[i] < p->crf.tags)
            return true;
    return false;
}

static struct problem random_problem(bool whole_numbers)
{
    struct problem p = {.length = random_between(1, 5)};
    p.crf.tags = random_between(3, 5);
    p.crf.start = random_below((uint32_t)p.crf.tags);
    p.crf.stop = (p.crf.start + random_between(1, p.crf.tags - 1)) % p.crf.tags;
    random_fill(p.e, MAX_LENGTH * MAX_TAGS, 4);
    random_fill(p.transitions, MAX_TAGS * MAX_TAGS, 4);
    for (size_t i = 0; whole_numbers && i < MAX_LENGTH * MAX_TAGS; i++)
        p.e[i] = roundf(p.e[i] / 3);
    for (size_t i = 0; whole_numbers && i < MAX_TAGS * MAX_TAGS; i++)
        p.transitions[i] = roundf(p.transitions[i] / 3);
    return p;
}

static void viterbi(struct problem *p, uint32_t *tags, float *scores)
{
    float v[2 * MAX_TAGS];
    uint32_t back[MAX_LENGTH * MAX_TAGS];
    p->crf.transitions = p->transitions;
    crf_viterbi(&p->crf, p->e, p->length, tags, scores, v, back);
}

/* Tags A B START STOP, two tokens, e = (1 0), (0 1):
 *   to A: from START 1, from A 0, from B 2;   to B: from START 0, from A 1, from B 0;   to STOP: from A 0, from B 1
 *   A A: 1+1 + 0+0 + 0 = 2   A B: 1+1 + 1+1 + 1 = 5   B A: 0+0 + 2+0 + 0 = 2   B B: 0+0 + 0+1 + 1 = 2
 * Paths by way of START or STOP cost 100 a step. Best: A B with 5; log Z = log(e^5 + 3 e^2).
 * P(first is A) = P(second is B) = (e^5 + e^2) / (e^5 + 3 e^2).
 * Confidence of the first token: v = (2, 0): 1 / (1 + e^-2) = 0.88080; of the second:
 * v = (max(2, 2), max(4, 1)) = (2, 4), the same. */
static struct problem by_hand(void)
{
    struct problem p = {.crf = {.tags = 4, .start = 2, .stop = 3}, .length = 2};
    for (size_t i = 0; i < 16; i++)
        p.transitions[i] = -100;
    static const float to_a[] = {0, 2, 1}, to_b[] = {1, 0, 0}, to_stop[] = {0, 1};
    memcpy(p.transitions, to_a, sizeof to_a);
    memcpy(p.transitions + 4, to_b, sizeof to_b);
    memcpy(p.transitions + 12, to_stop, sizeof to_stop);
    static const float e[] = {1, 0, -100, -100, 0, 1, -100, -100};
    memcpy(p.e, e, sizeof e);
    return p;
}

START_TEST(two_tokens_by_hand)
{
    struct problem p = by_hand();
    uint32_t tags[2];
    float scores[2];
    viterbi(&p, tags, scores);
    ck_assert_uint_eq(tags[0], 0);
    ck_assert_uint_eq(tags[1], 1);
    ck_assert_float_eq_tol(scores[0], 0.880797f, 1e-6f);
    ck_assert_float_eq_tol(scores[1], 0.880797f, 1e-6f);
    double marginals[8], beta[8], sums[4];
    double log_z = crf_marginals(&p.crf, p.e, 2, marginals, marginals, beta, sums);
    double all = exp(5) + 3 * exp(2);
    ck_assert_double_eq_tol(log_z, log(all), 1e-12);
    ck_assert_double_eq_tol(marginals[0], (exp(5) + exp(2)) / all, 1e-12);
    ck_assert_double_eq_tol(marginals[5], (exp(5) + exp(2)) / all, 1e-12);
    uint32_t best[5 * 2], back[2 * 4 * 5];
    double best_scores[5], v[2 * 4 * 5];
    ck_assert_uint_eq(crf_nbest(&p.crf, p.e, 2, 5, best, best_scores, v, back), 4); /* without START and STOP */
    ck_assert_double_eq_tol(best_scores[0], 5, 1e-12);
    for (int k = 1; k < 4; k++)
        ck_assert_double_eq_tol(best_scores[k], 2, 1e-12);
}
END_TEST

START_TEST(viterbi_finds_the_best_of_all_paths)
{
    random_begin("viterbi_finds_the_best_of_all_paths");
    for (int round = 0; round < 2000; round++) {
        struct problem p = random_problem(false);
        uint32_t found[MAX_LENGTH], path[MAX_LENGTH] = {0};
        viterbi(&p, found, NULL);
        double best = path_score(&p, found);
        do {
            double score = path_score(&p, path);
            EXPECT(score <= best + 1e-5, "round %d: a path of %.9g, viterbi's has %.9g", round, score, best);
        } while (next_path(&p, path));
    }
}
END_TEST

/* Whole numbers make ties, and no rounding. Backwards from the end, each choice is the lowest tag among the best. */
START_TEST(ties_go_to_the_lower_tag)
{
    random_begin("ties_go_to_the_lower_tag");
    size_t ties = 0;
    for (int round = 0; round < 2000; round++) {
        struct problem p = random_problem(true);
        uint32_t found[MAX_LENGTH], path[MAX_LENGTH] = {0}, lowest[MAX_LENGTH] = {0};
        viterbi(&p, found, NULL);
        double best = -INFINITY;
        size_t equal = 0;
        do {
            double score = path_score(&p, path);
            bool lower = false; /* compared from the last token to the first */
            for (size_t i = p.length; i-- > 0;)
                if (path[i] != lowest[i]) {
                    lower = path[i] < lowest[i];
                    break;
                }
            equal = score > best ? 1 : equal + (score == best);
            if (score > best || (score == best && lower)) {
                best = score;
                memcpy(lowest, path, sizeof lowest);
            }
        } while (next_path(&p, path));
        ties += equal > 1;
        for (size_t i = 0; i < p.length; i++)
            EXPECT(found[i] == lowest[i], "round %d: token %zu has tag %u, the lowest of the best is %u", round, i,
                   found[i], lowest[i]);
    }
    ck_assert_uint_gt(ties, 100);
}
END_TEST

/* All emissions equal, no transition preferred: tag 0 everywhere. */
START_TEST(nothing_to_choose_gives_the_first_tag)
{
    struct problem p = {.crf = {.tags = 4, .start = 2, .stop = 3}, .length = 5};
    uint32_t tags[5] = {9, 9, 9, 9, 9};
    float scores[5];
    viterbi(&p, tags, scores);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(tags[i], 0);
        ck_assert_float_eq(scores[i], 0.25f);
    }
}
END_TEST

/* Flair's confidence: the largest share of the softmax of the running best scores. */
START_TEST(confidence_is_the_softmax_of_the_best_prefixes)
{
    random_begin("confidence_is_the_softmax_of_the_best_prefixes");
    for (int round = 0; round < 300; round++) {
        struct problem p = random_problem(false);
        uint32_t found[MAX_LENGTH];
        float scores[MAX_LENGTH];
        viterbi(&p, found, scores);
        size_t n = p.crf.tags, whole = p.length;
        for (size_t t = 0; t < whole; t++) {
            double best[MAX_TAGS], sum = 0, most = -INFINITY;
            for (size_t j = 0; j < n; j++)
                best[j] = -INFINITY;
            uint32_t path[MAX_LENGTH] = {0};
            p.length = t + 1;
            do { /* the score of a prefix: without the way to STOP */
                double score = path_score(&p, path) - (double)p.transitions[p.crf.stop * n + path[t]];
                best[path[t]] = fmax(best[path[t]], score);
            } while (next_path(&p, path));
            for (size_t j = 0; j < n; j++)
                most = fmax(most, best[j]);
            for (size_t j = 0; j < n; j++)
                sum += exp(best[j] - most);
            EXPECT(distance_of(1 / sum, (double)scores[t]) < 1e-5, "round %d: token %zu has confidence %g, not %g",
                   round, t, (double)scores[t], 1 / sum);
        }
    }
}
END_TEST

START_TEST(marginals_are_sums_over_all_paths)
{
    random_begin("marginals_are_sums_over_all_paths");
    for (int round = 0; round < 500; round++) {
        struct problem p = random_problem(round % 2);
        size_t n = p.crf.tags;
        double expected[MAX_LENGTH * MAX_TAGS] = {0}, all = 0, p_of[MAX_LENGTH * MAX_TAGS],
                                     alpha[MAX_LENGTH * MAX_TAGS];
        double beta[MAX_LENGTH * MAX_TAGS], sums[MAX_TAGS];
        uint32_t path[MAX_LENGTH] = {0};
        p.crf.transitions = p.transitions;
        do {
            double weight = exp(path_score(&p, path));
            all += weight;
            for (size_t i = 0; i < p.length; i++)
                expected[i * n + path[i]] += weight;
        } while (next_path(&p, path));
        double log_z = crf_marginals(&p.crf, p.e, p.length, p_of, alpha, beta, sums);
        EXPECT(distance_of(log_z, log(all)) < 1e-10, "round %d: log Z %.12g, not %.12g", round, log_z, log(all));
        for (size_t i = 0; i < p.length * n; i++)
            EXPECT(distance_of(p_of[i], expected[i] / all) < 1e-10, "round %d: marginal %zu is %.12g, not %.12g", round,
                   i, p_of[i], expected[i] / all);
    }
}
END_TEST

/* Emissions of thousands: nothing overflows, and each token's marginals sum to 1. */
START_TEST(marginals_of_large_scores_sum_to_one)
{
    random_begin("marginals_of_large_scores_sum_to_one");
    enum { TAGS = 5, LENGTH = 400 };
    struct crf crf = {.tags = TAGS, .start = 3, .stop = 4};
    float *e = random_floats(LENGTH * TAGS, 3000), *transitions = random_floats(TAGS * TAGS, 500);
    double *p = calloc(LENGTH * TAGS, sizeof *p), *beta = calloc(LENGTH * TAGS, sizeof *beta), sums[TAGS];
    crf.transitions = transitions;
    ck_assert(isfinite(crf_marginals(&crf, e, LENGTH, p, p, beta, sums)));
    for (size_t t = 0; t < LENGTH; t++) {
        double sum = 0;
        for (size_t j = 0; j < TAGS; j++)
            sum += p[t * TAGS + j];
        EXPECT(distance_of(sum, 1) < 1e-9, "token %zu: the marginals sum to %.12g", t, sum);
    }
    free(e);
    free(transitions);
    free(p);
    free(beta);
}
END_TEST

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

START_TEST(the_n_best_are_the_first_of_all_paths)
{
    random_begin("the_n_best_are_the_first_of_all_paths");
    double *all = calloc(MAX_TAGS * MAX_TAGS * MAX_TAGS * MAX_TAGS * MAX_TAGS, sizeof *all);
    for (int round = 0; round < 500; round++) {
        struct problem p = random_problem(round % 4 == 0);
        size_t n = p.crf.tags, wanted = random_between(1, MAX_BEST), count = 0;
        uint32_t path[MAX_LENGTH] = {0}, tags[MAX_BEST * MAX_LENGTH], back[MAX_LENGTH * MAX_TAGS * MAX_BEST];
        double scores[MAX_BEST], v[2 * MAX_TAGS * MAX_BEST];
        p.crf.transitions = p.transitions;
        do {
            bool by_markers = false;
            for (size_t i = 0; i < p.length; i++)
                by_markers |= path[i] == p.crf.start || path[i] == p.crf.stop;
            if (!by_markers)
                all[count++] = path_score(&p, path);
        } while (next_path(&p, path));
        qsort(all, count, sizeof *all, descending);
        size_t found = crf_nbest(&p.crf, p.e, p.length, wanted, tags, scores, v, back);
        EXPECT(found == (wanted < count ? wanted : count), "round %d: %zu of %zu paths found, %zu wanted", round, found,
               count, wanted);
        for (size_t k = 0; k < found; k++) {
            EXPECT(distance_of(scores[k], all[k]) < 1e-9, "round %d: path %zu has %.12g, not %.12g", round, k,
                   scores[k], all[k]);
            for (size_t i = 0; i < p.length; i++)
                EXPECT(tags[k * p.length + i] < n, "round %d: no tag %u", round, tags[k * p.length + i]);
            double score = path_score(&p, tags + k * p.length);
            EXPECT(distance_of(score, scores[k]) < 1e-9, "round %d: path %zu has %.12g, but says %.12g", round, k,
                   score, scores[k]);
            for (size_t j = 0; j < k; j++)
                EXPECT(memcmp(tags + k * p.length, tags + j * p.length, p.length * sizeof *tags),
                       "round %d: path %zu twice", round, k);
        }
    }
    free(all);
}
END_TEST

/* One token; STOP as its tag would be best: 10 + 10 to 1. Flair up to 0.10 never ends in START or STOP. */
START_TEST(masked_ends_are_never_the_last_tag)
{
    struct problem p = {.crf = {.tags = 3, .start = 1, .stop = 2}, .length = 1};
    p.e[0] = 1;
    p.e[1] = 5;
    p.e[2] = 10;
    p.transitions[8] = 10; /* to STOP from STOP */
    uint32_t tag;
    viterbi(&p, &tag, NULL);
    ck_assert_uint_eq(tag, 2);
    p.crf.mask_ends = true;
    viterbi(&p, &tag, NULL);
    ck_assert_uint_eq(tag, 0);
    p.transitions[7] = 100; /* to STOP from START */
    viterbi(&p, &tag, NULL);
    ck_assert_uint_eq(tag, 0);
}
END_TEST

START_TEST(no_tokens_are_decoded_to_nothing)
{
    struct problem p = by_hand();
    uint32_t tag = 77;
    p.length = 0;
    viterbi(&p, &tag, NULL);
    ck_assert_uint_eq(tag, 77);
    ck_assert_uint_eq(crf_nbest(&p.crf, p.e, 0, 3, &tag, NULL, NULL, NULL), 0);
    ck_assert_double_eq(crf_marginals(&p.crf, p.e, 0, NULL, NULL, NULL, NULL), 0);
    softmax_decode(p.e, 0, 4, &tag, NULL);
    ck_assert_uint_eq(tag, 77);
}
END_TEST

/* e = (0, log 3): softmax (1/4, 3/4). Equal ones: the lower tag, with 1/3 of three. */
START_TEST(softmax_by_hand)
{
    float e[] = {0, 1.0986123f}, equal[] = {2, 2, 2}, score;
    double p[2];
    uint32_t tag;
    softmax_decode(e, 1, 2, &tag, &score);
    ck_assert_uint_eq(tag, 1);
    ck_assert_float_eq_tol(score, 0.75f, 1e-7f);
    softmax_probabilities(e, 1, 2, p);
    ck_assert_double_eq_tol(p[0], 0.25, 1e-7);
    ck_assert_double_eq_tol(p[1], 0.75, 1e-7);
    softmax_decode(equal, 1, 3, &tag, &score);
    ck_assert_uint_eq(tag, 0);
    ck_assert_float_eq_tol(score, 1 / 3.0f, 1e-7f);
}
END_TEST

START_TEST(softmax_of_random_rows)
{
    random_begin("softmax_of_random_rows");
    for (int round = 0; round < 300; round++) {
        size_t n = random_between(1, 40), length = random_between(1, 20);
        float *e = random_floats(length * n, round % 2 ? 3 : 300), scores[20];
        double *p = calloc(length * n, sizeof *p);
        uint32_t tags[20];
        softmax_decode(e, length, n, tags, scores);
        softmax_probabilities(e, length, n, p);
        for (size_t t = 0; t < length; t++) {
            double sum = 0, all = 0;
            for (size_t j = 0; j < n; j++) {
                EXPECT(e[t * n + j] <= e[t * n + tags[t]], "round %d: %zu is larger than %u", round, j, tags[t]);
                sum += exp((double)e[t * n + j] - (double)e[t * n + tags[t]]);
                all += p[t * n + j];
            }
            EXPECT(distance_of(1 / sum, (double)scores[t]) < 1e-7, "round %d: score %.9g, not %.9g", round,
                   (double)scores[t], 1 / sum);
            EXPECT(distance_of(p[t * n + tags[t]], 1 / sum) < 1e-12 && distance_of(all, 1) < 1e-12,
                   "round %d: probability %.12g of %.12g, not %.12g", round, p[t * n + tags[t]], all, 1 / sum);
        }
        free(e);
        free(p);
    }
}
END_TEST

int main(void)
{
    test_add(two_tokens_by_hand, NULL);
    test_add(viterbi_finds_the_best_of_all_paths, NULL);
    test_add(ties_go_to_the_lower_tag, NULL);
    test_add(nothing_to_choose_gives_the_first_tag, NULL);
    test_add(confidence_is_the_softmax_of_the_best_prefixes, NULL);
    test_add(marginals_are_sums_over_all_paths, NULL);
    test_add(marginals_of_large_scores_sum_to_one, NULL);
    test_add(the_n_best_are_the_first_of_all_paths, NULL);
    test_add(masked_ends_are_never_the_last_tag, NULL);
    test_add(no_tokens_are_decoded_to_nothing, NULL);
    test_add(softmax_by_hand, NULL);
    test_add(softmax_of_random_rows, NULL);
    return test_run("crf");
}
