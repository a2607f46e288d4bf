/* test_options.c - one option table gives parsing, nearest names, help, man pages and completions. */
#include "cmd/help.h"
#include "base/nearest.h"
#include "cmd/options.h"
#include "harness.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct values {
    const char *model;
    long threads, any, up;
    int format;
    size_t memory;
    bool resume, verbose;
    double rate;
};

static const struct option options[] = {
    OPTION_GROUP("Input"),
    {'m', "model", OPTION_STRING, offsetof(struct values, model), "MODEL", NULL, "the model's file or name", 0, 0},
    {0, "max-mem", OPTION_SIZE, offsetof(struct values, memory), "SIZE", NULL, "at most [so many]: bytes", 0, 0},
    OPTION_GROUP("Output"),
    {'f', "format", OPTION_CHOICE, offsetof(struct values, format), NULL, "conll|bio|bioes", "how to write", 0, 0},
    {'t', "threads", OPTION_INT, offsetof(struct values, threads), "N", NULL, "threads to use", 1, 1024},
    {0, "any", OPTION_INT, offsetof(struct values, any), "N", NULL, "any number", 0, 0},
    {0, "up", OPTION_INT, offsetof(struct values, up), "N", NULL, "a number from one up", 1, LONG_MAX},
    {'r', "resume", OPTION_FLAG, offsetof(struct values, resume), NULL, NULL, "go on", 0, 0},
    {'v', "verbose", OPTION_FLAG, offsetof(struct values, verbose), NULL, NULL, "say more", 0, 0},
    {0, "learning-rate", OPTION_REAL, offsetof(struct values, rate), "X", NULL, "how fast to learn", 0, 0},
    OPTION_END,
};
static const struct command command = {
    .name = "predict",
    .operands = "[FILE ...]",
    .summary = "tag it's text",
    .description = "First.\n\n.Second paragraph, with a dot.",
    .examples = "flairtag predict -m ner.pt corpus.txt",
    .options = options,
};
static const struct command other = {
    .name = "help", .operands = "[COMMAND]", .summary = "show help", .options = options};
static const struct command *const commands[] = {&command, &other, NULL};

static char *arguments[16];
static char complaint[4096];

/* Parses the words of `line` (split at blanks); what went to a descriptor lands in `complaint`. */
static int parse(const char *line, struct values *values, int descriptor)
{
    static char words[1024];
    int count = 0;
    snprintf(words, sizeof words, "predict %s", line);
    for (char *word = strtok(words, " "); word && count < 15; word = strtok(NULL, " "))
        arguments[count++] = word;
    arguments[count] = NULL;

    fflush(NULL);
    int file = memfd_create("caught", 0), before = dup(descriptor);
    dup2(file, descriptor);
    int result = options_parse(&command, count, arguments, values);
    fflush(NULL);
    dup2(before, descriptor);
    close(before);
    ssize_t bytes = pread(file, complaint, sizeof complaint - 1, 0);
    complaint[bytes < 0 ? 0 : bytes] = '\0';
    close(file);
    return result;
}

static void refused(const char *line, const char *message)
{
    struct values values = {0};
    ck_assert_int_eq(parse(line, &values, STDERR_FILENO), -2);
    char expected[1024];
    snprintf(expected, sizeof expected, "flairtag: %s\n", message);
    ck_assert_str_eq(complaint, expected);
}

static size_t size_of(const char *text)
{
    struct values values = {0};
    char line[128];
    snprintf(line, sizeof line, "--max-mem %s", text);
    ck_assert_msg(parse(line, &values, STDERR_FILENO) == 0, "%s: %s", text, complaint);
    return values.memory;
}

START_TEST(options_and_operands_stand_in_any_order)
{
    struct values values = {.threads = 7, .format = 2};
    ck_assert_int_eq(parse("a.txt --model=x.pt -rv b.txt --threads 12 - -fbio --learning-rate 0.5", &values, 2), 3);
    ck_assert_str_eq(arguments[1], "a.txt");
    ck_assert_str_eq(arguments[2], "b.txt");
    ck_assert_str_eq(arguments[3], "-");
    ck_assert_str_eq(values.model, "x.pt");
    ck_assert(values.resume && values.verbose);
    ck_assert_int_eq(values.threads, 12);
    ck_assert_int_eq(values.format, 1);
    ck_assert_double_eq(values.rate, 0.5);
    ck_assert_str_eq(complaint, "");
}
END_TEST

