/* GloVe and word2vec files, text and binary, plain and gz; damaged ones are refused by line or word. */
#include "harness.h"
#include "import/word_vectors.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/vectors-XXXXXX", path[64];

static void save(const void *bytes, size_t count)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    ck_assert_int_eq(fclose(file), 0);
}

static struct model_source *open_saved(void)
{
    struct model_source *source;
    struct ft_error error = {""};
    ck_assert_msg(word_vectors_open(path, &source, &error) == FT_OK, "%s", error.text);
    ck_assert_int_eq(source->kind, MODEL_WORDS);
    ck_assert(source->words.vectors.rank == 2 && source->words.vectors.shape[0] == source->words.count &&
              source->words.vectors.shape[1] == source->words.width && !source->words.rows && !source->words.stable &&
              !source->words.unknown_is_row);
    return source;
}

static struct model_source *open_text(const char *text)
{
    save(text, strlen(text));
    return open_saved();
}

static void check_word(const struct model_source *source, size_t index, const char *word, size_t bytes)
{
    const struct bytes *found = &source->words.words[index];
    ck_assert_uint_lt(index, source->words.count);
    ck_assert_msg(found->count == bytes && !memcmp(found->at, word, bytes), "word %zu is '%.*s'", index,
                  (int)found->count, found->at);
}

static float number(const struct model_source *source, size_t row, size_t column)
{
    return ((const float *)source->words.vectors.data)[row * source->words.width + column];
}

static void check_refused(const void *bytes, size_t count, const char *where, const char *what)
{
    struct model_source *source;
    struct ft_error error = {""};
    save(bytes, count);
    ck_assert_msg(word_vectors_open(path, &source, &error) == FT_MODEL, "accepted: expected '%s'", what);
    ck_assert_ptr_null(source);
    ck_assert_msg(strstr(error.text, path) && strstr(error.text, where) && strstr(error.text, what),
                  "'%s' holds not '%s' and '%s'", error.text, where, what);
}

static void check_text_refused(const char *text, const char *where, const char *what)
{
    check_refused(text, strlen(text), where, what);
}

START_TEST(glove_text_has_a_word_and_numbers_a_line)
{
    struct model_source *source = open_text("the 0.5 -1.25 3e-2\nof 1 +2 .5\n1999 4 5 6");
    ck_assert_uint_eq(source->words.count, 3);
    ck_assert_uint_eq(source->words.width, 3);
    check_word(source, 0, "the", 3);
    check_word(source, 2, "1999", 4);
    ck_assert(number(source, 0, 1) == -1.25f && number(source, 0, 2) == 3e-2f && number(source, 1, 1) == 2 &&
              number(source, 2, 2) == 6);
    word_vectors_close(source);
}
END_TEST

START_TEST(odd_white_space_is_skipped)
{
    struct model_source *source = open_text("the\t1  2 \t\r\n\n \t\r\n  of 3\t\t4\r\n");
    ck_assert_uint_eq(source->words.count, 2);
    ck_assert_uint_eq(source->words.width, 2);
    check_word(source, 1, "of", 2);
    ck_assert(number(source, 1, 1) == 4);
    word_vectors_close(source);
}
END_TEST

START_TEST(only_ascii_blanks_end_a_word)
{
    struct model_source *source = open_text("a\xc2\xa0"
                                            "b 1 2\nc\xc2\x85 3 4\n\xe2\x80\xa8 5 6\n"
                                            "x\x0by\x0c 7 8\n\xff\xfe 9 10\n");
    ck_assert_uint_eq(source->words.count, 5);
    check_word(source, 0,
               "a\xc2\xa0"
               "b",
               4);
    check_word(source, 1, "c\xc2\x85", 3);
    check_word(source, 2, "\xe2\x80\xa8", 3);
    check_word(source, 3, "x\x0by\x0c", 4);
    check_word(source, 4, "\xff\xfe", 2);
    word_vectors_close(source);
}
END_TEST

START_TEST(a_word_of_several_fields_keeps_its_blanks)
{
    struct model_source *source = open_text("the 1 2\n. . . 3 4\n7 at x@y.com 5 6\n");
    ck_assert_uint_eq(source->words.count, 3);
    check_word(source, 1, ". . .", 5);
    check_word(source, 2, "7 at x@y.com", 12);
    ck_assert(number(source, 1, 0) == 3 && number(source, 2, 1) == 6);
    word_vectors_close(source);
}
END_TEST

