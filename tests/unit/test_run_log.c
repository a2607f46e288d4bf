/* test_run_log.c - the files of a training run: byte for byte as each era's Flair writes them, cut and continued when a
 * run is taken up again, and never half a line. */
#include "harness.h"
#include "base/input.h"
#include "run/run_log.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ft_error error;

/* A fresh folder for each test; tests run in processes of their own. */
static char folder[64];

static const char *new_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/run-log-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    return folder;
}

static const char *path_of(const char *name)
{
    static char paths[8][512];
    static int used;
    char *path = paths[used++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void remove_folder(void)
{
    static const char *const names[] = {"training.log", "loss.tsv", "weights.txt", "loss.svg", "loss.svg.part"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(names[i]));
    ck_assert_int_eq(rmdir(folder), 0);
}

/* The file's text; the caller frees it. */
static char *text_of(const char *name)
{
    char *bytes;
    size_t count;
    ft_status status = input_slurp(path_of(name), &bytes, &count, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    return bytes;
}

static void check_text(const char *name, const char *expected)
{
    char *text = text_of(name);
    size_t same = 0; /* Check refuses messages as long as a chart */
    while (text[same] && text[same] == expected[same])
        same++;
    ck_assert_msg(!text[same] && !expected[same], "%s from byte %zu: '%.200s', not '%.200s'", name, same, text + same,
                  expected + same);
    free(text);
}

static void write_text(const char *name, const char *text)
{
    FILE *to = fopen(path_of(name), "w");
    ck_assert_ptr_nonnull(to);
    fputs(text, to);
    ck_assert_int_eq(fclose(to), 0);
}

static struct run_log *open_log(enum flair_era era, bool weights, const struct run_log_marks *marks)
{
    struct run_log *log;
    ft_status status = run_log_open(&log, folder, era, weights, marks, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
    return log;
}

static void close_log(struct run_log *log)
{
    ck_assert_int_eq(run_log_close(log, &error), FT_OK);
}

static void add_epoch(struct run_log *log, const struct epoch_record *record)
{
    ft_status status = run_log_epoch(log, record, &error);
    ck_assert_msg(status == FT_OK, "%s", error.text);
}

/* 18:04:22 on a day in 2026; the tests' local time is UTC. */
static const time_t evening = 1790186662;

static struct epoch_record an_epoch(size_t epoch)
{
    return (struct epoch_record){.epoch = epoch,
                                 .end = evening + (time_t)epoch,
                                 .rate = 0.1 / (double)epoch,
                                 .bad_epochs = (long)epoch - 1,
                                 .train_loss = 2.5 / (double)epoch,
                                 .dev = {true, 3.0 / (double)epoch, 1.0 / 3, 0.5, 2.0 / 9, 0.125},
                                 .test = {true, 0.1 + 0.2, 1, 0, 0, 0.99999}};
}

START_TEST(loss_tsv_has_the_columns_of_flair_0_4)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_4, false, NULL);
    check_text("loss.tsv", "");
    struct epoch_record record = an_epoch(1);
    add_epoch(log, &record);
    check_text("loss.tsv",
               "EPOCH\tTIMESTAMP\tBAD_EPOCHS\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\tDEV_F1\t"
               "TEST_LOSS\tTEST_PRECISION\tTEST_RECALL\tTEST_F1\n"
               "1\t18:04:23\t0\t0.1000\t2.5\t3.0\t0.3333\t0.5\t0.2222\t0.30000000000000004\t1.0\t0.0\t0.0");
    record = an_epoch(2);
    record.train_loss = 1e-5;
    record.dev.loss = 1e16;
    record.test.loss = NAN;
    record.dev.precision = 0.00004; /* rounds to nothing */
    record.dev.recall = 0.00006;
    add_epoch(log, &record);
    close_log(log);
    char *text = text_of("loss.tsv");
    ck_assert_str_eq(strrchr(text, '\n'),
                     "\n2\t18:04:24\t1\t0.0500\t1e-05\t1e+16\t0.0\t0.0001\t0.2222\tnan\t1.0\t0.0\t0.0");
    free(text);
    remove_folder();
}
END_TEST

START_TEST(loss_tsv_has_the_columns_of_flair_0_15)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    for (size_t epoch = 1; epoch <= 2; epoch++) {
        struct epoch_record record = an_epoch(epoch);
        record.test.there = false;
        record.train_loss = epoch == 1 ? -INFINITY : 1.00005; /* in binary a little more than half-way */
        add_epoch(log, &record);
    }
    close_log(log);
    check_text("loss.tsv", "EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\tDEV_F1\t"
                           "DEV_ACCURACY\n"
                           "1\t18:04:23\t0.1000\t-inf\t3.0000\t0.3333\t0.5000\t0.2222\t0.1250\n"
                           "2\t18:04:24\t0.0500\t1.0001\t1.5000\t0.3333\t0.5000\t0.2222\t0.1250\n");
    remove_folder();
}
END_TEST

START_TEST(splits_that_are_not_evaluated_have_no_columns)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    struct epoch_record record = {.epoch = 1, .end = evening, .rate = 0.1, .train_loss = 0.5};
    add_epoch(log, &record);
    close_log(log);
    check_text("loss.tsv", "EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\n1\t18:04:22\t0.1000\t0.5000\n");
    remove_folder();
}
END_TEST

