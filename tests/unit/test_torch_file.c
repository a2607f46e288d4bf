/* test_torch_file.c - both containers of torch.save, and tensors as views of their storages. */
#include "harness.h"
#include "import/torch_file.h"
#include "torch_writer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float numbers[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
static struct arena memory;
static struct torch_file file;
static struct ft_error error;
static struct buffer built;

static void begin(void)
{
    arena_init(&memory);
    built = (struct buffer){0};
}

static void end(bool opened)
{
    if (opened)
        torch_file_release(&file);
    arena_release(&memory);
    buffer_release(&built);
}

static ft_status open_built(void)
{
    return torch_file_open(&file, built.at, built.count, "x.pt", &memory, &error);
}

static void expect_error(ft_status status, const char *part)
{
    ck_assert_int_eq(status, FT_MODEL);
    ck_assert_msg(strstr(error.text, part), "'%s' is not in '%s'", part, error.text);
}

/* A zip whose pickle is one tensor of the twelve numbers. */
static void build_zip(const struct buffer *pickle, bool deflated, bool wide, bool wrong_checksum, const char *order)
{
    struct zip_part parts[] = {{"top/data.pkl", pickle->at, pickle->count, deflated, false},
                               {"top/byteorder", order, strlen(order), false, false},
                               {"top/data/0", numbers, sizeof numbers, deflated, wrong_checksum}};
    write_zip(&built, parts, 3, wide);
}

static void one_tensor(struct buffer *out, size_t numel, size_t offset, size_t rows, size_t columns)
{
    buffer_add(out, "\x80\x02", 2);
    pickle_tensor(out, "0", numel, offset, rows, columns);
    buffer_add(out, ".", 1);
}

static void expect_numbers(const float *expected, size_t count)
{
    struct tensor tensor;
    ft_status status = torch_tensor(&file, &file.pickle.root, "t", &tensor, &error);
    ck_assert_msg(!status, "%s", error.text);
    float out[16];
    tensor_to_f32(&tensor, out);
    for (size_t i = 0; i < count; i++)
        ck_assert_float_eq(out[i], expected[i]);
}

START_TEST(stored_deflated_and_64_bit_zip_files_read_alike)
{
    for (int i = 0; i < 4; i++) {
        begin();
        struct buffer pickle = {0};
        one_tensor(&pickle, 12, 2, 3, 3);
        build_zip(&pickle, i & 1, i & 2, false, "little");
        ck_assert(torch_file_is(built.at, built.count));
        ck_assert_msg(!open_built(), "%s", error.text);
        expect_numbers(numbers + 2, 9);
        buffer_release(&pickle);
        end(true);
    }
}
END_TEST

START_TEST(a_tensor_beyond_its_storage_is_refused)
{
    static const size_t bad[][4] = {{12, 1, 3, 4}, {12, 12, 1, 0},         {12, 0, 13, 0},
                                    {13, 0, 1, 0}, {12, 0x7fffffff, 1, 0}, {12, 0, 0x7fffffff, 0x7fffffff}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        begin();
        struct buffer pickle = {0};
        one_tensor(&pickle, bad[i][0], bad[i][1], bad[i][2], bad[i][3]);
        build_zip(&pickle, false, false, false, "little");
        ck_assert_msg(!open_built(), "%s", error.text);
        struct tensor tensor;
        expect_error(torch_tensor(&file, &file.pickle.root, "t", &tensor, &error), "storage");
        buffer_release(&pickle);
        end(true);
    }
}
END_TEST

START_TEST(a_wrong_checksum_is_refused)
{
    begin();
    struct buffer pickle = {0};
    one_tensor(&pickle, 12, 0, 12, 0);
    build_zip(&pickle, false, false, true, "little");
    ck_assert_msg(!open_built(), "%s", error.text);
    struct tensor tensor;
    expect_error(torch_tensor(&file, &file.pickle.root, "t", &tensor, &error),
                 "'top/data/0' does not have its checksum");
    buffer_release(&pickle);
    end(true);
}
END_TEST

START_TEST(a_big_endian_file_is_refused)
{
    begin();
    struct buffer pickle = {0};
    one_tensor(&pickle, 12, 0, 12, 0);
    build_zip(&pickle, false, false, false, "big");
    expect_error(open_built(), "big-endian");
    buffer_release(&pickle);
    end(false);
}
END_TEST