START_TEST(what_is_not_given_keeps_its_default)
{
    struct values values = {.threads = 7, .format = 2, .model = "default", .resume = true, .rate = 0.1, .memory = 5};
    ck_assert_int_eq(parse("", &values, 2), 0);
    ck_assert_int_eq(values.threads, 7);
    ck_assert_int_eq(values.format, 2);
    ck_assert_str_eq(values.model, "default");
    ck_assert(values.resume && values.memory == 5);
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
    struct values values = {0};
    ck_assert_int_eq(parse("-r -- --format -x", &values, 2), 2);
    ck_assert_str_eq(arguments[1], "--format");
    ck_assert_str_eq(arguments[2], "-x");
    ck_assert(values.resume);
}
END_TEST

START_TEST(a_flag_can_be_taken_back_and_the_last_word_counts)
{
    struct values values = {0};
    ck_assert_int_eq(parse("-r --no-resume --no-verbose --verbose --threads 1 -t2", &values, 2), 0);
    ck_assert(!values.resume && values.verbose);
    ck_assert_int_eq(values.threads, 2);
    refused("--no-threads", "unknown option '--no-threads'; did you mean '--threads'?");
}
END_TEST

START_TEST(numbers_are_read_whole_and_held_in_range)
{
    struct values values = {0};
    ck_assert_int_eq(parse("--any -5 --up 9223372036854775807 -t 1024", &values, 2), 0);
    ck_assert_int_eq(values.any, -5);
    ck_assert_int_eq(values.up, LONG_MAX);
    ck_assert_int_eq(values.threads, 1024);
    refused("--threads x", "--threads wants a whole number from 1 to 1024, not 'x'");
    refused("--threads=", "--threads wants a whole number from 1 to 1024, not ''");
    refused("-t0", "--threads wants a whole number from 1 to 1024, not '0'");
    refused("-t 1025", "--threads wants a whole number from 1 to 1024, not '1025'");
    refused("-t 2x", "--threads wants a whole number from 1 to 1024, not '2x'");
    refused("-t +2", "--threads wants a whole number from 1 to 1024, not '+2'");
    refused("--any 9223372036854775808", "--any wants a whole number, not '9223372036854775808'");
    refused("--any 1.5", "--any wants a whole number, not '1.5'");
    refused("--up 0", "--up wants a whole number from 1 up, not '0'");
}
END_TEST

START_TEST(a_real_number_is_finite_and_decimal)
{
    struct values values = {0};
    ck_assert_int_eq(parse("--learning-rate -1e-3", &values, 2), 0);
    ck_assert_double_eq(values.rate, -1e-3);
    refused("--learning-rate nan", "--learning-rate wants a number, not 'nan'");
    refused("--learning-rate inf", "--learning-rate wants a number, not 'inf'");
    refused("--learning-rate 0x1p3", "--learning-rate wants a number, not '0x1p3'");
    refused("--learning-rate 1,5", "--learning-rate wants a number, not '1,5'");
    refused("--learning-rate 1e999", "--learning-rate wants a number, not '1e999'");
}
END_TEST

START_TEST(sizes_know_their_units)
{
    ck_assert_uint_eq(size_of("0"), 0);
    ck_assert_uint_eq(size_of("1234"), 1234);
    ck_assert_uint_eq(size_of("1234B"), 1234);
    ck_assert_uint_eq(size_of("512M"), (size_t)512 << 20);
    ck_assert_uint_eq(size_of("512m"), (size_t)512 << 20);
    ck_assert_uint_eq(size_of("3KB"), 3072);
    ck_assert_uint_eq(size_of("6G"), (size_t)6 << 30);
    ck_assert_uint_eq(size_of("6.5GiB"), (size_t)13 << 29);
    ck_assert_uint_eq(size_of("1Ti"), (size_t)1 << 40);
    ck_assert_uint_eq(size_of("18446744073709551615"), SIZE_MAX);
    static const char *const wrong[] = {"x",        "-1",    "1.",   ".5G", "1.5.2",
                                        "6Q",       "6GiBs", "6kk",  "6i",  "G",
                                        "1e3",      "",      "0x10", "nan", "18446744073709551616",
                                        "16777216T"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char line[128], message[160];
        snprintf(line, sizeof line, "--max-mem=%s", wrong[i]);
        snprintf(message, sizeof message, "--max-mem wants a size such as 512M or 6.5GiB, not '%s'", wrong[i]);
        refused(line, message);
    }
}
END_TEST

