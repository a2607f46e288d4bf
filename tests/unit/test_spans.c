/* test_spans.c - tags to spans by each rule, by hand and against the reference cases. */
#include "harness.h"
#include "text/spans.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TAGS = 64 };

/* Cuts "B-X I-X O" at its blanks, in place. */
static size_t split(char *line, const char **tags)
{
    size_t n = 0;
    for (char *tag = strtok(line, " "); tag && n < MOST_TAGS; tag = strtok(NULL, " "))
        tags[n++] = tag;
    return n;
}

/* "first-last:type" of every span, tokens from 1, separated by blanks. */
static const char *describe(enum span_rule rule, const char *line)
{
    static char text[1024];
    char copy[512];
    const char *tags[MOST_TAGS];
    snprintf(copy, sizeof copy, "%s", line);
    size_t n = split(copy, tags), count;
    struct arena arena;
    arena_init(&arena);
    struct span *spans = spans_from_tags(rule, tags, NULL, n, &arena, &count);
    ck_assert_ptr_nonnull(spans);
    text[0] = 0;
    for (size_t i = 0, at = 0; i < count; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%zu-%zu:%s", i ? " " : "", spans[i].first + 1,
                               spans[i].last + 1, spans[i].type);
    arena_release(&arena);
    return text;
}

static void expect(const char *line, const char *conlleval, const char *old, const char *new)
{
    ck_assert_str_eq(describe(SPANS_CONLLEVAL, line), conlleval);
    ck_assert_str_eq(describe(SPANS_FLAIR_OLD, line), old);
    ck_assert_str_eq(describe(SPANS_FLAIR_NEW, line), new);
}

START_TEST(all_rules_agree_on_well_formed_bio)
{
    expect("", "", "", "");
    expect("O O", "", "", "");
    expect("B-X", "1-1:X", "1-1:X", "1-1:X");
    expect("B-X I-X O B-Y", "1-2:X 4-4:Y", "1-2:X 4-4:Y", "1-2:X 4-4:Y");
    expect("B-X B-X I-X", "1-1:X 2-3:X", "1-1:X 2-3:X", "1-1:X 2-3:X");
    expect("B-creative-work I-creative-work", "1-2:creative-work", "1-2:creative-work", "1-2:creative-work");
}
END_TEST

START_TEST(iob1_reads_the_same_by_conlleval_and_new_flair)
{
    expect("I-PER I-PER B-PER I-LOC O", "1-2:PER 3-3:PER 4-4:LOC", "1-2:PER 3-4:PER", "1-2:PER 3-3:PER 4-4:LOC");
}
END_TEST

START_TEST(rules_differ_where_tags_are_malformed)
{
    expect("B-X I-Y", "1-1:X 2-2:Y", "1-2:X", "1-1:X 2-2:Y");
    expect("I-X I-Y", "1-1:X 2-2:Y", "1-2:X", "1-1:X 2-2:Y");
    expect("S-X E-Y", "1-1:X 2-2:Y", "1-1:X 2-2:Y", "1-2:X");
    expect("S-X I-X", "1-2:X", "1-2:X", "1-2:X");
    expect("O E-X", "2-2:X", "2-2:X", "2-2:X");
    /* S has no rule in conlleval: two singles of one type are one chunk */
    expect("S-X S-X S-Y", "1-2:X 3-3:Y", "1-1:X 2-2:X 3-3:Y", "1-1:X 2-2:X 3-3:Y");
    /* nor does it know that B starts behind E of the same type; E I does */
    expect("B-X E-X B-X E-X", "1-4:X", "1-2:X 3-4:X", "1-2:X 3-4:X");
    expect("B-X E-X I-X", "1-2:X 3-3:X", "1-3:X", "1-3:X");
}
END_TEST

START_TEST(the_heaviest_type_names_the_span)
{
    /* old: X has 1.1, Y 2.0 */
    ck_assert_str_eq(describe(SPANS_FLAIR_OLD, "B-X I-Y I-Y"), "1-3:Y");
    /* equal weights: the first one */
    ck_assert_str_eq(describe(SPANS_FLAIR_OLD, "E-X E-Y"), "1-2:X");
    ck_assert_str_eq(describe(SPANS_FLAIR_OLD, "E-X E-Y E-Y E-X"), "1-4:X");
}
END_TEST

START_TEST(tags_without_prefix_are_read_by_each_rule)
{
    expect("<unk>", "", "1-1:<unk>", "1-1:nk>");
    expect("O-X B-X", "2-2:X", "2-2:X", "1-1:X 2-2:X");
    expect("O- _ B-X", "3-3:X", "3-3:X", "3-3:X");
    /* the type begins behind the second character, not the second byte */
    ck_assert_str_eq(describe(SPANS_FLAIR_NEW, "\xc3\xa9\xc3\xa8PER"), "1-1:PER");
    ck_assert_str_eq(describe(SPANS_FLAIR_NEW, "\xc3\xa9"), "1-1:");
    /* a chunk without type is closed by O, though the script never ends it */
    ck_assert_str_eq(describe(SPANS_CONLLEVAL, "B-X foo O B-Y"), "1-1:X 2-2: 4-4:Y");
}
END_TEST

