/* Losses and gradients of tag sequences against a case worked out by hand, Flair's numbers, all paths of small cases,
 * differences of losses, and the plain forward-backward of kernels/crf.c. */
#include "harness.h"
#include "kernels/crf_loss.h"
#include "numbers.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TAGS = 27, MAX_LENGTH = 500 };

struct problem {
    struct crf crf;
    size_t length;
    float e[MAX_LENGTH * MAX_TAGS], transitions[MAX_TAGS * MAX_TAGS];
    uint32_t gold[MAX_LENGTH];
};

struct answer {
    double loss;
    float d_e[MAX_LENGTH * MAX_TAGS];
    double d_transitions[MAX_TAGS * MAX_TAGS];
};

/* These are large: one of each at a time, cleared for every test. */
static struct problem problem;
static struct answer answer;

static void *new_doubles(size_t count)
{
    double *doubles = malloc(count * sizeof *doubles);
    ck_assert_ptr_nonnull(doubles);
    return doubles;
}

static double loss_of(struct problem *p, struct answer *a)
{
    size_t n = p->crf.tags;
    p->crf.transitions = p->transitions;
    struct crf_factors factors = {&p->crf, new_doubles(crf_factors_size(n))};
    double *scratch = new_doubles(crf_loss_scratch(n, p->length));
    crf_factors_make(&factors);
    if (a)
        memset(a, 0, sizeof *a);
    double loss =
        crf_loss(&factors, p->e, p->length, p->gold, NULL, 1, a ? a->d_e : NULL, a ? a->d_transitions : NULL, scratch);
    if (a)
        a->loss = loss;
    free(factors.at);
    free(scratch);
    return loss;
}

/* Multiples of 2^-10, so that steps of differences are exact. */
static void fill(float *to, size_t count, int most)
{
    for (size_t i = 0; i < count; i++)
        to[i] = ((float)random_below(2048) - 1024) * 0x1p-10f * (float)most;
}

static struct problem *random_problem(size_t tags, size_t length, int most)
{
    struct problem *p = &problem;
    p->length = length;
    p->crf = (struct crf){.tags = tags, .start = random_below((uint32_t)tags)};
    p->crf.stop = (p->crf.start + random_between(1, tags - 1)) % tags;
    fill(p->e, tags * length, most);
    fill(p->transitions, tags * tags, most);
    for (size_t t = 0; t < length; t++)
        p->gold[t] = random_below((uint32_t)tags);
    return p;
}

/* Nothing leads to START, nothing from STOP, and gold has neither, as in Flair. */
static void close_ends(struct problem *p)
{
    size_t n = p->crf.tags;
    for (size_t i = 0; i < n; i++)
        p->transitions[p->crf.start * n + i] = p->transitions[i * n + p->crf.stop] = -10000;
    for (size_t t = 0; t < p->length; t++)
        while (p->gold[t] == p->crf.start || p->gold[t] == p->crf.stop)
            p->gold[t] = (uint32_t)((p->gold[t] + 1) % n);
}

static double path_score(const struct problem *p, const uint32_t *tags)
{
    size_t n = p->crf.tags, before = p->crf.start;
    double score = 0;
    for (size_t t = 0; t < p->length; before = tags[t++])
        score += (double)p->e[t * n + tags[t]] + (double)p->transitions[tags[t] * n + before];
    return score + (double)p->transitions[p->crf.stop * n + before];
}

