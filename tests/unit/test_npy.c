/* Headers as numpy writes them, arrays read back, damaged ones refused. */
#include "base/npy.h"
#include "harness.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/npy-XXXXXX", path[64];

static void save(const void *head, size_t head_bytes, const void *data, size_t data_bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(head, 1, head_bytes, file) + fwrite(data, 1, data_bytes, file), head_bytes + data_bytes);
    ck_assert_int_eq(fclose(file), 0);
}

/* A version 1 file with this dictionary, a LF behind it. */
static void save_text(const char *dictionary, const void *data, size_t data_bytes)
{
    char head[512];
    size_t bytes = strlen(dictionary);
    memcpy(head, "\x93NUMPY\1\0", 8);
    head[8] = (char)(bytes + 1);
    head[9] = 0;
    memcpy(head + 10, dictionary, bytes);
    head[10 + bytes] = '\n';
    save(head, 11 + bytes, data, data_bytes);
}

START_TEST(the_header_is_the_one_numpy_writes)
{
    char header[NPY_HEADER_BYTES];
    npy_header(3, 100, header);
    static const char expected[] = "\x93NUMPY\1\0\x76\0{'descr': '<f4', 'fortran_order': False, 'shape': (3, 100), }";
    ck_assert_mem_eq(header, expected, sizeof expected - 1);
    ck_assert_int_eq(header[NPY_HEADER_BYTES - 1], '\n');
    for (size_t i = sizeof expected - 1; i < NPY_HEADER_BYTES - 1; i++)
        ck_assert_int_eq(header[i], ' ');
    npy_header(SIZE_MAX, SIZE_MAX, header); /* the longest numbers fit */
    ck_assert_ptr_nonnull(memmem(header, sizeof header, "18446744073709551615, 18446744073709551615), }", 46));
    ck_assert_int_eq(header[NPY_HEADER_BYTES - 1], '\n');
}
END_TEST

START_TEST(a_written_matrix_is_read_back)
{
    const float rows[6] = {1, 2, 3, -4, 5.5f, 6};
    char header[NPY_HEADER_BYTES];
    struct npy array;
    struct ft_error error = {""};
    npy_header(2, 3, header);
    save(header, sizeof header, rows, sizeof rows);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert(array.type == NPY_F32 && array.rank == 2 && array.shape[0] == 2 && array.shape[1] == 3);
    ck_assert_uint_eq(array.count, 6);
    ck_assert_mem_eq(array.data, rows, sizeof rows);
    npy_release(&array);
}
END_TEST

START_TEST(other_shapes_types_and_versions_are_read)
{
    const int32_t numbers[4] = {1, -2, 3, INT32_MAX};
    struct npy array;
    struct ft_error error = {""};
    save_text("{'shape': (4,), 'fortran_order': False, 'descr': '<i4'}", numbers, 16);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert(array.type == NPY_I32 && array.rank == 1 && array.count == 4);
    ck_assert_mem_eq(array.data, numbers, 16);
    npy_release(&array);
    save_text("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", numbers, 4);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert(array.rank == 0 && array.count == 1);
    npy_release(&array);
    save_text("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5), }", numbers, 0);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert(array.rank == 2 && array.count == 0 && array.shape[1] == 5);
    npy_release(&array);
    static const char second[] = "\x93NUMPY\2\0\x38\0\0\0{'descr': '<i4', 'fortran_order': False, 'shape': (1,)}\n";
    save(second, sizeof second - 1, numbers, 4);
    ck_assert_msg(npy_read(path, &array, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(array.count, 1);
    npy_release(&array);
}
END_TEST

START_TEST(damaged_arrays_are_refused)
{
    static const char *const dictionaries[] = {
        "",
        "{",
        "{}",
        "[]",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'shape': (4,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '>f4', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 4}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,4)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387908,)}", /* 2^62 + 4 */
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (4,)}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (4,)}",
    };
    static const float numbers[4];
    struct npy array;
    struct ft_error error;
    for (size_t i = 0; i < sizeof dictionaries / sizeof *dictionaries; i++) {
        save_text(dictionaries[i], numbers, sizeof numbers);
        ck_assert_msg(npy_read(path, &array, &error) == FT_INPUT && !array.data, "%s", dictionaries[i]);
        ck_assert_ptr_nonnull(strstr(error.text, path));
    }
    char header[NPY_HEADER_BYTES];
    npy_header(2, 2, header);
    for (size_t cut = 0; cut < NPY_HEADER_BYTES; cut++) {
        save(header, cut, "", 0);
        ck_assert_msg(npy_read(path, &array, &error) == FT_INPUT, "cut at %zu", cut);
    }
    header[6] = 4;
    save(header, sizeof header, numbers, sizeof numbers);
    ck_assert_int_eq(npy_read(path, &array, &error), FT_INPUT);
    ck_assert_int_eq(npy_read("/nowhere/a.npy", &array, &error), FT_INPUT);
}
END_TEST

START_TEST(arrays_of_numpy_itself_are_read)
{
    struct npy array;
    struct ft_error error = {""};
    ck_assert_msg(npy_read(shared_path("golden/words/matrix.npy"), &array, &error) == FT_OK, "%s", error.text);
    ck_assert(array.type == NPY_F32 && array.rank == 2 && array.shape[0] == 36 && array.shape[1] == 7);
    ck_assert(((const float *)array.data)[0] == 0.4412275f);
    npy_release(&array);
    ck_assert_msg(npy_read(shared_path("golden/lm/v0.4.4-legacy-L1/ids.forward.npy"), &array, &error) == FT_OK, "%s",
                  error.text);
    ck_assert(array.type == NPY_I32 && array.count > 100);
    npy_release(&array);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/a.npy", folder);
    test_add(the_header_is_the_one_numpy_writes, NULL);
    test_add(a_written_matrix_is_read_back, NULL);
    test_add(other_shapes_types_and_versions_are_read, NULL);
    test_add(damaged_arrays_are_refused, NULL);
    test_add(arrays_of_numpy_itself_are_read, shared_path("golden/lm"));
    int failed = test_run("npy");
    unlink(path);
    rmdir(folder);
    return failed;
}