/* Takes a row of Flair's apart with its own means and gives the numbers to the log. */
static struct epoch_record record_of(char *row, enum flair_era era)
{
    double fields[16];
    size_t count = 0;
    struct epoch_record record = {.rate = 0};
    for (char *rest = row, *field; (field = strsep(&rest, "\t")); count++) {
        int hours, minutes, seconds;
        ck_assert_uint_lt(count, 16);
        fields[count] = strtod(field, NULL);
        if (sscanf(field, "%d:%d:%d", &hours, &minutes, &seconds) == 3)
            record.end = hours * 3600 + minutes * 60 + seconds;
    }
    const double *at = fields;
    record.epoch = (size_t)*at;
    at += 2;
    if (era == LIKE_FLAIR_0_4)
        record.bad_epochs = (long)*at++;
    record.rate = *at++;
    record.train_loss = *at++;
    record.dev = (struct split_record){true, at[0], at[1], at[2], at[3], era == LIKE_FLAIR_0_4 ? 0 : at[4]};
    ck_assert_int_eq(at + (era == LIKE_FLAIR_0_4 ? 4 : 5) - fields, (ptrdiff_t)count);
    return record;
}

static void rebuild(const char *golden, enum flair_era era, size_t epochs)
{
    new_folder();
    char *expected, *bytes;
    size_t count, rows = 0;
    ck_assert_int_eq(input_slurp(golden, &expected, &count, &error), FT_OK);
    bytes = strdup(expected);
    struct run_log *log = open_log(era, false, NULL);
    char *rest = bytes;
    strsep(&rest, "\n");
    for (char *row; (row = strsep(&rest, "\n")) && *row; rows++) {
        struct epoch_record record = record_of(row, era);
        add_epoch(log, &record);
    }
    ck_assert_uint_eq(rows, epochs);
    close_log(log);
    check_text("loss.tsv", expected);
    /* and it can be read back */
    struct run_log_marks marks = {.loss = count};
    log = open_log(era, false, &marks);
    ck_assert_int_eq(run_log_chart(log, &error), FT_OK);
    close_log(log);
    check_text("loss.tsv", expected);
    free(bytes);
    free(expected);
    remove_folder();
}

#define GOLDEN_0_4 shared_path("golden/train-tagger/v0.4.4-fwbw-crf/loss.tsv")
#define GOLDEN_0_15 shared_path("golden/train-tagger/v0.15.1-word-fwbw-crf/loss.tsv")

START_TEST(flair_0_4_4_wrote_the_same_loss_tsv)
{
    rebuild(GOLDEN_0_4, LIKE_FLAIR_0_4, 40);
}
END_TEST

START_TEST(flair_0_15_1_wrote_the_same_loss_tsv)
{
    rebuild(GOLDEN_0_15, LIKE_FLAIR_0_15, 12);
}
END_TEST

