/* Look-ups give the rows that Flair gives, from an importer's description and from a model file; a hostile file leads
 * nowhere outside its table. */
#include "base/output.h"
#include "harness.h"
#include "import/flair.h"
#include "import/word_vectors.h"
#include "model/words.h"
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/words-XXXXXX", path[64];

static struct words *build(const struct words_description *description)
{
    struct words *words;
    struct ft_error error = {""};
    ck_assert_msg(words_build(description, &words, &error) == FT_OK, "%s", error.text);
    return words;
}

static void save(const struct safetensors_entry *entries, size_t count)
{
    struct output *output;
    struct ft_error error = {""};
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(safetensors_write(output, entries, count, NULL, 0, &error), FT_OK);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
}

static struct safetensors *save_and_open(const struct words *words)
{
    struct safetensors_entry entries[WORDS_TENSORS];
    struct safetensors *file;
    struct arena arena;
    struct ft_error error = {""};
    size_t count;
    arena_init(&arena);
    ck_assert_int_eq(words_entries(words, "member.", &arena, entries, &count, &error), FT_OK);
    save(entries, count);
    arena_release(&arena);
    ck_assert_msg(safetensors_open(path, &file, &error) == FT_OK, "%s", error.text);
    return file;
}

static size_t row_of(const struct words *words, const char *text)
{
    return words_row(words, text, strlen(text));
}

#define W(text)               \
    {                         \
        text, sizeof text - 1 \
    }

static cJSON *golden_case(void)
{
    static char text[1 << 16];
    FILE *file = fopen(shared_path("golden/words/case.json"), "rb");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    cJSON *json = cJSON_Parse(text);
    ck_assert_ptr_nonnull(json);
    return json;
}

static void check_golden(const struct words *words, const char *source)
{
    cJSON *json = golden_case();
    const cJSON *queries = cJSON_GetObjectItem(json, "queries"), *rows = cJSON_GetObjectItem(json, "expected_row");
    ck_assert_int_eq(cJSON_GetArraySize(queries), 44);
    for (int i = 0; i < cJSON_GetArraySize(queries); i++) {
        const char *query = cJSON_GetArrayItem(queries, i)->valuestring;
        int expected = cJSON_GetArrayItem(rows, i)->valueint;
        size_t row = row_of(words, query);
        ck_assert_msg(row == (expected < 0 ? words->count : (size_t)expected), "%s: '%s' has row %zu, not %d", source,
                      query, row, expected);
    }
    cJSON_Delete(json);
}

static void check_golden_file(const char *name)
{
    struct model_source *source;
    struct safetensors *file;
    struct words *words, *loaded;
    struct ft_error error = {""};
    ck_assert_msg(word_vectors_open(shared_path(name), &source, &error) == FT_OK, "%s", error.text);
    words = build(&source->words);
    word_vectors_close(source);
    ck_assert_uint_eq(words->count, 36);
    ck_assert_uint_eq(words->width, 7);
    check_golden(words, name);
    file = save_and_open(words);
    ck_assert_msg(words_from_file(file, "member.", &loaded, &error) == FT_OK, "%s", error.text);
    check_golden(loaded, "the model file");
    ck_assert_uint_eq(loaded->count, 36);
    ck_assert_mem_eq(loaded->vectors, words->vectors, 37 * 7 * sizeof(float));
    ck_assert_ptr_null(loaded->owned[0]); /* the rows lie in the file */
    words_free(loaded);
    safetensors_close(file);
    words_free(words);
}

START_TEST(text_vectors_give_the_rows_of_flair_before_and_after_saving)
{
    check_golden_file("golden/words/vectors.txt");
}
END_TEST

START_TEST(binary_vectors_give_the_rows_of_flair_before_and_after_saving)
{
    check_golden_file("golden/words/vectors.bin");
}
END_TEST

START_TEST(gensim_vectors_give_the_rows_of_flair)
{
    static const char *const names[] = {"golden/words/vectors.gensim", "golden/words/vectors-one-file.gensim"};
    for (int i = 0; i < 2; i++) {
        struct model_source *source;
        struct ft_error error = {""};
        ck_assert_msg(import_open(shared_path(names[i]), &source, &error) == FT_OK, "%s", error.text);
        struct words *words = build(&source->words);
        import_close(source);
        check_golden(words, names[i]);
        words_free(words);
    }
}
END_TEST

