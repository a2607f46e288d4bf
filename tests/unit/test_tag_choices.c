/* Losses and gradients of sentences whose tags are not certain: against all paths of short ones, differences of losses,
 * and the losses of certain tags. */
#include "harness.h"
#include "kernels/crf_loss.h"
#include "numbers.h"
#include "tensor/cpu.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TAGS = 6, MOST_LENGTH = 5, SETS = 3 };

struct problem {
    struct crf crf;
    size_t length;
    float e[MOST_LENGTH * MOST_TAGS], transitions[MOST_TAGS * MOST_TAGS];
    uint32_t gold[MOST_LENGTH];
    uint8_t allowed[SETS * MOST_TAGS], follows[MOST_TAGS * MOST_TAGS];
    struct tag_choices choices;
};

struct answer {
    double loss, d_transitions[MOST_TAGS * MOST_TAGS];
    float d_e[MOST_LENGTH * MOST_TAGS];
};

static double *new_doubles(size_t count)
{
    double *doubles = malloc(count * sizeof *doubles);
    ck_assert_ptr_nonnull(doubles);
    return doubles;
}

/* choices NULL: gold is certain. a NULL: only the loss. */
static double crf_loss_of(const struct problem *p, const struct tag_choices *choices, struct answer *a)
{
    size_t n = p->crf.tags;
    struct crf crf = p->crf;
    crf.transitions = p->transitions;
    struct crf_factors factors = {&crf, new_doubles(crf_factors_size(n))};
    double *scratch = new_doubles(crf_loss_scratch(n, p->length));
    crf_factors_make(&factors);
    if (a)
        memset(a, 0, sizeof *a);
    double loss = crf_loss(&factors, p->e, p->length, p->gold, choices, 1, a ? a->d_e : NULL,
                           a ? a->d_transitions : NULL, scratch);
    if (a)
        a->loss = loss;
    free(factors.at);
    free(scratch);
    return loss;
}

static double softmax_loss_of(const struct problem *p, const struct tag_choices *choices, struct answer *a)
{
    double scratch[MOST_TAGS];
    if (a)
        memset(a, 0, sizeof *a);
    double loss = softmax_loss(p->crf.tags, p->e, p->length, p->gold, choices, 1, a ? a->d_e : NULL, scratch);
    if (a)
        a->loss = loss;
    return loss;
}

/* Multiples of 2^-10, so that steps of differences are exact. */
static void fill(float *to, size_t count, int most)
{
    for (size_t i = 0; i < count; i++)
        to[i] = ((float)random_below(2048) - 1024) * 0x1p-10f * (float)most;
}

/* Some tokens are certain, some a choice, and one path at least is allowed. */
static void random_problem(struct problem *p, int most)
{
    size_t n = random_between(2, MOST_TAGS);
    *p = (struct problem){.length = random_between(1, MOST_LENGTH)};
    p->crf = (struct crf){.tags = n, .start = random_below((uint32_t)n)};
    p->crf.stop = (p->crf.start + random_between(1, n - 1)) % n;
    p->choices = (struct tag_choices){SETS, p->allowed, p->follows};
    fill(p->e, n * p->length, most);
    fill(p->transitions, n * n, most);
    for (size_t k = 0; k < n * n; k++)
        p->follows[k] = random_below(4) != 0;
    for (size_t k = 0; k < SETS * n; k++)
        p->allowed[k] = random_below(2) != 0;
    size_t before = p->crf.start;
    for (size_t t = 0; t < p->length; t++) {
        uint32_t tag = random_below((uint32_t)n), set = random_below(SETS);
        p->gold[t] = random_below(3) ? (uint32_t)n + set : tag;
        p->allowed[set * n + tag] = p->follows[tag * n + before] = 1;
        before = tag;
    }
    p->follows[p->crf.stop * n + before] = 1;
}

static double path_score(const struct problem *p, const uint32_t *tags)
{
    size_t n = p->crf.tags, before = p->crf.start;
    double score = 0;
    for (size_t t = 0; t < p->length; before = tags[t++])
        score += (double)p->e[t * n + tags[t]] + (double)p->transitions[tags[t] * n + before];
    return score + (double)p->transitions[p->crf.stop * n + before];
}

static bool path_is_allowed(const struct problem *p, const uint32_t *tags)
{
    size_t n = p->crf.tags, before = p->crf.start;
    for (size_t t = 0; t < p->length; before = tags[t++])
        if (!p->follows[tags[t] * n + before] ||
            (p->gold[t] < n ? tags[t] != p->gold[t] : !p->allowed[(p->gold[t] - n) * n + tags[t]]))
            return false;
    return p->follows[p->crf.stop * n + before];
}

