/* test_corpus.c - corpora of both eras: which files they are, their sentences, their tags in the model's scheme. */
#include "harness.h"
#include "base/input.h"
#include "run/corpus.h"
#include "text/evaluation.h"
#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/flairtag-corpus-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][512];
    static int used;
    char *to = path[used++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", folder, name);
    return to;
}

static void put(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* Asserts nothing, since main calls it too. */
static void empty_folder(void)
{
    DIR *listing = opendir(folder);
    for (struct dirent *entry; listing && (entry = readdir(listing));)
        if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            remove(in_folder(entry->d_name));
    if (listing)
        closedir(listing);
}

static struct corpus_options options_of(enum flair_era era, enum scheme scheme)
{
    return (struct corpus_options){.folder = folder, .era = era, .scheme = scheme, .seed = 1};
}

static void open_corpus(struct corpus *corpus, const struct corpus_options *options)
{
    struct ft_error error = {""};
    ft_status status = corpus_open(corpus, options, &error);
    ck_assert_msg(status == FT_OK, "status %d: %s", status, error.text);
}

/* The error's text, lent until the next call. */
static const char *refusal(const struct corpus_options *options)
{
    static struct ft_error error;
    struct corpus corpus;
    error.text[0] = '\0';
    ck_assert_int_eq(corpus_open(&corpus, options, &error), FT_INPUT);
    return error.text;
}

static void check_found(const char *train, const char *dev, const char *test)
{
    const char *expected[] = {train, dev, test};
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    for (int split = 0; split < SPLITS; split++) {
        ck_assert_int_eq(corpus.splits[split].file != NULL, expected[split] != NULL);
        if (expected[split])
            ck_assert_str_eq(corpus.splits[split].file, in_folder(expected[split]));
    }
    corpus_release(&corpus);
}

static const char TWO[] = "a\tB-X\n\nb\tO\n\n";

START_TEST(files_are_found_by_the_names_that_flair_knows)
{
    static const char *const sets[][3] = {{"train.conll", "dev.conll", "test.conll"},
                                          {"eng.train", "eng.testa", "eng.testb"},
                                          {"wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"},
                                          {"train.txt", "testa.txt", "mytest.txt"}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        empty_folder();
        for (int split = 0; split < SPLITS; split++)
            put(sets[i][split], TWO);
        check_found(sets[i][0], sets[i][1], sets[i][2]);
    }
}
END_TEST

START_TEST(what_is_no_corpus_by_its_name_is_passed_over)
{
    empty_folder();
    static const char *const others[] = {".train.conll",       "a-train.conll.part", "a-train.safetensors",
                                         "a-training.log",     "a.train.swp",        "a-train54019.conll",
                                         "a-dev.conll~",       "test.tsv",           "dev.tsv",
                                         "a-test-model.pt.gz", "loss.tsv",           "a-train.py"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        put(others[i], "this is\nno corpus\n");
    ck_assert_int_eq(unlink(in_folder("a-test-model.pt.gz")), 0);
    ck_assert_int_eq(mkdir(in_folder("a-train"), 0777), 0);
    put("z-train.conll", TWO);
    put("z-dev.conll", TWO);
    check_found("z-train.conll", "z-dev.conll", NULL);
    /* without a run's loss.tsv these are a corpus */
    ck_assert_int_eq(unlink(in_folder("loss.tsv")), 0);
    ck_assert_int_eq(unlink(in_folder("z-dev.conll")), 0);
    put("dev.tsv", TWO);
    put("test.tsv", TWO);
    check_found("z-train.conll", "dev.tsv", "test.tsv");
}
END_TEST

START_TEST(of_several_files_the_first_by_name_is_taken_and_noted)
{
    empty_folder();
    put("b.train", TWO);
    put("a.train", TWO);
    put("c.train", TWO);
    put("dev", TWO);
    put("b.test", TWO);
    put("a.test", TWO);
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].file, in_folder("a.train"));
    ck_assert_uint_eq(corpus.note_count, 2);
    ck_assert_str_eq(corpus.notes[0], "train is a.train, not b.train and 1 more (--train names another)");
    ck_assert_str_eq(corpus.notes[1], "test is a.test, not b.test (--test names another)");
    corpus_release(&corpus);
    put("z.testb", TWO); /* a better name than those */
    check_found("a.train", "dev", "z.testb");
}
END_TEST

