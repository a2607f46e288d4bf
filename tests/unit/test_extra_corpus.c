/* Sentences of other files behind a corpus's own: rules, what labels become, what is refused, and runs that learn from
 * them. */
#include "harness.h"
#include "run/extra_corpus.h"
#include "training_scene.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A corpus, its tags, and an extra file beside it. */
struct sample {
    struct scratch scratch;
    struct corpus_options reading;
    struct corpus corpus;
    struct tag_set tags;
    struct arena arena;
};

static const char own[] = "Ann B-person\nmet O\nBob B-person\nLee I-person\n\n"
                          "Orvid B-firm\nbought O\nNew B-club\nLeaf I-club\nRow I-club\n\n"
                          "in O\nOslo B-place\n\n";

static void sample_open(struct sample *sample, enum flair_era era, enum scheme scheme, bool crf, const char *train)
{
    struct ft_error error = {""};
    *sample = (struct sample){0};
    scratch_init(&sample->scratch);
    arena_init(&sample->arena);
    sample->reading = (struct corpus_options){
        .files = {scratch_file(&sample->scratch, "train"), scratch_file(&sample->scratch, "dev")},
        .era = era,
        .scheme = scheme};
    write_text(sample->reading.files[SPLIT_TRAIN], train);
    write_text(sample->reading.files[SPLIT_DEV], train);
    ck_assert_msg(corpus_open(&sample->corpus, &sample->reading, &error) == FT_OK, "%s", error.text);
    ck_assert_int_eq(tag_set_init(&sample->tags, &sample->corpus, era, scheme, crf, &error), FT_OK);
}

static void sample_close(struct sample *sample)
{
    tag_set_release(&sample->tags);
    corpus_release(&sample->corpus);
    arena_release(&sample->arena);
    scratch_release(&sample->scratch);
}

static ft_status add(struct sample *sample, const char *text, const char *labels, struct ft_error *error)
{
    const char *file = scratch_file(&sample->scratch, "extra");
    struct extra_rules rules;
    write_text(file, text);
    ck_assert_int_eq(extra_rules_parse(&rules, labels, &sample->arena, error), FT_OK);
    return extra_corpus_add(&sample->corpus, &sample->tags, &sample->reading, &file, 1, &rules, error);
}

/* The tags that a token of a sentence of train may have, in the order of the set. */
static const char *allowed(const struct sample *sample, size_t sentence, size_t token)
{
    static char text[512];
    const struct split *train = &sample->corpus.splits[SPLIT_TRAIN];
    const struct tag_choices *choices = tag_set_choices(&sample->tags);
    size_t at = 0, n = sample->tags.count;
    uint32_t gold;
    text[0] = '\0';
    ck_assert_uint_lt(sentence, train->window.count);
    ck_assert_uint_lt(token, train->window.sentences[sentence].count);
    tag_set_numbers(&sample->tags, &train->tags[sentence][token], 1, &gold);
    ck_assert_uint_lt(gold, n + (choices ? choices->count : 0));
    for (size_t j = 0; j < n; j++)
        if (tag_is_allowed(choices, n, gold, j))
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? " " : "", sample->tags.tags[j].at);
    return text;
}

