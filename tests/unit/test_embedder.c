/* Token vectors: the same to the bit however they are gathered, at the bytes that the account says, and by Flair's
 * rules for which character a token reads. */
#include "embedding.h"
#include "harness.h"
#include "numbers.h"
#include "run/random_model.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
    "The quick brown fox",
    "",
    "a bbb a",
    "x",
    "naïve Ω 你好 😀 again",
    "to be or not to be",
    "a longer sentence than the others , with some more words in it , and then a few ."};
enum { TEXTS = sizeof texts / sizeof *texts };

static void check_ways_are_equal(const char *path)
{
    struct backend *backend = test_backend();
    struct sentences sentences;
    struct model model;
    struct batch_run run;
    open_model(&model, backend, path);
    sentences_init(&sentences, texts, TEXTS);
    batch_run(&run, model.tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, 0);
    ck_assert_uint_eq(run.embedded.count, TEXTS - 1); /* the empty one is left out */
    ck_assert_uint_eq(run.embedded.tokens, sentences.tokens);
    float *expected = batch_vectors(&run, model.tagger);
    batch_run_release(&run);
    size_t numbers = sentences.tokens * model.tagger->width;
    for (int gather = 0; gather < 2; gather++)
        for (int output = 0; output < 2; output++) {
            batch_run(&run, model.tagger, backend, (enum gather_mode)gather, (enum lm_output)output, &sentences, 0);
            float *got = batch_vectors(&run, model.tagger);
            size_t at = first_difference(expected, got, numbers);
            EXPECT(at == numbers, "%s, %s of %s: number %zu differs", path, gather_names[gather],
                   lm_output_names[output], at);
            free(got);
            batch_run_release(&run);
        }
    size_t row = 0; /* each sentence by itself */
    for (size_t i = 0; i < TEXTS; i++) {
        struct sentences one;
        sentences_init(&one, &texts[i], 1);
        batch_run(&run, model.tagger, backend, GATHER_SLICE, LM_BOUNDARY, &one, 0);
        float *got = batch_vectors(&run, model.tagger);
        size_t count = one.tokens * model.tagger->width;
        EXPECT(first_difference(expected + row * model.tagger->width, got, count) == count,
               "%s: sentence %zu alone differs", path, i);
        row += one.tokens;
        free(got);
        batch_run_release(&run);
        sentences_release(&one);
    }
    free(expected);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}

START_TEST(every_way_of_gathering_gives_the_same_vectors)
{
    check_ways_are_equal(CHARACTER_MODEL);
    check_ways_are_equal(ONE_HOT_MODEL);
    check_ways_are_equal(NESTED_MODEL);
}
END_TEST

/* Beside its columns nothing tells a narrow table from one that holds the rounded numbers as floats. */
START_TEST(narrow_word_vectors_are_widened_into_the_batch)
{
    struct backend *backend = test_backend();
    struct sentences sentences;
    struct ft_error error = {""};
    sentences_init(&sentences, texts, TEXTS);
    for (int type = WORDS_F16; type < WORDS_TYPES; type++) {
        struct random_model *made;
        struct batch_run run;
        ck_assert_int_eq(random_model_new(&made, 4, NULL, backend, &error), FT_OK);
        struct tagger *tagger = random_model_tagger(made);
        struct words *words = tagger->members[0].words;
        size_t wide = embedder_written_width(tagger), numbers = sentences.tokens * tagger->width;
        ck_assert_int_eq(words_set_type(words, (enum words_type)type, &error), FT_OK);
        ck_assert_uint_eq(embedder_written_width(tagger), wide + words->width);
        float *got[4];
        for (int i = 0; i < 4; i++) {
            batch_run(&run, tagger, backend, (enum gather_mode)(i / 2), (enum lm_output)(i % 2), &sentences, 0);
            got[i] = batch_vectors(&run, tagger);
            if (i % 2 == 0)
                ck_assert_uint_eq(run.account.live_bytes, sentences.tokens * (wide + words->width) * sizeof(float));
            batch_run_release(&run);
        }
        batch_run(&run, tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences,
                  sentences.tokens * (wide + words->width) * sizeof(float) - 1);
        ck_assert_int_eq(run.status, FT_FULL);
        batch_run_release(&run);
        ck_assert_int_eq(words_set_type(words, WORDS_F32, &error), FT_OK);
        ck_assert_uint_eq(embedder_written_width(tagger), wide);
        batch_run(&run, tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, 0);
        float *expected = batch_vectors(&run, tagger);
        batch_run_release(&run);
        for (int i = 0; i < 4; i++) {
            size_t at = first_difference(expected, got[i], numbers);
            EXPECT(at == numbers, "%s, %s of %s: number %zu differs", words_type_names[type], gather_names[i / 2],
                   lm_output_names[i % 2], at);
            free(got[i]);
        }
        free(expected);
        random_model_free(made);
    }
    sentences_release(&sentences);
    backend->ops->free(backend);
}
END_TEST