START_TEST(empty_tags_are_outside)
{
    const char *tags[] = {"", "B-X", "", "I-X"};
    struct arena arena;
    arena_init(&arena);
    for (enum span_rule rule = SPANS_CONLLEVAL; rule <= SPANS_FLAIR_NEW; rule++) {
        size_t count;
        struct span *spans = spans_from_tags(rule, tags, NULL, 4, &arena, &count);
        ck_assert_uint_eq(count, 2);
        ck_assert_uint_eq(spans[0].first, 1);
        ck_assert_uint_eq(spans[0].last, 1);
        ck_assert_uint_eq(spans[1].first, 3);
        ck_assert_double_eq(spans[1].score, 0);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(a_score_is_the_mean_of_the_tokens_scores)
{
    const char *tags[] = {"B-X", "I-X", "O", "B-Y"};
    const double scores[] = {0.5, 1, 0.125, 0.25};
    struct arena arena;
    arena_init(&arena);
    for (enum span_rule rule = SPANS_CONLLEVAL; rule <= SPANS_FLAIR_NEW; rule++) {
        size_t count;
        struct span *spans = spans_from_tags(rule, tags, scores, 4, &arena, &count);
        ck_assert_uint_eq(count, 2);
        ck_assert_double_eq(spans[0].score, 0.75);
        ck_assert_double_eq(spans[1].score, 0.25);
    }
    arena_release(&arena);
}
END_TEST

/* One expected column: "1-2:X:0.25;4-4:Y:0.5". Types may hold any byte but ';'. */
static void expect_column(const char *line, char *column, const struct span *spans, size_t count)
{
    size_t i = 0;
    char *rest;
    for (char *item = strtok_r(column, ";", &rest); item; item = strtok_r(NULL, ";", &rest), i++) {
        unsigned long first, last;
        int used;
        char *score = strrchr(item, ':');
        ck_assert_msg(score && sscanf(item, "%lu-%lu:%n", &first, &last, &used) == 2, "unreadable: %s", item);
        *score++ = 0;
        ck_assert_msg(i < count, "%s: span %s is missing", line, item);
        ck_assert_msg(spans[i].first + 1 == first && spans[i].last + 1 == last && !strcmp(spans[i].type, item + used),
                      "%s: expected %s, found %zu-%zu:%s", line, item, spans[i].first + 1, spans[i].last + 1,
                      spans[i].type);
        /* the file holds nine significant digits */
        ck_assert_msg(fabs(spans[i].score - strtod(score, NULL)) < 1e-9, "%s: expected score %s, found %.12f", line,
                      score, spans[i].score);
    }
    ck_assert_msg(i == count, "%s: expected %zu spans, found %zu", line, i, count);
}

START_TEST(flair_s_own_spans_are_met_on_every_reference_sequence)
{
    FILE *file = fopen(shared_path("golden/spans/cases.tsv"), "r");
    ck_assert_ptr_nonnull(file);
    char line[4096];
    size_t cases = 0, underscores = 0;
    struct arena arena;
    arena_init(&arena);
    while (fgets(line, sizeof line, file)) {
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = 0;
        char shown[4096], *rest = line, *columns[4], *oldest_tags[MOST_TAGS];
        strcpy(shown, line);
        for (int c = 0; c < 4; c++)
            ck_assert_ptr_nonnull(columns[c] = strsep(&rest, "\t"));
        const char *tags[MOST_TAGS];
        double scores[MOST_TAGS];
        size_t n = split(columns[0], tags), count;
        bool underscore = false;
        for (size_t t = 0; t < n; t++) {
            scores[t] = (double)((37 * t + 11) % 97) / 97;
            bool here = !strcmp(tags[t], "_");
            underscore |= here;
            /* up to 0.6.1 the tag "_" was an entity: what any other tag without prefix is still */
            oldest_tags[t] = here ? "S-_" : (char *)tags[t];
        }
        for (int version = 0; version < 3; version++) {
            const char *const *read = version ? tags : (const char *const *)oldest_tags;
            enum span_rule rule = version < 2 ? SPANS_FLAIR_OLD : SPANS_FLAIR_NEW;
            struct span *spans = spans_from_tags(rule, read, scores, n, &arena, &count);
            ck_assert_ptr_nonnull(spans);
            expect_column(shown, columns[version + 1], spans, count);
        }
        cases++;
        underscores += underscore;
        arena_clear(&arena);
    }
    fclose(file);
    arena_release(&arena);
    ck_assert_uint_eq(cases, 1319);
    ck_assert_uint_gt(underscores, 0);
}
END_TEST

int main(void)
{
    test_add(all_rules_agree_on_well_formed_bio, NULL);
    test_add(iob1_reads_the_same_by_conlleval_and_new_flair, NULL);
    test_add(rules_differ_where_tags_are_malformed, NULL);
    test_add(the_heaviest_type_names_the_span, NULL);
    test_add(tags_without_prefix_are_read_by_each_rule, NULL);
    test_add(empty_tags_are_outside, NULL);
    test_add(a_score_is_the_mean_of_the_tokens_scores, NULL);
    test_add(flair_s_own_spans_are_met_on_every_reference_sequence, shared_path("golden/spans/cases.tsv"));
    return test_run("spans");
}
