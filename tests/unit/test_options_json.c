/* Options' values as JSON and back: every kind, what was not said, and what cannot be read. */
#include "cmd/options_json.h"
#include "cmd/train_options.h"
#include "harness.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct values {
    bool flag, other_flag;
    long count, any;
    double rate;
    size_t memory;
    const char *name, *unsaid;
    int format, way;
};

static const struct option options[] = {
    OPTION_GROUP("All kinds"),
    {'a', "flag", OPTION_FLAG, offsetof(struct values, flag), NULL, NULL, "h", 0, 0},
    {0, "other-flag", OPTION_FLAG, offsetof(struct values, other_flag), NULL, NULL, "h", 0, 0},
    {0, "count", OPTION_INT, offsetof(struct values, count), "N", NULL, "h", 1, 1000},
    {0, "any", OPTION_INT, offsetof(struct values, any), "N", NULL, "h", 0, 0},
    {0, "rate", OPTION_REAL, offsetof(struct values, rate), "R", NULL, "h", 0, 0},
    {0, "memory", OPTION_SIZE, offsetof(struct values, memory), "SIZE", NULL, "h", 0, 0},
    {0, "name", OPTION_STRING, offsetof(struct values, name), "S", NULL, "h", 0, 0},
    {0, "unsaid", OPTION_STRING, offsetof(struct values, unsaid), "S", NULL, "h", 0, 0},
    {0, "format", OPTION_CHOICE, offsetof(struct values, format), NULL, "conll|bio|bioes", "h", 0, 0},
    {0, "way", OPTION_CHOICE, offsetof(struct values, way), NULL, "a|b", "h", 0, 0},
    OPTION_END,
};
static const struct command command = {.name = "test", .options = options};

static const struct values sample = {.flag = true,
                                     .count = 17,
                                     .any = LONG_MIN,
                                     .rate = 0.1,
                                     .memory = SIZE_MAX,
                                     .name = "an \"odd\" näme\n",
                                     .format = 2,
                                     .way = -1};

/* The text of a command's values; the caller frees it. */
static char *written(const struct command *of, const void *values)
{
    cJSON *object = options_to_json(of, values);
    ck_assert_ptr_nonnull(object);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

START_TEST(values_are_written_as_they_are_typed)
{
    char *text = written(&command, &sample);
    ck_assert_str_eq(text, "{\"flag\":\"yes\",\"other-flag\":\"no\",\"count\":\"17\",\"any\":\"-9223372036854775808\","
                           "\"rate\":\"0.10000000000000001\",\"memory\":\"18446744073709551615\","
                           "\"name\":\"an \\\"odd\\\" näme\\n\",\"format\":\"bioes\"}");
    free(text);
}
END_TEST

START_TEST(all_kinds_come_back_and_what_was_not_said_stays)
{
    char *text = written(&command, &sample);
    cJSON *object = cJSON_Parse(text);
    struct values values = {.other_flag = true, .unsaid = "default", .way = 1};
    const char *wrong;
    ck_assert(options_from_json(&command, object, &values, &wrong));
    ck_assert(values.flag && !values.other_flag);
    ck_assert_int_eq(values.count, 17);
    ck_assert_int_eq(values.any, LONG_MIN);
    ck_assert_double_eq(values.rate, 0.1);
    ck_assert_uint_eq(values.memory, SIZE_MAX);
    ck_assert_str_eq(values.name, sample.name);
    ck_assert_str_eq(values.unsaid, "default");
    ck_assert_int_eq(values.format, 2);
    ck_assert_int_eq(values.way, 1);
    cJSON_Delete(object);
    free(text);
}
END_TEST

START_TEST(a_real_number_comes_back_to_the_bit)
{
    static const double numbers[] = {0, 1.0 / 3, 1e-4, 5e-324, 1.7976931348623157e308, -0.05, 123456789.123456789};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct values values = sample, back = sample;
        const char *wrong;
        values.rate = numbers[i];
        cJSON *object = options_to_json(&command, &values);
        ck_assert(options_from_json(&command, object, &back, &wrong));
        ck_assert_msg(!memcmp(&back.rate, &numbers[i], sizeof(double)), "%.17g became %.17g", numbers[i], back.rate);
        cJSON_Delete(object);
    }
}
END_TEST

START_TEST(what_is_no_value_of_an_option_is_named)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"{\"flag\":\"yes\",\"colour\":\"blue\"}", "colour"},
        {"{\"All kinds\":\"yes\"}", "All kinds"},
        {"{\"Flag\":\"yes\"}", "Flag"},
        {"{\"flag\":\"maybe\"}", "flag"},
        {"{\"flag\":true}", "flag"},
        {"{\"count\":17}", "count"},
        {"{\"count\":\"1001\"}", "count"},
        {"{\"count\":\"0\"}", "count"},
        {"{\"count\":\"\"}", "count"},
        {"{\"count\":\"1x\"}", "count"},
        {"{\"any\":\"9223372036854775808\"}", "any"},
        {"{\"rate\":\"fast\"}", "rate"},
        {"{\"rate\":\"nan\"}", "rate"},
        {"{\"memory\":\"-1\"}", "memory"},
        {"{\"name\":null}", "name"},
        {"{\"name\":[\"a\"]}", "name"},
        {"{\"format\":\"xml\"}", "format"},
        {"{\"format\":\"\"}", "format"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *object = cJSON_Parse(cases[i].text);
        struct values values = sample;
        const char *wrong = NULL;
        ck_assert_ptr_nonnull(object);
        ck_assert_msg(!options_from_json(&command, object, &values, &wrong), "%s is taken", cases[i].text);
        ck_assert_str_eq(wrong, cases[i].wrong);
        cJSON_Delete(object);
    }
}
END_TEST

/* The reason for all of it: a run's options, those that were never said among them, are there again when it goes on. */
START_TEST(every_option_of_a_training_run_comes_back)
{
    const struct command train = {.name = "train", .options = train_option_table};
    struct train_values values = train_defaults, back = train_defaults;
    const char *wrong = "";
    values.max_epochs = 7;
    values.reproject = false;
    values.words = "a,b";
    train_settle(&values);
    char *before = written(&train, &values);
    cJSON *object = cJSON_Parse(before);
    ck_assert_msg(options_from_json(&train, object, &back, &wrong), "%s is refused", wrong);
    char *after = written(&train, &back);
    ck_assert_str_eq(after, before);
    ck_assert_int_eq(back.max_epochs, 7);
    ck_assert(!back.reproject && back.tag_column == 0 && back.reproject_to == 0);
    free(after);
    free(before);
    cJSON_Delete(object);
}
END_TEST

int main(void)
{
    test_add(values_are_written_as_they_are_typed, NULL);
    test_add(all_kinds_come_back_and_what_was_not_said_stays, NULL);
    test_add(a_real_number_comes_back_to_the_bit, NULL);
    test_add(what_is_no_value_of_an_option_is_named, NULL);
    test_add(every_option_of_a_training_run_comes_back, NULL);
    return test_run("options_json");
}
