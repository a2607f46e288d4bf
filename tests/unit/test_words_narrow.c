/* Tables of halves and of integers: a look-up gives the rounded vector, from memory and from a file, where it lies
 * mapped; what cannot be rounded, and files that do not fit, are refused; words can be left out. */
#include "base/output.h"
#include "harness.h"
#include "model/words.h"
#include "numbers.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 300, WIDEST = 101 };

static char folder[] = "/tmp/words-narrow-XXXXXX", path[64];
static struct ft_error error;

#define OK(call) ck_assert_msg((call) == FT_OK, "%s", error.text)

static const size_t widths[] = {1, 3, 50, 100, WIDEST};
enum { CASES = sizeof widths / sizeof *widths };

/* Words "w0", "w1" ...; rows of very different sizes, one of zeros, one whose scale is subnormal. */
static struct words *make(size_t width, float *rows)
{
    static char names[COUNT][8];
    struct bytes list[COUNT];
    struct words *words;
    for (size_t i = 0; i < COUNT; i++)
        list[i] = (struct bytes){names[i], (size_t)snprintf(names[i], sizeof names[i], "w%zu", i)};
    for (size_t i = 0; i <= COUNT; i++)
        random_fill(rows + i * width, width, i == 7 ? 0x1p-140f : ldexpf(1, (int)(i % 20) - 8));
    memset(rows + 5 * width, 0, width * sizeof *rows);
    const struct words_description from = {.count = COUNT,
                                           .width = width,
                                           .words = list,
                                           .unknown_is_row = true,
                                           .vectors = {rows, DTYPE_F32, 2, {COUNT + 1, width}, {(int64_t)width, 1}}};
    OK(words_build(&from, &words, &error));
    return words;
}

static void save(const struct safetensors_entry *entries, size_t count)
{
    struct output *output;
    OK(output_open(&output, path, &error));
    OK(safetensors_write(output, entries, count, NULL, 0, &error));
    OK(output_close(output, &error));
}

static struct safetensors *save_and_open(const struct words *words, struct words **loaded)
{
    struct safetensors_entry entries[WORDS_TENSORS];
    struct safetensors *file;
    struct arena arena;
    size_t count;
    arena_init(&arena);
    OK(words_entries(words, "w.", &arena, entries, &count, &error));
    save(entries, count);
    arena_release(&arena);
    OK(safetensors_open(path, &file, &error));
    OK(words_from_file(file, "w.", loaded, &error));
    return file;
}

/* A half in float32 by the definition: so many bits behind the first one, and none below 2^-24. */
static float half_of(float value)
{
    int exponent;
    frexpf(value, &exponent);
    int last = exponent - 11 > -24 ? exponent - 11 : -24;
    return (float)ldexp(rint(ldexp((double)value, -last)), last);
}

/* The rounded row, worked out in double. */
static void expect_row(enum words_type type, const float *row, size_t width, float *expected)
{
    float most = 0;
    for (size_t k = 0; k < width; k++)
        most = fabsf(row[k]) > most ? fabsf(row[k]) : most;
    float scale = most / 127;
    for (size_t k = 0; k < width; k++)
        if (type == WORDS_F16)
            expected[k] = half_of(row[k]);
        else if (type == WORDS_INT8 && scale > 0)
            expected[k] = (float)((fmin(fmax(rint((double)(row[k] / scale)), -127), 127) + 0) * (double)scale);
        else
            expected[k] = type == WORDS_INT8 ? 0 : row[k];
}

static void check_table(const struct words *words, const float *rows, const char *where)
{
    float expected[WIDEST], got[WIDEST];
    for (size_t i = 0; i <= COUNT; i++) {
        char name[8];
        size_t bytes = (size_t)snprintf(name, sizeof name, "w%zu", i), width = words->width;
        EXPECT(words_row(words, name, bytes) == i, "%s has another row", name); /* w300 is unknown */
        expect_row(words->type, rows + i * width, width, expected);
        words_vector(words, i, got);
        size_t at = first_difference(expected, got, width);
        EXPECT(at == width, "%s, %s, %zu columns, row %zu: %.9g, not %.9g", where, words_type_names[words->type], width,
               i, (double)got[at], (double)expected[at]);
    }
}