static bool next_path(const struct problem *p, uint32_t *path)
{
    for (size_t at = p->length; at-- > 0; path[at] = 0)
        if (++path[at] < p->crf.tags)
            return true;
    return false;
}

static bool has_choice(const struct problem *p)
{
    return !tags_are_certain(p->crf.tags, p->gold, p->length);
}

START_TEST(crf_loss_is_that_of_all_allowed_paths_together)
{
    random_begin("crf_loss_is_that_of_all_allowed_paths_together");
    for (int round = 0; round < 500; round++) {
        struct problem p;
        random_problem(&p, 4);
        if (!has_choice(&p))
            continue;
        uint32_t path[MOST_LENGTH] = {0};
        double all = 0, allowed = 0;
        do {
            double weight = exp(path_score(&p, path));
            all += weight;
            allowed += path_is_allowed(&p, path) ? weight : 0;
        } while (next_path(&p, path));
        double expected = log(all) - log(allowed), loss = crf_loss_of(&p, &p.choices, NULL);
        EXPECT(distance_of(loss, expected) <= 1e-11, "round %d: %.17g, not %.17g", round, loss, expected);
    }
}
END_TEST

START_TEST(softmax_loss_is_that_of_all_allowed_tags_together)
{
    random_begin("softmax_loss_is_that_of_all_allowed_tags_together");
    for (int round = 0; round < 500; round++) {
        struct problem p;
        double expected = 0;
        random_problem(&p, 4);
        for (size_t t = 0, n = p.crf.tags; t < p.length; t++) {
            double all = 0, allowed = 0;
            for (size_t j = 0; j < n; j++) {
                double weight = exp((double)p.e[t * n + j]);
                all += weight;
                if (p.gold[t] < n ? j == p.gold[t] : p.allowed[(p.gold[t] - n) * n + j])
                    allowed += weight;
            }
            expected -= log(allowed / all);
        }
        double loss = softmax_loss_of(&p, &p.choices, NULL);
        EXPECT(distance_of(loss, expected) <= 1e-12 * (1 + expected), "round %d: %.17g, not %.17g", round, loss,
               expected);
    }
}
END_TEST

typedef double loss_function(const struct problem *, const struct tag_choices *, struct answer *);

/* Five points: the error is h^4 / 30 times the fifth derivative. */
static double difference(struct problem *p, loss_function *loss, float *parameter)
{
    static const float h = 0x1p-8f;
    float before = *parameter;
    double losses[4];
    for (int i = 0; i < 4; i++) {
        *parameter = before + (float[]){-2, -1, 1, 2}[i] * h;
        losses[i] = loss(p, &p->choices, NULL);
    }
    *parameter = before;
    return (8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * (double)h);
}

static void check_slopes(loss_function *loss, bool transitions)
{
    for (int round = 0; round < 200; round++) {
        struct problem p;
        struct answer answer;
        random_problem(&p, 3);
        size_t n = p.crf.tags;
        double value = loss(&p, &p.choices, &answer);
        ck_assert_double_eq(value, loss(&p, &p.choices, NULL));
        for (size_t k = 0; k < n * p.length; k++) {
            double expected = difference(&p, loss, &p.e[k]), got = (double)answer.d_e[k];
            EXPECT(distance_of(got, expected) <= 1e-7 * fabs(expected) + 1e-9, "round %d, emission %zu: %.9g, not %.9g",
                   round, k, got, expected);
        }
        for (size_t k = 0; transitions && k < n * n; k++) {
            double expected = difference(&p, loss, &p.transitions[k]), got = answer.d_transitions[k];
            EXPECT(distance_of(got, expected) <= 1e-7 * fabs(expected) + 1e-9,
                   "round %d, transition %zu to %zu: %.9g, not %.9g", round, k % n, k / n, got, expected);
        }
    }
}

START_TEST(gradients_are_the_slopes_of_the_loss)
{
    random_begin("gradients_are_the_slopes_of_the_loss");
    check_slopes(crf_loss_of, true);
    check_slopes(softmax_loss_of, false);
}
END_TEST