/* Expected minus counted, from alpha and beta, with an exponential for every transition. */
static void expect_plain(struct problem *p, double tolerance)
{
    size_t n = p->crf.tags, last = (p->length - 1) * n;
    double *marginals = new_doubles(p->length * n), *alpha = new_doubles(p->length * n);
    double *beta = new_doubles(p->length * n), *sums = new_doubles(n), *counts = new_doubles(n * n);
    loss_of(p, &answer);
    double log_z = crf_marginals(&p->crf, p->e, p->length, marginals, alpha, beta, sums);
    double loss = log_z - path_score(p, p->gold);
    EXPECT(distance_of(answer.loss, loss) <= tolerance * (1 + fabs(log_z)), "loss %.17g, not %.17g", answer.loss, loss);
    memset(counts, 0, n * n * sizeof *counts);
    for (size_t j = 0; j < n; j++) {
        counts[j * n + p->crf.start] += marginals[j];
        counts[p->crf.stop * n + j] += marginals[last + j];
    }
    for (size_t t = 0; t < p->length; t++) {
        counts[p->gold[t] * n + (t ? p->gold[t - 1] : p->crf.start)] -= 1;
        for (size_t j = 0; j < n; j++) {
            double expected = marginals[t * n + j] - (j == p->gold[t]), got = (double)answer.d_e[t * n + j];
            EXPECT(distance_of(got, expected) <= tolerance + 1e-7 * fabs(expected), "token %zu, tag %zu: %.9g not %.9g",
                   t, j, got, expected);
            for (size_t i = 0; t && i < n; i++)
                counts[j * n + i] += exp(alpha[(t - 1) * n + i] + (double)p->transitions[j * n + i] +
                                         (double)p->e[t * n + j] + beta[t * n + j] - log_z);
        }
    }
    counts[p->crf.stop * n + p->gold[p->length - 1]] -= 1;
    for (size_t k = 0; k < n * n; k++)
        EXPECT(distance_of(answer.d_transitions[k], counts[k]) <= tolerance * (double)p->length,
               "transition %zu to %zu: %.17g, not %.17g", k % n, k / n, answer.d_transitions[k], counts[k]);
    free(marginals);
    free(alpha);
    free(beta);
    free(sums);
    free(counts);
}

/* Tags A B START STOP, one token, e = (0, log 3), transitions 0 between these: P(A) = 1/4. Gold A: loss log 4;
 * d e = (-3/4, 3/4), which START -> A, A -> STOP and START -> B, B -> STOP share. */
START_TEST(one_token_by_hand)
{
    struct problem *p = random_problem(4, 1, 1);
    p->crf.start = 2;
    p->crf.stop = 3;
    for (size_t k = 0; k < 16; k++)
        p->transitions[k] = k == 2 || k == 6 || k == 12 || k == 13 ? 0 : -10000;
    memcpy(p->e, (float[]){0, logf(3), 0, 0}, 4 * sizeof *p->e);
    p->gold[0] = 0;
    loss_of(p, &answer);
    ck_assert_double_eq_tol(answer.loss, log(4), 1e-7);
    ck_assert_float_eq_tol(answer.d_e[0], -0.75f, 1e-7f);
    ck_assert_float_eq_tol(answer.d_e[1], 0.75f, 1e-7f);
    for (size_t k = 0; k < 16; k++)
        ck_assert_double_eq_tol(answer.d_transitions[k],
                                k == 2 || k == 12   ? -0.75
                                : k == 6 || k == 13 ? 0.75
                                                    : 0,
                                1e-7);
}
END_TEST

/* All scores are 0 but that of going from A to B, which is 1: Z = e + 3. Gold A B: loss log(1 + 3/e). */
START_TEST(two_tokens_by_hand)
{
    struct problem *p = random_problem(4, 2, 1);
    p->crf.start = 2;
    p->crf.stop = 3;
    memset(p->e, 0, 8 * sizeof *p->e);
    for (size_t k = 0; k < 16; k++)
        p->transitions[k] = k % 4 == 3 || k / 4 == 2 ? -10000 : 0;
    p->transitions[4] = 1; /* A to B */
    p->gold[0] = 0;
    p->gold[1] = 1;
    loss_of(p, &answer);
    double z = 3 + exp(1);
    ck_assert_double_eq_tol(answer.loss, log(1 + 3 / exp(1)), 1e-12);
    ck_assert_float_eq_tol(answer.d_e[0], (float)((1 + exp(1)) / z - 1), 1e-7f);
    ck_assert_float_eq_tol(answer.d_e[4], (float)(2 / z), 1e-7f);
    static const size_t others[] = {0, 1, 5};
    for (size_t k = 0; k < 3; k++)
        ck_assert_double_eq_tol(answer.d_transitions[others[k]], 1 / z, 1e-12);
    ck_assert_double_eq_tol(answer.d_transitions[4], exp(1) / z - 1, 1e-12);
    ck_assert_double_eq_tol(answer.d_transitions[12], 2 / z, 1e-12);
    ck_assert_double_eq_tol(answer.d_transitions[13], (1 + exp(1)) / z - 1, 1e-12);
}
END_TEST

