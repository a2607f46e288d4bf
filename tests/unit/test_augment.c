/* Copies of sentences: in lower case, with other mentions; how many, of which, and with which tags. */
#include "harness.h"
#include "run/augment.h"
#include "run/trainer.h"
#include "training_scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Mentions: PER Ann, Bob van Dyk; LOC Oslo alone. */
static const char people[] = "Ann B-PER\nSAW O\nOslo B-LOC\n\n"
                             "and O\nBob B-PER\nvan I-PER\nDyk I-PER\nLeft O\n\n"
                             "Oslo B-LOC\n\n"
                             "Nothing O\nhere O\n\n"
                             "Ann B-PER\nAnn B-PER\n\n";
enum { PEOPLE = 5 };
static const char nobody[] = "else O\n\n";

static void open_text(struct corpus *corpus, enum flair_era era, enum scheme scheme, const char *train, const char *dev)
{
    struct scratch scratch;
    struct ft_error error = {""};
    scratch_init(&scratch);
    struct corpus_options options = {
        .files = {scratch_file(&scratch, "train"), scratch_file(&scratch, "dev")}, .era = era, .scheme = scheme};
    write_text(options.files[SPLIT_TRAIN], train);
    write_text(options.files[SPLIT_DEV], dev);
    ck_assert_msg(corpus_open(corpus, &options, &error) == FT_OK, "%s", error.text);
    scratch_release(&scratch);
}

static struct augmented augment(struct corpus *corpus, const struct augment_options *options)
{
    struct augmented made;
    struct ft_error error = {""};
    size_t tokens = corpus->splits[SPLIT_TRAIN].window.tokens;
    ck_assert_msg(augment_train(corpus, options, &made, &error) == FT_OK, "%s", error.text);
    ck_assert_uint_eq(corpus->splits[SPLIT_TRAIN].window.tokens, tokens + made.tokens);
    return made;
}

/* "token/tag/gold token/tag/gold"; lent until the fourth call from here. */
static const char *text_of(const struct corpus *corpus, size_t number)
{
    static char texts[4][1024];
    static int used;
    char *text = texts[used++ % 4];
    const struct split *train = &corpus->splits[SPLIT_TRAIN];
    ck_assert_uint_lt(number, train->window.count);
    const struct sentence *sentence = &train->window.sentences[number];
    size_t at = 0;
    for (size_t t = 0; t < sentence->count; t++) {
        ck_assert_ptr_eq(sentence->tokens[t].gold, train->gold[number][t]);
        ck_assert_uint_eq(strlen(sentence->tokens[t].text), sentence->tokens[t].bytes);
        at += (size_t)snprintf(text + at, sizeof texts[0] - at, "%s%s/%s/%s", t ? " " : "", sentence->tokens[t].text,
                               train->tags[number][t], train->gold[number][t]);
    }
    return text;
}

START_TEST(copies_in_lower_case_have_the_same_tags)
{
    static const char text[] = "\xc3\x89"
                               "COLE B-ORG\nin O\n\xce\xa3\xce\x91\xce\xa3 B-LOC\n\nlow O\n\n";
    struct augment_options options = {.lower = 1, .scheme = SCHEME_BIOES, .seed = 1};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, text, nobody);
    struct augmented made = augment(&corpus, &options);
    ck_assert_uint_eq(made.lowered, 2);
    ck_assert_uint_eq(made.replaced, 0);
    ck_assert_uint_eq(made.tokens, 4);
    ck_assert_uint_eq(corpus.splits[SPLIT_TRAIN].window.count, 4);
    ck_assert_str_eq(text_of(&corpus, 0), "\xc3\x89"
                                          "COLE/S-ORG/B-ORG in/O/O \xce\xa3\xce\x91\xce\xa3/S-LOC/B-LOC");
    ck_assert_str_eq(text_of(&corpus, 2), "\xc3\xa9"
                                          "cole/S-ORG/B-ORG in/O/O \xcf\x83\xce\xb1\xcf\x82/S-LOC/B-LOC");
    ck_assert_str_eq(text_of(&corpus, 3), "low/O/O");
    const struct sentence *copy = &corpus.splits[SPLIT_TRAIN].window.sentences[2];
    ck_assert_str_eq(copy->source, "\xc3\xa9"
                                   "cole in \xcf\x83\xce\xb1\xcf\x82");
    ck_assert_uint_eq(copy->tokens[0].chars, 5);
    ck_assert_uint_eq(copy->tokens[2].start, 9);
    ck_assert_uint_eq(copy->line, 1);
    ck_assert_ptr_eq(copy->file, corpus.splits[SPLIT_TRAIN].window.sentences[0].file);
    corpus_release(&corpus);
}
END_TEST

