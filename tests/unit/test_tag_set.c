/* test_tag_set.c - the numbers of tags in both eras: the training goldens, order, ties, and what is unknown. */
#include "harness.h"
#include "base/input.h"
#include "run/tag_set.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One sentence after the other, tags with blanks between them. Train, and as dev another. */
struct sample {
    struct corpus corpus;
    char files[2][64];
};

static void sample_open(struct sample *sample, enum flair_era era, enum scheme scheme, const char *const *train,
                        const char *const *dev)
{
    const char *const *const sentences[] = {train, dev};
    for (int split = 0; split < 2; split++) {
        strcpy(sample->files[split], "/tmp/flairtag-tags-XXXXXX");
        FILE *file = fdopen(mkstemp(sample->files[split]), "w");
        ck_assert_ptr_nonnull(file);
        for (const char *const *sentence = sentences[split]; *sentence; sentence++) {
            fputs("w\t", file);
            for (const char *at = *sentence; *at; at++)
                fputs(*at == ' ' ? "\nw\t" : (char[]){*at, '\0'}, file);
            fputs("\n\n", file);
        }
        ck_assert_int_eq(fclose(file), 0);
    }
    struct corpus_options options = {.files = {sample->files[0], sample->files[1]}, .era = era, .scheme = scheme};
    struct ft_error error = {""};
    ft_status status = corpus_open(&sample->corpus, &options, &error);
    unlink(sample->files[0]);
    unlink(sample->files[1]);
    ck_assert_msg(status == FT_OK, "%s", error.text);
}

static const char *set_as_text(const struct tag_set *set)
{
    static char text[4096];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < set->count; i++) {
        uint32_t number = UINT32_MAX;
        ck_assert_uint_eq(strlen(set->tags[i].at), set->tags[i].count);
        ck_assert(map_get(&set->numbers, set->tags[i].at, set->tags[i].count, &number));
        ck_assert_uint_eq(number, i);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? " " : "", set->tags[i].at);
    }
    return text;
}

static void check_set(enum flair_era era, enum scheme scheme, bool uses_crf, const char *const *train,
                      const char *const *dev, const char *expected)
{
    struct sample sample;
    struct tag_set set;
    struct ft_error error = {""};
    sample_open(&sample, era, scheme, train, dev);
    ck_assert_int_eq(tag_set_init(&set, &sample.corpus, era, scheme, uses_crf, &error), FT_OK);
    ck_assert_str_eq(set_as_text(&set), expected);
    tag_set_release(&set);
    corpus_release(&sample.corpus);
}

static const char *const TRAIN[] = {"B-Z B-A I-A", "B-M O B-B I-B", "B-A B-B B-C", NULL};
static const char *const DEV[] = {"B-D I-D I-D O", NULL};

START_TEST(types_come_by_number_of_spans_in_train_in_0_15)
{
    /* A and B twice, Z, M, C once: ties as they came */
    check_set(LIKE_FLAIR_0_15, SCHEME_BIO, true, TRAIN, DEV,
              "O B-A I-A B-B I-B B-Z I-Z B-M I-M B-C I-C <START> <STOP>");
    check_set(LIKE_FLAIR_0_15, SCHEME_BIOES, true, TRAIN, DEV,
              "O S-A B-A E-A I-A S-B B-B E-B I-B S-Z B-Z E-Z I-Z S-M B-M E-M I-M S-C B-C E-C I-C <START> <STOP>");
}
END_TEST

START_TEST(tags_come_as_they_appear_in_all_splits_in_0_4)
{
    check_set(LIKE_FLAIR_0_4, SCHEME_BIOES, true, TRAIN, DEV,
              "<unk> O S-Z B-A E-A S-M B-B E-B S-A S-B S-C B-D I-D E-D <START> <STOP>");
    check_set(LIKE_FLAIR_0_4, SCHEME_BIO, true, TRAIN, DEV,
              "<unk> O B-Z B-A I-A B-M B-B I-B B-C B-D I-D <START> <STOP>");
}
END_TEST

START_TEST(start_and_stop_need_a_crf_in_0_15_alone)
{
    static const char *const train[] = {"B-A", NULL};
    check_set(LIKE_FLAIR_0_15, SCHEME_BIO, false, train, train, "O B-A I-A");
    check_set(LIKE_FLAIR_0_4, SCHEME_BIO, false, train, train, "<unk> O B-A <START> <STOP>");
}
END_TEST