START_TEST(what_loss_tsv_could_not_give_back_is_refused)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    struct epoch_record first = an_epoch(1);
    add_epoch(log, &first);
    char *before = text_of("loss.tsv");
    struct epoch_record wrong[] = {an_epoch(1), an_epoch(3), an_epoch(2), an_epoch(2), an_epoch(2), an_epoch(2)};
    wrong[2].dev.f1 = 1.5;
    wrong[3].dev.recall = NAN;
    wrong[4].rate = -0.1;
    wrong[5].test.there = false;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(run_log_epoch(log, &wrong[i], &error), FT_USAGE);
        check_text("loss.tsv", before);
    }
    struct epoch_record second = an_epoch(2);
    add_epoch(log, &second);
    close_log(log);
    free(before);
    remove_folder();
}
END_TEST

START_TEST(a_line_of_training_log_begins_with_date_and_time)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    ck_assert_int_eq(run_log_line(log, &error, "epoch %d - loss %.8f", 1, 0.25), FT_OK);
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    ck_assert_int_eq(run_log_line(log, &error, "%s", long_text), FT_OK);
    close_log(log);
    char *text = text_of("training.log");
    static const char pattern[] = "dddd-dd-dd dd:dd:dd,ddd ";
    for (size_t i = 0; pattern[i]; i++)
        ck_assert_msg(pattern[i] == 'd' ? isdigit((unsigned char)text[i]) : text[i] == pattern[i], "at %zu: %s", i,
                      text);
    struct tm at = {.tm_isdst = -1};
    strptime(text, "%Y-%m-%d %H:%M:%S", &at);
    ck_assert_int_le(labs((long)(time(NULL) - mktime(&at))), 5);
    char *second = strchr(text, '\n') + 1;
    ck_assert_int_eq(strncmp(text + sizeof pattern - 1, "epoch 1 - loss 0.25000000\n", 26), 0);
    ck_assert_int_eq(strncmp(second + sizeof pattern - 1, long_text, sizeof long_text - 1), 0);
    ck_assert_str_eq(second + sizeof pattern - 1 + sizeof long_text - 1, "\n");
    free(text);
    remove_folder();
}
END_TEST

/* weights.txt of one tensor of `count` elements, whose values are their positions. */
static char *weights_of(const char *name, size_t count, uint64_t seed)
{
    new_folder();
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)i;
    struct run_log *log = open_log(LIKE_FLAIR_0_15, true, NULL);
    ck_assert_int_eq(run_log_weights(log, 7, name, values, count, seed, &error), FT_OK);
    close_log(log);
    free(values);
    char *text = text_of("weights.txt");
    remove_folder();
    return text;
}

START_TEST(ten_different_weights_of_a_tensor_are_watched)
{
    char *text = weights_of("linear.weight", 12, 42);
    bool seen[12] = {false};
    char *rest = text;
    for (size_t i = 0; i < 10; i++) {
        size_t iteration, number;
        char name[32];
        double value;
        int bytes;
        ck_assert_int_eq(sscanf(rest, "%zu\t%31[^\t]\t%zu\t%lf\n%n", &iteration, name, &number, &value, &bytes), 4);
        ck_assert_uint_eq(iteration, 7);
        ck_assert_str_eq(name, "linear.weight");
        ck_assert_uint_eq(number, i);
        ck_assert(value >= 0 && value < 12 && !seen[(size_t)value]);
        seen[(size_t)value] = true;
        rest += bytes;
    }
    ck_assert_str_eq(rest, "");
    char *again = weights_of("linear.weight", 12, 42);
    ck_assert_str_eq(text, again);
    free(again);
    free(text);
}
END_TEST

START_TEST(which_weights_depends_on_seed_and_name)
{
    char *text = weights_of("linear.weight", 100000, 42), *seed = weights_of("linear.weight", 100000, 43),
         *name = weights_of("linear.weighu", 100000, 42);
    ck_assert_str_ne(text, seed);
    double largest = 0;
    for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
        double value;
        ck_assert_int_eq(sscanf(at, "%*u\t%*s\t%*u\t%lf", &value), 1);
        largest = value > largest ? value : largest;
    }
    ck_assert_double_gt(largest, 50000); /* from all of the tensor, not from its beginning */
    for (char *at = strchr(name, 'u'); at; at = strchr(at, 'u'))
        *at = 't'; /* the names made equal, the positions are left */
    ck_assert_str_ne(text, name);
    free(text);
    free(seed);
    free(name);
}
END_TEST

START_TEST(a_small_tensor_is_watched_whole)
{
    char *text = weights_of("b", 3, 1);
    ck_assert_str_eq(text, "7\tb\t0\t0.0\n7\tb\t1\t1.0\n7\tb\t2\t2.0\n");
    free(text);
    text = weights_of("b", 0, 1);
    ck_assert_str_eq(text, "");
    free(text);
}
END_TEST

