/* The folder of a run: made once, held by one, opened again, described by its run.json. */
#include "harness.h"
#include "run/run_folder.h"
#include "training_scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char description[] = "{\"format\": 1}\n";

/* A new run in a folder of the scratch, open. */
static struct run_folder begin(struct scratch *scratch, const char *text)
{
    struct run_folder folder;
    struct ft_error error = {""};
    scratch_file(scratch, "run.json");
    ck_assert_msg(run_folder_create(&folder, scratch->folder, &error) == FT_OK, "%s", error.text);
    folder.text = strdup(text);
    ck_assert_msg(run_folder_describe(&folder, &error) == FT_OK, "%s", error.text);
    return folder;
}

static void check_refusal(ft_status got, ft_status status, const struct ft_error *error, const char *path,
                          const char *message)
{
    char expected[1024];
    snprintf(expected, sizeof expected, "%s: %s", path, message);
    ck_assert_str_eq(error->text, expected);
    ck_assert_int_eq(got, status);
}

START_TEST(what_was_begun_is_opened_again)
{
    struct scratch scratch;
    struct run_folder folder, again;
    struct ft_error error = {""};
    char path[RUN_PATH_BYTES], identity[RUN_IDENTITY_BYTES], same[RUN_IDENTITY_BYTES];
    scratch_init(&scratch);
    folder = begin(&scratch, description);
    run_folder_identity(&folder, identity);
    ck_assert_str_eq(run_folder_file(&folder, "a.txt", path), scratch_file(&scratch, "a.txt"));
    run_folder_close(&folder);
    run_folder_close(&folder); /* twice is as good as once */

    char slashes[64];
    snprintf(slashes, sizeof slashes, "%s///", scratch.folder);
    ck_assert_msg(run_folder_open(&again, slashes, &error) == FT_OK, "%s", error.text);
    ck_assert_str_eq(again.path, scratch.folder);
    ck_assert_str_eq(again.text, description);
    run_folder_identity(&again, same);
    ck_assert_str_eq(same, identity);
    run_folder_close(&again);
    scratch_release(&scratch);
}
END_TEST

START_TEST(another_description_is_another_run)
{
    char words[3][RUN_IDENTITY_BYTES];
    static const char *const texts[] = {"{}", "{ }", "{}\n"};
    for (size_t i = 0; i < 3; i++) {
        struct scratch scratch;
        scratch_init(&scratch);
        struct run_folder folder = begin(&scratch, texts[i]);
        run_folder_identity(&folder, words[i]);
        ck_assert_uint_eq(strlen(words[i]), RUN_IDENTITY_BYTES - 1);
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(words[i], words[k]);
        run_folder_close(&folder);
        scratch_release(&scratch);
    }
}
END_TEST

START_TEST(a_folder_that_has_a_run_takes_no_other)
{
    struct scratch scratch;
    struct run_folder folder;
    struct ft_error error = {""};
    char message[512];
    scratch_init(&scratch);
    folder = begin(&scratch, description);
    run_folder_close(&folder);
    snprintf(message, sizeof message,
             "holds a run already (--resume %s goes on with it; a new run needs another folder)",
             scratch.folder);
    check_refusal(run_folder_create(&folder, scratch.folder, &error), FT_USAGE, &error, scratch.folder, message);
    ck_assert_msg(run_folder_open(&folder, scratch.folder, &error) == FT_OK, "%s", error.text);
    ck_assert_str_eq(folder.text, description);
    run_folder_close(&folder);
    scratch_release(&scratch);
}
END_TEST

START_TEST(a_folder_without_a_description_is_no_run)
{
    struct scratch scratch;
    struct run_folder folder;
    struct ft_error error = {""};
    scratch_init(&scratch);
    char path[512];
    snprintf(path, sizeof path, "%s/made", scratch.folder);
    ck_assert_int_eq(run_folder_create(&folder, path, &error), FT_OK);
    ck_assert_int_eq(access(path, F_OK), 0);
    run_folder_close(&folder); /* taken away: it was made for nothing */
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(run_folder_create(&folder, scratch.folder, &error), FT_OK);
    run_folder_close(&folder); /* was there before: stays */
    ck_assert_int_eq(access(scratch.folder, F_OK), 0);
    ck_assert_int_eq(run_folder_create(&folder, scratch.folder, &error), FT_OK);
    run_folder_close(&folder);
    scratch_release(&scratch);
}
END_TEST

