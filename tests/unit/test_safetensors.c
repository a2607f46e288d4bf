/* Files written are read back whole; damaged and hostile ones are refused with the file's name and what is wrong. */
#include "base/output.h"
#include "harness.h"
#include "model/safetensors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/safetensors-XXXXXX", path[64];

static void save(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

static char *load(size_t *count)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(1 << 20);
    *count = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

/* A file with this header and so many bytes 0, 1, 2 ... of data; returns its size. */
static size_t save_header(const char *header, size_t data_bytes)
{
    uint64_t length = strlen(header);
    size_t count = 8 + (size_t)length + data_bytes;
    char *bytes = malloc(count);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + length + i] = (char)i;
    save(bytes, count);
    free(bytes);
    return count;
}

static void check_refused(const char *what)
{
    struct safetensors *file;
    struct ft_error error = {""};
    ft_status status = safetensors_open(path, &file, &error);
    ck_assert_msg(status == FT_MODEL, "status %d for %s", status, what);
    ck_assert_ptr_null(file);
    ck_assert_msg(!strncmp(error.text, path, strlen(path)), "'%s' does not name the file, for %s", error.text, what);
    ck_assert_msg(strlen(error.text) > strlen(path) + 5, "'%s' says too little, for %s", error.text, what);
}

static void write_sample(void)
{
    static const float numbers[24] = {1, 2, 3.5f, -4};
    static const unsigned char text[7] = "abcdefg";
    static const int32_t slots[3] = {-1, 2, 5};
    static const int64_t wide[8] = {1, 2, 3, 4, 5, 6, 7, INT64_MIN};
    const struct safetensors_entry entries[] = {
        {"text \"q\" \xc3\xa9", {text, DTYPE_U8, 1, {7}, {1}}}, {"slots", {slots, DTYPE_I32, 1, {3}, {1}}},
        {"numbers", {numbers, DTYPE_F32, 2, {4, 6}, {6, 1}}},   {"wide", {wide, DTYPE_I64, 3, {2, 2, 2}, {4, 2, 1}}},
        {"empty", {NULL, DTYPE_F32, 2, {0, 6}, {6, 1}}},        {"scalar", {numbers + 2, DTYPE_F32, 0, {0}, {0}}},
    };
    const char *const metadata[][2] = {{"format", "1"}, {"text", "a \"b\" \\ \n\t\x01 \xf0\x9f\x98\x80"}, {"none", ""}};
    struct output *output;
    struct ft_error error = {""};
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(safetensors_write(output, entries, 6, metadata, 3, &error), FT_OK);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
}