/* The numbers in their file of the sentences that copies are of. */
static const char *numbers_of(double lower, uint64_t seed)
{
    static char texts[4][64];
    static int used;
    char *text = texts[used++ % 4];
    struct augment_options options = {.lower = lower, .scheme = SCHEME_BIOES, .seed = seed};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, people, nobody);
    struct augmented made = augment(&corpus, &options);
    const struct window *window = &corpus.splits[SPLIT_TRAIN].window;
    ck_assert_uint_eq(window->count, PEOPLE + made.lowered);
    text[0] = '\0';
    for (size_t i = PEOPLE; i < window->count; i++)
        snprintf(text + strlen(text), sizeof texts[0] - strlen(text), "%zu ", window->sentences[i].number);
    corpus_release(&corpus);
    return text;
}

START_TEST(a_share_of_sentences_is_drawn_by_the_seed_none_twice)
{
    bool differs = false;
    for (uint64_t seed = 1; seed < 9; seed++) {
        int a, b, end;
        const char *two = numbers_of(0.5, seed); /* 2.5 is rounded to the even 2 */
        ck_assert_int_eq(sscanf(two, "%d %d %n", &a, &b, &end), 2);
        ck_assert_int_eq(end, (int)strlen(two));
        ck_assert_int_lt(a, b);
        ck_assert_str_eq(two, numbers_of(0.5, seed));
        differs |= strcmp(two, numbers_of(0.5, 1)) != 0;
    }
    ck_assert(differs);
    ck_assert_str_eq(numbers_of(1, 3), "1 2 3 4 5 ");
}
END_TEST

static void check_replaced(enum flair_era era, enum scheme scheme, const char *const *expected)
{
    struct augment_options options = {.replaced = 1, .scheme = scheme, .seed = 1};
    struct corpus corpus;
    open_text(&corpus, era, scheme, people, nobody);
    struct augmented made = augment(&corpus, &options);
    ck_assert_uint_eq(made.lowered, 0);
    ck_assert_uint_eq(made.replaced, 3); /* Oslo alone has no other, and one sentence has nothing */
    ck_assert_uint_eq(corpus.splits[SPLIT_TRAIN].window.count, PEOPLE + 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(text_of(&corpus, PEOPLE + i), expected[i]);
    corpus_release(&corpus);
}

START_TEST(longer_and_shorter_mentions_have_tags_of_their_own_length_and_the_only_one_of_a_type_stays)
{
    static const char *const bioes[] = {
        "Bob/B-PER/B-PER van/I-PER/I-PER Dyk/E-PER/I-PER SAW/O/O Oslo/S-LOC/B-LOC", "and/O/O Ann/S-PER/B-PER Left/O/O",
        "Bob/B-PER/B-PER van/I-PER/I-PER Dyk/E-PER/I-PER Bob/B-PER/B-PER van/I-PER/I-PER Dyk/E-PER/I-PER"};
    static const char *const bio[] = {
        "Bob/B-PER/B-PER van/I-PER/I-PER Dyk/I-PER/I-PER SAW/O/O Oslo/B-LOC/B-LOC", "and/O/O Ann/B-PER/B-PER Left/O/O",
        "Bob/B-PER/B-PER van/I-PER/I-PER Dyk/I-PER/I-PER Bob/B-PER/B-PER van/I-PER/I-PER Dyk/I-PER/I-PER"};
    for (int era = LIKE_FLAIR_0_4; era <= LIKE_FLAIR_0_15; era++) {
        check_replaced((enum flair_era)era, SCHEME_BIOES, bioes);
        check_replaced((enum flair_era)era, SCHEME_BIO, bio);
    }
}
END_TEST

START_TEST(each_other_mention_is_drawn_equally_often_however_often_it_stands_in_train)
{
    /* 100 copies of each: a mention becomes one of three others; aa stands there 4 times */
    static const char text[] = "aa B-X\n\naa B-X\n\naa B-X\n\naa B-X\n\nbb B-X\n\ncc B-X\n\nd B-X\nd I-X\n\ne B-Y\n\n";
    struct augment_options options = {.replaced = 100, .scheme = SCHEME_BIOES, .seed = 5};
    size_t times[4][4] = {{0}};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, text, nobody);
    ck_assert_uint_eq(augment(&corpus, &options).replaced, 700);
    const struct window *window = &corpus.splits[SPLIT_TRAIN].window;
    for (size_t i = 8; i < window->count; i++) {
        const struct sentence *was = &window->sentences[window->sentences[i].number - 1];
        times[was->tokens[0].text[0] - 'a'][window->sentences[i].tokens[0].text[0] - 'a']++;
    }
    for (size_t from = 0; from < 4; from++)
        for (size_t to = 0; to < 4; to++) {
            double draws = from ? 100 : 400, expected = from == to ? 0 : draws / 3;
            /* standard deviation sqrt(draws * 2 / 9); 5 of them */
            ck_assert_double_eq_tol((double)times[from][to], expected, from == to ? 0.5 : from ? 24 : 48);
        }
    corpus_release(&corpus);
}
END_TEST

