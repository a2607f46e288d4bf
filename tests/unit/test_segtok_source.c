/* test_segtok_source.c - what tokens keep of the text they were cut from: offsets, the clean-up, line ends, the
 * window's books; and that any text at all is cut in linear time. */
#include "base/error.h"
#include "base/utf8.h"
#include "harness.h"
#include "text/segtok.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct window split(const char *text, size_t bytes)
{
    struct window window;
    struct ft_error error = {""};
    window_init(&window);
    ck_assert_msg(segtok_split(&window, text, bytes, &error) == FT_OK, "%s", error.text);
    return window;
}

static struct window split_text(const char *text)
{
    return split(text, strlen(text));
}

static void check_token(const struct token *token, const char *text, unsigned start, unsigned end, bool space_after)
{
    ck_assert_str_eq(token->text, text);
    ck_assert_uint_eq(token->bytes, strlen(text));
    ck_assert_uint_eq(token->chars, utf8_count(text, strlen(text)));
    ck_assert_uint_eq(token->start, start);
    ck_assert_uint_eq(token->end, end);
    ck_assert_msg(token->space_after == space_after, "space behind '%s'", text);
    ck_assert_ptr_null(token->gold);
}

START_TEST(white_space_behind_a_token_is_noted)
{
    struct window window = split_text("Oh (my)\302\240hat, no. Yes\t");
    ck_assert_uint_eq(window.count, 2);
    const struct token *tokens = window.sentences[0].tokens;
    ck_assert_uint_eq(window.sentences[0].count, 8);
    check_token(&tokens[0], "Oh", 0, 2, true);
    check_token(&tokens[1], "(", 3, 4, false);
    check_token(&tokens[2], "my", 4, 6, false);
    check_token(&tokens[3], ")", 6, 7, true);
    check_token(&tokens[4], "hat", 8, 11, false);
    check_token(&tokens[5], ",", 11, 12, true);
    check_token(&tokens[6], "no", 13, 15, false);
    check_token(&tokens[7], ".", 15, 16, true);
    check_token(&window.sentences[1].tokens[0], "Yes", 17, 20, true);
    window_release(&window);
}
END_TEST

/* U+0093 and U+0094 are Windows-1252's double quotes, U+0092 its apostrophe, U+0085 its ellipsis (but white space to
 * the first cut); U+0081 is none of its characters. */
START_TEST(windows_characters_are_restored_at_their_place)
{
    static const char text[] = "\302\223It\302\222s\302\224 4\302\200\302\201 a\302\205b";
    struct window window = split_text(text);
    ck_assert_uint_eq(window.count, 1);
    const struct token *tokens = window.sentences[0].tokens;
    ck_assert_uint_eq(window.sentences[0].count, 9);
    check_token(&tokens[0], "\u201c", 0, 1, false);
    check_token(&tokens[1], "It", 1, 3, false);
    check_token(&tokens[2], "\u2019s", 3, 5, false);
    check_token(&tokens[3], "\u201d", 5, 6, true);
    check_token(&tokens[4], "4", 7, 8, false);
    check_token(&tokens[5], "\u20ac", 8, 9, true);
    check_token(&tokens[6], "a", 11, 12, false);
    check_token(&tokens[7], "\u2026", 12, 13, false);
    check_token(&tokens[8], "b", 13, 14, false);
    ck_assert_ptr_eq(window.sentences[0].source, text);
    window_release(&window);
}
END_TEST

/* Zero-width characters and separators fall out; a token may span them, and white space is seen through them. */
START_TEST(zero_width_characters_fall_out_of_tokens)
{
    static const char text[] = "\357\273\277up\342\200\213set\342\200\214 it\342\200\250is "
                               "\342\235\244\357\270\217\342\200\213 ok";
    struct window window = split_text(text);
    ck_assert_uint_eq(window.count, 1);
    const struct token *tokens = window.sentences[0].tokens;
    ck_assert_uint_eq(window.sentences[0].count, 4);
    check_token(&tokens[0], "upset", 1, 7, true);
    check_token(&tokens[1], "itis", 9, 14, true);
    check_token(&tokens[2], "\u2764", 15, 16, true);
    check_token(&tokens[3], "ok", 19, 21, false);
    window_release(&window);
}
END_TEST

START_TEST(what_the_clean_up_leaves_empty_is_no_sentence)
{
    static const char text[] = "One. \342\200\213\357\273\277! Two.";
    struct window window = split_text("\342\200\213 \302\201");
    ck_assert_uint_eq(window.count, 0);
    window_release(&window);
    window = split_text(text);
    ck_assert_uint_eq(window.count, 3);
    check_token(&window.sentences[1].tokens[0], "!", 7, 8, true);
    window_release(&window);
}
END_TEST

