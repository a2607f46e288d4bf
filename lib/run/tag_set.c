/* tag_set.c - see tag_set.h. */
#include "run/tag_set.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char START[] = "<START>", STOP[] = "<STOP>", UNKNOWN[] = "<unk>", OUTSIDE[] = "O";

/* A type or a label and how often train has it. */
struct tally_entry {
    const char *name;
    size_t bytes, count, rank; /* rank: order of first appearance */
};

struct tally_list {
    struct tally_entry *entries;
    size_t count, room;
    struct map numbers;
};

static bool tally_add(struct tally_list *list, const char *name, size_t times)
{
    uint32_t number;
    size_t bytes = strlen(name);
    if (map_get(&list->numbers, name, bytes, &number)) {
        list->entries[number].count += times;
        return true;
    }
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 32;
        struct tally_entry *grown = room < UINT32_MAX ? realloc(list->entries, room * sizeof *grown) : NULL;
        if (!grown)
            return false;
        list->entries = grown;
        list->room = room;
    }
    if (!map_put(&list->numbers, name, bytes, (uint32_t)list->count))
        return false;
    list->entries[list->count] = (struct tally_entry){name, bytes, times, list->count};
    list->count++;
    return true;
}

static int most_frequent_first(const void *left, const void *right)
{
    const struct tally_entry *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* Types of spans: in both schemes each begins with B- or S-, and with one of them only. */
static bool tally_types(struct tally_list *list, const struct split *train)
{
    for (size_t i = 0; i < train->window.count; i++)
        for (size_t t = 0; t < train->window.sentences[i].count; t++) {
            const char *tag = train->tags[i][t];
            if ((tag[0] == 'B' || tag[0] == 'S') && tag[1] == '-' && !tally_add(list, tag + 2, 1))
                return false;
        }
    return true;
}

/* Labels of tokens. Flair counts a sentence's tokens without a label after those that have one. */
static bool tally_labels(struct tally_list *list, const struct split *train)
{
    for (size_t i = 0; i < train->window.count; i++) {
        size_t outside = 0;
        for (size_t t = 0; t < train->window.sentences[i].count; t++) {
            const char *tag = train->tags[i][t];
            if (!strcmp(tag, OUTSIDE))
                outside++;
            else if (!tally_add(list, tag, 1))
                return false;
        }
        if (outside && !tally_add(list, OUTSIDE, outside))
            return false;
    }
    return true;
}

/* A tag that is there already keeps its number. */
static bool add_tag(struct tag_set *set, size_t *room, const char *prefix, const char *name)
{
    size_t prefix_bytes = strlen(prefix), bytes = prefix_bytes + strlen(name);
    char *tag = arena_alloc(&set->arena, bytes + 1);
    if (!tag)
        return false;
    memcpy(tag, prefix, prefix_bytes);
    memcpy(tag + prefix_bytes, name, bytes - prefix_bytes);
    if (map_get(&set->numbers, tag, bytes, NULL))
        return true;
    if (set->count == *room) {
        size_t grown_room = *room ? *room * 2 : 64;
        struct bytes *grown = grown_room < UINT32_MAX ? realloc(set->tags, grown_room * sizeof *grown) : NULL;
        if (!grown)
            return false;
        set->tags = grown;
        *room = grown_room;
    }
    if (!map_put(&set->numbers, tag, bytes, (uint32_t)set->count))
        return false;
    set->tags[set->count++] = (struct bytes){tag, bytes};
    return true;
}

static bool add_in_order_of_appearance(struct tag_set *set, size_t *room, const struct corpus *corpus)
{
    if (!add_tag(set, room, "", UNKNOWN) || !add_tag(set, room, "", OUTSIDE))
        return false;
    for (int s = 0; s < SPLITS; s++) {
        const struct split *split = &corpus->splits[s];
        for (size_t i = 0; i < split->window.count; i++)
            for (size_t t = 0; t < split->window.sentences[i].count; t++) {
                const char *tag = split->tags[i][t];
                if (!map_get(&set->numbers, tag, strlen(tag), NULL) && !add_tag(set, room, "", tag))
                    return false;
            }
    }
    return true;
}

static bool add_by_frequency(struct tag_set *set, size_t *room, const struct corpus *corpus, enum scheme scheme)
{
    static const char *const prefixes[][5] = {{"B-", "I-", NULL}, {"S-", "B-", "E-", "I-", NULL}};
    const struct split *train = &corpus->splits[SPLIT_TRAIN];
    struct tally_list list = {0};
    map_init(&list.numbers);
    bool fits = corpus->token_labels ? tally_labels(&list, train) : tally_types(&list, train);
    if (fits && list.count)
        qsort(list.entries, list.count, sizeof *list.entries, most_frequent_first);
    if (fits && !corpus->token_labels)
        fits = add_tag(set, room, "", OUTSIDE);
    for (size_t i = 0; fits && i < list.count; i++) {
        if (corpus->token_labels)
            fits = add_tag(set, room, "", list.entries[i].name);
        else
            for (const char *const *prefix = prefixes[scheme == SCHEME_BIOES]; fits && *prefix; prefix++)
                fits = add_tag(set, room, *prefix, list.entries[i].name);
    }
    free(list.entries);
    map_release(&list.numbers);
    return fits;
}

/* <START> and <STOP> as scheme_follows has them; a tag that may stand nowhere is never asked for. */
static bool may_follow(const struct tag_set *set, bool spans, enum scheme scheme, size_t from, size_t to)
{
    const char *before = set->tags[from].at, *tag = set->tags[to].at;
    bool first = !strcmp(before, START), last = !strcmp(tag, STOP);
    if (!strcmp(before, STOP) || !strcmp(tag, START))
        return false;
    return !spans || scheme_follows(scheme, first ? NULL : before, last ? NULL : tag);
}

static bool make_follows(struct tag_set *set, bool spans, enum scheme scheme)
{
    uint8_t *follows = arena_array(&set->arena, set->count, set->count);
    for (size_t to = 0; follows && to < set->count; to++)
        for (size_t from = 0; from < set->count; from++)
            follows[to * set->count + from] = may_follow(set, spans, scheme, from, to);
    set->choices.follows = follows;
    return follows;
}

static bool has_tags(const struct split *split)
{
    for (size_t i = 0; i < split->window.count; i++)
        for (size_t t = 0; t < split->window.sentences[i].count; t++)
            if (strcmp(split->tags[i][t], OUTSIDE))
                return true;
    return false;
}

ft_status tag_set_init(struct tag_set *set, const struct corpus *corpus, enum flair_era era, enum scheme scheme,
                       bool uses_crf, struct ft_error *error)
{
    *set = (struct tag_set){0};
    if (!has_tags(&corpus->splits[SPLIT_TRAIN]))
        return ft_fail(error, FT_INPUT,
                       "%s: no tag but O, so that nothing can be learned (--tag-column says where "
                       "tags are)",
                       corpus->splits[SPLIT_TRAIN].file);
    arena_init(&set->arena);
    map_init(&set->numbers);
    size_t room = 0;
    bool fits = era == LIKE_FLAIR_0_4 ? add_in_order_of_appearance(set, &room, corpus)
                                      : add_by_frequency(set, &room, corpus, scheme);
    if (fits && (uses_crf || era == LIKE_FLAIR_0_4))
        fits = add_tag(set, &room, "", START) && add_tag(set, &room, "", STOP);
    if (fits && make_follows(set, !corpus->token_labels, scheme))
        return FT_OK;
    tag_set_release(set);
    return ft_nomem(error, "the tags of a model");
}

void tag_set_release(struct tag_set *set)
{
    free(set->tags);
    free(set->allowed);
    free(set->choice_names);
    map_release(&set->numbers);
    arena_release(&set->arena);
    *set = (struct tag_set){0};
}

void tag_set_numbers(const struct tag_set *set, const char *const *tags, size_t count, uint32_t *ids)
{
    for (size_t t = 0; t < count; t++)
        if (!map_get(&set->numbers, tags[t], strlen(tags[t]), &ids[t]))
            ids[t] = 0;
}

size_t tag_set_number(const struct tag_set *set, const char *tag)
{
    uint32_t number;
    return map_get(&set->numbers, tag, strlen(tag), &number) && number < set->count ? number : set->count;
}

bool tag_set_is_label(const struct tag_set *set, size_t number)
{
    const char *tag = set->tags[number].at;
    return strcmp(tag, START) && strcmp(tag, STOP) && strcmp(tag, UNKNOWN);
}

ft_status tag_set_allow(struct tag_set *set, const uint8_t *allowed, const char **name, struct ft_error *error)
{
    size_t n = set->count, number = set->choices.count, tags = 0, last = 0;
    for (size_t j = 0; j < n; j++)
        if (allowed[j]) {
            tags++;
            last = j;
        }
    if (tags == 1) {
        *name = set->tags[last].at;
        return FT_OK;
    }
    for (size_t i = 0; i < number; i++)
        if (!memcmp(set->allowed + i * n, allowed, n)) {
            *name = set->choice_names[i];
            return FT_OK;
        }
    char text[32];
    size_t bytes = (size_t)snprintf(text, sizeof text, "\n%zu", number);
    uint8_t *sets = realloc(set->allowed, (number + 1) * n);
    if (sets)
        set->choices.allowed = set->allowed = sets;
    const char **names = realloc(set->choice_names, (number + 1) * sizeof *names);
    if (names)
        set->choice_names = names;
    *name = arena_copy(&set->arena, text, bytes);
    if (!sets || !names || !*name || !map_put(&set->numbers, *name, bytes, (uint32_t)(n + number)))
        return ft_nomem(error, "the tags of a model");
    memcpy(sets + number * n, allowed, n);
    names[number] = *name;
    set->choices.count++;
    return FT_OK;
}

const struct tag_choices *tag_set_choices(const struct tag_set *set)
{
    return set->choices.count ? &set->choices : NULL;
}