START_TEST(certain_sentences_have_the_same_bits_with_and_without_choices)
{
    random_begin("certain_sentences_have_the_same_bits_with_and_without_choices");
    for (int round = 0; round < 200; round++) {
        struct problem p;
        struct answer answers[2];
        random_problem(&p, 4);
        for (size_t t = 0; t < p.length; t++)
            p.gold[t] = random_below((uint32_t)p.crf.tags);
        crf_loss_of(&p, NULL, &answers[0]);
        crf_loss_of(&p, &p.choices, &answers[1]);
        EXPECT(!memcmp(&answers[0], &answers[1], sizeof answers[0]), "CRF, round %d", round);
        softmax_loss_of(&p, NULL, &answers[0]);
        softmax_loss_of(&p, &p.choices, &answers[1]);
        EXPECT(!memcmp(&answers[0], &answers[1], sizeof answers[0]), "softmax, round %d", round);
    }
}
END_TEST

static void check_close(const struct problem *p, const struct answer *got, const struct answer *expected, int round)
{
    size_t n = p->crf.tags;
    EXPECT(distance_of(got->loss, expected->loss) <= 1e-11 * (1 + fabs(expected->loss)), "round %d: %.17g, not %.17g",
           round, got->loss, expected->loss);
    for (size_t k = 0; k < n * p->length; k++)
        EXPECT(distance_of((double)got->d_e[k], (double)expected->d_e[k]) <= 1e-7, "round %d, emission %zu", round, k);
    for (size_t k = 0; k < n * n; k++)
        EXPECT(distance_of(got->d_transitions[k], expected->d_transitions[k]) <= 1e-11, "round %d, transition %zu",
               round, k);
}

/* Also where nothing but what is nearly impossible is allowed. */
START_TEST(sets_of_one_tag_are_that_tag)
{
    random_begin("sets_of_one_tag_are_that_tag");
    for (int round = 0; round < 200; round++) {
        struct problem p, one;
        struct answer answers[2];
        random_problem(&p, round % 2 ? 4 : 700);
        size_t n = p.crf.tags;
        memset(p.follows, 1, sizeof p.follows);
        for (size_t k = 0; k < n * n; k++)
            if (round % 4 > 1 && !random_below(3))
                p.transitions[k] = -10000;
        memset(p.allowed, 0, sizeof p.allowed);
        for (size_t t = 0; t < p.length; t++)
            p.gold[t] = random_below((uint32_t)(n < SETS ? n : SETS));
        for (size_t i = 0; i < SETS && i < n; i++)
            p.allowed[i * n + i] = 1;
        one = p;
        for (size_t t = 0; t < p.length; t++)
            p.gold[t] += (uint32_t)n;
        crf_loss_of(&one, NULL, &answers[0]);
        crf_loss_of(&p, &p.choices, &answers[1]);
        check_close(&p, &answers[1], &answers[0], round);
        softmax_loss_of(&one, NULL, &answers[0]);
        softmax_loss_of(&p, &p.choices, &answers[1]);
        check_close(&p, &answers[1], &answers[0], round);
    }
}
END_TEST

START_TEST(nothing_is_learned_where_everything_is_allowed)
{
    random_begin("nothing_is_learned_where_everything_is_allowed");
    for (int round = 0; round < 100; round++) {
        struct problem p;
        struct answer answer;
        static const struct answer none = {0};
        random_problem(&p, 5);
        memset(p.follows, 1, sizeof p.follows);
        memset(p.allowed, 1, sizeof p.allowed);
        for (size_t t = 0; t < p.length; t++)
            p.gold[t] = (uint32_t)p.crf.tags;
        crf_loss_of(&p, &p.choices, &answer);
        check_close(&p, &answer, &none, round);
        softmax_loss_of(&p, &p.choices, &answer);
        check_close(&p, &answer, &none, round);
    }
}
END_TEST

/* Tags A B START STOP, all scores 0, nothing leads to START or from STOP: four paths. Allowed are A B and B A: loss
 * log 2. */
START_TEST(two_tokens_by_hand)
{
    struct problem p = {.crf = {.tags = 4, .start = 2, .stop = 3}, .length = 2, .gold = {4, 4}};
    struct answer answer;
    p.choices = (struct tag_choices){1, p.allowed, p.follows};
    for (size_t k = 0; k < 16; k++)
        p.transitions[k] = k % 4 == 3 || k / 4 == 2 ? -10000 : 0;
    memset(p.follows, 1, 16);
    p.allowed[0] = p.allowed[1] = 1;
    p.follows[0] = p.follows[5] = 0; /* A A, B B */
    crf_loss_of(&p, &p.choices, &answer);
    ck_assert_double_eq_tol(answer.loss, log(2), 1e-12);
    ck_assert_double_eq_tol(answer.d_transitions[0], 0.25, 1e-12);
    ck_assert_double_eq_tol(answer.d_transitions[4], -0.25, 1e-12); /* A to B */
    ck_assert_double_eq_tol(answer.d_transitions[2], 0, 1e-12);     /* START to A */
    ck_assert_float_eq_tol(answer.d_e[0], 0, 1e-7f);
    p.follows[1] = p.follows[4] = 0;
    ck_assert(isinf(crf_loss_of(&p, &p.choices, NULL))); /* no path is left */
}
END_TEST