START_TEST(a_look_up_gives_the_rounded_vector_before_and_after_saving)
{
    static const size_t bytes[WORDS_TYPES] = {4, 2, 1};
    random_begin("a_look_up_gives_the_rounded_vector_before_and_after_saving");
    for (size_t c = 0; c < CASES; c++)
        for (int type = 0; type < WORDS_TYPES; type++) {
            float *rows = random_floats((COUNT + 1) * widths[c], 1);
            struct words *words = make(widths[c], rows), *loaded;
            OK(words_set_type(words, (enum words_type)type, &error));
            check_table(words, rows, "in memory");
            struct safetensors *file = save_and_open(words, &loaded);
            check_table(loaded, rows, "mapped");
            for (int i = 0; i < WORDS_TENSORS; i++)
                ck_assert_ptr_null(loaded->owned[i]);
            ck_assert_uint_eq(words_table_bytes(loaded),
                              (COUNT + 1) * (widths[c] * bytes[type] + (type == WORDS_INT8 ? 4 : 0)));
            words_free(loaded);
            safetensors_close(file);
            words_free(words);
            free(rows);
        }
}
END_TEST

/* What integers take: half a step of 1 / 127 of the row's largest number. */
START_TEST(integers_are_off_by_half_a_step_at_most)
{
    random_begin("integers_are_off_by_half_a_step_at_most");
    float *rows = random_floats((COUNT + 1) * 100, 1), got[100];
    struct words *words = make(100, rows);
    OK(words_set_type(words, WORDS_INT8, &error));
    for (size_t i = 0; i <= COUNT; i++) {
        float most = 0;
        words_vector(words, i, got);
        for (size_t k = 0; k < 100; k++)
            most = fmaxf(most, fabsf(rows[i * 100 + k]));
        for (size_t k = 0; k < 100 && i != 7; k++) /* row 7 has a subnormal scale */
            EXPECT(fabsf(got[k] - rows[i * 100 + k]) <= most / 127 * 0.5001f, "row %zu, column %zu: %.9g became %.9g",
                   i, k, (double)rows[i * 100 + k], (double)got[k]);
    }
    words_free(words);
    free(rows);
}
END_TEST

START_TEST(widening_a_table_changes_no_vector)
{
    random_begin("widening_a_table_changes_no_vector");
    for (int type = WORDS_F16; type < WORDS_TYPES; type++) {
        float *rows = random_floats((COUNT + 1) * 50, 1), before[50];
        struct words *words = make(50, rows), *mapped;
        OK(words_set_type(words, (enum words_type)type, &error));
        struct safetensors *file = save_and_open(words, &mapped); /* what lies in a file is not written to */
        OK(words_set_type(mapped, WORDS_F32, &error));
        ck_assert_ptr_null(mapped->narrow);
        for (size_t i = 0; i <= COUNT; i++) {
            words_vector(words, i, before);
            ck_assert_mem_eq(mapped->vectors + i * 50, before, sizeof before);
        }
        words_free(mapped);
        safetensors_close(file);
        words_free(words);
        free(rows);
    }
}
END_TEST