START_TEST(loss_agrees_with_enumeration_of_all_paths)
{
    random_begin("loss_agrees_with_enumeration_of_all_paths");
    for (int round = 0; round < 500; round++) {
        struct problem *p = random_problem(random_between(2, 5), random_between(1, 5), 4);
        uint32_t path[5] = {0};
        double z = 0;
        size_t at;
        do {
            z += exp(path_score(p, path));
            for (at = p->length; at-- > 0; path[at] = 0)
                if (++path[at] < p->crf.tags)
                    break;
        } while (at < p->length);
        double expected = log(z) - path_score(p, p->gold), loss = loss_of(p, NULL);
        EXPECT(distance_of(loss, expected) <= 1e-11, "round %d: %.17g, not %.17g", round, loss, expected);
    }
}
END_TEST

/* Five points: the error is h^4 / 30 times the fifth derivative. */
static double difference(struct problem *p, float *parameter)
{
    static const float h = 0x1p-8f;
    float before = *parameter;
    double losses[4];
    static const float steps[] = {-2 * h, -h, h, 2 * h};
    for (int i = 0; i < 4; i++) {
        *parameter = before + steps[i];
        losses[i] = loss_of(p, NULL);
    }
    *parameter = before;
    return (8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * (double)h);
}

START_TEST(gradients_are_the_slopes_of_the_loss)
{
    random_begin("gradients_are_the_slopes_of_the_loss");
    for (int round = 0; round < 100; round++) {
        struct problem *p = random_problem(random_between(2, 6), random_between(1, 7), 3);
        size_t n = p->crf.tags;
        loss_of(p, &answer);
        for (size_t k = 0; k < n * p->length; k++) {
            double expected = difference(p, &p->e[k]), got = (double)answer.d_e[k];
            EXPECT(distance_of(got, expected) <= 1e-7 * fabs(expected) + 1e-9, "round %d, emission %zu: %.9g, not %.9g",
                   round, k, got, expected);
        }
        for (size_t k = 0; k < n * n; k++) {
            double expected = difference(p, &p->transitions[k]), got = answer.d_transitions[k];
            EXPECT(distance_of(got, expected) <= 1e-7 * fabs(expected) + 1e-9,
                   "round %d, transition %zu to %zu: %.9g, not %.9g", round, k % n, k / n, got, expected);
        }
    }
}
END_TEST

START_TEST(flairs_impossible_transitions)
{
    random_begin("flairs_impossible_transitions");
    for (int round = 0; round < 50; round++) {
        struct problem *p = random_problem(random_between(3, 27), random_between(1, 40), 5);
        close_ends(p);
        expect_plain(p, 1e-12);
    }
}
END_TEST

/* Also from START and into STOP, and tags that only impossible transitions reach. */
START_TEST(any_transition_may_be_impossible)
{
    random_begin("any_transition_may_be_impossible");
    for (int round = 0; round < 300; round++) {
        struct problem *p = random_problem(random_between(2, 9), random_between(1, 12), 5);
        for (size_t k = 0; k < p->crf.tags * p->crf.tags; k++)
            if (random_below(3))
                p->transitions[k] = -10000;
        expect_plain(p, 1e-10);
    }
}
END_TEST

