/* test_input.c - lines of files, gz files and pipes. */
#include "harness.h"
#include "base/clock.h"
#include "base/input.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

static char folder[] = "/tmp/input-test-XXXXXX";

static char *path_of(const char *name)
{
    static char paths[8][512];
    static int used;
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static char *write_bytes(const char *name, const void *bytes, size_t count)
{
    char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, count, file), count);
    fclose(file);
    return path;
}

static char *write_gz(const char *name, const char *text, const char *mode)
{
    char *path = path_of(name);
    gzFile file = gzopen(path, mode);
    ck_assert_int_eq(gzwrite(file, text, (unsigned)strlen(text)), (int)strlen(text));
    gzclose(file);
    return path;
}

/* All lines, each with "$" where it ended by a newline and "." where not. */
static ft_status read_lines(const char *path, char *all, size_t room, struct ft_error *error)
{
    struct input *input;
    ft_status status = input_open(&input, path, error);
    all[0] = '\0';
    if (status)
        return status;
    char *line;
    size_t bytes, used = 0;
    bool newline;
    while (!(status = input_line(input, &line, &bytes, &newline, error)))
        used += (size_t)snprintf(all + used, room - used, "%.*s%c", (int)bytes, line, newline ? '$' : '.');
    input_close(input);
    return status;
}