/* All copies, in one string that the caller frees. */
static char *copies_of(const char *train, double replaced, uint64_t seed, size_t own)
{
    struct augment_options options = {.lower = 0.4, .replaced = replaced, .scheme = SCHEME_BIOES, .seed = seed};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, train, nobody);
    struct augmented made = augment(&corpus, &options);
    char *text = calloc(made.lowered + made.replaced + 1, 1024);
    for (size_t i = own; i < corpus.splits[SPLIT_TRAIN].window.count; i++)
        strcat(strcat(text, text_of(&corpus, i)), "\n");
    corpus_release(&corpus);
    return text;
}

START_TEST(copies_follow_from_the_seed)
{
    static const char text[] = "a B-X\no O\n\nb B-X\n\nc B-X\nc I-X\n\nd B-X\ne B-X\n\nO O\n\n";
    char *one = copies_of(text, 3, 1, 5), *again = copies_of(text, 3, 1, 5), *other = copies_of(text, 3, 2, 5);
    ck_assert_str_eq(one, again);
    ck_assert_str_ne(one, other);
    free(one);
    free(again);
    free(other);
}
END_TEST

START_TEST(rounds_copy_every_sentence_before_any_comes_once_more_and_draw_anew)
{
    static const char text[] = "a B-X\n\nb B-X\n\nc B-X\n\nd B-X\n\ne B-X\n\nf B-X\n\n";
    struct augment_options options = {.replaced = 2.5, .scheme = SCHEME_BIOES, .seed = 1};
    size_t times[6] = {0}, thrice = 0, same = 0;
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, text, nobody);
    ck_assert_uint_eq(augment(&corpus, &options).replaced, 15);
    const struct sentence *copies = corpus.splits[SPLIT_TRAIN].window.sentences + 6;
    for (size_t i = 0; i < 15; i++) {
        times[copies[i].number - 1]++;
        ck_assert(i >= 12 || copies[i].number == i % 6 + 1);
        same += i >= 6 && i < 12 && !strcmp(copies[i].tokens[0].text, copies[i - 6].tokens[0].text);
    }
    for (size_t i = 0; i < 6; i++) {
        ck_assert(times[i] == 2 || times[i] == 3);
        thrice += times[i] == 3;
    }
    ck_assert_uint_eq(thrice, 3);
    ck_assert_uint_lt(same, 6);
    corpus_release(&corpus);
}
END_TEST

START_TEST(devs_sentences_and_mentions_take_part_where_it_is_learnt_from)
{
    static const char train[] = "a B-X\n\n", dev[] = "B B-X\nb I-X\n\nC O\n\n";
    for (int with_dev = 0; with_dev < 2; with_dev++) {
        struct augment_options options = {
            .lower = 1, .replaced = 1, .with_dev = with_dev, .scheme = SCHEME_BIOES, .seed = 1};
        struct corpus corpus;
        open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, train, dev);
        struct augmented made = augment(&corpus, &options);
        ck_assert_uint_eq(made.lowered, with_dev ? 3 : 1);
        ck_assert_uint_eq(made.replaced, with_dev ? 2 : 0);
        ck_assert_uint_eq(corpus.splits[SPLIT_DEV].window.count, 2);
        if (with_dev) {
            ck_assert_str_eq(text_of(&corpus, 2), "b/B-X/B-X b/E-X/I-X");
            ck_assert_str_eq(text_of(&corpus, 4), "B/B-X/B-X b/E-X/I-X");
            ck_assert_str_eq(text_of(&corpus, 5), "a/S-X/B-X");
        }
        corpus_release(&corpus);
    }
}
END_TEST