/* A B START STOP. B is reached from B alone, is 800 less likely than A at the first token, and must be the last tag:
 * B B, although e^-800 is no double. */
START_TEST(what_underflows_is_summed_exactly)
{
    struct problem *p = random_problem(4, 3, 1);
    p->crf.start = 2;
    p->crf.stop = 3;
    for (size_t k = 0; k < 16; k++)
        p->transitions[k] = -10000;
    p->transitions[0] = p->transitions[2] = 0; /* to A from A, START */
    p->transitions[5] = p->transitions[6] = 0; /* to B from B, START */
    p->transitions[13] = 0;                    /* to STOP from B */
    memset(p->e, 0, 12 * sizeof *p->e);
    p->e[0] = 800;
    memcpy(p->gold, (uint32_t[]){1, 1, 1}, 3 * sizeof *p->gold);
    expect_plain(p, 1e-12);
    ck_assert_double_eq_tol(answer.loss, 0, 1e-9);
    memcpy(p->gold, (uint32_t[]){0, 0, 0}, 3 * sizeof *p->gold);
    expect_plain(p, 1e-12);
    ck_assert_double_eq_tol(answer.loss, 9200, 1e-9);
    ck_assert_double_eq_tol(answer.d_transitions[5], 2, 1e-9);
    ck_assert_double_eq_tol(answer.d_transitions[0], -2, 1e-9);
}
END_TEST

START_TEST(extreme_emissions)
{
    random_begin("extreme_emissions");
    for (int round = 0; round < 30; round++) {
        struct problem *p = random_problem(random_between(3, 27), random_between(1, 30), 3);
        close_ends(p);
        for (size_t k = 0; k < p->crf.tags * p->length; k++)
            p->e[k] = round % 3 ? random_float(1000) : random_below(2) ? 100 : -100;
        expect_plain(p, 1e-11);
    }
}
END_TEST

START_TEST(a_sentence_of_500_tokens)
{
    random_begin("a_sentence_of_500_tokens");
    struct problem *p = random_problem(27, 500, 4);
    close_ends(p);
    expect_plain(p, 1e-11);
}
END_TEST

/* There is one path worth its name, so that nothing is to be learned. */
START_TEST(one_tag_beside_start_and_stop)
{
    random_begin("one_tag_beside_start_and_stop");
    struct problem *p = random_problem(3, 20, 4);
    close_ends(p);
    loss_of(p, &answer);
    ck_assert_double_eq_tol(answer.loss, 0, 1e-10);
    for (size_t k = 0; k < 60; k++)
        ck_assert_float_eq_tol(answer.d_e[k], 0, 1e-10f);
    for (size_t k = 0; k < 9; k++)
        ck_assert_double_eq_tol(answer.d_transitions[k], 0, 1e-10);
}
END_TEST

START_TEST(emissions_that_are_no_numbers_are_no_loss)
{
    random_begin("emissions_that_are_no_numbers_are_no_loss");
    static const float values[] = {NAN, INFINITY};
    for (size_t at = 0; at < 40; at++) {
        struct problem *p = random_problem(5, 4, 4);
        p->e[at % 20] = values[at / 20];
        ck_assert_msg(!isfinite(loss_of(p, &answer)), "%g as number %zu: %g", (double)values[at / 20], at % 20,
                      answer.loss);
    }
}
END_TEST

static struct backend *new_backend(size_t threads)
{
    struct backend *backend;
    struct ft_error error;
    ck_assert_int_eq(backend_cpu_new(&backend, &(struct cpu_options){.threads = threads, .isa = "auto"}, &error),
                     FT_OK);
    return backend;
}

