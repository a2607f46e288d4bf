/* test_output.c - results that appear whole or not at all. */
#include "harness.h"
#include "base/input.h"
#include "base/output.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/output-test-XXXXXX";

static char *path_of(const char *name)
{
    static char paths[8][512];
    static int used;
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool holds(const char *path, const char *text)
{
    char *bytes;
    size_t count;
    if (input_slurp(path, &bytes, &count, NULL))
        return false;
    bool equal = !strcmp(bytes, text);
    free(bytes);
    return equal;
}

static bool exists(const char *path)
{
    return !access(path, F_OK);
}

START_TEST(a_file_appears_only_when_it_is_closed)
{
    struct output *output;
    struct ft_error error;
    char *path = path_of("new");
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(output_text(output, "one\n", &error), FT_OK);
    ck_assert_int_eq(output_format(output, &error, "%d %s\n", 2, "two"), FT_OK);
    ck_assert_int_eq(output_flush(output, &error), FT_OK);
    ck_assert(!exists(path));
    ck_assert(holds(path_of("new.part"), "one\n2 two\n"));
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert(holds(path, "one\n2 two\n"));
    ck_assert(!exists(path_of("new.part")));
}
END_TEST

START_TEST(a_discarded_output_leaves_what_stood_there)
{
    struct output *output;
    struct ft_error error;
    char *path = path_of("old");
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    output_text(output, "old", &error);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert_int_eq(chmod(path, 0640), 0);
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    output_text(output, "new", &error);
    output_discard(output);
    ck_assert(holds(path, "old"));
    ck_assert(!exists(path_of("old.part")));
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    output_text(output, "new", &error);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert(holds(path, "new"));
    struct stat about;
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_int_eq(about.st_mode & 0777, 0640);
    output_discard(NULL);
}
END_TEST

START_TEST(a_link_stays_a_link)
{
    struct output *output;
    struct ft_error error;
    FILE *file = fopen(path_of("target"), "w");
    fclose(file);
    ck_assert_int_eq(symlink("target", path_of("link")), 0);
    ck_assert_int_eq(output_open(&output, path_of("link"), &error), FT_OK);
    output_text(output, "text", &error);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    struct stat about;
    ck_assert_int_eq(lstat(path_of("link"), &about), 0);
    ck_assert(S_ISLNK(about.st_mode));
    ck_assert(holds(path_of("target"), "text"));
}
END_TEST

START_TEST(a_device_is_written_in_place)
{
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, "/dev/null", &error), FT_OK);
    output_text(output, "text", &error);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    struct stat about;
    ck_assert_int_eq(stat("/dev/null", &about), 0);
    ck_assert(S_ISCHR(about.st_mode));
}
END_TEST

START_TEST(a_full_disk_is_told_by_name)
{
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, "/dev/full", &error), FT_OK);
    ck_assert_int_eq(output_text(output, "text", &error), FT_OK);
    ck_assert_int_eq(output_close(output, &error), FT_FAILED);
    ck_assert_str_eq(error.text, "cannot write '/dev/full': No space left on device");
    ck_assert_int_eq(output_open(&output, "/dev/full", &error), FT_OK);
    ck_assert_int_eq(output_text(output, "text", &error), FT_OK);
    ck_assert_int_eq(output_flush(output, &error), FT_FAILED);
    ck_assert_int_eq(output_text(output, "more", &error), FT_FAILED); /* and stays so */
    ck_assert_int_eq(output_close(output, &error), FT_FAILED);
}
END_TEST

START_TEST(a_folder_that_is_missing_or_in_the_way_is_told)
{
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, "/no/such/folder/file", &error), FT_FAILED);
    ck_assert_str_eq(error.text, "cannot write '/no/such/folder/file': No such file or directory");
    ck_assert_int_eq(output_open(&output, folder, &error), FT_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "Is a directory"));
}
END_TEST

START_TEST(a_closed_pipe_ends_quietly)
{
    int ends[2];
    struct ft_error error;
    struct output *output;
    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(pipe(ends), 0);
    close(ends[0]);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    ck_assert_int_eq(output_open(&output, NULL, &error), FT_OK);
    ck_assert_int_eq(output_text(output, "text", &error), FT_OK);
    ck_assert_int_eq(output_flush(output, &error), FT_END);
    ck_assert_int_eq(output_close(output, &error), FT_END);
}
END_TEST

START_TEST(a_header_can_be_written_last_into_a_file_only)
{
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, path_of("patched"), &error), FT_OK);
    output_text(output, "????text", &error);
    ck_assert_int_eq(output_patch(output, 0, "head", 4, &error), FT_OK);
    output_text(output, " and more", &error);
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert(holds(path_of("patched"), "headtext and more"));
    ck_assert_int_eq(output_open(&output, "/dev/null", &error), FT_OK);
    ck_assert_int_eq(output_patch(output, 0, "head", 4, &error), FT_USAGE);
    output_discard(output);
}
END_TEST