/* The first cut sees no blank behind the mark, the second one does: one sentence, but the mark comes off its word. */
START_TEST(cleaned_text_is_cut_once_more)
{
    struct window window = split_text("Snow.\342\200\213 Ice");
    ck_assert_uint_eq(window.count, 1);
    ck_assert_uint_eq(window.sentences[0].count, 3);
    check_token(&window.sentences[0].tokens[0], "Snow", 0, 4, false);
    check_token(&window.sentences[0].tokens[1], ".", 4, 5, true);
    check_token(&window.sentences[0].tokens[2], "Ice", 7, 10, false);
    window_release(&window);
}
END_TEST

START_TEST(white_space_appends_nothing)
{
    static const char *const texts[] = {"", " ", "\t \302\240\343\200\200", "\n\n", "\034"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct window window = split_text(texts[i]);
        ck_assert_uint_eq(window.count, 0);
        ck_assert_uint_eq(window.tokens, 0);
        window_release(&window);
    }
}
END_TEST

/* Where a carriage return parts a word behind its hyphen, segtok joins the halves. Flair cannot find such a token in
 * the text it came from and gives up; here it spans both halves. */
START_TEST(a_carriage_return_behind_a_hyphen_joins_a_word)
{
    struct window window = split_text("a Kirsch- \r blüte-\rbl");
    ck_assert_uint_eq(window.count, 1);
    ck_assert_uint_eq(window.sentences[0].count, 2);
    check_token(&window.sentences[0].tokens[1], "Kirsch-blüte-bl", 2, 21, false);
    window_release(&window);
    window = split_text("a-\r b- \rc"); /* b has closed one join and opens no other */
    ck_assert_uint_eq(window.sentences[0].count, 3);
    check_token(&window.sentences[0].tokens[0], "a-b", 0, 5, false);
    check_token(&window.sentences[0].tokens[1], "-", 5, 6, true);
    check_token(&window.sentences[0].tokens[2], "c", 8, 9, false);
    window_release(&window);
}
END_TEST

START_TEST(sentences_of_a_line_share_its_source)
{
    static const char first[] = "Ida came. Otto left. Why?", second[] = "Rain.";
    struct window window = split_text(first);
    ck_assert_int_eq(segtok_split(&window, second, sizeof second - 1, NULL), FT_OK);
    ck_assert_uint_eq(window.count, 4);
    ck_assert_uint_eq(window.tokens, 3 + 3 + 2 + 2);
    ck_assert_uint_eq(window.chars, (3 + 4 + 1 + 3) + (4 + 4 + 1 + 3) + (3 + 1 + 2) + (4 + 1 + 2));
    for (size_t i = 0; i < 4; i++) {
        const struct sentence *sentence = &window.sentences[i];
        ck_assert_ptr_eq(sentence->source, i < 3 ? first : second);
        ck_assert_uint_eq(sentence->source_bytes, i < 3 ? sizeof first - 1 : sizeof second - 1);
        ck_assert_int_eq(sentence->first_of_source, i == 0 || i == 3);
        ck_assert_int_eq(sentence->last_of_source, i == 2 || i == 3);
    }
    window_release(&window);
}
END_TEST

/* What Flair's Sentence("...").tokens gives: marks come off at each end that the cut finds, but all is one sentence. */
START_TEST(a_sentence_given_as_such_is_cut_into_tokens_only)
{
    static const char text[] = "Snow fell. It\302\222s cold.";
    static const char *const expected[] = {"Snow", "fell", ".", "It", "\u2019s", "cold", "."};
    struct arena arena;
    struct token *tokens;
    size_t count;
    arena_init(&arena);
    ck_assert_int_eq(segtok_tokenize(&arena, text, sizeof text - 1, &tokens, &count, NULL), FT_OK);
    ck_assert_uint_eq(count, 7);
    for (size_t i = 0; i < count; i++)
        ck_assert_str_eq(tokens[i].text, expected[i]);
    check_token(&tokens[4], "\u2019s", 13, 15, true);
    ck_assert_int_eq(segtok_tokenize(&arena, " ", 1, &tokens, &count, NULL), FT_OK);
    ck_assert_uint_eq(count, 0);
    arena_release(&arena);
}
END_TEST

