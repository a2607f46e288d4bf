/* mentions.c - see mentions.h. */
#include "run/mentions.h"
#include <stdlib.h>
#include <string.h>

void mentions_init(struct mentions *mentions)
{
    *mentions = (struct mentions){0};
    map_init(&mentions->type_numbers);
    map_init(&mentions->ranks);
    arena_init(&mentions->keys);
}

void mentions_release(struct mentions *mentions)
{
    for (size_t i = 0; i < mentions->count; i++)
        free(mentions->types[i].list);
    free(mentions->types);
    map_release(&mentions->type_numbers);
    map_release(&mentions->ranks);
    arena_release(&mentions->keys);
}

static bool find_type(struct mentions *mentions, const char *name, uint32_t *number)
{
    size_t bytes = strlen(name);
    if (map_get(&mentions->type_numbers, name, bytes, number))
        return true;
    if (mentions->count == mentions->room) {
        size_t room = mentions->room ? mentions->room * 2 : 16;
        struct mention_type *grown = room < UINT32_MAX ? realloc(mentions->types, room * sizeof *grown) : NULL;
        if (!grown)
            return false;
        mentions->types = grown;
        mentions->room = room;
    }
    const char *key = arena_copy(&mentions->keys, name, bytes);
    *number = (uint32_t)mentions->count;
    if (!key || !map_put(&mentions->type_numbers, key, bytes, *number))
        return false;
    mentions->types[mentions->count++] = (struct mention_type){0};
    return true;
}

/* The type's number and the tokens, each with a NUL behind it, which no token has inside. */
static const char *key_of(struct mentions *mentions, const struct mention *mention, uint32_t type, size_t *bytes)
{
    *bytes = sizeof type;
    for (size_t t = 0; t < mention->count; t++)
        *bytes += (size_t)mention->tokens[t].bytes + 1;
    char *key = arena_alloc(&mentions->keys, *bytes);
    if (!key)
        return NULL;
    memcpy(key, &type, sizeof type);
    char *at = key + sizeof type;
    for (size_t t = 0; t < mention->count; t++) {
        memcpy(at, mention->tokens[t].text, mention->tokens[t].bytes);
        at += mention->tokens[t].bytes;
        *at++ = '\0';
    }
    return key;
}

static bool append(struct mention_type *type, const struct mention *mention)
{
    if (type->count == type->room) {
        size_t room = type->room ? type->room * 2 : 16;
        struct mention *grown = room < UINT32_MAX ? realloc(type->list, room * sizeof *grown) : NULL;
        if (!grown)
            return false;
        type->list = grown;
        type->room = room;
    }
    type->list[type->count++] = *mention;
    return true;
}

bool mentions_add(struct mentions *mentions, const struct sentence *sentence, const struct span *span,
                  struct mention_place *place)
{
    struct mention mention = {sentence->tokens + span->first, span->last - span->first + 1};
    size_t bytes;
    if (!find_type(mentions, span->type, &place->type))
        return false;
    const char *key = key_of(mentions, &mention, place->type, &bytes);
    if (!key)
        return false;
    if (map_get(&mentions->ranks, key, bytes, &place->rank))
        return true;
    struct mention_type *type = &mentions->types[place->type];
    place->rank = (uint32_t)type->count;
    return append(type, &mention) && map_put(&mentions->ranks, key, bytes, place->rank);
}

size_t mentions_others(const struct mentions *mentions, struct mention_place place)
{
    return mentions->types[place.type].count - 1;
}

const struct mention *mentions_draw(const struct mentions *mentions, struct mention_place place, struct philox *from)
{
    const struct mention_type *type = &mentions->types[place.type];
    if (type->count == 1)
        return type->list;
    uint64_t drawn = philox_below(from, type->count - 1);
    return &type->list[drawn + (drawn >= place.rank)];
}