/* What Flair 0.15.1's ViterbiLoss and PyTorch's gradients are for these numbers, the latter in float64. */
START_TEST(three_sentences_as_flair_counts_them)
{
    enum { TAGS = 7, TOKENS = 12 };
    static const struct token_sequence sentences[] = {{0, 5}, {5, 4}, {9, 3}};
    static const double losses_expected[] = {9.934900174670474, 12.05523689921831, 5.810172176759652};
    static const float first_token[] = {-0.99130637f, 0.02655548f, 0.69753135f, 0.00124041f, 0.26597913f, 0, 0};
    static const float to_stop[] = {-0.46796726f, -0.52045501f, 0.14306776f, 0.83357590f, 0.01177862f, 0, 0};
    static const float to_o[] = {0.05719783f, 0.09324985f, 0.74731489f, 0.05878392f, 0.08622159f, -0.65437919f, 0};
    static const float from_start[] = {-0.65437919f, -0.89164951f, 1.44178356f, 0.01900902f, 0.08523613f, 0, 0};
    float e[TOKENS * TAGS], transitions[TAGS * TAGS], d_e[TOKENS * TAGS], d_transitions[TAGS * TAGS];
    uint32_t gold[TOKENS];
    for (int k = 0; k < TAGS * TAGS; k++)
        transitions[k] = k / TAGS == 5 || k % TAGS == 6 ? -10000 : (float)((31 * k + 7) % 89 / 89.0 * 4 - 2);
    for (int k = 0; k < TOKENS * TAGS; k++)
        e[k] = (float)((37 * k + 11) % 97 / 97.0 * 6 - 3);
    for (uint32_t t = 0; t < TOKENS; t++)
        gold[t] = (3 * t + t / 4) % 5;
    struct crf crf = {.tags = TAGS, .start = 5, .stop = 6, .transitions = transitions};
    struct backend *backend = new_backend(2);
    struct ft_error error;
    double losses[3];
    ck_assert_int_eq(cpu_crf_loss(backend, &crf, sentences, 3, e, gold, NULL, 1, losses, d_e, d_transitions, &error),
                     FT_OK);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(losses[i], losses_expected[i], 1e-6);
    ck_assert_double_eq_tol(losses[0] + losses[1] + losses[2], 27.800308, 1e-5); /* float32's last digits */
    for (int k = 0; k < TAGS; k++) {
        ck_assert_float_eq_tol(d_e[k], first_token[k], 2e-7f);
        ck_assert_float_eq_tol(d_transitions[6 * TAGS + k], to_stop[k], 2e-7f);
        ck_assert_float_eq_tol(d_transitions[k], to_o[k], 2e-7f);
        ck_assert_float_eq_tol(d_transitions[k * TAGS + 5], from_start[k], 2e-7f);
    }
    backend->ops->free(backend);
}
END_TEST

/* 60 sentences of 0 to 59 tokens and 27 tags. */
enum { SENTENCES = 60, TOKENS = SENTENCES * (SENTENCES - 1) / 2, TAGS = 27 };

struct batch {
    struct crf crf;
    struct token_sequence sentences[SENTENCES];
    float e[TOKENS * TAGS], transitions[TAGS * TAGS], scales[SENTENCES];
    uint32_t gold[TOKENS];
};
static struct batch batch;

struct batch_answer {
    double losses[SENTENCES];
    float d_e[TOKENS * TAGS], d_transitions[TAGS * TAGS];
};
static struct batch_answer batch_answers[2];

static void random_batch(void)
{
    batch.crf = (struct crf){.tags = TAGS, .start = 25, .stop = 26, .transitions = batch.transitions};
    random_fill(batch.e, TOKENS * TAGS, 5);
    random_fill(batch.transitions, TAGS * TAGS, 2);
    random_fill(batch.scales, SENTENCES, 1);
    for (size_t t = 0; t < TOKENS; t++)
        batch.gold[t] = random_below(TAGS);
    for (size_t i = 0, token = 0; i < SENTENCES; token += i++)
        batch.sentences[i] = (struct token_sequence){token, i};
}

