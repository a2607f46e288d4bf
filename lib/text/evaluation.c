/* evaluation.c - the counts; see evaluation.h. The reports are in evaluation_report.c and evaluation_flair.c. */
#include "text/evaluation.h"
#include "text/pairs.h"
#include "text/scheme.h"
#include <stdlib.h>
#include <string.h>

enum { SURFACE_GOLD = 1, SURFACE_PREDICTED = 2, SURFACE_CORRECT = 4 };

void evaluation_init(struct evaluation *e, enum span_rule rule)
{
    *e = (struct evaluation){.rule = rule};
    map_init(&e->type_numbers);
    map_init(&e->surface_marks);
    arena_init(&e->names);
    arena_init(&e->work);
}

void evaluation_release(struct evaluation *e)
{
    free(e->types);
    map_release(&e->type_numbers);
    map_release(&e->surface_marks);
    arena_release(&e->names);
    arena_release(&e->work);
}

void evaluation_watch(struct evaluation *e, evaluation_watcher *watcher, void *context)
{
    e->watcher = watcher;
    e->watcher_context = context;
}

static struct type_tally *find_type(struct evaluation *e, const char *type)
{
    uint32_t number;
    size_t bytes = strlen(type);
    if (map_get(&e->type_numbers, type, bytes, &number))
        return &e->types[number];
    if (e->type_count == e->type_room) {
        size_t room = e->type_room ? e->type_room * 2 : 16;
        struct type_tally *grown = room < UINT32_MAX ? realloc(e->types, room * sizeof *grown) : NULL;
        if (!grown)
            return NULL;
        e->types = grown;
        e->type_room = room;
    }
    const char *name = arena_copy(&e->names, type, bytes);
    if (!name || !map_put(&e->type_numbers, name, bytes, (uint32_t)e->type_count))
        return NULL;
    e->types[e->type_count] = (struct type_tally){.type = name, .gold_rank = SIZE_MAX, .predicted_rank = SIZE_MAX};
    return &e->types[e->type_count++];
}

static bool count_gold(struct evaluation *e, const char *type)
{
    struct type_tally *tally = find_type(e, type);
    if (!tally)
        return false;
    if (!tally->count.gold++)
        tally->gold_rank = e->gold_types++;
    e->spans.gold++;
    return true;
}

static bool count_predicted(struct evaluation *e, const char *type)
{
    struct type_tally *tally = find_type(e, type);
    if (!tally)
        return false;
    if (!tally->count.predicted++)
        tally->predicted_rank = e->predicted_types++;
    e->spans.predicted++;
    return true;
}

static bool count_correct(struct evaluation *e, const char *type)
{
    struct type_tally *tally = find_type(e, type);
    if (!tally)
        return false;
    tally->count.correct++;
    e->spans.correct++;
    return true;
}

static const char *type_behind_hyphen(const char *tag)
{
    const char *hyphen = strchr(tag, '-');
    return hyphen ? hyphen + 1 : "";
}

/* The script's way of counting: chunks are never built. One that began on both sides at once is correct if it also
 * ends on both sides at once. With odd tags (a prefix without type) that is not the same as comparing chunks. */
static bool count_chunks(struct evaluation *e, const char *const *gold, const char *const *predicted, size_t n)
{
    const char *gold_before = "O", *predicted_before = "O";
    for (size_t t = 0; t <= n; t++) { /* one step more: the sentence's end is outside */
        const char *gold_now = t < n ? gold[t] : "O", *predicted_now = t < n ? predicted[t] : "O";
        const char *gold_type = type_behind_hyphen(gold_now), *predicted_type = type_behind_hyphen(predicted_now);
        bool same = !strcmp(gold_type, predicted_type);
        bool gold_starts = chunk_starts(gold_before, gold_now);
        bool predicted_starts = chunk_starts(predicted_before, predicted_now);
        if (e->inside_both) {
            bool gold_ends = chunk_ends(gold_before, gold_now);
            bool predicted_ends = chunk_ends(predicted_before, predicted_now);
            const char *ended = type_behind_hyphen(gold_before);
            if (gold_ends && predicted_ends && !strcmp(ended, type_behind_hyphen(predicted_before))) {
                e->inside_both = false;
                if (!count_correct(e, ended))
                    return false;
            } else if (gold_ends != predicted_ends || !same) {
                e->inside_both = false;
            }
        }
        if (gold_starts && predicted_starts && same)
            e->inside_both = true;
        if ((gold_starts && !count_gold(e, gold_type)) || (predicted_starts && !count_predicted(e, predicted_type)))
            return false;
        gold_before = gold_now;
        predicted_before = predicted_now;
    }
    return true;
}