START_TEST(a_gz_file_counts_where_no_plain_one_is)
{
    empty_folder();
    gzFile file = gzopen(in_folder("train.conll.gz"), "w");
    gzputs(file, "zipped\tB-X\n\nb\tO\n");
    gzclose(file);
    put("dev.conll", TWO);
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].window.sentences[0].tokens[0].text, "zipped");
    corpus_release(&corpus);
    put("train.conll", TWO);
    check_found("train.conll", "dev.conll", NULL);
}
END_TEST

START_TEST(a_dev_file_named_testa_is_no_test_file)
{
    empty_folder();
    put("eng.train", TWO);
    put("eng.testa", TWO);
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_ptr_null(corpus.splits[SPLIT_TEST].file);
    ck_assert_uint_eq(corpus.splits[SPLIT_TEST].window.count, 0);
    ck_assert_uint_eq(corpus.note_count, 1);
    ck_assert_str_eq(corpus.notes[0], "no test file: nothing is tested at the end");
    corpus_release(&corpus);
}
END_TEST

START_TEST(named_files_win_over_found_ones)
{
    empty_folder();
    put("train.conll", TWO);
    put("dev.conll", TWO);
    put("other", "named\tB-X\n\n");
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    options.files[SPLIT_TRAIN] = in_folder("other");
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].window.sentences[0].tokens[0].text, "named");
    ck_assert_str_eq(corpus.splits[SPLIT_DEV].file, in_folder("dev.conll"));
    corpus_release(&corpus);
    options.folder = NULL;
    options.files[SPLIT_DEV] = in_folder("train.conll");
    open_corpus(&corpus, &options);
    ck_assert_str_eq(corpus.splits[SPLIT_DEV].file, in_folder("train.conll"));
    corpus_release(&corpus);
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    empty_folder();
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    ck_assert_ptr_nonnull(strstr(refusal(&options), "no file for training: none has 'train' in its name"));
    put("train", "\n\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train: no sentence in it"));
    put("train", "a\nb\n\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:1: no column of tags"));
    put("train", "a\tO\n\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "one sentence cannot be train and dev"));
    put("train", "a\tO\n\n\xff\tO\n\nb\tO\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:3:1: invalid UTF-8"));
    options.files[SPLIT_TRAIN] = "/dev/null";
    ck_assert_ptr_nonnull(strstr(refusal(&options), "/dev/null: not a regular file"));
    options.files[SPLIT_TRAIN] = in_folder("nowhere");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "nowhere: No such file"));
    options.files[SPLIT_TRAIN] = NULL;
    options.folder = in_folder("nowhere");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "nowhere: cannot list the folder"));
    options.folder = NULL;
    ck_assert_ptr_nonnull(strstr(refusal(&options), "no training file"));
}
END_TEST

/* Sentence i is one token "i", tagged B-Xi. */
static void put_numbered(const char *name, size_t count)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "%zu\tB-X%zu\n\n", i, i);
    ck_assert_int_eq(fclose(file), 0);
}

/* Marks the sentences of a split and checks their order and their tags. */
static void check_numbered(const struct split *split, char *marks, char mark)
{
    long before = -1;
    size_t chars = 0;
    for (size_t i = 0; i < split->window.count; i++) {
        const struct token *token = split->window.sentences[i].tokens;
        long number = strtol(token->text, NULL, 10);
        char gold[32], tag[32];
        snprintf(gold, sizeof gold, "B-X%ld", number);
        snprintf(tag, sizeof tag, "S-X%ld", number);
        ck_assert_str_eq(split->gold[i][0], gold);
        ck_assert_str_eq(token->gold, gold);
        ck_assert_str_eq(split->tags[i][0], tag);
        ck_assert_int_gt(number, before);
        ck_assert_int_eq(marks[number], 0);
        marks[number] = mark;
        before = number;
        chars += token->chars + 1;
    }
    ck_assert_uint_eq(split->window.tokens, split->window.count);
    ck_assert_uint_eq(split->window.chars, chars);
}