/* Two language models of 4 units: 32 bytes a row of both. "ab c" is fed as LF a b blank c blank, 6 steps; "d" as 3.
 *   boundary: 3 tokens = 96 bytes;   all: 6 steps * 2 sentences = 12 rows = 384 bytes;   clones: 3 tokens = 96 bytes */
enum { ROW = 32, TOKEN_ROWS = 3 * ROW, TENSOR_ROWS = 12 * ROW };
static const char *const small[] = {"ab c", "d"};

struct small_model {
    struct backend *backend;
    struct random_model *model;
    struct tagger *tagger;
    struct sentences sentences;
};

static void small_init(struct small_model *s)
{
    struct ft_error error = {""};
    s->backend = test_backend();
    ck_assert_msg(random_model_new(&s->model, 4, NULL, s->backend, &error) == FT_OK, "%s", error.text);
    s->tagger = random_model_tagger(s->model);
    sentences_init(&s->sentences, small, 2);
    ck_assert_uint_eq(embedder_written_width(s->tagger) * sizeof(float), ROW);
}

static void small_release(struct small_model *s)
{
    sentences_release(&s->sentences);
    random_model_free(s->model);
    s->backend->ops->free(s->backend);
}

START_TEST(bytes_are_those_computed_by_hand)
{
    static const struct {
        enum gather_mode gather;
        enum lm_output output;
        size_t live, peak, copied;
    } cases[] = {
        {GATHER_SLICE, LM_BOUNDARY, TOKEN_ROWS, TOKEN_ROWS, 0},
        {GATHER_SLICE, LM_ALL, TENSOR_ROWS, TENSOR_ROWS, 0}, /* a slice of `all` pins the whole tensor */
        {GATHER_CLONE, LM_BOUNDARY, TOKEN_ROWS, 2 * TOKEN_ROWS, TOKEN_ROWS},
        {GATHER_CLONE, LM_ALL, TOKEN_ROWS, TENSOR_ROWS + TOKEN_ROWS, TOKEN_ROWS},
    };
    struct small_model s;
    small_init(&s);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct batch_run run;
        batch_run(&run, s.tagger, s.backend, cases[i].gather, cases[i].output, &s.sentences, 0);
        ck_assert_int_eq(run.status, FT_OK);
        ck_assert_msg(run.account.live_bytes == cases[i].live && run.account.peak_bytes == cases[i].peak &&
                          run.account.copied_bytes == cases[i].copied,
                      "%s of %s: %zu live, %zu at most, %zu copied; should be %zu, %zu, %zu",
                      gather_names[cases[i].gather], lm_output_names[cases[i].output], run.account.live_bytes,
                      run.account.peak_bytes, run.account.copied_bytes, cases[i].live, cases[i].peak, cases[i].copied);
        batch_run_release(&run);
    }
    small_release(&s);
}
END_TEST