START_TEST(weights_have_all_digits_and_are_written_only_where_wanted)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, true, NULL);
    ck_assert_int_eq(run_log_weights(log, 0, "a", (float[]){0.1f, -3e-5f}, 2, 1, &error), FT_OK);
    close_log(log);
    check_text("weights.txt", "0\ta\t0\t0.10000000149011612\n0\ta\t1\t-2.9999999242136255e-05\n");
    unlink(path_of("weights.txt"));
    log = open_log(LIKE_FLAIR_0_15, false, NULL);
    ck_assert_int_eq(run_log_weights(log, 0, "a", (float[]){0.1f}, 1, 1, &error), FT_OK);
    close_log(log);
    ck_assert_int_ne(access(path_of("weights.txt"), F_OK), 0);
    remove_folder();
}
END_TEST

/* Epochs first to last with a weight and a chart each; *marks, when not NULL, is taken after the last. */
static void run_epochs(struct run_log *log, size_t first, size_t last, struct run_log_marks *marks)
{
    for (size_t epoch = first; epoch <= last; epoch++) {
        struct epoch_record record = an_epoch(epoch);
        add_epoch(log, &record);
        float value = (float)epoch;
        ck_assert_int_eq(run_log_weights(log, epoch, "a", &value, 1, 1, &error), FT_OK);
    }
    ck_assert_int_eq(run_log_chart(log, &error), FT_OK);
    if (marks)
        ck_assert_int_eq(run_log_mark(log, marks, &error), FT_OK);
}

START_TEST(a_run_that_was_cut_off_continues_as_if_it_had_not)
{
    for (enum flair_era era = LIKE_FLAIR_0_4; era <= LIKE_FLAIR_0_15; era++) {
        static const char *const names[] = {"loss.tsv", "weights.txt", "loss.svg"};
        char *whole[3];
        new_folder();
        struct run_log *log = open_log(era, true, NULL);
        run_epochs(log, 1, 90, NULL); /* more than one growth of the records */
        close_log(log);
        for (size_t i = 0; i < 3; i++)
            whole[i] = text_of(names[i]);
        remove_folder();

        /* marks after 0, 1 and 70 epochs; then lines that no mark counts, the last of them torn */
        static const size_t at[] = {0, 1, 70};
        for (size_t k = 0; k < 3; k++) {
            struct run_log_marks marks;
            new_folder();
            log = open_log(era, true, NULL);
            run_epochs(log, 1, at[k], &marks);
            ck_assert_int_eq(run_log_line(log, &error, "after the mark"), FT_OK);
            run_epochs(log, at[k] + 1, at[k] + 5, NULL);
            close_log(log);
            FILE *torn = fopen(path_of("loss.tsv"), "a");
            fputs("\n7\t18:0", torn);
            fclose(torn);
            log = open_log(era, true, &marks);
            check_text("training.log", "");
            run_epochs(log, at[k] + 1, 90, NULL);
            close_log(log);
            for (size_t i = 0; i < 3; i++)
                check_text(names[i], whole[i]);
            remove_folder();
        }
        for (size_t i = 0; i < 3; i++)
            free(whole[i]);
    }
}
END_TEST

START_TEST(a_new_run_empties_what_an_earlier_one_left)
{
    new_folder();
    write_text("training.log", "old");
    write_text("loss.tsv", "old");
    write_text("weights.txt", "old");
    close_log(open_log(LIKE_FLAIR_0_4, true, NULL));
    check_text("training.log", "");
    check_text("loss.tsv", "");
    check_text("weights.txt", "");
    remove_folder();
}
END_TEST

static void expect_refused(const struct run_log_marks *marks, const char *part)
{
    struct run_log *log;
    ck_assert_int_eq(run_log_open(&log, folder, LIKE_FLAIR_0_15, true, marks, &error), FT_INPUT);
    ck_assert_ptr_null(log);
    ck_assert_msg(strstr(error.text, part) && strstr(error.text, "the run folder was changed"), "%s", error.text);
}