START_TEST(numbers_that_a_type_does_not_hold_are_refused)
{
    static const struct {
        float value;
        enum words_type type;
        bool held;
    } cases[] = {{65504, WORDS_F16, true},     {65520, WORDS_F16, false},     {-1e9f, WORDS_F16, false},
                 {INFINITY, WORDS_F16, false}, {NAN, WORDS_F16, false},       {3e38f, WORDS_INT8, true},
                 {NAN, WORDS_INT8, false},     {-INFINITY, WORDS_INT8, false}};
    const struct bytes list[] = {{"a", 1}, {"b", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float rows[3][2] = {{1, 2}, {3, cases[i].value}};
        const struct words_description from = {
            .count = 2, .width = 2, .words = list, .vectors = {rows, DTYPE_F32, 2, {2, 2}, {2, 1}}};
        struct words *words;
        OK(words_build(&from, &words, &error));
        ft_status status = words_set_type(words, cases[i].type, &error);
        ck_assert_msg(status == (cases[i].held ? FT_OK : FT_MODEL), "case %zu: status %d", i, status);
        if (!cases[i].held) {
            ck_assert_msg(strstr(error.text, "vector 2") != NULL, "%s", error.text);
            ck_assert_int_eq(words->type, WORDS_F32);
            ck_assert_float_eq(words->vectors[2], 3);
        }
        words_free(words);
    }
}
END_TEST

/* Entry `which` of a sound file of integers, spoilt. */
START_TEST(files_whose_tensors_do_not_fit_are_refused)
{
    static const struct {
        const char *what;
        int which;
        struct tensor tensor; /* data: the sound one's */
    } cases[] = {
        {"no scale", WORDS_SCALE, {.rank = 0}},
        {"a scale too few", WORDS_SCALE, {NULL, DTYPE_F32, 1, {COUNT}, {1}}},
        {"a scale of integers", WORDS_SCALE, {NULL, DTYPE_I32, 1, {COUNT + 1}, {1}}},
        {"a scale of two dimensions", WORDS_SCALE, {NULL, DTYPE_F32, 2, {COUNT + 1, 1}, {1, 1}}},
        {"unsigned vectors", WORDS_VECTORS, {NULL, DTYPE_U8, 2, {COUNT + 1, 4}, {4, 1}}},
        {"vectors of 16 bits", WORDS_VECTORS, {NULL, DTYPE_I16, 2, {COUNT + 1, 2}, {2, 1}}},
        {"vectors of 32 bits", WORDS_VECTORS, {NULL, DTYPE_I32, 2, {COUNT + 1, 1}, {1, 1}}},
        {"vectors in a row", WORDS_VECTORS, {NULL, DTYPE_I8, 1, {4 * (COUNT + 1)}, {1}}},
        {"a vector too few", WORDS_VECTORS, {NULL, DTYPE_I8, 2, {COUNT, 4}, {4, 1}}},
        {"no vector", WORDS_VECTORS, {NULL, DTYPE_I8, 2, {0, 4}, {4, 1}}},
        {"vectors without columns", WORDS_VECTORS, {NULL, DTYPE_I8, 2, {COUNT + 1, 0}, {1, 1}}},
        {"halves, one vector too few", WORDS_VECTORS, {NULL, DTYPE_F16, 2, {COUNT, 2}, {2, 1}}},
    };
    float *rows = random_floats((COUNT + 1) * 4, 1);
    struct words *words = make(4, rows), *loaded;
    struct arena arena;
    arena_init(&arena);
    OK(words_set_type(words, WORDS_INT8, &error));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct safetensors_entry entries[WORDS_TENSORS];
        struct safetensors *file;
        size_t count;
        OK(words_entries(words, "w.", &arena, entries, &count, &error));
        ck_assert_uint_eq(count, WORDS_TENSORS);
        struct safetensors_entry *entry = &entries[cases[i].which];
        const void *data = entry->tensor.data;
        entry->tensor = cases[i].tensor;
        entry->tensor.data = data;
        save(entries, cases[i].tensor.rank ? count : count - 1);
        OK(safetensors_open(path, &file, &error));
        ck_assert_msg(words_from_file(file, "w.", &loaded, &error) == FT_MODEL && !loaded, "%s", cases[i].what);
        ck_assert_msg(!strncmp(error.text, path, strlen(path)), "%s: %s", cases[i].what, error.text);
        safetensors_close(file);
    }
    arena_release(&arena);
    words_free(words);
    free(rows);
}
END_TEST

/* One word `a` and two columns; vectors at an odd address of the mapping where they are 17 bytes behind its header. */
static void save_by_hand(const char *type, size_t element, const void *vectors)
{
    static const int32_t numbers[4] = {0, 1, 0, -1}; /* offsets, index (`a` lies in slot 0 or is searched for) */
    char header[512], filler[8] = "       ";
    size_t bytes = 4 * element;
    int length = snprintf(header, sizeof header,
                          "{\"w.offsets\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                          "\"w.index\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[8,16]},"
                          "\"w.text\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[16,17]},"
                          "\"w.vectors\":{\"dtype\":\"%s\",\"shape\":[2,2],\"data_offsets\":[17,%zu]}}",
                          type, 17 + bytes);
    size_t fill = (8 - (size_t)length % 8) % 8;
    uint64_t whole = (uint64_t)length + fill;
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fwrite(&whole, 1, 8, file);
    fwrite(header, 1, (size_t)length, file);
    fwrite(filler, 1, fill, file);
    fwrite(numbers, 1, sizeof numbers, file);
    fwrite("a", 1, 1, file);
    fwrite(vectors, 1, bytes, file);
    fclose(file);
}