/* Every budget below the peak is refused and leaves nothing alive; the peak itself is enough. */
START_TEST(a_budget_is_kept_to_the_byte)
{
    struct small_model s;
    small_init(&s);
    for (int gather = 0; gather < 2; gather++)
        for (int output = 0; output < 2; output++) {
            struct batch_run run;
            batch_run(&run, s.tagger, s.backend, (enum gather_mode)gather, (enum lm_output)output, &s.sentences, 0);
            size_t peak = run.account.peak_bytes;
            batch_run_release(&run);
            for (size_t budget = 1; budget <= peak; budget++) {
                batch_run(&run, s.tagger, s.backend, (enum gather_mode)gather, (enum lm_output)output, &s.sentences,
                          budget);
                EXPECT(run.status == (budget < peak ? FT_FULL : FT_OK), "%s of %s: %zu of %zu bytes: status %d",
                       gather_names[gather], lm_output_names[output], budget, peak, run.status);
                EXPECT(run.account.peak_bytes <= budget, "%zu bytes, %zu allowed", run.account.peak_bytes, budget);
                if (run.status != FT_OK)
                    EXPECT(run.account.live_bytes == 0, "%zu bytes are left", run.account.live_bytes);
                batch_run_release(&run);
            }
        }
    small_release(&s);
}
END_TEST

