/* augment.c - see augment.h. */
#include "run/augment.h"
#include "base/philox.h"
#include "base/utf8.h"
#include "run/mentions.h"
#include "text/reader_text.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of the stream PHILOX_COPIES. */
enum {
    CHOICE_LOWER,    /* which sentences */
    CHOICE_REPLACED, /* which sentences, where a round is not of all; step: the round */
    DRAWN_MENTIONS   /* place: the sentence, times 2^32; step: the round */
};

/* A sentence that copies are made of. The struct is a copy, since a window's sentences move when it grows. */
struct original {
    struct sentence sentence;
    const char **tags, **gold;
    struct span *spans; /* [span_count]; none where nothing can be replaced */
    struct mention_place *places;
    size_t span_count;
};

struct augmenter {
    struct corpus *corpus;
    const struct augment_options *options;
    struct original *originals;
    size_t count, replaceable;
    struct mentions mentions;
    struct arena arena, work; /* work: one sentence */
    struct augmented *made;
};

static ft_status take_originals(struct augmenter *a, struct ft_error *error)
{
    const struct split *splits = a->corpus->splits;
    size_t last = a->options->with_dev ? SPLIT_DEV : SPLIT_TRAIN, count = 0;
    for (size_t s = SPLIT_TRAIN; s <= last; s++)
        count += splits[s].window.count;
    a->originals = arena_array(&a->arena, count, sizeof *a->originals);
    if (!a->originals)
        return ft_nomem(error, "copies of sentences");
    for (size_t s = SPLIT_TRAIN; s <= last; s++)
        for (size_t i = 0; i < splits[s].window.count; i++)
            a->originals[a->count++] = (struct original){
                .sentence = splits[s].window.sentences[i], .tags = splits[s].tags[i], .gold = splits[s].gold[i]};
    return FT_OK;
}

/* Whether spans written in the scheme are these tags. */
static bool are_tags(const struct augmenter *a, const struct original *original, struct arena *work, bool *fits)
{
    size_t n = original->sentence.count;
    const char **tags = scheme_tags(a->options->scheme, original->spans, original->span_count, n, work);
    *fits = tags;
    for (size_t t = 0; tags && t < n; t++)
        if (strcmp(tags[t], original->tags[t]))
            return false;
    return tags;
}

/* Mentions of all sentences first: then it is known which of them have others. */
static ft_status take_mentions(struct augmenter *a, struct ft_error *error)
{
    bool fits = true;
    for (size_t i = 0; fits && i < a->count; i++) {
        struct original *original = &a->originals[i];
        arena_clear(&a->work);
        original->spans = spans_from_tags(SPANS_FLAIR_NEW, original->tags, NULL, original->sentence.count, &a->arena,
                                          &original->span_count);
        original->places = arena_array(&a->arena, original->span_count, sizeof *original->places);
        fits = original->spans && original->places;
        if (fits && !are_tags(a, original, &a->work, &fits))
            original->span_count = 0;
        for (size_t s = 0; fits && s < original->span_count; s++)
            fits = mentions_add(&a->mentions, &original->sentence, &original->spans[s], &original->places[s]);
    }
    if (!fits)
        return ft_nomem(error, "the mentions of a corpus");
    for (size_t i = 0; i < a->count; i++) {
        struct original *original = &a->originals[i];
        size_t others = 0;
        for (size_t s = 0; s < original->span_count; s++)
            others += mentions_others(&a->mentions, original->places[s]);
        if (!others)
            original->span_count = 0;
        a->replaceable += others > 0;
    }
    return FT_OK;
}

static ft_status append(struct augmenter *a, const struct sentence *original, const struct word *words, size_t count,
                        const char **tags, const char **gold, struct ft_error *error)
{
    struct split *train = &a->corpus->splits[SPLIT_TRAIN];
    uint64_t bytes = 0;
    for (size_t t = 0; t < count; t++)
        bytes += words[t].bytes + 1;
    if (bytes > UINT32_MAX)
        return ft_fail(error, FT_INPUT, "%s:%zu: a copy of this sentence is longer than 4 GiB", original->file,
                       original->line);
    struct sentence *copy = window_add(&train->window);
    if (!copy)
        return ft_nomem(error, "copies of sentences");
    *copy = (struct sentence){.file = original->file,
                              .line = original->line,
                              .number = original->number,
                              .first_of_source = true,
                              .last_of_source = true};
    ft_status status = sentence_from_words(&train->window, copy, words, count, error);
    if (status)
        return status;
    for (size_t t = 0; t < count; t++)
        copy->tokens[t].gold = gold[t];
    train->tags[train->window.count - 1] = tags;
    train->gold[train->window.count - 1] = gold;
    a->made->tokens += count;
    return FT_OK;
}

static ft_status append_lowered(struct augmenter *a, const struct original *original, struct ft_error *error)
{
    const struct sentence *sentence = &original->sentence;
    arena_clear(&a->work);
    struct word *words = arena_array(&a->work, sentence->count, sizeof *words);
    for (size_t t = 0; words && t < sentence->count; t++) {
        size_t room = 3 * (size_t)sentence->tokens[t].bytes + 1;
        char *text = arena_alloc(&a->work, room);
        if (!text)
            return ft_nomem(error, "copies of sentences");
        words[t] = (struct word){text, utf8_lower(sentence->tokens[t].text, sentence->tokens[t].bytes, text, room)};
    }
    if (!words)
        return ft_nomem(error, "copies of sentences");
    a->made->lowered++;
    return append(a, sentence, words, sentence->count, original->tags, original->gold, error);
}

