/* number_float gives the bits of strtof, for numbers of every length and size. */
#include "harness.h"
#include "import/number.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_equal(const char *text)
{
    const char *at = text, *end = text + strlen(text);
    float value = 0, expected = strtof(text, NULL);
    ck_assert_msg(number_float(&at, end, &value) && at == end, "'%s' was not read", text);
    ck_assert_msg(!memcmp(&value, &expected, 4), "'%s' gave %a, not %a", text, (double)value, (double)expected);
}

START_TEST(numbers_are_rounded_as_strtof_rounds_them)
{
    static const char *const numbers[] = {
        "0",
        "-0",
        "0.0",
        "-0.000",
        "1",
        "+1",
        "-1",
        ".5",
        "5.",
        "0.4412275",
        "-0.33087015",
        "1e0",
        "1E+05",
        "2.5e-3",
        "00012",
        "16777217",
        "16777219",
        "1.000000059604644775390625",            /* exactly between 1 and the next float: to even */
        "1.00000005960464477539062500000000001", /* just above */
        "1.0000000596046447",                    /* just below, but its double lies between */
        "1.0000001788139343",
        "1.00000017881393432617187500001",
        "8388608.5",
        "8388609.5",
        "33554433",
        "33554434.0000001",
        "3.4028234663852886e38",
        "3.4028235e38",
        "1.17549435e-38",
        "1.1754942e-38",
        "1e-45",
        "7e-46",
        "1e-46",
        "1e-400",
        "0e999999999999",
        "123456789012345678901234567890e-30",
        "9007199254740993",
        "18446744073709551615",
        "1e22",
        "1e23",
        "0.000000000000000000000000000000000000001",
        "1234567890123456789",
        "12345678901234567891",
        "1e-22",
        "1e-23"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        check_equal(numbers[i]);
}
END_TEST

START_TEST(random_numbers_are_rounded_as_strtof_rounds_them)
{
    unsigned seed = 31337;
    for (int round = 0; round < 400000; round++) {
        char text[80];
        int bytes = 0, digits = 1 + (int)(rand_r(&seed) % (round % 16 ? 12 : 30)), point = (int)(rand_r(&seed) % 12);
        if (rand_r(&seed) % 2)
            text[bytes++] = '-';
        for (int i = 0; i < digits; i++) {
            if (i == point)
                text[bytes++] = '.';
            text[bytes++] = (char)('0' + rand_r(&seed) % 10);
        }
        bytes += rand_r(&seed) % 4 ? 0 : sprintf(text + bytes, "e%d", (int)(rand_r(&seed) % 60) - 45);
        text[bytes] = 0;
        if (strtof(text, NULL) < 3e38f && strtof(text, NULL) > -3e38f)
            check_equal(text);
    }
    /* the shortest text of a float, and texts around the middle of two floats */
    for (int round = 0; round < 400000; round++) {
        uint32_t bits = (uint32_t)rand_r(&seed) << 8 ^ (uint32_t)rand_r(&seed);
        float value;
        char text[80];
        bits = (bits & 0x80ffffff) | (uint32_t)(100 + rand_r(&seed) % 50) << 23;
        memcpy(&value, &bits, 4);
        snprintf(text, sizeof text, "%.9g", (double)value);
        check_equal(text);
        uint64_t wide;
        double middle = (double)value;
        memcpy(&wide, &middle, 8);
        wide += 0x10000000;
        memcpy(&middle, &wide, 8);
        snprintf(text, sizeof text, "%.*g", 8 + (int)(rand_r(&seed) % 12), middle);
        check_equal(text);
    }
}
END_TEST

START_TEST(reading_stops_behind_the_number)
{
    const char *text = "12.5 7", *at = text;
    float value;
    ck_assert(number_float(&at, text + 6, &value) && value == 12.5f && at == text + 4);
    at = text;
    ck_assert(number_float(&at, text + 1, &value) && value == 1 && at == text + 1); /* the end counts, not the NUL */
    text = at = "3e";
    ck_assert(number_float(&at, text + 2, &value) && value == 3 && at == text + 1);
    text = at = "3e+x";
    ck_assert(number_float(&at, text + 4, &value) && value == 3 && at == text + 1);
    text = at = "1.2.3";
    ck_assert(number_float(&at, text + 5, &value) && value == 1.2f && at == text + 3);
}
END_TEST

START_TEST(what_is_no_number_is_refused)
{
    static const char *const texts[] = {"",    "-",    "+",  ".",   "-.",   "e5",     "x",    "nan",
                                        "inf", "-inf", " 1", "--1", "1e39", "-1e999", "4e38", ",5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *at = texts[i];
        float value;
        ck_assert_msg(!number_float(&at, at + strlen(at), &value) && at == texts[i], "'%s' was read", texts[i]);
    }
    char longest[400];
    memset(longest, '1', sizeof longest);
    longest[1] = '.';
    const char *at = longest;
    float value;
    ck_assert(number_float(&at, longest + 255, &value) && value == strtof("1.111111111111111", NULL));
    at = longest;
    ck_assert(!number_float(&at, longest + 400, &value));
}
END_TEST

int main(void)
{
    test_add(numbers_are_rounded_as_strtof_rounds_them, NULL);
    test_add(random_numbers_are_rounded_as_strtof_rounds_them, NULL);
    test_add(reading_stops_behind_the_number, NULL);
    test_add(what_is_no_number_is_refused, NULL);
    return test_run("number");
}