START_TEST(a_file_shorter_than_its_mark_is_refused_and_nothing_is_cut)
{
    new_folder();
    struct run_log_marks marks;
    struct run_log *log = open_log(LIKE_FLAIR_0_15, true, NULL);
    run_epochs(log, 1, 2, &marks);
    ck_assert_int_eq(run_log_line(log, &error, "not counted"), FT_OK);
    close_log(log);
    char *lines = text_of("training.log");
    ck_assert_int_eq(truncate(path_of("weights.txt"), (off_t)marks.weights - 1), 0);
    expect_refused(&marks, path_of("weights.txt"));
    unlink(path_of("weights.txt"));
    expect_refused(&marks, path_of("weights.txt"));
    ck_assert_int_ne(access(path_of("weights.txt"), F_OK), 0);
    ck_assert_int_eq(mkdir(path_of("weights.txt"), 0777), 0);
    ck_assert_int_eq(run_log_open(&log, folder, LIKE_FLAIR_0_15, true, &marks, &error), FT_FAILED);
    ck_assert(strstr(error.text, path_of("weights.txt")) && strstr(error.text, strerror(EISDIR)));
    rmdir(path_of("weights.txt"));
    check_text("training.log", lines);
    free(lines);
    remove_folder();
}
END_TEST

START_TEST(a_loss_tsv_that_was_changed_is_refused_with_its_line)
{
    static const char header[] = "EPOCH\tTIMESTAMP\tLEARNING_RATE\tTRAIN_LOSS\tDEV_LOSS\tDEV_PRECISION\tDEV_RECALL\t"
                                 "DEV_F1\tDEV_ACCURACY\n";
    static const char *const rows[] = {
        "2\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5",              /* a field short */
        "2\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5\t0.5",    /* one too many */
        "3\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",         /* an epoch left out */
        "x\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",         /* */
        "2\t18:64:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",         /* */
        "2\t24:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",         /* */
        "2\t18:04:24\t-0.100\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",         /* */
        "2\t18:04:24\tnan\t1.0\t1.0\t0.5\t0.5\t0.5\t0.5",            /* */
        "2\t18:04:24\t0.1000\t0x1p1\t1.0\t0.5\t0.5\t0.5\t0.5",       /* */
        "2\t18:04:24\t0.1000\t1.0 \t1.0\t0.5\t0.5\t0.5\t0.5",        /* */
        "2\t18:04:24\t0.1000\t1.0\t\t0.5\t0.5\t0.5\t0.5",            /* */
        "2\t18:04:24\t0.1000\t1.0\t1.0\t1.5\t0.5\t0.5\t0.5",         /* a score above 1 */
        "2\t18:04:24\t0.1000\t1.0\t1.0\t0.5\tnan\t0.5\t0.5",         /* */
        "2\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t-0.5\t0.5",        /* */
        "2\t18:04:24\t0.1000\t1.0\t1.0\t0.5\t0.5\t0.5\t1e999",       /* */
        "99999999999999999999\t18:04:24\t0.1\t1.0\t1.0\t0\t0\t0\t0", /* */
        "",
    };
    char text[1024];
    new_folder();
    write_text("training.log", "");
    write_text("weights.txt", "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int bytes =
            snprintf(text, sizeof text, "%s1\t18:04:23\t0.1000\tnan\t-inf\t0\t0\t0\t1.0\n%s\n", header, rows[i]);
        write_text("loss.tsv", text);
        expect_refused(&(struct run_log_marks){.loss = (uint64_t)bytes}, "loss.tsv:3: ");
    }
    write_text("loss.tsv", "EPOCH\tTIMESTAMP\n");
    expect_refused(&(struct run_log_marks){.loss = 16}, "loss.tsv:1: ");
    write_text("loss.tsv", header);
    expect_refused(&(struct run_log_marks){.loss = 5}, "loss.tsv: the last line is not whole");
    snprintf(text, sizeof text, "%s1\t18:04:23\t0.1000\tnan\t-inf\t0\t0\t0\t1.0\n", header);
    write_text("loss.tsv", text);
    close_log(open_log(LIKE_FLAIR_0_15, true, &(struct run_log_marks){.loss = strlen(text)}));
    remove_folder();
}
END_TEST