static void add_words(struct word *words, size_t *count, const struct token *tokens, size_t more)
{
    for (size_t t = 0; t < more; t++)
        words[(*count)++] = (struct word){tokens[t].text, tokens[t].bytes};
}

/* number: the original's; round: from 0. */
static ft_status append_replaced(struct augmenter *a, size_t number, uint32_t round, struct ft_error *error)
{
    const struct original *original = &a->originals[number];
    const struct token *tokens = original->sentence.tokens;
    size_t spans = original->span_count, length = original->sentence.count, count = 0, at = 0;
    struct philox from;
    philox_init(&from, a->options->seed, philox_stream(PHILOX_COPIES, DRAWN_MENTIONS), round);
    from.place = (uint64_t)number << 32; /* what is drawn for one sentence does not depend on the others */
    arena_clear(&a->work);
    const struct mention **drawn = arena_array(&a->work, spans, sizeof *drawn);
    struct span *moved = arena_array(&a->work, spans, sizeof *moved);
    if (!drawn || !moved)
        return ft_nomem(error, "copies of sentences");
    for (size_t s = 0; s < spans; s++) {
        drawn[s] = mentions_draw(&a->mentions, original->places[s], &from);
        length += drawn[s]->count - (original->spans[s].last - original->spans[s].first + 1);
    }
    struct word *words = arena_array(&a->work, length, sizeof *words);
    if (!words)
        return ft_nomem(error, "copies of sentences");
    for (size_t s = 0; s < spans; s++) {
        add_words(words, &count, tokens + at, original->spans[s].first - at);
        moved[s] = (struct span){.first = count, .last = count + drawn[s]->count - 1, .type = original->spans[s].type};
        add_words(words, &count, drawn[s]->tokens, drawn[s]->count);
        at = original->spans[s].last + 1;
    }
    add_words(words, &count, tokens + at, original->sentence.count - at);
    struct arena *arena = &a->corpus->arena;
    const char **tags = scheme_tags(a->options->scheme, moved, spans, length, arena);
    const char **gold = a->options->scheme == SCHEME_BIO ? tags : scheme_tags(SCHEME_BIO, moved, spans, length, arena);
    if (!tags || !gold)
        return ft_nomem(error, "copies of sentences");
    a->made->replaced++;
    return append(a, &original->sentence, words, length, tags, gold, error);
}

static ft_status append_all_lowered(struct augmenter *a, size_t wanted, struct ft_error *error)
{
    struct philox from;
    ft_status status = FT_OK;
    philox_init(&from, a->options->seed, philox_stream(PHILOX_COPIES, CHOICE_LOWER), 0);
    for (size_t i = 0, left = a->count; status == FT_OK && i < a->count; i++)
        if (philox_takes(&from, &wanted, &left))
            status = append_lowered(a, &a->originals[i], error);
    return status;
}

/* In rounds: each but the last is of every sentence in which something can be replaced. */
static ft_status append_all_replaced(struct augmenter *a, size_t wanted, struct ft_error *error)
{
    ft_status status = FT_OK;
    for (uint32_t round = 0; status == FT_OK && wanted; round++) {
        size_t left = a->replaceable, of_round = wanted < left ? wanted : left;
        struct philox from;
        philox_init(&from, a->options->seed, philox_stream(PHILOX_COPIES, CHOICE_REPLACED), round);
        wanted -= of_round;
        for (size_t i = 0; status == FT_OK && i < a->count; i++)
            if (a->originals[i].span_count && philox_takes(&from, &of_round, &left))
                status = append_replaced(a, i, round, error);
    }
    return status;
}

static size_t share_of(double share, size_t count)
{
    return (size_t)nearbyint(share * (double)count);
}

static ft_status augment(struct augmenter *a, struct ft_error *error)
{
    ft_status status = take_originals(a, error);
    if (status == FT_OK && a->options->replaced > 0)
        status = take_mentions(a, error);
    size_t lowered = share_of(a->options->lower, a->count), replaced = share_of(a->options->replaced, a->replaceable);
    if (status == FT_OK)
        status = split_make_room(&a->corpus->splits[SPLIT_TRAIN], lowered + replaced, &a->corpus->arena,
                                 "copies of sentences", error);
    if (status == FT_OK)
        status = append_all_lowered(a, lowered, error);
    if (status == FT_OK)
        status = append_all_replaced(a, replaced, error);
    return status;
}

ft_status augment_train(struct corpus *corpus, const struct augment_options *options, struct augmented *made,
                        struct ft_error *error)
{
    *made = (struct augmented){0};
    if (options->lower <= 0 && options->replaced <= 0)
        return FT_OK;
    if (options->replaced > 0 && corpus->token_labels)
        return ft_fail(
            error, FT_INPUT,
            "%s: tags are labels of single tokens: there are no mentions that --replaced-copies could replace",
            corpus->splits[SPLIT_TRAIN].file);
    struct augmenter a = {.corpus = corpus, .options = options, .made = made};
    mentions_init(&a.mentions);
    arena_init(&a.arena);
    arena_init(&a.work);
    ft_status status = augment(&a, error);
    mentions_release(&a.mentions);
    arena_release(&a.arena);
    arena_release(&a.work);
    return status;
}