START_TEST(labels_become_what_the_rules_say_and_keep_their_places)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIOES, true, own);
    size_t tags = sample.tags.count;
    ck_assert_msg(add(&sample,
                      "Tom B-PER\nEk I-PER\nof O\nNord B-ORG\nAir I-ORG\nplc I-ORG\n\n"
                      "Bern B-place\nUno B-MISC\nasks O\nYva B-ORG\n\nwhy O\n\n",
                      "PER=person,ORG=firm|club,MISC=*", &error) == FT_OK,
                  "%s", error.text);
    const struct split *train = &sample.corpus.splits[SPLIT_TRAIN];
    ck_assert_uint_eq(sample.corpus.first_extra, 3);
    ck_assert_uint_eq(sample.corpus.train_extra, 3);
    ck_assert_uint_eq(train->window.count, 6);
    ck_assert_uint_eq(train->window.tokens, 11 + 11);
    ck_assert_uint_eq(sample.tags.count, tags);
    ck_assert_str_eq(train->window.sentences[3].tokens[1].text, "Ek");
    ck_assert_str_eq(train->gold[3][3], "B-ORG");
    ck_assert_str_eq(allowed(&sample, 0, 2), "B-person");
    ck_assert_str_eq(allowed(&sample, 3, 0), "B-person");
    ck_assert_str_eq(allowed(&sample, 3, 1), "E-person");
    ck_assert_str_eq(allowed(&sample, 3, 2), "O");
    ck_assert_str_eq(allowed(&sample, 3, 3), "B-firm B-club");
    ck_assert_str_eq(allowed(&sample, 3, 4), "I-firm I-club");
    ck_assert_str_eq(allowed(&sample, 3, 5), "E-firm E-club");
    ck_assert_str_eq(allowed(&sample, 4, 0), "S-place");
    ck_assert_str_eq(allowed(&sample, 4, 1),
                     "O S-person B-person E-person I-person S-firm B-firm E-firm I-firm S-club B-club E-club I-club "
                     "S-place B-place E-place I-place");
    ck_assert_str_eq(allowed(&sample, 4, 3), "S-firm S-club");
    ck_assert_uint_eq(sample.tags.choices.count, 5); /* equal sets are one */
    sample_close(&sample);
}
END_TEST

START_TEST(tokens_without_a_label_may_be_anywhere_in_a_mention_and_mentions_may_be_none)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIO, false, own);
    ck_assert_int_eq(add(&sample, "why O\nUno B-MISC\nDos I-MISC\nYva B-ORG\n\n", "O=O|club,MISC=O,ORG=firm|O", &error),
                     FT_OK);
    ck_assert_str_eq(allowed(&sample, 3, 0), "O B-club I-club");
    ck_assert_str_eq(allowed(&sample, 3, 1), "O");
    ck_assert_str_eq(allowed(&sample, 3, 2), "O");
    ck_assert_str_eq(allowed(&sample, 3, 3), "O B-firm");
    sample_close(&sample);
}
END_TEST

START_TEST(labels_of_tokens_have_rules_of_their_own)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIOES, true, "she PRON\nran VBD\nand CC\nruns VBZ\n\n");
    ck_assert_int_eq(add(&sample, "it PRON\nwas VERB\nthat X\n\n", "VERB=VBD|VBZ,X=*", &error), FT_OK);
    ck_assert_str_eq(allowed(&sample, 1, 0), "PRON");
    ck_assert_str_eq(allowed(&sample, 1, 1), "VBD VBZ");
    ck_assert_str_eq(allowed(&sample, 1, 2), "PRON VBD CC VBZ");
    const struct tag_choices *choices = tag_set_choices(&sample.tags);
    size_t n = sample.tags.count, start = tag_set_number(&sample.tags, "<START>");
    for (size_t to = 0; to < n; to++)
        ck_assert_int_eq(choices->follows[to * n + start], to != start);
    sample_close(&sample);
}
END_TEST

START_TEST(paths_have_whole_spans_of_one_type)
{
    static const struct {
        enum scheme scheme;
        const char *from, *to;
        bool follows;
    } steps[] = {
        {SCHEME_BIOES, "B-firm", "I-firm", true},   {SCHEME_BIOES, "B-firm", "E-firm", true},
        {SCHEME_BIOES, "B-firm", "E-club", false},  {SCHEME_BIOES, "B-firm", "O", false},
        {SCHEME_BIOES, "I-firm", "<STOP>", false},  {SCHEME_BIOES, "E-firm", "<STOP>", true},
        {SCHEME_BIOES, "<START>", "I-firm", false}, {SCHEME_BIOES, "<START>", "S-firm", true},
        {SCHEME_BIOES, "S-firm", "E-firm", false},  {SCHEME_BIOES, "O", "B-club", true},
        {SCHEME_BIOES, "O", "<START>", false},      {SCHEME_BIOES, "<STOP>", "O", false},
        {SCHEME_BIO, "B-firm", "O", true},          {SCHEME_BIO, "B-firm", "I-club", false},
        {SCHEME_BIO, "I-firm", "B-firm", true},     {SCHEME_BIO, "O", "I-firm", false},
        {SCHEME_BIO, "I-club", "<STOP>", true},     {SCHEME_BIO, "<START>", "I-club", false},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct sample sample;
        sample_open(&sample, LIKE_FLAIR_0_15, steps[i].scheme, true, own);
        size_t n = sample.tags.count, to = tag_set_number(&sample.tags, steps[i].to);
        size_t from = tag_set_number(&sample.tags, steps[i].from);
        ck_assert_msg(to < n && from < n && sample.tags.choices.follows[to * n + from] == steps[i].follows,
                      "%s behind %s", steps[i].to, steps[i].from);
        sample_close(&sample);
    }
}
END_TEST