static void check_drawn(size_t count, size_t dev_count, uint64_t seed, char *marks)
{
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    options.seed = seed;
    put_numbered("train.conll", count);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert(corpus.dev_from_train);
    ck_assert_ptr_null(corpus.splits[SPLIT_DEV].file);
    ck_assert_uint_eq(corpus.splits[SPLIT_DEV].window.count, dev_count);
    ck_assert_uint_eq(corpus.splits[SPLIT_TRAIN].window.count, count - dev_count);
    memset(marks, 0, count + 1);
    check_numbered(&corpus.splits[SPLIT_TRAIN], marks, 't');
    check_numbered(&corpus.splits[SPLIT_DEV], marks, 'd');
    ck_assert_uint_eq(strlen(marks), count);
    char note[600];
    snprintf(note, sizeof note, "no dev file: %zu of %zu sentences of %s are dev, drawn by the seed", dev_count, count,
             in_folder("train.conll"));
    ck_assert_str_eq(corpus.notes[0], note);
    corpus_release(&corpus);
}

START_TEST(without_a_dev_file_a_tenth_of_train_is_drawn_by_the_seed)
{
    empty_folder();
    char marks[100], again[100], other[100];
    check_drawn(2, 1, 7, marks);
    check_drawn(5, 1, 7, marks);
    check_drawn(15, 2, 7, marks); /* Python: round(1.5) == round(2.5) == 2 */
    check_drawn(25, 2, 7, marks);
    check_drawn(26, 3, 7, marks);
    check_drawn(80, 8, 7, marks);
    check_drawn(80, 8, 7, again);
    check_drawn(80, 8, 8, other);
    ck_assert_str_eq(marks, again);
    ck_assert_str_ne(marks, other);
}
END_TEST

/* The tags of all sentences of a split, blanks between tokens, a bar between sentences. */
static const char *joined(const struct split *split, const char ***tags)
{
    static char text[4096];
    size_t at = 0;
    text[0] = '\0';
    for (size_t i = 0; i < split->window.count; i++)
        for (size_t t = 0; t < split->window.sentences[i].count; t++)
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", t ? " " : i ? "|" : "", tags[i][t]);
    return text;
}

/* Two columns, TAB between. tags: blanks between tokens, a bar between sentences. */
static void put_tags(const char *name, const char *tags)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs("w\t", file);
    for (; *tags; tags++)
        fputs(*tags == ' ' ? "\nw\t" : *tags == '|' ? "\n\nw\t" : (char[]){*tags, '\0'}, file);
    fputs("\n", file);
    ck_assert_int_eq(fclose(file), 0);
}

static void check_tags(enum flair_era era, enum scheme scheme, const char *file, const char *expected)
{
    empty_folder();
    put_tags("train", file);
    put_tags("dev", file);
    struct corpus_options options = options_of(era, scheme);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    for (int split = 0; split < SPLIT_TEST; split++) {
        const char *found = joined(&corpus.splits[split], corpus.splits[split].tags);
        ck_assert_msg(!strcmp(found, expected), "%s became %s, expected %s", file, found, expected);
        ck_assert_str_eq(joined(&corpus.splits[split], corpus.splits[split].gold), file);
    }
    corpus_release(&corpus);
}

START_TEST(tags_of_every_scheme_become_those_of_the_model)
{
    static const char BIOES[] = "S-A B-B I-B E-B|O S-B S-B O", BIO[] = "B-A B-B I-B I-B|O B-B B-B O";
    static const char *const files[] = {BIOES, BIO, "I-A I-B I-B I-B|O I-B B-B O"};
    for (size_t i = 0; i < 3; i++) {
        check_tags(LIKE_FLAIR_0_15, SCHEME_BIOES, files[i], BIOES);
        check_tags(LIKE_FLAIR_0_15, SCHEME_BIO, files[i], BIO);
    }
    for (size_t i = 1; i < 3; i++) {
        check_tags(LIKE_FLAIR_0_4, SCHEME_BIOES, files[i], BIOES);
        check_tags(LIKE_FLAIR_0_4, SCHEME_BIO, files[i], BIO);
    }
    /* what is malformed: each era in its way */
    check_tags(LIKE_FLAIR_0_15, SCHEME_BIOES, "B-A I-B E-C", "S-A B-B E-B");
    check_tags(LIKE_FLAIR_0_4, SCHEME_BIOES, "B-A-B I-B O", "B-A-B E-B O");
    check_tags(LIKE_FLAIR_0_4, SCHEME_BIO, "B-A-B I-B O", "B-A-B I-B O");
}
END_TEST