START_TEST(lines_come_without_their_newline_and_tell_whether_they_had_one)
{
    char all[100];
    struct ft_error error;
    ck_assert_int_eq(read_lines(write_bytes("a", "one\n\ntwo\r\nthree", 15), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "one$$two\r$three.");
    ck_assert_int_eq(read_lines(write_bytes("b", "", 0), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "");
    ck_assert_int_eq(read_lines(write_bytes("c", "\n", 1), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "$");
}
END_TEST

START_TEST(a_gz_file_is_known_by_its_magic_number)
{
    char all[100];
    struct ft_error error;
    ck_assert_int_eq(read_lines(write_gz("text.txt", "a\nb\n", "wb"), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "a$b$");
    ck_assert_int_eq(read_lines(write_bytes("plain.gz", "a\n", 2), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "a$");
    ck_assert_int_eq(read_lines(write_bytes("half", "\x1f", 1), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "\x1f.");
}
END_TEST

START_TEST(members_of_a_gz_file_follow_each_other)
{
    char all[100];
    struct ft_error error;
    write_gz("two.gz", "a\nb", "wb");
    ck_assert_int_eq(read_lines(write_gz("two.gz", "c\n", "ab"), all, sizeof all, &error), FT_END);
    ck_assert_str_eq(all, "a$bc$");
    FILE *file = fopen(path_of("two.gz"), "ab");
    fwrite("\0\0\0\0", 1, 4, file); /* a tape's padding */
    fclose(file);
    ck_assert_int_eq(read_lines(path_of("two.gz"), all, sizeof all, &error), FT_END);
}
END_TEST

static size_t slurp(const char *path, char **bytes)
{
    size_t count;
    struct ft_error error;
    ck_assert_int_eq(input_slurp(path, bytes, &count, &error), FT_OK);
    return count;
}

/* The raw bytes of a file, gz or not. */
static size_t raw_bytes(const char *path, char *to, size_t room)
{
    FILE *file = fopen(path, "rb");
    size_t count = fread(to, 1, room, file);
    fclose(file);
    return count;
}

START_TEST(a_gz_file_cut_anywhere_is_an_error)
{
    char raw[1000], all[100];
    struct ft_error error;
    size_t count = raw_bytes(write_gz("whole.gz", "one\ntwo\nthree\n", "wb"), raw, sizeof raw);
    for (size_t keep = 2; keep < count; keep++) {
        ck_assert_int_eq(read_lines(write_bytes("cut.gz", raw, keep), all, sizeof all, &error), FT_INPUT);
        ck_assert_ptr_nonnull(strstr(error.text, "cut.gz: truncated gz file"));
    }
    ck_assert_int_eq(read_lines(write_bytes("cut.gz", raw, count), all, sizeof all, &error), FT_END);
}
END_TEST

START_TEST(a_damaged_gz_file_is_an_error)
{
    char raw[1000], all[100];
    struct ft_error error;
    size_t count = raw_bytes(write_gz("whole.gz", "one\ntwo\nthree\n", "wb"), raw, sizeof raw);
    raw[count - 6] ^= 1; /* in the checksum */
    ck_assert_int_eq(read_lines(write_bytes("bad.gz", raw, count), all, sizeof all, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "bad.gz: damaged gz file"));
    raw[count - 6] ^= 1;
    memcpy(raw + count, "more", 4);
    ck_assert_int_eq(read_lines(write_bytes("bad.gz", raw, count + 4), all, sizeof all, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "follow its end"));
}
END_TEST

START_TEST(a_missing_file_and_a_folder_are_told_by_the_systems_words)
{
    struct input *input;
    struct ft_error error;
    ck_assert_int_eq(input_open(&input, "/no/such/file", &error), FT_INPUT);
    ck_assert_str_eq(error.text, "cannot read '/no/such/file': No such file or directory");
    ck_assert_int_eq(input_open(&input, "/tmp", &error), FT_INPUT);
    ck_assert_str_eq(error.text, "cannot read '/tmp': Is a directory");
}
END_TEST

START_TEST(a_line_longer_than_any_buffer_comes_whole)
{
    size_t count = 3000000;
    char *bytes = malloc(count + 2), *back;
    memset(bytes, 'x', count);
    memcpy(bytes + count, "\ny", 2);
    struct input *input;
    struct ft_error error;
    ck_assert_int_eq(input_open(&input, write_bytes("long", bytes, count + 2), &error), FT_OK);
    char *line;
    size_t length;
    bool newline;
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert_uint_eq(length, count);
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert_uint_eq(length, 1);
    ck_assert_uint_eq(input_line_number(input), 2);
    size_t done, total;
    input_progress(input, &done, &total);
    ck_assert_uint_eq(done, count + 2);
    ck_assert_uint_eq(total, count + 2);
    input_close(input);
    ck_assert_uint_eq(slurp(path_of("long"), &back), count + 2);
    ck_assert_int_eq(memcmp(back, bytes, count + 2), 0);
    ck_assert_int_eq(back[count + 2], 0);
    free(back);
    free(bytes);
}
END_TEST

START_TEST(slurp_unpacks_gz)
{
    char *bytes;
    ck_assert_uint_eq(slurp(write_gz("s.gz", "abc\n", "wb"), &bytes), 4);
    ck_assert_str_eq(bytes, "abc\n");
    free(bytes);
    ck_assert_uint_eq(slurp(write_bytes("empty", "", 0), &bytes), 0);
    ck_assert_str_eq(bytes, "");
    free(bytes);
}
END_TEST

/* Opens the reading end of a pipe as standard input. */
static int pipe_to_stdin(void)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    close(ends[0]);
    return ends[1];
}

static void put(int fd, const void *bytes, size_t count)
{
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
}

START_TEST(a_pipe_is_ready_when_a_whole_line_or_its_end_has_come)
{
    int to = pipe_to_stdin();
    struct input *input;
    struct ft_error error;
    char *line;
    size_t length;
    bool newline;
    ck_assert_int_eq(input_open(&input, "-", &error), FT_OK);
    ck_assert(!input_ready(input, 0));
    put(to, "one\ntw", 6);
    ck_assert(input_ready(input, 0));
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert_str_eq(input_name(input), "-");
    ck_assert(!input_ready(input, 0));
    put(to, "o", 1);
    ck_assert(!input_ready(input, 0));
    close(to);
    ck_assert(input_ready(input, 0));
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert(!newline);
    ck_assert(input_ready(input, 0));
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_END);
    input_close(input);
}
END_TEST

START_TEST(a_pipe_is_waited_for_as_long_as_asked)
{
    int to = pipe_to_stdin();
    struct input *input;
    struct ft_error error;
    ck_assert_int_eq(input_open(&input, "-", &error), FT_OK);
    put(to, "on", 2);
    double start = clock_seconds();
    ck_assert(!input_ready(input, start + 0.05));
    double waited = clock_seconds() - start;
    ck_assert_msg(waited >= 0.05, "waited %f s", waited);
    pid_t child = fork();
    if (!child) {
        usleep(20000);
        _exit(write(to, "e\n", 2) != 2);
    }
    start = clock_seconds();
    ck_assert(input_ready(input, start + 60));
    waited = clock_seconds() - start;
    ck_assert_msg(waited < 30, "waited %f s", waited);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(to);
    input_close(input);
}
END_TEST

START_TEST(a_gz_pipe_gives_its_lines_and_its_truncation)
{
    char raw[1000];
    size_t count = raw_bytes(write_gz("pipe.gz", "one\ntwo\n", "wb"), raw, sizeof raw);
    int to = pipe_to_stdin();
    struct input *input;
    struct ft_error error;
    char *line;
    size_t length;
    bool newline;
    ck_assert_int_eq(input_open(&input, NULL, &error), FT_OK);
    put(to, raw, count - 1);
    ck_assert(input_ready(input, 0));
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_OK);
    ck_assert(!input_ready(input, 0));
    close(to);
    ck_assert(input_ready(input, 0)); /* the error is for input_line to tell */
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "truncated gz"));
    ck_assert_int_eq(input_line(input, &line, &length, &newline, &error), FT_INPUT);
    input_close(input);
}
END_TEST

START_TEST(random_bytes_never_break_it)
{
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 300; round++) {
        unsigned char bytes[300];
        size_t count = (size_t)rand() % sizeof bytes;
        for (size_t i = 0; i < count; i++)
            bytes[i] = (unsigned char)(rand() % 4 ? rand() : '\n');
        if (round % 2 && count > 3)
            memcpy(bytes, "\x1f\x8b\x08", 3);
        struct input *input;
        struct ft_error error;
        ft_status status = input_open(&input, write_bytes("random", bytes, count), &error);
        ck_assert_int_eq(status, FT_OK);
        char *line;
        size_t length, sum = 0;
        bool newline;
        while (!(status = input_line(input, &line, &length, &newline, &error)))
            sum += length + newline;
        ck_assert_msg(status == FT_INPUT || sum == count || round % 2, "seed %u: %zu of %zu bytes", seed, sum, count);
        input_close(input);
    }
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(lines_come_without_their_newline_and_tell_whether_they_had_one, NULL);
    test_add(a_gz_file_is_known_by_its_magic_number, NULL);
    test_add(members_of_a_gz_file_follow_each_other, NULL);
    test_add(a_gz_file_cut_anywhere_is_an_error, NULL);
    test_add(a_damaged_gz_file_is_an_error, NULL);
    test_add(a_missing_file_and_a_folder_are_told_by_the_systems_words, NULL);
    test_add(a_line_longer_than_any_buffer_comes_whole, NULL);
    test_add(slurp_unpacks_gz, NULL);
    test_add(a_pipe_is_ready_when_a_whole_line_or_its_end_has_come, NULL);
    test_add(a_pipe_is_waited_for_as_long_as_asked, NULL);
    test_add(a_gz_pipe_gives_its_lines_and_its_truncation, NULL);
    test_add(random_bytes_never_break_it, NULL);
    int result = test_run("input");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) ? 1 : result;
}