/* v("a") is not v("bbb"). By length: bbb, a, a. The first `a` keeps what stands first in that list: bbb's vector. */
START_TEST(an_earlier_one_of_equal_words_gets_the_vector_at_its_place_by_length)
{
    static const char *const duplicate = "a bbb a", *const words[] = {"bbb", "a"};
    struct backend *backend = test_backend();
    struct model model;
    struct batch_run run;
    struct sentences sentences;
    open_model(&model, backend, CHARACTER_MODEL);
    size_t pieces[2], found = 0;
    float *alone[2][2]; /* of bbb and a, by direction */
    for (int w = 0; w < 2; w++) {
        sentences_init(&sentences, &words[w], 1);
        batch_run(&run, model.tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, 0);
        found = 0;
        for (size_t p = 0; p < run.embedded.piece_count; p++)
            if (model.tagger->members[run.embedded.piece_member[p]].kind == MEMBER_CHARS) {
                size_t bytes = run.embedded.pieces[p].width * sizeof(float);
                alone[w][found] = memcpy(malloc(bytes), run.embedded.pieces[p].rows[0], bytes);
                pieces[found++] = p;
            }
        ck_assert_uint_eq(found, 2);
        batch_run_release(&run);
        sentences_release(&sentences);
    }
    sentences_init(&sentences, &duplicate, 1);
    batch_run(&run, model.tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, 0);
    for (int d = 0; d < 2; d++) {
        const struct input_piece *piece = &run.embedded.pieces[pieces[d]];
        size_t bytes = piece->width * sizeof(float);
        ck_assert_mem_ne(alone[0][d], alone[1][d], bytes);
        ck_assert_mem_eq(piece->rows[0], alone[0][d], bytes);
        ck_assert_mem_eq(piece->rows[1], alone[0][d], bytes);
        ck_assert_mem_eq(piece->rows[2], alone[1][d], bytes);
        free(alone[0][d]);
        free(alone[1][d]);
    }
    batch_run_release(&run);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

START_TEST(one_hot_embeddings_look_up_the_token_as_it_is)
{
    struct backend *backend = test_backend();
    struct model model;
    struct batch_run run;
    struct sentences sentences;
    open_model(&model, backend, ONE_HOT_MODEL);
    size_t place = 0;
    while (place < model.tagger->member_count && model.tagger->members[place].kind != MEMBER_ONEHOT)
        place++;
    ck_assert_uint_lt(place, model.tagger->member_count);
    const struct member *member = &model.tagger->members[place];
    ck_assert_uint_gt(member->item_count, 3);
    char text[256];
    snprintf(text, sizeof text, "%.*s nosuchword %.*s", (int)member->items[2].count, member->items[2].at,
             (int)member->items[1].count, member->items[1].at);
    const char *line = text;
    sentences_init(&sentences, &line, 1);
    batch_run(&run, model.tagger, backend, GATHER_SLICE, LM_BOUNDARY, &sentences, 0);
    ck_assert_uint_eq(run.embedded.piece_member[place], place); /* every member has one piece here */
    const size_t rows[] = {2, 0, 1};
    for (size_t t = 0; t < 3; t++)
        ck_assert_mem_eq(run.embedded.pieces[place].rows[t], member->table + rows[t] * member->width,
                         member->width * sizeof(float));
    batch_run_release(&run);
    sentences_release(&sentences);
    model_close(&model);
    backend->ops->free(backend);
}
END_TEST

/* "ab c" behind a delimiter of one character: LF a b _ c _, steps 0 to 5. Forward a token reads the step behind its
 * end: 3 and 5. Backward, LF c _ b a _: `c` reads step 2, `ab` step 5. Without white space one less each; untokenised,
 * with no blank between the two: LF a b c _, and a text of 3. */
START_TEST(tokens_read_the_steps_worked_out_by_hand)
{
    static const struct {
        bool forward, with_whitespace, tokenized;
        uint32_t length, steps[2], rows[2];
    } cases[] = {
        {true, true, true, 6, {3, 5}, {10, 11}},  {false, true, true, 6, {2, 5}, {11, 10}},
        {true, false, true, 6, {2, 4}, {10, 11}}, {false, false, true, 6, {1, 4}, {11, 10}},
        {true, true, false, 5, {3, 4}, {10, 11}}, {false, true, false, 5, {2, 4}, {11, 10}},
    };
    struct small_model s;
    struct arena arena;
    struct ft_error error = {""};
    small_init(&s);
    arena_init(&arena);
    struct token tokens[2] = {s.sentences.at[0].tokens[0], s.sentences.at[0].tokens[1]};
    tokens[0].space_after = false; /* counts only where the text is not tokenised */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lm lm = s.tagger->members[1].lm;
        struct char_sequence sequence;
        ck_assert_uint_eq(lm.delimiter_length, 1);
        lm.forward = cases[i].forward;
        lm.with_whitespace = cases[i].with_whitespace;
        lm.tokenized = cases[i].tokenized;
        ck_assert_int_eq(lm_sequence(&lm, tokens, 2, 10, &arena, &sequence, &error), FT_OK);
        ck_assert_msg(sequence.length == cases[i].length && sequence.row_count == 2, "case %zu: length %u", i,
                      sequence.length);
        for (int k = 0; k < 2; k++)
            ck_assert_msg(sequence.steps[k] == cases[i].steps[k] && sequence.rows[k] == cases[i].rows[k],
                          "case %zu: step %u to row %u, should be %u to %u", i, sequence.steps[k], sequence.rows[k],
                          cases[i].steps[k], cases[i].rows[k]);
        uint32_t first = characters_id(&lm.characters, cases[i].forward ? 'a' : 'c');
        ck_assert_uint_eq(sequence.ids[0], characters_id(&lm.characters, '\n'));
        ck_assert_uint_eq(sequence.ids[1], first);
        ck_assert_uint_eq(sequence.ids[sequence.length - 1], characters_id(&lm.characters, ' '));
    }
    arena_release(&arena);
    small_release(&s);
}
END_TEST

int main(void)
{
    test_add(every_way_of_gathering_gives_the_same_vectors, NULL);
    test_add(narrow_word_vectors_are_widened_into_the_batch, NULL);
    test_add(bytes_are_those_computed_by_hand, NULL);
    test_add(a_budget_is_kept_to_the_byte, NULL);
    test_add(an_earlier_one_of_equal_words_gets_the_vector_at_its_place_by_length, NULL);
    test_add(one_hot_embeddings_look_up_the_token_as_it_is, NULL);
    test_add(tokens_read_the_steps_worked_out_by_hand, NULL);
    return test_run("embedder");
}