START_TEST(what_is_written_is_read_back)
{
    struct safetensors *file;
    struct ft_error error = {""};
    write_sample();
    ck_assert_msg(safetensors_open(path, &file, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(safetensors_count(file), 6);
    ck_assert_str_eq(safetensors_path(file), path);
    ck_assert_str_eq(safetensors_metadata(file, "text"), "a \"b\" \\ \n\t\x01 \xf0\x9f\x98\x80");
    ck_assert_str_eq(safetensors_metadata(file, "none"), "");
    ck_assert_ptr_null(safetensors_metadata(file, "other"));
    ck_assert_ptr_null(safetensors_find(file, "__metadata__"));
    const struct tensor *numbers = safetensors_find(file, "numbers");
    ck_assert_ptr_nonnull(numbers);
    ck_assert(numbers->dtype == DTYPE_F32 && numbers->rank == 2 && numbers->shape[0] == 4 && numbers->shape[1] == 6);
    ck_assert(numbers->stride[0] == 6 && numbers->stride[1] == 1);
    float out[24], scalar;
    tensor_to_f32(numbers, out);
    ck_assert(out[0] == 1 && out[2] == 3.5f && out[3] == -4 && out[23] == 0);
    tensor_to_f32(safetensors_find(file, "scalar"), &scalar);
    ck_assert(scalar == 3.5f);
    const struct tensor *wide = safetensors_find(file, "wide");
    ck_assert(wide->rank == 3 && ((const int64_t *)wide->data)[7] == INT64_MIN);
    ck_assert_uint_eq((uintptr_t)wide->data % 64, 0);
    ck_assert_uint_eq((uintptr_t)numbers->data % 32, 0); /* 96 bytes */
    ck_assert_uint_eq((uintptr_t)safetensors_find(file, "slots")->data % 4, 0);
    ck_assert_mem_eq(safetensors_find(file, "text \"q\" \xc3\xa9")->data, "abcdefg", 7);
    ck_assert_uint_eq(safetensors_find(file, "empty")->shape[0], 0);
    size_t found = 0;
    for (size_t i = 0; i < 6; i++)
        found += safetensors_find(file, safetensors_name(file, i)) == safetensors_tensor(file, i);
    ck_assert_uint_eq(found, 6);
    safetensors_close(file);
}
END_TEST

START_TEST(the_same_entries_give_the_same_bytes)
{
    size_t first_count, second_count;
    write_sample();
    char *first = load(&first_count);
    write_sample();
    char *second = load(&second_count);
    ck_assert_uint_eq(first_count, second_count);
    ck_assert_mem_eq(first, second, first_count);
    uint64_t length;
    memcpy(&length, first, 8);
    ck_assert_uint_eq((8 + length) % 64, 0);
    ck_assert(safetensors_is(first, 9) && !safetensors_is(first, 8) && !safetensors_is("PK\3\4\0\0\0\0\0\0", 10));
    free(first);
    free(second);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    size_t count;
    write_sample();
    char *bytes = load(&count);
    for (size_t cut = 0; cut < count; cut++) {
        char what[64];
        save(bytes, cut);
        snprintf(what, sizeof what, "the first %zu of %zu bytes", cut, count);
        check_refused(what);
    }
    char *longer = calloc(count + 1, 1);
    memcpy(longer, bytes, count);
    save(longer, count + 1);
    check_refused("one byte too many");
    free(longer);
    free(bytes);
}
END_TEST

/* Whatever a flipped bit does to the header, an accepted file has all its tensors inside. */
START_TEST(flipped_bits_never_lead_outside_the_file)
{
    size_t count, accepted = 0;
    write_sample();
    char *bytes = load(&count);
    uint64_t length;
    memcpy(&length, bytes, 8);
    for (size_t bit = 0; bit < 8 * (8 + length); bit++) {
        struct safetensors *file;
        struct ft_error error;
        bytes[bit / 8] ^= (char)(1 << bit % 8);
        save(bytes, count);
        if (safetensors_open(path, &file, &error) == FT_OK) {
            accepted++;
            for (size_t i = 0; i < safetensors_count(file); i++) {
                const struct tensor *tensor = safetensors_tensor(file, i);
                size_t elements = 1;
                for (int d = 0; d < tensor->rank; d++)
                    elements *= tensor->shape[d];
                ck_assert_uint_le(elements, 64);
                float out[64];
                tensor_to_f32(tensor, out); /* the address sanitizer and the mapping's end watch */
            }
            safetensors_close(file);
        }
        bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    ck_assert_uint_gt(accepted, 0); /* a letter of a name, for instance */
    free(bytes);
}
END_TEST

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

START_TEST(hostile_headers_are_refused)
{
    static const struct {
        const char *header;
        size_t data_bytes;
    } cases[] = {
        {"", 0},
        {"[]", 0},
        {"{", 0},
        {"}", 0},
        {"{}}", 0},
        {"{} x", 0},
        {"{,}", 0},
        {"{\"a\"}", 0},
        {"{\"a\":}", 0},
        {"{\"a\":1}", 0},
        {"{\"a\":null}", 0},
        {"{\"a\":{}}", 0},
        {"{\"a\":[]}", 0},
        {"{" A ",}", 8},
        {"{" A " " A "}", 8},
        {"{" A "," A "}", 8},
        {"{" A "}", 7},
        {"{" A "}", 9},
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},    /* overlap */
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12},  /* overlap in part */
        {"{" A ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}}", 20}, /* a hole */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2e0],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2,],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[[2]],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387906],\"data_offsets\":[0,8]}}", 8},   /* wraps to 8 */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0}, /* wraps to 0 */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,0,4294967296],\"data_offsets\":[0,0]}}", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[18446744073709551618],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[18446744073709551608,0]}}", 0},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":8}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}", 8},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\":{\"dtype\":\"F32\" \"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a:{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\\":{}}", 0},
        {"{\"a\\", 0},
        {"{\"a\\x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\u12\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\ud83d\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\ude00\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\\ud83d\\u0041\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"a\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"\xc0\x80\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8},
        {"{\"__metadata__\":1}", 0},
        {"{\"__metadata__\":[]}", 0},
        {"{\"__metadata__\":{\"a\":1}}", 0},
        {"{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0},
        {"{\"__metadata__\":{\"a\":\"1\",\"a\":\"1\"}}", 0},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0},
        {"{\"__metadata__\":{\"a\":\"1\",}}", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        save_header(cases[i].header, cases[i].data_bytes);
        check_refused(cases[i].header);
    }
}
END_TEST

START_TEST(deep_nesting_does_not_exhaust_the_stack)
{
    size_t depth = 1000000;
    char *header = malloc(depth + 1);
    memset(header, '{', depth);
    header[depth] = 0;
    save_header(header, 0);
    check_refused("a million braces");
    memcpy(header, "{\"a\":{\"shape\":", 14);
    memset(header + 14, '[', depth - 14);
    save_header(header, 0);
    check_refused("a million brackets");
    free(header);
}
END_TEST

START_TEST(a_header_length_beyond_the_file_is_refused)
{
    const uint64_t lengths[] = {3, 100, 100000000, 100000001, INT64_MAX, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        char bytes[10];
        memcpy(bytes, &lengths[i], 8);
        memcpy(bytes + 8, "{}", 2);
        save(bytes, sizeof bytes);
        check_refused("a header length beyond the file");
    }
}
END_TEST