START_TEST(what_flair_0_4_refuses_is_refused_with_its_place)
{
    empty_folder();
    struct corpus_options options = options_of(LIKE_FLAIR_0_4, SCHEME_BIOES);
    put_tags("dev", "B-A");
    put_tags("train", "B-A|O E-A");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:4: tag 'E-A' is neither IOB1 nor BIO"));
    options.scheme = SCHEME_BIO;
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:4: tag 'E-A' is neither IOB1 nor BIO"));
    put("train", "a\tB-A\n\nb\nc\tO\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:3: no tag in column 2"));
    put("train", "a\tB-A\n\n\tO\nb\tO\n");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:4: a line of this sentence has an empty token"));
    put("train", "a B-A\n\n# comment\nc O\n"); /* no version of that time knew comments unless told */
    ck_assert_ptr_nonnull(strstr(refusal(&options), "train:3: tag 'comment'"));
}
END_TEST

START_TEST(a_sentence_with_a_missing_tag_loses_its_spans_in_0_15)
{
    empty_folder();
    put("train", "a\tB-A\n\nb\tB-A\nc\n\n");
    put("dev", "a\tB-A\n");
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(joined(&corpus.splits[SPLIT_TRAIN], corpus.splits[SPLIT_TRAIN].tags), "S-A|O O");
    corpus_release(&corpus);
}
END_TEST

START_TEST(the_last_column_has_the_tags_unless_another_is_named)
{
    empty_folder();
    put("train", "-DOCSTART- -X- -X- O\n\n# a comment\n\nEU NNP I-NP I-ORG\n\n");
    put("dev", "x Y B-Z\n");
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(joined(&corpus.splits[SPLIT_TRAIN], corpus.splits[SPLIT_TRAIN].tags), "O|S-ORG");
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].window.sentences[0].tokens[0].text, "-DOCSTART-");
    ck_assert_uint_eq(corpus.splits[SPLIT_TRAIN].window.tokens, 2);
    ck_assert_str_eq(joined(&corpus.splits[SPLIT_DEV], corpus.splits[SPLIT_DEV].tags), "S-Z");
    corpus_release(&corpus);
    put("train", "x I-NP EU NNP\n");
    put("dev", "x I-NP EU NNP\n");
    options.token_column = 3;
    options.tag_column = 2;
    open_corpus(&corpus, &options);
    ck_assert_str_eq(joined(&corpus.splits[SPLIT_TRAIN], corpus.splits[SPLIT_TRAIN].tags), "S-NP");
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].window.sentences[0].tokens[0].text, "EU");
    corpus_release(&corpus);
}
END_TEST

START_TEST(labels_of_tokens_are_left_as_they_are)
{
    static const char LABELS[] = "DET NOUN|O VERB O NOUN";
    for (int era = 0; era < 2; era++)
        for (int scheme = 0; scheme < 2; scheme++)
            check_tags((enum flair_era)era, (enum scheme)scheme, LABELS, LABELS);
    struct corpus_options options = options_of(LIKE_FLAIR_0_15, SCHEME_BIOES);
    struct corpus corpus;
    open_corpus(&corpus, &options);
    ck_assert(corpus.token_labels);
    corpus_release(&corpus);
    put_tags("train", "B-A");
    ck_assert_ptr_nonnull(strstr(refusal(&options), "dev: tags are labels of single tokens"));
    options.era = LIKE_FLAIR_0_4;
    ck_assert_ptr_nonnull(strstr(refusal(&options), "dev:1: tag 'DET' is neither IOB1 nor BIO"));
}
END_TEST