static const float table[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

START_TEST(words_may_share_and_choose_their_rows)
{
    const struct bytes list[] = {W("a"), W("b"), W("a"), W("")};
    const uint32_t rows[] = {4, 0, 1, 4};
    struct words_description from = {
        .count = 4, .width = 2, .words = list, .rows = rows, .vectors = {table, DTYPE_F32, 2, {5, 2}, {2, 1}}};
    struct words *words = build(&from);
    const float *vectors = words->vectors;
    ck_assert_uint_eq(row_of(words, "a"), 0); /* the first of equal words */
    ck_assert(vectors[0] == 9 && vectors[1] == 10);
    ck_assert_uint_eq(row_of(words, "A"), 0);
    ck_assert(vectors[2 * row_of(words, "b")] == 1);
    ck_assert(vectors[2 * row_of(words, "")] == 9);
    ck_assert_uint_eq(row_of(words, "c"), 4);
    ck_assert(vectors[8] == 0 && vectors[9] == 0);
    words_free(words);
    from.unknown_is_row = true; /* row 4 is a word's too */
    words = build(&from);
    ck_assert(words->vectors[2 * row_of(words, "c")] == 9);
    words_free(words);
}
END_TEST

START_TEST(turned_and_narrow_matrices_are_read)
{
    const struct bytes list[] = {W("a"), W("b")};
    const uint16_t halves[] = {0x3c00, 0xc000, 0x4200}; /* 1 -2 3 */
    struct words_description from = {.count = 2,
                                     .width = 2,
                                     .words = list,
                                     .vectors = {table, DTYPE_F32, 2, {3, 2}, {1, 3}},
                                     .unknown_is_row = true};
    struct words *words = build(&from); /* columns 1 2 3 and 4 5 6 */
    const float expected[] = {1, 4, 2, 5, 3, 6}, expected_halves[] = {1, -2, 3};
    ck_assert_mem_eq(words->vectors, expected, sizeof expected);
    words_free(words);
    from.width = 1;
    from.vectors = (struct tensor){halves, DTYPE_F16, 2, {3, 1}, {1, 1}};
    words = build(&from);
    ck_assert_mem_eq(words->vectors, expected_halves, sizeof expected_halves);
    words_free(words);
}
END_TEST

/* By hand, width 2: row (1, 3) has mean 2 and variance 1: -+1/sqrt(1.00001). A row of equal numbers gives zeros. */
START_TEST(stable_rows_are_normalized_and_the_unknown_row_stays_zero)
{
    const struct bytes list[] = {W("a"), W("b")};
    const float rows[] = {1, 3, 5, 5};
    const struct words_description from = {
        .count = 2, .width = 2, .words = list, .stable = true, .vectors = {rows, DTYPE_F32, 2, {2, 2}, {2, 1}}};
    struct words *words = build(&from);
    const float one = (float)(1 / sqrt(1.00001));
    ck_assert_msg(words->vectors[0] == -one && words->vectors[1] == one, "%.9g %.9g, not -+%.9g",
                  (double)words->vectors[0], (double)words->vectors[1], (double)one);
    for (int i = 2; i < 6; i++)
        ck_assert(words->vectors[i] == 0);
    words_free(words);
}
END_TEST

START_TEST(descriptions_that_do_not_fit_are_refused)
{
    const struct bytes list[] = {W("a"), W("b")};
    const uint32_t rows[] = {0, 5};
    const struct words_description good = {
        .count = 2, .width = 2, .words = list, .vectors = {table, DTYPE_F32, 2, {2, 2}, {2, 1}}};
    struct words_description bad[7] = {good, good, good, good, good, good, good};
    bad[0].vectors.data = NULL;
    bad[1].vectors.rank = 1;
    bad[2].width = 3;
    bad[3].vectors.shape[0] = 1;
    bad[4].unknown_is_row = true;
    bad[5].rows = rows;
    bad[6].width = bad[6].vectors.shape[1] = 0;
    struct words *words;
    struct ft_error error;
    for (int i = 0; i < 7; i++)
        ck_assert_msg(words_build(&bad[i], &words, &error) == FT_MODEL && !words, "case %d", i);
    words_free(build(&good));
}
END_TEST

START_TEST(tokens_of_any_length_are_looked_up)
{
    enum { LENGTH = 100000 };
    char *word = malloc(LENGTH), *token = malloc(LENGTH);
    memset(word, 'x', LENGTH);
    memset(token, 'X', LENGTH);
    word[LENGTH - 1] = '#';
    token[LENGTH - 1] = '7';
    const struct bytes list[] = {W("a"), {word, LENGTH}};
    const struct words_description from = {
        .count = 2, .width = 2, .words = list, .vectors = {table, DTYPE_F32, 2, {2, 2}, {2, 1}}};
    struct words *words = build(&from);
    ck_assert_uint_eq(words_row(words, token, LENGTH), 1);
    ck_assert_uint_eq(words_row(words, token, LENGTH - 1), 2);
    words_free(words);
    /* every length around the stack buffer's */
    for (size_t bytes = 100; bytes < 600; bytes++) {
        word[bytes - 1] = '0';
        token[bytes - 1] = '7';
        const struct bytes one = {word, bytes};
        const struct words_description single = {
            .count = 1, .width = 2, .words = &one, .vectors = {table, DTYPE_F32, 2, {1, 2}, {2, 1}}};
        words = build(&single);
        ck_assert_msg(words_row(words, token, bytes) == 0, "%zu bytes", bytes);
        words_free(words);
        word[bytes - 1] = 'x';
        token[bytes - 1] = 'X';
    }
    free(word);
    free(token);
}
END_TEST

START_TEST(an_empty_vocabulary_knows_nothing)
{
    const struct words_description from = {.count = 0, .width = 2, .vectors = {table, DTYPE_F32, 2, {1, 2}, {2, 1}}};
    struct words *words = build(&from), *loaded;
    struct ft_error error;
    ck_assert_uint_eq(row_of(words, "a"), 0);
    struct safetensors *file = save_and_open(words);
    ck_assert_int_eq(words_from_file(file, "member.", &loaded, &error), FT_OK);
    ck_assert_uint_eq(row_of(loaded, "a"), 0);
    words_free(loaded);
    safetensors_close(file);
    words_free(words);
}
END_TEST

START_TEST(a_hostile_index_leads_nowhere)
{
    unsigned seed = 4711;
    const struct bytes list[] = {W("a"), W("bc"), W("def"), W("ghij")};
    const struct words_description from = {
        .count = 4, .width = 2, .words = list, .vectors = {table, DTYPE_F32, 2, {4, 2}, {2, 1}}};
    struct words *words = build(&from);
    struct arena arena;
    struct ft_error error;
    arena_init(&arena);
    for (int round = 0; round < 300; round++) {
        static const int32_t nasty[] = {0, 1, 3, 4, 5, 10, 11, -1, -2, INT32_MIN, INT32_MAX, 9, 2};
        struct safetensors_entry entries[WORDS_TENSORS];
        size_t count;
        int32_t offsets[5], slots[8];
        ck_assert_int_eq(words_entries(words, "", &arena, entries, &count, &error), FT_OK);
        for (int i = 0; i < 5; i++)
            offsets[i] = nasty[rand_r(&seed) % 13];
        for (int i = 0; i < 8; i++)
            slots[i] = round % 2 ? nasty[rand_r(&seed) % 13] : (int32_t)(rand_r(&seed) % 4); /* none free: must end */
        entries[2].tensor.data = offsets;
        entries[3].tensor.data = slots;
        save(entries, count);
        struct safetensors *file;
        struct words *loaded;
        ck_assert_int_eq(safetensors_open(path, &file, &error), FT_OK);
        ck_assert_int_eq(words_from_file(file, "", &loaded, &error), FT_OK);
        const char *tokens[] = {"a", "bc", "DEF", "ghij", "none", "", "4"};
        for (int i = 0; i < 7; i++)
            ck_assert_msg(row_of(loaded, tokens[i]) <= 4, "seed 4711, round %d", round);
        words_free(loaded);
        safetensors_close(file);
    }
    arena_release(&arena);
    words_free(words);
}
END_TEST

START_TEST(files_without_fitting_tensors_are_refused)
{
    const struct bytes list[] = {W("a"), W("b"), W("c")};
    const struct words_description from = {
        .count = 3, .width = 2, .words = list, .vectors = {table, DTYPE_F32, 2, {3, 2}, {2, 1}}};
    struct words *words = build(&from), *loaded;
    struct arena arena;
    struct safetensors *file;
    struct ft_error error;
    arena_init(&arena);
    for (int broken = 0; broken < 9; broken++) {
        struct safetensors_entry entries[WORDS_TENSORS];
        size_t count;
        ck_assert_int_eq(words_entries(words, "w.", &arena, entries, &count, &error), FT_OK);
        if (broken < 4)
            entries[broken].name = "another";
        else if (broken == 4)
            entries[0].tensor = (struct tensor){table, DTYPE_F32, 1, {8}, {1}};
        else if (broken == 5)
            entries[1].tensor.dtype = DTYPE_I8;
        else if (broken == 6)
            entries[2].tensor.shape[0] = 3;
        else if (broken == 7)
            entries[3].tensor.shape[0] = 7;
        else
            entries[0].tensor.shape[0] = 0;
        save(entries, count);
        ck_assert_int_eq(safetensors_open(path, &file, &error), FT_OK);
        ck_assert_msg(words_from_file(file, "w.", &loaded, &error) == FT_MODEL && !loaded, "case %d", broken);
        ck_assert_msg(!strncmp(error.text, path, strlen(path)), "%s", error.text);
        safetensors_close(file);
    }
    arena_release(&arena);
    words_free(words);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    test_add(text_vectors_give_the_rows_of_flair_before_and_after_saving, shared_path("golden/words"));
    test_add(binary_vectors_give_the_rows_of_flair_before_and_after_saving, shared_path("golden/words"));
    test_add(gensim_vectors_give_the_rows_of_flair, shared_path("golden/words"));
    test_add(words_may_share_and_choose_their_rows, NULL);
    test_add(turned_and_narrow_matrices_are_read, NULL);
    test_add(stable_rows_are_normalized_and_the_unknown_row_stays_zero, NULL);
    test_add(descriptions_that_do_not_fit_are_refused, NULL);
    test_add(tokens_of_any_length_are_looked_up, NULL);
    test_add(an_empty_vocabulary_knows_nothing, NULL);
    test_add(a_hostile_index_leads_nowhere, NULL);
    test_add(files_without_fitting_tensors_are_refused, NULL);
    int failed = test_run("words");
    unlink(path);
    rmdir(folder);
    return failed;
}