START_TEST(a_missing_storage_is_named)
{
    begin();
    struct buffer pickle = {0};
    buffer_add(&pickle, "\x80\x02", 2);
    pickle_tensor(&pickle, "../7", 12, 0, 12, 0);
    buffer_add(&pickle, ".", 1);
    build_zip(&pickle, false, false, false, "little");
    ck_assert_msg(!open_built(), "%s", error.text);
    struct tensor tensor;
    expect_error(torch_tensor(&file, &file.pickle.root, "t", &tensor, &error), "'top/data/../7' is missing");
    buffer_release(&pickle);
    end(true);
}
END_TEST

START_TEST(a_zip_bomb_is_refused)
{
    begin();
    size_t bytes = (size_t)200 << 20;
    char *zeros = calloc(bytes, 1);
    ck_assert_ptr_nonnull(zeros);
    struct zip_part part = {"top/data.pkl", zeros, bytes, true, false};
    write_zip(&built, &part, 1, false);
    free(zeros);
    ck_assert_uint_lt(built.count, bytes / 500);
    expect_error(open_built(), "unpacks to far more");
    end(false);
}
END_TEST

START_TEST(a_zip_without_a_pickle_or_without_an_end_is_refused)
{
    begin();
    struct zip_part part = {"top/other", "x", 1, false, false};
    write_zip(&built, &part, 1, false);
    expect_error(open_built(), "no data.pkl");
    built.count -= 10;
    expect_error(open_built(), "its end is missing");
    built.count = 4;
    expect_error(open_built(), "its end is missing");
    end(false);
}
END_TEST

static void legacy_head(bool little_endian)
{
    buffer_add(&built, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}", 24);
    pickle_text(&built, "little_endian");
    buffer_add(&built, little_endian ? "\x88s." : "\x89s.", 3);
}

/* The tensor [2, 3] of storage "5": with `view` a slice of it from element 4. */
static void legacy_tensor(const char *class, bool view, size_t rows, size_t columns)
{
    buffer_add(&built, "\x80\x02", 2);
    pickle_global(&built, "torch._utils", "_rebuild_tensor");
    buffer_add(&built, "((", 2);
    pickle_text(&built, "storage");
    pickle_global(&built, "torch.cuda", class);
    pickle_text(&built, "5");
    pickle_text(&built, "cuda:0");
    pickle_integer(&built, 12);
    if (view) {
        buffer_add(&built, "(", 1);
        pickle_text(&built, "6");
        pickle_integer(&built, 4);
        pickle_integer(&built, 6);
        buffer_add(&built, "t", 1);
    } else
        buffer_add(&built, "N", 1);
    buffer_add(&built, "tQ", 2);
    pickle_integer(&built, 0);
    pickle_integer(&built, (int32_t)rows);
    pickle_integer(&built, (int32_t)columns);
    buffer_add(&built, "\x86", 1);
    pickle_integer(&built, 1); /* transposed: strides (1, 2) */
    pickle_integer(&built, 2);
    buffer_add(&built, "\x86tR.", 4);
    buffer_add(&built, "\x80\x02]", 3);
    pickle_text(&built, "5");
    buffer_add(&built, "a.", 2);
}

START_TEST(a_legacy_stream_gives_views_and_transposed_tensors)
{
    static const float plain[6] = {0, 2, 4, 1, 3, 5}, viewed[6] = {4, 6, 8, 5, 7, 9};
    for (int view = 0; view < 2; view++) {
        begin();
        legacy_head(true);
        legacy_tensor("FloatStorage", view, 2, 3);
        buffer_number(&built, 12, 8);
        buffer_add(&built, numbers, sizeof numbers);
        ck_assert(torch_file_is(built.at, built.count));
        ck_assert_msg(!open_built(), "%s", error.text);
        expect_numbers(view ? viewed : plain, 6);
        end(true);
    }
}
END_TEST