START_TEST(an_interrupted_output_can_keep_its_part)
{
    struct output *output;
    struct ft_error error;
    ck_assert_int_eq(output_open(&output, path_of("kept"), &error), FT_OK);
    output_text(output, "half", &error);
    ck_assert_int_eq(output_keep_part(output, &error), FT_OK);
    ck_assert(holds(path_of("kept.part"), "half"));
    ck_assert(!exists(path_of("kept")));
}
END_TEST

START_TEST(pieces_of_any_size_arrive_in_order)
{
    struct output *output;
    struct ft_error error;
    size_t count = 1000000, at = 0;
    char *bytes = malloc(count + 1), *back;
    unsigned seed = 7;
    printf("seed %u\n", seed);
    srand(seed);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)('a' + rand() % 26);
    bytes[count] = '\0';
    ck_assert_int_eq(output_open(&output, path_of("large"), &error), FT_OK);
    while (at < count) {
        size_t piece = (size_t)rand() % (rand() % 8 ? 1000 : 300000);
        if (piece > count - at)
            piece = count - at;
        ck_assert_int_eq(rand() % 2 ? output_write(output, bytes + at, piece, &error)
                                    : output_format(output, &error, "%.*s", (int)piece, bytes + at),
                         FT_OK);
        at += piece;
    }
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    size_t got;
    ck_assert_int_eq(input_slurp(path_of("large"), &back, &got, &error), FT_OK);
    ck_assert_uint_eq(got, count);
    ck_assert_int_eq(memcmp(back, bytes, count), 0);
    free(back);
    free(bytes);
}
END_TEST

START_TEST(a_part_is_gone_on_with_where_it_is_cut)
{
    struct output *output;
    struct ft_error error;
    char *path = path_of("cut");
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(output_text(output, "one two", &error), FT_OK);
    ck_assert_uint_eq(output_bytes(output), 7);
    ck_assert_int_eq(output_keep_part(output, &error), FT_OK);
    ck_assert_int_eq(output_open_left(&output, path, &error), FT_OK);
    ck_assert_uint_eq(output_left(output), 7);
    ck_assert(holds(path_of("cut.part"), "one two"));
    ck_assert_int_eq(output_cut(output, 8, &error), FT_INPUT);
    ck_assert_int_eq(output_cut(output, 4, &error), FT_OK);
    ck_assert_int_eq(output_text(output, "three", &error), FT_OK);
    ck_assert_uint_eq(output_bytes(output), 9);
    ck_assert_int_eq(output_sync(output, &error), FT_OK);
    ck_assert(holds(path_of("cut.part"), "one three"));
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert(holds(path, "one three"));
}
END_TEST

START_TEST(a_part_that_another_process_writes_is_left_alone)
{
    struct output *output;
    struct ft_error error;
    char *path = path_of("locked");
    ck_assert_int_eq(output_open(&output, path, &error), FT_OK);
    ck_assert_int_eq(output_text(output, "mine", &error), FT_OK);
    ck_assert_int_eq(output_flush(output, &error), FT_OK);
    pid_t child = fork();
    if (!child) {
        struct output *second;
        _exit(output_open(&second, path, &error) == FT_FAILED && strstr(error.text, "another process") ? 0 : 1);
    }
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert(holds(path_of("locked.part"), "mine"));
    ck_assert_int_eq(output_close(output, &error), FT_OK);
    ck_assert(holds(path, "mine"));
}
END_TEST

int main(void)
{
    if (!mkdtemp(folder))
        return 1;
    test_add(a_file_appears_only_when_it_is_closed, NULL);
    test_add(a_part_is_gone_on_with_where_it_is_cut, NULL);
    test_add(a_part_that_another_process_writes_is_left_alone, NULL);
    test_add(a_discarded_output_leaves_what_stood_there, NULL);
    test_add(a_link_stays_a_link, NULL);
    test_add(a_device_is_written_in_place, NULL);
    test_add(a_full_disk_is_told_by_name, "/dev/full");
    test_add(a_folder_that_is_missing_or_in_the_way_is_told, NULL);
    test_add(a_closed_pipe_ends_quietly, NULL);
    test_add(a_header_can_be_written_last_into_a_file_only, NULL);
    test_add(an_interrupted_output_can_keep_its_part, NULL);
    test_add(pieces_of_any_size_arrive_in_order, NULL);
    int result = test_run("output");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) ? 1 : result;
}