START_TEST(labels_of_tokens_come_by_their_number)
{
    static const char *const train[] = {"O DET NOUN", "O O VERB", "NOUN NOUN NOUN", NULL};
    static const char *const dev[] = {"ADJ", NULL};
    check_set(LIKE_FLAIR_0_15, SCHEME_BIOES, true, train, dev, "NOUN O DET VERB <START> <STOP>");
    check_set(LIKE_FLAIR_0_4, SCHEME_BIOES, true, train, dev, "<unk> O DET NOUN VERB ADJ <START> <STOP>");
    /* a sentence's tokens without a label come after its labels */
    static const char *const tie[] = {"O DET", NULL};
    check_set(LIKE_FLAIR_0_15, SCHEME_BIOES, true, tie, dev, "DET O <START> <STOP>");
}
END_TEST

START_TEST(a_type_that_train_lacks_has_number_0)
{
    struct sample sample;
    struct tag_set set;
    struct ft_error error;
    uint32_t ids[4] = {9, 9, 9, 9};
    sample_open(&sample, LIKE_FLAIR_0_15, SCHEME_BIOES, TRAIN, DEV);
    ck_assert_int_eq(tag_set_init(&set, &sample.corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, true, &error), FT_OK);
    tag_set_numbers(&set, sample.corpus.splits[SPLIT_DEV].tags[0], 4, ids);
    for (int t = 0; t < 4; t++)
        ck_assert_uint_eq(ids[t], 0);
    ck_assert_str_eq(sample.corpus.splits[SPLIT_DEV].gold[0][0], "B-D");
    tag_set_numbers(&set, sample.corpus.splits[SPLIT_TRAIN].tags[1], 4, ids); /* S-M O B-B E-B */
    ck_assert_uint_eq(ids[0], 13);
    ck_assert_uint_eq(ids[1], 0);
    ck_assert_uint_eq(ids[2], 6);
    ck_assert_uint_eq(ids[3], 7);
    tag_set_release(&set);
    corpus_release(&sample.corpus);
}
END_TEST

START_TEST(a_corpus_without_tags_is_refused)
{
    static const char *const train[] = {"O O", NULL};
    for (int era = 0; era < 2; era++) {
        struct sample sample;
        struct tag_set set;
        struct ft_error error;
        sample_open(&sample, (enum flair_era)era, SCHEME_BIOES, train, DEV);
        ck_assert_int_eq(tag_set_init(&set, &sample.corpus, (enum flair_era)era, SCHEME_BIOES, true, &error), FT_INPUT);
        ck_assert_ptr_nonnull(strstr(error.text, ": no tag but O"));
        corpus_release(&sample.corpus);
    }
}
END_TEST

static void check_golden(const char *folder, enum flair_era era)
{
    char path[1024], *json;
    size_t bytes;
    snprintf(path, sizeof path, "%s/case.json", shared_path(folder));
    ck_assert_int_eq(input_slurp(path, &json, &bytes, NULL), FT_OK);
    cJSON *golden = cJSON_Parse(json);
    const cJSON *about = cJSON_GetObjectItem(golden, "options"), *tags = cJSON_GetObjectItem(about, "tag_dictionary");
    ck_assert_ptr_nonnull(tags);
    snprintf(path, sizeof path, "%s/corpus", shared_path(folder));
    struct corpus_options options = {.folder = path, .era = era, .scheme = SCHEME_BIOES};
    struct corpus corpus;
    struct tag_set set;
    struct ft_error error = {""};
    ck_assert_int_eq(corpus_open(&corpus, &options, &error), FT_OK);
    ck_assert_int_eq((int)corpus.splits[SPLIT_TRAIN].window.count,
                     cJSON_GetObjectItem(about, "train_sentences")->valueint);
    ck_assert_int_eq(tag_set_init(&set, &corpus, era, SCHEME_BIOES, true, &error), FT_OK);
    ck_assert_int_eq((int)set.count, cJSON_GetArraySize(tags));
    for (size_t i = 0; i < set.count; i++)
        ck_assert_str_eq(set.tags[i].at, cJSON_GetArrayItem(tags, (int)i)->valuestring);
    tag_set_release(&set);
    corpus_release(&corpus);
    cJSON_Delete(golden);
    free(json);
}

START_TEST(the_golden_runs_have_their_dictionaries)
{
    check_golden("golden/train-tagger/v0.4.4-fwbw-crf", LIKE_FLAIR_0_4);
    check_golden("golden/train-tagger/v0.15.1-word-fwbw-crf", LIKE_FLAIR_0_15);
}
END_TEST

int main(void)
{
    test_add(types_come_by_number_of_spans_in_train_in_0_15, NULL);
    test_add(tags_come_as_they_appear_in_all_splits_in_0_4, NULL);
    test_add(start_and_stop_need_a_crf_in_0_15_alone, NULL);
    test_add(labels_of_tokens_come_by_their_number, NULL);
    test_add(a_type_that_train_lacks_has_number_0, NULL);
    test_add(a_corpus_without_tags_is_refused, NULL);
    test_add(the_golden_runs_have_their_dictionaries, shared_path("golden/train-tagger"));
    return test_run("tag_set");
}