START_TEST(a_wrong_choice_lists_the_right_ones)
{
    refused("--format xml", "--format wants one of conll, bio, bioes, not 'xml'");
    refused("--format bi", "--format wants one of conll, bio, bioes, not 'bi'");
    refused("--format conll|bio", "--format wants one of conll, bio, bioes, not 'conll|bio'");
    refused("-f", "-f wants one of conll, bio, bioes, but nothing follows it");
}
END_TEST

START_TEST(a_missing_or_needless_value_is_said)
{
    refused("--threads", "--threads wants a whole number from 1 to 1024, but nothing follows it");
    refused("--model", "--model wants a value (MODEL), but nothing follows it");
    refused("--resume=yes", "--resume takes no value");
}
END_TEST

START_TEST(a_mistyped_option_names_the_nearest)
{
    refused("--formt", "unknown option '--formt'; did you mean '--format'?");
    refused("--fromat=bio", "unknown option '--fromat'; did you mean '--format'?");
    refused("--thr", "unknown option '--thr'; did you mean '--threads'?");
    refused("--no-resum", "unknown option '--no-resum'; did you mean '--no-resume'?");
    refused("--hlep", "unknown option '--hlep'; did you mean '--help'?");
    refused("--zzzzzz", "unknown option '--zzzzzz' (see 'flairtag predict --help')");
    refused("-q", "unknown option '-q' in '-q' (see 'flairtag predict --help')");
    refused("-rq", "unknown option '-q' in '-rq' (see 'flairtag predict --help')");
}
END_TEST

START_TEST(a_name_of_any_length_is_refused_in_one_line)
{
    static char line[900];
    memset(line, 'z', sizeof line - 1);
    line[0] = line[1] = '-';
    struct values values = {0};
    ck_assert_int_eq(parse(line, &values, 2), -2);
    ck_assert_ptr_eq(strchr(complaint, '\n'), complaint + strlen(complaint) - 1);
}
END_TEST

START_TEST(help_goes_to_stdout_wherever_it_stands)
{
    struct values values = {0};
    ck_assert_int_eq(parse("a.txt --help --nonsense", &values, STDOUT_FILENO), -1);
    ck_assert_ptr_nonnull(strstr(complaint, "Usage: flairtag predict"));
    ck_assert_int_eq(parse("-rh", &values, STDOUT_FILENO), -1);
}
END_TEST

START_TEST(distance_counts_slips)
{
    ck_assert_uint_eq(nearest_distance("", ""), 0);
    ck_assert_uint_eq(nearest_distance("", "abc"), 3);
    ck_assert_uint_eq(nearest_distance("abc", ""), 3);
    ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3); /* k>s, e>i, +g */
    ck_assert_uint_eq(nearest_distance("ab", "ba"), 1);          /* one swap */
    ck_assert_uint_eq(nearest_distance("evla", "eval"), 1);
    ck_assert_uint_eq(nearest_distance("ca", "abc"), 3); /* no letter is touched twice */
}
END_TEST

START_TEST(nothing_near_is_named_for_noise)
{
    struct nearest nearest = {.typed = "xy"};
    nearest_offer(&nearest, "eval");
    nearest_offer(&nearest, "predict");
    ck_assert_ptr_null(nearest.name);
    nearest = (struct nearest){.typed = "evla"};
    nearest_offer(&nearest, "embed");
    nearest_offer(&nearest, "eval");
    ck_assert_str_eq(nearest.name, "eval");
}
END_TEST

/* What a writer makes, as a string the caller frees. */
static char *written(void (*write)(FILE *))
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    write(stream);
    ck_assert_int_eq(fclose(stream), 0);
    return text;
}

static void write_help(FILE *to)
{
    help_command(to, &command);
}
static void write_manual(FILE *to)
{
    manual_command(to, &command);
}
static void write_program(FILE *to)
{
    help_program(to, commands);
}
static void write_program_manual(FILE *to)
{
    manual_program(to, commands);
}
static void write_bash(FILE *to)
{
    completion_write(to, SHELL_BASH, commands);
}
static void write_zsh(FILE *to)
{
    completion_write(to, SHELL_ZSH, commands);
}
static void write_fish(FILE *to)
{
    completion_write(to, SHELL_FISH, commands);
}

/* prefix stands before every name; dash is how the text writes a hyphen inside names. */
static void holds_every_option(const char *text, const char *prefix, const char *dash)
{
    for (const struct option *o = options; option_is_there(o); o++) {
        if (!o->name)
            continue;
        char name[160];
        int used = snprintf(name, sizeof name, "%s", prefix);
        for (const char *c = o->name; *c; c++)
            used += *c == '-' ? snprintf(name + used, sizeof name - (size_t)used, "%s", dash)
                              : snprintf(name + used, sizeof name - (size_t)used, "%c", *c);
        ck_assert_msg(strstr(text, name) != NULL, "no %s in:\n%s", name, text);
    }
}