START_TEST(of_equal_words_the_first_counts)
{
    struct model_source *source = open_text("5 1\na 1\nb 2\na 3\na 4\nc 5\n");
    ck_assert_uint_eq(source->words.count, 3);
    ck_assert_uint_eq(source->words.duplicates, 2);
    ck_assert(number(source, 0, 0) == 1 && number(source, 1, 0) == 2 && number(source, 2, 0) == 5);
    word_vectors_close(source);
}
END_TEST

START_TEST(many_words_outgrow_the_first_memory)
{
    enum { COUNT = 30000, WIDTH = 50 };
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < COUNT; i++) {
        fprintf(file, "w%d", i);
        for (int k = 0; k < WIDTH; k++)
            fprintf(file, " %d.5", i * 3 + k);
        fputc('\n', file);
    }
    fclose(file);
    struct model_source *source = open_saved();
    ck_assert_uint_eq(source->words.count, COUNT);
    for (size_t i = 0; i < COUNT; i += 7)
        for (size_t k = 0; k < WIDTH; k++)
            ck_assert(number(source, i, k) == (float)(i * 3 + k) + 0.5f);
    word_vectors_close(source);
}
END_TEST

/* Three words of two numbers; 0x0a0a0a0a and numbers with blanks (0x20) inside, words of any bytes. */
static size_t make_binary(char *out, const char *newline)
{
    const uint32_t numbers[] = {0x0a0a0a0a, 0x3f800000, 0x20202020, 0x41200a0a, 0x80000000, 0x0a20200a};
    const char *words[] = {"the", "\xc2\xa0", "a\tb"};
    size_t bytes = (size_t)sprintf(out, "3 2\n");
    for (int i = 0; i < 3; i++) {
        bytes += (size_t)sprintf(out + bytes, "%s ", words[i]);
        memcpy(out + bytes, numbers + 2 * i, 8);
        bytes += 8;
        bytes += (size_t)sprintf(out + bytes, "%s", newline);
    }
    return bytes;
}

START_TEST(binary_files_are_read_with_and_without_line_ends)
{
    for (int round = 0; round < 2; round++) {
        char bytes[128];
        save(bytes, make_binary(bytes, round ? "\n" : ""));
        struct model_source *source = open_saved();
        ck_assert_uint_eq(source->words.count, 3);
        ck_assert_uint_eq(source->words.width, 2);
        check_word(source, 0, "the", 3);
        check_word(source, 1, "\xc2\xa0", 2);
        check_word(source, 2, "a\tb", 3);
        const uint32_t expected[] = {0x0a0a0a0a, 0x3f800000, 0x20202020, 0x41200a0a, 0x80000000, 0x0a20200a};
        ck_assert_mem_eq(source->words.vectors.data, expected, sizeof expected);
        word_vectors_close(source);
    }
}
END_TEST

START_TEST(every_cut_binary_file_is_refused)
{
    char bytes[128];
    size_t count = make_binary(bytes, "");
    for (size_t cut = 0; cut < count; cut++)
        check_refused(bytes, cut, "", cut < 3 ? "word vectors" : "");
    bytes[count] = 'x';
    check_refused(bytes, count + 1, "word 4", "ends within");
    memcpy(bytes + count, "x 12345678", 10);
    check_refused(bytes, count + 10, "", "more than the 3 words");
}
END_TEST

static size_t compress_all(const void *bytes, size_t count, char *out, size_t room)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (z_const Bytef *)bytes;
    stream.avail_in = (uInt)count;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    size_t written = stream.total_out;
    deflateEnd(&stream);
    return written;
}

START_TEST(gz_files_are_told_by_their_magic_and_cut_ones_are_refused)
{
    static const char text[] = "the 1 2\nof 3 4\n";
    char packed[256], binary[128];
    size_t count = compress_all(text, sizeof text - 1, packed, sizeof packed);
    save(packed, count);
    struct model_source *source = open_saved();
    ck_assert_uint_eq(source->words.count, 2);
    ck_assert(number(source, 1, 1) == 4);
    word_vectors_close(source);
    for (size_t cut = 3; cut < count; cut++)
        check_refused(packed, cut, "", "");
    save(packed, compress_all(binary, make_binary(binary, "\n"), packed, sizeof packed));
    source = open_saved();
    ck_assert_uint_eq(source->words.count, 3);
    check_word(source, 2, "a\tb", 3);
    word_vectors_close(source);
}
END_TEST