START_TEST(half_precision_is_read)
{
    begin();
    legacy_head(true);
    legacy_tensor("HalfStorage", false, 2, 3);
    buffer_number(&built, 12, 8);
    for (int i = 0; i < 12; i++)
        buffer_number(&built, i ? 0x3c00u + 0x80 : 0xc000u, 2); /* 1.125, and -2 first */
    ck_assert_msg(!open_built(), "%s", error.text);
    expect_numbers((float[]){-2, 1.125f, 1.125f}, 3);
    end(true);
}
END_TEST

START_TEST(a_view_bounds_its_tensors)
{
    begin();
    legacy_head(true);
    legacy_tensor("FloatStorage", true, 2, 4);
    buffer_number(&built, 12, 8);
    buffer_add(&built, numbers, sizeof numbers);
    ck_assert_msg(!open_built(), "%s", error.text);
    struct tensor tensor;
    expect_error(torch_tensor(&file, &file.pickle.root, "t", &tensor, &error), "'t' lies outside its storage");
    end(true);
}
END_TEST

START_TEST(a_legacy_stream_cut_short_or_swollen_is_refused)
{
    begin();
    legacy_head(true);
    legacy_tensor("FloatStorage", false, 2, 3);
    size_t head = built.count;
    expect_error(open_built(), "in the middle of its storages");
    buffer_number(&built, 12, 8);
    expect_error(open_built(), "in the middle of its storages");
    built.count = head;
    buffer_number(&built, UINT64_MAX / 2, 8);
    buffer_add(&built, numbers, sizeof numbers);
    expect_error(open_built(), "in the middle of its storages");
    built.count = 30;
    expect_error(open_built(), "x.pt");
    end(false);
    begin();
    legacy_head(false);
    expect_error(open_built(), "big-endian");
    end(false);
}
END_TEST

START_TEST(an_unknown_storage_type_is_refused)
{
    begin();
    legacy_head(true);
    legacy_tensor("QUInt8Storage", false, 2, 3);
    expect_error(open_built(), "unknown type");
    end(false);
}
END_TEST

START_TEST(a_view_never_leaves_its_elements)
{
    struct tensor t;
    float data[4] = {0};
    ck_assert(torch_view(&t, data, 4, DTYPE_F32, 0, 2, (size_t[]){2, 2}, NULL));
    ck_assert(torch_view(&t, data, 4, DTYPE_F32, 4, 2, (size_t[]){0, 9}, NULL));
    ck_assert(torch_view(&t, data, 4, DTYPE_F32, 1, 2, (size_t[]){2, 2}, (int64_t[]){1, 1}));
    ck_assert(torch_view(&t, data, 4, DTYPE_F32, 3, 0, NULL, NULL));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 4, 0, NULL, NULL));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 1, 2, (size_t[]){2, 2}, NULL));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 0, 2, (size_t[]){2, 2}, (int64_t[]){3, 1}));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 0, 1, (size_t[]){2}, (int64_t[]){-1}));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 0, 1, (size_t[]){SIZE_MAX}, (int64_t[]){0}));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 0, 2, (size_t[]){SIZE_MAX, SIZE_MAX}, NULL));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 0, 2, (size_t[]){2, 2}, (int64_t[]){INT64_MAX, INT64_MAX}));
    ck_assert(!torch_view(&t, data, 4, DTYPE_F32, 5, 1, (size_t[]){0}, NULL));
}
END_TEST

int main(void)
{
    test_add(stored_deflated_and_64_bit_zip_files_read_alike, NULL);
    test_add(a_tensor_beyond_its_storage_is_refused, NULL);
    test_add(a_wrong_checksum_is_refused, NULL);
    test_add(a_big_endian_file_is_refused, NULL);
    test_add(a_missing_storage_is_named, NULL);
    test_add(a_zip_bomb_is_refused, NULL);
    test_add(a_zip_without_a_pickle_or_without_an_end_is_refused, NULL);
    test_add(a_legacy_stream_gives_views_and_transposed_tensors, NULL);
    test_add(half_precision_is_read, NULL);
    test_add(a_view_bounds_its_tensors, NULL);
    test_add(a_legacy_stream_cut_short_or_swollen_is_refused, NULL);
    test_add(an_unknown_storage_type_is_refused, NULL);
    test_add(a_view_never_leaves_its_elements, NULL);
    return test_run("torch_file");
}