/* Flair 0.4 leaves a type with a hyphen unconverted: I-X-Y at the beginning becomes E-X-Y, which no S-X-Y goes with. */
START_TEST(sentences_whose_tags_break_the_scheme_give_no_copies_and_no_mentions)
{
    static const char text[] = "a I-X-Y\n\nb B-X-Y\n\nc B-Z\n\nd B-Z\n\n";
    struct augment_options options = {.replaced = 1, .scheme = SCHEME_BIOES, .seed = 1};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_4, SCHEME_BIOES, text, nobody);
    ck_assert_str_eq(corpus.splits[SPLIT_TRAIN].tags[0][0], "E-X-Y");
    ck_assert_uint_eq(augment(&corpus, &options).replaced, 2);
    ck_assert_str_eq(text_of(&corpus, 4), "d/S-Z/B-Z");
    ck_assert_str_eq(text_of(&corpus, 5), "c/S-Z/B-Z");
    corpus_release(&corpus);
}
END_TEST

START_TEST(labels_of_tokens_can_be_lowered_but_have_no_mentions)
{
    static const char text[] = "The DET\nsun NOUN\n\nIt PRON\n\n";
    struct augment_options options = {.lower = 1, .scheme = SCHEME_BIOES, .seed = 1};
    struct corpus corpus;
    struct augmented made;
    struct ft_error error = {""};
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, text, text);
    ck_assert_uint_eq(augment(&corpus, &options).lowered, 2);
    ck_assert_str_eq(text_of(&corpus, 2), "the/DET/DET sun/NOUN/NOUN");
    options.replaced = 1;
    ck_assert_int_eq(augment_train(&corpus, &options, &made, &error), FT_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "there are no mentions that --replaced-copies could replace"));
    corpus_release(&corpus);
}
END_TEST

START_TEST(where_nothing_is_asked_for_nothing_changes)
{
    struct augment_options options = {.scheme = SCHEME_BIOES, .seed = 1};
    struct corpus corpus;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, people, nobody);
    struct split before = corpus.splits[SPLIT_TRAIN];
    struct augmented made = augment(&corpus, &options);
    ck_assert_uint_eq(made.lowered + made.replaced + made.tokens, 0);
    ck_assert(!memcmp(&before, &corpus.splits[SPLIT_TRAIN], sizeof before));
    corpus_release(&corpus);
}
END_TEST

/* What the row store plans with: train, its copies, dev. */
START_TEST(copies_are_among_the_sentences_whose_vectors_a_run_asks_for)
{
    struct augment_options options = {.lower = 1, .replaced = 1, .scheme = SCHEME_BIOES, .seed = 1};
    struct trainer_options training = {.monitor_test = false};
    struct corpus corpus;
    struct arena arena;
    size_t count;
    open_text(&corpus, LIKE_FLAIR_0_15, SCHEME_BIOES, people, nobody);
    augment(&corpus, &options);
    arena_init(&arena);
    const struct sentence **sentences = trainer_sentences(&corpus, &training, &arena, &count);
    ck_assert_uint_eq(count, PEOPLE + PEOPLE + 3 + 1);
    ck_assert_str_eq(sentences[PEOPLE]->tokens[1].text, "saw");
    ck_assert_str_eq(sentences[2 * PEOPLE]->tokens[0].text, "Bob");
    ck_assert_str_eq(sentences[count - 1]->tokens[0].text, "else");
    arena_release(&arena);
    corpus_release(&corpus);
}
END_TEST

int main(void)
{
    test_add(copies_in_lower_case_have_the_same_tags, NULL);
    test_add(a_share_of_sentences_is_drawn_by_the_seed_none_twice, NULL);
    test_add(longer_and_shorter_mentions_have_tags_of_their_own_length_and_the_only_one_of_a_type_stays, NULL);
    test_add(each_other_mention_is_drawn_equally_often_however_often_it_stands_in_train, NULL);
    test_add(copies_follow_from_the_seed, NULL);
    test_add(rounds_copy_every_sentence_before_any_comes_once_more_and_draw_anew, NULL);
    test_add(devs_sentences_and_mentions_take_part_where_it_is_learnt_from, NULL);
    test_add(sentences_whose_tags_break_the_scheme_give_no_copies_and_no_mentions, NULL);
    test_add(labels_of_tokens_can_be_lowered_but_have_no_mentions, NULL);
    test_add(where_nothing_is_asked_for_nothing_changes, NULL);
    test_add(copies_are_among_the_sentences_whose_vectors_a_run_asks_for, NULL);
    return test_run("augment");
}
