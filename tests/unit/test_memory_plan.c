/* The plan of a run's memory: what it adds up, what it makes smaller, and what it refuses. */
#include "embedding.h"
#include "harness.h"
#include "run/memory_plan.h"
#include "run/random_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIB = 1 << 20 };

static struct backend *backend;
static struct random_model *random_model;

static struct memory_request request_of(size_t hidden, size_t limit)
{
    struct ft_error error = {""};
    backend = test_backend();
    ck_assert_msg(random_model_new(&random_model, hidden, NULL, backend, &error) == FT_OK, "%s", error.text);
    return (struct memory_request){.tagger = random_model_tagger(random_model),
                                   .model_bytes = 10 * MIB,
                                   .threads = 2,
                                   .lanes = 144,
                                   .limit = limit};
}

static void done(void)
{
    random_model_free(random_model);
    backend->ops->free(backend);
}

static struct memory_plan plan_of(const struct memory_request *request)
{
    struct memory_plan plan;
    struct ft_error error = {""};
    ck_assert_msg(memory_plan_init(&plan, request, &error) == FT_OK, "%s", error.text);
    return plan;
}

START_TEST(without_a_limit_all_is_as_large_as_it_may_be)
{
    struct memory_request request = request_of(1024, 0);
    struct memory_plan plan = plan_of(&request);
    ck_assert_uint_eq(plan.max_chars, 1 << 18);
    ck_assert_uint_eq(plan.max_tokens, (192 * MIB) / ((2 * 1024 + 1) * sizeof(float)));
    ck_assert_uint_eq(plan.lanes, 144);
    ck_assert_uint_eq(plan.window, 0);
    ck_assert_uint_eq(plan.line, 0);
    ck_assert_uint_eq(plan.budget, 0);
    size_t max_chars, max_tokens;
    predictor_window_size(request.tagger, &max_chars, &max_tokens);
    ck_assert_uint_eq(max_chars, plan.max_chars);
    ck_assert_uint_eq(max_tokens, plan.max_tokens);
    done();
}
END_TEST

START_TEST(a_smaller_limit_gives_a_smaller_plan_that_fits)
{
    struct memory_request request = request_of(128, 0);
    struct memory_plan free_plan = plan_of(&request), before = free_plan;
    ck_assert_uint_gt(free_plan.needed, 40 * MIB);
    for (size_t limit = 400 * MIB; limit >= 24 * MIB; limit -= 4 * MIB) {
        request.limit = limit;
        struct memory_plan plan = plan_of(&request);
        ck_assert_uint_le(plan.needed, limit);
        ck_assert_uint_le(plan.max_tokens, before.max_tokens);
        ck_assert_uint_le(plan.max_chars, before.max_chars);
        ck_assert_uint_gt(plan.fixed, request.model_bytes);
        ck_assert_uint_gt(plan.line, 0);
        if (limit >= free_plan.needed)
            ck_assert_uint_eq(plan.max_tokens, free_plan.max_tokens);
        else /* what there is is used */
            ck_assert_uint_gt(plan.needed - plan.fixed, (limit - plan.fixed) / 2);
        before = plan;
    }
    done();
}
END_TEST

START_TEST(too_little_is_refused_with_what_is_needed)
{
    struct memory_request request = request_of(128, MIB);
    struct memory_plan plan;
    struct ft_error error = {""};
    for (size_t threads = 1; threads <= 64; threads *= 8) {
        request.threads = threads;
        request.limit = MIB;
        ck_assert_int_eq(memory_plan_init(&plan, &request, &error), FT_NOMEM);
        const char *wanted = strstr(error.text, "give it ");
        ck_assert_msg(wanted && strstr(error.text, "--max-mem 1.0 MiB is too little"), "%s", error.text);
        request.limit = (size_t)(atof(wanted + strlen("give it ")) * MIB);
        ck_assert_int_eq(memory_plan_init(&plan, &request, &error), FT_OK);
        ck_assert_uint_eq(plan.max_tokens, 256);
        ck_assert_uint_lt(plan.lanes, request.lanes / 2);
        request.limit -= MIB;
        ck_assert_int_eq(memory_plan_init(&plan, &request, &error), FT_NOMEM);
    }
    done();
}
END_TEST

START_TEST(kept_embeddings_get_what_windows_leave)
{
    struct memory_request request = request_of(128, 100 * MIB);
    ck_assert_uint_eq(plan_of(&request).kept, 0);
    for (int i = 0; i < 4; i++) {
        request.storage = i / 2 ? STORAGE_GPU : STORAGE_CPU;
        request.gather = (enum gather_mode)(i % 2);
        struct memory_plan plan = plan_of(&request);
        ck_assert_uint_eq(plan.needed + plan.kept, request.limit);
        ck_assert_uint_gt(plan.budget, plan.kept);
        ck_assert_uint_ge(plan.kept, (request.limit - plan.fixed) / 2);
    }
    done();
}
END_TEST

enum { WORDS = 30 };

/* Sentences of WORDS words, a few bytes each, among them some of another script. */
static void make_sentences(struct sentences *sentences)
{
    static char texts[SENTENCES_MAX][WORDS * 16];
    const char *pointers[SENTENCES_MAX];
    for (size_t s = 0; s < SENTENCES_MAX; s++) {
        char *at = texts[s];
        for (size_t w = 0; w < WORDS; w++)
            at += sprintf(at, "%s%s%zu", w ? " " : "", s % 3 ? "word" : "你好", (s * WORDS + w) % 1000);
        pointers[s] = texts[s];
    }
    sentences_init(sentences, pointers, SENTENCES_MAX);
}