static void check_refused(const char *text, const char *labels, ft_status status, const char *message)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIOES, true, own);
    ck_assert_int_eq(add(&sample, text, labels, &error), status);
    ck_assert_msg(strstr(error.text, message), "'%s' is not in: %s", message, error.text);
    sample_close(&sample);
}

START_TEST(types_that_the_model_does_not_know_are_refused)
{
    check_refused("so O\n\nOslo B-LOC\n\n", NULL, FT_INPUT,
                  "extra:3: 'LOC' is none of the model's types, person, firm, club, place: --extra-labels wants a rule "
                  "for it (LOC=TYPE|TYPE, or LOC=* where it can be anything)");
    check_refused("Oslo B-LOC\n\n", "LOC=town", FT_USAGE,
                  "LOC=town, but the model's types are person, firm, club, place");
    check_refused("Oslo B-LOC\n\n", "LOC=<START>", FT_USAGE, "LOC=<START>");
    check_refused("Oslo B-LOC\n\n", "ORG=firm|club", FT_INPUT, "'LOC' is none");
    check_refused("\n\n", NULL, FT_INPUT, "no sentence in it");
    check_refused("she PRON\n\n", NULL, FT_INPUT, "labels of single tokens");
}
END_TEST

START_TEST(rules_are_types_and_what_they_may_be)
{
    static const char *const bad[] = {"",       "PER",      "=person", "PER=",   "PER=a,",       ",PER=a",
                                      "A=b=c",  "PER=a||b", "PER=|a",  "PER=a|", "PER=*|person", "PER=person|*",
                                      "A=b,A=c"};
    struct arena arena;
    struct extra_rules rules;
    struct ft_error error;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(extra_rules_parse(&rules, bad[i], &arena, &error) == FT_USAGE, "'%s'", bad[i]);
    ck_assert_int_eq(extra_rules_parse(&rules, NULL, &arena, &error), FT_OK);
    ck_assert_uint_eq(rules.count, 0);
    ck_assert_int_eq(extra_rules_parse(&rules, "creative-work=a b|c,X=*,O=O", &arena, &error), FT_OK);
    ck_assert_uint_eq(rules.count, 3);
    ck_assert_str_eq(rules.rules[0].type, "creative-work");
    ck_assert_uint_eq(rules.rules[0].count, 2);
    ck_assert_str_eq(rules.rules[0].alternatives[0], "a b");
    ck_assert_str_eq(rules.rules[0].alternatives[1], "c");
    ck_assert(!rules.rules[0].anything && rules.rules[1].anything && !rules.rules[2].anything);
    arena_release(&arena);
}
END_TEST

/* In 0.4 there are only tags that the corpus has: none for the middle of a long person, and no S-club. */
START_TEST(sentences_that_the_tags_cannot_write_are_left_out)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_4, SCHEME_BIOES, true, own);
    ck_assert_int_eq(
        add(&sample, "Ann B-PER\n\nAnn B-PER\nLee I-PER\nPoe I-PER\n\nAnn B-PER\nasks O\n\nNord B-ORG\nAir I-ORG\n\n",
            "PER=person,ORG=firm|club,O=club", &error),
        FT_OK);
    ck_assert_uint_eq(sample.corpus.train_extra, 2);
    ck_assert_str_eq(allowed(&sample, 3, 0), "S-person");
    ck_assert_str_eq(allowed(&sample, 4, 0), "B-club");
    ck_assert_uint_ge(sample.corpus.note_count, 1);
    const char *note = sample.corpus.notes[sample.corpus.note_count - 1];
    ck_assert_msg(strstr(note, "2 extra sentences are left out") && strstr(note, "extra:3)"), "%s", note);
    sample_close(&sample);
}
END_TEST