START_TEST(other_floats_and_odd_addresses_are_read_into_memory)
{
    static const uint16_t halves[4] = {0x3c00, 0xc000, 0x4200, 0}, brains[4] = {0x3f80, 0xc000, 0x4040, 0};
    static const float floats[4] = {1, -2, 3, 0};
    static const double doubles[4] = {1, -2, 3, 0};
    static const struct {
        const char *type;
        size_t element;
        const void *vectors;
    } cases[] = {{"F16", 2, halves}, {"BF16", 2, brains}, {"F32", 4, floats}, {"F64", 8, doubles}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct safetensors *file;
        struct words *words;
        save_by_hand(cases[i].type, cases[i].element, cases[i].vectors);
        OK(safetensors_open(path, &file, &error));
        OK(words_from_file(file, "w.", &words, &error));
        ck_assert_int_eq(words->type, WORDS_F32);
        ck_assert_ptr_nonnull(words->owned[WORDS_VECTORS]);
        ck_assert_mem_eq(words->vectors, floats, sizeof floats);
        words_free(words);
        safetensors_close(file);
    }
}
END_TEST

#define W(text)               \
    {                         \
        text, sizeof text - 1 \
    }

START_TEST(what_a_kept_word_found_it_finds_again)
{
    const struct bytes list[] = {W("berlin"), W("Oslo"), W("##"), W("00"), W("Oslo"), W("x"), W("Rom"), W("rom")};
    static const char *const listed[] = {"Berlin", "Oslo", "12", "Rom", "nowhere"};
    const float rows[9][3] = {{1, 9}, {2, 9}, {3, 9}, {4, 9}, {5, 9}, {6, 9}, {7, 9}, {8, 9}, {-1, 9}};
    const struct words_description from = {
        .count = 8, .width = 3, .words = list, .unknown_is_row = true, .vectors = {rows, DTYPE_F32, 2, {9, 3}, {3, 1}}};
    for (int type = 0; type < WORDS_TYPES; type++) {
        struct words *words, *kept;
        bool wanted[9] = {[4] = true}; /* the second Oslo, which nothing finds */
        float before[3], after[3];
        OK(words_build(&from, &words, &error));
        OK(words_set_type(words, (enum words_type)type, &error));
        for (size_t i = 0; i < 5; i++)
            wanted[words_row(words, listed[i], strlen(listed[i]))] = true;
        OK(words_keep(words, wanted, &kept, &error));
        ck_assert_int_eq(kept->type, type);
        ck_assert_uint_eq(kept->count, 4); /* berlin Oslo ## Rom, in this order */
        struct bytes word;
        ck_assert(words_text(kept, 2, &word) && word.count == 2 && !memcmp(word.at, "##", 2));
        for (size_t i = 0; i < 5; i++) {
            words_vector(words, words_row(words, listed[i], strlen(listed[i])), before);
            words_vector(kept, words_row(kept, listed[i], strlen(listed[i])), after);
            ck_assert_mem_eq(before, after, sizeof before);
        }
        ck_assert_uint_eq(words_row(kept, "rom", 3), kept->count);
        ck_assert_uint_eq(words_row(kept, "x", 1), kept->count);
        words_free(kept);
        memset(wanted, 0, sizeof wanted);
        OK(words_keep(words, wanted, &kept, &error));
        ck_assert_uint_eq(kept->count, 0);
        ck_assert_uint_eq(words_row(kept, "Oslo", 4), 0);
        words_free(kept);
        words_free(words);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/w.safetensors", folder);
    test_add(a_look_up_gives_the_rounded_vector_before_and_after_saving, NULL);
    test_add(integers_are_off_by_half_a_step_at_most, NULL);
    test_add(widening_a_table_changes_no_vector, NULL);
    test_add(numbers_that_a_type_does_not_hold_are_refused, NULL);
    test_add(files_whose_tensors_do_not_fit_are_refused, NULL);
    test_add(other_floats_and_odd_addresses_are_read_into_memory, NULL);
    test_add(what_a_kept_word_found_it_finds_again, NULL);
    int failed = test_run("words_narrow");
    unlink(path);
    rmdir(folder);
    return failed;
}