/* Spans that evaluation counts when the gold tags are compared with what the model would have learned. */
static struct tally counted(const struct split *split, enum span_rule rule)
{
    struct evaluation evaluation;
    struct ft_error error = {""};
    evaluation_init(&evaluation, rule);
    for (size_t i = 0; i < split->window.count; i++) {
        ft_status status =
            evaluation_add(&evaluation, &split->window.sentences[i], split->gold[i], split->tags[i], &error);
        ck_assert_msg(status == FT_OK, "%s", error.text);
    }
    struct tally spans = evaluation.spans;
    evaluation_release(&evaluation);
    return spans;
}

START_TEST(gold_tags_are_what_evaluation_wants)
{
    static const char FILE_TAGS[] = "I-A I-B B-B O|O B-C I-C|I-A";
    for (int era = 0; era < 2; era++)
        for (int scheme = 0; scheme < 2; scheme++) {
            empty_folder();
            put_tags("train", FILE_TAGS);
            put_tags("dev", FILE_TAGS);
            struct corpus_options options = options_of((enum flair_era)era, (enum scheme)scheme);
            struct corpus corpus;
            open_corpus(&corpus, &options);
            struct tally spans = counted(&corpus.splits[SPLIT_DEV], era ? SPANS_FLAIR_NEW : SPANS_FLAIR_OLD);
            ck_assert_uint_eq(spans.gold, 5);
            ck_assert_uint_eq(spans.predicted, 5);
            ck_assert_uint_eq(spans.correct, 5);
            corpus_release(&corpus);
        }
}
END_TEST

/* Where a corpus is not what 0.4.4 reads, on purpose: a last sentence without blank line is converted, a column without
 * any prefix has labels of tokens, and a file without a sentence is refused. */
