/* test_text_stream.c - text that stdio writes to memory. */
#include "base/text_stream.h"
#include "harness.h"
#include <stdlib.h>
#include <string.h>

START_TEST(text_of_any_length_comes_back_as_it_was_written)
{
    static const size_t lengths[] = {0, 1, 4095, 4096, 4097, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct text_stream stream;
        size_t bytes;
        ck_assert(text_stream_open(&stream));
        for (size_t k = 0; k < lengths[i]; k++)
            fputc('a' + (int)(k % 26), stream.file);
        ck_assert_uint_eq(text_stream_bytes(&stream), lengths[i]);
        fprintf(stream.file, "%s", "the end");
        char *text = text_stream_close(&stream, &bytes);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_eq(bytes, lengths[i] + strlen("the end"));
        ck_assert_uint_eq(strlen(text), bytes);
        for (size_t k = 0; k < lengths[i]; k++)
            ck_assert_int_eq(text[k], 'a' + (int)(k % 26));
        ck_assert_str_eq(text + lengths[i], "the end");
        free(text);
    }
}
END_TEST

int main(void)
{
    test_add(text_of_any_length_comes_back_as_it_was_written, NULL);
    return test_run("text_stream");
}