START_TEST(help_holds_every_option_and_fits_the_terminal)
{
    char *text = written(write_help);
    holds_every_option(text, "--", "-");
    ck_assert_ptr_nonnull(strstr(text, "  -m, --model MODEL       the model's file or name\n"));
    ck_assert_ptr_nonnull(strstr(text, "\nOutput:\n"));
    ck_assert_ptr_nonnull(strstr(text, "--format conll|bio|bioes\n"));
    ck_assert_ptr_nonnull(strstr(text, "flairtag predict -m ner.pt corpus.txt\n"));
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1)
        ck_assert_int_lt(end - line, 80);
    free(text);
}
END_TEST

START_TEST(the_manual_holds_every_option_and_no_line_troff_would_take_for_its_own)
{
    char *text = written(write_manual);
    holds_every_option(text, "\\fB\\-\\-", "\\-");
    ck_assert_ptr_nonnull(strstr(text, ".TH FLAIRTAG\\-PREDICT 1"));
    ck_assert_ptr_nonnull(strstr(text, "\n\\&.Second paragraph"));
    free(text);
}
END_TEST

START_TEST(the_programs_pages_hold_every_command_and_exit_code)
{
    char *text = written(write_program), *manual = written(write_program_manual);
    for (const struct command *const *c = commands; *c; c++) {
        ck_assert_ptr_nonnull(strstr(text, (*c)->name));
        ck_assert_ptr_nonnull(strstr(text, (*c)->summary));
        ck_assert_ptr_nonnull(strstr(manual, (*c)->name));
    }
    for (const struct term *exit_code = program_exits; exit_code->term; exit_code++) {
        char line[32];
        snprintf(line, sizeof line, "\n.B %s\n", exit_code->term);
        ck_assert_ptr_nonnull(strstr(manual, line));
    }
    free(text);
    free(manual);
}
END_TEST

START_TEST(completions_hold_every_option)
{
    char *bash = written(write_bash), *zsh = written(write_zsh), *fish = written(write_fish);
    holds_every_option(bash, " --", "-");
    holds_every_option(zsh, "--", "-");
    holds_every_option(fish, " -l ", "-");
    ck_assert_ptr_nonnull(strstr(bash, "predict/--format|predict/-f) COMPREPLY=($(compgen -W 'conll bio bioes'"));
    ck_assert_ptr_nonnull(strstr(zsh, "'(-f --format)'{-f+,--format=}'[how to write]:format:(conll bio bioes)'"));
    ck_assert_ptr_nonnull(strstr(zsh, "[at most \\[so many\\]\\: bytes]"));
    ck_assert_ptr_nonnull(strstr(zsh, "'predict:tag it'\\''s text'"));
    ck_assert_ptr_nonnull(strstr(fish, "-a predict -d 'tag it\\'s text'"));
    free(bash);
    free(zsh);
    free(fish);
}
END_TEST

int main(void)
{
    test_add(options_and_operands_stand_in_any_order, NULL);
    test_add(what_is_not_given_keeps_its_default, NULL);
    test_add(two_dashes_end_the_options, NULL);
    test_add(a_flag_can_be_taken_back_and_the_last_word_counts, NULL);
    test_add(numbers_are_read_whole_and_held_in_range, NULL);
    test_add(a_real_number_is_finite_and_decimal, NULL);
    test_add(sizes_know_their_units, NULL);
    test_add(a_wrong_choice_lists_the_right_ones, NULL);
    test_add(a_missing_or_needless_value_is_said, NULL);
    test_add(a_mistyped_option_names_the_nearest, NULL);
    test_add(a_name_of_any_length_is_refused_in_one_line, NULL);
    test_add(help_goes_to_stdout_wherever_it_stands, NULL);
    test_add(distance_counts_slips, NULL);
    test_add(nothing_near_is_named_for_noise, NULL);
    test_add(help_holds_every_option_and_fits_the_terminal, NULL);
    test_add(the_manual_holds_every_option_and_no_line_troff_would_take_for_its_own, NULL);
    test_add(the_programs_pages_hold_every_command_and_exit_code, NULL);
    test_add(completions_hold_every_option, NULL);
    return test_run("options");
}