START_TEST(wrong_lines_are_refused_by_number)
{
    check_text_refused("", "", "empty");
    check_text_refused("\n", ":1:", "not word vectors");
    check_text_refused("hello\n", ":1:", "not word vectors");
    check_text_refused("hello world\n", ":1:", "not word vectors");
    check_text_refused("a 1 2\nb 1\n", ":2:", "found 2 columns");
    check_text_refused("a 1 2\nb 1 2 3\n", ":2:", "found 4 columns");
    check_text_refused("a 1 2\nb\n", ":2:", "found 1 columns");
    check_text_refused("a 1 2\n\nb 1 x\n", ":3:", "'x' is not a number");
    check_text_refused("a 1 2\nb x 1\n", ":2:", "'x' is not a number");
    check_text_refused("a 1 2\nb 1 2x\n", ":2:", "'2x' is not a number");
    check_text_refused("a 1 2\nb 1 nan\n", ":2:", "'nan' is not a number");
    check_text_refused("a 1 2\nb 1 1e99\n", ":2:", "'1e99' is not a number");
    check_text_refused("a 1 2\nb 1,5 2\n", ":2:", "'1,5' is not a number");
    check_text_refused("a 1 2\nb 1 2 x\n", ":2:", "found 4 columns");
    check_text_refused("3 2\na 1 2\nb 3 4\n", "holds 2 words", "announces 3");
    check_text_refused("1 2\na 1 2\nb 3 4\n", "", "more than the 1 words");
    check_text_refused("2 3\na 1 2\nb 3 4\n", ":2:", "found 3 columns");
    check_text_refused("3 2\n", "holds 0 words", "announces 3");
    check_text_refused("0 2\n", "", "no word vectors");
    check_text_refused("2 0\na\nb\n", ":1:", "not word vectors");
    check_text_refused("2 1048577\na 1 2\n", ":2:", "found 3 columns"); /* wider than any: not a header, then */
    check_refused("a 1\0 2\nb 1 2\n", 14, ":2:", "");
}
END_TEST

START_TEST(binary_numbers_must_be_finite)
{
    static const char bytes[] = "1 2\nab \0\0\x80\x3f\0\0\xc0\x7f";
    check_refused(bytes, sizeof bytes - 1, "number 2 of word 1", "not finite");
}
END_TEST

START_TEST(a_missing_file_is_a_bad_model)
{
    struct model_source *source;
    struct ft_error error = {""};
    ck_assert_int_eq(word_vectors_open("/nowhere/glove.txt", &source, &error), FT_MODEL);
    ck_assert_ptr_nonnull(strstr(error.text, "/nowhere/glove.txt"));
}
END_TEST

START_TEST(first_bytes_tell_word_vectors_from_other_files)
{
    static const char *const yes[] = {"the 0.1 0.2\n", "400000 100\nthe", "the 0.1 0.2 0.3", "x@y z 0.5\n"};
    static const char *const no[] = {"", "\n", "the\n", "PK\3\4", "the quick fox\n", "\x80\2cflair"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        ck_assert_msg(word_vectors_is(yes[i], strlen(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        ck_assert_msg(!word_vectors_is(no[i], strlen(no[i])), "%s", no[i]);
}
END_TEST

START_TEST(the_first_thirty_thousand_words_of_glove_are_read)
{
    struct model_source *source;
    struct ft_error error = {""};
    ck_assert_msg(word_vectors_open(shared_path("data/glove/glove.30k.100d.txt.gz"), &source, &error) == FT_OK, "%s",
                  error.text);
    ck_assert_uint_eq(source->words.count, 30000);
    ck_assert_uint_eq(source->words.width, 100);
    ck_assert_uint_eq(source->words.duplicates, 0);
    check_word(source, 0, "the", 3);
    ck_assert(number(source, 0, 0) == -0.038194f);
    word_vectors_close(source);
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/v", folder);
    test_add(glove_text_has_a_word_and_numbers_a_line, NULL);
    test_add(odd_white_space_is_skipped, NULL);
    test_add(only_ascii_blanks_end_a_word, NULL);
    test_add(a_word_of_several_fields_keeps_its_blanks, NULL);
    test_add(of_equal_words_the_first_counts, NULL);
    test_add(many_words_outgrow_the_first_memory, NULL);
    test_add(binary_files_are_read_with_and_without_line_ends, NULL);
    test_add(every_cut_binary_file_is_refused, NULL);
    test_add(gz_files_are_told_by_their_magic_and_cut_ones_are_refused, NULL);
    test_add(wrong_lines_are_refused_by_number, NULL);
    test_add(binary_numbers_must_be_finite, NULL);
    test_add(a_missing_file_is_a_bad_model, NULL);
    test_add(first_bytes_tell_word_vectors_from_other_files, NULL);
    test_add(the_first_thirty_thousand_words_of_glove_are_read, shared_path("data/glove/glove.30k.100d.txt.gz"));
    int failed = test_run("word_vectors");
    unlink(path);
    rmdir(folder);
    return failed;
}
