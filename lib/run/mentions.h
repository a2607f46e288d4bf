/* mentions.h - the distinct mentions of a corpus by type, and another of the same type in place of one.
 *
 * Two mentions are the same when type and tokens are, letter for letter. It promises: a draw depends on the order in
 * which mentions were added and on the numbers it is given alone. Tokens are lent and must live as long. */
#ifndef RUN_MENTIONS_H
#define RUN_MENTIONS_H
#include "base/map.h"
#include "base/philox.h"
#include "text/sentence.h"
#include "text/spans.h"

struct mention {
    const struct token *tokens;
    size_t count;
};

struct mention_type {
    struct mention *list; /* distinct, in order of first appearance */
    size_t count, room;
};

/* Which mention: a type, and which of its list. */
struct mention_place {
    uint32_t type, rank;
};

struct mentions {
    struct mention_type *types;
    size_t count, room;
    struct map type_numbers, ranks;
    struct arena keys;
};

void mentions_init(struct mentions *mentions);
void mentions_release(struct mentions *mentions);

/* Notes a mention of the sentence, and where it is kept. False when out of memory. */
bool mentions_add(struct mentions *mentions, const struct sentence *sentence, const struct span *span,
                  struct mention_place *place);

/* How many others of its type there are. */
size_t mentions_others(const struct mentions *mentions, struct mention_place place);

/* One of these, each equally likely; the mention itself where there is no other. */
const struct mention *mentions_draw(const struct mentions *mentions, struct mention_place place, struct philox *from);

#endif
