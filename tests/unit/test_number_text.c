/* test_number_text.c - numbers as Python prints them, read back exactly, in every locale. */
#include "harness.h"
#include "base/number_text.h"
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(the_shortest_digits_are_pythons)
{
    /* print(value) of Python 3 */
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {100, "100.0"},
                 {0.1, "0.1"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1.0 / 3, "0.3333333333333333"},
                 {-2.5, "-2.5"},
                 {0.0001, "0.0001"},
                 {0.00012, "0.00012"},
                 {0.00001, "1e-05"},
                 {1.5e-7, "1.5e-07"},
                 {123456.789, "123456.789"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {0x1p-24, "5.960464477539063e-08"},
                 {0x1p-44, "5.684341886080802e-14"},
                 {1.25e22, "1.25e+22"},
                 {9007199254740992, "9007199254740992.0"},
                 {8.881561279296875, "8.881561279296875"},
                 {-1.5e-300, "-1.5e-300"},
                 {0.12345678901234568, "0.12345678901234568"},
                 {5e-324, "5e-324"},
                 {1.7976931348623157e308, "1.7976931348623157e+308"},
                 {INFINITY, "inf"},
                 {-INFINITY, "-inf"},
                 {NAN, "nan"},
                 {-NAN, "nan"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[NUMBER_TEXT_BYTES];
        number_shortest(text, cases[i].value);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(every_double_reads_back_as_itself)
{
    uint64_t bits = 42;
    for (int i = 0; i < 100000; i++) {
        char text[NUMBER_TEXT_BYTES];
        double value, back;
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        memcpy(&value, &bits, sizeof value);
        number_shortest(text, value);
        ck_assert_uint_lt(strlen(text), sizeof text);
        ck_assert_msg(number_read(text, strlen(text), &back), "%s", text);
        ck_assert_msg(isnan(value) ? isnan(back) : value == back, "%a as %s", value, text);
    }
}
END_TEST

static void check_decimals(double value, const char *fixed, const char *rounded)
{
    char text[NUMBER_TEXT_BYTES];
    number_fixed(text, value, 4);
    ck_assert_str_eq(text, fixed);
    number_rounded(text, value, 4);
    ck_assert_str_eq(text, rounded);
}

START_TEST(four_decimals_are_padded_or_not)
{
    check_decimals(0.1, "0.1000", "0.1");
    check_decimals(1, "1.0000", "1.0");
    check_decimals(2.0 / 9, "0.2222", "0.2222");
    check_decimals(0.00003125, "0.0000", "0.0");
    check_decimals(0.00625, "0.0063", "0.0063"); /* a little above half-way in binary */
    check_decimals(0.03125, "0.0312", "0.0312"); /* half-way: to the even digit */
    check_decimals(1e300, "1e+300", "1e+300");
    check_decimals(-NAN, "nan", "nan");
    check_decimals(-INFINITY, "-inf", "-inf");
}
END_TEST

START_TEST(what_is_no_number_is_not_read)
{
    static const char *const texts[] = {"",  " 1", "1 ", "0x10", "1,5", "infinity", "NaN",
                                        "-", ".",  "e5", "1e",   "--1", "1e999"};
    double value;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        ck_assert_msg(!number_read(texts[i], strlen(texts[i]), &value), "%s", texts[i]);
    char many[300];
    memset(many, '1', sizeof many);
    ck_assert(!number_read(many, sizeof many, &value));
    ck_assert(number_read("2.50", 3, &value) && value == 2.5); /* what stands behind does not count */
    ck_assert(number_read("-1e3", 4, &value) && value == -1000);
}
END_TEST

/* Where German needs compiling: Debian's package locales. */
static const char german_source[] = "/usr/share/i18n/locales/de_DE";

START_TEST(a_locale_with_commas_changes_nothing)
{
    char folder[] = "/tmp/number-text-test-XXXXXX", command[256], printed[32];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8", folder);
    int made = system(command);
    setenv("LOCPATH", folder, 1);
    bool german = setlocale(LC_ALL, "de_DE.UTF-8");
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_msg(made == 0 && german, "no German locale could be made");
    snprintf(printed, sizeof printed, "%.1f", 0.5);
    ck_assert_str_eq(printed, "0,5"); /* the locale is in force */
    check_decimals(0.5, "0.5000", "0.5");
    double value;
    ck_assert(number_read("0.25", 4, &value) && value == 0.25);
    ck_assert(!number_read("0,25", 4, &value));
    locale_t before = plain_numbers_begin();
    snprintf(printed, sizeof printed, "%.1f", 0.5);
    plain_numbers_end(before);
    ck_assert_str_eq(printed, "0.5");
    snprintf(printed, sizeof printed, "%.1f", 0.5);
    ck_assert_str_eq(printed, "0,5"); /* and again, as the caller had it */
}
END_TEST

int main(void)
{
    test_add(the_shortest_digits_are_pythons, NULL);
    test_add(every_double_reads_back_as_itself, NULL);
    test_add(four_decimals_are_padded_or_not, NULL);
    test_add(what_is_no_number_is_not_read, NULL);
    test_add(a_locale_with_commas_changes_nothing, german_source);
    return test_run("number_text");
}