START_TEST(names_of_choices_are_no_tags_of_files)
{
    struct sample sample;
    struct ft_error error = {""};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIOES, true, own);
    ck_assert_int_eq(add(&sample, "Oslo B-X\n\n", "X=place|club", &error), FT_OK);
    const char *name = sample.corpus.splits[SPLIT_TRAIN].tags[3][0];
    ck_assert_ptr_nonnull(strchr(name, '\n'));
    ck_assert_uint_eq(tag_set_number(&sample.tags, name), sample.tags.count);
    sample_close(&sample);
}
END_TEST

static const char extra[] = "w6 B-NAME\nsleeps O\n\nin O\nw16 B-NAME\nw17 I-NAME\n\nw7 B-PER\nw8 I-PER\nwaits O\n\n"
                            "w50 O\nw51 O\n\n";

enum { EXTRA = 4, OWN = 11 };

/* What a run did: losses of batches and final weights. */
struct history {
    size_t batches, tokens[64];
    double losses[64];
    float *weights;
    size_t floats;
};

static struct history finish(struct trainer *trainer)
{
    struct history history = {.floats = trainer_network(trainer)->parameters.floats};
    while (!trainer_state(trainer)->finished) {
        ck_assert_uint_lt(history.batches, 64);
        history.losses[history.batches] = scene_batch(trainer).batch_loss;
        ck_assert(isfinite(history.losses[history.batches]));
        history.tokens[history.batches++] = trainer_batch_tokens(trainer);
    }
    history.weights = scene_vector(trainer, VECTOR_WEIGHTS);
    trainer_free(trainer);
    return history;
}

static bool is_end_of(const struct history *rest, const struct history *whole)
{
    return rest->batches <= whole->batches &&
           !memcmp(rest->losses, whole->losses + (whole->batches - rest->batches),
                   rest->batches * sizeof *rest->losses) &&
           !memcmp(rest->weights, whole->weights, whole->floats * sizeof *rest->weights);
}

/* Persons and places may be meant by NAME; the row store is made anew. */
static void scene_add_extra(struct training_scene *scene, bool crf, size_t threads)
{
    struct ft_error error = {""};
    struct extra_rules rules;
    struct corpus_options reading = {.era = LIKE_FLAIR_0_15, .scheme = SCHEME_BIOES};
    struct trainer_options all = {.monitor_test = true};
    struct row_store_options keeping = {.mode = STORAGE_CPU};
    size_t count;
    training_scene_init(scene, LIKE_FLAIR_0_15, crf, PRECISION_F32, threads);
    const char *file = scratch_file(&scene->scratch, "extra");
    write_text(file, extra);
    ck_assert_int_eq(extra_rules_parse(&rules, "NAME=PER|LOC,O=O|LOC", &scene->arena, &error), FT_OK);
    ck_assert_msg(extra_corpus_add(&scene->corpus, &scene->tags, &reading, &file, 1, &rules, &error) == FT_OK, "%s",
                  error.text);
    row_store_free(scene->rows);
    const struct sentence **sentences = trainer_sentences(&scene->corpus, &all, &scene->arena, &count);
    ck_assert_int_eq(
        row_store_new(&scene->rows, scene->stack.tagger, scene->backend, &keeping, sentences, count, NULL, &error),
        FT_OK);
}

START_TEST(runs_with_extra_sentences_have_the_same_bits_for_any_threads)
{
    for (int crf = 0; crf < 2; crf++) {
        struct history runs[3];
        for (size_t i = 0; i < 3; i++) {
            struct training_scene scene;
            struct trainer_options options = scene_options;
            options.crf = crf;
            scene_add_extra(&scene, crf, i + 1);
            runs[i] = finish(scene_trainer(&scene, &options));
            training_scene_release(&scene);
            ck_assert_uint_eq(runs[i].batches, 3 * ((OWN + EXTRA) / 3));
            ck_assert_msg(is_end_of(&runs[i], &runs[0]), "%zu threads", i + 1);
        }
        for (size_t i = 0; i < 3; i++)
            free(runs[i].weights);
    }
}
END_TEST