START_TEST(what_a_run_would_write_over_is_refused)
{
    static const char *const names[] = {"test.tsv", "dev.tsv", "best-model.safetensors", "training.log"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct scratch scratch;
        struct run_folder folder;
        struct ft_error error = {""};
        scratch_init(&scratch);
        const char *file = scratch_file(&scratch, names[i]);
        write_text(file, "mine");
        check_refusal(run_folder_create(&folder, scratch.folder, &error), FT_USAGE, &error, file,
                      "is there already and would be written over (a new run needs another folder)");
        scratch_release(&scratch);
    }
}
END_TEST

START_TEST(a_run_is_held_by_one_at_a_time)
{
    struct scratch scratch;
    struct run_folder folder, other;
    struct ft_error error = {""};
    scratch_init(&scratch);
    folder = begin(&scratch, description);
    check_refusal(run_folder_open(&other, scratch.folder, &error), FT_FAILED, &error, scratch.folder,
                  "another process is training in it");
    run_folder_close(&folder);
    ck_assert_int_eq(run_folder_open(&other, scratch.folder, &error), FT_OK);
    run_folder_close(&other);
    scratch_release(&scratch);
}
END_TEST

START_TEST(what_is_no_run_is_refused)
{
    struct scratch scratch;
    struct run_folder folder;
    struct ft_error error = {""};
    scratch_init(&scratch);
    const char *file = scratch_file(&scratch, "file"), *json = scratch_file(&scratch, "run.json");
    write_text(file, "x");
    check_refusal(run_folder_open(&folder, file, &error), FT_INPUT, &error, file, "no such folder");
    check_refusal(run_folder_open(&folder, "/nowhere/run", &error), FT_INPUT, &error, "/nowhere/run", "no such folder");
    check_refusal(run_folder_open(&folder, scratch.folder, &error), FT_INPUT, &error, scratch.folder,
                  "no training run to go on with: cannot open 'run.json': No such file or directory");
    write_text(json, "");
    check_refusal(run_folder_open(&folder, scratch.folder, &error), FT_INPUT, &error, json, "cannot be read");
    check_refusal(run_folder_create(&folder, "/nowhere/run", &error), FT_FAILED, &error, "/nowhere/run",
                  "cannot make the run folder: No such file or directory");
    check_refusal(run_folder_create(&folder, file, &error), FT_FAILED, &error, file,
                  "cannot open the run folder: Not a directory");
    char longest[RUN_FOLDER_BYTES + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_int_eq(run_folder_create(&folder, longest, &error), FT_USAGE);
    ck_assert_str_eq(error.text, "the run folder's path is too long");
    scratch_release(&scratch);
}
END_TEST

START_TEST(a_fingerprint_has_the_size_and_the_checksum)
{
    struct scratch scratch;
    struct ft_error error = {""};
    char fingerprint[FINGERPRINT_BYTES];
    scratch_init(&scratch);
    const char *file = scratch_file(&scratch, "file");
    write_text(file, "123456789"); /* the check value of CRC-32 */
    ck_assert_int_eq(file_fingerprint(file, fingerprint, &error), FT_OK);
    ck_assert_str_eq(fingerprint, "9 cbf43926");
    write_text(file, "");
    ck_assert_int_eq(file_fingerprint(file, fingerprint, &error), FT_OK);
    ck_assert_str_eq(fingerprint, "0 00000000");
    FILE *large = fopen(file, "w"); /* more than is read at a time */
    for (int i = 0; i < 3 << 20; i++)
        fputc('a' + i % 7, large);
    ck_assert_int_eq(fclose(large), 0);
    ck_assert_int_eq(file_fingerprint(file, fingerprint, &error), FT_OK);
    ck_assert_msg(!strncmp(fingerprint, "3145728 ", 8) && strlen(fingerprint) == 16, "%s", fingerprint);
    unlink(file);
    check_refusal(file_fingerprint(file, fingerprint, &error), FT_INPUT, &error, file,
                  "cannot be read: No such file or directory");
    scratch_release(&scratch);
}
END_TEST

int main(void)
{
    test_add(what_was_begun_is_opened_again, NULL);
    test_add(another_description_is_another_run, NULL);
    test_add(a_folder_that_has_a_run_takes_no_other, NULL);
    test_add(a_folder_without_a_description_is_no_run, NULL);
    test_add(what_a_run_would_write_over_is_refused, NULL);
    test_add(a_run_is_held_by_one_at_a_time, NULL);
    test_add(what_is_no_run_is_refused, NULL);
    test_add(a_fingerprint_has_the_size_and_the_checksum, NULL);
    return test_run("run_folder");
}