static bool differs(const char *name)
{
    static const char *const names[] = {"last-sentence-newline-but-no-blank",
                                        "one-token-no-newline",
                                        "wnut-tab-blank-no-final-newline",
                                        "no-prefix-tags",
                                        "empty",
                                        "only-blank"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

static void check_old_golden(const char *case_folder, const char *name)
{
    char path[2048], *json;
    size_t bytes;
    snprintf(path, sizeof path, "%s/case.json", case_folder);
    ck_assert_int_eq(input_slurp(path, &json, &bytes, NULL), FT_OK);
    cJSON *golden = cJSON_Parse(json);
    const cJSON *version = cJSON_GetObjectItem(cJSON_GetObjectItem(golden, "versions"), "0.4.4");
    const cJSON *outcome = cJSON_GetObjectItem(version, "default");
    ck_assert_ptr_nonnull(outcome);
    const cJSON *sentence = cJSON_GetObjectItem(outcome, "sentences");
    snprintf(path, sizeof path, "%s/raw.txt", case_folder);
    struct corpus_options options = {.files = {path, path, path}, .era = LIKE_FLAIR_0_4, .scheme = SCHEME_BIOES};
    const cJSON *column;
    cJSON_ArrayForEach(column, cJSON_GetObjectItem(golden, "columns")) if (!strcmp(column->valuestring, "ner"))
        options.tag_column = atoi(column->string) + 1;
    struct corpus corpus;
    struct ft_error error = {""};
    ft_status status = corpus_open(&corpus, &options, &error);
    ck_assert_msg(status == (sentence ? FT_OK : FT_INPUT), "%s: status %d %s", name, status, error.text);
    if (!status) {
        const struct split *dev = &corpus.splits[SPLIT_DEV];
        ck_assert_int_eq(cJSON_GetArraySize(sentence), (int)dev->window.count);
        sentence = sentence->child;
        for (size_t i = 0; i < dev->window.count; i++, sentence = sentence->next) {
            const cJSON *tokens = cJSON_GetObjectItem(sentence, "tokens"),
                        *tags = cJSON_GetObjectItem(sentence, "tags");
            ck_assert_int_eq(cJSON_GetArraySize(tokens), (int)dev->window.sentences[i].count);
            for (size_t t = 0; t < dev->window.sentences[i].count; t++) {
                ck_assert_str_eq(cJSON_GetArrayItem(tokens, (int)t)->valuestring,
                                 dev->window.sentences[i].tokens[t].text);
                ck_assert_str_eq(cJSON_GetArrayItem(tags, (int)t)->valuestring, dev->tags[i][t]);
            }
        }
        corpus_release(&corpus);
    }
    cJSON_Delete(golden);
    free(json);
}

START_TEST(goldens_are_read_as_flair_0_4_reads_them)
{
    const char *root = shared_path("golden/reader");
    DIR *listing = opendir(root);
    ck_assert_ptr_nonnull(listing);
    int cases = 0;
    for (struct dirent *entry; (entry = readdir(listing));) {
        char path[1024];
        if (entry->d_name[0] == '.' || differs(entry->d_name))
            continue;
        snprintf(path, sizeof path, "%s/%s", root, entry->d_name);
        check_old_golden(path, entry->d_name);
        cases++;
    }
    closedir(listing);
    ck_assert_int_ge(cases, 14);
}
END_TEST

static void check_counts(const char *corpus_folder, enum flair_era era, const size_t (*expected)[3])
{
    struct corpus_options options = {.folder = corpus_folder, .era = era, .scheme = SCHEME_BIOES};
    struct corpus corpus;
    open_corpus(&corpus, &options);
    for (int split = 0; split < SPLITS; split++) {
        const struct split *s = &corpus.splits[split];
        ck_assert_uint_eq(s->window.count, expected[split][0]);
        ck_assert_uint_eq(s->window.tokens, expected[split][1]);
        struct tally spans = counted(s, era == LIKE_FLAIR_0_4 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW);
        ck_assert_uint_eq(spans.gold, expected[split][2]);
        ck_assert_uint_eq(spans.correct, expected[split][2]);
    }
    ck_assert_uint_eq(corpus.note_count, 0);
    corpus_release(&corpus);
}

START_TEST(public_corpora_have_their_published_counts)
{
    static const size_t wnut[][3] = {{3394, 62730, 1975}, {1009, 15733, 836}, {1287, 23394, 1079}};
    static const size_t wikigold[][3] = {{1384, 32533, 2995}, {195, 4116, 317}, {117, 2358, 246}};
    static const size_t btc[][3] = {{4600, 75770, 5356}, {300, 5719, 773}, {300, 5354, 703}};
    for (int era = 0; era < 2; era++) {
        check_counts(shared_path("data/wnut17"), (enum flair_era)era, wnut);
        check_counts(shared_path("data/ner/wikigold"), (enum flair_era)era, wikigold);
        check_counts(shared_path("data/ner/btc"), (enum flair_era)era, btc);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(files_are_found_by_the_names_that_flair_knows, NULL);
    test_add(what_is_no_corpus_by_its_name_is_passed_over, NULL);
    test_add(of_several_files_the_first_by_name_is_taken_and_noted, NULL);
    test_add(a_gz_file_counts_where_no_plain_one_is, NULL);
    test_add(a_dev_file_named_testa_is_no_test_file, NULL);
    test_add(named_files_win_over_found_ones, NULL);
    test_add(what_is_missing_is_named, NULL);
    test_add(without_a_dev_file_a_tenth_of_train_is_drawn_by_the_seed, NULL);
    test_add(tags_of_every_scheme_become_those_of_the_model, NULL);
    test_add(what_flair_0_4_refuses_is_refused_with_its_place, NULL);
    test_add(a_sentence_with_a_missing_tag_loses_its_spans_in_0_15, NULL);
    test_add(the_last_column_has_the_tags_unless_another_is_named, NULL);
    test_add(labels_of_tokens_are_left_as_they_are, NULL);
    test_add(gold_tags_are_what_evaluation_wants, NULL);
    test_add(goldens_are_read_as_flair_0_4_reads_them, shared_path("golden/reader"));
    test_add(public_corpora_have_their_published_counts, shared_path("data/ner/btc"));
    int failed = test_run("corpus");
    empty_folder();
    rmdir(folder);
    return failed;
}