START_TEST(only_the_first_epochs_read_extra_sentences_and_a_run_goes_on_from_any_batch)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.extra_epochs = 2;
    options.max_epochs = 4;
    scene_add_extra(&scene, true, 2);
    struct history whole = finish(scene_trainer(&scene, &options));
    size_t with = (OWN + EXTRA) / 3, without = (OWN + 2) / 3, tokens[4] = {0};
    ck_assert_uint_eq(whole.batches, 2 * with + 2 * without);
    for (size_t i = 0; i < whole.batches; i++)
        tokens[i < 2 * with ? i / with : 2 + (i - 2 * with) / without] += whole.tokens[i];
    const struct window *train = &scene.corpus.splits[SPLIT_TRAIN].window;
    size_t own_tokens = 0;
    for (size_t i = 0; i < OWN; i++)
        own_tokens += train->sentences[i].count;
    for (size_t e = 0; e < 4; e++)
        ck_assert_uint_eq(tokens[e], e < 2 ? train->tokens : own_tokens);
    struct trainer *trainer = scene_trainer(&scene, &options);
    for (size_t stop = 0; stop <= whole.batches; stop++) {
        struct ft_error error = {""};
        const float *vectors[TRAINER_VECTORS];
        for (int v = 0; v < TRAINER_VECTORS; v++)
            vectors[v] = scene_vector(trainer, (enum trainer_vector)v);
        struct trainer *copy = scene_trainer(&scene, &options);
        ck_assert_msg(trainer_resume(copy, trainer_state(trainer), vectors, &error) == FT_OK, "%s", error.text);
        struct history rest = finish(copy);
        ck_assert_msg(rest.batches == whole.batches - stop && is_end_of(&rest, &whole), "from batch %zu on", stop);
        free(rest.weights);
        for (int v = 0; v < TRAINER_VECTORS; v++)
            free((void *)vectors[v]);
        scene_batch(trainer);
    }
    trainer_free(trainer);
    free(whole.weights);
    training_scene_release(&scene);
}
END_TEST

/* Behind train lie the extra sentences, and dev behind these: all are read, but for extra ones later. */
START_TEST(training_with_dev_reads_dev_in_every_epoch)
{
    struct training_scene scene;
    struct trainer_options options = scene_options;
    options.extra_epochs = 1;
    options.max_epochs = 2;
    options.train_with_dev = true;
    options.batch = OWN + EXTRA + 3;
    scene_add_extra(&scene, true, 1);
    struct history run = finish(scene_trainer(&scene, &options));
    const struct split *splits = scene.corpus.splits;
    size_t tokens = splits[SPLIT_DEV].window.tokens;
    for (size_t i = 0; i < OWN; i++)
        tokens += splits[SPLIT_TRAIN].window.sentences[i].count;
    ck_assert_uint_eq(run.batches, 2);
    ck_assert_uint_eq(run.tokens[0], splits[SPLIT_TRAIN].window.tokens + splits[SPLIT_DEV].window.tokens);
    ck_assert_uint_eq(run.tokens[1], tokens);
    free(run.weights);
    training_scene_release(&scene);
}
END_TEST

int main(void)
{
    test_add(labels_become_what_the_rules_say_and_keep_their_places, NULL);
    test_add(tokens_without_a_label_may_be_anywhere_in_a_mention_and_mentions_may_be_none, NULL);
    test_add(labels_of_tokens_have_rules_of_their_own, NULL);
    test_add(paths_have_whole_spans_of_one_type, NULL);
    test_add(types_that_the_model_does_not_know_are_refused, NULL);
    test_add(rules_are_types_and_what_they_may_be, NULL);
    test_add(sentences_that_the_tags_cannot_write_are_left_out, NULL);
    test_add(names_of_choices_are_no_tags_of_files, NULL);
    test_add(runs_with_extra_sentences_have_the_same_bits_for_any_threads, NULL);
    test_add(only_the_first_epochs_read_extra_sentences_and_a_run_goes_on_from_any_batch, NULL);
    test_add(training_with_dev_reads_dev_in_every_epoch, NULL);
    return test_run("extra-corpus");
}