START_TEST(a_full_disk_is_reported_with_the_file_and_the_reason)
{
    new_folder();
    ck_assert_int_eq(symlink("/dev/full", path_of("training.log")), 0);
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    ck_assert_int_eq(run_log_line(log, &error, "text"), FT_FAILED);
    ck_assert(strstr(error.text, path_of("training.log")) && strstr(error.text, strerror(ENOSPC)));
    close_log(log);
    unlink(path_of("training.log"));

    struct run_log *nowhere;
    ck_assert_int_eq(run_log_open(&nowhere, path_of("missing"), LIKE_FLAIR_0_15, false, NULL, &error), FT_FAILED);
    ck_assert(strstr(error.text, path_of("missing/training.log")) && strstr(error.text, strerror(ENOENT)));
    remove_folder();
}
END_TEST

START_TEST(a_line_that_did_not_fit_is_taken_back_whole)
{
    new_folder();
    signal(SIGXFSZ, SIG_IGN);
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    struct epoch_record record = an_epoch(1);
    add_epoch(log, &record);
    char *before = text_of("loss.tsv");
    struct rlimit limit, old;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = strlen(before) + 20; /* the row begins and cannot end */
    record = an_epoch(2);
    /* No assertion while the limit holds: Check writes a file too. */
    int limited = setrlimit(RLIMIT_FSIZE, &limit);
    ft_status status = run_log_epoch(log, &record, &error);
    int restored = setrlimit(RLIMIT_FSIZE, &old);
    ck_assert(!limited && !restored);
    ck_assert_int_eq(status, FT_FAILED);
    ck_assert(strstr(error.text, path_of("loss.tsv")) && strstr(error.text, strerror(EFBIG)));
    check_text("loss.tsv", before);
    add_epoch(log, &record); /* room again: the same epoch can still be written */
    close_log(log);
    char *after = text_of("loss.tsv");
    ck_assert_int_eq(strncmp(after, before, strlen(before)), 0);
    ck_assert_int_eq(strncmp(after + strlen(before), "2\t18:04:24\t", 11), 0);
    free(before);
    free(after);
    remove_folder();
}
END_TEST

START_TEST(no_chart_is_drawn_before_the_first_epoch)
{
    new_folder();
    struct run_log *log = open_log(LIKE_FLAIR_0_15, false, NULL);
    ck_assert_int_eq(run_log_chart(log, &error), FT_OK);
    ck_assert_int_ne(access(path_of("loss.svg"), F_OK), 0);
    run_epochs(log, 1, 1, NULL);
    ck_assert_int_eq(access(path_of("loss.svg"), F_OK), 0);
    ck_assert_int_ne(access(path_of("loss.svg.part"), F_OK), 0);
    close_log(log);
    ck_assert_int_eq(run_log_close(NULL, &error), FT_OK);
    remove_folder();
}
END_TEST

int main(void)
{
    setenv("TZ", "UTC", 1);
    test_add(loss_tsv_has_the_columns_of_flair_0_4, NULL);
    test_add(loss_tsv_has_the_columns_of_flair_0_15, NULL);
    test_add(splits_that_are_not_evaluated_have_no_columns, NULL);
    test_add(flair_0_4_4_wrote_the_same_loss_tsv, GOLDEN_0_4);
    test_add(flair_0_15_1_wrote_the_same_loss_tsv, GOLDEN_0_15);
    test_add(what_loss_tsv_could_not_give_back_is_refused, NULL);
    test_add(a_line_of_training_log_begins_with_date_and_time, NULL);
    test_add(ten_different_weights_of_a_tensor_are_watched, NULL);
    test_add(which_weights_depends_on_seed_and_name, NULL);
    test_add(a_small_tensor_is_watched_whole, NULL);
    test_add(weights_have_all_digits_and_are_written_only_where_wanted, NULL);
    test_add(a_run_that_was_cut_off_continues_as_if_it_had_not, NULL);
    test_add(a_new_run_empties_what_an_earlier_one_left, NULL);
    test_add(a_file_shorter_than_its_mark_is_refused_and_nothing_is_cut, NULL);
    test_add(a_loss_tsv_that_was_changed_is_refused_with_its_line, NULL);
    test_add(a_full_disk_is_reported_with_the_file_and_the_reason, NULL);
    test_add(a_line_that_did_not_fit_is_taken_back_whole, NULL);
    test_add(no_chart_is_drawn_before_the_first_epoch, NULL);
    return test_run("run_log");
}
