/* test_scheme.c - spans written as tags, and the old reader's conversion, by hand. */
#include "harness.h"
#include "text/scheme.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TAGS = 32 };
static struct arena arena;

static size_t split(const char *line, const char **tags)
{
    size_t n = 0;
    char *copy = arena_copy(&arena, line, strlen(line));
    for (char *tag = strtok(copy, " "); tag && n < MOST_TAGS; tag = strtok(NULL, " "))
        tags[n++] = strcmp(tag, "''") ? tag : "";
    return n;
}

static const char *join(const char *const *tags, size_t n)
{
    static char text[1024];
    text[0] = 0;
    for (size_t t = 0, at = 0; t < n; t++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", t ? " " : "", tags[t]);
    return text;
}

static const char *through_spans(enum span_rule rule, enum scheme scheme, const char *line)
{
    const char *tags[MOST_TAGS];
    size_t n = split(line, tags), count;
    struct span *spans = spans_from_tags(rule, tags, NULL, n, &arena, &count);
    ck_assert_ptr_nonnull(spans);
    return join(scheme_tags(scheme, spans, count, n, &arena), n);
}

static const char *old_reader(const char *line)
{
    const char *tags[MOST_TAGS], **converted = NULL;
    static char refused[64];
    size_t bad = 0, n = split(line, tags);
    if (scheme_old_reader(tags, n, &arena, &converted, &bad) == FT_OK)
        return join(converted, n);
    snprintf(refused, sizeof refused, "refused: %zu", bad);
    return refused;
}

START_TEST(bio_and_bioes_become_each_other)
{
    const char *bio = "B-X I-X I-X I-X O B-Y B-Y B-creative-work I-creative-work";
    const char *bioes = "B-X I-X I-X E-X O S-Y S-Y B-creative-work E-creative-work";
    for (enum span_rule rule = SPANS_CONLLEVAL; rule <= SPANS_FLAIR_NEW; rule++)
        ck_assert_str_eq(through_spans(rule, SCHEME_BIOES, bio), bioes);
    ck_assert_str_eq(through_spans(SPANS_FLAIR_OLD, SCHEME_BIO, bioes), bio);
    ck_assert_str_eq(through_spans(SPANS_FLAIR_NEW, SCHEME_BIO, bioes), bio);
    ck_assert_str_eq(through_spans(SPANS_FLAIR_NEW, SCHEME_BIOES, bioes), bioes);
}
END_TEST

START_TEST(a_sentence_without_spans_is_all_outside)
{
    ck_assert_str_eq(through_spans(SPANS_FLAIR_NEW, SCHEME_BIOES, "O O _ ''"), "O O O O");
    ck_assert_str_eq(through_spans(SPANS_FLAIR_NEW, SCHEME_BIO, ""), "");
}
END_TEST

START_TEST(iob1_is_read_by_way_of_spans)
{
    const char *iob1 = "I-PER I-PER B-PER I-LOC O I-ORG";
    ck_assert_str_eq(through_spans(SPANS_FLAIR_NEW, SCHEME_BIO, iob1), "B-PER I-PER B-PER B-LOC O B-ORG");
    ck_assert_str_eq(through_spans(SPANS_CONLLEVAL, SCHEME_BIOES, iob1), "B-PER E-PER S-PER S-LOC O S-ORG");
}
END_TEST

START_TEST(the_old_reader_turns_iob1_and_bio_into_bioes)
{
    ck_assert_str_eq(old_reader(""), "");
    ck_assert_str_eq(old_reader("B-X I-X O B-Y"), "B-X E-X O S-Y");
    ck_assert_str_eq(old_reader("I-PER I-PER I-LOC O I-ORG B-ORG I-PER"), "B-PER E-PER S-LOC O S-ORG S-ORG S-PER");
    ck_assert_str_eq(old_reader("B-PER B-PER I-PER I-LOC"), "S-PER B-PER E-PER S-LOC");
    ck_assert_str_eq(old_reader("'' I-X '' I-X I-X"), "O S-X O B-X E-X");
}
END_TEST

/* The conversion stops at a type with a hyphen; what follows keeps its I. */
START_TEST(a_hyphen_in_a_type_stops_the_old_reader_s_first_pass)
{
    ck_assert_str_eq(old_reader("B-creative-work I-creative-work O"), "B-creative-work E-creative-work O");
    ck_assert_str_eq(old_reader("I-X O I-creative-work O I-X I-X"), "S-X O E-creative-work O I-X E-X");
}
END_TEST

/* The type of the next tag is not looked at, and every "B-" in a tag is replaced. */
START_TEST(the_old_reader_replaces_text)
{
    ck_assert_str_eq(old_reader("B-X-Y I-Z-Y O"), "B-X-Y E-Z-Y O");
    ck_assert_str_eq(old_reader("B-B-X O I-I-X"), "S-S-X O E-E-X");
    ck_assert_str_eq(old_reader("B O"), "B O");
}
END_TEST

START_TEST(the_old_reader_refuses_other_schemes)
{
    ck_assert_str_eq(old_reader("O S-X"), "refused: 1");
    ck_assert_str_eq(old_reader("B-X E-X"), "refused: 1");
    ck_assert_str_eq(old_reader("PER"), "refused: 0");
    ck_assert_str_eq(old_reader("O O _"), "refused: 2");
    ck_assert_str_eq(old_reader("BX-Y"), "refused: 0");
}
END_TEST

int main(void)
{
    arena_init(&arena);
    test_add(bio_and_bioes_become_each_other, NULL);
    test_add(a_sentence_without_spans_is_all_outside, NULL);
    test_add(iob1_is_read_by_way_of_spans, NULL);
    test_add(the_old_reader_turns_iob1_and_bio_into_bioes, NULL);
    test_add(a_hyphen_in_a_type_stops_the_old_reader_s_first_pass, NULL);
    test_add(the_old_reader_replaces_text, NULL);
    test_add(the_old_reader_refuses_other_schemes, NULL);
    int status = test_run("scheme");
    arena_release(&arena);
    return status;
}