/* Text and type of a span in one key: tokens joined by blanks, a line feed (which no token holds), the type. */
static bool mark_surface(struct evaluation *e, const struct sentence *sentence, const struct span *span, uint32_t mark)
{
    size_t bytes = strlen(span->type) + 1;
    for (size_t t = span->first; t <= span->last; t++)
        bytes += (size_t)sentence->tokens[t].bytes + 1;
    char *key = arena_alloc(&e->work, bytes), *to = key;
    if (!key)
        return false;
    for (size_t t = span->first; t <= span->last; t++) {
        memcpy(to, sentence->tokens[t].text, sentence->tokens[t].bytes);
        to += sentence->tokens[t].bytes;
        *to++ = t < span->last ? ' ' : '\n';
    }
    memcpy(to, span->type, strlen(span->type));
    bytes--;
    uint32_t marks = 0;
    bool known = map_get(&e->surface_marks, key, bytes, &marks);
    if (known && (marks | mark) == marks)
        return true;
    /* map_put keeps the key that is there already, so that only new ones are copied */
    const char *kept = known ? key : arena_copy(&e->names, key, bytes);
    if (!kept || !map_put(&e->surface_marks, kept, bytes, marks | mark))
        return false;
    e->surfaces.gold += !(marks & SURFACE_GOLD) && (mark & SURFACE_GOLD);
    e->surfaces.predicted += !(marks & SURFACE_PREDICTED) && (mark & SURFACE_PREDICTED);
    e->surfaces.correct += !(marks & SURFACE_CORRECT) && (mark & SURFACE_CORRECT);
    return true;
}

static bool compare_spans(struct evaluation *e, const struct sentence *sentence, const struct span *gold,
                          size_t gold_count, const struct span *predicted, size_t predicted_count)
{
    bool by_spans = e->rule != SPANS_CONLLEVAL;
    for (size_t g = 0; g < gold_count; g++)
        if ((by_spans && !count_gold(e, gold[g].type)) || !mark_surface(e, sentence, &gold[g], SURFACE_GOLD))
            return false;
    for (size_t p = 0; p < predicted_count; p++)
        if ((by_spans && !count_predicted(e, predicted[p].type)) ||
            !mark_surface(e, sentence, &predicted[p], SURFACE_PREDICTED))
            return false;
    size_t g = 0, p = 0;
    while (g < gold_count || p < predicted_count) {
        e->places++;
        const struct span *only = NULL;
        if (g == gold_count || (p < predicted_count && predicted[p].first < gold[g].first))
            only = &predicted[p++];
        else if (p == predicted_count || gold[g].first < predicted[p].first || gold[g].last != predicted[p].last)
            only = &gold[g++];
        if (only) { /* for Flair the other side is "O" there */
            e->one_sided = true;
            e->places_agreed += !strcmp(only->type, "O");
            continue;
        }
        if (!strcmp(gold[g].type, predicted[p].type)) {
            e->places_agreed++;
            if ((by_spans && !count_correct(e, gold[g].type)) || !mark_surface(e, sentence, &gold[g], SURFACE_CORRECT))
                return false;
        }
        g++;
        p++;
    }
    return true;
}

static const char *or_outside(const char *tag)
{
    return tag[0] ? tag : "O";
}