/* Every character that is neither white space nor dropped lies in exactly one token, in order. */
START_TEST(random_text_is_covered_by_its_tokens)
{
    static const char *const parts[] = {
        " ",      " ",          " ",      ". ",     ".",      "! ",     "(",        ")",       "[",
        "]",      "\"",         "'",      "\u2019", ",",      ":",      "-",        "a",       "B",
        "is",     "Mr",         "n't",    "7",      "\u00b2", "\u2082", "H",        "\n",      "\n\n",
        "\u4e2d", "\U0001f600", "\u00e9", "\u0301", "\u3002", "\u200b", "\302\223", "et al. ",
    };
    unsigned seed = (unsigned)time(NULL);
    const char *given = getenv("SEED");
    if (given)
        seed = (unsigned)strtoul(given, NULL, 10);
    for (int round = 0; round < 2000; round++) {
        unsigned state = seed + (unsigned)round;
        char text[512];
        size_t bytes = 0;
        for (int i = 0; i < 60; i++) {
            state = state * 1664525u + 1013904223u;
            const char *part = parts[(state >> 16) % (sizeof parts / sizeof *parts)];
            memcpy(text + bytes, part, strlen(part));
            bytes += strlen(part);
        }
        struct window window = split(text, bytes);
        size_t sentence = 0, token = 0, inside = 0, at = 0;
        uint32_t c;
        for (size_t i = 0; at < bytes; i++) {
            at += utf8_decode(text + at, bytes - at, &c);
            while (sentence < window.count && i >= window.sentences[sentence].tokens[token].end) {
                ck_assert_msg(inside, "SEED=%u: a token of nothing", seed + (unsigned)round);
                inside = 0;
                if (++token == window.sentences[sentence].count) {
                    token = 0;
                    sentence++;
                }
            }
            bool covered = sentence < window.count && i >= window.sentences[sentence].tokens[token].start;
            inside += covered;
            if (c != 0x200b)
                ck_assert_msg(covered == !unicode_is_space(c), "SEED=%u: character %zu (U+%04X) is%s in a token",
                              seed + (unsigned)round, i, (unsigned)c, covered ? "" : " not");
        }
        window_release(&window);
    }
}
END_TEST

static double seconds_of(const char *pattern, size_t bytes)
{
    size_t length = strlen(pattern);
    char *text = malloc(bytes + 4);
    ck_assert_ptr_nonnull(text);
    memcpy(text, "\342\202\202 ", 4); /* with a subscript in the line no rule is skipped */
    for (size_t i = 0; i < bytes; i++)
        text[4 + i] = pattern[i % length];
    clock_t start = clock();
    struct window window = split(text, 4 + bytes - bytes % length);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    window_release(&window);
    free(text);
    return seconds;
}

/* Patterns that make a rule look far ahead or back at every step. Quadratic time would take 64 times as long for 8
 * times the text; 0.02 s cover the clock's grain. */
START_TEST(time_is_linear_in_the_length_of_a_line)
{
    static const char *const patterns[] = {
        "A)",      "(",       ".)",   "\"", "a-  ",         "foo. bar. ",   "(A. b ",   "John W. Ab ",
        "x. and ", "1. May ", ", ",   ",",  "(a et al. ",   "( X. [ Y. ",   "a-b'",     "H\342\202\202)",
        "a-\r",    "a \n",    "Mr. ", "a",  "\342\200\231", "\342\200\213", "\312\274", "A\302\262)",
    };
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        double shorter = seconds_of(patterns[i], 6000), longer = seconds_of(patterns[i], 8 * 6000);
        ck_assert_msg(longer < 32 * (shorter + 0.02), "pattern %zu: %.3f s, then %.3f s", i, shorter, longer);
    }
}
END_TEST

int main(void)
{
    test_add(white_space_behind_a_token_is_noted, NULL);
    test_add(windows_characters_are_restored_at_their_place, NULL);
    test_add(zero_width_characters_fall_out_of_tokens, NULL);
    test_add(what_the_clean_up_leaves_empty_is_no_sentence, NULL);
    test_add(cleaned_text_is_cut_once_more, NULL);
    test_add(white_space_appends_nothing, NULL);
    test_add(a_carriage_return_behind_a_hyphen_joins_a_word, NULL);
    test_add(sentences_of_a_line_share_its_source, NULL);
    test_add(a_sentence_given_as_such_is_cut_into_tokens_only, NULL);
    test_add(random_text_is_covered_by_its_tokens, NULL);
    test_add(time_is_linear_in_the_length_of_a_line, NULL);
    return test_run("segtok_source");
}