START_TEST(files_of_other_writers_are_read)
{
    struct safetensors *file;
    struct ft_error error = {""};
    /* blanks anywhere, any order of keys and tensors, escapes, an odd header length, an empty tensor */
    save_header(" {\n\"b\\u00e9\\/\\ud83d\\ude00\" : {\"data_offsets\":[ 3 , 7],\"shape\":[ 2 ],\"dtype\":\"F16\"}\t,"
                "\"a\":{\"dtype\":\"U8\",\"shape\":[3,1],\"data_offsets\":[0,3]},"
                "\"e\":{\"dtype\":\"I64\",\"shape\":[2,0],\"data_offsets\":[3,3]},\"__metadata__\":{\"k\":\"v\"}}  ",
                7);
    ck_assert_int_eq(safetensors_open(path, &file, &error), FT_MODEL); /* must start with the brace */
    ck_assert_ptr_null(file);
    save_header("{\n\"b\\u00e9\\/\\ud83d\\ude00\" : {\"data_offsets\":[ 3 , 7],\"shape\":[ 2 ],\"dtype\":\"F16\"}\t,"
                "\"a\":{\"dtype\":\"U8\",\"shape\":[3,1],\"data_offsets\":[0,3]},"
                "\"e\":{\"dtype\":\"I64\",\"shape\":[2,0],\"data_offsets\":[3,3]},\"__metadata__\":{\"k\":\"v\"}}  ",
                7);
    ck_assert_msg(safetensors_open(path, &file, &error) == FT_OK, "%s", error.text);
    const struct tensor *half = safetensors_find(file, "b\xc3\xa9/\xf0\x9f\x98\x80");
    ck_assert_ptr_nonnull(half);
    float out[3];
    tensor_to_f32(half, out); /* bytes 3 4 5 6: 0x0403 is (1024 + 3) * 2^-24, 0x0605 (1024 + 517) * 2^-24 */
    ck_assert(out[0] == 1027 * 0x1p-24f && out[1] == 1541 * 0x1p-24f);
    tensor_to_f32(safetensors_find(file, "a"), out);
    ck_assert(out[0] == 0 && out[1] == 1 && out[2] == 2);
    ck_assert_uint_eq(safetensors_find(file, "e")->shape[1], 0);
    ck_assert_str_eq(safetensors_metadata(file, "k"), "v");
    safetensors_close(file);
    save_header("{}", 0);
    ck_assert_int_eq(safetensors_open(path, &file, &error), FT_OK);
    ck_assert_uint_eq(safetensors_count(file), 0);
    safetensors_close(file);
}
END_TEST

START_TEST(missing_files_and_folders_are_named)
{
    struct safetensors *file;
    struct ft_error error = {""};
    ck_assert_int_eq(safetensors_open("/nowhere/a.safetensors", &file, &error), FT_MODEL);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/a.safetensors: "));
    ck_assert_int_eq(safetensors_open(folder, &file, &error), FT_MODEL);
    ck_assert_ptr_nonnull(strstr(error.text, "not a regular file"));
}
END_TEST

START_TEST(entries_that_could_not_be_read_back_are_not_written)
{
    static const float numbers[6];
    const struct tensor good = {numbers, DTYPE_F32, 1, {6}, {1}}, turned = {numbers, DTYPE_F32, 2, {2, 3}, {1, 2}},
                        absent = {NULL, DTYPE_F32, 1, {6}, {1}};
    const struct safetensors_entry twice[] = {{"a", good}, {"a", good}}, strided[] = {{"a", turned}},
                                   reserved[] = {{"__metadata__", good}}, latin[] = {{"\xe9", good}},
                                   none[] = {{"a", absent}};
    const char *const keys[][2] = {{"k", "1"}, {"k", "2"}}, *const bytes[][2] = {{"k", "\xff"}};
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(safetensors_write(output, twice, 2, NULL, 0, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, strided, 1, NULL, 0, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, reserved, 1, NULL, 0, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, latin, 1, NULL, 0, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, none, 1, NULL, 0, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, twice, 1, keys, 2, &error), FT_USAGE);
    ck_assert_int_eq(safetensors_write(output, twice, 1, bytes, 1, &error), FT_USAGE);
    output_discard(output);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/a.safetensors", folder);
    test_add(what_is_written_is_read_back, NULL);
    test_add(the_same_entries_give_the_same_bytes, NULL);
    test_add(every_truncation_is_refused, NULL);
    test_add(flipped_bits_never_lead_outside_the_file, NULL);
    test_add(hostile_headers_are_refused, NULL);
    test_add(deep_nesting_does_not_exhaust_the_stack, NULL);
    test_add(a_header_length_beyond_the_file_is_refused, NULL);
    test_add(files_of_other_writers_are_read, NULL);
    test_add(missing_files_and_folders_are_named, NULL);
    test_add(entries_that_could_not_be_read_back_are_not_written, NULL);
    int failed = test_run("safetensors");
    unlink(path);
    rmdir(folder);
    return failed;
}