ft_status evaluation_add(struct evaluation *e, const struct sentence *sentence, const char *const *gold,
                         const char *const *predicted, struct ft_error *error)
{
    size_t n = sentence->count, bad;
    arena_clear(&e->work);
    e->sentences += n > 0;
    e->tokens += n;
    for (size_t t = 0; t < n; t++)
        e->tokens_right += !strcmp(or_outside(gold[t]), or_outside(predicted[t]));
    const char **converted;
    if (e->rule == SPANS_FLAIR_OLD) {
        ft_status status = scheme_old_reader(gold, n, &e->work, &converted, &bad);
        if (status == FT_INPUT)
            return ft_fail(error, FT_INPUT,
                           "%s:%zu: tag '%s' is neither IOB1 nor BIO, which is all that Flair up to 0.10 reads "
                           "(--rule flair-new and --rule conlleval take it)",
                           sentence->file, sentence_token_line(sentence, bad), gold[bad]);
        if (status != FT_OK)
            return ft_nomem(error, "the gold tags of a sentence");
        gold = converted;
    }
    size_t gold_count, predicted_count;
    struct span *gold_spans = spans_from_tags(e->rule, gold, NULL, n, &e->work, &gold_count);
    struct span *predicted_spans = spans_from_tags(e->rule, predicted, NULL, n, &e->work, &predicted_count);
    if (!gold_spans || !predicted_spans ||
        !compare_spans(e, sentence, gold_spans, gold_count, predicted_spans, predicted_count) ||
        (e->rule == SPANS_CONLLEVAL && !count_chunks(e, gold, predicted, n)))
        return ft_nomem(error, "the counts of an evaluation");
    if (!e->watcher)
        return FT_OK;
    struct compared_sentence compared = {sentence, gold_spans, predicted_spans, gold_count, predicted_count};
    return e->watcher(e->watcher_context, &compared, error);
}

void evaluation_add_outside(struct evaluation *e, size_t tokens)
{
    e->tokens += tokens;
    e->tokens_right += tokens;
}

static double ratio(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

/* F1 from precision and recall, not from the counts: the last bit is scikit-learn's up to 1.2. */
struct scores tally_scores(struct tally tally)
{
    struct scores s = {ratio((double)tally.correct, (double)tally.predicted),
                       ratio((double)tally.correct, (double)tally.gold), 0};
    s.f1 = ratio(2 * s.precision * s.recall, s.precision + s.recall);
    return s;
}

static int by_frequency(const void *left, const void *right)
{
    const struct type_tally *a = *(const struct type_tally *const *)left, *b = *(const struct type_tally *const *)right;
    size_t a_count = a->count.gold + a->count.predicted, b_count = b->count.gold + b->count.predicted;
    if (a_count != b_count)
        return a_count > b_count ? -1 : 1;
    if (a->gold_rank != b->gold_rank)
        return a->gold_rank < b->gold_rank ? -1 : 1;
    return a->predicted_rank < b->predicted_rank ? -1 : a->predicted_rank > b->predicted_rank;
}

const struct type_tally **evaluation_classes(const struct evaluation *e, size_t *count)
{
    const struct type_tally **classes = malloc((e->type_count + 1) * sizeof *classes);
    *count = 0;
    if (!classes)
        return NULL;
    for (size_t i = 0; i < e->type_count; i++)
        if (e->rule == SPANS_CONLLEVAL || strcmp(e->types[i].type, "O"))
            classes[(*count)++] = &e->types[i];
    qsort(classes, *count, sizeof *classes, by_frequency);
    return classes;
}

struct averages evaluation_averages(const struct evaluation *e, const struct type_tally *const *classes, size_t count)
{
    struct averages a = {0};
    for (size_t i = 0; i < count; i++) {
        struct scores s = tally_scores(classes[i]->count);
        double support = (double)classes[i]->count.gold;
        a.total.gold += classes[i]->count.gold;
        a.total.predicted += classes[i]->count.predicted;
        a.total.correct += classes[i]->count.correct;
        a.macro.precision += s.precision;
        a.macro.recall += s.recall;
        a.macro.f1 += s.f1;
        a.weighted.precision += s.precision * support;
        a.weighted.recall += s.recall * support;
        a.weighted.f1 += s.f1 * support;
    }
    double gold = (double)a.total.gold, places = (double)e->places;
    a.micro = tally_scores(a.total);
    a.macro = (struct scores){ratio(a.macro.precision, (double)count), ratio(a.macro.recall, (double)count),
                              ratio(a.macro.f1, (double)count)};
    a.weighted =
        (struct scores){ratio(a.weighted.precision, gold), ratio(a.weighted.recall, gold), ratio(a.weighted.f1, gold)};
    a.samples = ratio((double)a.total.correct, places);
    a.accuracy = ratio((double)e->places_agreed, places);
    return a;
}
