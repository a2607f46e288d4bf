/* Texts for language models: which files, what is read of them by the rules of each version, and the dictionary. */
#include "base/utf8.h"
#include "harness.h"
#include "numbers.h"
#include "run/text_dictionary.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static char folder[64];

static const char *path_of(const char *name)
{
    static char paths[16][128];
    static int used;
    char *path = paths[used++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    FILE *to = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(to);
    fputs(text, to);
    fclose(to);
}

static void put_gz(const char *name, const char *text)
{
    gzFile to = gzopen(path_of(name), "w");
    ck_assert_ptr_nonnull(to);
    gzputs(to, text);
    gzclose(to);
}

static void begin(void)
{
    snprintf(folder, sizeof folder, "/tmp/flairtag-text-XXXXXX");
    if (!mkdtemp(folder))
        ck_abort_msg("no temporary folder");
}

static void end(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* Every ASCII character has the number of its code; 0 and the others are unknown. */
static const struct characters *ascii(struct arena *arena)
{
    static char letters[128];
    struct bytes items[128] = {{"<unk>", 5}};
    struct characters *characters = arena_alloc(arena, sizeof *characters);
    for (int c = 1; c < 128; c++) {
        letters[c] = (char)c;
        items[c] = (struct bytes){&letters[c], 1};
    }
    ck_assert(characters_init(characters, items, 128, arena));
    return characters;
}

enum which { VALID = -1, TEST = -2 };

/* The text that a split (or VALID, TEST) is read as; unknown characters as '?'. The caller frees it. */
static char *read_text(const struct text_files *files, const struct text_options *options, size_t epoch, int which)
{
    struct text_corpus corpus;
    struct text_ids ids;
    struct arena arena;
    struct ft_error error = {""};
    arena_init(&arena);
    const struct characters *characters = ascii(&arena);
    ck_assert_msg(text_corpus_open(&corpus, files, options, &error) == FT_OK, "%s", error.text);
    ft_status status = which == VALID  ? text_corpus_valid(&corpus, characters, &ids, &error)
                       : which == TEST ? text_corpus_test(&corpus, characters, &ids, &error)
                                       : text_corpus_split(&corpus, epoch, (size_t)which, characters, &ids, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    ck_assert(!ids.wide);
    char *text = malloc(ids.count + 1);
    for (size_t i = 0; i < ids.count; i++)
        text[i] = text_id(&ids, i) ? (char)text_id(&ids, i) : '?';
    text[ids.count] = '\0';
    text_ids_release(&ids);
    text_corpus_release(&corpus);
    arena_release(&arena);
    return text;
}

static void expect_text(const struct text_files *files, const struct text_options *options, size_t epoch, int which,
                        const char *expected)
{
    char *text = read_text(files, options, epoch, which);
    ck_assert_str_eq(text, expected);
    free(text);
}

static const struct text_options old = {.era = LIKE_FLAIR_0_4, .forward = true, .delimiter = "\n"},
                                 new = {.era = LIKE_FLAIR_0_15, .forward = true, .delimiter = "\n"};

START_TEST(each_version_reads_lines_by_its_own_rule)
{
    begin();
    put("valid.txt", "one\r\n\ntwo\xc3\xa9\rlast");
    put("train.txt", "x\n");
    struct text_files files = {.folder = folder};
    struct text_options how = old;
    expect_text(&files, &how, 1, VALID, "one\n\ntwo?\nlast");
    how = new;
    expect_text(&files, &how, 1, VALID, "one\ntwo?\nlast\n");
    how.forward = false;
    expect_text(&files, &how, 1, VALID, "\ntsal\n?owt\neno");
    put("valid.txt", "a\nb<d><d>c<d>");
    how.delimiter = "<d>";
    how.forward = true;
    expect_text(&files, &how, 1, VALID, "a\nb<d>c<d>");
    how.forward = false;
    expect_text(&files, &how, 1, VALID, ">d<c>d<b\na");
    end();
}
END_TEST

START_TEST(a_folder_s_files_are_splits_in_ascending_order)
{
    begin();
    mkdir(path_of("train"), 0777);
    put("train/b.txt", "second\n");
    put_gz("train/a.txt.gz", "first\n");
    put("train/.hidden", "never\n");
    put_gz("valid.txt.gz", "valid\n");
    put("test.txt", "test\n");
    struct text_files files = {.folder = folder};
    expect_text(&files, &new, 1, 0, "first\n");
    expect_text(&files, &new, 1, 1, "second\n");
    expect_text(&files, &new, 2, 0, "first\n");
    expect_text(&files, &new, 1, VALID, "valid\n");
    expect_text(&files, &new, 1, TEST, "test\n");
    struct text_options shuffled = new;
    shuffled.shuffle = true;
    expect_text(&files, &shuffled, 1, 0, "first\n");
    size_t turned = 0;
    for (size_t epoch = 2; epoch < 42; epoch++) {
        char *text = read_text(&files, &shuffled, epoch, 0);
        turned += text[0] == 's';
        free(text);
    }
    ck_assert_uint_gt(turned, 8);
    ck_assert_uint_lt(turned, 32);
    end();
}
END_TEST

START_TEST(files_by_name_are_one_split_and_hold_out_the_last_lines_of_each)
{
    begin();
    put("a", "a1\na2\na3\n");
    put("b", "b1\nb2\n");
    const char *names[] = {path_of("a"), path_of("b")};
    struct text_files files = {.train = names, .train_count = 2};
    expect_text(&files, &new, 1, 0, "a1\na2\nb1\n");
    expect_text(&files, &new, 1, VALID, "a3\nb2\n");
    expect_text(&files, &new, 1, TEST, "");
    files.valid = path_of("b");
    expect_text(&files, &new, 1, 0, "a1\na2\na3\nb1\nb2\n");
    expect_text(&files, &new, 1, VALID, "b1\nb2\n");
    FILE *to = fopen(path_of("long"), "w");
    for (int i = 0; i < 10000; i++)
        fprintf(to, "%04d\n", i);
    fclose(to);
    names[0] = path_of("long");
    files = (struct text_files){.train = names, .train_count = 1};
    char *held = read_text(&files, &new, 1, VALID), *kept = read_text(&files, &new, 1, 0);
    ck_assert_uint_eq(strlen(held) + strlen(kept), 50000);
    ck_assert_uint_ge(strlen(held), 100);
    ck_assert_uint_le(strlen(held), 110);
    free(held);
    free(kept);
    end();
}
END_TEST

static int by_text(const void *left, const void *right)
{
    return memcmp(left, right, 5);
}

START_TEST(shuffled_lines_are_all_there_in_another_order_each_epoch)
{
    begin();
    FILE *to = fopen(path_of("train.txt"), "w");
    for (int i = 0; i < 500; i++)
        fprintf(to, "%04d\n", i);
    fclose(to);
    put("valid.txt", "x\n");
    struct text_files files = {.folder = folder};
    struct text_options how = new;
    char *plain = read_text(&files, &how, 1, 0);
    how.shuffle = true;
    how.seed = 4;
    char *first = read_text(&files, &how, 1, 0), *again = read_text(&files, &how, 1, 0),
         *second = read_text(&files, &how, 2, 0);
    ck_assert_str_eq(first, again);
    ck_assert_str_ne(first, second);
    ck_assert_str_ne(first, plain);
    qsort(first, 500, 5, by_text);
    qsort(second, 500, 5, by_text);
    ck_assert_str_eq(first, plain);
    ck_assert_str_eq(second, plain);
    how.forward = false;
    free(first);
    first = read_text(&files, &how, 1, 0);
    for (size_t i = 0; i < 2500; i++)
        EXPECT(first[i] == again[2499 - i], "character %zu is not that from the end", i);
    free(plain);
    free(first);
    free(again);
    free(second);
    end();
}
END_TEST

START_TEST(a_hundredth_of_lines_is_read_in_each_case)
{
    enum { LINES = 20000 };
    begin();
    FILE *to = fopen(path_of("train.txt"), "w");
    for (int i = 0; i < LINES; i++)
        fputs("aB\xc3\xbc\n", to);
    fclose(to);
    put("valid.txt", "aB\n");
    struct text_files files = {.folder = folder};
    struct text_options how = new;
    how.flip_case = true;
    how.seed = 2;
    char *text = read_text(&files, &how, 1, 0), *other = read_text(&files, &how, 2, 0);
    size_t lower = 0, upper = 0;
    for (size_t i = 0; i < LINES; i++) {
        lower += !memcmp(text + 4 * i, "ab", 2);
        upper += !memcmp(text + 4 * i, "AB", 2);
    }
    EXPECT(lower > 130 && lower < 270, "%zu of %d lines in lower case", lower, LINES);
    EXPECT(upper > 130 && upper < 270, "%zu of %d lines in upper case", upper, LINES);
    ck_assert_str_ne(text, other);
    expect_text(&files, &how, 1, VALID, "aB\n");
    free(text);
    free(other);
    end();
}
END_TEST

START_TEST(tokenized_text_has_a_sentence_a_line)
{
    begin();
    put("train.txt", "It isn't so. He left, didn't he?\n\n  \nOne more\n");
    put("valid.txt", "x\n");
    struct text_files files = {.folder = folder};
    struct text_options how = new;
    how.tokenize = true;
    expect_text(&files, &how, 1, 0, "It is n't so .\nHe left , did n't he ?\nOne more\n");
    end();
}
END_TEST

START_TEST(what_cannot_be_read_is_said)
{
    struct text_corpus corpus;
    struct text_ids ids;
    struct arena arena;
    struct ft_error error = {""};
    begin();
    arena_init(&arena);
    struct text_files files = {.folder = folder};
    ck_assert_int_eq(text_corpus_open(&corpus, &files, &new, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "train.txt"));
    put("train.txt", "good\nbad \xff\n");
    put("valid.txt", "x\n");
    ck_assert_int_eq(text_corpus_open(&corpus, &files, &new, &error), FT_OK);
    ck_assert_int_eq(text_corpus_split(&corpus, 1, 0, ascii(&arena), &ids, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "train.txt:2: not valid UTF-8"));
    text_corpus_release(&corpus);
    arena_release(&arena);
    end();
}
END_TEST

static void check_dictionary(const uint64_t *counts, struct text_dictionary_rule rule, const char *expected)
{
    struct bytes *items;
    struct arena arena;
    struct ft_error error = {""};
    size_t count;
    double known;
    char text[64] = "";
    arena_init(&arena);
    ck_assert_int_eq(text_dictionary_make(counts, &rule, "\n", &arena, &items, &count, &known, &error), FT_OK);
    ck_assert_str_eq(items[0].at, "<unk>");
    for (size_t i = 1; i < count; i++)
        strcat(text, items[i].at);
    ck_assert_str_eq(text, expected);
    arena_release(&arena);
}

START_TEST(a_dictionary_has_characters_by_falling_frequency)
{
    struct ft_error error = {""};
    struct arena arena;
    struct bytes *items;
    size_t count;
    double known;
    uint64_t *counts = calloc(UNICODE_COUNT, sizeof *counts);
    arena_init(&arena);
    struct text_dictionary_rule all = {1, 1};
    ck_assert_int_eq(text_dictionary_make(counts, &all, "\n", &arena, &items, &count, &known, &error), FT_INPUT);
    counts['b'] = counts['a'] = 50;
    counts[0xfc] = 70;
    counts['z'] = 3;
    counts[' '] = 2;
    check_dictionary(counts, all,
                     "\xc3\xbc"
                     "abz \n"); /* blank and delimiter are always there */
    check_dictionary(counts, (struct text_dictionary_rule){4, 1},
                     "\xc3\xbc"
                     "ab \n");
    check_dictionary(counts, (struct text_dictionary_rule){1, 0.6},
                     "\xc3\xbc"
                     "a \n");
    arena_release(&arena);
    free(counts);
}
END_TEST

/* pickle.dumps({"idx2item": [b"<unk>", b"a", b"\n"], "item2idx": {}}, protocol=4) */
static const char dictionary_pickle[] = "\x80\x04\x95\x31\0\0\0\0\0\0\0}\x94(\x8c\x08idx2item\x94]\x94(C\x05<unk>\x94"
                                        "C\x01"
                                        "a\x94"
                                        "C\x01\n\x94"
                                        "e\x8c\x08item2idx\x94}\x94u.";

START_TEST(flair_s_dictionary_files_are_read)
{
    struct ft_error error = {""};
    struct arena arena;
    struct bytes *items;
    size_t count;
    struct backend *backend;
    begin();
    arena_init(&arena);
    ck_assert_int_eq(backend_cpu_new(&backend, &(struct cpu_options){.isa = "auto", .threads = 1}, &error), FT_OK);
    FILE *to = fopen(path_of("chars"), "w");
    fwrite(dictionary_pickle, 1, sizeof dictionary_pickle - 1, to);
    fclose(to);
    ft_status status = text_dictionary_open(path_of("chars"), true, backend, &arena, &items, &count, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(items[1].at, "a");
    ck_assert_str_eq(items[2].at, "\n");
    put("chars", "nonsense");
    ck_assert_int_eq(text_dictionary_open(path_of("chars"), true, backend, &arena, &items, &count, &error), FT_MODEL);
    ck_assert_int_eq(text_dictionary_open(path_of("none"), true, backend, &arena, &items, &count, &error), FT_INPUT);
    backend->ops->free(backend);
    arena_release(&arena);
    end();
}
END_TEST

int main(void)
{
    test_add(each_version_reads_lines_by_its_own_rule, NULL);
    test_add(a_folder_s_files_are_splits_in_ascending_order, NULL);
    test_add(files_by_name_are_one_split_and_hold_out_the_last_lines_of_each, NULL);
    test_add(shuffled_lines_are_all_there_in_another_order_each_epoch, NULL);
    test_add(a_hundredth_of_lines_is_read_in_each_case, NULL);
    test_add(tokenized_text_has_a_sentence_a_line, NULL);
    test_add(what_cannot_be_read_is_said, NULL);
    test_add(a_dictionary_has_characters_by_falling_frequency, NULL);
    test_add(flair_s_dictionary_files_are_read, NULL);
    return test_run("text_corpus");
}
