/* test_utf8.c - UTF-8, and Python's isspace, \d and str.lower. The expected values are Python 3.11's (Unicode 14);
 * newer Unicode adds digits and letters but changes none of these. Loops over all of Unicode call Check only when they
 * fail: it notes every assertion in a file. */
#include "base/utf8.h"
#include "harness.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_surrogate(uint32_t c)
{
    return c >= 0xd800 && c <= 0xdfff;
}

START_TEST(every_code_point_survives_encoding_and_decoding)
{
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (is_surrogate(c))
            continue;
        char bytes[4];
        uint32_t back = ~c;
        size_t length = utf8_encode(c, bytes), bad = 99;
        size_t expected = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (length != expected || utf8_decode(bytes, length, &back) != length || back != c)
            ck_abort_msg("U+%04X: %zu bytes, back as U+%04X", (unsigned)c, length, (unsigned)back);
        if (utf8_decode(bytes, length - 1, &back) || !utf8_valid(bytes, length, &bad) || utf8_count(bytes, length) != 1)
            ck_abort_msg("U+%04X: its end is not where its bytes end", (unsigned)c);
    }
}
END_TEST

START_TEST(invalid_sequences_are_found_at_their_first_byte)
{
    static const struct {
        const char *text;
        size_t bytes, bad;
    } cases[] = {
        {"ab\200", 3, 2},           /* a lone continuation */
        {"\300\200", 2, 0},         /* NUL in two bytes */
        {"\301\277", 2, 0},         /* overlong */
        {"a\340\237\277", 4, 1},    /* overlong */
        {"\360\217\277\277", 4, 0}, /* overlong */
        {"\355\240\200", 3, 0},     /* U+D800 */
        {"\355\277\277", 3, 0},     /* U+DFFF */
        {"\364\220\200\200", 4, 0}, /* U+110000 */
        {"\365\200\200\200", 4, 0}, /* no such lead byte */
        {"\377", 1, 0},
        {"\303\251\303", 3, 2}, /* cut off */
        {"\342\202", 2, 0},
        {"x\360\237\230", 4, 1},
        {"\303(", 2, 0}, /* no continuation */
        {"\342\202(", 3, 0},
        {"\360\237\230(", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bad = 99;
        uint32_t c = 7;
        ck_assert_msg(!utf8_valid(cases[i].text, cases[i].bytes, &bad), "case %zu is valid", i);
        ck_assert_uint_eq(bad, cases[i].bad);
        ck_assert_uint_eq(utf8_decode(cases[i].text + bad, cases[i].bytes - bad, &c), 0);
    }
    size_t bad = 99;
    uint32_t c;
    ck_assert(utf8_valid("", 0, &bad));
    ck_assert_uint_eq(utf8_decode("", 0, &c), 0);
    ck_assert(utf8_valid("\355\237\277\356\200\200\364\217\277\277", 10, &bad)); /* around the gaps */
}
END_TEST

START_TEST(code_points_are_counted_not_bytes)
{
    ck_assert_uint_eq(utf8_count("", 0), 0);
    ck_assert_uint_eq(utf8_count("na\303\257ve \360\237\230\200 e\314\201", 15), 10);
}
END_TEST

START_TEST(white_space_is_what_python_strips)
{
    static const uint32_t ranges[][2] = {
        {0x09, 0x0d},     {0x1c, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
        {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
    };
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
            expected |= c >= ranges[i][0] && c <= ranges[i][1];
        if (unicode_is_space(c) != expected)
            ck_abort_msg("U+%04X is %s", (unsigned)c, expected ? "white space" : "none");
    }
}
END_TEST

/* The zeros of all scripts that Unicode 14 has; nine digits follow each. Later versions may add digits, so beyond these
 * only code points that can never be digits are asked for. */
START_TEST(decimals_are_the_digits_of_every_script)
{
    static const uint32_t zeros[] = {
        0x30,    0x660,   0x6f0,   0x7c0,   0x966,   0x9e6,   0xa66,   0xae6,   0xb66,   0xbe6,   0xc66,
        0xce6,   0xd66,   0xde6,   0xe50,   0xed0,   0xf20,   0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,
        0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,
        0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
        0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
        0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
    };
    static const uint32_t others[] = {'/',    ':',    'a',   0xb2,  0xb9,   0xbd,   0x2070,  0x2080,  0x2160,  0x2460,
                                      0x3007, 0x4e00, 0x9f4, 0xbf0, 0x1369, 0x19da, 0x1d7cd, 0x1f100, 0x10ffff};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        for (uint32_t digit = 0; digit < 10; digit++)
            ck_assert_msg(unicode_is_decimal(zeros[i] + digit), "U+%04X", (unsigned)(zeros[i] + digit));
        ck_assert_msg(!unicode_is_decimal(zeros[i] - 1) || (i && zeros[i - 1] + 10 == zeros[i]), "U+%04X",
                      (unsigned)(zeros[i] - 1));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!unicode_is_decimal(others[i]), "U+%04X", (unsigned)others[i]);
}
END_TEST

static void check_lower(const char *text, const char *expected)
{
    size_t bytes = strlen(text);
    char *out = malloc(3 * bytes + 1);
    ck_assert_ptr_nonnull(out);
    size_t length = utf8_lower(text, bytes, out, 3 * bytes + 1);
    ck_assert_uint_le(length, 3 * bytes + 1);
    ck_assert_msg(length == strlen(expected) && !memcmp(out, expected, length), "'%s' gives '%.*s', not '%s'", text,
                  (int)length, out, expected);
    free(out);
}

/* Among them: the dotted capital I (two code points), the final sigma with all that may stand around it, titlecase
 * letters, letters whose length in bytes changes, capitals of small scripts. */
START_TEST(lower_case_is_pythons)
{
    static const char *const cases[][2] = {
        {"ABC xyz 123", "abc xyz 123"},
        {"ÀÉÎÕÜ ẞ ß", "àéîõü ß ß"},
        {"İSTANBUL", "i\314\207stanbul"},
        {"Iı", "iı"},
        {"ΑΒΓ", "αβγ"},
        {"ΟΔΟΣ", "οδος"},
        {"ΟΔΟΣ ΣΟΦΟΣ", "οδος σοφος"},
        {"Σ", "σ"},
        {"ΣΑ", "σα"},
        {"ΑΣ.Β", "ασ.β"},
        {"ΑΣ.", "ας."},
        {"Α\314\201Σ\314\201", "α\314\201ς\314\201"},
        {"Α1Σ", "α1σ"},
        {"Α\302\255Σ", "α\302\255ς"},
        {"ΑΣ\342\200\215Α", "ασ\342\200\215α"},
        {"ΑΣ'", "ας'"},
        {"ΑΣ'Α", "ασ'α"},
        {"(Σ)", "(σ)"},
        {"ªΣ", "ªς"},
        {"ⅣΣ", "ⅳς"},
        {"ⓐΣ", "ⓐς"},
        {"🅰Σ", "🅰ς"},
        {"🄰Σ", "🄰ς"},
        {"🅐Σ", "🅐ς"},
        {"ʰΣ", "ʰσ"},
        {"中Σ", "中σ"},
        {"ΑΣ中", "ας中"},
        {"ΑΣΣ", "ασς"},
        {"ΣΣΣ", "σσς"},
        {"ΑΣ\315\205", "ας\315\205"},
        {"Α:Σ", "α:ς"},
        {"Α-Σ", "α-σ"},
        {"Α_Σ", "α_σ"},
        {"ЖЏ", "жџ"},
        {"ԱՖ", "աֆ"},
        {"ᲐᲿ", "აჿ"},
        {"ႠჅ", "ⴀⴥ"},
        {"ᎠᏴᏸ", "ꭰᏼᏸ"},
        {"ǄǅǆǇǊ", "ǆǆǆǉǌ"},
        {"Ⰰⰰ", "ⰰⰰ"},
        {"Ω K Å", "ω k å"},
        {"ȺȾ", "ⱥⱦ"},
        {"ꙀꚘ", "ꙁꚙ"},
        {"ＡＺａ", "ａｚａ"},
        {"𐐀𐐧", "𐐨𐑏"},
        {"𞤀𞤡", "𞤢𞥃"},
        {"ⅠⅯⓏ", "ⅰⅿⓩ"},
        {"ᾼΏᾟ", "ᾳώᾗ"},
        {"ŉΐﬁ", "ŉΐﬁ"},
        {"A\314\212", "a\314\212"},
        {"Ɱ", "ɱ"},
        {"Ᵹ", "ᵹ"},
        {"Ꞵ", "ꞵ"},
        {"Ꟁ", "ꟁ"},
        {"𝐀𝓩", "𝐀𝓩"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_lower(cases[i][0], cases[i][1]);
    check_lower("", "");
}
END_TEST

START_TEST(lower_case_fits_the_promised_room)
{
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        if (is_surrogate(c))
            continue;
        char in[4], out[16], again[16];
        size_t bytes = utf8_encode(c, in), bad = 99;
        size_t length = utf8_lower(in, bytes, out, sizeof out);
        if (length < 1 || length > 3 * bytes + 1 || !utf8_valid(out, length, &bad))
            ck_abort_msg("U+%04X has %zu bytes in lower case", (unsigned)c, length);
        if (utf8_lower(out, length, again, sizeof again) != length || memcmp(again, out, length))
            ck_abort_msg("the lower case of U+%04X has another", (unsigned)c);
    }
}
END_TEST

START_TEST(lower_case_writes_no_more_than_the_room)
{
    char out[8] = "#######";
    ck_assert_uint_eq(utf8_lower("ABC", 3, out, 2), 3);
    ck_assert_str_eq(out, "ab#####");
    memset(out, '#', 7);
    ck_assert_uint_eq(utf8_lower("\304\260", 2, out, 2), 3); /* U+0130 needs three bytes */
    ck_assert_str_eq(out, "#######");
}
END_TEST

/* A sigma looks at what is before and behind it; 400,000 in a row would take minutes if each looked at all. */
START_TEST(many_sigmas_take_linear_time)
{
    enum { SIGMAS = 400000 };
    char *text = malloc(2 * SIGMAS), *out = malloc(2 * SIGMAS);
    ck_assert(text && out);
    for (size_t i = 0; i < SIGMAS; i++)
        memcpy(text + 2 * i, "\316\243", 2);
    clock_t start = clock();
    ck_assert_uint_eq(utf8_lower(text, 2 * SIGMAS, out, 2 * SIGMAS), 2 * SIGMAS);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ck_assert_msg(seconds < 5, "%.1f s", seconds);
    ck_assert_mem_eq(out, "\317\203\317\203", 4);
    ck_assert_mem_eq(out + 2 * SIGMAS - 4, "\317\203\317\202", 4);
    free(text);
    free(out);
}
END_TEST

static int row_of(const cJSON *words, const char *text)
{
    int row = 0;
    const cJSON *word;
    cJSON_ArrayForEach(word, words)
    {
        if (!strcmp(word->valuestring, text))
            return row;
        row++;
    }
    return -1;
}

/* A copy with every decimal digit replaced. */
static void replace_digits(const char *text, char digit, char *out)
{
    uint32_t c;
    for (size_t at = 0, bytes = strlen(text), length; (length = utf8_decode(text + at, bytes - at, &c)); at += length) {
        if (unicode_is_decimal(c)) {
            *out++ = digit;
        } else {
            memcpy(out, text + at, length);
            out += length;
        }
    }
    *out = '\0';
}

/* Flair looks a word up as it is, in lower case, then with # and with 0 for its digits. */
START_TEST(words_are_found_as_flair_finds_them)
{
    FILE *file = fopen(shared_path("golden/words/case.json"), "rb");
    ck_assert_ptr_nonnull(file);
    char json[65536];
    json[fread(json, 1, sizeof json - 1, file)] = '\0';
    fclose(file);
    cJSON *root = cJSON_Parse(json);
    ck_assert_ptr_nonnull(root);
    const cJSON *words = cJSON_GetObjectItem(root, "words"), *query;
    const cJSON *expected = cJSON_GetObjectItem(root, "expected_row");
    int checked = 0;
    cJSON_ArrayForEach(query, cJSON_GetObjectItem(root, "queries"))
    {
        char lower[256] = "", digits[256];
        const char *text = query->valuestring;
        ck_assert_uint_lt(utf8_lower(text, strlen(text), lower, sizeof lower - 1), sizeof lower);
        int row = row_of(words, text);
        if (row < 0)
            row = row_of(words, lower);
        for (int i = 0; i < 2 && row < 0; i++) {
            replace_digits(lower, i ? '0' : '#', digits);
            row = row_of(words, digits);
        }
        ck_assert_msg(row == cJSON_GetArrayItem(expected, checked)->valueint, "'%s' gives row %d, not %d", text, row,
                      cJSON_GetArrayItem(expected, checked)->valueint);
        checked++;
    }
    ck_assert_int_gt(checked, 0);
    cJSON_Delete(root);
}
END_TEST

int main(void)
{
    test_add(every_code_point_survives_encoding_and_decoding, NULL);
    test_add(invalid_sequences_are_found_at_their_first_byte, NULL);
    test_add(code_points_are_counted_not_bytes, NULL);
    test_add(white_space_is_what_python_strips, NULL);
    test_add(decimals_are_the_digits_of_every_script, NULL);
    test_add(lower_case_is_pythons, NULL);
    test_add(lower_case_fits_the_promised_room, NULL);
    test_add(lower_case_writes_no_more_than_the_room, NULL);
    test_add(many_sigmas_take_linear_time, NULL);
    test_add(words_are_found_as_flair_finds_them, shared_path("golden/words/case.json"));
    return test_run("utf8");
}