static struct batch_size size_of(const struct sentences *sentences)
{
    struct batch_size size = {.sentences = sentences->count, .tokens = sentences->tokens};
    for (size_t s = 0; s < sentences->count; s++) {
        size_t chars = 0;
        for (size_t j = 0; j < sentences->at[s].count; j++) {
            chars += sentences->at[s].tokens[j].chars + 1;
            size.bytes += sentences->at[s].tokens[j].bytes;
        }
        size.chars += chars;
        if (chars > size.longest_chars)
            size.longest_chars = chars;
        if (sentences->at[s].count > size.longest_tokens)
            size.longest_tokens = sentences->at[s].count;
    }
    return size;
}

/* The plan covers what the embedder takes, whatever it gathers, and is not far above it. */
static void check_embedding(const struct tagger *tagger, struct backend *with)
{
    struct sentences sentences;
    make_sentences(&sentences);
    struct batch_size size = size_of(&sentences);
    size_t head = size.tokens * (2 * tagger->rnn.layer[0][0].hidden + tagger->crf.tags) * sizeof(float);
    for (int i = 0; i < 4; i++) {
        struct memory_request request = {.tagger = tagger,
                                         .threads = 1,
                                         .lanes = 8,
                                         .gather = (enum gather_mode)(i / 2),
                                         .lm_output = (enum lm_output)(i % 2)};
        struct memory_plan plan = plan_of(&request);
        struct batch_run run;
        batch_run(&run, tagger, with, request.gather, request.lm_output, &sentences, 0);
        ck_assert_int_eq(run.status, FT_OK);
        size_t taken = run.arena.used + run.account.peak_bytes, planned = memory_of_batch(&plan, &size);
        ck_assert_msg(taken + head <= planned && planned <= 2 * (taken + head),
                      "%s of %s: %zu bytes taken and %zu for the head, %zu planned", gather_names[request.gather],
                      lm_output_names[request.lm_output], taken, head, planned);
        batch_run_release(&run);
    }
    sentences_release(&sentences);
}

START_TEST(a_planned_batch_covers_what_embedding_takes)
{
    static const char *const paths[] = {CHARACTER_MODEL, ONE_HOT_MODEL, NESTED_MODEL};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct model model;
        struct backend *with = test_backend();
        open_model(&model, with, paths[i]);
        check_embedding(model.tagger, with);
        ck_assert_uint_gt(memory_of_tagger(model.tagger, model.file_bytes), model.file_bytes);
        ck_assert_uint_ge(memory_of_tagger(model.tagger, 0), model.tagger->weights.bytes + model.tagger->arena.held);
        model_close(&model);
        with->ops->free(with);
    }
    for (int words = 0; words < WORDS_TYPES; words++) { /* narrow ones are widened into the batch */
        struct memory_request request = request_of(64, 0);
        struct ft_error error;
        ck_assert_int_eq(words_set_type(request.tagger->members[0].words, (enum words_type)words, &error), FT_OK);
        check_embedding(request.tagger, backend);
        done();
    }
}
END_TEST

START_TEST(batches_are_as_large_as_the_limit_allows)
{
    struct sentences sentences;
    struct memory_request request = request_of(128, 0);
    make_sentences(&sentences);
    struct memory_plan plan = plan_of(&request);
    ck_assert_uint_eq(memory_plan_take(&plan, sentences.pointers, sentences.count, SIZE_MAX, 0), sentences.count);
    ck_assert_uint_eq(memory_plan_take(&plan, sentences.pointers, sentences.count, 7, 0), 7);
    plan.max_tokens = 2 * WORDS; /* the sentence that reaches it is the last */
    ck_assert_uint_eq(memory_plan_take(&plan, sentences.pointers, sentences.count, SIZE_MAX, 0), 2);
    request.limit = 60 * MIB;
    plan = plan_of(&request);
    struct batch_size size = {0};
    size_t room = plan.request.limit - plan.fixed;
    for (size_t taken = 0, held; taken < 4; taken++) {
        sentences.count = taken;
        sentences.tokens = taken * WORDS;
        size = size_of(&sentences);
        held = room - memory_of_batch(&plan, &size); /* just room for so many */
        ck_assert_uint_eq(memory_plan_take(&plan, sentences.pointers, SENTENCES_MAX, SIZE_MAX, held), taken);
    }
    ck_assert_uint_eq(memory_plan_take(&plan, sentences.pointers, SENTENCES_MAX, SIZE_MAX, 2 * room), 0);
    struct ft_error error = {""};
    sentences.at[0].file = "corpus.conll";
    sentences.at[0].line = 17;
    ck_assert_int_eq(memory_plan_refuse(&plan, sentences.pointers[0], room, &error), FT_NOMEM);
    ck_assert_msg(strstr(error.text, "corpus.conll:17: a sentence of 30 tokens"), "%s", error.text);
    sentences_release(&sentences);
    done();
}
END_TEST

int main(void)
{
    test_add(without_a_limit_all_is_as_large_as_it_may_be, NULL);
    test_add(a_smaller_limit_gives_a_smaller_plan_that_fits, NULL);
    test_add(too_little_is_refused_with_what_is_needed, NULL);
    test_add(kept_embeddings_get_what_windows_leave, NULL);
    test_add(a_planned_batch_covers_what_embedding_takes, NULL);
    test_add(batches_are_as_large_as_the_limit_allows, NULL);
    return test_run("memory_plan");
}