static void run_batch(bool crf, size_t threads, struct batch_answer *to)
{
    struct backend *backend = new_backend(threads);
    struct ft_error error;
    if (crf)
        ck_assert_int_eq(cpu_crf_loss(backend, &batch.crf, batch.sentences, SENTENCES, batch.e, batch.gold, NULL, 0.25f,
                                      to->losses, to->d_e, to->d_transitions, &error),
                         FT_OK);
    else
        ck_assert_int_eq(cpu_softmax_loss(backend, TAGS, batch.sentences, SENTENCES, batch.e, batch.gold, NULL,
                                          batch.scales, to->losses, to->d_e, &error),
                         FT_OK);
    backend->ops->free(backend);
}

START_TEST(threads_do_not_matter)
{
    static const size_t threads[] = {2, 3, 8};
    random_begin("threads_do_not_matter");
    random_batch();
    for (int crf = 0; crf < 2; crf++) {
        run_batch(crf, 1, &batch_answers[0]);
        for (size_t i = 0; i < 3; i++) {
            memset(&batch_answers[1], i ? 0xff : 0, sizeof batch_answers[1]);
            run_batch(crf, threads[i], &batch_answers[1]);
            ck_assert_mem_eq(batch_answers[0].losses, batch_answers[1].losses, sizeof batch_answers->losses);
            ck_assert_mem_eq(batch_answers[0].d_e, batch_answers[1].d_e, sizeof batch_answers->d_e);
            if (crf)
                ck_assert_mem_eq(batch_answers[0].d_transitions, batch_answers[1].d_transitions,
                                 sizeof batch_answers->d_transitions);
        }
    }
}
END_TEST

/* Gradients times `scale`; an empty sentence has none. */
START_TEST(a_batch_is_the_sum_of_its_sentences)
{
    random_begin("a_batch_is_the_sum_of_its_sentences");
    random_batch();
    run_batch(true, 2, &batch_answers[0]);
    double sums[TAGS * TAGS] = {0};
    ck_assert_double_eq(batch_answers[0].losses[0], 0);
    for (size_t i = 1; i < SENTENCES; i++) {
        struct problem *p = &problem;
        p->crf = batch.crf;
        p->length = batch.sentences[i].count;
        memcpy(p->e, batch.e + batch.sentences[i].first * TAGS, p->length * TAGS * sizeof *p->e);
        memcpy(p->transitions, batch.transitions, sizeof batch.transitions);
        memcpy(p->gold, batch.gold + batch.sentences[i].first, p->length * sizeof *p->gold);
        loss_of(p, &answer);
        ck_assert_double_eq(batch_answers[0].losses[i], answer.loss);
        ck_assert_double_eq(answer.loss, loss_of(p, NULL));
        for (size_t k = 0; k < p->length * TAGS; k++)
            EXPECT(batch_answers[0].d_e[batch.sentences[i].first * TAGS + k] == 0.25f * answer.d_e[k],
                   "sentence %zu, emission %zu", i, k);
        for (size_t k = 0; k < TAGS * TAGS; k++)
            sums[k] += answer.d_transitions[k];
    }
    for (size_t k = 0; k < TAGS * TAGS; k++)
        EXPECT(distance_of((double)batch_answers[0].d_transitions[k], sums[k] / 4) <= 1e-6 * (1 + fabs(sums[k])),
               "transition %zu: %.9g, not %.9g", k, (double)batch_answers[0].d_transitions[k], sums[k] / 4);
}
END_TEST

START_TEST(a_batch_of_nothing)
{
    struct backend *backend = new_backend(2);
    struct ft_error error;
    float d_transitions[4] = {1, 1, 1, 1}, transitions[4] = {0};
    struct crf crf = {.tags = 2, .start = 0, .stop = 1, .transitions = transitions};
    ck_assert_int_eq(cpu_crf_loss(backend, &crf, NULL, 0, NULL, NULL, NULL, 1, NULL, NULL, d_transitions, &error),
                     FT_OK);
    for (int k = 0; k < 4; k++)
        ck_assert_float_eq(d_transitions[k], 0);
    backend->ops->free(backend);
}
END_TEST