/* 60 sentences of 0 to 59 tokens. */
enum { SENTENCES = 60, TOKENS = SENTENCES * (SENTENCES - 1) / 2, TAGS = 19 };

static struct batch {
    struct token_sequence sentences[SENTENCES];
    float e[TOKENS * TAGS], transitions[TAGS * TAGS], scales[SENTENCES];
    uint32_t gold[TOKENS];
    uint8_t allowed[SETS * TAGS], follows[TAGS * TAGS];
} batch;

static struct batch_answer {
    double losses[SENTENCES];
    float d_e[TOKENS * TAGS], d_transitions[TAGS * TAGS];
} batch_answers[2];

static void run_batch(bool crf, size_t threads, struct batch_answer *to)
{
    struct backend *backend;
    struct ft_error error;
    struct crf layer = {.tags = TAGS, .start = 17, .stop = 18, .transitions = batch.transitions};
    struct tag_choices choices = {SETS, batch.allowed, batch.follows};
    ck_assert_int_eq(backend_cpu_new(&backend, &(struct cpu_options){.threads = threads, .isa = "auto"}, &error),
                     FT_OK);
    memset(to, 0, sizeof *to);
    if (crf)
        ck_assert_int_eq(cpu_crf_loss(backend, &layer, batch.sentences, SENTENCES, batch.e, batch.gold, &choices, 0.25f,
                                      to->losses, to->d_e, to->d_transitions, &error),
                         FT_OK);
    else
        ck_assert_int_eq(cpu_softmax_loss(backend, TAGS, batch.sentences, SENTENCES, batch.e, batch.gold, &choices,
                                          batch.scales, to->losses, to->d_e, &error),
                         FT_OK);
    backend->ops->free(backend);
}

START_TEST(threads_do_not_matter)
{
    static const size_t threads[] = {2, 3, 8};
    random_begin("threads_do_not_matter");
    random_fill(batch.e, TOKENS * TAGS, 5);
    random_fill(batch.transitions, TAGS * TAGS, 2);
    random_fill(batch.scales, SENTENCES, 1);
    for (size_t k = 0; k < SETS * TAGS; k++)
        batch.allowed[k] = k % TAGS == 0 || random_below(2);
    for (size_t k = 0; k < TAGS * TAGS; k++)
        batch.follows[k] = k % TAGS == 0 || k / TAGS == 0 || random_below(2);
    for (size_t t = 0; t < TOKENS; t++)
        batch.gold[t] = random_below(2) ? 0 : TAGS + random_below(SETS);
    for (size_t i = 0, token = 0; i < SENTENCES; token += i++)
        batch.sentences[i] = (struct token_sequence){token, i};
    for (int crf = 0; crf < 2; crf++) {
        run_batch(crf, 1, &batch_answers[0]);
        for (size_t i = 0; i < SENTENCES; i++)
            EXPECT(isfinite(batch_answers[0].losses[i]), "sentence %zu: %g", i, batch_answers[0].losses[i]);
        for (size_t i = 0; i < 3; i++) {
            run_batch(crf, threads[i], &batch_answers[1]);
            ck_assert_mem_eq(&batch_answers[0], &batch_answers[1], sizeof batch_answers[0]);
        }
    }
}
END_TEST

int main(void)
{
    test_add(crf_loss_is_that_of_all_allowed_paths_together, NULL);
    test_add(softmax_loss_is_that_of_all_allowed_tags_together, NULL);
    test_add(gradients_are_the_slopes_of_the_loss, NULL);
    test_add(certain_sentences_have_the_same_bits_with_and_without_choices, NULL);
    test_add(sets_of_one_tag_are_that_tag, NULL);
    test_add(nothing_is_learned_where_everything_is_allowed, NULL);
    test_add(two_tokens_by_hand, NULL);
    test_add(threads_do_not_matter, NULL);
    return test_run("tag-choices");
}