/* Two tokens, P = (1/4, 3/4) and (1/2, 1/2): loss log 4 + log 2, gradients (-3/4, 3/4), (1/2, -1/2). */
START_TEST(softmax_by_hand)
{
    float e[] = {0, logf(3), 7, 7}, d_e[4];
    double scratch[2];
    ck_assert_double_eq_tol(softmax_loss(2, e, 2, (uint32_t[]){0, 1}, NULL, 2, d_e, scratch), log(8), 1e-7);
    static const float expected[] = {-1.5f, 1.5f, 1, -1};
    for (int k = 0; k < 4; k++)
        ck_assert_float_eq_tol(d_e[k], expected[k], 1e-6f);
    ck_assert_double_eq_tol(softmax_loss(2, e, 2, (uint32_t[]){0, 1}, NULL, 2, NULL, scratch), log(8), 1e-7);
    static const float extreme[] = {-10000, 10000};
    ck_assert_double_eq_tol(softmax_loss(2, extreme, 1, (uint32_t[]){0}, NULL, 1, d_e, scratch), 20000, 1e-9);
    ck_assert_float_eq(d_e[0], -1);
    ck_assert_float_eq(d_e[1], 1);
}
END_TEST

START_TEST(softmax_gradients_are_the_slopes_of_the_loss)
{
    random_begin("softmax_gradients_are_the_slopes_of_the_loss");
    for (int round = 0; round < 200; round++) {
        float e[3 * 6], d_e[3 * 6], h = 0x1p-8f;
        double scratch[6];
        uint32_t gold[3];
        size_t tags = random_between(1, 6);
        fill(e, 3 * tags, 3);
        for (int t = 0; t < 3; t++)
            gold[t] = random_below((uint32_t)tags);
        softmax_loss(tags, e, 3, gold, NULL, 1, d_e, scratch);
        for (size_t k = 0; k < 3 * tags; k++) {
            double losses[4];
            float before = e[k];
            for (int i = 0; i < 4; i++) {
                e[k] = before + (float[]){-2, -1, 1, 2}[i] * h;
                losses[i] = softmax_loss(tags, e, 3, gold, NULL, 1, NULL, scratch);
            }
            e[k] = before;
            double expected = (8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * (double)h);
            EXPECT(distance_of((double)d_e[k], expected) <= 1e-7 * fabs(expected) + 1e-9,
                   "round %d, emission %zu: %.9g, not %.9g", round, k, (double)d_e[k], expected);
        }
    }
}
END_TEST

int main(void)
{
    test_add(one_token_by_hand, NULL);
    test_add(two_tokens_by_hand, NULL);
    test_add(loss_agrees_with_enumeration_of_all_paths, NULL);
    test_add(gradients_are_the_slopes_of_the_loss, NULL);
    test_add(flairs_impossible_transitions, NULL);
    test_add(any_transition_may_be_impossible, NULL);
    test_add(what_underflows_is_summed_exactly, NULL);
    test_add(extreme_emissions, NULL);
    test_add(a_sentence_of_500_tokens, NULL);
    test_add(one_tag_beside_start_and_stop, NULL);
    test_add(emissions_that_are_no_numbers_are_no_loss, NULL);
    test_add(three_sentences_as_flair_counts_them, NULL);
    test_add(threads_do_not_matter, NULL);
    test_add(a_batch_is_the_sum_of_its_sentences, NULL);
    test_add(a_batch_of_nothing, NULL);
    test_add(softmax_by_hand, NULL);
    test_add(softmax_gradients_are_the_slopes_of_the_loss, NULL);
    return test_run("crf-loss");
}
